from __future__ import annotations

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pyjib.base.archive import pull
from pyjib.base.model import BaseImages
from pyjib.destination.archive import archive_chunks
from pyjib.destination.jib_archive import jib_archive_chunks
from pyjib.errors import ConfigurationError, ContentError, DigestMismatchError, PlatformError
from pyjib.events import Event, TransferFinished
from pyjib.oci import media_type as types
from pyjib.oci.image import Image, ImageIndex
from pyjib.oci.location import ArchiveLocation
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import LINUX_AMD64, Platform
from pyjib.oci.reference import Reference
from tests.support import peers
from tests.support.bases import base_tools, docker_save, plain_tars, tar_file
from tests.support.images import (
    LINUX_ARM64,
    checked,
    compress,
    random_image,
    random_index,
    temurin_image,
)

NAMES = (Reference.parse("app:1"),)


class Bases:
    """Pulls archives with one store."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "base.tar"
        self.events: list[Event] = []
        self._tools = base_tools(directory / "store", self.events.append)

    def read(self, data: bytes, platforms: Sequence[Platform] = ()) -> BaseImages:
        self.path.write_bytes(data)
        self.events.clear()
        base = pull(ArchiveLocation(path=self.path), platforms, self._tools)
        assert base.name == f"tar://{self.path}"
        for image in base.images:
            checked(image)
        return base

    @property
    def layers_read(self) -> int:
        return len([event for event in self.events if isinstance(event, TransferFinished)])


@pytest.fixture
def bases(tmp_path: Path) -> Bases:
    return Bases(tmp_path)


def hybrid(image: Image | ImageIndex) -> bytes:
    return b"".join(archive_chunks(image, NAMES))


def test_plain_layers_of_docker_save_become_jib_s_gzip(bases: Bases) -> None:
    image = temurin_image()
    base = bases.read(tar_file(docker_save(image)))
    assert base.digest is None
    (pulled,) = base.images
    assert pulled.config == image.config
    assert pulled.manifest.media_type == types.DOCKER_MANIFEST
    for layer, tar in zip(pulled.layers, plain_tars(image), strict=True):
        with layer.open() as reader:
            data = reader.read()
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15, 8, 0)
        body = deflate.compress(tar) + deflate.flush()
        trailer = zlib.crc32(tar).to_bytes(4, "little") + len(tar).to_bytes(4, "little")
        assert data == b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + body + trailer


def test_a_layer_is_compressed_once(bases: Bases) -> None:
    saved = docker_save(temurin_image())
    first = bases.read(tar_file(saved))
    assert bases.layers_read == 2
    second = bases.read(tar_file({"comment": b"another file", **saved}))
    assert bases.layers_read == 0
    assert second.images == first.images


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
def test_compressed_layers_of_a_docker_archive_stay_as_they_are(
    bases: Bases, compression: Compression
) -> None:
    image = random_image(compression=compression)
    saved = docker_save(image)
    for name, layer in zip(
        [n for n in saved if n.endswith("layer.tar")], image.layers, strict=True
    ):
        with layer.open() as reader:
            saved[name] = reader.read()
    assert bases.read(tar_file(saved)).images == (image,)


def test_archives_of_jib_can_be_bases(bases: Bases) -> None:
    image = random_image()
    data = b"".join(jib_archive_chunks(image, NAMES, ImageFormat.DOCKER))
    assert bases.read(data).images == (image,)
    image = random_image(image_format=ImageFormat.OCI)
    data = b"".join(jib_archive_chunks(image, NAMES, ImageFormat.OCI))
    assert bases.read(data).images == (image,)


@pytest.mark.parametrize("image_format", ImageFormat)
@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
def test_an_archive_of_ours_comes_back_as_it_was(
    bases: Bases, image_format: ImageFormat, compression: Compression
) -> None:
    image = random_image(image_format=image_format, compression=compression)
    base = bases.read(hybrid(image))
    assert base.images == (image,)
    assert base.digest == image.digest


def test_platforms_are_chosen_from_an_archive_s_index(bases: Bases) -> None:
    index = random_index()
    base = bases.read(hybrid(index), (LINUX_ARM64, LINUX_AMD64))
    assert base.images == index.images[::-1]
    assert base.digest == index.digest
    with pytest.raises(PlatformError, match="it has linux/amd64, linux/arm64/v8"):
        bases.read(hybrid(index), (Platform.parse("linux/s390x"),))


def test_plain_layers_of_a_layout_are_compressed_too(bases: Bases) -> None:
    # As Docker 25 and later save them from a graph driver.
    image = random_image(image_format=ImageFormat.OCI, compression=Compression.NONE)
    base = bases.read(hybrid(image))
    assert base.digest == image.digest
    (pulled,) = base.images
    assert pulled.config == image.config
    assert {layer.media_type for layer in pulled.manifest.layers} == {types.OCI_LAYER_GZIP}
    assert plain_tars(pulled) == plain_tars(image)


def test_without_its_blobs_index_json_is_not_believed(bases: Bases) -> None:
    image = random_image()
    other = json.dumps(
        {"schemaVersion": 2, "manifests": [random_image(9).descriptor.to_json()]}
    ).encode()
    base = bases.read(tar_file({**docker_save(image), "index.json": other}))
    assert base.images[0].config == image.config


def test_an_archive_that_would_fill_the_disk(bases: Bases, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="grows beyond all measure"):
        bases.read(compress(bytes(32 << 20), Compression.ZSTD))
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
@pytest.mark.parametrize("kind", ["docker", "oci"])
def test_a_compressed_archive_is_read_like_a_plain_one(
    bases: Bases, compression: Compression, kind: str
) -> None:
    image = random_image()
    data = hybrid(image) if kind == "oci" else tar_file(docker_save(image))
    base = bases.read(compress(data, compression))
    assert base.images[0].config == image.config
    bases.path.unlink()
    checked(base.images[0])


def test_links_between_layers_are_followed(bases: Bases) -> None:
    image = random_image()
    saved = docker_save(image)
    first = next(name for name in saved if name.endswith("layer.tar"))
    real, other = f"{'a' * 64}/layer.tar", f"{'b' * 64}/layer.tar"
    moved = {**saved, real: saved[first], other: f"../{'a' * 64}/layer.tar", first: f"../{other}"}
    assert bases.read(tar_file(moved)).images[0].config == image.config


def test_links_that_lead_nowhere_or_in_circles_are_refused(bases: Bases) -> None:
    saved = docker_save(random_image())
    first = next(name for name in saved if name.endswith("layer.tar"))
    for target in ("../../../../../../etc/passwd", "layer.tar", "/etc/passwd"):
        with pytest.raises(ContentError, match=f"it lacks {first}"):
            bases.read(tar_file({**saved, first: target}))


def test_names_that_lead_out_of_the_archive_touch_nothing(bases: Bases) -> None:
    image = random_image()
    evil = {"../evil": b"x", "/tmp/../evil": b"x", "a/../../evil": b"x", **docker_save(image)}
    before = set(bases.path.parent.parent.iterdir())
    assert bases.read(tar_file(evil)).images[0].config == image.config
    assert set(bases.path.parent.parent.iterdir()) == before


def test_names_may_start_with_a_dot_and_keys_have_any_case(bases: Bases) -> None:
    image = random_image()
    saved = {f"./{name}": content for name, content in docker_save(image).items()}
    content = saved["./manifest.json"]
    assert isinstance(content, bytes)
    saved["./manifest.json"] = content.replace(b"Config", b"config").replace(b"Layers", b"LAYERS")
    assert bases.read(tar_file(saved)).images[0].config == image.config


def test_several_images_in_one_archive_are_listed(bases: Bases) -> None:
    first, second = docker_save(random_image(1), ["a:1", "a:2"]), docker_save(random_image(2))
    both = [json.loads(saved["manifest.json"])[0] for saved in (first, second)]
    with pytest.raises(ConfigurationError, match="holds 2 images: a:1, a:2, app:1") as caught:
        bases.read(tar_file({**first, "manifest.json": json.dumps(both).encode()}))
    assert caught.value.hint
    with pytest.raises(ConfigurationError, match="holds 0 images"):
        bases.read(tar_file({"manifest.json": b"[]"}))


def test_one_image_is_checked_against_what_is_asked_for(bases: Bases) -> None:
    data = tar_file(docker_save(random_image(platform=LINUX_ARM64)))
    assert bases.read(data).images[0].platform == LINUX_ARM64
    with pytest.raises(PlatformError, match="is for linux/arm64/v8 only"):
        bases.read(data, (LINUX_AMD64,))


def test_a_file_that_is_no_image_archive_is_refused(bases: Bases, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read the image tar://.*missing\.tar"):
        pull(ArchiveLocation(path=tmp_path / "missing.tar"), (), base_tools(tmp_path / "s"))
    with pytest.raises(ConfigurationError, match="cannot read the image"):
        pull(ArchiveLocation(path=tmp_path), (), base_tools(tmp_path / "s"))
    with pytest.raises(ConfigurationError, match="is no image archive") as caught:
        bases.read(tar_file({"a": b""}))
    assert caught.value.hint
    for data in (b"", b"nothing of the kind" * 100, gzip.compress(b"nor this" * 1000)):
        with pytest.raises(ContentError, match="is no readable tar"):
            bases.read(data)
    with pytest.raises(ContentError, match="gzip data is cut short"):
        bases.read(gzip.compress(tar_file(docker_save(random_image())))[:-20])


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (b"{", "is not valid JSON"),
        (b"{}", "is not a list of objects"),
        (b"[1]", "is not a list of objects"),
        (b"[{}]", "names no config or no layers"),
        (b'[{"Config":"nope.json","Layers":[]}]', "it lacks nope.json"),
    ],
)
def test_a_malformed_manifest_json_is_refused(bases: Bases, manifest: bytes, reason: str) -> None:
    with pytest.raises(ContentError, match=reason):
        bases.read(tar_file({"manifest.json": manifest}))


def test_lies_of_an_archive_are_found(bases: Bases) -> None:
    image = random_image()
    saved = docker_save(image)
    config = f"{image.image_id.hex}.json"
    first, second = (name for name in saved if name.endswith("layer.tar"))
    with pytest.raises(DigestMismatchError, match="a layer of the base image is not the one"):
        bases.read(tar_file({**saved, first: saved[second]}))
    with pytest.raises(DigestMismatchError, match="has the digest"):
        bases.read(tar_file({**saved, config: image.config.data + b"\n"}))
    swapped = compress(_content(saved, second), Compression.GZIP)
    with pytest.raises(DigestMismatchError, match="a layer of the base image is not the one"):
        bases.read(tar_file({**saved, first: swapped}))
    manifest: list[dict[str, Any]] = json.loads(_content(saved, "manifest.json"))
    manifest[0]["Layers"].pop()
    with pytest.raises(ContentError, match=r"lists 1 layers, and its config .* has 2 diff ids"):
        bases.read(tar_file({**saved, "manifest.json": json.dumps(manifest).encode()}))
    with pytest.raises(ContentError, match="more than"):
        bases.read(tar_file({**saved, config: bytes((4 << 20) + 1)}))


def test_a_failed_compression_leaves_nothing_in_the_store(bases: Bases) -> None:
    saved = docker_save(random_image(layers=1))
    name = next(name for name in saved if name.endswith("layer.tar"))
    with pytest.raises(DigestMismatchError):
        bases.read(tar_file({**saved, name: b"other"}))
    store = bases.path.parent / "store"
    assert not [path for path in store.rglob("*") if path.is_file()]


def test_a_truncated_archive_is_found(bases: Bases) -> None:
    image = random_image()
    data = hybrid(image)
    with pytest.raises(ContentError):
        bases.read(data[: len(data) // 2])


def test_layers_are_verified_when_they_are_read(bases: Bases) -> None:
    image = random_image()
    data = bytearray(hybrid(image))
    base = bases.read(bytes(data))
    with image.layers[0].open() as reader:
        place = data.index(reader.read()) + 100
    data[place] ^= 1
    bases.path.write_bytes(data)
    with base.images[0].layers[0].open() as reader, pytest.raises(DigestMismatchError):
        reader.read()


def test_a_sparse_member_is_not_taken_for_its_bytes(bases: Bases) -> None:
    image = random_image(layers=1)
    saved = docker_save(image)
    config = f"{image.image_id.hex}.json"
    data = io.BytesIO(tar_file(saved))
    with tarfile.open(fileobj=data) as tar:
        offset = tar.getmember(config).offset
    raw = bytearray(data.getvalue())
    raw[offset + 156 : offset + 157] = tarfile.GNUTYPE_SPARSE
    raw[offset + 148 : offset + 156] = b" " * 8
    raw[offset + 148 : offset + 156] = b"%06o\0 " % sum(raw[offset : offset + 512])
    with pytest.raises(ContentError):
        bases.read(bytes(raw))


@pytest.mark.peers
@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_archives_that_skopeo_writes_can_be_bases(bases: Bases, tmp_path: Path, kind: str) -> None:
    image = temurin_image(image_format=ImageFormat.OCI)
    ours, theirs = tmp_path / "ours.tar", tmp_path / "theirs.tar"
    ours.write_bytes(hybrid(image))
    peers.skopeo("copy", f"oci-archive:{ours}:1", f"{kind}:{theirs}:app:1")
    base = bases.read(theirs.read_bytes())
    assert base.images[0].image_id == image.image_id
    if kind == "oci-archive":
        assert base.digest == image.digest


def _content(saved: dict[str, bytes | str], name: str) -> bytes:
    content = saved[name]
    assert isinstance(content, bytes)
    return content
