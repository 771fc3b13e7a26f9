"""Manifests and indexes as views of their bytes (OCI image manifest and image index)."""

from __future__ import annotations

from typing import Any, Self, TypeAlias

from pyjib.errors import MalformedDocumentError
from pyjib.frozen import frozen
from pyjib.oci import media_type as types
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.json import Json, dump, load


@frozen
class Manifest:
    """Lists a config and layers, base layers first. ``data`` is what is hashed and stored."""

    data: bytes
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a manifest of either family; raises ``MalformedDocumentError``."""
        document = load(data, "manifest")
        media_type = document_type(document)
        if not types.is_manifest(media_type):
            raise MalformedDocumentError(f"not a manifest but {media_type}")
        return cls(
            data=data,
            media_type=media_type,
            config=Descriptor.from_json(document.get("config"), "config"),
            layers=descriptors(document, "layers"),
        )

    @classmethod
    def of(cls, media_type: str, config: Descriptor, layers: tuple[Descriptor, ...]) -> Self:
        """Serialise a manifest, once."""
        document: Json = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": config.to_json(),
            "layers": [layer.to_json() for layer in layers],
        }
        return cls(data=dump(document), media_type=media_type, config=config, layers=layers)

    @property
    def descriptor(self) -> Descriptor:
        """Describe these bytes."""
        return Descriptor.of(self.data, self.media_type)


@frozen
class Index:
    """Lists manifests, one a platform (and what else was put there, such as attestations)."""

    data: bytes
    media_type: str
    manifests: tuple[Descriptor, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read an index of either family; raises ``MalformedDocumentError``."""
        document = load(data, "index")
        media_type = document_type(document)
        if not types.is_index(media_type):
            raise MalformedDocumentError(f"not an index but {media_type}")
        return cls(data=data, media_type=media_type, manifests=descriptors(document, "manifests"))

    @classmethod
    def of(cls, media_type: str, manifests: tuple[Descriptor, ...]) -> Self:
        """Serialise an index, once."""
        document: Json = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "manifests": [manifest.to_json() for manifest in manifests],
        }
        return cls(data=dump(document), media_type=media_type, manifests=manifests)

    @property
    def descriptor(self) -> Descriptor:
        """Describe these bytes."""
        return Descriptor.of(self.data, self.media_type)


Document: TypeAlias = Manifest | Index


def parse_document(data: bytes) -> Document:
    """Read a manifest or an index, whichever the bytes say they are."""
    if types.is_index(document_type(load(data, "manifest"))):
        return Index.parse(data)
    return Manifest.parse(data)


def document_type(document: Json) -> str:
    """Return the media type of a parsed manifest or index, from its body alone.

    Raises ``MalformedDocumentError`` for schema 1, and for a document that could be read both
    as a manifest and as an index (CVE-2021-41190).
    """
    if document.get("schemaVersion") != 2:
        raise MalformedDocumentError(
            f"schema {document.get('schemaVersion')!r} is not supported",
            path="schemaVersion",
            hint="push the image again with a current tool: schema 1 was given up in 2017",
        )
    lists = "manifests" in document
    holds = any(name in document for name in ("config", "layers", "fsLayers"))
    if lists == holds:
        raise MalformedDocumentError(
            "both a manifest and an index" if lists else "neither a manifest nor an index"
        )
    stated: Any = document.get("mediaType")
    if stated is None or stated == "":
        return types.OCI_INDEX if lists else types.OCI_MANIFEST
    known = types.INDEXES if lists else types.MANIFESTS
    if not isinstance(stated, str) or stated not in known:
        raise MalformedDocumentError(f"{stated!r} does not fit its content", path="mediaType")
    return stated


def descriptors(document: Json, name: str) -> tuple[Descriptor, ...]:
    """Read a member that is a list of descriptors; raises ``MalformedDocumentError``."""
    values = document.get(name)
    if not isinstance(values, list):
        raise MalformedDocumentError("not a list", path=name)
    return tuple(
        Descriptor.from_json(value, f"{name}[{place}]") for place, value in enumerate(values)
    )
