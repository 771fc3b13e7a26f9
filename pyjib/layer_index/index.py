"""What all indexes of a build have in common: they are read once, and added to afterwards."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from pyjib.errors import CancelledError, PyjibError, RegistryError
from pyjib.events import Listener
from pyjib.layer.known import KnownLayers
from pyjib.layer.model import Layer
from pyjib.layer_index.artifact import add_to_artifact
from pyjib.layer_index.model import Entry
from pyjib.layer_index.reading import Reading, Source
from pyjib.layer_index.repository import LayerRepository
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.media_type import ImageFormat, layer_compression, layer_type

_log = logging.getLogger(__name__)

_REFUSALS = frozenset({400, 404, 405, 409, 413, 415, 501})
_ELSEWHERE = (
    "the registry may not take such an artifact: --layer-index REF names another place for it, "
    "and --layer-index off goes without"
)
_WORTHWHILE = 1 << 16
"""Compressed layers of fewer bytes are not worth a place in an index."""


class LayerIndex(KnownLayers, ABC):
    """The ``KnownLayers`` of a build that goes to a registry; to be closed.

    Whatever fails is as if nothing was known; only ``CancelledError`` is raised.
    """

    def __init__(self, source: Source, repository: LayerRepository, listener: Listener) -> None:
        self._source = source
        self._repository = repository
        self._reading = Reading(source, listener)

    @property
    def signs(self) -> bool:
        """Whether layers are added that were not looked for: all that this machine has."""
        return False

    def begin(self) -> None:
        """Begin to read the index, which will be needed."""
        self._reading.begin()

    def add(self, layers: Iterable[Layer], image: Digest) -> None:
        """Add the layers of an ``image``, which is in the repository now, to an index of its own.

        Nothing is done if there is none, or if the image was there and no layer was looked for,
        unless this build signs. A failure is a warning.
        """
        reference, has_begun = self._source.artifact, self._reading.has_begun
        is_news = self.signs or has_begun or image != self._source.found
        if reference is None or not is_news:
            return
        worthwhile = [
            layer for layer in layers if layer.key and layer.blob.descriptor.size >= _WORTHWHILE
        ]
        known = self._reading.entries() if has_begun else ()
        added = [entry for entry in map(self._entry_of, worthwhile) if entry is not None]
        if all(entry in known for entry in added):
            return
        # The image is there, and nobody waits for an index: what fails is left to the next build.
        client = self._repository.client.hasty()
        try:
            add_to_artifact(client, reference, added)
        except CancelledError:
            raise
        except PyjibError as error:
            refused = isinstance(error, RegistryError) and error.status in _REFUSALS
            self._reading.tell(
                f"the layer index {reference} was not written: {error.message}",
                _ELSEWHERE if refused else error.hint,
            )

    def close(self) -> None:
        """Wait until nothing is read any more."""
        self._reading.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def _entry_of(self, layer: Layer) -> Entry | None:
        """Return what is to be told of a layer, if anything."""

    def _claim_of(self, layer: Layer) -> Entry:
        """Return what is said of a layer, which is the same whatever format the image has."""
        told = layer.blob.descriptor
        media_type = layer_type(ImageFormat.OCI, layer_compression(told.media_type))
        return Entry(
            key=layer.key,
            diff_id=layer.diff_id,
            recipe=self._source.recipe,
            descriptor=Descriptor(media_type=media_type, digest=told.digest, size=told.size),
        )

    def _ask(self, question: Callable[[], bool]) -> bool:
        try:
            return question()
        except CancelledError:
            raise
        except PyjibError as error:
            _log.debug("a layer is packed: %s", error.message)
            return False
