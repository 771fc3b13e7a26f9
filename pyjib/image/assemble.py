"""A base image and packed layers become an image; images become an index.

Two dialects: pyjib's own, which keeps all that the base says, and Jib's, down to its omissions,
for a plan whose identity is that of a Jib (``plan.identity.is_jib``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pyjib.errors import ConfigurationError, ContentError
from pyjib.image.jib_config import jib_config
from pyjib.image.own_config import own_config
from pyjib.layer.model import Layer
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.config import ImageConfig
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.image import Image, ImageIndex
from pyjib.oci.json import Json, dump
from pyjib.oci.manifest import Index, Manifest
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import Platform
from pyjib.plan.model import BuildPlan


def assemble_image(base: Image, layers: Sequence[Layer], plan: BuildPlan) -> Image:
    """Lay ``layers`` and the plan's configuration over ``base``; the platform is the base's.

    The base's layers are taken over as they are, under the media types of the plan's format;
    for Jib's dialect all of the base's are said to be gzip, as Jib does. Raises ``ContentError`` for a
    base that contradicts itself.
    """
    _check_layer_count(base, plan)
    write_config = jib_config if plan.identity.is_jib else own_config
    names = [layer.name for layer in layers]
    diff_ids = [str(layer.diff_id) for layer in layers]
    try:
        config = ImageConfig.parse(dump(write_config(base, names, diff_ids, plan)))
    except ContentError as error:
        raise ContentError(
            f"config {base.image_id} of base image {plan.base}: {error.message}",
            hint=error.hint or "take another base by --from, or have this one repaired",
        ) from None
    return _image(
        config,
        [
            *(_retyped(blob, plan) for blob in base.layers),
            *(_retyped(layer.blob, plan, is_own=True) for layer in layers),
        ],
        plan.format,
    )


def assemble_index(images: Sequence[Image], plan: BuildPlan) -> ImageIndex:
    """List several platforms' images, in the order given.

    Raises ``ConfigurationError`` for an OCI index in Jib's dialect, for there is no Jib that
    makes one.
    """
    if plan.identity.is_jib and plan.format is ImageFormat.OCI:
        raise ConfigurationError(
            "Jib cannot build an OCI image index, so there is none to be identical with",
            hint="pass --format docker, or build for one platform",
        )
    entries = tuple(replace(image.descriptor, platform=image.platform) for image in images)
    index = Index.of(types.index_type(plan.format), entries)
    return ImageIndex(index=index, images=tuple(images))


def empty_image(platform: Platform, image_format: ImageFormat) -> Image:
    """Return the base ``scratch``: an image for a platform that has no layers."""
    document: Json = {"architecture": platform.architecture, "os": platform.os}
    if platform.variant:
        document["variant"] = platform.variant
    document |= {"config": {}, "rootfs": {"type": "layers", "diff_ids": []}, "history": []}
    return _image(ImageConfig.parse(dump(document)), [], image_format)


def _image(config: ImageConfig, layers: Sequence[Blob], image_format: ImageFormat) -> Image:
    config_descriptor = Descriptor.of(config.data, types.config_type(image_format))
    manifest = Manifest.of(
        types.manifest_type(image_format),
        config_descriptor,
        tuple(layer.descriptor for layer in layers),
    )
    return Image(manifest=manifest, config=config, layers=tuple(layers))


def _retyped(blob: Blob, plan: BuildPlan, *, is_own: bool = False) -> Blob:
    old = blob.descriptor
    if plan.identity.is_jib and not is_own:
        compression = Compression.GZIP
    else:
        compression = types.layer_compression(old.media_type)
    keeps_annotations = plan.format is ImageFormat.OCI and not plan.identity.is_jib
    foreign = types.is_foreign(old.media_type) and not plan.identity.is_jib
    descriptor = Descriptor(
        media_type=types.layer_type(plan.format, compression, foreign=foreign),
        digest=old.digest,
        size=old.size,
        annotations=old.annotations if keeps_annotations else {},
        urls=old.urls if foreign else (),
    )
    return replace(blob, descriptor=descriptor)


def _check_layer_count(base: Image, plan: BuildPlan) -> None:
    layers, diff_ids = len(base.layers), len(base.config.diff_ids)
    if layers != diff_ids:
        raise ContentError(
            f"base image {plan.base} for {base.platform} contradicts itself: its manifest "
            f"{base.digest} lists {layers} layers, its config {base.image_id} {diff_ids} diff ids",
            hint="take another base by --from: nothing could run this one",
        )
