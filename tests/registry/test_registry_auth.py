"""Logins over real sockets: challenges, tokens, and where a login may go."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from pyjib.errors import DeniedError, PyjibError, RegistryError, TransportError, UnauthorizedError
from pyjib.events import Warned
from pyjib.oci.blob import Blob
from pyjib.oci.digest import Digest
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.login import login
from pyjib.registry.uploads import Outcome
from pyjib.serve import RegistryServer
from tests.support.clients import watched
from tests.support.scripted import Reply, ScriptedServer, Seen

BLOB = Blob.of_bytes(b"layer" * 100, "application/vnd.oci.image.layer.v1.tar")
DIGEST = BLOB.descriptor.digest
BASIC = "Basic " + base64.b64encode(b"me:pw").decode()
MANIFEST = b'{"schemaVersion":2,"manifests":[]}'


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


@pytest.fixture
def realm() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


def name(server: ScriptedServer | RegistryServer, repository: str = "team/app") -> Reference:
    return Reference.parse(f"{server.address}/{repository}:1")


def bearer(realm: ScriptedServer, extra: str = "") -> str:
    return f'Bearer realm="{realm.url}/token?keep=%2f",service="the service"{extra}'


def token(text: str = "tt", **more: Any) -> Reply:
    return Reply(200, {}, json.dumps({"token": text, **more}).encode())


def guard(server: ScriptedServer, challenge: str | list[str], *accepted: str) -> None:
    """Answer 401 unless the header is one of ``accepted``, else 200 with an empty index."""

    def answer(seen: Seen) -> Reply:
        if seen.authorization in accepted:
            return Reply(200, {}, MANIFEST)
        return Reply(401, {"WWW-Authenticate": challenge})

    server.rule("*", "/v2/.+", answer)


def queries(realm: ScriptedServer) -> list[dict[str, list[str]]]:
    return [parse_qs(seen.target.partition("?")[2]) for seen in realm.seen("GET", "/token")]


def test_basic_only_after_it_was_asked_for(server: ScriptedServer) -> None:
    guard(server, 'Basic realm="x"', BASIC)
    with watched(login=(server.address, "me", "pw")) as it:
        it.client.manifest_get(name(server))
        it.client.manifest_get(name(server, "other"))
    headers = [seen.authorization for seen in server.journal if seen.path != "/v2/"]
    assert headers == [None, BASIC, BASIC]


def test_a_token_by_get(server: ScriptedServer, realm: ScriptedServer) -> None:
    guard(server, bearer(realm, ',scope="repository:team/app:pull"'), "Bearer tt")
    realm.rule("GET", "/token", token())
    with watched(login=(server.address, "me", "pw")) as it:
        it.client.manifest_get(name(server))
        it.client.manifest_get(name(server))
    assert realm.journal[0].authorization == BASIC
    assert realm.journal[0].target.startswith("/token?keep=%2f&service=the%20service&scope=")
    assert queries(realm) == [
        {
            "keep": ["/"],
            "service": ["the service"],
            "scope": ["repository:team/app:pull"],
            "client_id": ["pyjib"],
            "account": ["me"],
        }
    ]
    assert [seen.authorization for seen in server.seen("GET", ".*/1")] == [
        None,
        "Bearer tt",
        "Bearer tt",
    ]


@pytest.mark.parametrize("lifetime", ["1", "1e400", f"1{'0' * 400}", "-1", '"soon"', "null"])
def test_an_anonymous_token(server: ScriptedServer, realm: ScriptedServer, lifetime: str) -> None:
    guard(server, bearer(realm), "Bearer tt")
    answer = f'{{"access_token": "tt", "expires_in": {lifetime}}}'
    realm.rule("GET", "/token", Reply(200, {}, answer.encode()))
    with watched() as it:
        it.client.manifest_get(name(server))
        it.client.manifest_get(name(server))
    assert len(realm.journal) == 1
    assert realm.journal[0].authorization is None
    assert "account" not in queries(realm)[0]


def test_a_push_asks_once_for_all_its_scopes(server: ScriptedServer, realm: ScriptedServer) -> None:
    guard(server, bearer(realm, ',scope="repository:team/app:pull"'), "Bearer tt")
    realm.rule("GET", "/token", token())
    with watched() as it:
        it.client.expect_push(name(server), [name(server, "base")])
        it.client.manifest_head(name(server))
        it.client.manifest_put(name(server), MANIFEST, "application/vnd.oci.image.index.v1+json")
    assert [query["scope"] for query in queries(realm)] == [
        ["repository:team/app:pull,push", "repository:base:pull"]
    ]


@pytest.mark.faults
def test_a_source_that_may_not_be_seen_is_left_out(
    server: ScriptedServer, realm: ScriptedServer
) -> None:
    """DigitalOcean answers 400 where a scope names another's repository."""
    guard(server, bearer(realm), "Bearer tt")
    realm.rule("GET", "/token", Reply(400), times=1)
    realm.rule("GET", "/token", token())
    with watched() as it:
        it.client.expect_push(name(server), [name(server, "base")])
        it.client.manifest_get(name(server))
        it.client.manifest_get(name(server))
    assert [len(query["scope"]) for query in queries(realm)] == [2, 1]


