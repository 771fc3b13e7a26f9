"""Layers that somebody with a key has packed and signed for: that is believed, and no more."""

from __future__ import annotations

import threading

from pyjib.events import Listener
from pyjib.layer.known import Sought, Vouched
from pyjib.layer.model import Layer
from pyjib.layer_index.index import LayerIndex
from pyjib.layer_index.model import Entry
from pyjib.layer_index.reading import Source
from pyjib.layer_index.repository import LayerRepository
from pyjib.layer_index.signing import KeyRing
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.media_type import layer_compression


class VouchedLayers(LayerIndex):
    """A signed index: what it says of a cache key is as good as what the store says.

    What was recognised on this machine, by a build without keys, does not count.
    """

    def __init__(
        self, source: Source, repository: LayerRepository, listener: Listener, keys: KeyRing
    ) -> None:
        super().__init__(source, repository, listener)
        self._keys = keys
        self._lock = threading.Lock()
        self._refused: set[Entry] = set()

    @property
    def signs(self) -> bool:
        """Whether there is a private key."""
        return self._keys.can_sign

    def vouched(self, key: str, media_type: str) -> Vouched | None:
        """Return the layer with a cache key, if it is signed for, and there."""
        entry = self._entry(key, media_type)
        if entry is None:
            return None
        told = entry.descriptor
        descriptor = Descriptor(media_type=media_type, digest=told.digest, size=told.size)
        if not self._ask(lambda: self._repository.has(descriptor)):
            return None
        blob = self._repository.blob(descriptor, entry.diff_id)
        return Vouched(blob=blob, diff_id=entry.diff_id)

    def may_have(self, key: str) -> bool:  # noqa: ARG002  the protocol's
        """Return false: nothing is recognised."""
        return False

    def find(self, sought: Sought) -> Blob | None:  # noqa: ARG002  the protocol's
        """Return nothing."""
        return None

    def holds(self, descriptor: Descriptor, diff_id: Digest) -> Blob | None:  # noqa: ARG002  the protocol's
        """Return nothing."""
        return None

    def close(self) -> None:
        """Tell how many entries were refused, too."""
        super().close()
        if self._refused:
            count = len(self._refused)
            self._reading.tell(
                f"{count} {'entry' if count == 1 else 'entries'} of the layer index "
                f"{self._source.artifact} for layers of this build {'is' if count == 1 else 'are'} "
                "not signed by a key that is trusted",
                "such layers are packed; if the key has changed, give the public key from before "
                "with --layer-index-key too, else look who writes to that repository",
            )

    def _entry_of(self, layer: Layer) -> Entry | None:
        # Only what is in this machine's store: what others say is not signed again.
        if not self.signs or layer.blob.origin is not None:
            return None
        return self._keys.sign(self._claim_of(layer))

    def _entry(self, key: str, media_type: str) -> Entry | None:
        refused: list[Entry] = []
        for entry in self._reading.entries():
            if entry.key != key:
                continue
            if not self._keys.vouches_for(entry):
                refused.append(entry)
            elif self._fits(entry, media_type):
                return entry
        with self._lock:
            self._refused.update(refused)
        return None

    def _fits(self, entry: Entry, media_type: str) -> bool:
        told = layer_compression(entry.descriptor.media_type)
        return told is layer_compression(media_type) and entry.recipe == self._source.recipe
