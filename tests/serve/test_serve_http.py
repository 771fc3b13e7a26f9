"""The registry's HTTP: framing, limits, routes, paths that try to get out, and its life."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from pyjib.errors import ConfigurationError, DestinationError, TransportError
from pyjib.serve import (
    BodyInterrupted,
    Exchange,
    Limits,
    RegistryServer,
    Request,
    Response,
    Rules,
    listener,
)
from pyjib.serve.message import Slice
from tests.support.engine_certificates import write_certificates
from tests.support.wire import Wire, raw, read_all

EMPTY = f"sha256:{hashlib.sha256(b'').hexdigest()}"


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with RegistryServer() as started:
        yield started


@pytest.fixture
def wire(server: RegistryServer) -> Iterator[Wire]:
    with Wire(server.address) as connection:
        yield connection


def answers(server: RegistryServer, *parts: bytes) -> bytes:
    with raw(server.address) as sock:
        for part in parts:
            sock.sendall(part)
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


# Routes


@pytest.mark.parametrize("target", ["/v2/", "/v2"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ping(wire: Wire, target: str, method: str) -> None:
    reply = wire.send(method, target)
    assert (reply.status, reply["Docker-Distribution-Api-Version"]) == (200, "registry/2.0")
    assert reply.body == (b"{}" if method == "GET" else b"")


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        ("POST", "/v2/", "GET, HEAD"),
        ("PUT", f"/v2/app/blobs/{EMPTY}", "DELETE, GET, HEAD"),
        ("GET", "/v2/app/blobs/uploads/", "POST"),
        ("POST", "/v2/app/manifests/t", "DELETE, GET, HEAD, PUT"),
        ("DELETE", "/v2/app/tags/list", "GET"),
        ("BREW", "/v2/app/tags/list", "GET"),
    ],
)
def test_method_not_allowed(wire: Wire, method: str, target: str, allowed: str) -> None:
    reply = wire.send(method, target)
    assert (reply.status, reply.code, reply["Allow"]) == (405, "UNSUPPORTED", allowed)


@pytest.mark.parametrize(
    "target",
    ["/", "/v1/", "/v2/app", "/v2/app/blobs/", "/v2/manifests/t", "/token", "/v2x/a/tags/list"],
)
def test_nothing_here(wire: Wire, target: str) -> None:
    assert wire.send("GET", target).status == 404


@pytest.mark.parametrize("name", ["tags", "manifests/blobs-x", "uploads", "a/uploads/b", "v2"])
def test_names_that_look_like_endpoints(wire: Wire, name: str) -> None:
    reply = wire.send("POST", f"/v2/{name}/blobs/uploads/?digest={EMPTY}")
    assert reply["Location"] == f"/v2/{name}/blobs/{EMPTY}"
    assert wire.send("GET", f"/v2/{name}/tags/list").json == {"name": name, "tags": []}


TRICKS = [
    "..",
    "../..",
    "a/../b",
    "%2e%2e",
    "a/%2e%2e/b",
    "..%2fb",
    "a%2fb",
    "a%00b",
    "a%5cb",
    "a\\b",
    "A",
    "a//b",
    "/a",
    "a/",
    ".",
    "_uploads",
    "a/_uploads",
    "a/blobs",
    "blobs/sha256",
    "index.json",
    "a/oci-layout",
    "a%20b",
    "c:",
    "a" * 256,
]


@pytest.mark.parametrize("name", TRICKS)
def test_names_that_would_lead_elsewhere(tmp_path: Path, name: str) -> None:
    root = tmp_path / "inner" / "root"
    with RegistryServer(root) as server, Wire(server.address) as wire:
        for reply in (
            wire.send("POST", f"/v2/{name}/blobs/uploads/?digest={EMPTY}"),
            wire.send("POST", f"/v2/{name}/blobs/uploads/"),
            wire.send("GET", f"/v2/{name}/tags/list"),
            wire.send("GET", f"/v2/{name}/blobs/{EMPTY}"),
        ):
            assert reply.status in (400, 404)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    "reference", ["..", "sha256:..", "sha256:%2e%2e%2f%2e%2e", f"{EMPTY}%2f..", "sha256%3aabc", "%"]
)
def test_references_that_would_lead_elsewhere(tmp_path: Path, reference: str) -> None:
    with RegistryServer(tmp_path / "root") as server, Wire(server.address) as wire:
        assert wire.send("GET", f"/v2/app/blobs/{reference}").status in (400, 404)
        assert wire.send("GET", f"/v2/app/manifests/{reference}").status in (400, 404)
        assert wire.send("PUT", f"/v2/app/manifests/{reference}", b"{}").status in (400, 404)
        assert wire.send("DELETE", f"/v2/app/blobs/{reference}").status in (400, 404)
    assert list(tmp_path.rglob("*")) == []


def test_a_disk_that_is_full_is_told(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Response:
        raise OSError(errno.ENOSPC, "No space left on device", "/a/path/that/is/nobodys/business")

    monkeypatch.setattr("pyjib.serve.pull.ping", full)
    reply = wire.send("GET", "/v2/")
    assert reply.status == 500
    message = "the registry's storage failed: No space left on device"
    assert reply.json["errors"][0]["message"] == message


def test_encoded_digest_is_that_digest(wire: Wire) -> None:
    wire.send("POST", f"/v2/app/blobs/uploads/?digest={EMPTY.replace(':', '%3A')}")
    assert wire.send("HEAD", f"/v2/app/blobs/{EMPTY.replace(':', '%3A')}").status == 200


# Framing


def test_connection_is_kept(wire: Wire) -> None:
    wire.send("GET", "/v2/")
    first = wire.local
    wire.send("GET", "/v2/none/tags/list")
    wire.send("PUT", "/v2/none/manifests/-", b"a body that is refused without being read")
    wire.send("HEAD", f"/v2/none/blobs/{EMPTY}")
    assert wire.send("GET", "/v2/").status == 200
    assert wire.local == first


def test_requests_sent_at_once(server: RegistryServer) -> None:
    request = b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"
    assert statuses(answers(server, request * 3)) == [200, 200, 200]
    closing = b"GET /v2/ HTTP/1.1\r\nConnection: close\r\n\r\n"
    assert statuses(answers(server, closing + request)) == [200]
    assert statuses(answers(server, b"GET /v2/ HTTP/1.0\r\n\r\n" + request)) == [200]


def test_target_with_a_host(server: RegistryServer) -> None:
    assert statuses(answers(server, b"\r\nGET http://r.io/v2/ HTTP/1.1\r\n\r\n")) == [200]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /v2/\r\n\r\n", 400),
        (b"GET /v2/ HTTP/2.0\r\n\r\n", 400),
        (b"GET v2 HTTP/1.1\r\n\r\n", 400),
        (b"GET /v2/\xff HTTP/1.1\r\n\r\n", 400),
        (b"GET /v2/ HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET /v2/ HTTP/1.1\r\nName : value\r\n\r\n", 400),
        (b"GET /v2/ HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400),
        (b"GET /v2/ HTTP/1.1\r\nA: b\0c\r\n\r\n", 400),
        (b"GET /v2/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /v2/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET /v2/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET /v2/ HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET /v2/ HTTP/1.1\r\n" + b"A: b\r\n" * 150 + b"\r\n", 431),
        (b"GET /v2/?" + b"a=b&" * 500 + b" HTTP/1.1\r\n\r\n", 400),
    ],
)
def test_bad_head(server: RegistryServer, head: bytes, status: int) -> None:
    assert statuses(answers(server, head, b"GET /v2/ HTTP/1.1\r\n\r\n")) == [status]


@pytest.mark.parametrize(
    "body", [b"x\r\n", b"-1\r\n", b"5\r\nabcdefg\r\n0\r\n\r\n", b"1" * 20 + b"\r\n", b"5\r\nab"]
)
def test_bad_chunks_get_no_answer(server: RegistryServer, body: bytes) -> None:
    head = f"POST /v2/app/blobs/uploads/?digest={EMPTY} HTTP/1.1\r\nTransfer-Encoding: chunked"
    assert answers(server, f"{head}\r\n\r\n".encode(), body) == b""
    assert server.journal[-1].status == 0


def test_chunk_extensions_and_trailers(server: RegistryServer) -> None:
    digest = f"sha256:{hashlib.sha256(b'abcde').hexdigest()}"
    head = f"POST /v2/app/blobs/uploads/?digest={digest} HTTP/1.1\r\nTransfer-Encoding: chunked"
    body = b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
    again = b"GET /v2/ HTTP/1.1\r\n\r\n"
    assert statuses(answers(server, f"{head}\r\n\r\n".encode(), body, again)) == [201, 200]


def test_continue_is_said_only_if_the_body_is_wanted(server: RegistryServer) -> None:
    with raw(server.address) as sock:
        target = f"/v2/app/blobs/uploads/?digest={EMPTY.replace('e', 'f')}"
        sock.sendall(
            f"POST {target} HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n".encode()
        )
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"hi")
        assert sock.recv(2000).startswith(b"HTTP/1.1 400 ")
    with raw(server.address) as sock:
        head = b"PUT /v2/app/manifests/-x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2"
        sock.sendall(head + b"\r\n\r\n")
        answer = read_all(sock)
        assert statuses(answer) == [400]
        assert b"Connection: close" in answer


def test_refusal_reaches_who_is_still_sending(server: RegistryServer) -> None:
    body = b"x" * (4 << 20)
    with raw(server.address) as sock:
        head = f"PUT /v2/app/manifests/-x HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        assert statuses(read_all(sock)) == [400]


def test_client_that_says_nothing(tmp_path: Path) -> None:
    limits = Limits(head=0.05, body=0.05)
    with RegistryServer(tmp_path / "root", rules=Rules(limits=limits)) as server:
        with raw(server.address) as sock:
            assert read_all(sock) == b""
        with raw(server.address) as sock:
            sock.sendall(b"GET /v2/ HTT")
            assert read_all(sock) == b""
        with raw(server.address) as sock:
            head = f"POST /v2/app/blobs/uploads/?digest={EMPTY} HTTP/1.1\r\nContent-Length: 9\r\n"
            sock.sendall(head.encode() + b"\r\nabc")
            assert read_all(sock) == b""
        assert server.journal[-1].received == 3
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# What may be done here


@pytest.mark.parametrize(
    ("rules", "refused", "allowed"),
    [
        (Rules(read_only=True), ["POST", "PUT", "DELETE"], ["GET"]),
        (Rules(no_delete=True), ["DELETE"], ["GET", "POST"]),
    ],
    ids=["read-only", "no-delete"],
)
def test_rules(rules: Rules, refused: list[str], allowed: list[str]) -> None:
    targets = {
        "GET": "/v2/app/tags/list",
        "POST": "/v2/app/blobs/uploads/",
        "PUT": "/v2/app/manifests/t",
        "DELETE": "/v2/app/manifests/t",
    }
    with RegistryServer(rules=rules) as server, Wire(server.address) as wire:
        for method in refused:
            reply = wire.send(method, targets[method])
            assert (reply.status, reply.code) == (405, "UNSUPPORTED")
        for method in allowed:
            assert wire.send(method, targets[method]).status != 405


def test_uploads_can_be_cancelled_where_nothing_is_deleted() -> None:
    with RegistryServer(rules=Rules(no_delete=True)) as server, Wire(server.address) as wire:
        location = wire.send("POST", "/v2/app/blobs/uploads/")["Location"]
        assert wire.send("DELETE", location).status == 204


def test_read_only_root_is_not_touched(tmp_path: Path) -> None:
    closed = RegistryServer(tmp_path / "root", rules=Rules(read_only=True))
    with closed as server, Wire(server.address) as wire:
        assert wire.send("GET", "/v2/_catalog").json == {"repositories": []}
    assert not (tmp_path / "root").exists()


# Its life


def test_address(server: RegistryServer) -> None:
    host, _, port = server.address.partition(":")
    assert (host, int(port) > 0) == ("127.0.0.1", True)
    assert server.url == f"http://{server.address}"


def test_port_that_is_taken(server: RegistryServer) -> None:
    port = int(server.address.rpartition(":")[2])
    with pytest.raises(TransportError, match=f"cannot listen on 127.0.0.1 port {port}") as caught:
        RegistryServer(port=port).start()
    assert "--port" in str(caught.value.hint)


def test_root_that_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(ConfigurationError, match="not a directory"):
        RegistryServer(path)


def test_close_ends_idle_connections_and_can_be_repeated(server: RegistryServer) -> None:
    with raw(server.address) as idle, raw(server.address) as halfway:
        halfway.sendall(b"PUT /v2/app/manifests/t HTTP/1.1\r\nContent-Length: 5\r\n\r\n12")
        with Wire(server.address) as wire:
            wire.send("GET", "/v2/")
        assert not server.wait(0)
        server.close()
        assert read_all(idle) == b""
        assert read_all(halfway) == b""
    server.close()
    assert server.wait(0)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(server.address.rpartition(":")[2])), timeout=60)


def test_start_again_on_the_same_port(server: RegistryServer) -> None:
    address = server.address
    with Wire(address) as wire:
        wire.send("POST", f"/v2/app/blobs/uploads/?digest={EMPTY}")
    server.close()
    server.start()
    assert server.address == address
    with Wire(address) as wire:
        assert wire.send("HEAD", f"/v2/app/blobs/{EMPTY}").status == 200


def test_no_threads_stay() -> None:
    before = set(threading.enumerate())
    with RegistryServer() as server, Wire(server.address) as wire:
        wire.send("GET", "/v2/")
    assert set(threading.enumerate()) == before


# Watching and standing in


def test_journal_and_watcher() -> None:
    seen: list[Exchange] = []
    with RegistryServer(watcher=seen.append) as server, Wire(server.address) as wire:
        digest = f"sha256:{hashlib.sha256(b'abc').hexdigest()}"
        wire.send("POST", f"/v2/app/blobs/uploads/?digest={digest}", b"abc", Authorization="secret")
        wire.send("GET", f"/v2/app/blobs/{digest}")
        wire.send("HEAD", f"/v2/app/blobs/{digest}")
        journal = server.journal
        assert [
            (one.method, one.path, one.query, one.status, one.received, one.sent) for one in journal
        ] == [
            ("POST", "/v2/app/blobs/uploads/", f"digest={digest}", 201, 3, 0),
            ("GET", f"/v2/app/blobs/{digest}", "", 200, 0, 3),
            ("HEAD", f"/v2/app/blobs/{digest}", "", 200, 0, 0),
        ]
        assert journal[0].headers["authorization"] == "secret"
        assert "secret" not in repr(journal[0]) + str(journal[0])
        assert str(journal[1]).startswith(f"GET /v2/app/blobs/{digest} 200 (0 in, 3 out, ")
        server.clear_journal()
        assert server.journal == ()
    assert [one.status for one in seen] == [201, 200, 200]


def test_intercept(server: RegistryServer, wire: Wire) -> None:
    def refuse_twice() -> Callable[[Request], Response | None]:
        left = 2

        def intercept(request: Request) -> Response | None:
            nonlocal left
            if request.method == "POST" and left > 0:
                left -= 1
                return Response(status=503, headers=(("Retry-After", "1"),), body=b"busy")
            return None

        return intercept

    server.intercept = refuse_twice()
    replies = [wire.send("POST", "/v2/app/blobs/uploads/") for _ in range(3)]
    assert [reply.status for reply in replies] == [503, 503, 202]
    assert (replies[0]["Retry-After"], replies[0].body) == ("1", b"busy")


def test_intercept_with_a_status_of_nobodys_and_without_any(
    server: RegistryServer, wire: Wire
) -> None:
    server.intercept = lambda request: Response(status=522)
    assert wire.send("GET", "/v2/").status == 522

    def hang_up(request: Request) -> Response | None:
        raise BodyInterrupted

    server.intercept = hang_up
    assert answers(server, b"GET /v2/ HTTP/1.1\r\n\r\n") == b""
    assert server.journal[-1].status == 0


def test_broken_storage_is_an_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / "root"
    (root / "app").mkdir(parents=True)
    (root / "app" / "index.json").write_text("{")
    with RegistryServer(root) as server, Wire(server.address) as wire:
        reply = wire.send("GET", "/v2/app/tags/list")
        assert reply.status == 500
        assert "index.json is not valid JSON" in reply.body.decode()
        assert str(root) not in reply.body.decode()
        assert wire.send("GET", "/v2/").status == 200
    (told,) = caplog.records
    assert told.getMessage().startswith("GET /v2/app/tags/list failed: index.json")
    assert told.exc_info is None, "no traceback, unless it is asked for"


class Unreadable:
    """Content whose file cannot be opened."""

    size = 3

    def chunks(self, start: int, length: int) -> Iterator[bytes]:
        raise AssertionError

    def file(self) -> BinaryIO | None:
        raise PermissionError(errno.EACCES, "Permission denied", "/secret/place")


def test_a_file_that_cannot_be_opened_is_an_answer(server: RegistryServer, wire: Wire) -> None:
    body = Slice(content=Unreadable(), start=0, length=3)
    server.intercept = lambda request: Response(status=200, body=body)
    reply = wire.send("GET", "/v2/")
    assert (reply.status, b"Permission denied" in reply.body) == (500, True)
    assert b"secret" not in reply.body


def test_a_root_that_nothing_can_be_kept_in(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DestinationError, match="cannot keep repositories in") as caught:
        RegistryServer(tmp_path / "file" / "below").start()
    assert "--read-only" in (caught.value.hint or "")


def test_tls(tmp_path: Path) -> None:
    write_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server-cert.pem", tmp_path / "server-key.pem")
    with RegistryServer(tls=context) as server:
        assert server.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        with (
            raw(server.address) as sock,
            trusting.wrap_socket(sock, server_hostname="127.0.0.1") as secure,
        ):
            secure.sendall(b"GET /v2/ HTTP/1.1\r\n\r\n")
            assert secure.recv(100).startswith(b"HTTP/1.1 200 OK")
            with raw(server.address) as plain, contextlib.suppress(ConnectionResetError):
                plain.sendall(b"GET /v2/ HTTP/1.1\r\n\r\n")
                assert b"HTTP" not in read_all(plain)
            server.close()
            assert b"HTTP" not in read_all(secure)


def test_close_waits_for_no_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_FAREWELL", 600.0)
    with RegistryServer(tls=True) as server, raw(server.address) as silent:
        with socket.create_connection(silent.getpeername()) as other:
            other.sendall(b"\x16\x03\x01\x02\x00")
            deadline = time.monotonic() + 60
            while len(server._listener._connections) < 2:  # type: ignore[union-attr]
                assert time.monotonic() < deadline
                time.sleep(0.001)
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < 60, "it waits for a thread"


def test_error_bodies_have_the_form_of_the_specification(wire: Wire) -> None:
    reply = wire.send("GET", "/v2/app/manifests/none")
    assert reply["Content-Type"] == "application/json"
    (error,) = json.loads(reply.body)["errors"]
    assert set(error) == {"code", "message"}
