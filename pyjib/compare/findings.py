"""Collects differences, of which the first at each level is kept."""

from __future__ import annotations

from collections.abc import Iterable

from pyjib.compare.model import Difference, Level


class Findings:
    """The first difference at each level so far."""

    def __init__(self) -> None:
        self._first: dict[Level, Difference] = {}

    def add(self, level: Level, place: str, jib: str | None, ours: str | None) -> None:
        """Keep a difference if it is the first at its level."""
        if level not in self._first:
            self._first[level] = Difference(level=level, place=place, jib=jib, ours=ours)

    def has_all(self, levels: Iterable[Level]) -> bool:
        """Tell whether nothing more can be found at any of these levels."""
        return all(level in self._first for level in levels)

    @property
    def ordered(self) -> tuple[Difference, ...]:
        """The differences, from the outside in."""
        return tuple(self._first[level] for level in Level if level in self._first)
