"""Which JDK Maven would run on: its version, from files alone."""

from __future__ import annotations

import re
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.frozen import frozen
from pyjib.options import HostEnvironment
from pyjib.patterns import late
from pyjib.project.maven import seen
from pyjib.project.maven.pom import PomReader

_RELEASES = ("maven.compiler.release", "maven.compiler.target", "java.version")
_RELEASE = late(r"(1\.)?\d+")
_ENTRY = late(r'^(\w+)="?([^"\r\n]+)"?', re.MULTILINE)


@frozen
class Jdk:
    """A Java installation. ``version`` is the full one (``17.0.15``, ``1.8.0_442``).

    ``guessed`` says that there is none on this machine, and the version is the release that the
    project is compiled for.
    """

    version: str
    home: Path | None = None
    vendor: str | None = None
    guessed: bool = False

    @property
    def specification(self) -> str:
        """The release: ``17``, and ``1.8`` for Java 8."""
        numbers = re.split(r"[._+-]", self.version)
        return ".".join(numbers[:2]) if numbers[0] == "1" else numbers[0]

    @property
    def major(self) -> int:
        """The release as a number: 8, 17."""
        last = self.specification.rpartition(".")[2]
        return int(last[:9]) if last.isdecimal() else 0


def find_jdk(host: HostEnvironment) -> Jdk | None:
    """Return the JDK of ``JAVA_HOME``, else the one whose ``java`` is on the ``PATH``."""
    home = host.get("JAVA_HOME")
    if home is not None:
        return read_jdk(Path(home))
    program = seen.find_program("java", host.variables)
    return None if program is None else read_jdk(program.parent.parent)


def guess_jdk(pom: Path) -> Jdk | None:
    """Return the JDK that a project would want, by the properties of its own POM."""
    try:
        properties = PomReader().read(pom, plugins=False).body.properties
    except ProjectError:
        return None  # whoever reads it for its own sake tells
    found = (properties.get(name, "") for name in _RELEASES)
    version = next((text for text in found if _RELEASE.fullmatch(text)), None)
    return None if version is None else Jdk(version=version, guessed=True)


def read_jdk(home: Path) -> Jdk | None:
    """Return what a JDK's ``release`` file says of it; ``None`` if there is none."""
    # The JRE inside a JDK 8 has no such file of its own.
    for directory in (home, home.parent):
        try:
            data = seen.read_bytes(directory / "release")
        except OSError:
            continue
        entries = dict(_ENTRY.findall(data.decode("utf-8", errors="replace")))
        if "JAVA_VERSION" in entries:
            vendor = entries.get("IMPLEMENTOR")
            return Jdk(version=entries["JAVA_VERSION"], home=home, vendor=vendor)
    return None
