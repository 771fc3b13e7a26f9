from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyjib.errors import ContentError, DigestMismatchError, MalformedDocumentError
from pyjib.image.validate import validate
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.config import ImageConfig
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.image import Image, ImageIndex
from pyjib.oci.json import dump
from pyjib.oci.manifest import Index
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import Platform
from tests.support.images import (
    LINUX_ARM64,
    checked,
    compress,
    image_of,
    image_with,
    random_image,
    random_index,
    random_tar,
    tar_of,
    temurin_image,
)

IMAGE = random_image(7)
INDEX = random_index(7)


def with_config(change: Callable[[dict[str, Any]], object], image: Image = IMAGE) -> Image:
    """Return the image under another config, all digests made to fit."""
    document = json.loads(image.config.data)
    change(document)
    config = ImageConfig.parse(dump(document))
    return image_with(config, image.layers, types.format_of(image.manifest.media_type))


def with_layer(data: bytes, media_type: str, tar: bytes) -> Image:
    """Return an image with one layer of these bytes, all digests made to fit."""
    fitting = image_of([tar])
    return image_with(fitting.config, [Blob.of_bytes(data, media_type)], ImageFormat.DOCKER)


@pytest.mark.parametrize("image_format", ImageFormat)
@pytest.mark.parametrize("compression", Compression)
def test_valid_images_pass(image_format: ImageFormat, compression: Compression) -> None:
    checked(random_image(image_format=image_format, compression=compression))
    checked(random_index(image_format=image_format, compression=compression))
    checked(temurin_image(image_format=image_format, compression=compression))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda it: it.update(created="yesterday"), "linux/amd64 config created"),
        (lambda it: it.update(created=0), "linux/amd64 config created: is not text"),
        (lambda it: it["history"][1].update(created="x"), "config history[1].created"),
        (lambda it: it["history"].pop(), "config history: tells of 1 layers, but there are 2"),
        (lambda it: it.update(history={}), "history: not a list of objects"),
        (lambda it: it["rootfs"]["diff_ids"].pop(), "rootfs.diff_ids: 1 for 2 layers"),
        (lambda it: it["rootfs"].update(type="tar"), "rootfs.type: is not 'layers'"),
        (lambda it: it["rootfs"]["diff_ids"].reverse(), "layers[0]: the tar in it is"),
        (lambda it: it["config"].update(Env=["A=1", "A=2"]), "Env: a variable appears twice"),
        (lambda it: it["config"].update(Env=["=1"]), "Env: a variable without a name"),
        (lambda it: it["config"].update(Env="A=1"), "config.Env: not a list of texts"),
        (lambda it: it["config"].update(Cmd="sh"), "config.Cmd: not a list of texts"),
        (lambda it: it["config"].update(Labels={"a": None}), "config.Labels: a value is not text"),
        (lambda it: it["config"].update(Volumes=[]), "config.Volumes: not an object"),
        (lambda it: it["config"].update(User=1), "config.User: not text"),
    ],
)
def test_each_lie_of_a_config_is_found(
    change: Callable[[dict[str, Any]], object], place: str
) -> None:
    with pytest.raises(ContentError) as caught:
        validate(with_config(change))
    assert place in caught.value.message


def test_history_may_be_absent() -> None:
    checked(with_config(lambda it: it.pop("history")))
    checked(with_config(lambda it: it.update(history=[])))


def test_documents_must_say_what_their_views_say() -> None:
    other = random_image(8)
    cases = {
        "manifest: its bytes": replace(IMAGE, manifest=replace(IMAGE.manifest, layers=())),
        "config.digest": replace(IMAGE, config=other.config),
        "config: its bytes": replace(IMAGE, config=replace(IMAGE.config, platform=LINUX_ARM64)),
        "layers: the manifest lists 2, the image has 1": replace(IMAGE, layers=IMAGE.layers[:1]),
        "layers[0].digest": replace(IMAGE, layers=IMAGE.layers[::-1]),
    }
    for place, broken in cases.items():
        with pytest.raises(ContentError) as caught:
            validate(broken, contents=False)
        assert place in caught.value.message


def test_another_schema_version_is_refused() -> None:
    document = json.loads(IMAGE.manifest.data)
    broken = replace(IMAGE.manifest, data=dump({**document, "schemaVersion": 1}))
    with pytest.raises(MalformedDocumentError, match="schemaVersion"):
        validate(replace(IMAGE, manifest=broken))


@pytest.mark.parametrize(
    ("image_format", "config_type", "layer_type"),
    [
        (ImageFormat.DOCKER, types.OCI_CONFIG, types.DOCKER_LAYER_GZIP),
        (ImageFormat.DOCKER, types.DOCKER_CONFIG, types.OCI_LAYER_GZIP),
        (ImageFormat.OCI, types.DOCKER_CONFIG, types.OCI_LAYER_GZIP),
        (ImageFormat.OCI, types.OCI_CONFIG, types.DOCKER_LAYER_GZIP),
        (ImageFormat.OCI, types.OCI_CONFIG, "application/octet-stream"),
    ],
)
def test_media_types_are_of_one_family(
    image_format: ImageFormat, config_type: str, layer_type: str
) -> None:
    tar = random_tar(1)
    image = image_of([tar], image_format=image_format)
    layer = Blob.of_bytes(compress(tar, Compression.GZIP), layer_type)
    manifest = type(image.manifest).of(
        image.manifest.media_type,
        Descriptor.of(image.config.data, config_type),
        (layer.descriptor,),
    )
    with pytest.raises(ContentError, match=r"mediaType: .* in a manifest of the type"):
        validate(replace(image, manifest=manifest, layers=(layer,)))