def docker_config(home: Path, server: ScriptedServer, **entry: str) -> Path:
    path = home / ".docker" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"auths": {server.address: entry}}))
    return home


def test_an_identity_token_by_post(
    server: ScriptedServer, realm: ScriptedServer, tmp_path: Path
) -> None:
    guard(server, bearer(realm), "Bearer tt")
    realm.rule("POST", "/token", token())
    with watched(home=docker_config(tmp_path, server, identitytoken="id&1")) as it:
        it.client.manifest_get(name(server))
    assert realm.journal[0].authorization is None
    assert parse_qs(realm.journal[0].body.decode()) == {
        "grant_type": ["refresh_token"],
        "service": ["the service"],
        "client_id": ["pyjib"],
        "scope": ["repository:team/app:pull"],
        "refresh_token": ["id&1"],
    }


@pytest.mark.parametrize("status", [400, 401, 404, 405])
def test_post_falls_back_to_get(
    server: ScriptedServer, realm: ScriptedServer, tmp_path: Path, status: int
) -> None:
    guard(server, bearer(realm), "Bearer tt")
    realm.rule("POST", "/token", Reply(status))
    realm.rule("GET", "/token", token())
    entry = {"identitytoken": "id", "auth": base64.b64encode(b"me:pw").decode()}
    with watched(home=docker_config(tmp_path, server, **entry)) as it:
        it.client.manifest_get(name(server))
    assert realm.seen("GET")[0].authorization == BASIC


def test_a_registry_token_is_sent_as_it_is(server: ScriptedServer, tmp_path: Path) -> None:
    guard(server, 'Bearer realm="http://127.0.0.1:1/none"', "Bearer ready")
    with watched(home=docker_config(tmp_path, server, registrytoken="ready")) as it:
        it.client.manifest_get(name(server))


def test_bearer_is_preferred(server: ScriptedServer, realm: ScriptedServer) -> None:
    guard(server, ["Negotiate", 'Basic realm="x"', bearer(realm)], "Bearer tt")
    realm.rule("GET", "/token", token())
    with watched(login=(server.address, "me", "pw")) as it:
        it.client.manifest_get(name(server))


def test_a_relative_realm(server: ScriptedServer) -> None:
    guard(server, 'Bearer realm="/v2/token"', "Bearer tt")
    with watched(login=(server.address, "me", "pw")) as it, pytest.raises(RegistryError):
        it.client.manifest_get(name(server))
    assert server.seen("GET", "/v2/token")[0].authorization == BASIC


