"""Layer tars, byte for byte those of Jib.

Jib writes POSIX tars by Apache Commons Compress, whose habits are kept here: octal fields that
end in a space, a PAX header with four times before every entry (since Jib 3.4.2), names cut by
UTF-16 code units, and no padding after the two zero blocks at the end. Entries are written as
they come; ``LayerPlan.of`` has put them in order.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from pyjib.errors import ProjectError
from pyjib.layer.content import changed, chunks_of
from pyjib.layer.tar_time import TarTime
from pyjib.patterns import late
from pyjib.plan.model import LayerEntry
from pyjib.project.model import FileSource

_BLOCK = 512
_NAME = 100
_OWNER_NAME = 32
_MAX_ID = 0o7777777
_MAX_NUMBER = 0o77777777777
"""The largest size (a byte below 8 GiB) and time in a header; more goes into a PAX record."""

# Name, mode, uid, gid, size, mtime, checksum, type, link name, magic, version, user name, group
# name, device numbers, prefix (POSIX.1-1988 ustar).
_HEADER = struct.Struct("100s8s8s8s12s12s8s1s100s6s2s32s32s8s8s155s12x")
_NO_CHECKSUM = b" " * 8
_NO_DEVICE = b"0000000 "
_INTEGER = late(r"[+-]?[0-9]+")


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take all of ``data``."""
        ...


END = bytes(2 * _BLOCK)
"""What a tar ends with."""


def write_tar(
    entries: Iterable[LayerEntry],
    out: Sink,
    *,
    time_records: bool,
    check: Callable[[], None],
) -> None:
    """Write a tar of ``entries`` to ``out``; all else is as for ``tar_chunks``."""
    for chunk in tar_chunks(entries, time_records=time_records, check=check):
        out.write(chunk)
    out.write(END)


def tar_chunks(
    entries: Iterable[LayerEntry], *, time_records: bool, check: Callable[[], None]
) -> Iterator[bytes]:
    """Yield a tar of ``entries`` without its end, in chunks of at most about 1 MiB.

    ``time_records`` tells whether every entry has PAX time records, as since Jib 3.4.2. ``check``
    is called before every chunk, and may raise. A file whose size changes while it is read, or
    that cannot be read, raises ``ProjectError``.
    """
    for entry in entries:
        check()
        size = _size(entry)
        yield _headers(entry, size, time_records=time_records)
        if entry.source is not None:
            for chunk in _content(entry.source, size):
                yield chunk
                check()
            yield bytes(-size % _BLOCK)


def tar_size(entries: Iterable[LayerEntry], *, time_records: bool) -> int:
    """Return how many bytes ``write_tar`` writes, without opening a file."""
    total = len(END)
    for entry in entries:
        size = _size(entry)
        total += len(_headers(entry, size, time_records=time_records))
        total += size + -size % _BLOCK
    return total


def _size(entry: LayerEntry) -> int:
    return 0 if entry.source is None else entry.source.size


def _content(source: FileSource, size: int) -> Iterator[bytes]:
    left = size
    for chunk in chunks_of(source):
        left -= len(chunk)
        if left < 0:
            raise changed(source, f"it had {size} bytes, and now has more")
        yield chunk
    if left:
        raise changed(source, f"it had {size} bytes, and now has {size - left}")


def _headers(entry: LayerEntry, size: int, *, time_records: bool) -> bytes:
    """Return all blocks that come before an entry's content."""
    name = _encoded_name(entry)
    owner = _Owner(entry.owner)
    time = TarTime.of(entry.mtime, exact=time_records)
    records = _records(name, entry.name, owner, size, time)
    header = _header(
        name=name if len(name) <= _NAME else _cut(entry.name, _NAME),
        mode=(0o40000 if entry.source is None else 0o100000) | entry.mode,
        owner=owner,
        size=_fitting(size, _MAX_NUMBER),
        mtime=_fitting(time.seconds, _MAX_NUMBER),
        kind=b"5" if entry.source is None else b"0",
    )
    if not records:
        return header
    extended = _header(
        name=_pax_name(entry.name),
        mode=0o100644,
        owner=_ROOT,
        size=len(records),
        mtime=_fitting(time.seconds, _MAX_NUMBER),
        kind=b"x",
    )
    return extended + records + bytes(-len(records) % _BLOCK) + header


