"""Whole answers of a registry, damaged as bytes on a real socket."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import PyjibError
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, Login, RegistryOptions
from pyjib.registry.client import RegistryClient
from tests.support.fuzzing import damaged, fuzz, survives
from tests.support.images import random_image

IMAGE = random_image(7, size=300)
LAYER = IMAGE.layers[0].descriptor
MANIFEST = IMAGE.manifest.data
DIGEST = str(IMAGE.manifest.descriptor.digest)
CONTENT = IMAGE.layers[0].read(1 << 20)
EMPTY_INDEX = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.index.v1+json",
    "manifests": [],
}


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


ROUTES = {
    "GET /v2/ ": answer(
        "401 Unauthorized", WWW_Authenticate='Bearer realm="/token",service="r",scope="a:b:pull"'
    ),
    "GET /token": answer("200 OK", b'{"token": "abc", "expires_in": 300}'),
    "HEAD /v2/a/b/manifests": answer("404 Not Found", Docker_Content_Digest=DIGEST),
    "GET /v2/a/b/manifests": answer(
        "200 OK",
        MANIFEST,
        Content_Type=IMAGE.manifest.media_type,
        Docker_Content_Digest=DIGEST,
        ETag='"1"',
    ),
    "GET /v2/a/b/blobs/uploads": answer("204 No Content", Range="0-100", Location="/v2/a/b/x?y=z"),
    "GET /v2/a/b/blobs": answer("200 OK", CONTENT, Accept_Ranges="bytes"),
    "HEAD /v2/a/b/blobs": answer("404 Not Found"),
    "POST /v2/a/b/blobs/uploads": answer(
        "202 Accepted", Location="/v2/a/b/blobs/uploads/1?_state=x%3D", Range="0-0"
    ),
    "PATCH /v2/a/b/blobs/uploads": answer(
        "202 Accepted", Location="/v2/a/b/blobs/uploads/2", Range=f"0-{LAYER.size - 1}"
    ),
    "PUT /v2/a/b/blobs/uploads": answer("201 Created", Docker_Content_Digest=str(LAYER.digest)),
    "PUT /v2/a/b/manifests": answer("201 Created", OCI_Subject=DIGEST, OCI_Tag="1, 2"),
    "GET /v2/a/b/tags/list": answer(
        "200 OK",
        b'{"name": "a/b", "tags": ["1", "latest"]}',
        Link='</v2/a/b/tags/list?last=latest>; rel="next"',
    ),
    "GET /v2/a/b/referrers": answer("200 OK", json.dumps(EMPTY_INDEX).encode()),
}
REFUSALS = (
    answer("429 Too Many Requests", b'{"errors":[{"code":"X"}]}', Retry_After="3"),
    answer("307 Temporary Redirect", Location="/v2/elsewhere?a=b"),
    answer("206 Partial Content", CONTENT[5:], Content_Range=f"bytes 5-9/{LAYER.size}"),
    answer("200 OK", bytes.fromhex("1f8b0800000000000003cb48cdc9c90700"), Content_Encoding="gzip"),
    answer("200 OK", b"5\r\nhello\r\n0\r\n\r\n", Transfer_Encoding="chunked"),
)
LINES = (
    *(b"\r\n\r\n", b"\r\n ", b"\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/0.9", b" 999 ", b" 401 "),
    *(b"Location: //\r\n", b"Location: ?\r\n", b"ffffffffffffffff\r\n", b"a: b\r\n" * 3000),
    *(b"Content-Encoding: gzip\r\n", b"Docker-Content-Digest: sha512:0\r\n", b"Range: 0-\r\n"),
    *(b"Retry-After: Wed, 21 Oct 2015 07:28:00 +99999999999999\r\n", b"\xe9", b"<", b">"),
)


class Server:
    """Answers each request by ``answers``, whatever bytes those are, and ends the connection."""

    def __init__(self, listening: socket.socket) -> None:
        self.answers = dict(ROUTES)
        self._listening = listening
        self.address = "{}:{}".format(*listening.getsockname()[:2])

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = self._listening.accept()
                with taken, contextlib.suppress(OSError):
                    taken.settimeout(1)
                    taken.sendall(self._answer(_read_request(taken)))

    def _answer(self, request: bytes) -> bytes:
        line = request.partition(b"\r\n")[0].decode("latin-1")
        found = max(
            (route for route in self.answers if line.startswith(route)), key=len, default=""
        )
        return self.answers[found] if found else answer("404 Not Found")


def _read_request(taken: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data and not data.startswith(b"\x16"):  # where TLS is tried
        more = taken.recv(65536)
        if not more:
            return b""
        data += more
    length = re.search(rb"content-length: *(\d+)", data, re.IGNORECASE)
    left = int(length[1]) - len(data.partition(b"\r\n\r\n")[2]) if length else 0
    while left > 0:
        more = taken.recv(65536)
        if not more:
            break
        left -= len(more)
    return data


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        found = Server(listening)
        thread = threading.Thread(target=found.serve, daemon=True)
        thread.start()
        yield found
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
    thread.join(120)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module", autouse=True)
def nowhere_else() -> Iterator[None]:
    """A damaged address may be anybody's: nothing is looked up, and nobody else connected to."""
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def found(host: object, *rest: object, **named: object) -> object:
        if host in (b"127.0.0.1", b"localhost", "127.0.0.1"):
            return look_up(host, *rest, **named)  # type: ignore[arg-type]
        if isinstance(host, str):
            host.encode("idna")  # as the system's own does, which raises for what is no name
        raise socket.gaierror(socket.EAI_NONAME, "not here")

    def connected(sock: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] != "127.0.0.1":
            raise ConnectionRefusedError("not here")
        connect(sock, address)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", found)
        patch.setattr(socket.socket, "connect", connected)
        yield


