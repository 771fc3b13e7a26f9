"""Whole images: the order of a push, what it leaves out, and how it ends when it fails."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from pyjib.errors import CancelledError, DeniedError, InvalidReferenceError, RegistryError
from pyjib.events import BlobPresent, ManifestPushed
from pyjib.oci.blob import Blob
from pyjib.oci.image import AnyImage
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.reference import Reference
from pyjib.registry.transfer import push_image
from pyjib.serve import Fault, Moment, RegistryServer, Request
from tests.support.clients import Watched, watched
from tests.support.images import image_of, image_with, random_image, random_index, random_tar
from tests.support.registry import image_in, put_image, tags_in
from tests.support.scripted import Reply, ScriptedServer, Seen


def push(
    it: Watched, address: str, image: AnyImage, tags: Sequence[str] = (), *, tag: str = "1"
) -> None:
    push_image(
        it.client,
        image,
        Reference.parse(f"{address}/team/app:{tag}"),
        tags,
        jobs=4,
        listener=it.events.append,
        cancellation=it.cancellation,
    )


def asked(server: RegistryServer) -> list[str]:
    """Return method and kind of each request, but for the probe."""
    return [
        f"{exchange.method} {exchange.path.split('/')[-2]}"
        + ("" if "sha256:" in exchange.path or "uploads" in exchange.path else " by tag")
        for exchange in server.journal
        if exchange.path != "/v2/"
    ]


def test_an_image_in_order(registry: RegistryServer) -> None:
    image = random_image(1)
    with watched() as it:
        push(it, registry.address, image, ["2", "1"])
    pushed = asked(registry)
    assert pushed[0] == "HEAD manifests"
    assert pushed[-1:] == ["PUT manifests"]  # the embedded registry tags by it too
    assert registry.journal[-1].query == "tag=1&tag=2"
    assert sorted(pushed[1:-1]) == sorted(["HEAD blobs", "POST uploads", "PUT uploads"] * 3)
    assert tags_in(registry, "team/app") == ["1", "2"]
    found = image_in(registry, "team/app", "2")
    assert found is not None
    assert found.digest == image.digest
    assert [event.reference.rpartition("/")[2] for event in it.of(ManifestPushed)] == [
        f"app@{image.digest}",
        "app:1",
        "app:2",
    ]


def test_tags_one_by_one_where_they_cannot_be_set_together(registry: RegistryServer) -> None:
    registry.faults.add(Fault(at=Moment.AFTER, method="PUT", remove=frozenset({"OCI-Tag"})))
    with watched() as it:
        push(it, registry.address, random_image(1), ["2", "1"])
    pushed = asked(registry)
    assert pushed[-3:] == ["PUT manifests", "PUT manifests by tag", "PUT manifests by tag"]


def test_nothing_new_is_two_requests(registry: RegistryServer) -> None:
    """And a third, for the token, where there is one."""
    image = random_image(1)
    with watched() as it:
        push(it, registry.address, image)
    registry.clear_journal()
    with watched() as it:
        push(it, registry.address, image)
    assert asked(registry) == ["HEAD manifests", "HEAD manifests by tag"]
    assert [event.digest for event in it.of(BlobPresent)] == [str(image.digest)]
    assert it.of(ManifestPushed) == []


def test_a_new_tag_is_all_that_is_sent(registry: RegistryServer) -> None:
    image = random_image(1)
    put_image(registry, "team/app", image, "1")
    put_image(registry, "team/app", random_image(2), "old")
    with watched() as it:
        push(it, registry.address, image, ["old", "new"])
    assert [entry for entry in asked(registry) if "PUT" in entry] == ["PUT manifests by tag"] * 2
    for tag in ("1", "old", "new"):
        found = image_in(registry, "team/app", tag)
        assert found is not None
        assert found.digest == image.digest


def test_an_index_shares_blobs_and_keeps_what_is_there(registry: RegistryServer) -> None:
    index = random_index(5)
    put_image(registry, "team/app", index.images[0], "single")
    with watched() as it:
        push(it, registry.address, index)
    pushed = asked(registry)
    assert pushed[:3] == ["HEAD manifests"] * 3
    assert pushed.count("HEAD blobs") == 3
    assert pushed[-3:] == ["PUT manifests", "PUT manifests", "PUT manifests by tag"]
    found = image_in(registry, "team/app", "1")
    assert found is not None
    assert found.digest == index.digest


def test_a_blob_twice_is_sent_once(registry: RegistryServer) -> None:
    tar = random_tar(1)
    image = image_of([tar, tar])
    with watched() as it:
        push(it, registry.address, image)
    assert asked(registry).count("HEAD blobs") == 2


def never() -> None:
    raise AssertionError("a base layer was opened")


def test_base_layers_are_linked_and_never_opened() -> None:
    with RegistryServer(users={"me": "pw"}, auth="token") as server:
        image = random_image(1)
        put_image(server, "base/jre", image, "17")
        origin = Reference.parse(f"{server.address}/base/jre:17")
        layers = tuple(
            Blob(descriptor=layer.descriptor, opener=never, origin=origin)  # type: ignore[arg-type]
            for layer in image.layers
        )
        with watched(login=(server.address, "me", "pw")) as it:
            push(it, server.address, replace(image, layers=layers))
        tokens = [exchange for exchange in server.journal if exchange.path.endswith("/token")]
        assert len(tokens) == 1
        assert image_in(server, "team/app", "1") is not None


def test_foreign_layers_are_left_alone(registry_unchecked: RegistryServer) -> None:
    image = random_image(1)
    foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    layer = Blob(
        descriptor=replace(image.layers[0].descriptor, media_type=foreign),
        opener=never,  # type: ignore[arg-type]
    )
    with watched() as it:
        push(
            it,
            registry_unchecked.address,
            image_with(image.config, (layer, image.layers[1]), ImageFormat.DOCKER),
        )
    assert asked(registry_unchecked).count("HEAD blobs") == 2


def test_a_blob_that_was_collected_in_between_is_sent_again(registry: RegistryServer) -> None:
    image = random_image(7)
    layer = image.layers[0].descriptor.digest
    collected: list[str] = []

    def collect(request: Request) -> None:
        if request.method == "PUT" and "/manifests/" in request.path and not collected:
            collected.append(request.path)
            registry.repositories.delete_blob("team/app", layer)

    registry.intercept = collect
    with watched() as it:
        push(it, registry.address, image, ["2"])
    assert collected
    assert asked(registry).count("POST uploads") == 4
    assert tags_in(registry, "team/app") == ["1", "2"]


def test_a_blob_that_never_stays_is_told(registry: RegistryServer) -> None:
    image = random_image(8)
    layer = image.layers[0].descriptor.digest

    def collect(request: Request) -> None:
        if request.method == "PUT" and "/manifests/" in request.path:
            registry.repositories.delete_blob("team/app", layer)

    registry.intercept = collect
    with watched() as it, pytest.raises(RegistryError) as caught:
        push(it, registry.address, image)
    assert "MANIFEST_BLOB_UNKNOWN" in caught.value.message
    assert asked(registry).count("POST uploads") == 5


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


def workers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "pyjib-push" in thread.name]


def test_the_first_failure_is_told_and_ends_the_rest(server: ScriptedServer) -> None:
    image = random_image(1, layers=12)
    broken = image.layers[0].descriptor.digest

    def answer(seen: Seen) -> Reply:
        return (
            Reply(403, {}, b'{"errors":[{"code":"DENIED"}]}')
            if broken.hex in seen.target
            else (Reply(201))
        )

    server.rule("POST", ".*", Reply(202, {"Location": "/up"}))
    server.rule("PUT", "/up", answer)
    with watched() as it:
        with pytest.raises(DeniedError):
            push(it, server.address, image)
        assert it.cancellation.cancelled
    assert workers() == []
    assert server.seen("PUT", ".*/manifests/.*") == []


def test_cancelling_leaves_no_name_and_no_thread(server: ScriptedServer) -> None:
    server.rule("POST", ".*", Reply(202, {"Location": "/up"}))
    with watched() as it:

        def cancel(_: Seen) -> Reply:
            it.cancellation.cancel()
            return Reply(201)

        server.rule("PUT", "/up", cancel)
        with pytest.raises(CancelledError):
            push(it, server.address, random_image(1, layers=9))
    assert workers() == []
    assert server.seen("PUT", ".*/manifests/.*") == []


@pytest.mark.faults
def test_403_for_what_is_missing_is_no_obstacle(server: ScriptedServer) -> None:
    """Artifactory answers so; the push itself tells whether it is allowed."""
    server.rule("HEAD", ".*", Reply(403))
    server.rule("GET", ".*/manifests/.*", Reply(403))
    server.rule("POST", ".*", Reply(202, {"Location": "/up"}))
    server.rule("PUT", ".*", Reply(201))
    with watched() as it:
        push(it, server.address, random_image(1))
    assert len(server.seen("PUT", ".*/manifests/.*")) == 2


def test_tags_come_last_of_all(server: ScriptedServer) -> None:
    server.rule("POST", ".*", Reply(202, {"Location": "/up"}))
    server.rule("PUT", "/up", Reply(201))
    server.rule("PUT", ".*/sha256:[0-9a-f]+", Reply(201), times=2)
    server.rule("PUT", ".*", Reply(400))
    with watched() as it, pytest.raises(RegistryError):
        push(it, server.address, random_index(1))
    puts = [seen.path for seen in server.seen("PUT", ".*/manifests/.*")]
    assert all(re.search("sha256:", path) for path in puts)
    assert len(puts) == 3


def test_a_digest_is_no_target(server: ScriptedServer) -> None:
    image = random_image(1)
    reference = Reference.parse(f"{server.address}/team/app@{image.digest}")
    with watched() as it, pytest.raises(InvalidReferenceError, match="digest follows"):
        push_image(
            it.client,
            image,
            reference,
            (),
            jobs=1,
            listener=it.events.append,
            cancellation=it.cancellation,
        )
    assert server.journal == []
