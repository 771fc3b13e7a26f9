"""Refusals that do not say how to log in, and ready tokens that ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.errors import DeniedError, UnauthorizedError
from pyjib.events import Warned
from pyjib.oci.reference import Reference
from tests.support.clients import watched
from tests.support.scripted import Reply, ScriptedServer, Seen

INDEX = b'{"schemaVersion":2,"manifests":[]}'


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


def name(server: ScriptedServer, repository: str = "team/app") -> Reference:
    return Reference.parse(f"{server.address}/{repository}:1")


@pytest.mark.faults
@pytest.mark.parametrize(
    ("challenge", "said", "helps"),
    [
        (None, "did not say how to log in (no WWW-Authenticate header)", "see whether a proxy"),
        ("Negotiate, NTLM", "asks for Negotiate or Ntlm, by which pyjib cannot log in", "have "),
        (
            'Bearer service="x"',
            "asks for Bearer without a realm, by which",
            "for Bearer with a realm",
        ),
    ],
)
def test_a_401_that_asks_for_no_login(
    server: ScriptedServer, challenge: str | None, said: str, helps: str
) -> None:
    """Spec §3: nothing is sent that was not asked for; the login is not said to be missing."""
    server.rule("*", ".*", Reply(401, {"WWW-Authenticate": challenge} if challenge else {}))
    with watched(login=(server.address, "me", "s3cret")) as it:
        with pytest.raises(UnauthorizedError) as caught:
            it.client.manifest_get(name(server))
        with pytest.raises(UnauthorizedError) as pushed:
            it.client.manifest_put(name(server), INDEX, "x/y")
    for error in (caught.value, pushed.value):
        assert f"answered 401 Unauthorized, and {said}" in error.message
        assert (error.hint or "").startswith("the login from the options (user me) was not sent: ")
        assert helps in (error.hint or "")
    assert not [seen for seen in server.journal if seen.authorization]


@pytest.mark.faults
def test_a_401_that_asks_for_no_login_where_there_is_none(server: ScriptedServer) -> None:
    server.rule("*", ".*", Reply(401))
    with watched() as it, pytest.raises(UnauthorizedError) as caught:
        it.client.manifest_get(name(server))
    assert (caught.value.hint or "").startswith("see whether a proxy in front of ")
    assert "pyjib login" not in (caught.value.hint or "")


def test_a_registry_that_says_how_after_all(server: ScriptedServer) -> None:
    """Once it asked for a login, refusals are about that."""
    server.rule("*", ".*", Reply(401), times=3)
    server.rule("*", ".*", Reply(401, {"WWW-Authenticate": "Basic"}))
    with watched(login=(server.address, "me", "s3cret")) as it:
        for words in ("was not sent", "was not accepted: check user and password"):
            with pytest.raises(UnauthorizedError) as caught:
                it.client.manifest_get(name(server))
            assert words in (caught.value.hint or "")
    assert "did not say" not in caught.value.message


def guard(server: ScriptedServer, *accepted: str) -> None:
    """Have the server take tokens only, and hand out ``anonymous`` to nobody in particular."""
    challenge = {"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}

    def answer(seen: Seen) -> Reply:
        token = (seen.authorization or "").removeprefix("Bearer ")
        return Reply(200, {}, INDEX) if token in accepted else Reply(401, challenge)

    server.rule("GET", "/token", Reply(200, {}, b'{"token":"anonymous"}'))
    server.rule("*", "/v2/.+", answer)


def ready_token(tmp_path: Path, server: ScriptedServer) -> Path:
    config = tmp_path / ".docker" / "config.json"
    config.parent.mkdir()
    entry = {"registrytoken": "r3ady-token"}
    config.write_text(json.dumps({"auths": {server.address: entry}}))
    return config


@pytest.mark.faults
def test_a_ready_token_that_ended_is_no_obstacle_to_public_images(
    server: ScriptedServer, tmp_path: Path
) -> None:
    """Spec §3, bad credentials: on pull retry anonymously, warn; and do not repeat them."""
    guard(server, "anonymous")
    config = ready_token(tmp_path, server)
    with watched(home=tmp_path) as it:
        for repository in ("team/app", "team/app", "other"):
            it.client.manifest_get(name(server, repository))
        with pytest.raises(UnauthorizedError) as caught:
            it.client.manifest_put(name(server), INDEX, "x/y")
        (warning,) = it.of(Warned)
    sent = [seen.path for seen in server.journal if seen.authorization == "Bearer r3ady-token"]
    # It may be for one repository alone, so that another is tried with it.
    assert sent == ["/v2/team/app/manifests/1", "/v2/other/manifests/1"]
    assert f"does not accept the login from {config}; going on without one" in warning.message
    assert f"log in anew with pyjib login {server.address}" in (warning.hint or "")
    assert f"the login from {config} was not accepted: log in anew" in (caught.value.hint or "")
    assert "r3ady" not in f"{caught.value!r} {it.events}"


@pytest.mark.faults
def test_a_ready_token_that_ended_and_an_image_that_is_not_public(
    server: ScriptedServer, tmp_path: Path
) -> None:
    guard(server)
    config = ready_token(tmp_path, server)
    with watched(home=tmp_path) as it:
        for _ in range(2):
            with pytest.raises(UnauthorizedError) as caught:
                it.client.manifest_get(name(server))
            assert f"the login from {config} was not accepted" in (caught.value.hint or "")
    sent = [seen for seen in server.journal if seen.authorization == "Bearer r3ady-token"]
    assert len(sent) == 1


@pytest.mark.faults
def test_a_ready_token_that_ends_meanwhile(server: ScriptedServer, tmp_path: Path) -> None:
    accepted = ["r3ady-token"]
    challenge = {"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}
    server.rule("GET", "/token", Reply(200, {}, b'{"token":"anonymous"}'))
    server.rule(
        "*",
        "/v2/.+",
        lambda seen: (
            Reply(200, {}, INDEX)
            if (seen.authorization or "").removeprefix("Bearer ") in accepted
            else Reply(401, challenge)
        ),
    )
    ready_token(tmp_path, server)
    with watched(home=tmp_path) as it:
        it.client.manifest_get(name(server))
        accepted[:] = ["anonymous"]
        it.client.manifest_get(name(server))
    assert len(it.of(Warned)) == 1


@pytest.mark.parametrize("entry", [{"registrytoken": "r3ady"}, {"username": "me", "password": "x"}])
def test_what_is_denied_to_nobody_in_particular_is_not_denied_to_a_login(
    server: ScriptedServer, tmp_path: Path, entry: dict[str, str]
) -> None:
    """After a stale login the image is asked for without one: its rights are not what lacks."""
    challenge = {"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}
    anonymous = Reply(200, {}, b'{"token":"anonymous"}')
    server.rule("GET", "/token", lambda seen: Reply(401) if seen.authorization else anonymous)
    server.rule(
        "*",
        "/v2/.+",
        lambda seen: (
            Reply(403) if seen.authorization == "Bearer anonymous" else Reply(401, challenge)
        ),
    )
    config = ready_token(tmp_path, server)
    config.write_text(json.dumps({"auths": {server.address: entry}}))
    with watched(home=tmp_path) as it, pytest.raises(DeniedError) as caught:
        it.client.manifest_get(name(server))
    assert f"the login from {config}" in (caught.value.hint or "")
    assert "was not accepted: log in anew with pyjib login" in (caught.value.hint or "")
