"""An engine that answers from a script, over a real Unix or TCP socket."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PING = {"Api-Version": "1.43", "Ostype": "linux"}
PODMAN_PING = {**PING, "Libpod-Api-Version": "4.3.1"}


@dataclass(slots=True, kw_only=True)
class Answer:
    """What is answered: ``wait``, if set, holds the answer back until the test lets it go."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    wait: threading.Event | None = None
    cut: bool = False

    @classmethod
    def json(cls, value: Any, status: int = 200) -> Answer:
        return cls(status=status, body=json.dumps(value).encode())


@dataclass(slots=True, kw_only=True)
class FakeEngine:
    """``answers`` by ``METHOD /path`` without version and query; ``requests`` as they came.

    ``bodies`` has what was sent with each request that had a body.
    """

    address: str = ""
    answers: dict[str, Answer | Callable[[str], Answer]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)

    def answer(self, method: str, target: str) -> Answer:
        path = urlsplit(target).path
        bare = path if path == "/_ping" else "/" + path.split("/", 2)[2]
        found = self.answers.get(f"{method} {bare}")
        if found is None:
            return Answer.json({"message": f"page not found: {method} {bare}"}, 404)
        return found(target) if callable(found) else found


def fake(**ping: str) -> FakeEngine:
    """Return an engine that answers pings only, with Docker's headers unless others are given."""
    engine = FakeEngine()
    engine.answers["HEAD /_ping"] = Answer(headers=ping or PING)
    return engine


@contextmanager
def serving(
    engine: FakeEngine, at: Path | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[FakeEngine]:
    """Let an engine answer at a Unix socket, or at a free port of the loopback interface."""
    handler = type("Handler", (_Handler,), {"engine": engine})
    server: socketserver.BaseServer
    if at is None:
        server = _Tcp(("127.0.0.1", 0), handler)
        engine.address = f"tcp://127.0.0.1:{server.server_address[1]}"
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
    else:
        server = _Unix(str(at), handler)
        engine.address = f"unix://{at}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield engine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are part of the tests."""


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    engine: FakeEngine
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "client"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's name
        """Log nothing."""

    def handle_one_request(self) -> None:
        self.client_address = ("client", 0)
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        self._respond()

    def _respond(self) -> None:
        engine = self.engine
        engine.requests.append(f"{self.command} {self.path}")
        answer = engine.answer(self.command, self.path)
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            engine.bodies.append(self._chunked())
        engine.arrived.set()
        if answer.wait is not None:
            answer.wait.wait(600)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        length = len(answer.body) + (100 if answer.cut else 0)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.close_connection = answer.cut
        if answer.cut:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def _chunked(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body
