"""Two JSON documents, member by member and down to how they are written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from pyjib.oci.json import Json, load

_IMPLIED = ("digest", "size")
"""Members that differ wherever what they describe does, which is told elsewhere."""
_DIFF_IDS = "rootfs.diff_ids["
"""Where a config describes layers, likewise."""


@dataclass(frozen=True, slots=True)
class Found:
    """A place where two documents differ, with what stands there as JSON."""

    place: str
    jib: str | None
    ours: str | None


def first_difference(jib: bytes, ours: bytes, what: str) -> Found | None:
    """Return where two documents differ first; ``what`` names them.

    A digest, a diff id or a size is told only if nothing else differs. Documents with the same
    members in the same order may still be written in different ways: then the place is a byte's.
    Raises ``MalformedDocumentError``.
    """
    if jib == ours:
        return None
    found = list(_differences(load(jib, f"Jib's {what}"), load(ours, what), ""))
    telling = [one for one in found if not _is_implied(one.place)]
    for one in (*telling, *found):
        return one
    offset = next(
        (at for at, (a, b) in enumerate(zip(jib, ours, strict=False)) if a != b),
        min(len(jib), len(ours)),
    )
    return Found(f"byte {offset}", _excerpt(jib, offset), _excerpt(ours, offset))


def _is_implied(place: str) -> bool:
    return place.rpartition(".")[2] in _IMPLIED or place.startswith(_DIFF_IDS)


def _differences(jib: object, ours: object, place: str) -> Iterator[Found]:
    if isinstance(jib, dict) and isinstance(ours, dict):
        yield from _members(jib, ours, place)
    elif isinstance(jib, list) and isinstance(ours, list):
        for at in range(max(len(jib), len(ours))):
            inner = f"{place}[{at}]"
            if at >= len(jib) or at >= len(ours):
                yield Found(inner, _text_at(jib, at), _text_at(ours, at))
            else:
                yield from _differences(jib[at], ours[at], inner)
    elif type(jib) is not type(ours) or jib != ours:
        yield Found(place, _text(jib), _text(ours))


def _members(jib: Json, ours: Json, place: str) -> Iterator[Found]:
    prefix = f"{place}." if place else ""
    for name, value in jib.items():
        if name in ours:
            yield from _differences(value, ours[name], f"{prefix}{name}")
        else:
            yield Found(f"{prefix}{name}", _text(value), None)
    for name, value in ours.items():
        if name not in jib:
            yield Found(f"{prefix}{name}", None, _text(value))
    if jib.keys() == ours.keys() and list(jib) != list(ours):
        yield Found(f"order of members{f' of {place}' if place else ''}", *_orders(jib, ours))


def _orders(jib: Json, ours: Json) -> tuple[str, str]:
    return ", ".join(jib), ", ".join(ours)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _text_at(values: list[object], at: int) -> str | None:
    return _text(values[at]) if at < len(values) else None


def _excerpt(data: bytes, offset: int) -> str | None:
    return data[offset : offset + 20].decode(errors="backslashreplace") or None
