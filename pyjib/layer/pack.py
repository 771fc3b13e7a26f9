"""Packing: layer plans become layers in the store, each content once.

Every layer is first looked up by a key made of its content (``cache_key``). What is missing is
packed in one pass, in a few threads: tar and diff id, compression, digest and disk. The bytes
that go into a tar are compared with those that the key was made of. No thread and no machine
has a say in the bytes: pieces are cut by the files alone, and written in their order.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from pyjib.cancellation import Cancellation
from pyjib.events import LayerPacked, LayerPacking, Listener, ignore
from pyjib.frozen import frozen
from pyjib.layer.cache_key import KeyMaker, LayerKey, recipe_key
from pyjib.layer.compress import PartCompressor, compressor, part_compressor
from pyjib.layer.content import PinnedFile
from pyjib.layer.known import SMALLEST, KnownLayers, can_be_recognised, look_for
from pyjib.layer.model import Layer, LayerSummary
from pyjib.layer.pieces import PIECE, ahead_of, in_order, tar_pieces
from pyjib.layer.tar import tar_size
from pyjib.oci.blob import Blob
from pyjib.oci.digest import Digest
from pyjib.oci.media_type import Compression, ImageFormat, layer_type
from pyjib.plan.model import LayerEntry, LayerPlan, LayerRecipe
from pyjib.store.store import BlobWriter, LayerRecord, Store

if TYPE_CHECKING:
    from concurrent.futures import Executor


def pack_layers(
    plans: Sequence[LayerPlan],
    recipe: LayerRecipe,
    *,
    image_format: ImageFormat,
    store: Store,
    listener: Listener = ignore,
    cancellation: Cancellation | None = None,
    jobs: int = 2,
    known: KnownLayers | None = None,
) -> tuple[Layer, ...]:
    """Return a layer for each plan, in the same order; pack those that the store does not have.

    At most ``jobs`` are packed at once, the largest first. The first failure sets
    ``cancellation``, so that the others stop, and is raised: ``ProjectError`` for a file that
    cannot be read or that changes meanwhile, ``CacheError``, ``CancelledError``.

    A large layer that is missing is looked for among the ``known`` ones first; only its tar is
    made then, and hashed on the way to nowhere.
    """
    cancellation = cancellation or Cancellation()
    keys = _make_keys(plans, recipe, store, cancellation)
    packer = _Packer(
        recipe=recipe,
        media_type=layer_type(image_format, recipe.compression),
        store=store,
        listener=listener,
        cancellation=cancellation,
        threads=_processors(),
        known=known if can_be_recognised(recipe) else None,
    )
    packed = _pack_missing(packer, plans, keys, jobs)
    return tuple(
        Layer(
            name=plan.name,
            blob=packed[key.key].blob,
            diff_id=packed[key.key].diff_id,
            key=key.key,
        )
        for plan, key in zip(plans, keys, strict=True)
    )


def describe_layer(
    plan: LayerPlan,
    recipe: LayerRecipe,
    store: Store,
    *,
    cancellation: Cancellation | None = None,
) -> LayerSummary:
    """Tell what a layer would be; nothing is written.

    If the store does not have it, its tar is made and hashed on the way to nowhere.
    """
    check = (cancellation or Cancellation()).check
    key = KeyMaker(store, recipe, check, writes=False).key_of(plan)
    record = store.get_layer(key.key)
    if record is not None:
        return LayerSummary(
            name=plan.name,
            size=tar_size(plan.entries, time_records=recipe.time_records),
            diff_id=record.diff_id,
            packed=record.descriptor,
        )
    tally = _Tally()
    for piece in tar_pieces(plan.entries, time_records=recipe.time_records, check=check):
        tally.pass_on(piece)
    return LayerSummary(name=plan.name, size=tally.size, diff_id=tally.digest)


@frozen
class _Packed:
    blob: Blob
    diff_id: Digest
    source: str = ""


@frozen
class _Work:
    plan: LayerPlan
    key: LayerKey

    @property
    def size(self) -> int:
        return sum(entry.source.size for entry in self.plan.files if entry.source is not None)

    @property
    def entries(self) -> Iterator[LayerEntry]:
        """The plan's entries, each file pinned to the content that the key was made of."""
        for entry, digest in zip(self.plan.entries, self.key.digests, strict=True):
            if entry.source is None or digest is None:
                yield entry
            else:
                yield replace(entry, source=PinnedFile(entry.source, digest))


