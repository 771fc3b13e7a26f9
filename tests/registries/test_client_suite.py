"""One suite of the registry client against every registry: the embedded one and real ones.

What a registry is known not to do stands in its ``Kind``; a test asks there what to expect, so
that a registry that learns or forgets something fails.
"""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from pyjib.base import pull_base
from pyjib.base.model import BaseTools
from pyjib.cancellation import Cancellation
from pyjib.errors import CancelledError, NotFoundError, TransportError
from pyjib.events import (
    BlobMounted,
    BlobPresent,
    Event,
    TransferAbandoned,
    TransferProgress,
    TransferStarted,
)
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.image import AnyImage, Image, ImageIndex, images_of
from pyjib.oci.json import dump
from pyjib.oci.location import RegistryLocation
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import LINUX_AMD64
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.calls import tags as tag_calls
from pyjib.registry.calls.ladder import CHUNK
from pyjib.registry.calls.referrers import fallback_tag
from pyjib.registry.calls.uploads import Outcome
from pyjib.registry.client import RegistryClient
from pyjib.registry.transfer import push_image
from pyjib.store.store import Store
from tests.support.clients import Watched, watched
from tests.support.front import Front
from tests.support.go_registries import Mode, Real, Registries, kinds
from tests.support.images import (
    LINUX_ARM64,
    checked,
    image_of,
    random_image,
    random_index,
    random_tar,
)
from tests.support.trouble import LAYER, MIB, blob_of

FORMATS = pytest.mark.parametrize("image_format", list(ImageFormat), ids=str)
NOTHING = Digest.of(b"never pushed")


@pytest.fixture(params=kinds(Mode.OPEN))
def real(request: pytest.FixtureRequest, registries: Registries) -> Real:
    return registries.get(request.param, Mode.OPEN)


@pytest.fixture
def front(real: Real) -> Iterator[Front]:
    with Front(real.address) as started:
        yield started


@pytest.fixture
def before(front: Front) -> Iterator[Watched]:
    """A client of the front, closed before it is."""
    with watched() as started:
        yield started


def at(place: Real | Front, repository: str, tag: str = "1") -> Reference:
    return Reference.parse(f"{place.address}/{repository}:{tag}")


def push(it: Watched, name: Reference, image: AnyImage, *tags: str) -> None:
    push_image(
        it.client,
        image,
        name,
        tags,
        jobs=4,
        listener=it.events.append,
        cancellation=it.cancellation,
    )


def pull(name: Reference, image: AnyImage, directory: Path, **options: Any) -> AnyImage:
    """Pull by a client and a store of their own, and compare every byte with ``image``."""
    with watched(**options) as it:
        tools = BaseTools(store=Store(directory), registry=it.client, engine=cast(Any, None))
        platforms = (LINUX_AMD64, LINUX_ARM64) if isinstance(image, ImageIndex) else ()
        pulled = pull_base(RegistryLocation(reference=name), platforms, tools=tools)
        assert pulled.digest == image.digest
        if isinstance(image, ImageIndex):
            assert pulled.index is not None
            assert pulled.index.data == image.index.data
        for found, sent in zip(pulled.images, images_of(image), strict=True):
            assert checked(found).manifest.data == sent.manifest.data
            assert found.config.data == sent.config.data
            for layer, original in zip(found.layers, sent.layers, strict=True):
                assert layer.read(MIB) == original.read(MIB)
        if isinstance(image, ImageIndex):
            return ImageIndex(index=image.index, images=pulled.images)
        return pulled.images[0]


@FORMATS
def test_an_image_comes_back(
    real: Real, it: Watched, image_format: ImageFormat, tmp_path: Path
) -> None:
    image = random_image(1, image_format=image_format, layers=3)
    name = at(real, f"image/{image_format}")
    push(it, name, image, "2", "Latest_3.x")
    pull(name, image, tmp_path / "1")
    pull(name.with_tag("Latest_3.x"), image, tmp_path / "2")
    pull(name.with_digest(image.digest), image, tmp_path / "3")


@FORMATS
def test_an_index_comes_back(
    real: Real, it: Watched, image_format: ImageFormat, tmp_path: Path
) -> None:
    index = random_index(10, image_format=image_format)
    name = at(real, f"index/{image_format}")
    push(it, name, index, "2")
    pull(name.with_tag("2"), index, tmp_path)
    assert sorted(it.client.tag_list(name)) == ["1", "2"]


