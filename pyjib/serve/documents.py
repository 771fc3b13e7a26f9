"""Manifests and indexes as a registry looks at them: what they name, and who refers to whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pyjib.errors import MalformedDocumentError
from pyjib.frozen import frozen
from pyjib.oci import media_type as types
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.json import Json, load
from pyjib.oci.manifest import descriptors, document_type

MAX_MANIFEST = 8 << 20
"""The largest manifest in bytes that is taken: twice what every registry must take."""


@frozen
class Document:
    """A manifest or an index under the digest that it was pushed by.

    ``blobs`` are a manifest's config and layers, save those that are fetched from elsewhere;
    ``manifests`` the entries of an index. ``artifact_type`` and ``annotations`` are what a list
    of referrers tells of it.
    """

    digest: Digest
    media_type: str
    size: int
    blobs: tuple[Descriptor, ...]
    manifests: tuple[Descriptor, ...]
    subject: Digest | None
    artifact_type: str | None
    annotations: Mapping[str, str]

    @classmethod
    def parse(cls, data: bytes, digest: Digest) -> Self:
        """Read a document of either family; raises ``MalformedDocumentError``."""
        document = load(data, "manifest", limit=MAX_MANIFEST)
        media_type = document_type(document)
        lists = types.is_index(media_type)
        config = None if lists else Descriptor.from_json(document.get("config"), "config")
        layers = () if lists else descriptors(document, "layers")
        wanted = (layer for layer in layers if not types.is_foreign(layer.media_type))
        subject = document.get("subject")
        return cls(
            digest=digest,
            media_type=media_type,
            size=len(data),
            blobs=(config, *wanted) if config else (),
            manifests=descriptors(document, "manifests") if lists else (),
            subject=None if subject is None else Descriptor.from_json(subject, "subject").digest,
            artifact_type=_text(document, "artifactType")
            or (config.media_type if config else None),
            annotations=_annotations(document),
        )

    def to_json(self) -> Json:
        """Return the descriptor that an index has of this document."""
        return {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size}

    def to_referrer(self) -> Json:
        """Return the descriptor that a list of referrers has ("Listing Referrers")."""
        descriptor = self.to_json()
        if self.artifact_type:
            descriptor["artifactType"] = self.artifact_type
        if self.annotations:
            descriptor["annotations"] = dict(self.annotations)
        return descriptor


def _text(document: Json, name: str) -> str | None:
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise MalformedDocumentError("not text", path=name)
    return value


def _annotations(document: Json) -> Mapping[str, str]:
    value = document.get("annotations") or {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise MalformedDocumentError("not an object of texts", path="annotations")
    return value
