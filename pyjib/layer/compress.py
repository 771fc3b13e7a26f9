"""Compression and back: the only door to zlib and zstandard.

Compressed bytes depend on the input, the method, the level and the compressor's version, never
on how the input was cut into chunks, nor on the processor. The latter is why Intel's ISA-L is
not used, fast as it is (docs/adr/002-layer-bytes.md).
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Generator
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from pyjib.errors import ConfigurationError, ContentError
from pyjib.layer import frames
from pyjib.oci.media_type import Compression

if TYPE_CHECKING:
    import zstandard

_CHUNK = 1 << 20
_INPUT = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"
_DEFAULTS = {Compression.NONE: 0, Compression.GZIP: 6, Compression.ZSTD: 3}


class Compressor(Protocol):
    """Takes a stream in chunks; what it returns, joined, is the compressed stream."""

    def compress(self, data: bytes, /) -> bytes:
        """Take a chunk, and return what is ready, perhaps nothing."""
        ...

    def flush(self) -> bytes:
        """End the stream and return the rest."""
        ...


def compressor(compression: Compression, level: int | None, gzip_os: int) -> Compressor:
    """Return a compressor; ``level`` ``None`` is 6 for gzip and 3 for zstd.

    gzip is what Java's ``GZIPOutputStream`` writes; ``gzip_os`` is the header's operating system
    byte (RFC 1952 §2.3.1). zstd is one frame without the content's size and with a checksum
    (RFC 8878 §3.1.1). Raises ``ConfigurationError`` for a level that the method does not have.
    """
    chosen = _level(compression, level)
    if compression is Compression.GZIP:
        return _Gzip(chosen, gzip_os)
    if compression is Compression.ZSTD:
        return _zstd_compressor(chosen)
    return _Plain()


def recipe_text(compression: Compression, level: int | None, gzip_os: int) -> str:
    """Return text that is equal if, and only if, equal input gives equal compressed bytes.

    The compressor's version is part of it: zlib, zlib-ng and other builds give other bytes.
    """
    chosen = _level(compression, level)
    if compression is Compression.GZIP:
        return f"gzip level {chosen} os {gzip_os} zlib {zlib.ZLIB_RUNTIME_VERSION}"
    if compression is Compression.ZSTD:
        import zstandard  # noqa: PLC0415 - slow to import, and rarely needed

        version = ".".join(map(str, zstandard.ZSTD_VERSION))
        return f"zstd level {chosen} zstd {version}"
    return "none"


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
    zeros. The end of the content has been reported only when ``stream`` was read to its end.
    """
    if compression is Compression.GZIP:
        return _buffered(_gunzip(stream))
    if compression is Compression.ZSTD:
        return _buffered(_unzstd(stream))
    return stream


class _Plain:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


class _Gzip:
    """One gzip member around a raw deflate stream, its header as Java writes it.

    Python's own ``gzip`` puts a time and another XFL into the header.
    """

    def __init__(self, level: int, operating_system: int) -> None:
        # Raw deflate in a window of 32 KiB, memory level 8, default strategy: Java's Deflater.
        self._deflate = zlib.compressobj(level, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY)
        self._ready = _GZIP_MAGIC + b"\x08\0\0\0\0\0\0" + bytes((operating_system,))
        self._crc = 0
        self._size = 0

    def compress(self, data: bytes, /) -> bytes:
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        return self._take() + self._deflate.compress(data)

    def flush(self) -> bytes:
        trailer = self._crc.to_bytes(4, "little")
        trailer += (self._size & 0xFFFFFFFF).to_bytes(4, "little")
        return self._take() + self._deflate.flush() + trailer

    def _take(self) -> bytes:
        ready, self._ready = self._ready, b""
        return ready


def _zstd_compressor(level: int) -> Compressor:
    import zstandard  # noqa: PLC0415 - slow to import, and rarely needed

    # No worker threads: with them the bytes depend on how work was divided. The size is left
    # out for it is not known when the frame begins.
    return zstandard.ZstdCompressor(
        level=level, write_checksum=True, write_content_size=False, threads=0
    ).compressobj()


def _level(compression: Compression, level: int | None) -> int:
    if level is None or compression is Compression.NONE:
        return _DEFAULTS[compression]
    if level not in compression.levels:
        raise ConfigurationError(
            f"{compression} has no level {level}",
            hint=f"choose a level from {compression.levels[0]} to {compression.levels[-1]}, or "
            "none for the default",
        )
    return level


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
