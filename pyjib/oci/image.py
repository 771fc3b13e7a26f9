"""Images and image indexes: bytes, and the blobs that they name."""

from __future__ import annotations

from typing import TypeAlias

from pyjib.frozen import frozen
from pyjib.oci.blob import Blob
from pyjib.oci.config import ImageConfig
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.manifest import Index, Manifest
from pyjib.oci.platform import Platform


@frozen
class Image:
    """One platform's image.

    ``layers`` has one blob for each of the manifest's layers, in the same order; the config has
    one diff id for each. A base image is an ``Image`` too.
    """

    manifest: Manifest
    config: ImageConfig
    layers: tuple[Blob, ...]

    @property
    def platform(self) -> Platform:
        """What the image runs on, by its config."""
        return self.config.platform

    @property
    def image_id(self) -> Digest:
        """The digest of the config."""
        return self.config.digest

    @property
    def descriptor(self) -> Descriptor:
        """Describe the manifest."""
        return self.manifest.descriptor

    @property
    def digest(self) -> Digest:
        """The digest of the manifest."""
        return self.descriptor.digest

    @property
    def config_blob(self) -> Blob:
        """The config as the blob that the manifest names."""
        return Blob.of_bytes(self.config.data, self.manifest.config.media_type)


@frozen
class ImageIndex:
    """Several platforms' images under one name; ``images`` in the order of the index."""

    index: Index
    images: tuple[Image, ...]

    @property
    def image_id(self) -> Digest:
        """The digest of the index: Jib's word for it where there are several configs."""
        return self.digest

    @property
    def descriptor(self) -> Descriptor:
        """Describe the index."""
        return self.index.descriptor

    @property
    def digest(self) -> Digest:
        """The digest of the index."""
        return self.descriptor.digest


AnyImage: TypeAlias = Image | ImageIndex


def images_of(image: AnyImage) -> tuple[Image, ...]:
    """Return the images of an index, or the one image itself."""
    return image.images if isinstance(image, ImageIndex) else (image,)
