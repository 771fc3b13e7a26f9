"""What lies between a call and the wire: guards, cancellation, last words, content encodings."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyjib.cancellation import Cancellation
from pyjib.errors import ContentError, RegistryError, TransportError, UnauthorizedError
from pyjib.events import RetryScheduled, Warned
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, Login, RegistryOptions
from pyjib.registry.client import RegistryClient
from pyjib.registry.net import wire
from pyjib.registry.net.message import Call, Headers
from pyjib.registry.net.reach import Reach
from pyjib.registry.net.urls import Url
from pyjib.registry.refusal import MAX_ERROR
from pyjib.registry.session import Session
from tests.support.clients import watched
from tests.support.scripted import Reply, ScriptedServer, Seen, listening_nowhere
from tests.support.silence import ends_when_cancelled, silent_server

DATA = bytes(range(256)) * 100
LOOK_UP = socket.getaddrinfo
LAYER = Descriptor.of(DATA, "application/vnd.oci.image.layer.v1.tar")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


def name(server: ScriptedServer) -> Reference:
    return Reference.parse(f"{server.address}/team/app:1")


def all_here(host: str, *rest: Any, **more: Any) -> Any:
    """Resolve every name to this machine."""
    return LOOK_UP("127.0.0.1", *rest, **more)


def open_session(cancellation: Cancellation | None = None, **options: Any) -> Session:
    return Session(
        RegistryOptions(**options),
        HostEnvironment(),
        listener=lambda _: None,
        cancellation=cancellation or Cancellation(),
    )


@pytest.mark.advisories
def test_a_name_that_leads_inside_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test 17 of the table by a name: the proxy plays the public registry."""
    real = socket.getaddrinfo

    def look_up(host: bytes, *rest: Any, **more: Any) -> Any:
        return real("127.0.0.1" if host == b"cdn.example" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with ScriptedServer() as proxy, ScriptedServer() as spy:
        there = Url.parse(f"http://cdn.example:{spy.address.rpartition(':')[2]}/x")
        spy.rule("GET", "/x", Reply(200, {}, DATA))
        proxy.rule("GET", "http://8.8.8.8:5000/v2/", Reply())
        proxy.rule("GET", ".*", Reply(307, {"Location": there.full}))
        variables = {"all_proxy": proxy.url, "no_proxy": "cdn.example"}
        reference = Reference.parse("8.8.8.8:5000/a:1")
        with watched(variables=variables, insecure=frozenset({"8.8.8.8:5000"})) as it:
            with pytest.raises(TransportError, match="inside a private network"):
                list(it.client.blob_chunks(reference, LAYER))
            assert spy.journal == []
            # What the user set up may be inside, and its connection is no way for the registry.
            call = Call(action="x", registry=reference.registry, url=there, bare=True, chosen=True)
            assert it.client._session.ask(call, 1 << 20).data == DATA
            with pytest.raises(TransportError, match="inside a private network"):
                list(it.client.blob_chunks(reference, LAYER))
            assert len(spy.journal) == 1


@pytest.mark.advisories
@pytest.mark.parametrize("is_public", [False, True])
def test_how_far_inside_a_registry_is_tells_its_connection(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, is_public: bool
) -> None:
    """A name that leads inside when it is asked for again opens nothing to who is outside."""
    monkeypatch.setattr(socket, "getaddrinfo", all_here)
    if is_public:  # what is connected to, and not what the name leads to by now
        monkeypatch.setattr(wire, "reach_of", lambda address: Reach.PUBLIC)
    port = server.address.rpartition(":")[2]
    reference = Reference.parse(f"r.example:{port}/team/app:1")
    with ScriptedServer() as spy:
        spy.rule("GET", "/x", Reply(200, {}, DATA))
        there = f"http://cdn.example:{spy.address.rpartition(':')[2]}/x"
        server.rule("GET", ".*/blobs/.*", Reply(307, {"Location": there}))
        with watched(insecure=frozenset({f"r.example:{port}", "cdn.example"})) as it:
            if is_public:
                with pytest.raises(TransportError, match="inside a private network"):
                    list(it.client.blob_chunks(reference, LAYER))
            else:
                assert b"".join(it.client.blob_chunks(reference, LAYER)) == DATA
        assert bool(spy.journal) is not is_public


@pytest.mark.faults
def test_a_host_that_never_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be starting, or its name or port be wrong: ten seconds are enough to find out."""
    monkeypatch.setattr(socket, "getaddrinfo", all_here)
    with listening_nowhere() as address, watched() as it:
        reference = Reference.parse(f"r.example:{address.rpartition(':')[2]}/team/app:1")
        with pytest.raises(TransportError, match="refused; given up after 4 attempts in 1 second"):
            it.client.manifest_head(reference)
        delays = [event.delay for event in it.of(RetryScheduled)]
    assert len(delays) == 3
    assert 7 <= sum(delays) <= 10.5


@pytest.mark.parametrize("status", [307, 401])
def test_who_is_sent_on_keeps_the_connection(server: ScriptedServer, status: int) -> None:
    """Registries answer so to each blob, and TLS costs more than the few bytes of the body."""
    headers = {"Location": "/there", "WWW-Authenticate": "Basic"}
    first = Reply(status, headers, b"<a href=/there>Moved</a>")
    server.rule("GET", ".*/blobs/.*", first, times=1)
    server.rule("GET", ".*", Reply(200, {}, DATA))
    with watched(login=(server.address, "me", "pw")) as it:
        assert b"".join(it.client.blob_chunks(name(server), LAYER)) == DATA
    assert len(server.requests) == 2
    assert server.connections == 1


@pytest.mark.parametrize("status", [307, 401])
@pytest.mark.parametrize("stated", [True, False])
def test_who_is_sent_on_reads_no_long_body(
    server: ScriptedServer, status: int, stated: bool
) -> None:
    """A page of a proxy may be long; that it cannot be kept says nothing of what comes next."""
    headers = {"Location": "/there", "WWW-Authenticate": "Basic"}
    if not stated:
        headers |= {"Content-Encoding": "gzip"}
    first = Reply(status, headers, gzip.compress(bytes(200_000)) if not stated else bytes(200_000))
    server.rule("GET", ".*/blobs/.*", first, times=1)
    server.rule("GET", ".*", Reply(200, {}, DATA))
    with watched(login=(server.address, "me", "pw")) as it:
        assert b"".join(it.client.blob_chunks(name(server), LAYER)) == DATA
        assert it.waits == []
    assert len(server.requests) == 2


@pytest.mark.faults
@pytest.mark.parametrize("wanted", ["headers", "body", "login"])
def test_a_callers_thread_ends_when_it_is_cancelled(wanted: str) -> None:
    """Case 48, for whoever uses the library: the server keeps silent, the thread does not stay."""
    cancellation = Cancellation()
    with silent_server() as server:
        host, options = HostEnvironment(), RegistryOptions()
        with RegistryClient(options, host, cancellation=cancellation) as client:
            reference = Reference.parse(f"{server.address}/app:1")
            work = {
                "headers": lambda: client.manifest_head(reference),
                "body": lambda: list(client.blob_chunks(reference, LAYER)),
                "login": lambda: client.ping(server.address),
            }[wanted]
            assert ends_when_cancelled(cancellation, work, server.heard)


@pytest.mark.faults
def test_a_body_that_stops_midway_does_not_hold_a_cancelled_build(server: ScriptedServer) -> None:
    cancellation, begun, go = Cancellation(), threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(2):
                taken, _ = listening.accept()
                with taken:
                    if b" /v2/ " in taken.recv(65536):
                        taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                        taken.recv(65536)
                    taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nhalf")
                    begun.set()
                    go.wait(600)
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        reference = Reference.parse(f"127.0.0.1:{listening.getsockname()[1]}/app:1")
        with RegistryClient(
            RegistryOptions(), HostEnvironment(), cancellation=cancellation
        ) as client:
            huge = Descriptor(media_type="x/y", digest=LAYER.digest, size=9999)
            ended = ends_when_cancelled(
                cancellation, lambda: list(client.blob_chunks(reference, huge)), begun
            )
        go.set()
        thread.join()
    assert ended


def test_a_last_word_is_heard_after_the_end(server: ScriptedServer) -> None:
    server.rule("DELETE", "/upload/1", Reply(204))
    cancellation = Cancellation()
    session = open_session(cancellation)
    url = session.root(server.address).at("/upload/1")
    cancellation.cancel()
    session.last_word(
        Call(action="end it", registry=server.address, method="DELETE", url=url, patience=5)
    )
    session.close()
    assert len(server.seen("DELETE")) == 1


@pytest.mark.faults
def test_a_last_word_takes_no_time() -> None:
    """Test 48: who does not listen is not waited for."""
    with silent_server() as silent:
        session = open_session(insecure=frozenset())
        session._endpoints._known[silent.address] = _plain(silent.address)
        call = Call(action="x", registry=silent.address, method="DELETE", patience=0.05)
        began = time.monotonic()
        with pytest.raises(Exception, match="stopped answering"):
            session.last_word(call)
        session.close()
    assert time.monotonic() - began < 30


def _plain(address: str) -> Any:
    from pyjib.registry.endpoints import Endpoint  # noqa: PLC0415

    return Endpoint(url=Url.of_host("http", address))


def test_small_answers_may_be_encoded(server: ScriptedServer) -> None:
    body = b"x" * 1000
    for coding, data in (
        ("gzip", gzip.compress(body)),
        ("deflate", zlib.compress(body)),
        ("identity", body),
    ):
        server.rule("GET", f"/{coding}", Reply(200, {"Content-Encoding": coding}, data))
    session = open_session()
    for coding in ("gzip", "deflate", "identity"):
        call = Call(action="x", registry=server.address, target=f"/{coding}")
        assert session.ask(call).data == body
    session.close()


@pytest.mark.parametrize(
    ("coding", "data"),
    [("gzip", b"no gzip"), ("gzip", gzip.compress(DATA)[:-9]), ("br", b"x"), ("gzip, br", b"x")],
)
def test_an_encoding_that_is_damaged_or_unknown(
    server: ScriptedServer, coding: str, data: bytes
) -> None:
    server.rule("GET", "/x", Reply(200, {"Content-Encoding": coding}, data))
    session = open_session()
    with pytest.raises(ContentError, match="damaged content encoding"):
        session.ask(Call(action="x", registry=server.address, target="/x"))
    session.close()


@pytest.mark.advisories
def test_an_encoding_that_swells_is_bounded(server: ScriptedServer) -> None:
    """CVE-2020-1702: 64 MiB in 64 KiB are not unpacked to see that they are too many."""
    bomb = gzip.compress(bytes(64 << 20))
    server.rule("GET", "/x", Reply(200, {"Content-Encoding": "gzip"}, bomb))
    session = open_session()
    call = Call(action="x", registry=server.address, target="/x")
    tracemalloc.start()
    try:
        with pytest.raises(ContentError, match=f"more than {MAX_ERROR} bytes"):
            session.ask(call)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
        session.close()


@pytest.mark.advisories
def test_no_secret_in_any_log(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    """httpcore would log an upload's signed Location, and cookies."""
    caplog.set_level(logging.DEBUG)
    server.rule("HEAD", ".*", Reply(404))
    answer = Reply(202, {"Location": "/up?_state=s3cret", "Set-Cookie": "s3cret"})
    server.rule("POST", ".*", answer)
    server.rule("PUT", "/up", Reply(201))
    with watched(login=(server.address, "me", "s3cret")) as it:
        it.client.blob_push(name(server), Blob.of_bytes(DATA, "x/y"))
    assert "/up?_state=***" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.advisories
def test_no_secret_in_what_is_said_of_a_header_that_cannot_be_sent(server: ScriptedServer) -> None:
    """A token with a line's end in it; h11 repeats the whole header."""
    session = open_session()
    call = Call(
        action="ask",
        registry=server.address,
        url=Url.of_host("http", server.address),
        bare=True,
        authorization="Bearer s3cret\n",
    )
    try:
        with pytest.raises(TransportError, match="no header may have") as caught:
            session.ask(call)
    finally:
        session.close()
    assert "s3cret" not in str(caught.value)


@pytest.mark.faults
def test_warnings_are_shown_once_and_not_for_ever(server: ScriptedServer) -> None:
    """Case 50."""
    count = iter(range(10_000))

    def shout(_: Seen) -> Reply:
        lines = [f'299 - "warning \x1b[31m{next(count)}"' for _ in range(20)]
        return Reply(404, {"Warning": [*lines, *lines]})

    server.rule("HEAD", ".*", shout)
    with watched() as it:
        for _ in range(5):
            it.client.blob_head(name(server), LAYER.digest)
        messages = [event.message for event in it.of(Warned)]
    assert len(messages) == len(set(messages)) == 20
    assert all("\x1b" not in message for message in messages)


def test_no_login_over_plain_http_without_the_second_flag() -> None:
    with ScriptedServer() as proxy:
        proxy.rule("GET", "http://r.example:5000/v2/", Reply())
        ask_login = Reply(401, {"WWW-Authenticate": "Basic"})
        proxy.rule("GET", ".*", lambda seen: Reply(404) if seen.authorization else ask_login)
        host = HostEnvironment(variables={"all_proxy": proxy.url})
        for flag in (False, True):
            options = RegistryOptions(
                logins=(Login(registry="r.example:5000", username="me", password="pw"),),
                insecure=frozenset({"r.example:5000"}),
                credentials_over_http=flag,
            )
            with RegistryClient(options, host) as client:
                kind: type[RegistryError] = RegistryError if flag else UnauthorizedError
                with pytest.raises(kind):
                    client.manifest_get(Reference.parse("r.example:5000/app:1"))
            shown = [seen for seen in proxy.journal if seen.authorization]
            assert bool(shown) is flag


def test_what_docker_calls_insecure_is_told(tmp_path: Path) -> None:
    file = tmp_path / "etc" / "docker" / "daemon.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"insecure-registries": ["r.example:5000"]}')
    with ScriptedServer() as proxy:
        proxy.rule("GET", "http://r.example:5000/v2/", Reply())
        host = HostEnvironment.of({"all_proxy": proxy.url}, tmp_path, tmp_path / "etc")
        reference = Reference.parse("r.example:5000/app:1")
        events: list[Any] = []
        with RegistryClient(RegistryOptions(), host, listener=events.append) as client:
            assert client.blob_head(reference, LAYER.digest) is None
        assert [event.message for event in events] == [
            f"talking to r.example:5000 over plain http, as {file} has it"
        ]
        deaf = RegistryOptions(use_mirrors=False, attempts=1)
        with RegistryClient(deaf, host) as client, pytest.raises(TransportError):
            client.blob_head(reference, LAYER.digest)
    assert [seen.target for seen in proxy.journal if seen.method == "CONNECT"] == [
        "r.example:5000",
        "r.example:5000",
    ]


def test_headers_by_names_in_any_case() -> None:
    headers = Headers.of([(b"Link", b"a"), (b"LINK", b"b"), (b"X-Odd", b"\xe4")])
    assert dict(headers) == {"link": "a, b", "x-odd": "ä"}
    assert headers["lInK"] == "a, b"
    assert headers.get("none") is None
    assert len(headers) == 2
