"""What a JVM would say of this machine and its user, in Java's words.

Specification: ``maven-and-gradle-projects`` §1.5.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator

from pyjib.options import HostEnvironment

_JAVA_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "arm64": "aarch64", "i686": "i386"}
_DETECTED_ARCHITECTURES = {
    "amd64": "x86_64",
    "x86_64": "x86_64",
    "aarch64": "aarch_64",
    "arm": "arm_32",
    "i386": "x86_32",
    "x86": "x86_32",
    "ppc64le": "ppcle_64",
    "s390x": "s390_64",
    "riscv64": "riscv64",
}


def machine_properties(host: HostEnvironment) -> dict[str, str]:
    """Return the system properties that tell of the machine and the user, not of the JVM."""
    properties = dict(_machine())
    properties |= {
        "user.home": str(host.user_home),
        "file.separator": os.sep,
        "path.separator": os.pathsep,
        "line.separator": os.linesep,
        "file.encoding": "UTF-8",
    }
    user = _user_name(host)
    if user is not None:
        properties["user.name"] = user
    return properties


def _machine() -> Iterator[tuple[str, str]]:
    name, version = _operating_system()
    machine = platform.machine().lower()
    architecture = _JAVA_ARCHITECTURES.get(machine, machine)
    if sys.platform == "darwin" and architecture == "amd64":
        architecture = "x86_64"
    yield "os.name", name
    yield "os.version", version
    yield "os.arch", architecture
    yield "sun.arch.data.model", "64" if sys.maxsize > 2**32 else "32"
    detected = {"Mac OS X": "osx", "Linux": "linux"}.get(name, "windows")
    processor = _DETECTED_ARCHITECTURES.get(architecture, "unknown")
    yield "os.detected.name", detected
    yield "os.detected.arch", processor
    yield "os.detected.classifier", f"{detected}-{processor}"


def _operating_system() -> tuple[str, str]:
    """Return name and version in Java's words."""
    if sys.platform == "darwin":
        return "Mac OS X", platform.mac_ver()[0]
    if sys.platform == "win32":
        return f"Windows {platform.release()}", ".".join(platform.version().split(".")[:2])
    return platform.system(), platform.release()


def _user_name(host: HostEnvironment) -> str | None:
    """Return the name of the user, as Java asks for it: from the system, not the environment."""
    if sys.platform != "win32":
        import pwd  # noqa: PLC0415 - not there on Windows

        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container's user need not have a name
            pass
    return host.get("USERNAME") or host.get("USER") or host.get("LOGNAME")
