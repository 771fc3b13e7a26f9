"""Which index a build has, by what was asked for and where its image goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

from pyjib.cancellation import Cancellation
from pyjib.errors import NotFoundError
from pyjib.events import Listener
from pyjib.layer.cache_key import recipe_key
from pyjib.layer.known import SMALLEST
from pyjib.layer.packer import size_of
from pyjib.layer_index.artifact import read_artifact
from pyjib.layer_index.from_image import entries_of_image
from pyjib.layer_index.index import LayerIndex
from pyjib.layer_index.model import Entry
from pyjib.layer_index.reading import Source
from pyjib.layer_index.recognised import RecognisedLayers
from pyjib.layer_index.repository import LayerRepository
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.reference import Reference
from pyjib.options import BuildOptions, LayerIndexMode
from pyjib.plan.model import BuildPlan
from pyjib.registry.client import RegistryClient
from pyjib.store.store import Store

TAG = "pyjib-layer-index"
"""Where a signed index lies that was not given another place: in the target's repository."""


def open_layer_index(
    options: BuildOptions,
    names: Sequence[Reference],
    found: Descriptor | None,
    *,
    plan: BuildPlan,
    client: RegistryClient,
    store: Store,
    listener: Listener,
    cancellation: Cancellation,
) -> AbstractContextManager[LayerIndex | None]:
    """Return the index for a build that goes to ``names``, of one repository, if there is any.

    ``found`` is what the first of them leads to at present. The plan's recipe must be one that
    ``can_be_recognised``. Of an image that is there only layers count that whoever the plan's
    identity names has made.
    """
    # What is not had at once is packed: the index is asked for once.
    source = _source(options, names, found, plan, client.hasty())
    if source is None:
        return nullcontext()
    repository = LayerRepository(
        name=names[0], client=client, store=store, listener=listener, check=cancellation.check
    )
    if options.layer_index_keys is None:
        index: LayerIndex = RecognisedLayers(source, repository, listener)
    else:
        from pyjib.layer_index.signing import KeyRing  # noqa: PLC0415  few builds have keys
        from pyjib.layer_index.vouched import VouchedLayers  # noqa: PLC0415  few builds have keys

        keys = KeyRing(options.layer_index_keys)
        index = VouchedLayers(source, repository, listener, keys)
    # On a fresh machine the index will be needed, and by a signer in any case: it is read while
    # files are digested.
    if (index.signs or not store.has_layers()) and any(
        size_of(layer) >= SMALLEST for layer in plan.layers
    ):
        index.begin()
    return index


def _source(
    options: BuildOptions,
    names: Sequence[Reference],
    found: Descriptor | None,
    plan: BuildPlan,
    client: RegistryClient,
) -> Source | None:
    choice = options.layer_index
    if choice is LayerIndexMode.OFF:
        return None
    read: Callable[[], Sequence[Entry]]
    artifact: Reference | None = None
    if isinstance(choice, Reference) or options.layer_index_keys is not None:
        index = choice if isinstance(choice, Reference) else names[0].with_tag(TAG)
        artifact, read = index, lambda: read_artifact(client, index).entries
    else:
        candidates = names if found is not None else names[1:]
        if not candidates:
            return None
        read = lambda: _first_image(client, candidates, plan.identity.created_by)
    return Source(
        read=read,
        recipe=recipe_key(plan.recipe),
        found=None if found is None else found.digest,
        artifact=artifact,
    )


def _first_image(
    client: RegistryClient, names: Iterable[Reference], created_by: str
) -> Sequence[Entry]:
    for name in names:
        try:
            return entries_of_image(client, name, created_by)
        except NotFoundError:
            continue
    return ()
