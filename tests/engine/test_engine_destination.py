"""What no engine of this machine does: containerd's store, and engines that go wrong."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.destination.engine import EngineDestination
from pyjib.engine.client import EngineClient
from pyjib.errors import EngineError, InvalidReferenceError, PlatformError
from pyjib.events import BlobPresent, Event, Warned
from pyjib.oci.digest import Digest
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import LINUX_AMD64, Platform
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment
from tests.support.fake_engine import Answer, FakeEngine, fake, serving
from tests.support.images import LINUX_ARM64, random_image, random_index

CONTAINERD = {
    "OSType": "linux",
    "Architecture": "x86_64",
    "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
}
GRAPHDRIVER = {"OSType": "linux", "Architecture": "x86_64", "DriverStatus": None}
APP = "docker.io/objectworld/app:1"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    engine = fake()
    engine.answers["POST /images/load"] = Answer(body=b'{"stream":"Loaded image: x\\n"}')
    with serving(engine, tmp_path / "engine.sock"):
        yield engine


@pytest.fixture
def client(engine: FakeEngine) -> Iterator[EngineClient]:
    with EngineClient.connect(HostEnvironment(variables={"DOCKER_HOST": engine.address})) as client:
        yield client


def destination(client: EngineClient, heard: list[Event]) -> EngineDestination:
    reference = Reference.parse("objectworld/app:1")
    return EngineDestination(reference=reference, engine=lambda: client, listener=heard.append)


def has(engine: FakeEngine, name: str, image_id: Digest) -> None:
    engine.answers[f"GET /images/{name}/json"] = Answer.json({"Id": str(image_id)})


def test_a_digest_cannot_be_given(client: EngineClient) -> None:
    reference = Reference.parse(f"objectworld/app@{random_image().digest}")
    with pytest.raises(InvalidReferenceError, match="a digest follows from the content") as caught:
        EngineDestination(reference=reference, engine=lambda: client).check()
    assert caught.value.hint


def test_containerd_s_store_takes_all_platforms(engine: FakeEngine, client: EngineClient) -> None:
    engine.answers["GET /info"] = Answer.json(CONTAINERD)
    index, heard = random_index(1), list[Event]()
    has(engine, APP, index.digest)
    published = destination(client, heard).write(index)
    assert (published.digest, published.image_id) == (index.digest, index.image_id)
    assert not [event for event in heard if isinstance(event, Warned)]
    (body,) = engine.bodies
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        listed = tar.extractfile("index.json")
        assert listed is not None
        (entry,) = json.load(listed)["manifests"]
    assert entry["digest"] == str(index.digest)


def test_containerd_s_store_goes_by_the_manifest(engine: FakeEngine, client: EngineClient) -> None:
    engine.answers["GET /info"] = Answer.json(CONTAINERD)
    image, heard = random_image(2), list[Event]()
    has(engine, str(image.digest), image.digest)
    has(engine, APP, image.digest)
    engine.answers[f"POST /images/{image.digest}/tag"] = Answer(status=201)
    published = destination(client, heard).write(image)
    assert (published.digest, published.image_id) == (image.digest, image.image_id)
    assert engine.bodies == []
    assert [type(event) for event in heard] == [BlobPresent]


@pytest.mark.parametrize(
    ("architecture", "chosen"),
    [("aarch64", LINUX_ARM64), ("x86_64", LINUX_AMD64), ("armv7l", None)],
)
def test_the_engine_s_own_platform(
    engine: FakeEngine, client: EngineClient, architecture: str, chosen: Platform | None
) -> None:
    engine.answers["GET /info"] = Answer.json({**GRAPHDRIVER, "Architecture": architecture})
    index, heard = random_index(3), list[Event]()
    if chosen is None:
        with pytest.raises(PlatformError, match="runs on linux/arm/v7; this one is for linux/amd6"):
            destination(client, heard).write(index)
        return
    (image,) = [image for image in index.images if image.platform == chosen]
    has(engine, APP, image.image_id)
    assert destination(client, heard).write(index).digest == image.digest


def test_another_image_under_the_name(engine: FakeEngine, client: EngineClient) -> None:
    engine.answers["GET /info"] = Answer.json(GRAPHDRIVER)
    image, other = random_image(4), random_image(5)
    has(engine, APP, other.image_id)
    with pytest.raises(EngineError, match=f"has the image {other.image_id} as objectworld/app:1"):
        destination(client, []).write(image)


def test_no_image_under_the_name(engine: FakeEngine, client: EngineClient) -> None:
    engine.answers["GET /info"] = Answer.json(GRAPHDRIVER)
    with pytest.raises(EngineError, match="has no image as objectworld/app:1 after the load"):
        destination(client, []).write(random_image(6))


@pytest.mark.parametrize(
    ("compression", "hint"),
    [
        (Compression.GZIP, None),
        (Compression.ZSTD, "older daemons cannot unpack zstd: leave --compression zstd out"),
    ],
)
def test_a_daemon_that_cannot_unpack_zstd(
    engine: FakeEngine, client: EngineClient, compression: Compression, hint: str | None
) -> None:
    engine.answers["GET /info"] = Answer.json(GRAPHDRIVER)
    engine.answers["POST /images/load"] = Answer(
        body=b'{"errorDetail":{"message":"Error processing tar file: unexpected EOF"}}'
    )
    image = random_image(image_format=ImageFormat.OCI, compression=compression)
    with pytest.raises(EngineError, match="unexpected EOF") as caught:
        destination(client, []).write(image)
    assert caught.value.hint == hint


def test_names() -> None:
    def nobody() -> EngineClient:
        raise AssertionError

    plain = EngineDestination(
        reference=Reference.parse("app"), tags=("1", "latest", "1"), engine=nobody
    )
    assert [name.familiar for name in plain.names] == ["app:latest", "app:1"]
    digest = Reference.parse(f"app@{Digest.of(b'')}")
    pinned = EngineDestination(reference=digest, engine=nobody)
    assert [str(name) for name in pinned.names] == ["docker.io/library/app:latest"]