def options(server: Server) -> RegistryOptions:
    login = Login(registry=server.address, username="u", password="s3cr3t")
    return RegistryOptions(logins=(login,), attempts=2)


def use_all(server: Server, home: Path, route: str) -> None:
    """Ask for everything that a route may have a part in; each may be refused."""
    name = Reference.parse(f"{server.address}/a/b:1")
    host = HostEnvironment(home=home)
    with RegistryClient(options(server), host, wait=lambda _: None) as client:
        for call in calls(client, name, route):
            with contextlib.suppress(PyjibError):
                call()


def calls(client: RegistryClient, name: Reference, route: str) -> Iterator[Callable[[], object]]:
    pinned = name.with_digest(IMAGE.manifest.descriptor.digest)
    blob = Blob.of_bytes(CONTENT, LAYER.media_type)
    part = Descriptor.of(CONTENT, LAYER.media_type)
    if "manifests" in route or "/v2/ " in route or "token" in route:
        yield lambda: client.manifest_head(name)
        yield lambda: client.manifest_get(name)
        yield lambda: client.manifest_get(pinned)
        yield lambda: client.manifest_put(name, MANIFEST, IMAGE.manifest.media_type)
    if "blobs" in route:
        yield lambda: client.blob_head(name, LAYER.digest)
        yield lambda: b"".join(client.blob_chunks(name, part))
        yield lambda: client.blob_part(name, part, 0, 10)
        yield lambda: client.blob_push(name, blob)
    if "tags" in route:
        yield lambda: client.tag_list(name)
    if "referrers" in route:
        yield lambda: client.referrers(name, pinned.digest or part.digest)


ANSWERS = st.sampled_from(sorted(ROUTES)).flatmap(
    lambda route: st.tuples(st.just(route), damaged((ROUTES[route], *REFUSALS), LINES))
)


@given(chosen=ANSWERS)
@fuzz
def test_answers_of_registries(chosen: tuple[str, bytes], server: Server, home: Path) -> None:
    route, data = chosen
    server.answers = {**ROUTES, route: data}
    survives(use_all, server, home, route)


def test_answers_that_are_sound_are_taken(server: Server, home: Path) -> None:
    server.answers = ROUTES
    name = Reference.parse(f"{server.address}/a/b:1")
    with RegistryClient(options(server), HostEnvironment(home=home)) as client:
        for route in ROUTES:
            for call in calls(client, name, route):
                call()


@pytest.mark.parametrize("tag", [r"\ud800", r"a\u001b[31m"])
def test_tags_that_are_no_text(tag: str, server: Server, home: Path) -> None:
    tags = ", ".join([f'"{tag}"'] * 1000)
    listed = answer("200 OK", f'{{"tags": [{tags}]}}'.encode())
    server.answers = {**ROUTES, "GET /v2/a/b/tags/list": listed}
    name = Reference.parse(f"{server.address}/a/b:1")
    with (
        RegistryClient(options(server), HostEnvironment(home=home)) as client,
        pytest.raises(PyjibError),
    ):
        client.tag_list(name)