@frozen
class _Packer:
    recipe: LayerRecipe
    media_type: str
    store: Store
    listener: Listener
    cancellation: Cancellation
    threads: int
    known: KnownLayers | None

    def find(self, key: str) -> _Packed | None:
        record = self.store.get_layer(key)
        if record is None:
            return None
        # The same bytes may have been packed for the other format, under its media type.
        blob = self.store.find(replace(record.descriptor, media_type=self.media_type))
        return None if blob is None else _Packed(blob=blob, diff_id=record.diff_id)

    def obtain(self, work: _Work, size: int) -> _Packed:
        """Return a layer that is not in the store: one that a registry has, or pack it."""
        packed = None
        if self.known is not None and size >= SMALLEST:
            packed = self._learn(work, self.known)
        if packed is None:
            return self.pack(work, size)
        self.listener(_event(work.plan, packed, cached=True))
        return packed

    def _learn(self, work: _Work, known: KnownLayers) -> _Packed | None:
        key = work.key.key
        record = self.store.layer_record(key)
        if record is not None:
            described = replace(record.descriptor, media_type=self.media_type)
            blob = known.holds(described, record.diff_id)
            return None if blob is None else _learnt(blob, record.diff_id)
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
        record = LayerRecord(descriptor=blob.descriptor, diff_id=sought.diff_id)
        self.store.put_layer(key, record)
        return _learnt(blob, sought.diff_id)

    def _pieces(self, work: _Work) -> Iterator[bytes]:
        return tar_pieces(
            work.entries, time_records=self.recipe.time_records, check=self.cancellation.check
        )

    def pack(self, work: _Work, size: int) -> _Packed:
        """Pack a layer into the store."""
        plan = work.plan
        self.listener(LayerPacking(name=plan.name, files=len(plan.files), size=size))
        with self.store.writer() as writer:
            diff_id = self._compress(self._pieces(work), writer, size)
            blob = writer.commit(self.media_type)
        self.store.put_layer(work.key.key, LayerRecord(descriptor=blob.descriptor, diff_id=diff_id))
        packed = _Packed(blob=blob, diff_id=diff_id)
        self.listener(_event(plan, packed, cached=False))
        return packed

    def _compress(self, pieces: Iterator[bytes], writer: BlobWriter, size: int) -> Digest:
        """Write the pieces compressed, and return the digest of what they were before.

        Hashing and the disk keep this thread busy, compression the threads of a pool: as many
        as there are processors, or one where every piece builds on the one before.
        """
        recipe = self.recipe
        method, tally = recipe.compression, _Tally()
        if recipe.in_parts:
            work: PartCompressor = part_compressor(method, recipe.level)
            self._write(writer, work, pieces, tally, size, threads=self.threads)
        else:
            stream = compressor(method, recipe.level, recipe.gzip_os)
            self._write(writer, stream.compress, pieces, tally, size, threads=1)
            writer.write(stream.flush())
        return tally.digest

    def _write(
        self,
        writer: BlobWriter,
        work: PartCompressor,
        pieces: Iterator[bytes],
        tally: _Tally,
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
                    writer.write(result)


def _processors() -> int:
    return os.cpu_count() or 1


def _pool(threads: int) -> Executor:
    from concurrent.futures import (  # noqa: PLC0415 - when all is cached, no thread is needed
        ThreadPoolExecutor,
    )

    return ThreadPoolExecutor(max_workers=threads, thread_name_prefix="pyjib-compress")


def _make_keys(
    plans: Sequence[LayerPlan], recipe: LayerRecipe, store: Store, cancellation: Cancellation
) -> list[LayerKey]:
    maker = KeyMaker(store, recipe, cancellation.check)
    maker.read_ahead(plans, _processors())
    keys = [maker.key_of(plan) for plan in plans]
    maker.remember()
    return keys


def _pack_missing(
    packer: _Packer, plans: Sequence[LayerPlan], keys: Sequence[LayerKey], jobs: int
) -> dict[str, _Packed]:
    """Return the layer of every key; what the store does not have is packed, each key once."""
    packed: dict[str, _Packed] = {}
    missing: dict[str, _Work] = {}
    twins: list[tuple[LayerPlan, LayerKey]] = []
    for plan, key in zip(plans, keys, strict=True):
        if key.key in missing:
            twins.append((plan, key))
        elif (found := packer.find(key.key)) is not None:
            packed[key.key] = found
            packer.listener(_event(plan, found, cached=True))
        else:
            missing[key.key] = _Work(plan=plan, key=key)
    packed |= _pack_all(packer, list(missing.values()), jobs)
    for plan, key in twins:
        packer.listener(_event(plan, packed[key.key], cached=True))
    return packed


def _pack_all(packer: _Packer, works: Sequence[_Work], jobs: int) -> dict[str, _Packed]:
    sized = sorted(((work.size, work) for work in works), key=lambda pair: -pair[0])
    if jobs <= 1 or len(sized) <= 1:
        return {work.key.key: packer.obtain(work, size) for size, work in sized}
    from concurrent.futures import (  # noqa: PLC0415 - when all is cached, no thread is needed
        ThreadPoolExecutor,
        as_completed,
    )

    workers = min(jobs, len(sized))
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="pyjib-layer") as pool:
        futures = {pool.submit(packer.obtain, work, size): work for size, work in sized}
        try:
            return {futures[done].key.key: done.result() for done in as_completed(futures)}
        except BaseException:
            packer.cancellation.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _event(plan: LayerPlan, packed: _Packed, *, cached: bool) -> LayerPacked:
    found = packed.blob.descriptor
    return LayerPacked(
        name=plan.name,
        digest=str(found.digest),
        size=found.size,
        cached=cached,
        source=packed.source,
    )


def _learnt(blob: Blob, diff_id: Digest) -> _Packed:
    return _Packed(blob=blob, diff_id=diff_id, source=blob.origin.name if blob.origin else "")


class _Tally:
    """Counts and hashes what passes."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def pass_on(self, data: bytes) -> bytes:
        self._hash.update(data)
        self.size += len(data)
        return data

    @property
    def digest(self) -> Digest:
        return Digest.finish(self._hash)
