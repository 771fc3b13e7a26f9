"""The registry as a cache in front of another, and with a certificate of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pyjib.errors import NotFoundError, RegistryError
from pyjib.serve import Fault, Moment, RegistryServer
from pyjib.serve.upstream import RegistryUpstream
from tests.support.clients import watched
from tests.support.images import random_image, random_index
from tests.support.registry import put_image
from tests.support.trouble import name, seen

IMAGE, OTHER = random_index(1), random_image(77)


@pytest.fixture
def original() -> Iterator[RegistryServer]:
    with RegistryServer() as server:
        put_image(server, "team/app", IMAGE, "1")
        yield server


@pytest.fixture
def cache(original: RegistryServer) -> Iterator[RegistryServer]:
    with (
        watched(attempts=1) as it,
        RegistryServer(upstream=RegistryUpstream(it.client, original.address)) as server,
    ):
        yield server


def pull(server: RegistryServer) -> None:
    with watched(attempts=1) as it:
        data, _ = it.client.manifest_get(name(server))
        assert data == IMAGE.index.data
        for one in IMAGE.images:
            it.client.manifest_get(name(server).with_digest(one.digest))
            for blob in (one.config_blob, *one.layers):
                with blob.open() as reader:
                    pulled = b"".join(it.client.blob_chunks(name(server), blob.descriptor))
                    assert pulled == reader.read()


def test_everything_is_fetched_once(original: RegistryServer, cache: RegistryServer) -> None:
    pull(cache)
    first = len([one for one in original.journal if one.method == "GET"])
    original.clear_journal()
    pull(cache)
    assert first > 4
    assert [one.method for one in original.journal] == ["HEAD"]  # is the tag still there?


def test_a_tag_that_moves_and_goes(original: RegistryServer, cache: RegistryServer) -> None:
    pull(cache)
    put_image(original, "team/app", OTHER, "1")
    with watched() as it:
        assert it.client.manifest_get(name(cache))[0] == OTHER.manifest.data
        original.repositories.delete_tag("team/app", "1")
        with pytest.raises(NotFoundError):
            it.client.manifest_get(name(cache))


def test_while_the_original_is_away(original: RegistryServer, cache: RegistryServer) -> None:
    pull(cache)
    original.close()
    pull(cache)
    with watched(attempts=1) as it, pytest.raises(RegistryError, match="502"):
        it.client.manifest_get(name(cache).with_tag("2"))


def test_damaged_blobs_are_not_kept(original: RegistryServer, cache: RegistryServer) -> None:
    original.faults.add(Fault(at=Moment.AFTER, method="GET", path="**/blobs/*", corrupt=0))
    layer = IMAGE.images[0].layers[0].descriptor
    with watched(attempts=1) as it, pytest.raises(RegistryError):
        list(it.client.blob_chunks(name(cache), layer))
    assert cache.repositories.blob("team/app", layer.digest) is None


def test_no_pushes(cache: RegistryServer) -> None:
    with watched() as it, pytest.raises(RegistryError, match="cache"):
        it.client.blob_push(name(cache), OTHER.layers[0])
    assert seen(cache, "POST")[0].status == 405


def test_a_certificate_of_its_own() -> None:
    with RegistryServer(tls=True) as server:
        put_image(server, "team/app", OTHER, "1")
        assert server.ca_file is not None
        assert server.url.startswith("https://")
        with watched(ca_file=server.ca_file) as it:
            assert it.client.manifest_get(name(server))[0] == OTHER.manifest.data
        directory = server.ca_file.parent
        assert sorted(path.name for path in directory.iterdir()) == [
            "ca.pem",
            "server-key.pem",
            "server.pem",
        ]
    assert not directory.exists()
