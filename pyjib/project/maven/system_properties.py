"""The system properties that a JVM running Maven on this machine would have.

Those that POMs are known to ask for. Specification: ``maven-and-gradle-projects`` §1.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pyjib.options import HostEnvironment
from pyjib.project.maven import seen
from pyjib.project.maven.java_home import Jdk
from pyjib.project.maven.machine import machine_properties

_FIRST_CLASS_VERSION = 44  # of Java 0, so to speak: Java 8 has 52


def system_properties(host: HostEnvironment, jdk: Jdk | None, directory: Path) -> dict[str, str]:
    """Return properties of the machine and the environment (``env.NAME``).

    ``directory`` is where Maven would be started. ``os.detected.*``, which os-maven-plugin adds,
    are always there.
    """
    properties = machine_properties(host)
    properties["user.dir"] = str(directory)
    home = host.get("MAVEN_HOME") or host.get("M2_HOME")
    if home is not None:
        properties["maven.home"] = home
    if jdk is not None:
        properties |= dict(_java(jdk))
    windows = properties["os.name"].startswith("Windows")
    for name, value in seen.unwatched(host.variables).items():
        properties[f"env.{name.upper() if windows else name}"] = value
    return properties


def _java(jdk: Jdk) -> Iterator[tuple[str, str]]:
    yield "java.version", jdk.version
    yield "java.specification.version", jdk.specification
    yield "java.vm.specification.version", jdk.specification
    yield "java.class.version", f"{_FIRST_CLASS_VERSION + jdk.major}.0"
    if jdk.home is not None:
        yield "java.home", str(jdk.home)
    if jdk.vendor is not None:
        yield "java.vendor", jdk.vendor
