"""The order of Maven's versions, and ranges of them.

The scheme is the resolver's generic one: a version is cut at ``.``, ``-``, ``_`` and wherever
digits and letters meet; numbers come after words, some words have a rank of their own, and what
pads a version (``1.0`` and ``1``, ``1-ga`` and ``1``) does not count. Specification:
``maven-and-gradle-projects`` §2.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, total_ordering
from typing import NamedTuple

from pyjib.errors import ProjectError

_MIN, _QUALIFIER, _WORD, _NUMBER, _MAX = range(5)
_QUALIFIERS = {
    "alpha": -5,
    "beta": -4,
    "milestone": -3,
    "rc": -2,
    "cr": -2,
    "snapshot": -1,
    "ga": 0,
    "final": 0,
    "release": 0,
    "sp": 1,
}
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_TOKEN = re.compile(r"(\d+|[^\d._-]*)([._-]?)")
_EMPTY = ("", "")
_MOST_DIGITS = 4000  # Python takes no longer text for a number


class _Item(NamedTuple):
    """A piece of a version; pieces of different kinds compare by kind alone."""

    kind: int
    rank: int = 0
    word: str = ""

    @property
    def is_number(self) -> bool:
        return self.kind not in (_QUALIFIER, _WORD)

    def against_nothing(self) -> int:
        """Compare with what pads a shorter version: 0, or no word at all."""
        if self.kind in (_NUMBER, _QUALIFIER):
            return self.rank
        return -1 if self.kind == _MIN else 1


@total_ordering
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Version:
    """A version, comparable. Two that differ in padding alone are equal, so none has a hash."""

    text: str
    _items: tuple[_Item, ...]

    @staticmethod
    def parse(text: str) -> Version:
        """Understand any text: there is no malformed version."""
        return _parse(text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Version({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and _compare(self._items, other._items) == 0

    def __lt__(self, other: Version) -> bool:
        return _compare(self._items, other._items) < 0

    __hash__ = None  # type: ignore[assignment] # see the docstring


class _Bound(NamedTuple):
    version: Version
    inclusive: bool


class _Interval(NamedTuple):
    lower: _Bound | None
    upper: _Bound | None

    def contains(self, version: Version) -> bool:
        lower, upper = self.lower, self.upper
        if lower and (version < lower.version or (version == lower.version and not lower[1])):
            return False
        return not (
            upper and (version > upper.version or (version == upper.version and not upper[1]))
        )


@dataclass(frozen=True, slots=True)
class VersionRange:
    """A set of versions, written ``[1.0,2.0)``, ``(,1]``, ``[1.5]``, ``[1.2.*]`` or several."""

    text: str
    _intervals: tuple[_Interval, ...]

    def __str__(self) -> str:
        return self.text

    def contains(self, version: str | Version) -> bool:
        """Tell whether a version is in the range."""
        found = Version.parse(version) if isinstance(version, str) else version
        return any(interval.contains(found) for interval in self._intervals)

    def select(self, versions: Iterable[str]) -> list[str]:
        """Return those of the versions that are in the range, in ascending order."""
        return sorted(filter(self.contains, versions), key=Version.parse)

    def highest(self, versions: Iterable[str]) -> str | None:
        """Return the highest of the versions that are in the range."""
        found = self.select(versions)
        return found[-1] if found else None

    @property
    def only(self) -> str | None:
        """The one version that ``[1.5]`` allows; nobody need ask which versions there are."""
        bounds = [bound for interval in self._intervals for bound in interval]
        first = bounds[0]
        return first.version.text if first and all(bound == first for bound in bounds) else None


def parse_range(text: str) -> VersionRange | None:
    """Return the range that a dependency's version is, ``None`` for a plain version.

    Raises ``ProjectError`` for one that is malformed.
    """
    if not text.startswith(("[", "(")):
        return None
    return VersionRange(text, tuple(_intervals(text)))


def _intervals(text: str) -> Iterator[_Interval]:
    rest = text
    while rest.startswith(("[", "(")):
        end = re.search(r"[\])]", rest)
        if end is None:
            raise _malformed(text, "it does not end")
        yield _interval(rest[: end.end()], text)
        rest = rest[end.end() :].strip()
        rest = rest[1:].strip() if rest.startswith(",") else rest
    if rest:
        raise _malformed(text, f"{rest!r} is no range")


def _interval(part: str, text: str) -> _Interval:
    bounds = [bound.strip() for bound in part[1:-1].split(",")]
    inclusive = part[0] == "[", part[-1] == "]"
    if len(bounds) > 2:
        raise _malformed(text, "more than two bounds")
    if len(bounds) == 1:
        if not all(inclusive):
            raise _malformed(text, "a single version must stand in square brackets")
        is_prefix = bounds[0].endswith(".*")
        ends = (f"{bounds[0][:-1]}min", f"{bounds[0][:-1]}max") if is_prefix else bounds * 2
        return _Interval(*(_Bound(Version.parse(end), True) for end in ends))
    lower, upper = (
        _Bound(Version.parse(bound), closed) if bound else None
        for bound, closed in zip(bounds, inclusive, strict=True)
    )
    if lower and upper and lower.version > upper.version:
        raise _malformed(text, "its lower bound is above the upper one")
    return _Interval(lower, upper)


def _malformed(text: str, reason: str) -> ProjectError:
    return ProjectError(f"invalid version range {text!r}: {reason}")


@cache
def _parse(text: str) -> Version:
    items = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        token, separator = match.groups() if match else _EMPTY
        position += max(len(token) + len(separator), 1)
        before_number = not separator and position < len(text)
        items.append(_item(token, before_number=before_number, is_last=position >= len(text)))
    return Version(text, _trimmed(items))


def _item(token: str, *, before_number: bool, is_last: bool) -> _Item:
    if not token or token[0].isdecimal():
        return _Item(_NUMBER, int(token[:_MOST_DIGITS] or "0"))
    word = token.lower()
    if is_last and word in ("min", "max"):
        return _Item(_MIN if word == "min" else _MAX)
    if before_number:
        word = _SHORT.get(word, word)
    rank = _QUALIFIERS.get(word)
    return _Item(_WORD, word=word) if rank is None else _Item(_QUALIFIER, rank)


def _trimmed(items: list[_Item]) -> tuple[_Item, ...]:
    """Drop padding from the end of each run of numbers or words, the first piece excepted."""
    kept: list[_Item] = []  # from the end
    in_padding = True  # whether all later pieces of the same run were dropped
    for index in range(len(items) - 1, 0, -1):
        item = items[index]
        if index + 1 < len(items) and items[index + 1].is_number != item.is_number:
            in_padding = True
        is_padding = in_padding and item.against_nothing() == 0
        alone = items[index - 1].is_number != item.is_number
        if is_padding and (index == len(items) - 1 or not alone):
            continue
        in_padding = False
        kept.append(item)
    return (*items[:1], *reversed(kept))


def _compare(these: tuple[_Item, ...], those: tuple[_Item, ...]) -> int:
    number = True
    for index in range(max(len(these), len(those))):
        if index >= len(these):
            return -_padding(those, index, None)
        if index >= len(those):
            return _padding(these, index, None)
        this, that = these[index], those[index]
        if this.is_number != that.is_number:
            if this.is_number == number:
                return _padding(these, index, number)
            return -_padding(those, index, number)
        if this != that:
            return -1 if this < that else 1
        number = this.is_number
    return 0


def _padding(items: tuple[_Item, ...], index: int, number: bool | None) -> int:
    """Compare pieces with nothing: all of them, or those of the kind that goes on."""
    for item in items[index:]:
        if number is not None and item.is_number != number:
            continue
        found = item.against_nothing()
        if found:
            return found
    return 0
