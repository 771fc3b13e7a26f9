"""What stands before a registry on loopback: notes what is asked, and fails as proxies do."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

_PASSED_ON = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A request and the status of its answer; ``range`` is empty where it asked for none."""

    method: str
    target: str
    status: int
    range: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.target} {self.status}"


@dataclass(slots=True)
class Trouble:
    """What the front does besides passing on.

    Bodies of more than ``largest`` bytes are answered by 413. The next answer to a GET that has
    more than ``cut`` bytes ends after so many, once.
    """

    largest: int | None = None
    cut: int | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take_cut(self, method: str, size: int) -> int | None:
        """Return after how many bytes to break this answer off."""
        with self.lock:
            if method != "GET" or self.cut is None or size <= self.cut:
                return None
            cut, self.cut = self.cut, None
            return cut


class Front:
    """Passes requests on to the registry at ``target``, whose name it takes: ``address``.

    Close its clients first: it waits until they have hung up.
    """

    def __init__(self, target: str) -> None:
        self.passed: list[Passed] = []
        self.trouble = Trouble()
        self._target = target
        front = self

        class Handler(_Handler):
            owner = front

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.address = f"127.0.0.1:{self._server.server_port}"

    def seen(self, *methods: str, part: str = "") -> list[Passed]:
        """Return what was asked by these methods of targets that have ``part`` in them."""
        return [one for one in self.passed if one.method in methods and part in one.target]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def ask(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> _Answer:
        """Ask the registry."""
        connection = http.client.HTTPConnection(self._target, timeout=60)
        try:
            connection.request(method, target, body=body, headers=headers)
            answer = connection.getresponse()
            return _Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away, as tests make them."""


class _Handler(BaseHTTPRequestHandler):
    owner: Front
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  inherited
        pass

    def _pass(self) -> None:
        front, method = self.owner, self.command
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        largest = front.trouble.largest
        if largest is not None and len(body) > largest:
            answer = _Answer(413)
        else:
            answer = front.ask(method, self.path, body, dict(self.headers.items()))
        asked = self.headers.get("Range") or ""
        front.passed.append(
            Passed(method=method, target=self.path, status=answer.status, range=asked)
        )
        self.send_response_only(answer.status)
        stated = str(len(answer.body))
        for name, value in answer.headers:
            if method == "HEAD" and name.lower() == "content-length":
                stated = value
            elif name.lower() not in _PASSED_ON:
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", stated)
        self.end_headers()
        cut = front.trouble.take_cut(method, len(answer.body))
        self.wfile.write(answer.body if cut is None else answer.body[:cut])
        self.close_connection = self.close_connection or cut is not None

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815  by the names of methods
