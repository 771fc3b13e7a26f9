"""Packing one layer: its tar, the tar's digest, compression, the blob's digest, and the disk.

No thread and no machine has a say in the bytes: pieces are cut by the files alone, and written in
their order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pyjib.cancellation import Cancellation
from pyjib.events import LayerPacked, LayerPacking, Listener
from pyjib.frozen import frozen
from pyjib.layer.cache_key import LayerKey, ReadOnce, recipe_key
from pyjib.layer.compress import PartCompressor, compressor, part_compressor
from pyjib.layer.content import PinnedFile
from pyjib.layer.elsewhere import SendAhead, Sending
from pyjib.layer.known import SMALLEST, KnownLayers, look_for
from pyjib.layer.pieces import PIECE, ahead_of, in_order, tar_pieces
from pyjib.oci.blob import Blob
from pyjib.oci.digest import Digest
from pyjib.oci.media_type import Compression
from pyjib.plan.model import LayerEntry, LayerPlan, LayerRecipe
from pyjib.store.store import BlobWriter, LayerRecord, Store

if TYPE_CHECKING:
    from concurrent.futures import Executor

_Write: TypeAlias = Callable[[bytes | bytearray], object]


@frozen
class Packed:
    """A layer that can be had, and where from if it is not in the store."""

    key: str
    blob: Blob
    diff_id: Digest
    source: str = ""


class Work(Protocol):
    """A layer to be packed, with what its files are compared with, or their digests told to."""

    @property
    def plan(self) -> LayerPlan:
        """What is packed."""
        ...

    def entries(self) -> Iterator[LayerEntry]:
        """Yield the plan's entries."""
        ...

    def key(self) -> str:
        """Return the cache key; where it is learnt from the files, all have been read."""
        ...


@frozen
class Pinned:
    """Each file has the content that the key was made of."""

    plan: LayerPlan
    known: LayerKey

    def entries(self) -> Iterator[LayerEntry]:
        """Yield the plan's entries; reading a file that has changed raises ``ProjectError``."""
        for entry, digest in zip(self.plan.entries, self.known.digests, strict=True):
            if entry.source is None or digest is None:
                yield entry
            else:
                yield replace(entry, source=PinnedFile(entry.source, digest))

    def key(self) -> str:
        """Return the key."""
        return self.known.key


@frozen
class Unread:
    """The key is learnt while the tar is made."""

    plan: LayerPlan
    reading: ReadOnce

    def entries(self) -> Iterator[LayerEntry]:
        """Yield the plan's entries, once."""
        return self.reading.entries()

    def key(self) -> str:
        """Return the key of what was read."""
        return self.reading.key().key


def size_of(plan: LayerPlan) -> int:
    """Return the bytes of all files of a layer."""
    return sum(entry.source.size for entry in plan.files if entry.source is not None)


