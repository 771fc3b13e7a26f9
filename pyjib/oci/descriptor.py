"""Descriptors: typed pointers to stored bytes (OCI image specification, "Descriptors")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, Self

from pyjib.errors import InvalidReferenceError, MalformedDocumentError
from pyjib.frozen import frozen
from pyjib.oci.digest import Digest
from pyjib.oci.json import Json
from pyjib.oci.platform import Platform

_NONE: Mapping[str, str] = MappingProxyType({})


@frozen
class Descriptor:
    """Describes bytes: their media type, digest and size in bytes.

    ``platform`` is set for entries of an index only. ``urls`` are places beside the registry that
    a foreign layer may be had from; they are kept, and not followed. Equal descriptors describe
    equal bytes.
    """

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=lambda: _NONE, hash=False)
    urls: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: bytes, media_type: str, platform: Platform | None = None) -> Self:
        """Describe ``data``."""
        return cls(media_type=media_type, digest=Digest.of(data), size=len(data), platform=platform)

    @classmethod
    def from_json(cls, value: object, path: str) -> Self:
        """Read a descriptor of a parsed document; ``path`` leads to it, for errors."""
        if not isinstance(value, dict):
            raise MalformedDocumentError("not a descriptor", path=path)
        size = value.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise MalformedDocumentError("not a size in bytes", path=f"{path}.size")
        return cls(
            media_type=_text(value, "mediaType", path),
            digest=_digest(value, path),
            size=size,
            platform=_platform(value.get("platform"), f"{path}.platform"),
            annotations=_annotations(value.get("annotations"), f"{path}.annotations"),
            urls=_urls(value.get("urls"), f"{path}.urls"),
        )

    def to_json(self) -> Json:
        """Return the members in the order mediaType, digest, size, urls, platform, annotations."""
        result: Json = {
            "mediaType": self.media_type,
            "digest": str(self.digest),
            "size": self.size,
        }
        if self.urls:
            result["urls"] = list(self.urls)
        if self.platform is not None:
            result["platform"] = {
                "architecture": self.platform.architecture,
                "os": self.platform.os,
            }
            if self.platform.variant:
                result["platform"]["variant"] = self.platform.variant
        if self.annotations:
            result["annotations"] = dict(self.annotations)
        return result


def _text(value: Json, name: str, path: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text:
        raise MalformedDocumentError("missing or not text", path=f"{path}.{name}")
    return text


def _digest(value: Json, path: str) -> Digest:
    try:
        return Digest.parse(_text(value, "digest", path))
    except InvalidReferenceError as error:
        raise MalformedDocumentError(error.message, path=f"{path}.digest") from None


def _platform(value: Any, path: str) -> Platform | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise MalformedDocumentError("not an object", path=path)
    variant = value.get("variant")
    return Platform(
        os=_text(value, "os", path),
        architecture=_text(value, "architecture", path),
        variant=variant if isinstance(variant, str) and variant else None,
    )


def _annotations(value: Any, path: str) -> Mapping[str, str]:
    if value is None:
        return _NONE
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise MalformedDocumentError("not an object of texts", path=path)
    return MappingProxyType(dict(value))


def _urls(value: Any, path: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise MalformedDocumentError("not a list of texts", path=path)
    return tuple(value)
