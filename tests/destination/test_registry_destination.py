from __future__ import annotations

import pytest

from pyjib.destination.registry import RegistryDestination
from pyjib.errors import InvalidReferenceError, TransportError, UnauthorizedError
from pyjib.oci.reference import Reference
from pyjib.serve import RegistryServer
from tests.support.clients import Watched, watched
from tests.support.images import random_image, random_index
from tests.support.registry import image_in
from tests.support.scripted import Reply, ScriptedServer, listening_nowhere


def destination(it: Watched, name: str, *tags: str) -> RegistryDestination:
    return RegistryDestination(
        reference=Reference.parse(name),
        client=it.client,
        tags=tags,
        listener=it.events.append,
        cancellation=it.cancellation,
    )


def test_what_is_told_afterwards(registry: RegistryServer) -> None:
    image = random_image(1)
    with watched() as it:
        target = destination(it, f"{registry.address}/team/app:1", "2", "1")
        target.check()
        published = target.write(image)
    assert published.location == f"{registry.address}/team/app@{image.digest}"
    assert (published.digest, published.image_id) == (image.digest, image.image_id)
    assert published.tags == ("1", "2")
    assert published.pushed


def test_an_index(registry: RegistryServer) -> None:
    index = random_index(1)
    with watched() as it:
        published = destination(it, f"{registry.address}/team/app").write(index)
    assert published.image_id == index.digest
    assert published.tags == ("latest",)
    found = image_in(registry, "team/app", "latest")
    assert found is not None
    assert found.digest == index.digest


def test_nothing_new_with_a_token_is_one_request_and_a_token() -> None:
    """The tag is looked up first, so that a wrong name or login shows before anything is built."""
    with RegistryServer(users={"me": "pw"}, auth="token") as server:
        for _ in range(2):
            server.clear_journal()
            with watched(login=(server.address, "me", "pw")) as it:
                target = destination(it, f"{server.address}/team/app:1")
                target.check()
                target.write(random_image(1))
        asked = [f"{seen.method} {seen.status}" for seen in server.journal if seen.path != "/v2/"]
    assert asked == ["HEAD 401", "GET 200", "HEAD 200"]


def test_a_tag_that_moved_after_it_was_looked_at(registry: RegistryServer) -> None:
    """What was found there is no reason to leave the tag on anything else than the image."""
    with watched() as it:
        target = destination(it, f"{registry.address}/team/app:1", "2")
        target.write(random_image(1))
        target.check()
        target.write(random_image(2))
        target.check()
        registry.clear_journal()
        target.write(random_image(2))
    assert [seen.path.rpartition("/")[2] for seen in registry.journal] == ["2"]
    for tag in ("1", "2"):
        found = image_in(registry, "team/app", tag)
        assert found is not None
        assert found.digest == random_image(2).digest


@pytest.mark.parametrize("name", ["r.example/a@sha256:" + "0" * 64])
def test_a_digest_is_refused_before_anything_is_asked(name: str) -> None:
    with watched() as it, pytest.raises(InvalidReferenceError):
        destination(it, name).check()


def test_a_tag_that_is_none() -> None:
    with watched() as it, pytest.raises(InvalidReferenceError):
        destination(it, "r.example/a", "not a tag").check()


def test_check_finds_what_would_fail() -> None:
    with listening_nowhere() as address, watched() as it, pytest.raises(TransportError):
        destination(it, f"{address}/a").check()
    with (
        RegistryServer(users={"me": "pw"}) as server,
        watched(login=(server.address, "me", "no")) as it,
        pytest.raises(UnauthorizedError),
    ):
        destination(it, f"{server.address}/a").check()


def test_check_lets_403_pass() -> None:
    with ScriptedServer() as server, watched() as it:
        server.rule("*", "/v2/.+", Reply(403))
        destination(it, f"{server.address}/a").check()