@pytest.mark.parametrize("image_format", ImageFormat)
def test_layers_that_are_kept_elsewhere_are_layers_too(image_format: ImageFormat) -> None:
    tar = random_tar(2)
    media_type = types.layer_type(image_format, Compression.GZIP, foreign=True)
    layer = Blob.of_bytes(compress(tar, Compression.GZIP), media_type)
    validate(image_with(image_of([tar]).config, [layer], image_format))


@pytest.mark.parametrize("said", Compression)
@pytest.mark.parametrize("real", Compression)
def test_the_media_type_s_compression_is_that_of_the_bytes(
    said: Compression, real: Compression
) -> None:
    tar = random_tar(3)
    image = with_layer(compress(tar, real), types.layer_type(ImageFormat.DOCKER, said), tar)
    if said is real:
        checked(image)
        return
    with pytest.raises(ContentError, match=f"the media type says {said}, the bytes are {real}"):
        validate(image)


@pytest.mark.parametrize(
    ("tar", "reason"),
    [
        (tar_of({"/etc/passwd": b""}), "the name '/etc/passwd' is not relative"),
        (tar_of({"a/../../b": b""}), "the name 'a/../../b' leads out of the image"),
        (b"no tar" * 200, "the tar cannot be read"),
        (random_tar(1)[:1600], "the tar cannot be read"),
        (random_tar(1)[:-4096] + b"x" + bytes(4095), "something after its last entry"),
        (random_tar(1) + b"more", "something after its last entry"),
        (random_tar(1)[:512] + b"\1" * 512 + random_tar(1)[1024:], "something after its last"),
    ],
)
def test_what_lies_in_a_layer_is_a_tar_of_relative_names(tar: bytes, reason: str) -> None:
    image = image_of([tar])
    validate(image, contents=False)
    with pytest.raises(ContentError) as caught:
        validate(image)
    assert "linux/amd64 layers[0]: " in caught.value.message
    assert reason in caught.value.message


def test_a_tar_without_an_end_of_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    image = image_of([tar_of({"a": b"", "b": b"", "c": b""})])
    monkeypatch.setattr("pyjib.image.tar_headers.MOST_ENTRIES", 3)
    validate(image)
    monkeypatch.setattr("pyjib.image.tar_headers.MOST_ENTRIES", 2)
    with pytest.raises(ContentError, match="more than 2 entries"):
        validate(image)


@settings(max_examples=60)
@given(st.data())
@pytest.mark.parametrize("compression", Compression)
def test_every_byte_flip_in_a_layer_is_caught(
    compression: Compression, data: st.DataObject
) -> None:
    image = random_image(5, compression=compression, layers=1, size=300)
    with image.layers[0].open() as reader:
        content = bytearray(reader.read())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    broken = replace(image.layers[0], opener=lambda: io.BytesIO(bytes(content)))
    with pytest.raises(ContentError):
        validate(replace(image, layers=(broken,)))


def test_a_damaged_layer_is_named() -> None:
    broken = replace(IMAGE.layers[1], opener=IMAGE.layers[0].opener)
    with pytest.raises(ContentError, match=r"layers\[1\]"):
        validate(replace(IMAGE, layers=(IMAGE.layers[0], broken)))


def index_with(**changes: Any) -> ImageIndex:
    """Return the index with its first entry changed."""
    first, *rest = INDEX.index.manifests
    index = Index.of(INDEX.index.media_type, (replace(first, **changes), *rest))
    return replace(INDEX, index=index)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"digest": Digest.of(b"")}, "index manifests[0].digest"),
        ({"size": 1}, "index manifests[0].size"),
        ({"media_type": types.OCI_MANIFEST}, "index manifests[0].mediaType"),
        ({"platform": LINUX_ARM64}, "index manifests[0].platform"),
        ({"platform": None}, "index manifests[0].platform"),
    ],
)
def test_each_lie_of_an_index_is_found(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(ContentError) as caught:
        validate(index_with(**changes))
    assert place in caught.value.message


def test_an_index_lists_its_images_and_each_platform_once() -> None:
    with pytest.raises(ContentError, match="not one entry for each image"):
        validate(replace(INDEX, images=INDEX.images[:1]))
    with pytest.raises(ContentError, match="its bytes say something else"):
        validate(replace(INDEX, index=replace(INDEX.index, manifests=())))
    with pytest.raises(ContentError, match="lists a platform twice"):
        validate(random_index(platforms=(LINUX_ARM64, LINUX_ARM64)))
    mixed = replace(INDEX, index=Index.of(types.OCI_INDEX, INDEX.index.manifests))
    with pytest.raises(ContentError, match="in an index of the type"):
        validate(mixed)


def test_attestations_in_an_index_are_no_images() -> None:
    unknown = Platform(os="unknown", architecture="unknown")
    attestation = replace(random_image(99).descriptor, platform=unknown)
    entries = (*INDEX.index.manifests, attestation)
    checked(replace(INDEX, index=Index.of(INDEX.index.media_type, entries)))


def test_digest_mismatches_keep_their_class() -> None:
    blob = IMAGE.layers[0]
    with blob.open() as reader:
        content = reader.read()
    other = replace(
        blob,
        descriptor=replace(blob.descriptor, digest=Digest.of(b"")),
        opener=lambda: io.BytesIO(content),
    )
    broken = image_with(IMAGE.config, (other, IMAGE.layers[1]), ImageFormat.DOCKER)
    with pytest.raises(DigestMismatchError):
        validate(broken)


def test_memory_does_not_grow_with_a_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyjib.layer.decompress.HARMLESS_SIZE", 65 << 20)
    image = image_of([tar_of({"big": bytes(64 << 20)})])
    tracemalloc.start()
    try:
        validate(image)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20
