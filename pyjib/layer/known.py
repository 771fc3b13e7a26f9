"""Layers that were packed before, somewhere else: how they are asked for and recognised.

What a layer contains is always worked out here, as the digest of its tar. What somebody else
may tell is where the compressed bytes of that tar are, and those are recognised by how they
begin and end: that much is compressed here too (docs/adr/009-layer-index.md).
"""

from __future__ import annotations

import hashlib
import zlib
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from pyjib.frozen import frozen
from pyjib.layer.compress import compressor, part_compressor
from pyjib.layer.pieces import in_order
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.media_type import Compression
from pyjib.plan.model import LayerRecipe

SMALLEST = 1 << 20
"""Layers whose files have fewer bytes than this are packed in less time than asking takes."""

SAMPLE = 1 << 14
"""The most bytes at either end that a layer is recognised by."""

_MOST_FED = 4 << 20
_STEP = 1 << 16


@frozen
class Sought:
    """A layer that is wanted: ``diff_id`` is that of its tar, ``key`` its cache key.

    ``recipe`` is text that is equal for equal recipes. The bytes that are wanted begin with
    ``head`` and end with ``tail``; at least one of each is known.
    """

    key: str
    diff_id: Digest
    media_type: str
    recipe: str
    head: bytes
    tail: bytes


@frozen
class Vouched:
    """A layer that somebody who is trusted has packed, and that is there."""

    blob: Blob
    diff_id: Digest


class KnownLayers(Protocol):
    """Knows layers that lie in a registry; safe for threads. Whatever fails is not known."""

    def vouched(self, key: str, media_type: str) -> Vouched | None:
        """Return the layer with a cache key, if it is there and need not be recognised."""

    def may_have(self, key: str) -> bool:
        """Tell whether it is worth finding out what the layer with a cache key contains."""

    def find(self, sought: Sought) -> Blob | None:
        """Return the layer that is sought, if it is there and looks as it must."""

    def holds(self, descriptor: Descriptor, diff_id: Digest) -> Blob | None:
        """Return a layer that was recognised or packed on this machine, if it is there."""


def can_be_recognised(recipe: LayerRecipe) -> bool:
    """Tell whether both ends of a layer follow from its tar without compressing all of it.

    A zstd stream ends in a checksum that only zstd works out. What is not compressed gains
    nothing.
    """
    if recipe.compression is Compression.NONE:
        return False
    return recipe.in_parts or recipe.compression is Compression.GZIP


def look_for(
    pieces: Iterable[bytes], recipe: LayerRecipe, *, key: str, media_type: str, text: str
) -> Sought:
    """Return what is to be sought for a tar that comes in pieces; they are hashed, and dropped.

    ``text`` tells the recipe. The recipe must be one that ``can_be_recognised``.
    """
    hashed = hashlib.sha256()
    sampler = _PartSampler(recipe) if recipe.in_parts else _StreamSampler(recipe)

    def take(piece: bytes) -> None:
        hashed.update(piece)
        sampler.take(piece)

    # Files are read, and compared with their digests, while the pieces before are hashed.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="pyjib-hash") as pool:
        for _ in in_order(take, pieces, pool, ahead=2):
            pass
    return Sought(
        key=key,
        diff_id=Digest.finish(hashed),
        media_type=media_type,
        recipe=text,
        head=sampler.head(),
        tail=sampler.tail(),
    )


class _PartSampler:
    """Each piece is compressed on its own, so those at the ends tell how the layer does."""

    def __init__(self, recipe: LayerRecipe) -> None:
        self._work = part_compressor(recipe.compression, recipe.level)
        self._first: bytes | None = None
        self._last: deque[bytes] = deque(maxlen=2)  # the very last are zeros alone

    def take(self, piece: bytes) -> None:
        if self._first is None:
            self._first = piece
        self._last.append(piece)

    def head(self) -> bytes:
        return bytes(self._work(self._first or b"")[:SAMPLE])

    def tail(self) -> bytes:
        return b"".join(bytes(self._work(piece)) for piece in self._last)[-SAMPLE:]


class _StreamSampler:
    """A gzip stream begins as it does whatever follows, and ends in the tar's CRC and size."""

    def __init__(self, recipe: LayerRecipe) -> None:
        self._stream = compressor(recipe.compression, recipe.level, recipe.gzip_os)
        self._head = bytearray()
        self._fed = 0
        self._crc = 0
        self._size = 0

    def take(self, piece: bytes) -> None:
        self._crc = zlib.crc32(piece, self._crc)
        self._size += len(piece)
        view = memoryview(piece)
        while view and self._fed < _MOST_FED and len(self._head) < SAMPLE:
            self._head += self._stream.compress(view[:_STEP].tobytes())
            self._fed += min(_STEP, len(view))
            view = view[_STEP:]

    def head(self) -> bytes:
        return bytes(self._head[:SAMPLE])

    def tail(self) -> bytes:
        return self._crc.to_bytes(4, "little") + (self._size & 0xFFFFFFFF).to_bytes(4, "little")