@pytest.mark.faults
def test_no_challenge_means_asking_for_one(server: ScriptedServer) -> None:
    server.rule("GET", "/v2/", Reply(401, {"WWW-Authenticate": "Basic"}))
    server.rule("GET", ".*/1", Reply(401), times=1)
    guard(server, "Basic", BASIC)
    with watched(login=(server.address, "me", "pw")) as it:
        it.client.manifest_get(name(server))
    assert len(server.seen("GET", "/v2/")) == 2  # the probe, and the question


@pytest.mark.faults
def test_401_for_ever_ends(server: ScriptedServer, realm: ScriptedServer) -> None:
    guard(server, bearer(realm))
    realm.rule("GET", "/token", token())
    with (
        watched(login=(server.address, "me", "pw")) as it,
        pytest.raises(UnauthorizedError) as caught,
    ):
        it.client.manifest_get(name(server))
    assert len(server.seen("GET", ".*/1")) == 2
    assert len(realm.journal) == 1
    assert it.waits == []
    assert "check user and password" in (caught.value.hint or "")
    assert "the options (user me)" in (caught.value.hint or "")


def test_without_any_login_the_places_are_told(server: ScriptedServer, tmp_path: Path) -> None:
    guard(server, "Basic")
    with watched(home=tmp_path) as it, pytest.raises(UnauthorizedError) as caught:
        it.client.manifest_get(name(server))
    assert str(tmp_path / ".docker" / "config.json") in (caught.value.hint or "")
    assert len(server.seen("GET", ".*/1")) == 1


def test_a_token_that_ended_is_renewed(server: ScriptedServer, realm: ScriptedServer) -> None:
    accepted = ["Bearer t1"]
    server.rule(
        "GET",
        ".*/1",
        lambda seen: (
            Reply(200, {}, MANIFEST)
            if seen.authorization in accepted
            else Reply(401, {"WWW-Authenticate": bearer(realm)})
        ),
    )
    realm.rule("GET", "/token", token("t1"), times=1)
    realm.rule("GET", "/token", token("t2"))
    with watched() as it:
        it.client.manifest_get(name(server))
        accepted[:] = ["Bearer t2"]
        it.client.manifest_get(name(server))
        it.client.manifest_get(name(server))
    assert len(realm.journal) == 2


def test_scopes_that_a_challenge_adds(server: ScriptedServer, realm: ScriptedServer) -> None:
    extra = ',error="insufficient_scope",scope="repository:team/app:pull,meta other:thing:use"'
    guard(server, bearer(realm, extra), "Bearer tt")
    realm.rule("GET", "/token", token())
    with watched() as it:
        it.client.manifest_get(name(server))
    assert queries(realm)[0]["scope"] == ["repository:team/app:pull,meta", "other:thing:use"]


@pytest.mark.faults
def test_one_token_for_many_threads(server: ScriptedServer, realm: ScriptedServer) -> None:
    guard(server, bearer(realm), "Bearer tt")
    ready = threading.Barrier(8)
    server.rule("GET", "/x", Reply())

    def slow(_: Seen) -> Reply:
        threading.Event().wait(0.05)
        return token()

    realm.rule("GET", "/token", slow)
    with watched() as it:

        def work() -> None:
            ready.wait(10)
            it.client.manifest_get(name(server))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(realm.journal) == 1
    assert len(server.seen("GET", ".*/1")) >= 9


@pytest.mark.faults
def test_a_wrong_password_is_tried_once_and_is_no_obstacle_to_public_images(
    server: ScriptedServer, realm: ScriptedServer
) -> None:
    """Docker Hub locks accounts; GHCR answers 403 to a stale login for a public image."""
    guard(server, bearer(realm), "Bearer tt")
    realm.rule("GET", "/token", lambda seen: Reply(403) if seen.authorization else token())
    with watched(login=(server.address, "me", "pw")) as it:
        it.client.manifest_get(name(server))
        it.client.manifest_get(name(server, "another"))
        with pytest.raises(UnauthorizedError) as caught:
            it.client.manifest_put(name(server), MANIFEST, "x/y")
    assert sum(seen.authorization is not None for seen in realm.journal) == 1
    assert [("without one" in event.message) for event in it.of(Warned)] == [True]
    assert "the options (user me)" in (caught.value.hint or "")


