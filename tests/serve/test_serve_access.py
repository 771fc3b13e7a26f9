"""Who may do what: Basic, tokens, scopes, and what a login does not give away."""

from __future__ import annotations

import base64
import hashlib
import re
import urllib.parse
from collections.abc import Iterator

import pytest

from pyjib.serve import RegistryServer
from pyjib.serve.tokens import parse_scopes
from tests.support.wire import Reply, Wire

USERS = {"anna": "secret", "bert": "pa:ss", "reader": "r"}
DATA = b"data"
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"


def policy(user: str | None, repository: str, action: str) -> bool:
    """Anna may do everything, bert all in bert/, the reader may read, the public read public/."""
    if user == "anna":
        return True
    if user == "bert" and repository.startswith("bert/"):
        return True
    if user == "reader":
        return action == "pull"
    return action == "pull" and repository.startswith("public/")


def basic(name: str, password: str | None = None) -> str:
    text = f"{name}:{USERS[name] if password is None else password}"
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.fixture
def basic_wire() -> Iterator[Wire]:
    with RegistryServer(users=USERS, policy=policy) as server, Wire(server.address) as wire:
        yield wire


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with RegistryServer(users=USERS, auth="token", policy=policy) as started:
        yield started


@pytest.fixture
def wire(server: RegistryServer) -> Iterator[Wire]:
    with Wire(server.address) as connection:
        yield connection


# Basic


def test_basic_asks_for_a_login(basic_wire: Wire) -> None:
    for target in ("/v2/", "/v2/app/tags/list", "/v2/_catalog"):
        reply = basic_wire.send("GET", target)
        assert (reply.status, reply.code) == (401, "UNAUTHORIZED")
        assert reply["WWW-Authenticate"] == 'Basic realm="pyjib"'


@pytest.mark.parametrize(
    "header",
    [
        basic("anna", "wrong"),
        basic("anna", ""),
        f"Basic {base64.b64encode(b'nobody:').decode()}",
        f"Basic {base64.b64encode(b'no colon').decode()}",
        "Basic %%%",
        "Bearer abc",
        "",
    ],
)
def test_basic_refuses_a_wrong_login(basic_wire: Wire, header: str) -> None:
    reply = basic_wire.send("GET", "/v2/public/app/tags/list", Authorization=header)
    assert (reply.status, reply.code) == (401, "UNAUTHORIZED")


def test_basic_admits_by_policy(basic_wire: Wire) -> None:
    assert basic_wire.send("GET", "/v2/", Authorization=basic("bert")).status == 200
    upload = f"/blobs/uploads/?digest={DIGEST}"
    for name, user, status in (
        ("bert/app", "bert", 201),
        ("app", "bert", 403),
        ("app", "reader", 403),
        ("public/app", "anna", 201),
    ):
        reply = basic_wire.send("POST", f"/v2/{name}{upload}", DATA, Authorization=basic(user))
        assert reply.status == status
        if status == 403:
            assert reply.code == "DENIED"
    assert basic_wire.send("GET", f"/v2/public/app/blobs/{DIGEST}").status == 200
    assert basic_wire.send("DELETE", f"/v2/public/app/blobs/{DIGEST}").status == 401


def test_there_is_no_token_endpoint(basic_wire: Wire) -> None:
    assert basic_wire.send("GET", "/token").status == 404


# Tokens


def token(wire: Wire, *scopes: str, user: str | None = "anna", **more: str) -> str:
    reply = ask(wire, *scopes, user=user, **more)
    assert reply.status == 200, reply.body
    assert reply.json["token"] == reply.json["access_token"]
    return f"Bearer {reply.json['token']}"


def ask(wire: Wire, *scopes: str, user: str | None = "anna", **more: str) -> Reply:
    pairs = [("service", "pyjib-registry"), *(("scope", scope) for scope in scopes), *more.items()]
    headers = {"Authorization": basic(user)} if user else {}
    return wire.send("GET", f"/token?{urllib.parse.urlencode(pairs)}", **headers)