@frozen
class Packer:
    """Packs the layers of one build; safe for threads."""

    recipe: LayerRecipe
    media_type: str
    store: Store
    listener: Listener
    cancellation: Cancellation
    threads: int
    known: KnownLayers | None
    send_ahead: SendAhead | None

    def find(self, key: str) -> Packed | None:
        """Return the layer with a cache key, if it is in the store."""
        record = self.store.get_layer(key)
        if record is None:
            return None
        # The same bytes may have been packed for the other format, under its media type.
        blob = self.store.find(replace(record.descriptor, media_type=self.media_type))
        return None if blob is None else Packed(key=key, blob=blob, diff_id=record.diff_id)

    def obtain(self, work: Work, size: int) -> Packed:
        """Return a layer that is not in the store: one that a registry has, or pack it."""
        packed = None
        if self.known is not None and size >= SMALLEST:
            packed = self._learn(work, self.known)
        if packed is None:
            return self.pack(work, size)
        self.listener(packed_event(work.plan, packed, cached=True))
        return packed

    def _learn(self, work: Work, known: KnownLayers) -> Packed | None:
        key = work.key()
        vouched = known.vouched(key, self.media_type)
        if vouched is not None:  # and not remembered: whoever is trusted today may not be tomorrow
            return _learnt(key, vouched.blob, vouched.diff_id)
        record = self.store.layer_record(key)
        if record is not None:
            described = replace(record.descriptor, media_type=self.media_type)
            blob = known.holds(described, record.diff_id)
            return None if blob is None else _learnt(key, blob, record.diff_id)
        if not known.may_have(key):
            return None
        sought = look_for(
            self._pieces(work),
            self.recipe,
            key=key,
            media_type=self.media_type,
            text=recipe_key(self.recipe),
        )
        blob = known.find(sought)
        if blob is None:
            return None
        # So that the next build has but to ask whether it is still there.
        record = LayerRecord(descriptor=blob.descriptor, diff_id=sought.diff_id, learnt=True)
        self.store.put_layer(key, record)
        return _learnt(key, blob, sought.diff_id)

    def _pieces(self, work: Work) -> Iterator[bytes]:
        return tar_pieces(
            work.entries(), time_records=self.recipe.time_records, check=self.cancellation.check
        )

    def pack(self, work: Work, size: int) -> Packed:
        """Pack a layer into the store."""
        plan = work.plan
        self.listener(LayerPacking(name=plan.name, files=len(plan.files), size=size))
        sending = None
        if self.send_ahead is not None and size >= SMALLEST:
            sending = self.send_ahead(plan.name, size)
        try:
            with self.store.writer() as writer:
                diff_id = self._compress(self._pieces(work), _both(writer, sending), size)
                if sending is not None:
                    sending.finish(writer.describe(self.media_type))
                blob = writer.commit(self.media_type)
        except BaseException:
            if sending is not None:
                sending.abandon()
            raise
        packed = Packed(key=work.key(), blob=blob, diff_id=diff_id)
        self.store.put_layer(packed.key, LayerRecord(descriptor=blob.descriptor, diff_id=diff_id))
        self.listener(packed_event(plan, packed, cached=False))
        return packed

    def _compress(self, pieces: Iterator[bytes], write: _Write, size: int) -> Digest:
        """Write the pieces compressed, and return the digest of what they were before.

        Hashing and the disk keep this thread busy, compression the threads of a pool: as many
        as there are processors, or one where every piece builds on the one before.
        """
        recipe = self.recipe
        method, tally = recipe.compression, Tally()
        if recipe.in_parts:
            work: PartCompressor = part_compressor(method, recipe.level)
            self._write(write, work, pieces, tally, size, threads=self.threads)
        else:
            stream = compressor(method, recipe.level, recipe.gzip_os)
            self._write(write, stream.compress, pieces, tally, size, threads=1)
            write(stream.flush())
        return tally.digest

    def _write(
        self,
        write: _Write,
        work: PartCompressor,
        pieces: Iterator[bytes],
        tally: Tally,
        size: int,
        *,
        threads: int,
    ) -> None:
        with ExitStack() as stack:
            results: Iterator[bytes | bytearray]
            if size < PIECE:
                results = map(work, map(tally.pass_on, pieces))
            else:
                hashing = stack.enter_context(_pool(1))
                hashed = ahead_of(tally.pass_on, pieces, hashing)
                if self.recipe.compression is Compression.NONE:
                    results = map(work, hashed)
                else:
                    pool = stack.enter_context(_pool(threads))
                    results = in_order(work, hashed, pool, ahead=threads + 2)
            for result in results:
                if result:
                    write(result)


def _pool(threads: int) -> Executor:
    from concurrent.futures import (  # noqa: PLC0415 - when all is cached, no thread is needed
        ThreadPoolExecutor,
    )

    return ThreadPoolExecutor(max_workers=threads, thread_name_prefix="pyjib-compress")


def _both(writer: BlobWriter, sending: Sending | None) -> _Write:
    if sending is None:
        return writer.write

    def write(data: bytes | bytearray) -> None:
        writer.write(data)
        sending.write(data)

    return write


def packed_event(plan: LayerPlan, packed: Packed, *, cached: bool) -> LayerPacked:
    """Return what to tell of a layer that is there now."""
    found = packed.blob.descriptor
    return LayerPacked(
        name=plan.name,
        digest=str(found.digest),
        size=found.size,
        cached=cached,
        source=packed.source,
    )


def _learnt(key: str, blob: Blob, diff_id: Digest) -> Packed:
    return Packed(
        key=key, blob=blob, diff_id=diff_id, source=blob.origin.name if blob.origin else ""
    )


class Tally:
    """Counts and hashes what passes."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def pass_on(self, data: bytes) -> bytes:
        """Return ``data``."""
        self._hash.update(data)
        self.size += len(data)
        return data

    @property
    def digest(self) -> Digest:
        """The digest of all that passed."""
        return Digest.finish(self._hash)
