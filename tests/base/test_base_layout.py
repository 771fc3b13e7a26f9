from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pyjib.base.layout import pull
from pyjib.base.model import BaseImages
from pyjib.destination.layout import LayoutDestination
from pyjib.errors import ConfigurationError, ContentError, DigestMismatchError, PlatformError
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.image import AnyImage
from pyjib.oci.location import LayoutLocation
from pyjib.oci.manifest import Manifest
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import LINUX_AMD64, Platform
from tests.support.bases import base_tools
from tests.support.images import LINUX_ARM64, checked, random_image, random_index, temurin_index

S390X = Platform(os="linux", architecture="s390x")


def write(path: Path, image: AnyImage, *tags: str) -> None:
    LayoutDestination(path=path, tags=tags or ("latest",)).write(image)


def read(path: Path, tag: str | None = None, platforms: Sequence[Platform] = ()) -> BaseImages:
    location = LayoutLocation(path=path, tag=tag)
    base = pull(location, platforms, base_tools(path / "no-store"))
    assert not (path / "no-store").exists()
    assert base.name == str(location)
    for image in base.images:
        checked(image)
    return base


def blob(path: Path, digest: Digest) -> Path:
    return path / "blobs" / "sha256" / digest.hex


@pytest.mark.parametrize("image_format", ImageFormat)
@pytest.mark.parametrize("compression", Compression)
def test_an_image_comes_back_as_it_was_written(
    tmp_path: Path, image_format: ImageFormat, compression: Compression
) -> None:
    image = random_image(image_format=image_format, compression=compression)
    write(tmp_path, image)
    base = read(tmp_path)
    assert base.digest == image.digest
    assert base.images == (image,)


def test_platforms_are_chosen_from_an_index_in_the_order_asked_for(tmp_path: Path) -> None:
    index = temurin_index()
    write(tmp_path, index)
    amd64, arm64 = index.images
    assert read(tmp_path).images == (amd64,)
    base = read(tmp_path, platforms=(Platform.parse("linux/arm64"), LINUX_AMD64))
    assert base.images == (arm64, amd64)
    assert base.digest == index.digest


def test_a_platform_that_is_not_there_is_refused_with_what_is(tmp_path: Path) -> None:
    write(tmp_path, temurin_index())
    with pytest.raises(PlatformError) as caught:
        read(tmp_path, platforms=(S390X,))
    assert "has no linux/s390x; it has linux/amd64, linux/arm64/v8" in caught.value.message
    assert caught.value.hint


def test_one_image_is_checked_against_what_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path, random_image(platform=LINUX_ARM64))
    assert read(tmp_path).images[0].platform == LINUX_ARM64
    assert read(tmp_path, platforms=(LINUX_ARM64,)).images[0].platform == LINUX_ARM64
    with pytest.raises(PlatformError, match="is for linux/arm64/v8 only, not for linux/amd64"):
        read(tmp_path, platforms=(LINUX_AMD64,))


def test_tags_choose_and_errors_list_them(tmp_path: Path) -> None:
    first, second = random_image(1), random_image(2)
    write(tmp_path, first, "a", "b")
    assert read(tmp_path).images == (first,)
    write(tmp_path, second, "c")
    assert read(tmp_path, "b").images == (first,)
    assert read(tmp_path, "c").images == (second,)
    with pytest.raises(ConfigurationError, match="could be any of several; the tags are a, b, c"):
        read(tmp_path)
    with pytest.raises(ConfigurationError, match="is not there; the tags are a, b, c") as caught:
        read(tmp_path, "d")
    assert caught.value.hint is not None
    assert "oci://DIR:TAG" in caught.value.hint


def test_full_names_in_place_of_tags_are_understood(tmp_path: Path) -> None:
    image = random_image()
    write(tmp_path, image, "registry.example.com:5000/me/app:1")
    assert read(tmp_path, "1").images == (image,)
    with pytest.raises(ConfigurationError):
        read(tmp_path, "5000")


def test_platforms_listed_in_index_json_itself_are_one_image(tmp_path: Path) -> None:
    index = temurin_index()
    write(tmp_path, index)
    document = json.loads(index.index.data)
    (tmp_path / "index.json").write_text(json.dumps(document))
    assert read(tmp_path, platforms=(LINUX_ARM64,)).images == (index.images[1],)


def test_of_an_index_only_images_that_are_there_count(tmp_path: Path) -> None:
    index = temurin_index()
    write(tmp_path, index)
    blob(tmp_path, index.images[0].digest).unlink()
    assert read(tmp_path).images == (index.images[1],)
    with pytest.raises(PlatformError, match="it has linux/arm64/v8"):
        read(tmp_path, platforms=(LINUX_AMD64,))