def test_what_is_there_is_not_sent_again(real: Real, front: Front) -> None:
    index = random_index(20)
    with watched() as it:
        push(it, at(front, "again"), index, "2")
    assert front.seen("POST", part="/blobs/uploads/")
    front.passed.clear()
    with watched() as it:
        push(it, at(front, "again"), index, "2")
        assert it.of(BlobPresent)
        assert not it.of(TransferStarted)
    assert front.seen("POST", "PUT", "PATCH") == []
    # A new tag on what is there is one more request that writes.
    with watched() as it:
        push(it, at(front, "again"), index, "2", "3")
    assert [(one.method, one.status) for one in front.seen("POST", "PUT", "PATCH")] == [
        ("PUT", 201)
    ]


def test_a_change_sends_what_is_new(real: Real, before: Watched, front: Front) -> None:
    tars = [random_tar(seed) for seed in (21, 22, 23)]
    push(before, at(front, "change"), image_of(tars[:2]))
    front.passed.clear()
    push(before, at(front, "change"), image_of([tars[0], tars[2]]))
    assert len(front.seen("POST")) == 2  # for the layer and the config


def test_layers_of_the_base_are_mounted(real: Real, it: Watched, tmp_path: Path) -> None:
    image = random_image(30)
    base, target = at(real, "mount/base"), at(real, "mount/target")
    push(it, base, image)
    tools = BaseTools(store=Store(tmp_path / "1"), registry=it.client, engine=cast(Any, None))
    pulled = pull_base(RegistryLocation(reference=base), (), tools=tools).images[0]
    push(it, target, pulled)
    mounted = [event.source for event in it.of(BlobMounted)]
    assert mounted == (["mount/base"] * 2 if real.kind.mounts else [])
    pull(target, image, tmp_path / "2")


def test_documents_by_tag_and_by_digest(real: Real, it: Watched) -> None:
    index = random_index(40)
    name = at(real, "documents")
    push(it, name, index)
    for reference in (name, name.with_digest(index.digest)):
        assert it.client.manifest_head(reference) == index.descriptor
        assert it.client.manifest_get(reference) == (index.index.data, types.DOCKER_INDEX)
    for image in index.images:
        reference = name.with_digest(image.digest)
        assert it.client.manifest_head(reference) == image.descriptor
        assert it.client.manifest_get(reference) == (image.manifest.data, types.DOCKER_MANIFEST)


def test_a_blob(real: Real, it: Watched) -> None:
    blob = blob_of(300_000, seed=50)
    name = at(real, "blob")
    assert it.client.blob_push(name, blob) is Outcome.UPLOADED
    assert it.client.blob_push(name, blob) is Outcome.PRESENT
    assert it.client.blob_head(name, blob.descriptor.digest) == 300_000
    assert b"".join(it.client.blob_chunks(name, blob.descriptor)) == blob.read(MIB)


def test_blobs_that_are_sent_while_they_are_made(real: Real, it: Watched) -> None:
    name = at(real, "streams/one")
    blobs = [blob_of(20 * MIB, 91), blob_of(3 * MIB, 92)]

    def make(blob: Blob) -> Outcome:
        stream = it.client.blob_stream(name)
        with blob.open() as source:
            while data := source.read(MIB):
                stream.write(data)
        stream.finish(blob.descriptor)
        return it.client.blob_push(name, blob)

    with ThreadPoolExecutor(2) as pool:  # each by a thread of its own, as layers are packed
        assert list(pool.map(make, blobs)) == [Outcome.UPLOADED] * 2
    assert not it.of(TransferAbandoned)
    for blob in blobs:
        received = b"".join(it.client.blob_chunks(name, blob.descriptor))
        assert Digest.of(received) == blob.descriptor.digest


def test_an_empty_blob_and_one_of_a_byte(real: Real, it: Watched) -> None:
    name = at(real, "small")
    for data in (b"", b"x"):
        blob = Blob.of_bytes(data, LAYER)
        it.client.blob_push(name, blob)
        assert it.client.blob_head(name, blob.descriptor.digest) == len(data)
        assert b"".join(it.client.blob_chunks(name, blob.descriptor)) == data


