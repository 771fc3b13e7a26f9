"""A tar's entries with every field of their headers, as they are stored.

``tarfile`` gives what headers mean; what tells two writers apart is what it hides: extended
headers, the order of their records, how numbers are padded, what follows the last entry.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import BinaryIO

from pyjib.errors import ContentError
from pyjib.frozen import frozen

_BLOCK = 512
_CHUNK = 1 << 20
_LONGEST_EXTENSION = 1 << 20
_LONGEST_NUMBER = 20
_OCTAL = re.compile(rb"[0-7]*")

FIELDS = (
    *("name", "mode", "uid", "gid", "size", "mtime", "checksum", "type", "link name", "magic"),
    *("version", "user name", "group name", "device major", "device minor", "prefix", "padding"),
)
"""The fields of a header, in their order (POSIX.1-1988 ustar)."""

_LAYOUT = struct.Struct("100s8s8s8s12s12s8s1s100s6s2s32s32s8s8s155s12s")
_CHECKSUM = slice(148, 156)
_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK = b"x", b"g", b"L", b"K"
_EXTENSIONS = (_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK)
_WITHOUT_CONTENT = (b"1", b"2", b"3", b"4", b"5", b"6")

Header = dict[str, bytes]
"""The fields of a header by name, none decoded."""


@frozen
class Extension:
    """An extended header: a PAX header's records in their order, or a long name of GNU's."""

    header: Header
    records: tuple[tuple[str, bytes], ...]


@frozen
class Entry:
    """An entry; ``name`` is what its extended headers say, else its header's."""

    name: str
    header: Header
    extensions: tuple[Extension, ...]
    size: int
    content: _Content = field(repr=False, compare=False)


@frozen
class End:
    """How a tar ends: how many zeros follow the last entry, and whether anything else does."""

    zeros: int
    is_clean: bool


class TarWalk:
    """Yields entries of a stream in one pass; ``end`` is known when there are no more.

    Content is read from an entry before the next one is asked for, or skipped. Memory does not
    grow with the tar. Iteration raises ``ContentError`` for what is no tar.
    """

    def __init__(self, stream: BinaryIO, check: Callable[[], None]) -> None:
        self._stream = stream
        self._check = check
        self._position = 0
        self.end: End | None = None

    def __iter__(self) -> Iterator[Entry]:
        extensions: list[Extension] = []
        while any(block := self._block()):
            header = self._header(block)
            if header["type"] in _EXTENSIONS:
                extensions.append(self._extension(header))
                continue
            entry = self._entry(header, tuple(extensions))
            extensions.clear()
            yield entry
            entry.content.skip()
        self.end = self._end(len(block))

    def _block(self) -> bytes:
        """Return a block; nothing where the tar ends without an end mark."""
        self._check()
        block = self.read(_BLOCK)
        if 0 < len(block) < _BLOCK:
            raise ContentError(f"the tar is cut short at byte {self._position}")
        return block

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, fewer only at the end."""
        parts = []
        while size and (part := self._stream.read(min(size, _CHUNK))):
            parts.append(part)
            size -= len(part)
            self._position += len(part)
        return b"".join(parts)

    def _header(self, block: bytes) -> Header:
        header = dict(zip(FIELDS, _LAYOUT.unpack(block), strict=True))
        found = sum(block) - sum(block[_CHECKSUM]) + 8 * 0x20
        if self._number(header["checksum"]) != found:
            raise ContentError(f"there is no tar header at byte {self._position - _BLOCK}")
        return header

    def _extension(self, header: Header) -> Extension:
        size = self._number(header["size"])
        if size > _LONGEST_EXTENSION:
            raise ContentError(f"an extended header of {size} bytes at byte {self._position}")
        body = self.read(size)
        self.read(-size % _BLOCK)
        if len(body) < size:
            raise ContentError(f"the tar is cut short at byte {self._position}")
        if header["type"] in (_PAX, _PAX_GLOBAL):
            return Extension(header=header, records=tuple(self._records(body)))
        key = "path" if header["type"] == _LONG_NAME else "linkpath"
        return Extension(header=header, records=((key, body.rstrip(b"\0")),))

    def _records(self, body: bytes) -> Iterator[tuple[str, bytes]]:
        """Yield the records ``LENGTH KEY=VALUE`` of a PAX header."""
        at = 0
        while at < len(body):
            length, space, _ = body[at : at + 20].partition(b" ")
            if not space or not length.isdigit() or int(length) <= len(length) + 1:
                raise ContentError(f"an extended header is damaged before byte {self._position}")
            record = body[at + len(length) + 1 : at + int(length)]
            key, _, value = record.removesuffix(b"\n").partition(b"=")
            yield key.decode(errors="backslashreplace"), value
            at += int(length)

    def _entry(self, header: Header, extensions: tuple[Extension, ...]) -> Entry:
        said = {key: value for extension in extensions for key, value in extension.records}
        stated = said.get("size", b"")
        if len(stated) > _LONGEST_NUMBER:
            raise ContentError(f"a tar header before byte {self._position} has a size too long")
        size = int(stated) if stated.isdigit() else self._number(header["size"])
        if header["type"] in _WITHOUT_CONTENT:
            size = 0
        return Entry(
            name=said.get("path", _stored_name(header)).decode(errors="backslashreplace"),
            header=header,
            extensions=extensions,
            size=size,
            content=_Content(self, size),
        )

    def _number(self, raw: bytes) -> int:
        """Read an octal number, or a binary one of GNU's."""
        if raw[0] & 0x80:
            return int.from_bytes(bytes((raw[0] & 0x7F,)) + raw[1:])
        text = raw.strip(b" \0")
        if not _OCTAL.fullmatch(text):
            raise ContentError(f"a tar header before byte {self._position} has a number {raw!r}")
        return int(text or b"0", 8)

    def _end(self, zeros: int) -> End:
        is_clean = True
        while chunk := self.read(_CHUNK):
            self._check()
            zeros += len(chunk)
            is_clean = is_clean and not any(chunk)
        return End(zeros=zeros, is_clean=is_clean)


class _Content:
    """What an entry holds: chunks until there are none."""

    def __init__(self, walk: TarWalk, size: int) -> None:
        self._walk = walk
        self._left = size
        self._padding = -size % _BLOCK

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, fewer only at the end of the content."""
        data = self._walk.read(min(size, self._left))
        if len(data) < min(size, self._left):
            raise ContentError("the tar is cut short within an entry")
        self._left -= len(data)
        return data

    def skip(self) -> None:
        """Go to the next entry's header."""
        while self.read(_CHUNK):
            pass
        if len(self._walk.read(self._padding)) < self._padding:
            raise ContentError("the tar is cut short after an entry")
        self._padding = 0


def _stored_name(header: Header) -> bytes:
    name, prefix = header["name"].rstrip(b"\0"), header["prefix"].rstrip(b"\0")
    is_posix = header["magic"] == b"ustar\0"
    return prefix + b"/" + name if prefix and is_posix else name
