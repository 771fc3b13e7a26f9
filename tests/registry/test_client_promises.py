"""What the registry client promises besides, whatever a registry answers."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pyjib.errors import ConfigurationError, RegistryError, TransportError
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment
from pyjib.registry import attempts
from pyjib.registry.login.sites import are_related
from pyjib.registry.machine import Machine, read_machine
from tests.support.clients import watched
from tests.support.scripted import Reply, ScriptedServer

BLOB = Blob.of_bytes(b"layer" * 100, "application/vnd.oci.image.layer.v1.tar")
INDEX = b'{"schemaVersion":2,"manifests":[]}'


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


def name(server: ScriptedServer) -> Reference:
    return Reference.parse(f"{server.address}/team/app:1")


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_manifest_may_be_taken_in_other_words(server: ScriptedServer, status: int) -> None:
    server.rule("PUT", ".*/manifests/1", Reply(status))
    with watched() as it:
        assert it.client.manifest_put(name(server), INDEX, types.OCI_INDEX) == frozenset()
    assert [seen.body for seen in server.seen("PUT")] == [INDEX]


def test_a_call_ends_after_a_quarter_of_an_hour(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many attempts are left; each failure takes four minutes here."""
    passed = 0.0

    def answer(_: object) -> Reply:
        nonlocal passed
        passed += 240.0
        return Reply(503)

    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed)
    monkeypatch.setattr(attempts, "time", clock)
    server.rule("HEAD", ".*/manifests/1", answer)
    gave_up = "answered 503 Service Unavailable; given up after 4 attempts in 17 minutes"
    with watched(attempts=100) as it, pytest.raises(RegistryError, match=gave_up):
        it.client.manifest_head(name(server))
    assert len(server.seen("HEAD")) == 4


def test_how_this_machine_is_set_up_is_read_to_a_mebibyte(tmp_path: Path) -> None:
    path = tmp_path / ".docker" / "daemon.json"
    path.parent.mkdir()
    for size, is_read in ((1 << 20, True), ((1 << 20) + 1, False)):
        path.write_text("{}".rjust(size))
        if is_read:
            assert read_machine(HostEnvironment(home=tmp_path)) == Machine()
        else:
            with pytest.raises(ConfigurationError, match="it is not JSON"):
                read_machine(HostEnvironment(home=tmp_path))


@pytest.mark.parametrize(
    "domain",
    [
        *(
            "dkr.ecr.eu-west-1.amazonaws.com",
            "dkr.ecr.cn-north-1.amazonaws.com.cn",
            "amazonaws.com",
        ),
        *("blob.core.windows.net", "azurecr.io", "lambda-url.eu-west-1.on.aws"),
        *("westeurope.cloudapp.azure.com", "github.io", "co.uk"),
    ],
)
def test_neighbours_in_a_domain_for_everybody_see_no_login(domain: str) -> None:
    assert not are_related(f"mine.{domain}", f"yours.{domain}")


def resolver(*addresses: str) -> Callable[..., list[object]]:
    """Return what gives ``registry.corp`` these addresses, and all others their own."""
    asked = socket.getaddrinfo

    def look_up(host: str | bytes, port: int, *rest: object, **named: object) -> list[object]:
        if host not in ("registry.corp", b"registry.corp"):
            return asked(host, port, *rest, **named)  # type: ignore[arg-type, return-value]
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (each, port)) for each in addresses]

    return look_up


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_registry_with_a_name_in_this_network_leads_to_its_neighbours(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Its storage has but an address, no further inside than the registry is itself."""
    monkeypatch.setattr(socket, "getaddrinfo", resolver("127.0.0.1"))
    registry = f"registry.corp:{server.address.rpartition(':')[2]}"
    named = Reference.parse(f"{registry}/team/app:1")
    with ScriptedServer() as storage:
        there = {"Location": f"{storage.url}/there"}
        server.rule("POST", ".*/uploads/", Reply(202, there))
        server.rule("GET", ".*/blobs/.*", Reply(307, there))
        storage.rule("PUT", "/there", Reply(201))
        storage.rule("GET", "/there", Reply(200, {}, b"layer" * 100))
        with watched(insecure=frozenset({registry})) as it:
            if method == "PUT":
                it.client.blob_push(named, BLOB)
            else:
                assert b"".join(it.client.blob_chunks(named, BLOB.descriptor)) == b"layer" * 100
        assert [seen.method for seen in storage.journal] == [method]


def test_a_name_of_two_networks_is_in_the_outer_one(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who owns a name can give it any address besides: it opens no way inside."""
    monkeypatch.setattr(socket, "getaddrinfo", resolver("127.0.0.1", "8.8.8.8"))
    registry = f"registry.corp:{server.address.rpartition(':')[2]}"
    server.rule("POST", ".*/uploads/", Reply(202, {"Location": "http://127.0.0.1:9/there"}))
    named = Reference.parse(f"{registry}/team/app:1")
    insecure = frozenset({registry})
    with watched(insecure=insecure) as it, pytest.raises(TransportError, match="private network"):
        it.client.blob_push(named, BLOB)
    assert len(server.seen("POST")) == 1
