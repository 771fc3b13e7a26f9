"""Two tars side by side: entries, headers, content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from pyjib.compare.findings import Findings
from pyjib.compare.model import Level
from pyjib.compare.tar_walk import FIELDS, End, Entry, Extension, TarWalk

_CHUNK = 1 << 20
_SHOWN = 8


def compare_tars(
    jib: BinaryIO, ours: BinaryIO, where: str, findings: Findings, check: Callable[[], None]
) -> None:
    """Find the first differences between two tars at the levels entry, header and byte.

    Entries are taken in pairs of one name. Jib sorts them, so that where names differ the lesser
    one is missing from the other side; in tars that are not sorted, the first pair of different
    names is all that can be told. Raises ``ContentError`` for what is no tar.
    """
    sides = (_Side(TarWalk(jib, check)), _Side(TarWalk(ours, check)))
    while any(side.entry is not None for side in sides):
        left, right = sides[0].entry, sides[1].entry
        if left is not None and right is not None and left.name == right.name:
            _compare_entries(left, right, f"{where}, entry {left.name}", findings, check)
            sides[0].advance()
            sides[1].advance()
        elif not all(side.is_sorted for side in sides):
            place = f"{where}, entry number {sides[0].passed + 1}"
            findings.add(Level.ENTRY, place, _name(left), _name(right))
            return
        else:
            lesser = min((side for side in sides if side.entry is not None), key=_Side.order)
            _report_missing(lesser is sides[0], lesser.entry, where, findings)
            lesser.advance()
    _compare_ends(sides[0].walk.end, sides[1].walk.end, where, findings)


class _Side:
    """One tar: the entry that it is at, ``None`` at the end, and whether names only grew."""

    def __init__(self, walk: TarWalk) -> None:
        self.walk = walk
        self._entries = iter(walk)
        self.entry = next(self._entries, None)
        self.is_sorted = True
        self.passed = 0

    def order(self) -> bytes:
        """Return what Java sorts the entry's name by."""
        return _order(self.entry.name) if self.entry is not None else b""

    def advance(self) -> None:
        """Go to the next entry."""
        before = self.order()
        self.entry = next(self._entries, None)
        self.passed += 1
        if self.entry is not None and self.order() <= before:
            self.is_sorted = False


def _order(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def _name(entry: Entry | None) -> str | None:
    return entry.name if entry is not None else None


def _report_missing(
    only_jib_has_it: bool, entry: Entry | None, where: str, findings: Findings
) -> None:
    name = _name(entry)
    jib, ours = (name, None) if only_jib_has_it else (None, name)
    findings.add(Level.ENTRY, where, jib, ours)


def _compare_entries(
    jib: Entry, ours: Entry, where: str, findings: Findings, check: Callable[[], None]
) -> None:
    for what, left, right in _header_differences(jib, ours):
        findings.add(Level.HEADER, f"{where}, {what}", left, right)
        break
    at = 0
    while True:
        check()
        left_chunk, right_chunk = jib.content.read(_CHUNK), ours.content.read(_CHUNK)
        if left_chunk != right_chunk:
            within = first_difference(left_chunk, right_chunk)
            findings.add(
                Level.BYTE,
                f"{where}, byte {at + within}",
                _hex(left_chunk, within),
                _hex(right_chunk, within),
            )
            return
        if not left_chunk:
            return
        at += len(left_chunk)


def _header_differences(jib: Entry, ours: Entry) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield what differs in the headers; what follows from something else comes last."""
    yield from _record_differences(_records(jib), _records(ours))
    yield from _field_differences(jib.header, ours.header, "")
    for left, right in zip(jib.extensions, ours.extensions, strict=False):
        yield from _field_differences(left.header, right.header, "extended header, ")
    kinds = _kinds(jib.extensions), _kinds(ours.extensions)
    if kinds[0] != kinds[1]:
        yield "extended headers", *kinds
    if jib.header["checksum"] != ours.header["checksum"]:
        yield "checksum", *_shown(jib.header["checksum"], ours.header["checksum"])


def _records(entry: Entry) -> tuple[tuple[str, bytes], ...]:
    return tuple(record for extension in entry.extensions for record in extension.records)


def _record_differences(
    jib: tuple[tuple[str, bytes], ...], ours: tuple[tuple[str, bytes], ...]
) -> Iterator[tuple[str, str | None, str | None]]:
    if jib == ours:
        return
    left, right = dict(jib), dict(ours)
    for key in dict.fromkeys([*left, *right]):
        if left.get(key) != right.get(key):
            yield f"PAX record {key}", _text(left.get(key)), _text(right.get(key))
    yield "order of PAX records", ", ".join(k for k, _ in jib), ", ".join(k for k, _ in ours)


def _field_differences(
    jib: dict[str, bytes], ours: dict[str, bytes], prefix: str
) -> Iterator[tuple[str, str | None, str | None]]:
    for name in FIELDS:
        if name != "checksum" and jib[name] != ours[name]:
            yield f"{prefix}{name}", *_shown(jib[name], ours[name])


def _kinds(extensions: tuple[Extension, ...]) -> str | None:
    kinds = [extension.header["type"].decode("latin-1") for extension in extensions]
    return ", ".join(kinds) or None


def _compare_ends(jib: End | None, ours: End | None, where: str, findings: Findings) -> None:
    if jib != ours:
        findings.add(Level.HEADER, f"{where}, end of the tar", _end(jib), _end(ours))


def _end(end: End | None) -> str | None:
    if end is None:
        return None
    return f"{end.zeros} {'zeros' if end.is_clean else 'bytes, not all of them zeros'}"


def _shown(jib: bytes, ours: bytes) -> tuple[str, str]:
    """Write a field of two headers so that they look different."""
    left, right = jib.rstrip(b"\0"), ours.rstrip(b"\0")
    return (repr(left)[1:], repr(right)[1:]) if left != right else (repr(jib)[1:], repr(ours)[1:])


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="backslashreplace")


def _hex(data: bytes, at: int) -> str | None:
    """Write a few bytes, ``None`` at the end."""
    return data[at : at + _SHOWN].hex(" ") or None


def first_difference(jib: bytes, ours: bytes) -> int:
    """Return the offset of the first byte that differs; the end of the shorter counts as such."""
    low, high = 0, min(len(jib), len(ours))
    if jib[:high] == ours[:high]:
        return high
    while high - low > 1:  # equal before ``low``, different before ``high``
        middle = (low + high) // 2
        if jib[low:middle] == ours[low:middle]:
            low = middle
        else:
            high = middle
    return low
