"""Layers that anybody may tell of: nothing but where their bytes are is learnt."""

from __future__ import annotations

from pyjib.layer.known import Sought, Vouched
from pyjib.layer.model import Layer
from pyjib.layer_index.index import LayerIndex
from pyjib.layer_index.model import Entry
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.media_type import layer_compression


class RecognisedLayers(LayerIndex):
    """An index of claims, each looked into. Unless it ``begin``s, it is read for what is missing."""

    def vouched(self, key: str, media_type: str) -> Vouched | None:  # noqa: ARG002  the protocol's
        """Return nothing."""
        return None

    def may_have(self, key: str) -> bool:
        """Tell whether a layer could be there; the index is read meanwhile, if it has no keys."""
        self._reading.begin()
        if self._source.artifact is not None:
            return any(entry.key == key for entry in self._reading.entries())
        return self._source.found is not None or bool(self._reading.entries())

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

    def _entry_of(self, layer: Layer) -> Entry:
        claim = self._claim_of(layer)
        # Where somebody has signed it, nothing is to be added.
        known = self._reading.entries() if self._reading.has_begun else ()
        return next((entry for entry in known if entry.claim == claim), claim)

    def _entry(self, sought: Sought) -> Entry | None:
        """Return the claim about a layer: at most one is looked into."""
        has_keys = self._source.artifact is not None
        for entry in self._reading.entries():
            if entry.key == sought.key if has_keys else entry.diff_id == sought.diff_id:
                told = layer_compression(entry.descriptor.media_type)
                fits = told is layer_compression(sought.media_type)
                same = entry.diff_id == sought.diff_id and (
                    not has_keys or entry.recipe == sought.recipe
                )
                return entry if fits and same else None
        return None
