"""The index of a build: where its layers are looked for, and what it adds afterwards."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self

from pyjib.errors import CancelledError, NotFoundError, PyjibError
from pyjib.events import Listener, Warned
from pyjib.frozen import frozen
from pyjib.layer.cache_key import recipe_key
from pyjib.layer.known import Sought
from pyjib.layer.model import Layer
from pyjib.layer_index.artifact import add_to_artifact, read_artifact
from pyjib.layer_index.from_image import entries_of_image
from pyjib.layer_index.model import Entry
from pyjib.layer_index.repository import LayerRepository
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.media_type import layer_compression
from pyjib.oci.reference import Reference
from pyjib.options import LayerIndexMode
from pyjib.plan.model import LayerRecipe
from pyjib.registry.client import RegistryClient
from pyjib.store.store import Store

_log = logging.getLogger(__name__)

_WORTHWHILE = 1 << 16
"""Compressed layers of fewer bytes are not worth a place in an index."""


@frozen
class Source:
    """Where entries come from.

    ``artifact`` is set if that is an index of its own; then entries have keys and recipes, and
    what goes wrong is told, for somebody asked for it. ``found`` is the image that the target
    names at present, if any. ``recipe`` is the text of the build's own.
    """

    read: Callable[[], Sequence[Entry]]
    recipe: str
    found: Digest | None
    artifact: Reference | None = None


class LayerIndex:
    """The ``KnownLayers`` of a build that goes to a registry; to be closed.

    Nothing is asked before a layer is missing. Whatever fails is as if nothing was known; only
    ``CancelledError`` is raised.
    """

    def __init__(self, source: Source, repository: LayerRepository, listener: Listener) -> None:
        self._source = source
        self._repository = repository
        self._listener = listener
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pyjib-layer-index")
        self._reading: Future[Sequence[Entry]] | None = None
        self._told = False

    def may_have(self, key: str) -> bool:
        """Tell whether a layer could be there; the index is read meanwhile, if it has no keys."""
        reading = self._read()
        if self._source.artifact is not None:
            return any(entry.key == key for entry in reading.result())
        return self._source.found is not None or bool(reading.result())

    def find(self, sought: Sought) -> Blob | None:
        """Return the layer that is sought, if the repository has it and it looks as it must."""
        entry = self._entry(sought)
        if entry is None:
            return None
        descriptor = Descriptor(
            media_type=sought.media_type,
            digest=entry.descriptor.digest,
            size=entry.descriptor.size,
        )
        if not self._ask(lambda: self._repository.looks_right(descriptor, sought)):
            return None
        return self._repository.blob(descriptor, sought.diff_id)

    def holds(self, descriptor: Descriptor, diff_id: Digest) -> Blob | None:
        """Return a layer that was recognised or packed on this machine, if it is there."""
        if not self._ask(lambda: self._repository.has(descriptor)):
            return None
        return self._repository.blob(descriptor, diff_id)

    def add(self, layers: Iterable[Layer], image: Digest) -> None:
        """Add the layers of an ``image``, which is in the repository now, to an index of its own.

        Nothing is done if there is none, or if the image was there and no layer was looked for.
        A failure is a warning.
        """
        reference, reading = self._source.artifact, self._reading
        if reference is None or (reading is None and image == self._source.found):
            return
        known = () if reading is None else reading.result()
        added = [
            Entry(
                key=layer.key,
                diff_id=layer.diff_id,
                recipe=self._source.recipe,
                descriptor=layer.blob.descriptor,
            )
            for layer in layers
            if layer.key and layer.blob.descriptor.size >= _WORTHWHILE
        ]
        if all(entry in known for entry in added):
            return
        try:
            add_to_artifact(self._repository.client, reference, added)
        except CancelledError:
            raise
        except PyjibError as error:
            self._tell(f"the layer index {reference} was not written: {error.message}", error.hint)

    def close(self) -> None:
        """Wait until nothing is read any more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self) -> Future[Sequence[Entry]]:
        with self._lock:
            if self._reading is None:
                self._reading = self._pool.submit(self._entries)
            return self._reading

    def _entries(self) -> Sequence[Entry]:
        try:
            return self._source.read()
        except CancelledError:
            raise
        except PyjibError as error:
            name = self._source.artifact
            if name is None:
                _log.debug("no layers to be learnt: %s", error.message)
            else:
                self._tell(f"the layer index {name} was not read: {error.message}", error.hint)
            return ()

    def _entry(self, sought: Sought) -> Entry | None:
        """Return the claim about a layer: at most one is looked into."""
        has_keys = self._source.artifact is not None
        for entry in self._read().result():
            if entry.key == sought.key if has_keys else entry.diff_id == sought.diff_id:
                told = layer_compression(entry.descriptor.media_type)
                fits = told is layer_compression(sought.media_type)
                same = entry.diff_id == sought.diff_id and (
                    not has_keys or entry.recipe == sought.recipe
                )
                return entry if fits and same else None
        return None

    def _ask(self, question: Callable[[], bool]) -> bool:
        try:
            return question()
        except CancelledError:
            raise
        except PyjibError as error:
            _log.debug("a layer is packed: %s", error.message)
            return False

    def _tell(self, message: str, hint: str | None) -> None:
        with self._lock:
            told, self._told = self._told, True
        if not told:
            self._listener(Warned(message=message, hint=hint))


def open_layer_index(
    choice: LayerIndexMode | Reference,
    names: Sequence[Reference],
    found: Descriptor | None,
    *,
    created_by: str,
    recipe: LayerRecipe,
    client: RegistryClient,
    store: Store,
    listener: Listener,
) -> AbstractContextManager[LayerIndex | None]:
    """Return the index for a build that goes to ``names``, of one repository, if there is any.

    ``found`` is what the first of them leads to at present. ``created_by`` is who must have made
    an image for its layers to count, and ``recipe`` must be one that ``can_be_recognised``.
    """
    hasty = client.hasty()  # what is not had at once is packed
    read: Callable[[], Sequence[Entry]]
    candidates = names if found is not None else names[1:]
    if isinstance(choice, Reference):
        index = choice
        artifact, read = choice, lambda: read_artifact(hasty, index).entries
    elif choice is LayerIndexMode.OFF or not candidates:
        return nullcontext()
    else:
        artifact, read = None, lambda: _first_image(hasty, candidates, created_by)
    source = Source(
        read=read,
        recipe=recipe_key(recipe),
        found=None if found is None else found.digest,
        artifact=artifact,
    )
    repository = LayerRepository(name=names[0], client=client, store=store, listener=listener)
    return LayerIndex(source, repository, listener)


def _first_image(
    client: RegistryClient, names: Iterable[Reference], created_by: str
) -> Sequence[Entry]:
    for name in names:
        try:
            return entries_of_image(client, name, created_by)
        except NotFoundError:
            continue
    return ()