def test_attestations_are_not_chosen(tmp_path: Path) -> None:
    index = temurin_index(platforms=(LINUX_AMD64,))
    write(tmp_path, index)
    unknown = Platform(os="unknown", architecture="unknown")
    entries = [
        *index.index.manifests,
        replace(random_image(5).descriptor, platform=unknown),
    ]
    document = {
        "schemaVersion": 2,
        "manifests": [entry.to_json() for entry in entries],
    }
    write(tmp_path, random_image(5), "attestation")
    (tmp_path / "index.json").write_text(json.dumps(document))
    assert read(tmp_path).images == index.images


def test_indexes_may_not_nest_without_end(tmp_path: Path) -> None:
    write(tmp_path, random_index())
    for _ in range(4):
        data = (tmp_path / "index.json").read_bytes()
        entry = Descriptor.of(data, "application/vnd.oci.image.index.v1+json")
        blob(tmp_path, entry.digest).write_bytes(data)
        document = {"schemaVersion": 2, "manifests": [entry.to_json()]}
        (tmp_path / "index.json").write_text(json.dumps(document))
    with pytest.raises(ContentError, match="indexes within indexes"):
        read(tmp_path)


def test_what_is_no_layout_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, said in (
        (tmp_path, "is no OCI layout"),
        (tmp_path / "missing", "there is no directory"),
        (tmp_path / "file", "file is no directory"),
    ):
        with pytest.raises(ConfigurationError, match=said) as caught:
            read(path)
        assert caught.value.hint
    (tmp_path / "index.json").write_text("{")
    with pytest.raises(ContentError, match=rf"index\.json of image oci://{tmp_path}: .* JSON"):
        read(tmp_path)
    (tmp_path / "index.json").unlink()
    (tmp_path / "index.json").mkdir()
    with pytest.raises(ConfigurationError, match="cannot read"):
        read(tmp_path)


def test_damage_is_found(tmp_path: Path) -> None:
    image = random_image()
    write(tmp_path, image)
    layer = blob(tmp_path, image.layers[0].descriptor.digest)
    layer.write_bytes(bytes(layer.stat().st_size))
    base = pull(LayoutLocation(path=tmp_path), (), base_tools(tmp_path / "store"))
    with base.images[0].layers[0].open() as reader, pytest.raises(DigestMismatchError):
        reader.read()
    layer.unlink()
    with pytest.raises(ContentError, match=f"it lacks {image.layers[0].descriptor.digest}"):
        read(tmp_path)
    config = blob(tmp_path, image.image_id)
    config.write_bytes(config.read_bytes().replace(b"amd64", b"arm64"))
    with pytest.raises(DigestMismatchError):
        read(tmp_path)
    blob(tmp_path, image.digest).unlink()
    with pytest.raises(ContentError, match=f"it lacks {image.digest}"):
        read(tmp_path)


def test_links_lead_to_nothing_but_the_blob_itself(tmp_path: Path) -> None:
    """Build tools link blobs; what is read is the blob, or it is refused by its digest."""
    image = random_image()
    write(tmp_path / "layout", image)
    layer = blob(tmp_path / "layout", image.layers[0].descriptor.digest)
    layer.rename(tmp_path / "elsewhere")
    layer.symlink_to(tmp_path / "elsewhere")
    assert read(tmp_path / "layout").images == (image,)
    layer.unlink()
    layer.symlink_to("/etc/passwd")
    with pytest.raises(ContentError):
        read(tmp_path / "layout")
    layer.unlink()
    layer.symlink_to("/dev/zero")
    with pytest.raises(ContentError, match="lacks"):
        read(tmp_path / "layout")


def test_a_layer_that_vanishes_before_it_is_opened_is_named(tmp_path: Path) -> None:
    image = random_image()
    write(tmp_path, image)
    base = read(tmp_path)
    blob(tmp_path, image.layers[0].descriptor.digest).unlink()
    with pytest.raises(ConfigurationError, match="cannot read"):
        base.images[0].layers[0].open()


def test_artifacts_are_no_images(tmp_path: Path) -> None:
    image = random_image(image_format=ImageFormat.OCI)
    config = replace(image.manifest.config, media_type="application/vnd.cncf.helm.config.v1+json")
    manifest = Manifest.of(image.manifest.media_type, config, image.manifest.layers)
    write(tmp_path, replace(image, manifest=manifest))
    with pytest.raises(ContentError, match="is no container image"):
        read(tmp_path)
