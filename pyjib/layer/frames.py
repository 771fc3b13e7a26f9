"""Where zstd frames and their blocks begin and end (RFC 8878 §3.1).

Looking at the framing before anything is decompressed gives what a decompressor alone does not:
input that ends within a frame is noticed, and memory is bounded, for a block holds no more than
128 KiB however small it is.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import BinaryIO

from pyjib.errors import ContentError

_MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
_LARGEST_BLOCK = 128 * 1024
_RUN_LENGTH = 1
_RESERVED = 3
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Part:
    """A frame's header or one of its blocks; the last one brings the checksum too."""

    data: bytes
    is_last: bool = False


def is_start(head: bytes) -> bool:
    """Tell whether a zstd stream may begin so; skippable frames count."""
    return head.startswith(_MAGIC) or _is_skippable(head)


def parts(stream: BinaryIO) -> Generator[Part]:
    """Yield the parts of all frames of ``stream``; leave skippable frames out.

    Raises ``ContentError`` if the stream is empty, ends within a frame, or has anything else
    between frames.
    """
    magic = _read(stream, 4)
    while True:
        if _is_skippable(magic):
            _skip(stream, int.from_bytes(_read(stream, 4), "little"))
        elif magic == _MAGIC:
            yield from _frame(stream)
        else:
            raise ContentError("the zstd data is damaged: no frame begins where one should")
        magic = _read(stream, 4, or_nothing=True)
        if not magic:
            return


def _frame(stream: BinaryIO) -> Generator[Part]:
    descriptor = _read(stream, 1)
    flags = descriptor[0]
    single_segment = bool(flags & 0x20)
    window = 0 if single_segment else 1
    dictionary = (0, 1, 2, 4)[flags & 0x03]
    content_size = (1 if single_segment else 0, 2, 4, 8)[flags >> 6]
    checksum = 4 if flags & 0x04 else 0
    yield Part(_MAGIC + descriptor + _read(stream, window + dictionary + content_size))
    is_last = False
    while not is_last:
        header = _read(stream, 3)
        number = int.from_bytes(header, "little")
        is_last, kind, size = bool(number & 1), number >> 1 & 3, number >> 3
        if kind == _RESERVED or size > _LARGEST_BLOCK:
            raise ContentError("the zstd data is damaged: a block has a kind or size that none has")
        content = _read(stream, 1 if kind == _RUN_LENGTH else size)
        if is_last and checksum:
            content += _read(stream, checksum)
        yield Part(header + content, is_last)


def _is_skippable(magic: bytes) -> bool:
    return len(magic) >= 4 and magic[0] & 0xF0 == 0x50 and magic[1:4] == _SKIPPABLE


def _skip(stream: BinaryIO, size: int) -> None:
    while size:
        size -= len(_read(stream, min(size, _CHUNK)))


def _read(stream: BinaryIO, size: int, *, or_nothing: bool = False) -> bytes:
    """Read exactly ``size`` bytes, however few come at a time."""
    data = b""
    while len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            if or_nothing and not data:
                return b""
            raise ContentError("the zstd data is cut short")
        data += more
    return data
