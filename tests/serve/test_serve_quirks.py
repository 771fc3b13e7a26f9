"""Every preset of quirks: pyjib's own client pushes to it and pulls from it; and its oddities."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pyjib.errors import ConfigurationError, NotFoundError, UnauthorizedError
from pyjib.oci.blob import Blob
from pyjib.oci.reference import Reference
from pyjib.registry.calls.uploads import Outcome
from pyjib.registry.transfer import push_image
from pyjib.serve import PRESETS, Fault, Quirks, RegistryServer, Request
from pyjib.serve.interjected import Replayed
from tests.support.clients import make_certificate
from tests.support.images import random_image, random_index
from tests.support.registry import image_in, put_image
from tests.support.trouble import MIB, SESSION, WITH_BODY, Client, Stage, blob_of, name, seen
from tests.support.wire import Wire

IMAGE = random_image(1, size=30_000)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(params=["plain", "tls"])
def stage(
    request: pytest.FixtureRequest, certificate: tuple[Path, ssl.SSLContext]
) -> Iterator[Stage]:
    with Stage(certificate if request.param == "tls" else None) as opened:
        yield opened


def opened(stage: Stage, preset: str, *faults: Fault, **options: Any) -> tuple[Any, Client]:
    server = stage.registry(*faults, quirks=preset, users={"AWS": "pw"}, **options)
    server.repositories.storage.create("team/app")
    return server, stage.client(login=(server.address, "AWS", "pw"))


def push(it: Client, server: RegistryServer, image: Any, *tags: str) -> None:
    push_image(
        it.client,
        image,
        name(server),
        tags,
        jobs=3,
        listener=it.events.append,
        cancellation=it.cancellation,
    )


def from_base(server: RegistryServer, blob: Blob) -> Blob:
    return replace(blob, origin=name(server, "base/jre"))


def request(method: str, path: str, query: str = "", **headers: str) -> Request:
    nothing = Replayed(b"")
    return Request(
        method=method, path=path, query={}, headers=headers, body=nothing, raw_query=query
    )


@pytest.mark.parametrize("preset", PRESETS)
def test_push_and_pull(stage: Stage, preset: str) -> None:
    server, it = opened(stage, preset)
    layers = tuple(from_base(server, layer) for layer in IMAGE.layers)
    push(it, server, replace(IMAGE, layers=layers), "2", "3")
    push(it, server, random_index(2))
    assert image_in(server, "team/app", "2") is not None
    fresh = stage.client(login=(server.address, "AWS", "pw"))
    data, media_type = fresh.client.manifest_get(name(server).with_tag("3"))
    assert data == IMAGE.manifest.data
    assert media_type == IMAGE.manifest.media_type
    for blob in (IMAGE.config_blob, *IMAGE.layers):
        with blob.open() as reader:
            pulled = b"".join(fresh.client.blob_chunks(name(server), blob.descriptor))
            assert pulled == reader.read()
    assert sorted(fresh.client.tag_list(name(server))) == ["1", "2", "3"]


@pytest.mark.parametrize("preset", PRESETS)
def test_chunks_where_nothing_else_is_left(stage: Stage, preset: str) -> None:
    """No PUT with a body, no PATCH beyond a limit that only chunks of the right size keep."""
    whole = Fault(method="PUT", path=SESSION, headers_match=WITH_BODY, status=413)
    server, it = opened(stage, preset, whole)
    blob = blob_of(6 * MIB)
    assert it.client.blob_push(name(server), blob) is Outcome.UPLOADED
    content = server.repositories.blob("team/app", blob.descriptor.digest)
    assert content is not None
    assert content.size == 6 * MIB


def test_ecr_knows_no_other_repositories(stage: Stage) -> None:
    server, it = opened(stage, "ecr")
    with pytest.raises(NotFoundError, match="does not exist") as caught:
        it.client.blob_push(name(server, "team/other"), blob_of(10))
    assert "Amazon ECR" in (caught.value.hint or "")


def test_ecr_loses_chunks_after_a_small_one(stage: Stage) -> None:
    """Three chunks without progress, and the blob goes in one PATCH."""
    whole = Fault(method="PUT", path=SESSION, headers_match=WITH_BODY, status=413)
    large = {"content-length": "^[0-9]{7,}$"}
    limit = Fault(method="PATCH", path=SESSION, headers_match=large, calls=(1, 2), status=413)
    server, it = opened(stage, "ecr", whole, limit)
    assert it.client.blob_push(name(server), blob_of(3 * MIB)) is Outcome.UPLOADED
    assert seen(server, "PATCH")[-1].received == 3 * MIB


def test_storage_refuses_logins(stage: Stage) -> None:
    server, it = opened(stage, "ecr")
    push(it, server, IMAGE)
    layer = IMAGE.layers[0].descriptor
    assert b"".join(it.client.blob_chunks(name(server), layer))
    stored = [one for one in server.journal if one.path.startswith("/_storage/")]
    assert len(stored) == 1
    assert "authorization" not in stored[0].headers


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/_storage/team/app/blobs/uploads/"),
        ("PUT", "/_storage/team/app/manifests/1"),
        ("DELETE", "/_storage/team/app/blobs/{digest}"),
        ("GET", "/_storage/team/app/blobs/{digest}"),
        ("GET", "/_storage/team/app/blobs/{digest}?X-Signature=a%2Fb+c="),
        ("GET", "/_storage/team/app/tags/list"),
    ],
)
def test_nobody_gets_by_the_logins(preset: str, method: str, target: str) -> None:
    with RegistryServer(quirks=preset, users={"AWS": "pw"}) as server, Wire(server.address) as wire:
        put_image(server, "team/app", IMAGE, "1")
        digest = IMAGE.layers[0].descriptor.digest
        assert wire.send(method, target.format(digest=digest)).status == 403
        assert server.repositories.blob("team/app", digest) is not None


def test_a_signature_is_for_reading_one_blob(stage: Stage) -> None:
    server, it = opened(stage, "ecr")
    push(it, server, IMAGE)
    assert b"".join(it.client.blob_chunks(name(server), IMAGE.layers[0].descriptor))
    (stored,) = (one for one in server.journal if one.path.startswith("/_storage/"))
    other = stored.path.replace(IMAGE.layers[0].descriptor.digest.hex, IMAGE.image_id.hex)
    for method, path in (("DELETE", stored.path), ("GET", other)):
        assert server._rule_keeper(request(method, path, stored.query)).status == 403


def test_dockerhub_hides_what_is_missing(stage: Stage) -> None:
    server = stage.registry(quirks="dockerhub", policy=lambda user, _, action: action == "pull")
    with pytest.raises(UnauthorizedError):
        stage.client().client.manifest_get(name(server, "no/such"))


def test_tokens_without_a_login(stage: Stage) -> None:
    """As GHCR wants one for what is public too."""
    server = stage.registry(quirks="ghcr")
    it = stage.client()
    push(it, server, IMAGE)
    assert len(seen(server, "GET", "/token")) == 1


def test_presets_differ_from_the_rule() -> None:
    assert all(quirks != Quirks() for quirks in PRESETS.values())
    with pytest.raises(ConfigurationError, match="no quirks called nobody"):
        RegistryServer(quirks="nobody")


@pytest.mark.parametrize("preset", ["artifactory", "acr"])
def test_the_registry_is_called_as_its_client_calls_it(stage: Stage, preset: str) -> None:
    server = stage.registry(quirks=preset, users={"AWS": "pw"})
    address = server.address.replace("127.0.0.1", "localhost")
    it = stage.client(login=(address, "AWS", "pw"))
    assert it.client.blob_push(Reference.parse(f"{address}/app"), blob_of(9)) is Outcome.UPLOADED


@pytest.mark.parametrize(
    ("called", "other"),
    [
        ("127.0.0.1:5", "localhost:5"),
        ("[::1]:5", "localhost:5"),
        ("localhost:5", "127.0.0.1:5"),
        ("localhost", "127.0.0.1"),
        ("localhost.example:5", "localhost.example:5"),
    ],
)
def test_blobs_come_from_another_name(called: str, other: str) -> None:
    """Where there is another: clients bring a login along to the same."""
    with RegistryServer(quirks="quay", auth="basic") as server:
        put_image(server, "a", IMAGE, "1")
        asked = request("GET", f"/v2/a/blobs/{IMAGE.image_id}", host=called)
        headers = dict(server._rule_keeper(asked).headers)
        found = urlsplit(headers["Location"])
        assert found.netloc == other
        login = {"authorization": "Basic QVdTOnB3"}
        brought = request("GET", found.path, found.query, host=called, **login)
        assert server._rule_keeper(brought).status == (200 if called == other else 400)
        assert server._rule_keeper(request("GET", found.path, found.query)).status == 200


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("_state=A%20b%2F%2f%3D=&digest={digest}&z", 201),  # as Go's clients sort and escape it
        ("digest={digest}&_state=A%2Bb%2f%2F=%3D&z=", 400),
        ("digest={digest}", 400),
    ],
)
def test_a_signed_place_however_it_is_written(query: str, status: int) -> None:
    with RegistryServer(quirks="harbor", auth="basic") as server, Wire(server.address) as wire:
        place = wire.send("POST", "/v2/a/blobs/uploads/")["Location"].partition("?")[0]
        blob = blob_of(9)
        target = f"{place}?{query.format(digest=blob.descriptor.digest)}"
        assert wire.send("PUT", target, blob.read(9)).status == status
