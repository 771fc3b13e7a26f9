"""JSON as images use it: bytes out that never vary, and a strict reader.

``dump`` writes what Jackson writes for Jib (compact, members in the order given), so that a
document made here has the digest of the one Jib makes.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, TypeAlias

from pyjib.errors import MalformedDocumentError
from pyjib.patterns import late

Json: TypeAlias = dict[str, Any]

_SURROGATE = late(rb"\\u[dD][89a-fA-F]")
_NON_BMP = late("[\U00010000-\U0010ffff]")
_SPARSEST = 32
MAX_DOCUMENT = 4 * 1024 * 1024
"""The largest manifest, index or config in bytes that is read: what registries themselves take."""


def dump(value: object) -> bytes:
    r"""Serialise without spaces or final newline, as UTF-8.

    Characters beyond the basic plane become two ``\uXXXX`` escapes, and escapes are written in
    upper-case hexadecimal, as Jackson does.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if "\\u" in text:
        text = _upper_escapes(text)
    return _NON_BMP.sub(_surrogates, text).encode()


def dump_names(value: object) -> str:
    r"""Serialise for programs to read: bytes of files' names that are no UTF-8 are ``\udcXX``."""
    try:
        return dump(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))


def load(data: bytes, what: str, *, limit: int = MAX_DOCUMENT) -> Json:
    """Parse an object of at most ``limit`` bytes; ``what`` names the document in errors.

    Raises ``MalformedDocumentError`` if it is too large, not JSON, not an object, has a member
    twice (two readers could then see two documents under one digest), or what ``dump`` could not
    write again: text that is no Unicode, or a depth beyond all measure.
    """
    if len(data) > limit:
        raise MalformedDocumentError(f"{what} has {len(data)} bytes, more than {limit}")
    # Two bytes of JSON make an empty list of 56: 4 MiB of such would take 180 MiB of memory.
    if data.count(b"[") + data.count(b"{") > limit // _SPARSEST:
        raise MalformedDocumentError(f"{what} has too many objects and lists")
    try:
        # Left to itself, json takes UTF-16 too, and halves of pairs that are no UTF-8.
        value = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise MalformedDocumentError(f"{what} is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise MalformedDocumentError(f"{what} is not a JSON object")
    if _SURROGATE.search(data):
        _check_text(value, what)
    return value


def _check_text(value: Json, what: str) -> None:
    # Escapes can spell halves of a pair, which no encoding has bytes for.
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise MalformedDocumentError(f"{what} has text that is not Unicode") from None


def _upper_escapes(text: str) -> str:
    # A backslash that is itself escaped must not start an escape: walk pairs from the left.
    return re.sub(
        r"\\(?:u([0-9a-f]{4})|.)",
        lambda match: f"\\u{match[1].upper()}" if match[1] else match[0],
        text,
    )


def _surrogates(match: re.Match[str]) -> str:
    rest = ord(match[0]) - 0x10000
    return f"\\u{0xD800 + (rest >> 10):04X}\\u{0xDC00 + (rest & 0x3FF):04X}"


def _unique(pairs: list[tuple[str, Any]]) -> Json:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"the member {twice[:200]!r} appears twice")
    return result
