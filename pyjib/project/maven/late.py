"""Texts of a POM that few ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

PLAIN_FACTS = frozenset(("name", "description", "url", "inceptionYear", "modelVersion"))
NESTED_FACTS = frozenset(
    (
        *("organization", "scm", "issueManagement", "ciManagement", "distributionManagement"),
        "reporting",
    )
)
LISTED_FACTS = {"licenses": "license", "developers": "developer"}
"""Lists whose members are named by their number: ``licenses[0].name``."""
FACTS = PLAIN_FACTS | NESTED_FACTS | frozenset(LISTED_FACTS)
"""The elements that a POM's facts come from, and that their names begin with."""


class LateMapping(Mapping[str, str]):
    """Texts by name, made when the first is asked for."""

    __slots__ = ("_found", "_make")

    def __init__(self, make: Callable[[], Mapping[str, str]]) -> None:
        self._make = make
        self._found: Mapping[str, str] | None = None

    def _made(self) -> Mapping[str, str]:
        if self._found is None:
            self._found = self._make()
        return self._found

    def __getitem__(self, name: str) -> str:
        return self._made()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())