@pytest.mark.faults
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(200, {}, b"x" * 10_000_000), "more than 65536 bytes"),
        (Reply(200, {}, b"<html>"), "holds no token"),
        (Reply(200, {}, b""), "holds no token"),
        (Reply(200, {}, b"[]"), "holds no token"),
        (Reply(200, {}, b'{"token": ""}'), "holds no token"),
        (Reply(200, {}, b'{"token": "a\\r\\nX: y"}'), "holds no token"),
        (Reply(200, {}, b'{"token": 5}'), "holds no token"),
        (Reply(404), "404"),
        (Reply(302, {}), "nowhere"),
    ],
)
def test_odd_token_servers(
    server: ScriptedServer, realm: ScriptedServer, reply: Reply, kind: str
) -> None:
    guard(server, bearer(realm))
    realm.rule("GET", "/token", reply)
    with watched() as it, pytest.raises(PyjibError, match=kind):
        it.client.manifest_get(name(server))


@pytest.mark.advisories
def test_a_foreign_realm_sees_no_login(server: ScriptedServer) -> None:
    """CVE-2026-33540: the realm is outside the registry's site. A proxy plays its part."""
    guard(server, 'Bearer realm="http://auth.evil.example/token"', "Bearer tt")
    with ScriptedServer() as proxy:
        proxy.rule("GET", "http://auth.evil.example/token", token())
        variables = {"http_proxy": proxy.url}
        with watched(login=(server.address, "me", "pw"), variables=variables) as it:
            it.client.manifest_get(name(server))
        assert ["another site" in event.message for event in it.of(Warned)] == [True]
        assert [seen.authorization for seen in proxy.journal] == [None]
        assert "account" not in proxy.journal[0].target


@pytest.mark.advisories
@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/token", "http://0.0.0.0/token", "http://u:p@127.0.0.1/t", "file:///x"],
)
def test_realms_that_are_never_asked(server: ScriptedServer, url: str) -> None:
    """CVE-2026-48978."""
    guard(server, f'Bearer realm="{url}"')
    with watched(login=(server.address, "me", "pw")) as it, pytest.raises(TransportError):
        it.client.manifest_get(name(server))


@pytest.mark.advisories
def test_a_token_servers_redirect_loses_the_login(
    server: ScriptedServer, realm: ScriptedServer
) -> None:
    with ScriptedServer() as spy:
        spy.rule("GET", "/other", token())
        guard(server, bearer(realm), "Bearer tt")
        realm.rule("GET", "/token", Reply(307, {"Location": f"{spy.url}/other"}))
        with watched(login=(server.address, "me", "pw")) as it:
            it.client.manifest_get(name(server))
        assert realm.journal[0].authorization == BASIC
        assert [seen.authorization for seen in spy.journal] == [None]


@pytest.mark.advisories
def test_another_hosts_401_gets_no_login(server: ScriptedServer) -> None:
    """CVE-2020-15157: a blob's storage asks for a login."""
    with ScriptedServer() as spy:
        spy.rule("GET", "/.*", Reply(401, {"WWW-Authenticate": "Basic"}))
        server.rule("GET", ".*/blobs/.*", Reply(307, {"Location": f"{spy.url}/blob"}))
        with watched(login=(server.address, "me", "pw")) as it, pytest.raises(UnauthorizedError):
            list(it.client.blob_chunks(name(server), BLOB.descriptor))
        assert [seen.authorization for seen in spy.journal] == [None]


