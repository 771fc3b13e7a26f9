"""Base images from a tar file: what ``docker save`` writes, old and new, and OCI layouts.

Nothing is extracted: members are found by their names and read where they lie, so a name that
leads elsewhere has no effect. Where an archive has both ``index.json`` and ``manifest.json``, the
first is believed, for it has digests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pyjib.base.archive_files import ArchiveFiles
from pyjib.base.archive_layers import gzip_layer, identify_layer
from pyjib.base.layout import read_entries, read_layout
from pyjib.base.model import BaseImages, BaseTools, check_single
from pyjib.errors import ConfigurationError, ContentError, DigestMismatchError
from pyjib.layer.decompress import decompressed, sniff
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.config import ImageConfig
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.image import Image
from pyjib.oci.layout import INDEX_FILE
from pyjib.oci.location import ArchiveLocation
from pyjib.oci.manifest import Manifest
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import Platform

_CHUNK = 1 << 20
_MANIFEST_FILE = "manifest.json"


def pull(location: ArchiveLocation, platforms: Sequence[Platform], tools: BaseTools) -> BaseImages:
    """Read the image in a tar file, itself compressed or not.

    Layers that are plain tars are compressed into the store, once for each diff id, with the
    bytes that Jib gives them. Raises ``ConfigurationError`` for a file that is no image archive,
    or holds several images.
    """
    path = location.path
    return read_archive(lambda: _open(path), name=str(location), platforms=platforms, tools=tools)


def read_archive(
    opener: Callable[[], BinaryIO], *, name: str, platforms: Sequence[Platform], tools: BaseTools
) -> BaseImages:
    """Read the image in an archive that can be opened again and again, and sought in.

    Raises as ``pull`` does. ``digest`` of the result is ``None`` unless there is ``index.json``.
    """
    files = ArchiveFiles.of(_uncompressed(opener, tools), name)
    if _is_layout(files, name):
        base = read_layout(files, name=name, platforms=platforms)
        images = tuple(_with_gzipped_layers(image, tools) for image in base.images)
        return BaseImages(name=name, digest=base.digest, images=images, index=base.index)
    image = _read_saved(files, name, tools)
    check_single(image, platforms, name=name)
    return BaseImages(name=name, digest=None, images=(image,))


def _is_layout(files: ArchiveFiles, name: str) -> bool:
    if files.read(INDEX_FILE) is None:
        return False
    return any(files.blob(entry) for entry in read_entries(files, name))


def _with_gzipped_layers(image: Image, tools: BaseTools) -> Image:
    """Compress the layers that an engine saved as plain tars; the manifest changes by that."""
    family = types.format_of(image.manifest.media_type)
    _check_count(len(image.layers), image.config)
    layers = []
    for layer, diff_id in zip(image.layers, image.config.diff_ids, strict=True):
        if types.layer_compression(layer.descriptor.media_type) is Compression.NONE:
            with layer.open() as reader:
                is_tar = sniff(reader.read(16)) is Compression.NONE
            if is_tar:
                layers.append(gzip_layer(layer.open, diff_id, family, tools))
                continue
        layers.append(layer)
    if tuple(layers) == image.layers:
        return image
    return _image(image.config, layers, family)


@dataclass(frozen=True, slots=True)
class _Saved:
    """One entry of ``manifest.json``."""

    config: str
    layers: tuple[str, ...]


def _read_saved(files: ArchiveFiles, name: str, tools: BaseTools) -> Image:
    saved = _saved(files, name)
    data = files.read(saved.config)
    if data is None:
        raise ContentError(f"image {name} is not complete: it lacks {saved.config}")
    _check_config_name(saved.config, data, name)
    config = ImageConfig.parse(data)
    _check_count(len(saved.layers), config)
    layers = [
        _saved_layer(files, path, diff_id, tools)
        for path, diff_id in zip(saved.layers, config.diff_ids, strict=True)
    ]
    return _image(config, layers, ImageFormat.DOCKER)


def _saved_layer(files: ArchiveFiles, path: str, diff_id: Digest, tools: BaseTools) -> Blob:
    with files.open(path) as file:
        compression = sniff(file.read(16))
    if compression is Compression.NONE:
        return gzip_layer(lambda: files.open(path), diff_id, ImageFormat.DOCKER, tools)
    digest, size = identify_layer(lambda: files.open(path), compression, diff_id, tools)
    descriptor = Descriptor(
        media_type=types.layer_type(ImageFormat.DOCKER, compression), digest=digest, size=size
    )
    return Blob(descriptor=descriptor, opener=lambda: files.open(path))


def _saved(files: ArchiveFiles, name: str) -> _Saved:
    """Read ``manifest.json``; the case of its keys does not matter, to Jib neither."""
    data = files.read(_MANIFEST_FILE)
    if data is None:
        raise ConfigurationError(
            f"image {name} is no image archive: it has neither {_MANIFEST_FILE} nor "
            f"{INDEX_FILE} with its blobs",
            hint="make one by `docker save`, or by `pyjib build --to tar://FILE`",
        )
    entries = _parse(data, name)
    if len(entries) != 1:
        names = [str(tag) for entry in entries for tag in entry.get("repotags") or ()]
        raise ConfigurationError(
            f"image {name} holds {len(entries)} images: {', '.join(names) or 'without names'}",
            hint="save the one that you need on its own",
        )
    config, layers = entries[0].get("config"), entries[0].get("layers")
    if not isinstance(config, str) or not isinstance(layers, list):
        raise ContentError(f"{_MANIFEST_FILE} of image {name} names no config or no layers")
    return _Saved(config=config, layers=tuple(str(layer) for layer in layers))


def _parse(data: bytes, name: str) -> list[dict[str, Any]]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ContentError(f"{_MANIFEST_FILE} of image {name} is not valid JSON: {error}") from None
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ContentError(f"{_MANIFEST_FILE} of image {name} is not a list of objects")
    return [{key.lower(): member for key, member in entry.items()} for entry in value]


def _check_config_name(path: str, data: bytes, name: str) -> None:
    """``docker save`` names a config by its digest."""
    stem = path.rpartition("/")[2].removesuffix(".json")
    digest = Digest.of(data).hex
    if len(stem) == len(digest) and stem.isalnum() and stem != digest:
        raise DigestMismatchError(f"config {path} of image {name} has the digest {digest}")


def _check_count(layers: int, config: ImageConfig) -> None:
    if layers != len(config.diff_ids):
        raise ContentError(
            f"the base image contradicts itself: it lists {layers} layers, and its config "
            f"{config.digest} has {len(config.diff_ids)} diff ids",
            hint="save or copy it again",
        )


def _image(config: ImageConfig, layers: Sequence[Blob], family: ImageFormat) -> Image:
    manifest = Manifest.of(
        types.manifest_type(family),
        Descriptor.of(config.data, types.config_type(family)),
        tuple(layer.descriptor for layer in layers),
    )
    return Image(manifest=manifest, config=config, layers=tuple(layers))


def _uncompressed(opener: Callable[[], BinaryIO], tools: BaseTools) -> Callable[[], BinaryIO]:
    """Return an opener that can be sought in: a compressed archive is unpacked into the store."""
    with opener() as file:
        compression = sniff(file.read(16))
    if compression is Compression.NONE:
        return opener
    with opener() as file, tools.store.writer() as writer:
        source = decompressed(file, compression)
        while chunk := source.read(_CHUNK):
            tools.cancellation.check()
            writer.write(chunk)
        return writer.commit("application/x-tar").opener


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        hint = "relative paths start at the working directory"
        if isinstance(error, FileNotFoundError):
            hint = f"check the path: {hint}"
        raise ConfigurationError(
            f"cannot read the image tar://{path}: {error.strerror or error}", hint=hint
        ) from None
