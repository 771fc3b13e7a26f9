"""Packing: layer plans become layers in the store, each content once.

Every layer is first looked up by a key made of its content (``cache_key``). What is missing is
packed in one pass, in a few threads: tar, diff id, compression, digest and disk. The bytes that
go into a tar are compared with those that the key was made of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pyjib.cancellation import Cancellation
from pyjib.events import LayerPacked, LayerPacking, Listener, ignore
from pyjib.layer.cache_key import KeyMaker, LayerKey
from pyjib.layer.compress import Compressor, compressor
from pyjib.layer.content import PinnedFile
from pyjib.layer.model import Layer, LayerSummary
from pyjib.layer.tar import tar_size, write_tar
from pyjib.oci.blob import Blob
from pyjib.oci.digest import Digest
from pyjib.oci.media_type import ImageFormat, layer_type
from pyjib.plan.model import LayerEntry, LayerPlan, LayerRecipe
from pyjib.store.store import BlobWriter, LayerRecord, Store

_BATCH = 1 << 18


def pack_layers(
    plans: Sequence[LayerPlan],
    recipe: LayerRecipe,
    *,
    image_format: ImageFormat,
    store: Store,
    listener: Listener = ignore,
    cancellation: Cancellation | None = None,
    jobs: int = 2,
) -> tuple[Layer, ...]:
    """Return a layer for each plan, in the same order; pack those that the store does not have.

    At most ``jobs`` are packed at once, the largest first. The first failure sets
    ``cancellation``, so that the others stop, and is raised: ``ProjectError`` for a file that
    cannot be read or that changes meanwhile, ``CacheError``, ``CancelledError``.
    """
    cancellation = cancellation or Cancellation()
    keys = _make_keys(plans, recipe, store, cancellation)
    packer = _Packer(
        recipe=recipe,
        media_type=layer_type(image_format, recipe.compression),
        store=store,
        listener=listener,
        cancellation=cancellation,
    )
    packed = _pack_missing(packer, plans, keys, jobs)
    return tuple(
        Layer(name=plan.name, blob=packed[key.key].blob, diff_id=packed[key.key].diff_id)
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
    write_tar(plan.entries, tally, time_records=recipe.time_records, check=check)
    return LayerSummary(name=plan.name, size=tally.size, diff_id=tally.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Packed:
    blob: Blob
    diff_id: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Packer:
    recipe: LayerRecipe
    media_type: str
    store: Store
    listener: Listener
    cancellation: Cancellation

    def find(self, key: str) -> _Packed | None:
        record = self.store.get_layer(key)
        if record is None:
            return None
        # The same bytes may have been packed for the other format, under its media type.
        blob = self.store.find(replace(record.descriptor, media_type=self.media_type))
        return None if blob is None else _Packed(blob=blob, diff_id=record.diff_id)

    def pack(self, work: _Work, size: int) -> _Packed:
        recipe = self.recipe
        plan = work.plan
        self.listener(LayerPacking(name=plan.name, files=len(plan.files), size=size))
        with self.store.writer() as writer:
            sink = _LayerSink(compressor(recipe.compression, recipe.level, recipe.gzip_os), writer)
            write_tar(
                work.entries,
                sink,
                time_records=recipe.time_records,
                check=self.cancellation.check,
            )
            diff_id = sink.finish()
            blob = writer.commit(self.media_type)
        self.store.put_layer(work.key.key, LayerRecord(descriptor=blob.descriptor, diff_id=diff_id))
        packed = _Packed(blob=blob, diff_id=diff_id)
        self.listener(_event(plan, packed, cached=False))
        return packed


def _make_keys(
    plans: Sequence[LayerPlan], recipe: LayerRecipe, store: Store, cancellation: Cancellation
) -> list[LayerKey]:
    maker = KeyMaker(store, recipe, cancellation.check)
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
        return {work.key.key: packer.pack(work, size) for size, work in sized}
    from concurrent.futures import (  # noqa: PLC0415 - when all is cached, no thread is needed
        ThreadPoolExecutor,
        as_completed,
    )

    workers = min(jobs, len(sized))
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="pyjib-layer") as pool:
        futures = {pool.submit(packer.pack, work, size): work for size, work in sized}
        try:
            return {futures[done].key.key: done.result() for done in as_completed(futures)}
        except BaseException:
            packer.cancellation.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _event(plan: LayerPlan, packed: _Packed, *, cached: bool) -> LayerPacked:
    found = packed.blob.descriptor
    return LayerPacked(name=plan.name, digest=str(found.digest), size=found.size, cached=cached)


class _Tally:
    """Counts and hashes what is written to it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes, /) -> None:
        self._hash.update(data)
        self.size += len(data)

    @property
    def digest(self) -> Digest:
        return Digest.finish(self._hash)


class _LayerSink:
    """Hashes a tar, compresses it and hands it on.

    Small writes are gathered: zlib and hashlib take the interpreter lock back after every call,
    which makes many small ones slow when two layers are packed at once.
    """

    def __init__(self, compress: Compressor, writer: BlobWriter) -> None:
        self._compressor = compress
        self._writer = writer
        self._tally = _Tally()
        self._gathered: list[bytes] = []
        self._size = 0

    def write(self, data: bytes, /) -> None:
        self._gathered.append(data)
        self._size += len(data)
        if self._size >= _BATCH:
            self._pass_on()

    def finish(self) -> Digest:
        """End the stream and return the tar's digest."""
        self._pass_on()
        self._writer.write(self._compressor.flush())
        return self._tally.digest

    def _pass_on(self) -> None:
        data = b"".join(self._gathered)
        self._gathered = []
        self._size = 0
        self._tally.write(data)
        if packed := self._compressor.compress(data):
            self._writer.write(packed)
