"""What a dependency's words mean in files: artifacts, and Maven's table of types.

Specification: ``maven-and-gradle-projects`` §2.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from pyjib.project.maven.model import PomDependency

if TYPE_CHECKING:
    from pyjib.project.maven.version import VersionRange

SNAPSHOT = "SNAPSHOT"
_TIMESTAMP = r"^(.*-)?(\d{8}\.\d{6}-\d+)$"


class _Type(NamedTuple):
    extension: str
    classifier: str = ""
    holds_its_dependencies: bool = False


_TYPES: Mapping[str, _Type] = MappingProxyType(
    {
        "jar": _Type("jar"),
        "maven-plugin": _Type("jar"),
        "ejb": _Type("jar"),
        "test-jar": _Type("jar", "tests"),
        "ejb-client": _Type("jar", "client"),
        "javadoc": _Type("jar", "javadoc"),
        "java-source": _Type("jar", "sources"),
        "war": _Type("war", holds_its_dependencies=True),
        "ear": _Type("ear", holds_its_dependencies=True),
        "rar": _Type("rar", holds_its_dependencies=True),
    }
)

Key = tuple[str, str, str, str]
"""What two versions of one artifact have in common: group, artifact, extension, classifier."""


class Artifact(NamedTuple):
    """A file of a repository, by its coordinates."""

    group: str
    artifact: str
    version: str
    extension: str = "jar"
    classifier: str = ""

    @property
    def key(self) -> Key:
        """The coordinates without the version."""
        return self.group, self.artifact, self.extension, self.classifier

    @property
    def is_snapshot(self) -> bool:
        """Whether the version is one of a snapshot, time stamp or not."""
        return self.base_version.endswith(SNAPSHOT)

    @property
    def base_version(self) -> str:
        """The version with ``SNAPSHOT`` in place of a time stamp: the name of its folder."""
        return base_version(self.version)

    def file_name(self, version: str) -> str:
        """Return the name that a repository gives to the file of that version."""
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{version}{classifier}.{self.extension}"

    def __str__(self) -> str:
        """Write it as Maven does, ``g:a:extension[:classifier]:version``."""
        return ":".join(filter(None, (*self.key, self.version)))

    @property
    def fetch_command(self) -> str:
        """The command that puts the file into the local repository."""
        found = f"{self.group}:{self.artifact}:{self.version}"
        if self.classifier:
            found += f":{self.extension}:{self.classifier}"
        elif self.extension != "jar":
            found += f":{self.extension}"
        return f"mvn dependency:get -Dartifact={found}"


def base_version(version: str) -> str:
    """Return a version with ``SNAPSHOT`` in place of a time stamp."""
    if "-" not in version or not version[-1].isdecimal():
        return version
    found = re.match(_TIMESTAMP, version)
    return f"{found[1] or ''}{SNAPSHOT}" if found else version


def range_of(version: str) -> VersionRange | None:
    """Return the range that a version is, ``None`` for a plain one, as ``parse_range`` does."""
    if not version.startswith(("[", "(")):
        return None
    from pyjib.project.maven.version import parse_range  # noqa: PLC0415 - few are ranges

    return parse_range(version)


def key_of(dependency: PomDependency) -> Key:
    """Return the key of the artifact that a dependency names."""
    kind = _TYPES.get(dependency.type)
    if kind is None:
        return dependency.group, dependency.artifact, dependency.type, dependency.classifier
    classifier = dependency.classifier or kind.classifier
    return dependency.group, dependency.artifact, kind.extension, classifier


def artifact_of(dependency: PomDependency) -> Artifact:
    """Return the artifact that a dependency names, by the table of types."""
    kind = _TYPES.get(dependency.type)
    if kind is None:
        extension, classifier = dependency.type, dependency.classifier
    else:
        extension, classifier = kind.extension, dependency.classifier or kind.classifier
    return Artifact(
        dependency.group, dependency.artifact, dependency.version or "", extension, classifier
    )


def holds_its_dependencies(dependency_type: str) -> bool:
    """Tell whether files of a type bring their libraries inside, as a war does."""
    kind = _TYPES.get(dependency_type)
    return kind is not None and kind.holds_its_dependencies
