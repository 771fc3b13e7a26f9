"""Made-up libraries at random that ask for each other, in circles too, and projects over them.

Published artifacts are well behaved; these are not. The same seed gives the same graph.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from tests.support.maven import MavenRepository, pom, tags, write
from tests.support.maven_graph import GROUP, all_asked, all_managed, write_versions

_LIBRARIES = 16
_VERSIONS = ("1", "2", "3", "1.5-beta")
_RANGES = ("[1,2]", "[2,3]", "[1,3)", "[2]", "[1,)", "[3,)")
_FILES = ("jar", "war", "zip")


class Graph:
    """Libraries ``PREFIX0`` to ``PREFIX15``, in four versions each, and what projects ask for."""

    def __init__(self, seed: int, prefix: str) -> None:
        self._random = random.Random(seed)
        self._prefix = prefix
        self._backwards = self._random.choice((0, 0.1, 0.4))

    def write_libraries(self, repository: MavenRepository) -> None:
        """Write POMs, files, and the metadata that list versions."""
        for number in range(_LIBRARIES):
            name = self._name(number)
            write_versions(repository, name, _VERSIONS)
            for version in _VERSIONS:
                library = f"{GROUP}:{name}:{version}"
                words = self._line(self._random.choice((0, 1, 2, 2, 3)), after=number)
                repository.pom(library, all_asked(words), *self._moved(number, version))
                for extension in _FILES:
                    repository.jar(library, extension=extension)
                    repository.jar(library, extension=extension, classifier="cl")
                repository.jar(library, classifier="tests")

    def write_project(self, directory: Path) -> Path:
        """Write the POM of a project; return its directory."""
        managed = self._line(self._random.choice((0, 0, 2, 4))).replace("?", "")
        text = pom(
            f"{GROUP}:{directory.name}:1",
            all_managed(managed) if managed else "",
            all_asked(self._line(self._random.randint(1, 5))),
        )
        write(directory / "pom.xml", text)
        return directory

    def _name(self, number: int) -> str:
        return f"{self._prefix}{min(number, _LIBRARIES - 1)}"

    def _line(self, count: int, after: int | None = None) -> str:
        """Return words for different things, so that none is declared twice."""
        words: dict[str, str] = {}
        for _ in range(count):
            identity, word = self._word(after)
            words.setdefault(identity, word)
        return " ".join(words.values())

    def _word(self, after: int | None) -> tuple[str, str]:
        chance = self._random.random
        number = self._random.randrange(_LIBRARIES)
        if after is not None and chance() >= self._backwards:
            number = after + self._random.randint(1, 4)
        version = self._random.choice(_RANGES if chance() < 0.1 else _VERSIONS)
        scope = self._random.choice(("/runtime", "/provided", "/test", *[""] * 9))
        kind = self._random.choice(("%war", "%test-jar", "%zip", "+cl", *[""] * 16))
        optional = "?" if chance() < 0.1 else ""
        excluded = ",".join(self._excluded()) if chance() < 0.15 else ""
        name = self._name(number)
        rest = f"{scope}{kind}{optional}{'!' * bool(excluded)}{excluded}"
        return f"{name}{kind}", f"{name}:{version}{rest}"

    def _excluded(self) -> Iterator[str]:
        for _ in range(self._random.randint(1, 2)):
            everything = self._random.random() < 0.05
            yield "*" if everything else self._name(self._random.randrange(_LIBRARIES))

    def _moved(self, number: int, version: str) -> Iterator[str]:
        """Yield a relocation for a few, never one that leads back: Maven would follow for ever."""
        if self._random.random() < 0.05 and number < _LIBRARIES - 1:
            artifact = self._name(self._random.randrange(number + 1, _LIBRARIES))
            found = tags(artifactId=artifact, version=self._random.choice(_VERSIONS))
            yield f"<distributionManagement><relocation>{found}</relocation></distributionManagement>"
        elif self._random.random() < 0.03 and version == _VERSIONS[0]:
            found = tags(version=self._random.choice(_VERSIONS[1:]))
            yield f"<distributionManagement><relocation>{found}</relocation></distributionManagement>"
