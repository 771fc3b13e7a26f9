"""Every preset of quirks: pyjib's own client pushes to it and pulls from it; and its oddities."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyjib.errors import ConfigurationError, NotFoundError, UnauthorizedError
from pyjib.oci.blob import Blob
from pyjib.oci.reference import Reference
from pyjib.registry.calls.uploads import Outcome
from pyjib.registry.transfer import push_image
from pyjib.serve import PRESETS, Fault, Quirks, RegistryServer
from tests.support.clients import make_certificate
from tests.support.images import random_image, random_index
from tests.support.registry import image_in
from tests.support.trouble import MIB, SESSION, WITH_BODY, Client, Stage, blob_of, name, seen

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