def _records(name: bytes, text: str, owner: _Owner, size: int, time: TarTime) -> bytes:
    """Return the body of a PAX header, in the order of a Java hash map of these keys."""
    found: list[tuple[str, str]] = []
    if len(name) >= _NAME:
        found.append(("path", text))
    found += [(key, str(number)) for key, number in owner.ids if not 0 <= number <= _MAX_ID]
    if time.every:
        found.append(("atime", time.text))
    if size > _MAX_NUMBER:
        found.append(("size", str(size)))
    if time.every:
        found.append(("ctime", time.text))
    if time.has_fraction or not 0 <= time.seconds <= _MAX_NUMBER:
        found.append(("mtime", time.text))
    if time.every:
        found.append(("LIBARCHIVE.creationtime", time.text))
    return b"".join(_record(key, value) for key, value in found)


def _record(key: str, value: str) -> bytes:
    """Return ``LENGTH KEY=VALUE``, whose length counts its own digits too.

    Two lengths may be right (``9 uid=-5``, ``10 uid=-5``); which one is found depends on the
    first guess, which is two digits for the length and one byte for each UTF-16 unit.
    """
    rest = f" {key}={value}\n".encode()
    length = len(key) + len(_utf16(value)) // 2 + 5
    while (actual := len(str(length)) + len(rest)) != length:
        length = actual
    return b"%d" % length + rest


class _Owner:
    """An owner ``user[:group]``: each part a number, or a name with the number 0."""

    def __init__(self, text: str) -> None:
        user, _, group = text.partition(":")
        self.uid, self.user = _principal(user)
        self.gid, self.group = _principal(group)
        self.ids = (("uid", self.uid), ("gid", self.gid))


def _principal(text: str) -> tuple[int, bytes]:
    if not text:
        return 0, b""
    if _INTEGER.fullmatch(text) and -(1 << 63) <= int(text) < 1 << 63:
        return int(text), b""
    return 0, _cut(text, _OWNER_NAME)


_ROOT = _Owner("")


def _header(*, name: bytes, mode: int, owner: _Owner, size: int, mtime: int, kind: bytes) -> bytes:
    fields = (
        name,
        b"%07o " % mode,
        b"%07o " % _fitting(owner.uid, _MAX_ID),
        b"%07o " % _fitting(owner.gid, _MAX_ID),
        b"%011o " % size,
        b"%011o " % mtime,
    )
    rest = (kind, b"", b"ustar", b"00", owner.user, owner.group, _NO_DEVICE, _NO_DEVICE, b"")
    checksum = sum(_HEADER.pack(*fields, _NO_CHECKSUM, *rest))
    return _HEADER.pack(*fields, b"%06o\0 " % checksum, *rest)


def _fitting(number: int, largest: int) -> int:
    return number if 0 <= number <= largest else 0


def _encoded_name(entry: LayerEntry) -> bytes:
    try:
        return entry.name.encode()
    except UnicodeEncodeError:
        raise ProjectError(
            f"the name {entry.target!r} is not valid Unicode, and cannot be that of a file in "
            "an image",
            hint="rename the file",
        ) from None


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _cut(text: str, length: int) -> bytes:
    """Drop UTF-16 units from the end until ``length`` bytes of UTF-8 suffice.

    What is left of a pair that was cut in the middle becomes a question mark. (Java's encoder
    drops it instead if its buffer happens to be full, in names of mostly non-ASCII characters.)
    """
    units = _utf16(text)[: 2 * length]  # each unit takes a byte at least
    while True:
        data = units.decode("utf-16-be", "surrogatepass").encode("utf-8", "replace")
        if len(data) <= length:
            return data
        units = units[:-2]


def _pax_name(text: str) -> bytes:
    units = _utf16(text)
    plain = bytes(unit & 0x7F for unit in units[1::2])
    for replaced in (b"\0", b"/", b"\\"):
        plain = plain.replace(replaced, b"_")
    return (b"./PaxHeaders.X/" + plain)[: _NAME - 1]
