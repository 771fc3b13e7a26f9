"""Compression: a layer's tar as one stream, as Jib has it, or in parts that need not wait.

Compressed bytes depend on the input, the method, the level and the compressor's version, never
on the processor, nor for a stream on how its input was cut into chunks. The former is why
Intel's ISA-L is not used, fast as it is (docs/adr/002-layer-bytes.md).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from itertools import pairwise
from typing import Protocol, TypeAlias

from pyjib.errors import ConfigurationError
from pyjib.oci.media_type import Compression

_GZIP_MAGIC = b"\x1f\x8b"
_STREAM = {Compression.NONE: 0, Compression.GZIP: 6, Compression.ZSTD: 3}
_PARTS = {Compression.NONE: 0, Compression.GZIP: 1, Compression.ZSTD: 1}
_BLOCK = 1 << 16
_SAMPLE = 1 << 12

PartCompressor: TypeAlias = Callable[[bytes], bytes | bytearray]
"""Compresses one part of a tar on its own; safe for threads."""


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
    chosen = _level(compression, level, _STREAM)
    if compression is Compression.GZIP:
        return _Gzip(chosen, gzip_os)
    if compression is Compression.ZSTD:
        return _zstd_compressor(chosen)
    return _Plain()


def part_compressor(compression: Compression, level: int | None) -> PartCompressor:
    """Return what makes a part gzip members or a zstd frame; joined, these are one content.

    ``level`` ``None`` is 1, the fastest; what looks as if it were compressed already, as the
    insides of jars do, is then stored by gzip. gzip is libdeflate's (RFC 1952 §2.2), zstd
    a frame with its size and a checksum (RFC 8878 §3.1.1). Raises ``ConfigurationError`` for a
    level that the method does not have.
    """
    chosen = _level(compression, level, _PARTS)
    if compression is Compression.GZIP:
        import deflate  # noqa: PLC0415 - not needed where all layers are cached

        if level is None:
            return _thrifty_gzip
        return lambda part: deflate.gzip_compress(part, chosen)
    if compression is Compression.ZSTD:
        import zstandard  # noqa: PLC0415 - slow to import, and rarely needed

        # A compressor serves one thread at a time, and is cheap to make.
        return lambda part: zstandard.ZstdCompressor(
            level=chosen, write_checksum=True, threads=0
        ).compress(part)
    return bytes


def recipe_text(compression: Compression, level: int | None, gzip_os: int) -> str:
    """Return text that is equal if, and only if, equal input gives equal bytes as a stream.

    The compressor's version is part of it: zlib, zlib-ng and other builds give other bytes.
    """
    chosen = _level(compression, level, _STREAM)
    if compression is Compression.GZIP:
        return f"gzip level {chosen} os {gzip_os} zlib {zlib.ZLIB_RUNTIME_VERSION}"
    return _zstd_text(chosen) if compression is Compression.ZSTD else "none"


def part_recipe_text(compression: Compression, level: int | None) -> str:
    """Return text that is equal if, and only if, equal parts give equal bytes."""
    chosen = _level(compression, level, _PARTS)
    if compression is Compression.GZIP:
        import deflate  # noqa: PLC0415 - not needed where layers are zlib's

        how = f"level {chosen}" if level is not None else "where it pays"
        return f"gzip parts {how} libdeflate of deflate {deflate.__version__}"
    return f"parts {_zstd_text(chosen)}" if compression is Compression.ZSTD else "none"


def _thrifty_gzip(part: bytes) -> bytes:
    """Return gzip members, one for each run of blocks that are alike in whether it pays."""
    import deflate  # noqa: PLC0415 - not needed where all layers are cached

    pays = [_pays(part, start) for start in range(0, len(part), _BLOCK)] or [True]
    edges = [at for at in range(1, len(pays)) if pays[at] != pays[at - 1]]
    return b"".join(
        deflate.gzip_compress(part[start * _BLOCK : end * _BLOCK], int(pays[start]))
        for start, end in pairwise((0, *edges, len(pays)))
    )


def _pays(part: bytes, start: int) -> bool:
    """Tell whether compressing the middle of a block saves a twentieth of it."""
    import deflate  # noqa: PLC0415 - not needed where all layers are cached

    size = min(_BLOCK, len(part) - start)
    if size <= _SAMPLE:
        return True
    middle = start + (size - _SAMPLE) // 2
    sample = part[middle : middle + _SAMPLE]
    return len(deflate.deflate_compress(sample, 1)) * 20 < _SAMPLE * 19


def _zstd_text(level: int) -> str:
    import zstandard  # noqa: PLC0415 - slow to import, and rarely needed

    return f"zstd level {level} zstd {'.'.join(map(str, zstandard.ZSTD_VERSION))}"


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


def _level(compression: Compression, level: int | None, defaults: dict[Compression, int]) -> int:
    if level is None or compression is Compression.NONE:
        return defaults[compression]
    if level not in compression.levels:
        raise ConfigurationError(
            f"{compression} has no level {level}",
            hint=f"choose a level from {compression.levels[0]} to {compression.levels[-1]}, or "
            "none for the default",
        )
    return level