@pytest.mark.parametrize(
    ("method", "target", "scope"),
    [
        ("GET", "/v2/app/tags/list", "repository:app:pull"),
        ("HEAD", "/v2/a/b/manifests/t", "repository:a/b:pull"),
        ("POST", "/v2/app/blobs/uploads/", "repository:app:pull,push"),
        ("DELETE", "/v2/app/blobs/uploads/x", "repository:app:pull,push"),
        ("DELETE", "/v2/app/manifests/t", "repository:app:delete"),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
        ("GET", "/v2/", None),
    ],
)
def test_challenge(
    server: RegistryServer, wire: Wire, method: str, target: str, scope: str
) -> None:
    reply = wire.send(method, target)
    assert reply.status == 401
    expected = f'Bearer realm="http://{server.address}/token",service="pyjib-registry"'
    assert reply["WWW-Authenticate"] == expected + (f',scope="{scope}"' if scope else "")


@pytest.mark.parametrize("header", [basic("anna"), "Bearer made-up", "Bearer ", "Basic"])
def test_only_tokens_open(wire: Wire, header: str) -> None:
    reply = wire.send("GET", "/v2/app/tags/list", Authorization=header)
    assert reply.status == 401
    assert reply["WWW-Authenticate"].startswith("Bearer ")


def test_token_opens_what_it_is_for(wire: Wire) -> None:
    pull = token(wire, "repository:app:pull")
    push = token(wire, "repository:app:pull,push")
    upload = f"/v2/app/blobs/uploads/?digest={DIGEST}"
    assert wire.send("POST", upload, DATA, Authorization=push).status == 201
    assert wire.send("GET", f"/v2/app/blobs/{DIGEST}", Authorization=pull).status == 200
    refused = wire.send("POST", upload, DATA, Authorization=pull)
    assert refused.status == 401
    assert refused["WWW-Authenticate"].endswith(
        'scope="repository:app:pull,push",error="insufficient_scope"'
    )
    for name in ("other", "app/other", "ap"):
        assert wire.send("GET", f"/v2/{name}/tags/list", Authorization=push).status == 401
    assert wire.send("DELETE", f"/v2/app/blobs/{DIGEST}", Authorization=push).status == 401
    delete = token(wire, "repository:app:delete")
    assert wire.send("DELETE", f"/v2/app/blobs/{DIGEST}", Authorization=delete).status == 202


def test_token_holds_no_more_than_the_user_may(wire: Wire) -> None:
    reader = token(wire, "repository:app:pull,push", user="reader")
    assert wire.send("GET", "/v2/app/tags/list", Authorization=reader).status == 404
    reply = wire.send("POST", "/v2/app/blobs/uploads/", Authorization=reader)
    assert (reply.status, reply.code) == (403, "DENIED")


def test_token_without_a_login(wire: Wire) -> None:
    anybody = token(wire, "repository:public/app:pull", "repository:app:pull", user=None)
    assert wire.send("GET", "/v2/public/app/tags/list", Authorization=anybody).status == 404
    assert wire.send("GET", "/v2/app/tags/list", Authorization=anybody).status == 403
    assert wire.send("GET", "/v2/_catalog", Authorization=anybody).status == 403


def test_catalog_has_a_scope_of_its_own(wire: Wire) -> None:
    good = token(wire, "registry:catalog:*")
    assert wire.send("GET", "/v2/_catalog", Authorization=good).status == 200
    assert wire.send("GET", "/v2/_catalog", Authorization=token(wire)).status == 401


def test_wrong_login_gets_no_token(wire: Wire) -> None:
    reply = wire.send("GET", "/token", Authorization=basic("anna", "wrong"))
    assert (reply.status, reply.code) == (401, "UNAUTHORIZED")


def test_tokens_end() -> None:
    ended = RegistryServer(users=USERS, auth="token", token_lifetime=0)
    with ended as server, Wire(server.address) as wire:
        reply = ask(wire, "repository:app:pull")
        assert reply.json["expires_in"] == 1
        old = f"Bearer {reply.json['token']}"
        reply = wire.send("GET", "/v2/app/tags/list", Authorization=old)
        assert reply.status == 401
        assert reply["WWW-Authenticate"].endswith('error="invalid_token"')


