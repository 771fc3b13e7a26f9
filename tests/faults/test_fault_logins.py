"""Faults 21 to 29: tokens that are refused, end, or come from the wrong place."""

from __future__ import annotations

import threading
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from pyjib.errors import PyjibError, UnauthorizedError
from pyjib.events import Warned
from pyjib.oci.reference import Reference
from pyjib.registry.calls.uploads import Outcome
from pyjib.registry.login import tokens
from pyjib.serve import Fault, Moment, RegistryServer
from tests.support.registry import blob_in, put_blob
from tests.support.trouble import MIB, SESSION, Client, Stage, at, blob_of, name, seen

pytestmark = pytest.mark.faults
BLOB = blob_of(3 * MIB)
CHALLENGE = 'Bearer realm="{url}/token",service="pyjib-registry"'
REFUSED = (("WWW-Authenticate", f'{CHALLENGE},error="invalid_token"'),)

ONCE: dict[str, Any] = {"status": 401, "headers": REFUSED, "calls": (1, 1)}


def guarded(stage: Stage, *faults: Fault, **options: Any) -> tuple[RegistryServer, Client]:
    """Open a registry with tokens, and a client that may log in there."""
    server = stage.registry(*faults, users={"me": "pw"}, auth="token", **options)
    return server, stage.client(login=(server.address, "me", "pw"))


def granted(server: RegistryServer) -> int:
    return len(seen(server, "GET", "/token"))


@pytest.mark.parametrize("is_announced", [True, False])
def test_fault_21_token_for_two_scopes_refused(stage: Stage, is_announced: bool) -> None:
    two = at(Moment.BEFORE, "GET", "/token", query="scope=.*&scope=", status=400)
    server, it = guarded(stage, two)
    if is_announced:
        it.client.expect_push(name(server), [name(server, "base/jre")])
    blob = replace(BLOB, origin=name(server, "base/jre"))
    assert it.client.blob_push(name(server), blob) is Outcome.UPLOADED
    calls = seen(server, "GET", "/token")
    assert [exchange.query.count("scope=") for exchange in calls] == [2, 1]


@pytest.mark.parametrize(
    "refusal",
    [
        at(Moment.BEFORE, "PUT", SESSION, **ONCE),
        at(Moment.DURING, "PUT", SESSION, received=MIB, **ONCE),
        at(Moment.DURING, "PUT", SESSION, received=3 * MIB, **ONCE),
    ],
    ids=["before", "within", "after"],
)
def test_fault_22_401_around_the_body(stage: Stage, refusal: Fault) -> None:
    server, it = guarded(stage, refusal)
    assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    assert granted(server) == 2
    assert len(seen(server, "PUT")) == 2
    complete = refusal.received == 3 * MIB
    assert len(seen(server, "POST")) == (1 if complete else 2)
    assert (seen(server, "PUT")[-1].received == 0) is complete
    assert blob_in(server, "team/app", BLOB.descriptor.digest)


