"""Logins over real sockets: challenges, tokens, and where a login may go."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from pyjib.errors import DeniedError, PyjibError, RegistryError, TransportError, UnauthorizedError
from pyjib.events import Event, Warned
from pyjib.oci.blob import Blob
from pyjib.oci.digest import Digest
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.calls.uploads import Outcome
from pyjib.registry.client import RegistryClient
from pyjib.registry.login import tokens
from pyjib.registry.login.keeping import login
from pyjib.registry.net.message import Call
from pyjib.registry.net.message import Reply as Answer
from pyjib.registry.net.urls import Url
from pyjib.serve import RegistryServer
from pyjib.serve.message import Request, Response
from tests.support.clients import Watched, watched
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


def test_a_realm_that_is_relative_to_what_was_asked_for(server: ScriptedServer) -> None:
    guard(server, 'Bearer realm="token"', "Bearer tt")
    with watched(login=(server.address, "me", "pw")) as it, pytest.raises(RegistryError):
        it.client.manifest_get(name(server))
    asked = server.seen("GET", "/v2/team/app/manifests/token")
    assert asked[0].authorization == BASIC
    assert server.seen("GET", "/token") == []


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
            ready.wait(60)
            it.client.manifest_get(name(server))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(realm.journal) == 1
    assert len(server.seen("GET", ".*/1")) >= 9


@pytest.mark.faults
@pytest.mark.parametrize(("status", "times"), [(401, 1), (403, 2)])
def test_a_wrong_password_is_tried_once_and_is_no_obstacle_to_public_images(
    server: ScriptedServer, realm: ScriptedServer, status: int, times: int
) -> None:
    """Docker Hub locks accounts; GHCR answers 403, once for each image, to a stale login."""
    guard(server, bearer(realm), "Bearer tt")
    realm.rule("GET", "/token", lambda seen: Reply(status) if seen.authorization else token())
    with watched(login=(server.address, "me", "pw")) as it:
        it.client.manifest_get(name(server))
        it.client.manifest_get(name(server, "another"))
        with pytest.raises(UnauthorizedError) as caught:
            it.client.manifest_put(name(server), MANIFEST, "x/y")
    assert sum(seen.authorization is not None for seen in realm.journal) == times
    assert [("without one" in event.message) for event in it.of(Warned)] == [True]
    assert "the options (user me)" in (caught.value.hint or "")


@pytest.mark.faults
def test_a_login_that_may_not_have_one_image_is_good_for_another(
    server: ScriptedServer, realm: ScriptedServer
) -> None:
    """An organisation's base image may be closed to a token that may push the user's own."""
    guard(server, bearer(realm), "Bearer public", "Bearer own")

    def answer(seen: Seen) -> Reply:
        if seen.authorization is None:
            return token("public")
        return Reply(403) if "other%2Fbase" in seen.target else token("own")

    realm.rule("GET", "/token", answer)
    with watched(login=(server.address, "me", "pw")) as it:
        it.client.manifest_get(name(server, "other/base"))
        it.client.manifest_put(name(server), MANIFEST, "x/y")
        it.client.manifest_get(name(server, "other/base"))
    assert [seen.authorization for seen in realm.journal] == [BASIC, None, BASIC]
    assert server.seen("PUT", ".*/1")[-1].authorization == "Bearer own"


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


@pytest.mark.parametrize("who", ["registry", "registry, of a token", "GET", "POST"])
def test_a_server_that_repeats_what_it_was_sent(
    server: ScriptedServer, realm: ScriptedServer, tmp_path: Path, who: str
) -> None:
    """Some proxies answer with the request, header by header, and many read what a CI logs."""

    def repeat(seen: Seen) -> Reply:
        said = f"refused: {seen.authorization} {seen.body.decode()}"
        challenge = "Basic" if who == "registry" else bearer(realm)
        return Reply(401, {"WWW-Authenticate": challenge}, said.encode())

    server.rule("*", "/v2/.+", repeat)
    realm.rule("GET", "/token", token("tok/en") if who.endswith("token") else repeat)
    realm.rule("POST", "/token", repeat)
    login = {"username": "me", "password": "s3c/ret"}
    entry = {"identitytoken": "s3c/ret"} if who == "POST" else login
    with (
        watched(home=docker_config(tmp_path, server, **entry)) as it,
        pytest.raises(UnauthorizedError) as caught,
    ):
        it.client.manifest_put(name(server), b"", "x/y")
    said = repr(caught.value) + caught.value.message + str(caught.value.hint)
    assert "refused: " in said
    assert "***" in said
    basic = base64.b64encode(b"me:s3c/ret").decode()
    for secret in ("s3c/ret", "s3c%2Fret", "tok/en", basic):
        assert secret not in said


@pytest.mark.parametrize(
    "body",
    [
        rb'{"errors": [{"code": "DENIED", "message": "refused: s3c\/ret \u0026co"}]}',
        rb'{"errors": [{"code": "DENIED", "detail": "refused: s3c\u002fret &co"}]}',
        b"<html><title>refused: s3c/ret &amp;co</title></html>",
        b"refused: " + b"x" * 280 + b" s3c/ret &co",
    ],
)
def test_a_server_that_repeats_what_it_was_sent_in_other_words(
    server: ScriptedServer, body: bytes
) -> None:
    """What hides a secret in JSON or HTML is undone before anybody reads it."""
    server.rule("*", "/v2/.+", Reply(401, {"WWW-Authenticate": "Basic"}, body))
    with (
        watched(login=(server.address, "me", "s3c/ret &co")) as it,
        pytest.raises(UnauthorizedError) as caught,
    ):
        it.client.manifest_put(name(server), b"", "x/y")
    said = f"{caught.value.message} {caught.value.diagnostics}"
    assert "refused: " in said
    assert "s3c" not in said


def test_a_server_that_repeats_a_token_that_was_given_up(
    server: ScriptedServer, realm: ScriptedServer
) -> None:
    """What did not do for a body is good elsewhere until it ends."""
    held = iter(range(100))
    realm.rule("GET", "/token", lambda _: token(f"token-{next(held)}"))
    server.rule("HEAD", "/v2/.+", lambda seen: Reply(404 if seen.authorization else 401, asks))
    server.rule("POST", "/v2/.+", Reply(202, {"Location": "/up/1"}))
    server.rule("PUT", "/up/1", lambda seen: Reply(401, asks, f"no {seen.authorization}".encode()))
    asks = {"WWW-Authenticate": bearer(realm)}
    with watched() as it, pytest.raises(UnauthorizedError) as caught:
        it.client.blob_push(name(server), BLOB)
    said = f"{caught.value.message} {it.events}"
    assert "no Bearer ***" in said
    assert "token-" not in said


@pytest.mark.parametrize("status", [401, 403])
def test_more_is_asked_for_where_a_token_allows_too_little(
    server: ScriptedServer, realm: ScriptedServer, status: int
) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.authorization == "Bearer wide":
            return Reply(200, {}, MANIFEST)
        if seen.authorization is None:
            return Reply(401, {"WWW-Authenticate": bearer(realm)})
        extra = ',error="insufficient_scope",scope="repository:team/app:pull,meta"'
        return Reply(status, {"WWW-Authenticate": bearer(realm, extra)})

    server.rule("*", "/v2/.+", answer)
    realm.rule("GET", "/token", token("narrow"), times=1)
    realm.rule("GET", "/token", token("wide"))
    with watched() as it:
        with pytest.raises((UnauthorizedError, DeniedError)):
            it.client.manifest_get(name(server))  # one renewal each call
        it.client.manifest_get(name(server))
        it.client.manifest_get(name(server))
    assert [query["scope"] for query in queries(realm)] == [
        ["repository:team/app:pull"],
        ["repository:team/app:pull,meta"],
    ]


def test_a_plain_403_renews_nothing(server: ScriptedServer, realm: ScriptedServer) -> None:
    denied = Reply(403, {"WWW-Authenticate": bearer(realm)})
    server.rule("GET", ".*/1", denied)
    with watched() as it, pytest.raises(DeniedError):
        it.client.manifest_get(name(server))
    assert realm.journal == []


def test_a_wrong_password_is_sent_once_by_basic_too(server: ScriptedServer) -> None:
    public = Reply(200, {}, MANIFEST)

    def answer(seen: Seen) -> Reply:
        is_public = "/public/" in seen.path and seen.authorization is None
        return public if is_public else Reply(401, {"WWW-Authenticate": "Basic"})

    server.rule("*", "/v2/.+", answer)
    with watched(login=(server.address, "me", "pw")) as it:
        for _ in range(3):
            with pytest.raises(UnauthorizedError):
                it.client.manifest_get(name(server, "private"))
        it.client.manifest_get(name(server, "public/app"))
        it.client.manifest_get(name(server, "public/app"))
        with pytest.raises(UnauthorizedError) as caught:
            it.client.manifest_put(name(server, "private"), MANIFEST, "x/y")
    sent = [seen.path for seen in server.journal if seen.authorization]
    assert sent == ["/v2/private/manifests/1", "/v2/public/app/manifests/1"]
    said = f"cannot log in to {server.address}: {server.address} answered 401 Unauthorized"
    assert caught.value.message == said
    assert f"pyjib doctor {server.address}/private" in (caught.value.hint or "")


@pytest.mark.parametrize("status", [400, 401])
def test_an_identity_token_that_ended_is_no_obstacle_to_public_images(
    server: ScriptedServer, realm: ScriptedServer, tmp_path: Path, status: int
) -> None:
    guard(server, bearer(realm), "Bearer tt")
    realm.rule("POST", "/token", Reply(status, {}, b'{"error":"invalid_grant"}'))
    realm.rule("GET", "/token", token())
    with watched(home=docker_config(tmp_path, server, identitytoken="old")) as it:
        it.client.manifest_get(name(server))
        it.client.manifest_get(name(server, "another"))
        with pytest.raises(UnauthorizedError):
            it.client.manifest_put(name(server), MANIFEST, "x/y")
    assert len(realm.seen("POST")) == 1
    (warning,) = it.of(Warned)
    assert "going on without one" in warning.message
    assert f"pyjib login --check {server.address}" in (warning.hint or "")


def test_an_identity_token_is_not_redirected_elsewhere(
    server: ScriptedServer, realm: ScriptedServer, tmp_path: Path
) -> None:
    guard(server, bearer(realm), "Bearer tt")
    with ScriptedServer() as spy:
        realm.rule("POST", "/token", Reply(307, {"Location": f"{spy.url}/token"}))
        with (
            watched(home=docker_config(tmp_path, server, identitytoken="id")) as it,
            pytest.raises(TransportError, match="must not see the secret"),
        ):
            it.client.manifest_get(name(server))
        assert spy.journal == []


@pytest.mark.parametrize("allowed", [True, False])
def test_a_realm_that_the_caller_trusts(server: ScriptedServer, allowed: bool) -> None:
    """Trust is not enough on the wire: a registry on loopback may have a realm that is far away."""
    guard(server, 'Bearer realm="http://auth.other.example/token"', "Bearer tt")
    with ScriptedServer() as proxy:
        proxy.rule("GET", "http://auth.other.example/token", token())
        it = Watched(login=(server.address, "me", "pw"), variables={"http_proxy": proxy.url})
        options = replace(
            it.options,
            trusted_realms=frozenset({"auth.other.example"}),
            credentials_over_http=allowed,
        )
        host = HostEnvironment(variables={"http_proxy": proxy.url})
        events: list[Event] = []
        with RegistryClient(options, host, listener=events.append) as client, it.client:
            client.manifest_get(name(server))
            it.client.manifest_get(name(server))
        sent = [seen.authorization for seen in proxy.journal]
        assert sent == [BASIC if allowed else None, None]
        assert [str(event).count("over plain http") > 0 for event in events] == [True] * (
            not allowed
        )
        assert ["--trust-realm auth.other.example" in (e.hint or "") for e in it.of(Warned)] == [
            True
        ]


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.faults
def test_a_token_is_renewed_before_it_ends_and_earlier_for_an_upload(
    server: ScriptedServer, realm: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(tokens, "time", clock)
    numbers = iter(range(1, 9))
    realm.rule("GET", "/token", lambda _: token(f"t{next(numbers)}", expires_in=300))
    server.rule("HEAD", ".*", Reply(404))
    server.rule(
        "POST",
        ".*",
        lambda seen: (
            Reply(202, {"Location": "/up"})
            if seen.authorization
            else Reply(401, {"WWW-Authenticate": bearer(realm)})
        ),
    )
    server.rule("PUT", ".*", Reply(201))
    with watched() as it:
        for passed in (0.0, 235.0, 6.0, 289.0, 2.0):
            clock.now += passed
            it.client.blob_push(name(server), BLOB)
    sent = [
        (seen.method, (seen.authorization or "").removeprefix("Bearer "))
        for seen in server.journal
        if seen.method in ("POST", "PUT") and seen.authorization
    ]
    assert sent == [
        ("POST", "t1"),
        ("PUT", "t1"),
        ("POST", "t1"),
        ("PUT", "t1"),
        ("POST", "t1"),
        ("PUT", "t2"),  # less than a minute is left: too little for a body
        ("POST", "t2"),
        ("PUT", "t3"),
        ("POST", "t3"),
        ("PUT", "t3"),
    ]
    assert not [seen for seen in server.journal if seen.method == "PUT" and not seen.authorization]


@pytest.mark.faults
def test_a_login_that_ends_within_a_body(realm: ScriptedServer) -> None:
    """The server answers 401 and closes while the body is still on its way."""
    realm.rule("GET", "/token", token("t1"), times=1)
    realm.rule("GET", "/token", token("t2"))
    blob = Blob.of_bytes(b"layer" * 2_000_000, "application/vnd.oci.image.layer.v1.tar")
    revoked = threading.Event()

    def intercept(request: Request) -> Response | None:
        held = request.headers.get("authorization")
        wanted = "Bearer t2" if revoked.is_set() else "Bearer t1"
        if request.method == "PUT" and held == "Bearer t1":
            revoked.set()
            wanted = "Bearer t2"
        if held == wanted:
            return None
        return Response(status=401, headers=(("WWW-Authenticate", bearer(realm)),))

    with RegistryServer(intercept=intercept) as server, watched() as it:
        assert it.client.blob_push(name(server), blob) is Outcome.UPLOADED
        assert it.client.blob_head(name(server), blob.descriptor.digest) == 10_000_000
    assert len(realm.journal) == 2


def test_a_login_that_is_not_sent_is_not_said_to_be_refused(server: ScriptedServer) -> None:
    """What helps is to trust the other site, not to renew the password."""
    guard(server, 'Bearer realm="http://auth.other.example/token"')
    with ScriptedServer() as proxy:
        proxy.rule("GET", "http://auth.*", token())
        variables = {"http_proxy": proxy.url}
        with (
            watched(login=(server.address, "me", "pw"), variables=variables) as it,
            pytest.raises(UnauthorizedError) as caught,
        ):
            it.client.manifest_get(name(server))
    assert caught.value.hint == "if both belong together, pass --trust-realm auth.other.example"


def test_who_needs_a_token_for_long_takes_none_that_was_found_for_something_short() -> None:
    """Two threads ask at once; the first, for a small call, finds a token that soon ends."""
    looking, going_on = threading.Event(), threading.Event()
    answers = iter(["short", "long"])

    def ask(_: Call, __: int) -> Answer:
        text = next(answers)
        if text == "short":
            looking.set()
            assert going_on.wait(60)
        body = json.dumps({"token": text, "expires_in": 3600}).encode()
        return Answer(status=200, url=url, headers={}, data=body)

    url = Url.parse("https://r.io/token")
    cache, realm = tokens.Tokens(ask), tokens.Realm(registry="r.io", url=url, service="")
    got: list[str] = []

    def get(*, for_body: bool) -> None:
        got.append(cache.get(realm, None, (), for_body=for_body))

    first = threading.Thread(target=get, kwargs={"for_body": False})
    first.start()
    assert looking.wait(60)
    get(for_body=True)
    going_on.set()
    first.join()
    assert got == ["long", "short"]