def test_a_download_goes_on_where_it_broke(real: Real, before: Watched, front: Front) -> None:
    blob = blob_of(3 * MIB, seed=51)
    name = at(front, "resumed")
    before.client.blob_push(name, blob)
    front.trouble.cut = 2 * MIB
    assert b"".join(before.client.blob_chunks(name, blob.descriptor)) == blob.read(4 * MIB)
    asked = front.seen("GET", part="/blobs/sha256:")
    assert [one.range for one in asked[:2]] == ["", f"bytes={2 * MIB}-"]
    again = [206] if real.kind.open_ranges else [416, 200]
    assert [one.status for one in asked] == [200, *again]


def test_many_tags(
    real: Real, before: Watched, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = random_image(60)
    name = at(front, "tags")
    wanted = [f"v{number}" for number in range(25)]
    push(before, name.with_tag("v0"), image, *wanted)
    monkeypatch.setattr(tag_calls, "_PAGE", 10)
    assert sorted(before.client.tag_list(name)) == sorted(wanted)
    assert len(front.seen("GET", part="/tags/list")) == (3 if real.kind.pages else 1)


def test_referrers(real: Real, before: Watched, front: Front) -> None:
    image = random_image(70, image_format=ImageFormat.OCI)
    name = at(front, "referrers")
    push(before, name, image)
    assert before.client.referrers(name, image.digest).manifests == ()
    wanted = [artifact(before, name, image, number) for number in range(3)]
    with watched() as it:
        found = it.client.referrers(name, image.digest).manifests
        assert {entry.digest for entry in found} == {entry.digest for entry in wanted}
        only = it.client.referrers(name, image.digest, "text/x.1").manifests
        assert [entry.digest for entry in only] == [wanted[1].digest]
    tag = fallback_tag(image.digest)
    assert bool(front.seen("PUT", part=tag)) is not real.kind.referrers


def artifact(it: Watched, name: Reference, image: Image, number: int) -> Descriptor:
    """Push an artifact that refers to an image, and describe it."""
    empty = Blob.of_bytes(b"{}", "application/vnd.oci.empty.v1+json")
    it.client.blob_push(name, empty)
    data = dump(
        {
            "schemaVersion": 2,
            "mediaType": types.OCI_MANIFEST,
            "artifactType": f"text/x.{number}",
            "config": empty.descriptor.to_json(),
            "layers": [empty.descriptor.to_json()],
            "subject": image.descriptor.to_json(),
        }
    )
    descriptor = Descriptor.of(data, types.OCI_MANIFEST)
    it.client.manifest_put(name.with_digest(descriptor.digest), data, types.OCI_MANIFEST)
    return descriptor


def test_what_is_not_there(real: Real, it: Watched) -> None:
    name = at(real, "missing")
    push(it, name, random_image(80))
    other = at(real, "missing/repository")
    for reference in (name.with_tag("no"), name.with_digest(NOTHING), other):
        assert it.client.manifest_head(reference) is None
        with pytest.raises(NotFoundError) as caught:
            it.client.manifest_get(reference)
        assert str(reference) in caught.value.message
        assert caught.value.status == 404
    wanted = Descriptor(media_type=LAYER, digest=NOTHING, size=12)
    for repository in (name, other):
        assert it.client.blob_head(repository, NOTHING) is None
        with pytest.raises(NotFoundError) as caught:
            b"".join(it.client.blob_chunks(repository, wanted))
        assert str(NOTHING) in caught.value.message
        assert repository.name in caught.value.message
    if not real.kind.knows_repositories:
        assert it.client.tag_list(other) == []
        return
    with pytest.raises(NotFoundError) as caught:
        it.client.tag_list(other)
    assert other.name in caught.value.message


def test_deleting(real: Real, it: Watched) -> None:
    image = random_image(90)
    name = at(real, "deleted")
    push(it, name, image, "2")
    if real.kind.deletes_tags:
        assert it.client.manifest_delete(name.with_tag("2"))
        assert it.client.manifest_head(name.with_tag("2")) is None
        assert it.client.manifest_head(name) == image.descriptor
    assert it.client.manifest_delete(name.with_digest(image.digest))
    assert it.client.manifest_head(name.with_digest(image.digest)) is None
    assert not it.client.manifest_delete(name.with_digest(image.digest))
    layer = image.layers[0].descriptor.digest
    assert it.client.blob_delete(name, layer)
    assert it.client.blob_head(name, layer) is None
    if real.kind.knows_blobs:
        assert not it.client.blob_delete(name, layer)
    with watched() as another:
        push(another, name, image)
        assert another.client.manifest_head(name) == image.descriptor


def test_four_pushes_at_a_time(real: Real, tmp_path: Path) -> None:
    """Into one repository, with a layer that all of them have."""
    images: list[AnyImage] = [random_index(100), *(random_image(seed) for seed in (100, 101, 102))]

    def send(place: int) -> None:
        with watched() as it:
            push(it, at(real, "crowd", f"v{place}"), images[place], "last")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(4)))
    for place, image in enumerate(images):
        pull(at(real, "crowd", f"v{place}"), image, tmp_path / str(place))


