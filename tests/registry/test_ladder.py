"""How uploads climb down: which way is tried next, and how large chunks are."""

from __future__ import annotations

import pytest

from pyjib.errors import RegistryError
from pyjib.oci.digest import Digest
from pyjib.registry.calls.ladder import (
    LARGEST_CHUNK,
    MIB,
    SMALLEST_CHUNK,
    Climb,
    Ladders,
    Manners,
    Way,
)
from pyjib.serve import Fault, RegistryServer, Rules
from tests.support.clients import watched
from tests.support.images import random_image
from tests.support.registry import put_image, tags_in
from tests.support.trouble import SESSION, WITH_BODY, blob_of, name, seen


def climbed(manners: Manners, *statuses: int, size: int = 100) -> list[Way]:
    climb = Climb(manners, size)
    return [climb.way, *(climb.way for status in statuses if climb.go_on(status))]


@pytest.mark.parametrize(
    ("status", "ways"),
    [
        (405, [Way.WHOLE, Way.STREAM, Way.CHUNKS]),
        (411, [Way.WHOLE, Way.STREAM, Way.CHUNKS]),
        (500, [Way.WHOLE, Way.STREAM, Way.CHUNKS]),
        (413, [Way.WHOLE, Way.CHUNKS, Way.STREAM]),
    ],
)
def test_chunks_come_last_unless_size_is_the_trouble(status: int, ways: list[Way]) -> None:
    assert climbed(Manners("r.io"), status, status, status) == ways


def test_what_is_learnt() -> None:
    """A refused method is not tried again; a refused size only for blobs as large."""
    manners = Manners("r.io")
    climbed(manners, 405)
    assert manners.ways(10) == [Way.STREAM, Way.CHUNKS]
    manners = Manners("r.io")
    climbed(manners, 413, size=100)
    assert manners.ways(99)[0] is Way.WHOLE
    assert manners.ways(100)[0] is Way.CHUNKS
    manners = Manners("r.io")
    climbed(manners, 500)
    assert manners.ways(100)[0] is Way.WHOLE


@pytest.mark.parametrize(
    ("registry", "size"),
    [
        ("ghcr.io", 4 * MIB),
        ("notghcr.io", 5 * MIB),
        ("1.dkr.ecr.eu-west-1.amazonaws.com", 10 * MIB),
        ("public.ecr.aws", 10 * MIB),
        ("r.io", 5 * MIB),
    ],
)
def test_sizes_of_chunks(registry: str, size: int) -> None:
    ladders = Ladders()
    assert ladders.of(registry).chunk == size
    assert ladders.of(registry) is ladders.of(registry)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8388608", 8 * MIB),
        ("9" * 30, LARGEST_CHUNK),
        ("1", 5 * MIB),
        ("-1", 5 * MIB),
        ("x", 5 * MIB),
    ],
)
def test_the_least_that_a_registry_takes(text: str, size: int) -> None:
    manners = Manners("r.io")
    manners.read_least({"oci-chunk-min-length": text})
    assert manners.chunk == size


def test_chunks_shrink_to_a_limit() -> None:
    manners = Manners("r.io")
    count = 0
    while manners.shrink(manners.chunk):
        count += 1
    assert manners.chunk == SMALLEST_CHUNK
    assert count == 7
    manners.read_least({"oci-chunk-min-length": str(MIB)})
    assert not manners.shrink(MIB)


def test_a_client_remembers(registry_unchecked: RegistryServer) -> None:
    refusal = Fault(method="PUT", path=SESSION, headers_match=WITH_BODY, status=405)
    registry_unchecked.faults.add(refusal)
    with watched() as it:
        it.client.blob_push(name(registry_unchecked), blob_of(1000))
        registry_unchecked.clear_journal()
        it.client.blob_push(name(registry_unchecked), blob_of(1000, seed=8))
    assert [one.method for one in registry_unchecked.journal] == ["HEAD", "POST", "PATCH", "PUT"]


def test_deletes(registry_unchecked: RegistryServer) -> None:
    image = random_image(1)
    put_image(registry_unchecked, "team/app", image, "1", "2")
    tag = name(registry_unchecked)
    with watched() as it:
        assert it.client.manifest_delete(tag)
        assert not it.client.manifest_delete(tag)
        assert tags_in(registry_unchecked, "team/app") == ["2"]
        assert it.client.manifest_delete(tag.with_digest(image.digest))
        assert tags_in(registry_unchecked, "team/app") == []
        assert it.client.blob_delete(tag, image.layers[0].descriptor.digest)
        assert not it.client.blob_delete(tag, Digest.of(b"no such"))
    assert len(seen(registry_unchecked, "DELETE")) == 5


def test_deletes_that_are_refused() -> None:
    with RegistryServer(rules=Rules(no_delete=True)) as server, watched() as it:
        put_image(server, "team/app", random_image(1), "1")
        with pytest.raises(RegistryError, match="405"):
            it.client.manifest_delete(name(server))
