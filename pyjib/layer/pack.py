"""Packing: layer plans become layers in the store, each content once.

Every layer is first looked up by a key made of its content (``cache_key``). What is missing is
packed in one pass (``packer``). The bytes that go into a tar are compared with those that the key
was made of. Where the store is empty there is nothing to look up, and large layers get their keys
from that one pass.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from pyjib.cancellation import Cancellation
from pyjib.events import Listener, ignore
from pyjib.layer.cache_key import KeyMaker
from pyjib.layer.elsewhere import NOWHERE, Elsewhere
from pyjib.layer.known import SMALLEST, can_be_recognised
from pyjib.layer.model import Layer, LayerSummary
from pyjib.layer.packer import Packed, Packer, Pinned, Tally, Unread, Work, packed_event, size_of
from pyjib.layer.pieces import tar_pieces
from pyjib.layer.tar import tar_size
from pyjib.oci.media_type import ImageFormat, layer_type
from pyjib.plan.model import LayerPlan, LayerRecipe
from pyjib.store.store import Store


def pack_layers(
    plans: Sequence[LayerPlan],
    recipe: LayerRecipe,
    *,
    image_format: ImageFormat,
    store: Store,
    listener: Listener = ignore,
    cancellation: Cancellation | None = None,
    jobs: int = 2,
    elsewhere: Elsewhere = NOWHERE,
) -> tuple[Layer, ...]:
    """Return a layer for each plan, in the same order; pack those that the store does not have.

    At most ``jobs`` are packed at once, the largest first. The first failure sets
    ``cancellation``, so that the others stop, and is raised: ``ProjectError`` for a file that
    cannot be read or that changes meanwhile, ``CacheError``, ``CancelledError``.

    A large layer that is missing is looked for ``elsewhere`` first, where only its tar is made,
    and hashed on the way to nowhere; if it is packed, its bytes are sent ahead as they come.
    """
    cancellation = cancellation or Cancellation()
    packer = Packer(
        recipe=recipe,
        media_type=layer_type(image_format, recipe.compression),
        store=store,
        listener=listener,
        cancellation=cancellation,
        threads=_processors(),
        known=elsewhere.known if can_be_recognised(recipe) else None,
        send_ahead=elsewhere.send_ahead,
    )
    maker = KeyMaker(store, recipe, cancellation.check)
    packed = _pack_missing(packer, plans, maker, jobs)
    return tuple(
        Layer(name=plan.name, blob=one.blob, diff_id=one.diff_id, key=one.key)
        for plan, one in zip(plans, packed, strict=True)
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
    tally = Tally()
    for piece in tar_pieces(plan.entries, time_records=recipe.time_records, check=check):
        tally.pass_on(piece)
    return LayerSummary(name=plan.name, size=tally.size, diff_id=tally.digest)


def _processors() -> int:
    return os.cpu_count() or 1


def _pack_missing(
    packer: Packer, plans: Sequence[LayerPlan], maker: KeyMaker, jobs: int
) -> list[Packed]:
    """Return a layer for each plan; what the store does not have is packed, each key once."""
    unread = [_is_unread(packer, plan) for plan in plans]
    read = [plan for plan, later in zip(plans, unread, strict=True) if not later]
    keys = iter(maker.keys_of(read, packer.threads))
    packed: dict[int, Packed] = {}
    missing: dict[int, Work] = {}
    first: dict[str, int] = {}
    twins: dict[int, int] = {}
    for place, plan in enumerate(plans):
        if unread[place]:
            missing[place] = Unread(plan=plan, reading=maker.read_once(plan))
            continue
        key = next(keys)
        if first.setdefault(key.key, place) in missing:
            twins[place] = first[key.key]
        elif (found := packer.find(key.key)) is not None:
            packed[place] = found
            packer.listener(packed_event(plan, found, cached=True))
        else:
            missing[place] = Pinned(plan=plan, known=key)
    if not any(unread):
        maker.remember()
    packed |= _pack_all(packer, missing, jobs)
    if any(unread):
        maker.remember()
    for place, twin in twins.items():
        packed[place] = packed[twin]
        packer.listener(packed_event(plans[place], packed[place], cached=True))
    return [packed[place] for place in range(len(plans))]


def _is_unread(packer: Packer, plan: LayerPlan) -> bool:
    """Tell whether a layer can be neither in the store nor known elsewhere, and is large."""
    if packer.known is not None or packer.store.has_layers():
        return False
    return size_of(plan) >= SMALLEST  # asked last: a question for each file


def _pack_all(packer: Packer, works: Mapping[int, Work], jobs: int) -> dict[int, Packed]:
    sized = [(size_of(work.plan), place) for place, work in works.items()]
    sized.sort(key=lambda pair: -pair[0])
    if jobs <= 1 or len(sized) <= 1:
        return {place: packer.obtain(works[place], size) for size, place in sized}
    from concurrent.futures import (  # noqa: PLC0415 - when all is cached, no thread is needed
        ThreadPoolExecutor,
        as_completed,
    )

    workers = min(jobs, len(sized))
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="pyjib-layer") as pool:
        futures = {pool.submit(packer.obtain, works[place], size): place for size, place in sized}
        try:
            return {futures[done]: done.result() for done in as_completed(futures)}
        except BaseException:
            packer.cancellation.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
