"""Bases from a registry: what is asked, what is kept, what is only promised."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from pyjib.base import pull_base
from pyjib.base.model import BaseImages, BaseTools
from pyjib.errors import (
    ContentError,
    DigestMismatchError,
    MalformedDocumentError,
    NotFoundError,
    PlatformError,
)
from pyjib.events import BaseResolved, Direction, TransferFinished, TransferStarted
from pyjib.oci import media_type as types
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.location import RegistryLocation
from pyjib.oci.manifest import Index, Manifest
from pyjib.oci.platform import LINUX_AMD64, Platform
from pyjib.oci.reference import Reference
from pyjib.serve import RegistryServer
from pyjib.store.store import Store
from tests.support.clients import Watched, watched
from tests.support.images import checked, random_image, random_index
from tests.support.registry import put_image
from tests.support.scripted import Reply, ScriptedServer

ARM64 = Platform(os="linux", architecture="arm64")


@pytest.fixture
def it() -> Iterator[Watched]:
    with watched() as started:
        yield started


def tools(it: Watched, root: Path) -> BaseTools:
    return BaseTools(
        store=Store(root),
        registry=it.client,
        engine=cast(Any, None),
        listener=it.events.append,
        cancellation=it.cancellation,
    )


def pull(
    it: Watched,
    root: Path,
    address: str,
    *platforms: Platform,
    name: str = "base/jre:17",
) -> BaseImages:
    location = RegistryLocation(reference=Reference.parse(f"{address}/{name}"))
    return pull_base(location, platforms, tools=tools(it, root))


def asked(server: RegistryServer) -> list[str]:
    return [
        f"{seen.method} {seen.path.split('/')[-2]}"
        for seen in server.journal
        if seen.query == "" and seen.path != "/v2/"
    ]


def test_layers_wait_until_they_are_opened(
    it: Watched, registry: RegistryServer, tmp_path: Path
) -> None:
    image = random_image(1)
    put_image(registry, "base/jre", image, "17")
    base = pull(it, tmp_path, registry.address)
    assert asked(registry) == ["HEAD manifests", "GET manifests", "GET blobs"]
    assert base.digest == image.digest
    assert base.images[0].digest == image.digest
    assert [event.digest for event in it.of(BaseResolved)] == [str(image.digest)]
    origins = {str(layer.origin) for layer in base.images[0].layers}
    assert origins == {f"{registry.address}/base/jre:17"}
    checked(base.images[0])
    checked(base.images[0])
    assert asked(registry).count("GET blobs") == 3
    assert {event.direction for event in it.of(TransferStarted)} == {Direction.PULL}
    assert len(it.of(TransferFinished)) == 2


def test_an_image_that_answers_two_platforms_comes_once(
    it: Watched, registry: RegistryServer, tmp_path: Path
) -> None:
    put_image(registry, "base/jre", random_index(1), "17")
    wanted = [Platform.parse(text) for text in ("linux/arm64/v8", "linux/amd64", "linux/arm64")]
    base = pull(it, tmp_path, registry.address, *wanted)
    assert [str(image.platform) for image in base.images] == ["linux/arm64/v8", "linux/amd64"]


def test_a_digest_that_is_in_the_store_needs_no_network(
    it: Watched, registry: RegistryServer, tmp_path: Path
) -> None:
    index = random_index(1)
    put_image(registry, "base/jre", index, "17")
    name = f"base/jre@{index.digest}"
    first = pull(it, tmp_path, registry.address, LINUX_AMD64, ARM64, name=name)
    for image in first.images:
        checked(image)
    registry.clear_journal()
    second = pull(it, tmp_path, registry.address, LINUX_AMD64, ARM64, name=name)
    for image in second.images:
        checked(image)
    assert registry.journal == ()
    assert second.digest == index.digest
    assert [image.digest for image in second.images] == [image.digest for image in index.images]


def test_a_tag_is_asked_for_each_time_and_nothing_else(
    it: Watched, registry: RegistryServer, tmp_path: Path
) -> None:
    put_image(registry, "base/jre", random_image(1), "17")
    pull(it, tmp_path, registry.address)
    registry.clear_journal()
    pull(it, tmp_path, registry.address)
    assert asked(registry) == ["HEAD manifests"]
    newer = random_image(2)
    put_image(registry, "base/jre", newer, "17")
    assert pull(it, tmp_path, registry.address).digest == newer.digest


def test_platforms(it: Watched, registry: RegistryServer, tmp_path: Path) -> None:
    index = random_index(1)
    put_image(registry, "base/jre", index, "17")
    base = pull(it, tmp_path, registry.address, ARM64, LINUX_AMD64)
    assert [image.platform.architecture for image in base.images] == ["arm64", "amd64"]
    assert base.digest == index.digest
    default = pull(it, tmp_path, registry.address)
    assert [str(image.platform) for image in default.images] == ["linux/amd64"]
    with pytest.raises(PlatformError, match="it has linux/amd64, linux/arm64/v8"):
        pull(it, tmp_path, registry.address, Platform.parse("linux/s390x"))


def test_one_platform_only(it: Watched, registry: RegistryServer, tmp_path: Path) -> None:
    put_image(registry, "base/jre", random_image(1, platform=ARM64), "17")
    assert len(pull(it, tmp_path, registry.address).images) == 1
    assert len(pull(it, tmp_path, registry.address, ARM64).images) == 1
    with pytest.raises(PlatformError):
        pull(it, tmp_path, registry.address, LINUX_AMD64)


def test_no_such_base(it: Watched, registry: RegistryServer, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        pull(it, tmp_path, registry.address)
    assert "base/jre:17" in caught.value.message
    assert caught.value.hint == "check the name and the tag"


def test_threads_share_a_download(it: Watched, registry: RegistryServer, tmp_path: Path) -> None:
    put_image(registry, "base/jre", random_image(1, layers=1, size=3_000_000), "17")
    layer = pull(it, tmp_path, registry.address).images[0].layers[0]
    registry.clear_journal()
    ready, seen = threading.Barrier(6), []

    def read() -> None:
        ready.wait(60)
        with layer.open() as reader:
            seen.append(Digest.of(reader.read()))

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [layer.descriptor.digest] * 6
    assert asked(registry) == ["GET blobs"]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


IMAGE = random_image(1, layers=1)


def serve(server: ScriptedServer, **blobs: Reply) -> None:
    """Serve IMAGE; ``blobs`` are answered first, by the start of their digests."""
    for start, reply in blobs.items():
        server.rule("GET", f".*/blobs/sha256:{start.removeprefix('x')}.*", reply)
    server.rule("GET", ".*/manifests/.*", Reply(200, {}, IMAGE.manifest.data))
    for blob in (IMAGE.config_blob, *IMAGE.layers):
        with blob.open() as reader:
            server.rule("GET", f".*/{blob.descriptor.digest}", Reply(200, {}, reader.read()))


LAYER = IMAGE.layers[0].descriptor


@pytest.mark.faults
def test_a_damaged_layer_is_fetched_once_more(
    it: Watched, server: ScriptedServer, tmp_path: Path
) -> None:
    server.rule("GET", f".*/{LAYER.digest}", Reply(200, {}, bytes(LAYER.size)), times=1)
    serve(server)
    base = pull(it, tmp_path, server.address)
    checked(base.images[0])
    assert len(server.seen("GET", f".*/{LAYER.digest}")) == 2


@pytest.mark.faults
def test_a_layer_that_stays_damaged_is_never_kept(
    it: Watched, server: ScriptedServer, tmp_path: Path
) -> None:
    serve(server, **{f"x{LAYER.digest.hex}": Reply(200, {}, bytes(LAYER.size))})
    base = pull(it, tmp_path, server.address)
    with pytest.raises(DigestMismatchError):
        base.images[0].layers[0].open()
    assert Store(tmp_path).find(LAYER) is None
    assert len(server.seen("GET", f".*/{LAYER.digest}")) == 2
    assert it.of(TransferFinished) == []


def test_a_layer_damaged_in_the_store_is_downloaded_anew(
    it: Watched, server: ScriptedServer, tmp_path: Path
) -> None:
    serve(server)
    layer = pull(it, tmp_path, server.address).images[0].layers[0]
    whole = layer.read(LAYER.size)
    (file,) = tmp_path.rglob(LAYER.digest.hex)
    file.write_bytes(bytes(LAYER.size))
    with pytest.raises(DigestMismatchError):
        layer.read(LAYER.size)
    assert layer.read(LAYER.size) == whole


@pytest.mark.faults
def test_a_damaged_config(it: Watched, server: ScriptedServer, tmp_path: Path) -> None:
    config = IMAGE.manifest.config
    serve(server, **{f"x{config.digest.hex}": Reply(200, {}, bytes(config.size))})
    with pytest.raises(DigestMismatchError):
        pull(it, tmp_path, server.address)


def documents(server: ScriptedServer, *found: bytes) -> str:
    """Serve documents by digest, the first by tag too; return its digest."""
    for data in found:
        server.rule("GET", f".*/manifests/{Digest.of(data)}", Reply(200, {}, data))
    server.rule("GET", ".*/manifests/17", Reply(200, {}, found[0]))
    return str(Digest.of(found[0]))


ENTRY = IMAGE.descriptor


@pytest.mark.faults
@pytest.mark.parametrize(
    "entry",
    [
        Descriptor(media_type=types.OCI_MANIFEST, digest=ENTRY.digest, size=ENTRY.size),
        Descriptor(media_type=types.OCI_INDEX, digest=ENTRY.digest, size=ENTRY.size),
        Descriptor(media_type=ENTRY.media_type, digest=ENTRY.digest, size=ENTRY.size + 1),
    ],
)
def test_an_index_that_lies(
    it: Watched, server: ScriptedServer, tmp_path: Path, entry: Descriptor
) -> None:
    index = Index.of(types.OCI_INDEX, (entry,))
    documents(server, index.data, IMAGE.manifest.data)
    with pytest.raises(MalformedDocumentError, match="another size or media type"):
        pull(it, tmp_path, server.address)


def test_a_config_has_a_limit(it: Watched, server: ScriptedServer, tmp_path: Path) -> None:
    config = Descriptor(media_type=types.DOCKER_CONFIG, digest=Digest.of(b""), size=5_000_000)
    documents(server, Manifest.of(types.DOCKER_MANIFEST, config, ()).data)
    with pytest.raises(MalformedDocumentError, match="more than"):
        pull(it, tmp_path, server.address)


def test_an_artifact_is_no_base(it: Watched, server: ScriptedServer, tmp_path: Path) -> None:
    config = Descriptor.of(b"{}", types.OCI_EMPTY)
    documents(server, Manifest.of(types.OCI_MANIFEST, config, ()).data)
    with pytest.raises(ContentError, match="no container image"):
        pull(it, tmp_path, server.address)


def test_indexes_in_indexes_end(it: Watched, server: ScriptedServer, tmp_path: Path) -> None:
    data = [IMAGE.manifest.data]
    entry = Descriptor.of(data[0], IMAGE.manifest.media_type, LINUX_AMD64)
    for _ in range(4):
        index = Index.of(types.OCI_INDEX, (entry,))
        entry = Descriptor.of(index.data, types.OCI_INDEX, LINUX_AMD64)
        data.insert(0, index.data)
    documents(server, *data)
    with pytest.raises(ContentError, match="indexes within indexes"):
        pull(it, tmp_path, server.address)
