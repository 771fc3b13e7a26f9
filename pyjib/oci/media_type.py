"""Media types of manifests, indexes, configs and layers, and what they mean."""

from __future__ import annotations

from enum import StrEnum

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd"

MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})

ACCEPTED = (OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST)
"""What a manifest request accepts, in the order of preference."""


class ImageFormat(StrEnum):
    """Which of the two families of media types an image uses."""

    DOCKER = "docker"
    OCI = "oci"


class Compression(StrEnum):
    """How a layer's tar is stored."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"

    @property
    def levels(self) -> range:
        """The levels to choose from, the fastest first; empty where there is no choice."""
        return _LEVELS[self]


_LEVELS = {
    Compression.NONE: range(0),
    Compression.GZIP: range(1, 10),
    Compression.ZSTD: range(1, 23),
}


_LAYERS = {
    (ImageFormat.DOCKER, Compression.NONE): DOCKER_LAYER,
    (ImageFormat.DOCKER, Compression.GZIP): DOCKER_LAYER_GZIP,
    (ImageFormat.DOCKER, Compression.ZSTD): DOCKER_LAYER_ZSTD,
    (ImageFormat.OCI, Compression.NONE): OCI_LAYER,
    (ImageFormat.OCI, Compression.GZIP): OCI_LAYER_GZIP,
    (ImageFormat.OCI, Compression.ZSTD): OCI_LAYER_ZSTD,
}


def is_index(media_type: str) -> bool:
    """Tell whether a document of this type lists manifests."""
    return media_type in INDEXES


def is_manifest(media_type: str) -> bool:
    """Tell whether a document of this type lists a config and layers."""
    return media_type in MANIFESTS


def is_foreign(media_type: str) -> bool:
    """Tell whether a layer of this type is fetched from elsewhere and never pushed."""
    return ".foreign." in media_type or ".nondistributable." in media_type


def layer_type(
    image_format: ImageFormat, compression: Compression, *, foreign: bool = False
) -> str:
    """Return the media type of a layer; ``foreign`` for one that is fetched from elsewhere."""
    media_type = _LAYERS[image_format, compression]
    if not foreign:
        return media_type
    if image_format is ImageFormat.OCI:
        return media_type.replace(".layer.v1", ".layer.nondistributable.v1")
    return media_type.replace(".rootfs.diff", ".rootfs.foreign.diff")


def layer_compression(media_type: str) -> Compression:
    """Return how a layer of this type is compressed, read off its suffix."""
    if media_type.endswith(("+gzip", ".gzip")):
        return Compression.GZIP
    if media_type.endswith(("+zstd", ".zstd")):
        return Compression.ZSTD
    return Compression.NONE


def manifest_type(image_format: ImageFormat) -> str:
    """Return the media type of a manifest."""
    return OCI_MANIFEST if image_format is ImageFormat.OCI else DOCKER_MANIFEST


def index_type(image_format: ImageFormat) -> str:
    """Return the media type of an index."""
    return OCI_INDEX if image_format is ImageFormat.OCI else DOCKER_INDEX


def config_type(image_format: ImageFormat) -> str:
    """Return the media type of an image's config."""
    return OCI_CONFIG if image_format is ImageFormat.OCI else DOCKER_CONFIG


def format_of(media_type: str) -> ImageFormat:
    """Return the family that a manifest's or index's media type belongs to."""
    return ImageFormat.OCI if ".oci." in media_type else ImageFormat.DOCKER
