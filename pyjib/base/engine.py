"""Base images that a Docker or Podman daemon has: exported once, then found in the store.

A daemon tells an image by its ID, which stands for all of its content. So what an export gave is
remembered under that ID, and the next build asks the daemon for the ID and for nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from pyjib.base.archive import read_archive
from pyjib.base.model import BaseImages, BaseTools
from pyjib.engine.model import Engine
from pyjib.errors import EngineError
from pyjib.events import Direction, TransferFinished, TransferProgress, TransferStarted
from pyjib.oci.blob import Blob
from pyjib.oci.config import ImageConfig
from pyjib.oci.digest import Digest
from pyjib.oci.image import Image
from pyjib.oci.location import EngineLocation
from pyjib.oci.manifest import Manifest
from pyjib.oci.platform import Platform
from pyjib.store.model import LayerRecord
from pyjib.store.writer import BlobWriter

_CHUNK = 1 << 20


def pull(location: EngineLocation, platforms: Sequence[Platform], tools: BaseTools) -> BaseImages:
    """Read an image out of a daemon's store; nothing is pulled into that from a registry.

    ``digest`` of the result is ``None`` unless the daemon uses containerd's store, for no other
    keeps manifests. Raises ``EngineError`` if there is no such image, and what ``read_archive``
    raises.
    """
    engine, name = tools.engine(), str(location)
    image_id = engine.image_id(location.reference)
    if image_id is None:
        raise EngineError(
            f"{engine} has no image {location.reference.familiar}",
            hint=f"pull it into the daemon first, or name it without docker:// to have pyjib "
            f"pull {location.reference} itself",
        )
    images = _recall(image_id, platforms, tools)
    if images is None:
        images = _export(engine, image_id, name, platforms, tools)
        _remember(image_id, platforms, images, tools)
    digest = image_id if engine.info().containerd_store else None
    return BaseImages(name=name, digest=digest, images=images)


def _export(
    engine: Engine,
    image_id: Digest,
    name: str,
    platforms: Sequence[Platform],
    tools: BaseTools,
) -> tuple[Image, ...]:
    with tools.store.writer() as archive:  # which never becomes a blob: it is needed for this alone
        _save(engine, image_id, name, archive, tools)
        # By ID, not by name: the name may have moved on since it was asked for.
        base = read_archive(archive.opener(), name=name, platforms=platforms, tools=tools)
        return tuple(_in_store(image, tools) for image in base.images)


def _save(
    engine: Engine, image_id: Digest, name: str, archive: BlobWriter, tools: BaseTools
) -> None:
    pull, key = Direction.PULL, str(image_id)
    tools.listener(TransferStarted(direction=pull, key=key, label=f"{name} from {engine}"))
    done = 0
    with closing(engine.image_save(image_id)) as chunks:
        for chunk in chunks:
            tools.cancellation.check()
            archive.write(chunk)
            done += len(chunk)
            tools.listener(TransferProgress(direction=pull, key=key, done=done))
    tools.listener(TransferFinished(direction=pull, key=key, size=done))


def _in_store(image: Image, tools: BaseTools) -> Image:
    """Return the image with all of its layers in the store, none in the archive."""
    layers = tuple(_stored(layer, tools) for layer in image.layers)
    return Image(manifest=image.manifest, config=image.config, layers=layers)


def _stored(layer: Blob, tools: BaseTools) -> Blob:
    found = tools.store.find(layer.descriptor)
    if found is not None:
        return found
    with layer.open() as reader:
        return tools.store.fetch(layer.descriptor, iter(lambda: reader.read(_CHUNK), b""))


def _keys(image_id: Digest, platforms: Sequence[Platform]) -> list[str]:
    return [f"engine image {image_id} {platform}" for platform in platforms or ("",)]


def _remember(
    image_id: Digest, platforms: Sequence[Platform], images: Sequence[Image], tools: BaseTools
) -> None:
    """Record each image as the store records layers: its manifest, and its config's digest."""
    for key, image in zip(_keys(image_id, platforms), images, strict=False):
        tools.store.put_document(image.manifest.data)
        tools.store.put_document(image.config.data)
        record = LayerRecord(descriptor=image.descriptor, diff_id=image.image_id)
        tools.store.put_layer(key, record)


def _recall(
    image_id: Digest, platforms: Sequence[Platform], tools: BaseTools
) -> tuple[Image, ...] | None:
    images = [_recall_one(key, tools) for key in _keys(image_id, platforms)]
    found = tuple(image for image in images if image is not None)
    return found if len(found) == len(images) else None


def _recall_one(key: str, tools: BaseTools) -> Image | None:
    """Return a remembered image, ``None`` if any part of it has been pruned."""
    store = tools.store
    record = store.get_layer(key)
    if record is None:
        return None
    manifest_data = store.get_document(record.descriptor.digest)
    config_data = store.get_document(record.diff_id)
    if manifest_data is None or config_data is None:
        return None
    manifest = Manifest.parse(manifest_data)
    layers = tuple(blob for entry in manifest.layers if (blob := store.find(entry)) is not None)
    if len(layers) != len(manifest.layers):
        return None
    return Image(manifest=manifest, config=ImageConfig.parse(config_data), layers=layers)
