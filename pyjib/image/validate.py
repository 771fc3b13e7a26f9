"""Whether an image is one: every invariant of its documents and of the bytes they name."""

from __future__ import annotations

from pyjib.errors import ConfigurationError, ContentError
from pyjib.image import inherited
from pyjib.image.validate_layer import validate_layer
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.config import ImageConfig
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.image import AnyImage, Image, ImageIndex, images_of
from pyjib.oci.instant import Instant
from pyjib.oci.json import Json
from pyjib.oci.manifest import Index, Manifest
from pyjib.oci.media_type import Compression, ImageFormat


def validate(image: AnyImage, *, contents: bool = True) -> None:
    """Check an image, or an index and all of its images.

    Documents are parsed anew from their bytes and compared with each other: digests, sizes,
    media types of one family, one diff id and one entry of history a layer, platforms, times.
    With ``contents`` each layer is also read, in chunks: its bytes against its descriptor, its
    compression against its media type, the tar within against its diff id, the names in it.
    Raises ``ContentError`` with the place and the invariant that is broken there.
    """
    if isinstance(image, ImageIndex):
        _validate_index(image)
    for one in images_of(image):
        _validate_documents(one)
        if contents:
            for place, (layer, diff_id) in enumerate(
                zip(one.layers, one.config.diff_ids, strict=True)
            ):
                validate_layer(layer, diff_id, f"{one.platform} layers[{place}]")


def _validate_index(image: ImageIndex) -> None:
    index = Index.parse(image.index.data)
    _require(
        (index.media_type, index.manifests) == (image.index.media_type, image.index.manifests),
        "index",
        "its bytes say something else than the view of them",
    )
    family = types.format_of(index.media_type)
    runnable = [entry for entry in index.manifests if _is_image(entry)]
    _require(len(runnable) == len(image.images), "index", "not one entry for each image")
    for place, (entry, member) in enumerate(zip(runnable, image.images, strict=True)):
        where = f"index manifests[{place}]"
        _require_descriptor(entry, member.descriptor, where)
        _require(
            entry.platform == member.platform,
            f"{where}.platform",
            f"is {entry.platform}, but the config says {member.platform}",
        )
        _require(
            types.format_of(entry.media_type) is family,
            where,
            f"{entry.media_type} in an index of the type {index.media_type}",
        )
    platforms = [entry.platform for entry in runnable]
    _require(len(set(platforms)) == len(platforms), "index", "lists a platform twice")


def _is_image(entry: Descriptor) -> bool:
    return types.is_manifest(entry.media_type) and not (
        entry.platform and entry.platform.os == "unknown"
    )


def _validate_documents(image: Image) -> None:
    where = str(image.platform)
    manifest = Manifest.parse(image.manifest.data)
    _require(
        (manifest.media_type, manifest.config, manifest.layers)
        == (image.manifest.media_type, image.manifest.config, image.manifest.layers),
        f"{where} manifest",
        "its bytes say something else than the view of them",
    )
    family = types.format_of(manifest.media_type)
    _require_descriptor(manifest.config, image.config_blob.descriptor, f"{where} config")
    _require(
        manifest.config.media_type == types.config_type(family),
        f"{where} config.mediaType",
        f"{manifest.config.media_type} in a manifest of the type {manifest.media_type}",
    )
    _validate_layer_list(manifest, image.layers, family, where)
    _validate_config(image.config, len(manifest.layers), where)


def _validate_layer_list(
    manifest: Manifest, layers: tuple[Blob, ...], family: ImageFormat, where: str
) -> None:
    _require(
        len(manifest.layers) == len(layers),
        f"{where} layers",
        f"the manifest lists {len(manifest.layers)}, the image has {len(layers)}",
    )
    known = {
        types.layer_type(family, compression, foreign=foreign)
        for compression in Compression
        for foreign in (False, True)
    }
    for place, (entry, layer) in enumerate(zip(manifest.layers, layers, strict=True)):
        _require_descriptor(entry, layer.descriptor, f"{where} layers[{place}]")
        _require(
            entry.media_type in known,
            f"{where} layers[{place}].mediaType",
            f"{entry.media_type} in a manifest of the type {manifest.media_type}",
        )


def _validate_config(view: ImageConfig, layers: int, where: str) -> None:
    config = ImageConfig.parse(view.data)
    where = f"{where} config"
    _require(config == view, where, "its bytes say something else than the view of them")
    _require(
        len(config.diff_ids) == layers,
        f"{where} rootfs.diff_ids",
        f"{len(config.diff_ids)} for {layers} layers",
    )
    rootfs = config.document.get("rootfs")
    _require(
        isinstance(rootfs, dict) and rootfs.get("type") == "layers",
        f"{where} rootfs.type",
        "is not 'layers'",
    )
    _require_time(config.document, f"{where} created")
    _validate_history(config, layers, where)
    _validate_run(config.run, where)


def _validate_history(config: ImageConfig, layers: int, where: str) -> None:
    history = inherited.read_history(config)
    for place, entry in enumerate(history):
        _require_time(entry, f"{where} history[{place}].created")
    counted = sum(inherited.is_of_layer(entry) for entry in history)
    _require(
        not history or counted == layers,
        f"{where} history",
        f"tells of {counted} layers, but there are {layers}",
    )


def _validate_run(run: Json, where: str) -> None:
    for name in ("User", "WorkingDir"):
        inherited.read_text(run, name)
    for name in ("Entrypoint", "Cmd"):
        inherited.read_texts(run, name)
    for name in ("ExposedPorts", "Volumes"):
        inherited.read_members(run, name)
    inherited.read_labels(run)
    names = [entry.partition("=")[0] for entry in inherited.read_texts(run, "Env") or ()]
    _require(all(names), f"{where} config.Env", "a variable without a name")
    _require(len(set(names)) == len(names), f"{where} config.Env", "a variable appears twice")


def _require_time(document: Json, where: str) -> None:
    text = document.get("created")
    if text is None:
        return
    _require(isinstance(text, str), where, "is not text")
    try:
        Instant.parse(text)
    except ConfigurationError as error:
        raise ContentError(f"{where}: {error.message}") from None


def _require_descriptor(entry: Descriptor, content: Descriptor, where: str) -> None:
    for name, stated, found in (
        ("mediaType", entry.media_type, content.media_type),
        ("digest", entry.digest, content.digest),
        ("size", entry.size, content.size),
    ):
        _require(stated == found, f"{where}.{name}", f"is {stated}, but should be {found}")


def _require(holds: bool, where: str, otherwise: str) -> None:
    if not holds:
        raise ContentError(f"{where}: {otherwise}")
