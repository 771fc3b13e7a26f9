"""What clients send to the embedded registry: lines, headers, bodies, and whole requests."""

from __future__ import annotations

import contextlib
import io
import socket
from collections.abc import Iterator

import pytest
from hypothesis import example, given

from pyjib.oci.digest import Digest
from pyjib.serve import RegistryServer
from pyjib.serve.http1 import MessageBody, read_head
from pyjib.serve.message import BodyInterrupted, Refusal
from pyjib.serve.ranges import UnsatisfiableRange, asked_range, sent_range
from tests.support.fuzzing import count, damaged, fuzz, survives

MANIFEST = (
    b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
)
DIGEST = str(Digest.of(MANIFEST)).encode()
LENGTH = b"Content-Length: %d\r\n" % len(MANIFEST)
REQUESTS = (
    b"GET /v2/a/b/tags/list?n=5&last=x HTTP/1.1\r\nHost: r\r\nAuthorization: Basic dTpw\r\n\r\n",
    b"PUT /v2/a/b/manifests/1?tag=2 HTTP/1.1\r\nHost: r\r\nContent-Type: "
    b"application/vnd.oci.image.index.v1+json\r\n" + LENGTH + b"\r\n" + MANIFEST,
    b"POST /v2/a/b/blobs/uploads/?digest=" + DIGEST + b" HTTP/1.1\r\nHost: r\r\n" + LENGTH + b"\r\n"
    b"" + MANIFEST,
    b"POST /v2/a/b/blobs/uploads/?mount=" + DIGEST + b"&from=c HTTP/1.1\r\nHost: r\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
    b"GET /v2/a/b/blobs/" + DIGEST + b" HTTP/1.1\r\nHost: r\r\nRange: bytes=0-5\r\n\r\n",
    b"HEAD /v2/a/b/referrers/" + DIGEST + b"?artifactType=a HTTP/1.0\r\nHost: r\r\n\r\n",
    b"GET /v2/_catalog?n=1 HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\n\r\n",
)
PIECES = (
    *(b"\r\n", b"\r", b"\n", b"\0", b": ", b" ", b"%00", b"%ff", b"..", b"//", b"\xff", b"&" * 300),
    *(b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: gzip\r\n", b"Host: a\r\n"),
    *(
        b"HTTP/1.1",
        b"ffffffffffffffff\r\n",
        b"0\r\n\r\n",
        b"a: b\r\n" * 200,
        b"bytes=-",
        b"sha256:",
    ),
    *(b"n=-1", b"n=" + b"9" * 5000, b"last=%ED%A0%80", b"digest=sha512:", b"?", b"#"),
)
SIGNALS = (Refusal, BodyInterrupted)


@given(data=damaged(REQUESTS, PIECES))
@fuzz
def test_requests(data: bytes) -> None:
    survives(read_all, data, signals=SIGNALS)


def read_all(data: bytes) -> None:
    with io.BufferedReader(io.BytesIO(data)) as stream:  # type: ignore[arg-type]
        while (head := read_head(stream)) is not None:
            head.parameters()
            for _ in MessageBody(stream, head, lambda: None).chunks():
                pass


@given(data=damaged((b"bytes=0-5", b"0-1023", b"bytes=-7"), (b"9" * 5000, b"-", b"\xb2", b"=")))
@fuzz
def test_ranges(data: bytes) -> None:
    text = data.decode("latin-1")
    survives(asked_range, text, 10, signals=(UnsatisfiableRange,))
    survives(sent_range, text)


@pytest.fixture(scope="module")
def server() -> Iterator[RegistryServer]:
    with RegistryServer(users={"u": "p"}, auth="basic") as found:
        yield found


@given(data=damaged(REQUESTS, PIECES))
@example(data=REQUESTS[0].replace(b"n=5", b"n=" + b"9" * 5000))
@fuzz
def test_the_server_goes_on(data: bytes, server: RegistryServer) -> None:
    host, _, port = server.address.rpartition(":")
    count.readings += 1
    sent = data.replace(b"HTTP/1.", b"HTTP/1.1\r\nAuthorization: Basic dTpw\r\nX: ", 1)
    with (
        socket.create_connection((host, int(port)), timeout=120) as sock,
        contextlib.suppress(OSError),
    ):
        sock.sendall(sent)
        sock.shutdown(socket.SHUT_WR)
        while answer := sock.recv(1 << 16):
            assert b" 500 " not in answer.partition(b"\r\n")[0]