@pytest.mark.faults
def test_a_login_that_ends_during_an_upload(server: ScriptedServer, realm: ScriptedServer) -> None:
    realm.rule("GET", "/token", token("t1"), times=1)
    realm.rule("GET", "/token", token("t2"))
    denied = Reply(401, {"WWW-Authenticate": bearer(realm)})
    server.rule("HEAD", ".*", denied, times=1)
    server.rule("HEAD", ".*", Reply(404))
    server.rule("POST", ".*", Reply(202, {"Location": "/up/1"}), times=1)
    server.rule("POST", ".*", Reply(202, {"Location": "/up/2"}))
    server.rule("PUT", "/up/1", denied)
    server.rule("GET", "/up/1", Reply(204, {"Range": "0-9"}))
    server.rule("PUT", "/up/2", Reply(201))
    with watched() as it:
        assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    assert [seen.authorization for seen in server.seen("PUT")] == ["Bearer t1", "Bearer t2"]
    assert [len(seen.body) for seen in server.seen("PUT")] == [500, 500]


@pytest.mark.faults
def test_an_upload_that_was_complete_is_only_committed(
    server: ScriptedServer, realm: ScriptedServer
) -> None:
    realm.rule("GET", "/token", token("t1"), times=1)
    realm.rule("GET", "/token", token("t2"))
    denied = Reply(401, {"WWW-Authenticate": bearer(realm)})
    server.rule("HEAD", ".*", denied, times=1)
    server.rule("POST", ".*", Reply(202, {"Location": "/up/1"}))
    server.rule("PUT", "/up/1", denied)
    server.rule("GET", "/up/1", Reply(204, {"Range": "0-499", "Location": "/up/1b?s"}))
    server.rule("PUT", "/up/1b", Reply(201))
    with watched() as it:
        assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    assert [len(seen.body) for seen in server.seen("PUT")] == [500, 0]
    assert server.seen("PUT")[1].target == f"/up/1b?s&digest={DIGEST}"


def test_a_real_token_server(tmp_path: Path) -> None:
    with RegistryServer(users={"me": "pw"}, auth="token") as server:
        with watched(login=(server.address, "me", "pw")) as it:
            it.client.ping(server.address)
            it.client.blob_push(name(server), BLOB)
            server.revoke_tokens()
            assert it.client.blob_head(name(server), DIGEST) == 500
            chunks = it.client.blob_chunks(name(server), BLOB.descriptor)
            assert Digest.of(b"".join(chunks)) == DIGEST
        with watched() as anonymous, pytest.raises((UnauthorizedError, DeniedError)):
            anonymous.client.blob_push(name(server), BLOB)
        host = HostEnvironment(home=tmp_path)
        with pytest.raises(UnauthorizedError) as caught:
            login(server.address, "me", "wrong", options=RegistryOptions(), host=host)
        assert "access token" in (caught.value.hint or "")
        assert not (tmp_path / ".docker").exists()
        login(server.address, "me", "pw", options=RegistryOptions(), host=host)
        with watched(home=tmp_path) as it:
            it.client.ping(server.address)


def test_a_real_basic_registry(tmp_path: Path) -> None:
    with RegistryServer(users={"me": "pw"}) as server:
        host = HostEnvironment(home=tmp_path)
        with pytest.raises(UnauthorizedError):
            login(server.address, "me", "wrong", options=RegistryOptions(), host=host)
        login(server.address, "me", "pw", options=RegistryOptions(), host=host)
        with watched(home=tmp_path) as it:
            assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
            assert it.client.blob_push(name(server), BLOB) is Outcome.PRESENT


def test_no_secret_in_logs_and_errors(
    server: ScriptedServer, realm: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    realm.rule("GET", "/token", token("s3cret-token"))
    with ScriptedServer() as storage, watched(login=(server.address, "me", "s3cret")) as it:
        elsewhere = Reply(307, {"Location": f"{storage.url}/b?sig=s3cret"})
        server.rule("GET", ".*/blobs/.*", elsewhere)
        guard(server, bearer(realm), "Bearer s3cret-token")
        it.client.manifest_get(name(server))
        with pytest.raises(RegistryError) as caught:
            list(it.client.blob_chunks(name(server), BLOB.descriptor))
    assert storage.journal[0].target == "/b?sig=s3cret"
    assert "sig=***" in caplog.text
    everything = caplog.text + repr(it.events) + repr(caught.value) + str(caught.value.hint)
    assert "s3cret" not in everything
