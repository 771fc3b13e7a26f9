"""From compressed bytes back to content, whoever compressed them.

Members of gzip and frames of zstd that follow each other are one content; memory is bounded,
what is damaged or cut short is noticed, and so is what would grow beyond all measure.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Generator
from typing import TYPE_CHECKING, BinaryIO, cast

from pyjib.errors import ContentError
from pyjib.layer import frames
from pyjib.oci.media_type import Compression

if TYPE_CHECKING:
    import zstandard

_CHUNK = 1 << 20
_INPUT = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"
MAX_SIZE = 10 << 30
"""The most bytes that anything unpacks to."""
MAX_RATIO = 1000
"""So many times its size zstd may unpack to, and HARMLESS_SIZE bytes in any case.

gzip makes zeros 1,032 times smaller at best: there it would refuse files of zeros alone.
"""
HARMLESS_SIZE = 10 << 20


def sniff(head: bytes) -> Compression:
    """Return how a stream is compressed whose first four or more bytes are ``head``."""
    if head.startswith(_GZIP_MAGIC):
        return Compression.GZIP
    if frames.is_start(head):
        return Compression.ZSTD
    return Compression.NONE


def decompressed(stream: BinaryIO, compression: Compression) -> BinaryIO:
    """Return a stream of the content of ``stream``, which stays the caller's to close.

    Members of gzip and frames of zstd that follow each other are one content. Reads are bounded
    in memory, however well the content was compressed. Truncated or damaged input raises
    ``ContentError`` from the read that meets it; so does anything after the last member but
    zeros. Content of more than ``MAX_SIZE`` bytes raises ``BeyondMeasureError``, as does zstd's of
    more than ``MAX_RATIO`` times the bytes that were read. The end of the content has been reported only when ``stream`` was read to its
    end.
    """
    if compression is Compression.NONE:
        return stream
    source = _Counted(stream)
    if compression is Compression.GZIP:
        return _buffered(_measured(_gunzip(cast(BinaryIO, source)), source, math.inf))
    return _buffered(_measured(_unzstd(cast(BinaryIO, source)), source, MAX_RATIO))


class _Counted:
    """Reads a stream, and counts the bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        return data


class BeyondMeasureError(ContentError):
    """Something unpacks to more than anybody needs."""


def _measured(chunks: Generator[bytes], source: _Counted, ratio: float) -> Generator[bytes]:
    done = 0
    for chunk in chunks:
        done += len(chunk)
        if done > MAX_SIZE:
            raise BeyondMeasureError(
                f"the compressed data grows beyond all measure: {source.count} bytes to more than "
                f"the {MAX_SIZE} that are unpacked of anything",
                hint="find out where it is from: it may be meant to fill this machine",
            )
        if done > max(HARMLESS_SIZE, ratio * source.count):
            raise BeyondMeasureError(
                f"the compressed data grows beyond all measure: {source.count} bytes to more than "
                f"{done - len(chunk)}, {ratio} times as much",
                hint="find out where it is from: it may be meant to fill this machine; files of "
                "zeros are taken if gzip compressed them",
            )
        yield chunk


def _gunzip(stream: BinaryIO) -> Generator[bytes]:
    """Yield the content of gzip members in chunks of at most 1 MiB."""
    data = stream.read(_INPUT)
    while True:
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        while not member.eof:
            data = data or stream.read(_INPUT)
            if not data:
                raise ContentError("the gzip data is cut short")
            try:
                chunk = member.decompress(data, _CHUNK)
            except zlib.error as error:
                raise ContentError(f"the gzip data is damaged: {_reason(error)}") from None
            data = member.unused_data or member.unconsumed_tail  # the former after the end only
            yield chunk
        data = _past_zeros(data, stream)
        if not data:
            return


def _past_zeros(data: bytes, stream: BinaryIO) -> bytes:
    # gzip(1) and Go take zeros after the last member for padding, as tape drives add it.
    while not data.strip(b"\0"):
        data = stream.read(_INPUT)
        if not data:
            return b""
    return data.lstrip(b"\0")


def _unzstd(stream: BinaryIO) -> Generator[bytes]:
    """Yield the content of zstd frames, a block of at most 128 KiB at a time."""
    import zstandard  # noqa: PLC0415 - slow to import, and rarely needed

    decompressor = zstandard.ZstdDecompressor()
    frame: zstandard.ZstdDecompressionObj | None = None
    for part in frames.parts(stream):
        try:
            if frame is None or frame.eof:
                frame = decompressor.decompressobj()
            yield frame.decompress(part.data)
        except zstandard.ZstdError as error:
            raise ContentError(f"the zstd data is damaged: {error}") from None
        if part.is_last and not frame.eof:
            raise ContentError("the zstd data is damaged: a frame does not end where it says")


def _reason(error: zlib.error) -> str:
    return str(error).rpartition(": ")[2]


def _buffered(chunks: Generator[bytes]) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_ChunkReader(chunks), _INPUT))


class _ChunkReader(io.RawIOBase):
    """Reads what a generator yields; chunks may be empty."""

    def __init__(self, chunks: Generator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        if not buffer:
            return 0
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        self._chunks.close()
        super().close()
