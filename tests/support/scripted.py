"""A scripted server: answers by rules, misbehaves on demand, and keeps a journal.

::

    with ScriptedServer() as server:
        server.rule("POST", r"/v2/.*/uploads/", Reply(503), times=2)
        server.rule("POST", r"/v2/.*/uploads/", Reply(202, {"Location": "/upload/1"}))

The first rule that fits and is not used up answers. ``Reply.cut`` ends the connection after so
many bytes of the body, ``drop`` before any answer; a function may answer by what was sent.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeAlias


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request: ``target`` exactly as it was sent, header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Reply:
    """An answer; a list of values gives a header several lines."""

    status: int = 200
    headers: Mapping[str, str | list[str]] = field(default_factory=dict)
    body: bytes = b""
    length: int | None = None
    cut: int | None = None
    drop: bool = False


Answer: TypeAlias = Reply | Callable[[Seen], Reply]


@dataclass
class _Rule:
    method: str
    pattern: re.Pattern[str]
    answer: Answer
    left: int | None


class ScriptedServer:
    """HTTP/1.1 on a loopback port, in threads."""

    def __init__(self) -> None:
        self.journal: list[Seen] = []
        self.connections = 0
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def requests(self) -> list[str]:
        """What was asked, but for the probe of ``/v2/`` that comes first."""
        return [str(seen) for seen in self.journal if seen.path != "/v2/"]

    def rule(self, method: str, pattern: str, answer: Answer, *, times: int | None = None) -> None:
        """Answer requests whose whole path matches, after the rules that were added before."""
        with self._lock:
            self._rules.append(_Rule(method, re.compile(pattern), answer, times))

    def seen(self, method: str, pattern: str = ".*") -> list[Seen]:
        """Return the requests of a method whose whole path matches."""
        return [
            seen
            for seen in self.journal
            if seen.method == method and re.fullmatch(pattern, seen.path)
        ]

    def answer(self, seen: Seen) -> Reply:
        with self._lock:
            self.journal.append(seen)
            for rule in self._rules:
                fits = rule.method in (seen.method, "*") and rule.pattern.fullmatch(seen.path)
                if fits and rule.left != 0:
                    rule.left = None if rule.left is None else rule.left - 1
                    answer = rule.answer
                    break
            else:
                return Reply(200 if seen.path == "/v2/" else 404)
        return answer if isinstance(answer, Reply) else answer(seen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, owner: ScriptedServer) -> None:
        super().__init__(("127.0.0.1", 0), _handler(owner))
        self._owner = owner
        self._connections: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._owner.connections += 1
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away, as tests make them."""

    def end_connections(self) -> None:
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _handler(owner: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            length = int(self.headers.get("content-length", 0))
            seen = Seen(
                method=self.command,
                target=self.path,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length),
            )
            reply = owner.answer(seen)
            if reply.drop:
                self.close_connection = True
                return
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                for line in [value] if isinstance(value, str) else value:
                    self.send_header(name, line)
            names = {name.lower() for name in reply.headers}
            size = len(reply.body) if reply.length is None else reply.length
            if "content-length" not in names and reply.status != 204:
                self.send_header("Content-Length", str(size))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body[: reply.cut])
            if reply.cut is not None or size > len(reply.body):
                self.close_connection = True

        def log_message(self, *arguments: Any) -> None:
            """Write nothing."""

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_CONNECT = handle_any  # noqa: N815
        do_PATCH = handle_any  # noqa: N815

    return Handler


@contextmanager
def listening_nowhere() -> Iterator[str]:
    """Yield ``127.0.0.1:PORT`` of a port that refuses connections."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"
