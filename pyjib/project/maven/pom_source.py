"""What whoever works out models asks of whoever has the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from pyjib.project.maven.model import Coordinates, Repository


class Missing(NamedTuple):
    """Why a POM is not to be had, in words that follow a colon, and what helps."""

    reason: str
    hint: str


class PomSource(Protocol):
    """Where POMs of parents, BOMs and dependencies come from: a local repository, mostly.

    ``repositories`` are those declared by the POM that asks; a source that downloads nothing
    need not look at them.
    """

    def missing_pom(self, coordinates: Coordinates) -> Missing:
        """Return what to say of a POM that ``find_pom`` did not find."""
        ...

    def find_pom(
        self, coordinates: Coordinates, repositories: Sequence[Repository] = ()
    ) -> Path | None:
        """Return the POM's file; ``None`` if it is not there and cannot be had."""
        ...

    def versions(
        self, group: str, artifact: str, repositories: Sequence[Repository] = ()
    ) -> Sequence[str]:
        """Return the versions known for an artifact, for ranges in ``<parent>``."""
        ...