def test_a_large_blob_takes_little_memory(real: Real, it: Watched, tmp_path: Path) -> None:
    blob = large_blob(tmp_path / "large", 64 * MIB)
    name = at(real, "large")
    tracemalloc.start()
    try:
        assert it.client.blob_push(name, blob) is Outcome.UPLOADED
        state = blob.descriptor.digest.hasher()
        for chunk in it.client.blob_chunks(name, blob.descriptor):
            state.update(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert state.hexdigest() == blob.descriptor.digest.hex
    assert peak < 8 * MIB


def large_blob(path: Path, size: int) -> Blob:
    source = random.Random(size)
    state = Digest.of(b"").hasher()
    with path.open("wb") as file:
        for _ in range(size // MIB):
            piece = source.randbytes(MIB)
            file.write(piece)
            state.update(piece)
    digest = Digest.parse(f"sha256:{state.hexdigest()}")
    descriptor = Descriptor(media_type=LAYER, digest=digest, size=size)
    return Blob(descriptor=descriptor, opener=lambda: path.open("rb"))


def test_a_proxy_that_takes_only_small_bodies(real: Real, before: Watched, front: Front) -> None:
    """What is too large for one request goes in chunks, and so does the next at once."""
    front.trouble.largest = CHUNK
    name = at(front, "chunks")
    for seed in (110, 111):
        blob = blob_of(2 * CHUNK + 12_345, seed=seed)
        front.passed.clear()
        assert before.client.blob_push(name, blob) is Outcome.UPLOADED
        assert [one.status for one in front.seen("PATCH")] == [202, 202, 202]
        assert b"".join(before.client.blob_chunks(name, blob.descriptor)) == blob.read(64 * MIB)
    assert [one.status for one in front.seen("PUT")] == [201]


def test_a_cancelled_upload_can_be_made_again(real: Real, it: Watched, tmp_path: Path) -> None:
    image = random_image(120)
    large = blob_of(8 * MIB, seed=121)
    name = at(real, "cancelled")
    cancellation = Cancellation()

    def listen(event: Event) -> None:
        if isinstance(event, TransferProgress) and event.done >= 4 * MIB:
            cancellation.cancel()

    client = RegistryClient(
        RegistryOptions(),
        HostEnvironment(variables={}, home=tmp_path),
        listener=listen,
        cancellation=cancellation,
    )
    with client, pytest.raises(CancelledError):
        client.blob_push(name, large)
    assert it.client.blob_head(name, large.descriptor.digest) is None
    assert it.client.blob_push(name, large) is Outcome.UPLOADED
    push(it, name, image)
    pull(name, image, tmp_path)


@pytest.mark.parametrize("kind", kinds(Mode.TLS))
def test_tls_by_a_private_authority(kind: Any, registries: Registries, tmp_path: Path) -> None:
    real = registries.get(kind, Mode.TLS)
    index = random_index(130)
    name = at(real, "private")
    with watched(ca_file=real.ca_file) as it:
        push(it, name, index)
    pull(name, index, tmp_path, ca_file=real.ca_file)
    with watched() as it, pytest.raises(TransportError) as caught:
        it.client.manifest_head(name)
    assert "certificate" in caught.value.message
    assert "--ca-file" in (caught.value.hint or "")