def test_tokens_can_be_revoked(server: RegistryServer, wire: Wire) -> None:
    old = token(wire, "repository:app:pull")
    assert wire.send("GET", "/v2/app/tags/list", Authorization=old).status == 404
    server.revoke_tokens()
    assert wire.send("GET", "/v2/app/tags/list", Authorization=old).status == 401


def post_form(wire: Wire, **fields: str) -> Reply:
    body = urllib.parse.urlencode(fields).encode()
    return wire.send("POST", "/token", body, Content_Type="application/x-www-form-urlencoded")


def test_form_with_too_many_fields(wire: Wire) -> None:
    reply = wire.send("POST", "/token", b"&".join(b"a%d=1" % number for number in range(201)))
    assert reply.status == 400


def test_form_with_a_password_and_with_a_refresh_token(wire: Wire) -> None:
    scope = "repository:app:pull repository:other:pull"
    login = {"grant_type": "password", "username": "bert", "password": "pa:ss"}
    first = post_form(wire, **login, scope=scope, access_type="offline")
    assert first.status == 200
    refresh = first.json["refresh_token"]
    again = post_form(
        wire, grant_type="refresh_token", refresh_token=refresh, scope="repository:bert/a:pull"
    )
    bearer = f"Bearer {again.json['access_token']}"
    assert wire.send("GET", "/v2/bert/a/tags/list", Authorization=bearer).status == 404
    assert "refresh_token" in ask(wire, offline_token="true").json
    assert "refresh_token" not in ask(wire).json


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"grant_type": "password", "username": "anna", "password": "wrong"}, 401),
        ({"grant_type": "refresh_token", "refresh_token": "made-up"}, 401),
        ({"grant_type": "client_credentials"}, 400),
        ({}, 400),
        ({"grant_type": "x" * 70_000}, 413),
    ],
)
def test_bad_form(wire: Wire, fields: dict[str, str], status: int) -> None:
    assert post_form(wire, **fields).status == status


def test_mount_needs_the_right_to_read_the_source(wire: Wire) -> None:
    both = token(wire, "repository:bert/secret:pull,push repository:app:pull,push")
    wire.send("POST", f"/v2/bert/secret/blobs/uploads/?digest={DIGEST}", DATA, Authorization=both)
    target = f"/v2/app/blobs/uploads/?mount={DIGEST}&from=bert/secret"
    one = token(wire, "repository:app:pull,push")
    assert wire.send("POST", target, Authorization=one).status == 202
    assert wire.send("HEAD", f"/v2/app/blobs/{DIGEST}", Authorization=one).status == 404
    assert wire.send("POST", target, Authorization=both).status == 201


@pytest.mark.parametrize("host", ['x",realm="http://evil', "a b", "x" * 300])
def test_odd_host_header_is_not_repeated(server: RegistryServer, wire: Wire, host: str) -> None:
    reply = wire.send("GET", "/v2/", Host=host)
    if reply.status == 401:
        realm = re.search(r'realm="([^"]*)"', reply["WWW-Authenticate"])
        assert realm
        assert realm[1] == f"http://{server.address}/token"
    else:
        assert reply.status == 400


@pytest.mark.parametrize(
    ("texts", "pairs"),
    [
        (["repository:a/b:pull"], {("a/b", "pull")}),
        (["repository:a:pull,push repository:b:*"], {("a", "pull"), ("a", "push")}),
        (["repository:a:admin", "repository:../a:pull", "", "x", "repository::pull"], set()),
        (["registry:catalog:*"], {("", "catalog")}),
    ],
)
def test_scopes(texts: list[str], pairs: set[tuple[str, str]]) -> None:
    found = parse_scopes(texts)
    assert pairs <= found
    assert {name for name, _ in found} <= {"a", "b", "a/b", ""}
