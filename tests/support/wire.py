"""HTTP as it is on the wire: one request at a time, nothing followed, retried or decoded."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, complete."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the first error in the body."""
        return str(self.json["errors"][0]["code"])

    def __getitem__(self, header: str) -> str:
        return str(self.headers[header])


class Wire:
    """A connection to ``HOST:PORT``, kept alive between requests."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=120)

    def send(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] = b"",
        **headers: str,
    ) -> Reply:
        """Send a request; an iterable body is sent in chunked coding.

        Names of headers are written with ``_`` for ``-``.
        """
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        coded = not isinstance(body, bytes)
        if coded:
            names["Transfer-Encoding"] = "chunked"
        elif body or method in ("POST", "PUT", "PATCH"):
            names.setdefault("Content-Length", str(len(body)))
        self._connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in names.items():
            self._connection.putheader(name, value)
        self._connection.endheaders(body or None, encode_chunked=coded)
        answer = self._connection.getresponse()
        return Reply(status=answer.status, headers=answer.headers, body=answer.read())

    @property
    def local(self) -> object:
        """What tells one connection from another."""
        sock = self._connection.sock
        return sock and sock.getsockname()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@contextmanager
def raw(address: str) -> Iterator[socket.socket]:
    """Connect a socket on which a test writes its own bytes."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=120) as sock:
        yield sock


def read_all(sock: socket.socket) -> bytes:
    """Read until the other side closes."""
    return b"".join(iter(lambda: sock.recv(1 << 16), b""))
