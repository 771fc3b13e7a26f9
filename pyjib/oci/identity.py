"""Whose bytes an image has: pyjib's own, or those of a certain Jib."""

from __future__ import annotations

from typing import Self

from pyjib.errors import ConfigurationError
from pyjib.frozen import frozen

JIB_MAVEN_PLUGIN = "jib-maven-plugin"
JIB_GRADLE_PLUGIN = "jib-gradle-plugin"
JIB_CLI = "jib-cli"
NEWEST_JIB = "3.5.2"
NEWEST_JIB_GRADLE = "3.5.4"
NEWEST_JIB_CLI = "0.13.0"
"""The newest releases whose images are known."""

_NEWEST = {
    JIB_MAVEN_PLUGIN: NEWEST_JIB,
    JIB_GRADLE_PLUGIN: NEWEST_JIB_GRADLE,
    JIB_CLI: NEWEST_JIB_CLI,
}
_LONGEST = 9
"""Digits of a part of a version; Python itself reads numbers of some thousands only."""

# The first release of each front end with the byte eras of the plugins' 3.4.2: Jib's own count.
_ERA_OF_3_4_2 = {JIB_CLI: (0, 13, 0), "jib-core": (0, 27, 0)}


@frozen
class Identity:
    """``tool`` and ``version`` go into history; for Jib they also choose among its byte eras.

    ``jdk`` is the major version of the JDK that Jib is taken to run on: it decides the order of
    its hash maps and a byte of its gzip headers.
    """

    tool: str
    version: str | None = None
    jdk: int = 17

    @classmethod
    def of_jib(cls, version: str, *, tool: str = "jib-maven-plugin", jdk: int = 17) -> Self:
        """Return the identity of one version of one of Jib's front ends."""
        parts = version.split(".")
        if not all(part.isdecimal() and len(part) <= _LONGEST for part in parts):
            raise ConfigurationError(f"not a version of Jib: {version!r}")
        return cls(tool=tool, version=version, jdk=jdk)

    @property
    def is_jib(self) -> bool:
        """Tell whether Jib's documents, order and defects are asked for."""
        return self.version is not None

    @property
    def created_by(self) -> str:
        """History's ``created_by``: without a version for pyjib, so that upgrades change none."""
        return f"{self.tool}:{self.version}" if self.version is not None else self.tool

    @property
    def author(self) -> str:
        """History's ``author``."""
        return "Jib" if self.is_jib else "pyjib"

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers that compare, three at least; empty for pyjib."""
        if self.version is None:
            return ()
        numbers = [int(part) for part in self.version.split(".")]
        return tuple(numbers + [0] * (3 - len(numbers)))

    @property
    def newest_known(self) -> Identity | None:
        """The newest release of this tool whose images are known, ``None`` for pyjib and others."""
        newest = _NEWEST.get(self.tool)
        return None if newest is None else Identity(tool=self.tool, version=newest, jdk=self.jdk)

    @property
    def is_since_3_4_2(self) -> bool:
        """Tell whether it is pyjib, or a Jib of the time of the plugins' 3.4.2 or newer."""
        return not self.is_jib or self.release >= _ERA_OF_3_4_2.get(self.tool, (3, 4, 2))

    @property
    def time_records(self) -> bool:
        """Tell whether every tar entry has PAX time records: Jib's plugins do since 3.4.2."""
        return self.is_since_3_4_2

    @property
    def gzip_os(self) -> int:
        """The operating system byte of Java's gzip header: JDK 16 changed it to "unknown"."""
        return 0xFF if self.jdk >= 16 else 0


PYJIB = Identity(tool="pyjib")