def test_fault_23_token_ends_between_layers(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of five minutes is renewed when less than one is left, and no request fails."""
    server, it = guarded(stage, token_lifetime=300)
    it.client.expect_push(name(server))
    it.client.blob_push(name(server), blob_of(1000))
    server.clear_journal()
    now = tokens.time.monotonic()
    monkeypatch.setattr(tokens.time, "monotonic", lambda: now + 250)
    it.client.blob_push(name(server), blob_of(1000, seed=8))
    monkeypatch.undo()
    assert granted(server) == 1
    assert 401 not in {exchange.status for exchange in server.journal}


@pytest.mark.parametrize("method", ["HEAD", "PUT"])
def test_fault_24_401_for_ever(stage: Stage, method: str) -> None:
    path = SESSION if method == "PUT" else "**/blobs/sha256:*"
    server, it = guarded(stage, at(Moment.BEFORE, method, path, status=401, headers=REFUSED))
    with pytest.raises(UnauthorizedError):
        it.client.blob_push(name(server), BLOB)
    assert len(seen(server, method)) == 2
    assert granted(server) == (1 if method == "HEAD" else 3)


def test_fault_25_401_without_challenge(stage: Stage) -> None:
    silent = Fault(
        at=Moment.AFTER,
        regex="/v2/.+",
        answered=401,
        remove=frozenset({"www-authenticate"}),
    )
    server, it = guarded(stage, silent)
    probes = len(seen(server, "GET", "/v2/"))
    assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    pings = [one for one in server.journal if one.path == "/v2/"]
    assert len(pings) - probes == 2  # the probe for the scheme, and the question
    assert granted(server) == 1


@pytest.mark.parametrize("lines", ["one", "many"])
def test_fault_26_several_challenges(stage: Stage, lines: str) -> None:
    parts = ["Negotiate", 'Basic realm="a, b"', CHALLENGE]
    headers = tuple(("WWW-Authenticate", part) for part in parts)
    if lines == "one":
        headers = (("WWW-Authenticate", ", ".join(parts)),)
    server, it = guarded(stage, at(Moment.AFTER, "*", "/v2/**", answered=401, headers=headers))
    it.client.expect_push(name(server))
    it.client.blob_head(name(server), BLOB.descriptor.digest)
    asked = [exchange.path for exchange in server.journal]
    assert asked == ["/v2/", asked[1], "/token", asked[1]]  # the probe for the scheme, and no ping
    assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    assert granted(server) == 1
    used = {one.headers.get("authorization", "").partition(" ")[0] for one in seen(server, "POST")}
    assert used == {"Bearer"}


def test_fault_27_realm_of_another_site(stage: Stage) -> None:
    spy = stage.registry(at(Moment.BEFORE, "GET", "/token", status=200, body=b'{"token":"t"}'))
    scheme = "https" if stage.tls else "http"
    challenge = (("WWW-Authenticate", f'Bearer realm="{scheme}://9.9.9.9:5000/token"'),)
    server = stage.registry(Fault(method="HEAD", status=401, headers=challenge))
    relay = stage.relay(_8_8_8_8=server, _9_9_9_9=spy)
    it = stage.client(
        login=("8.8.8.8:5000", "me", "pw"),
        variables={"all_proxy": relay.url},
        insecure=frozenset({"8.8.8.8:5000", "9.9.9.9:5000"}),
    )
    with pytest.raises(PyjibError):
        it.client.blob_push(Reference.parse("8.8.8.8:5000/team/app:1"), BLOB)
    assert all("authorization" not in exchange.headers for exchange in spy.journal)
    assert [event for event in it.of(Warned) if "not sent" in event.message]


@pytest.mark.parametrize("realm", ["http://169.254.169.254/token", "http://localhost.evil.io/x"])
def test_fault_27_realm_that_is_never_asked(stage: Stage, realm: str) -> None:
    spy = stage.plain()
    challenge = (("WWW-Authenticate", f'Bearer realm="{realm}"'),)
    server = stage.registry(Fault(method="HEAD", status=401, headers=challenge))
    relay = stage.relay(_169_254_169_254=spy, localhost_evil_io=spy)
    it = stage.client(
        login=(server.address, "me", "pw"),
        variables={"http_proxy": relay.url, "no_proxy": "127.0.0.1"},
    )
    why = "plain http" if stage.tls else "private network" if "169" in realm else "404"
    with pytest.raises(PyjibError, match=why):
        it.client.blob_push(name(server), BLOB)
    assert all("authorization" not in exchange.headers for exchange in spy.journal)
    if "169" in realm or stage.tls:
        assert spy.journal == ()


def test_fault_27_realm_of_its_own_in_plain_text(stage: Stage) -> None:
    """A registry behind a proxy for TLS knows no better: it is asked over TLS, its login too."""
    server = stage.registry(users={"me": "pw"}, auth="token")
    said = (("WWW-Authenticate", CHALLENGE.replace("{url}", f"http://{server.address}")),)
    server.faults.add(at(Moment.AFTER, "*", "/v2/**", answered=401, headers=said))
    it = stage.client(login=(server.address, "me", "pw"))
    assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    assert granted(server) == 1
    warnings = [event.message for event in it.of(Warned)]
    upgraded = f"{server.address} names a token realm with http: asked over https"
    assert warnings == ([upgraded] if stage.tls else [])


def test_fault_27_realm_behind_a_proxy(stage: Stage) -> None:
    """A proxy would connect to any address: what is within its network is not asked for."""
    spy = stage.registry()
    scheme = "https" if stage.tls else "http"
    challenge = (("WWW-Authenticate", f'Bearer realm="{scheme}://10.1.2.3:5000/token"'),)
    server = stage.registry(Fault(method="HEAD", status=401, headers=challenge))
    relay = stage.relay(_8_8_8_8=server, _10_1_2_3=spy)
    it = stage.client(
        login=("8.8.8.8:5000", "me", "pw"),
        variables={"all_proxy": relay.url},
        insecure=frozenset({"8.8.8.8:5000", "10.1.2.3:5000"}),
    )
    with pytest.raises(PyjibError, match="private network"):
        it.client.blob_push(Reference.parse("8.8.8.8:5000/team/app:1"), BLOB)
    assert {host.partition(":")[0] for host in relay.asked} == {"8.8.8.8"}
    assert spy.journal == ()


@pytest.mark.parametrize(
    "reply",
    [
        {"endless": True, "body": b"{"},
        {"body": b" " * (10 * MIB), "truncate": 10 * MIB},
        {"body": b"<html>hello</html>"},
        {"body": b""},
    ],
    ids=["endless", "10 MiB", "HTML", "empty"],
)
def test_fault_28_what_is_no_token(stage: Stage, reply: dict[str, Any]) -> None:
    server, it = guarded(stage, at(Moment.BEFORE, "GET", "/token", status=200, **reply))
    tracemalloc.start()
    try:
        with pytest.raises(PyjibError):
            it.client.blob_push(name(server), BLOB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * MIB
    assert seen(server, "POST") == []


def test_fault_29_one_token_for_eight(stage: Stage) -> None:
    server, it = guarded(stage, at(Moment.BEFORE, "GET", "/token", delay=0.05))
    put_blob(server, "team/app", BLOB)
    found: list[int | None] = []
    start = threading.Barrier(8)

    def look() -> None:
        start.wait(60)
        found.append(it.client.blob_head(name(server), BLOB.descriptor.digest))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [3 * MIB] * 8
    assert granted(server) == 1
