"""The registry client against CNCF Distribution, and what skopeo makes of what it pushed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from pyjib.base import pull_base
from pyjib.base.model import BaseTools
from pyjib.events import BlobMounted
from pyjib.oci.image import AnyImage
from pyjib.oci.location import RegistryLocation
from pyjib.oci.platform import LINUX_AMD64, Platform
from pyjib.oci.reference import Reference
from pyjib.registry.transfer import push_image
from pyjib.store.store import Store
from tests.support.clients import Watched, watched
from tests.support.images import checked, random_image, random_index
from tests.support.peers import Distribution, skopeo

pytestmark = pytest.mark.peers


@pytest.fixture
def it() -> Iterator[Watched]:
    with watched() as started:
        yield started


def push(it: Watched, name: str, image: AnyImage, *tags: str) -> None:
    push_image(
        it.client,
        image,
        Reference.parse(name),
        tags,
        jobs=4,
        listener=it.events.append,
        cancellation=it.cancellation,
    )


def test_a_round_trip(it: Watched, distribution: Distribution, tmp_path: Path) -> None:
    index = random_index(40)
    name = f"{distribution.address}/client/round-trip:1"
    push(it, name, index, "2")
    push(it, name, index, "2")
    assert sorted(it.client.tag_list(Reference.parse(name))) == ["1", "2"]
    tools = BaseTools(store=Store(tmp_path), registry=it.client, engine=cast(Any, None))
    arm64 = Platform.parse("linux/arm64")
    base = pull_base(
        RegistryLocation(reference=Reference.parse(name)), (LINUX_AMD64, arm64), tools=tools
    )
    assert base.digest == index.digest
    for pulled, pushed in zip(base.images, index.images, strict=True):
        assert checked(pulled).digest == pushed.digest
    inspected = json.loads(skopeo("inspect", "--tls-verify=false", "--raw", f"docker://{name}"))
    assert inspected == json.loads(index.index.data)


def test_base_layers_are_mounted(it: Watched, distribution: Distribution, tmp_path: Path) -> None:
    image = random_image(41)
    base = f"{distribution.address}/client/base:1"
    push(it, base, image)
    tools = BaseTools(store=Store(tmp_path), registry=it.client, engine=cast(Any, None))
    location = RegistryLocation(reference=Reference.parse(base))
    pulled = pull_base(location, (), tools=tools).images[0]
    push(it, f"{distribution.address}/client/mounted:1", pulled)
    assert {event.source for event in it.of(BlobMounted)} == {"client/base"}
    assert len(it.of(BlobMounted)) == 2
    copied = tmp_path / "copy"
    skopeo(
        *("copy", "--src-tls-verify=false"),
        *(f"docker://{distribution.address}/client/mounted:1", f"dir:{copied}"),
    )
    assert json.loads((copied / "manifest.json").read_bytes()) == json.loads(image.manifest.data)


def test_referrers_by_the_fallback_tag(it: Watched, distribution: Distribution) -> None:
    image = random_image(42)
    name = Reference.parse(f"{distribution.address}/client/referrers:1")
    push(it, str(name), image)
    assert it.client.referrers(name, image.digest).manifests == ()
