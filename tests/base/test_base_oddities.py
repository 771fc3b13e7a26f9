"""Bases with foreign layers, and bases whose index and configs contradict each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from pyjib.base import pull_base
from pyjib.base.model import BaseImages, BaseTools
from pyjib.cancellation import Cancellation
from pyjib.errors import ContentError, PlatformError
from pyjib.events import Warned
from pyjib.image.assemble import assemble_image
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.config import ImageConfig
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.image import Image
from pyjib.oci.json import dump
from pyjib.oci.location import RegistryLocation, Scratch
from pyjib.oci.manifest import Index, Manifest
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import LINUX_AMD64, Platform
from pyjib.oci.reference import Reference
from pyjib.plan.model import BuildPlan, ContainerConfig
from pyjib.registry.transfer import push_image
from pyjib.serve import RegistryServer
from pyjib.store.store import Store
from tests.support.clients import Watched, watched
from tests.support.images import LINUX_ARM64, random_image
from tests.support.registry import manifest_in, put_blob, put_image

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
URLS = ("https://go.example/layer?a=b",)


@pytest.fixture
def it() -> Iterator[Watched]:
    with watched() as started:
        yield started


def pull(it: Watched, root: Path, server: RegistryServer, *platforms: Platform) -> BaseImages:
    tools = BaseTools(
        store=Store(root),
        registry=it.client,
        engine=cast(Any, None),
        listener=it.events.append,
        cancellation=it.cancellation,
    )
    location = RegistryLocation(reference=Reference.parse(f"{server.address}/base:1"))
    return pull_base(location, platforms, tools=tools)


def with_foreign_layer(image: Image) -> tuple[Image, Descriptor]:
    """Return an image with one more layer, which lies elsewhere."""
    foreign = Descriptor(
        media_type=FOREIGN, digest=Digest.of(b"windows"), size=7, urls=URLS, annotations={}
    )
    document = json.loads(image.config.data)
    document["rootfs"]["diff_ids"].append(str(Digest.of(b"tar")))
    config = ImageConfig.parse(dump(document))
    config_blob = Descriptor.of(config.data, types.DOCKER_CONFIG)
    layers = (*(layer.descriptor for layer in image.layers), foreign)
    manifest = Manifest.of(types.DOCKER_MANIFEST, config_blob, layers)
    nowhere = Blob(descriptor=foreign, opener=lambda: pytest.fail("a foreign layer was opened"))
    return Image(manifest=manifest, config=config, layers=(*image.layers, nowhere)), foreign


def put_foreign(server: RegistryServer, image: Image) -> None:
    for blob in (image.config_blob, *image.layers[:-1]):
        put_blob(server, "base", blob)
    put_image(server, "base", Image(manifest=image.manifest, config=image.config, layers=()), "1")


@pytest.mark.advisories
@pytest.mark.parametrize("image_format", list(ImageFormat))
def test_a_foreign_layer_is_named_and_never_moved(
    it: Watched, registry_unchecked: RegistryServer, tmp_path: Path, image_format: ImageFormat
) -> None:
    """CVE-2020-15157: what ``urls`` name is not asked, by no one."""
    server = registry_unchecked
    image, foreign = with_foreign_layer(random_image(1))
    put_foreign(server, image)
    base = pull(it, tmp_path, server).images[0]
    assert base.layers[-1].descriptor == foreign
    plan = BuildPlan(base=Scratch(), config=ContainerConfig(), format=image_format)
    built = assemble_image(base, [], plan)
    target = Reference.parse(f"{server.address}/app:1")
    push_image(
        it.client,
        built,
        target,
        (),
        jobs=1,
        listener=it.events.append,
        cancellation=Cancellation(),
    )
    document = json.loads(manifest_in(server, "app", "1"))
    oci = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    assert document["layers"][-1] == {
        "mediaType": oci if image_format is ImageFormat.OCI else FOREIGN,
        "digest": str(foreign.digest),
        "size": foreign.size,
        "urls": list(URLS),
    }
    assert not [seen for seen in server.journal if str(foreign.digest) in seen.path]


def test_a_foreign_layer_that_is_needed_is_an_error(
    it: Watched, registry_unchecked: RegistryServer, tmp_path: Path
) -> None:
    image, _ = with_foreign_layer(random_image(1))
    put_foreign(registry_unchecked, image)
    base = pull(it, tmp_path, registry_unchecked).images[0]
    with pytest.raises(ContentError, match="is a foreign layer"):
        base.layers[-1].open()


def test_a_descriptor_keeps_its_urls() -> None:
    document = {"mediaType": FOREIGN, "digest": str(Digest.of(b"")), "size": 0, "urls": ["u"]}
    assert Descriptor.from_json(document, "x").to_json() == document
    for wrong in ("u", [1], {}):
        with pytest.raises(ContentError, match=r"x\.urls: not a list of texts"):
            Descriptor.from_json({**document, "urls": wrong}, "x")


def put_lying_index(server: RegistryServer) -> None:
    """Put an index that lists two images as amd64 and arm64 whose configs both say amd64."""
    images = (random_image(1), random_image(2))
    entries = []
    for image, platform in zip(images, (LINUX_AMD64, LINUX_ARM64), strict=True):
        put_image(server, "base", image, f"of-{platform.architecture}")
        entries.append(Descriptor.of(image.manifest.data, image.manifest.media_type, platform))
    index = Index.of(types.DOCKER_INDEX, tuple(entries))
    reference = Reference.parse(f"{server.address}/base:1")
    with watched() as client:
        client.client.manifest_put(reference, index.data, index.media_type)


def test_a_config_that_says_another_platform_is_warned_of(
    it: Watched, registry_unchecked: RegistryServer, tmp_path: Path
) -> None:
    put_lying_index(registry_unchecked)
    base = pull(it, tmp_path, registry_unchecked, LINUX_ARM64)
    assert len(base.images) == 1
    messages = [event.message for event in it.of(Warned)]
    assert len(messages) == 1
    assert "as linux/arm64/v8, but its config says linux/amd64" in messages[0]


def test_two_images_that_say_the_same_platform(
    it: Watched, registry_unchecked: RegistryServer, tmp_path: Path
) -> None:
    put_lying_index(registry_unchecked)
    with pytest.raises(PlatformError, match="two images whose configs say linux/amd64"):
        pull(it, tmp_path, registry_unchecked, LINUX_AMD64, LINUX_ARM64)
