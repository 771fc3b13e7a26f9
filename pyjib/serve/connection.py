"""One client's connection: request after request, until either side has had enough."""

from __future__ import annotations

import contextlib
import http.client
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from io import BufferedReader
from itertools import pairwise
from typing import BinaryIO, cast

from pyjib.serve.http1 import Head, MessageBody, read_head
from pyjib.serve.incoming import Incoming
from pyjib.serve.journal import Exchange, Journal, Watcher
from pyjib.serve.message import (
    Answerer,
    BodyInterrupted,
    Code,
    Flow,
    Refusal,
    Request,
    Response,
    Slice,
    storage_failed,
)
from pyjib.serve.rules import Limits
from pyjib.serve.storage import CHUNK

_log = logging.getLogger(__name__)

_BUFFER = 64 << 10
_DRAIN = 256 << 10
"""An unread body of at most so many bytes is read off, to keep the connection."""
_LINGER_BYTES = 64 << 20
_LINGER_SECONDS = 2.0
_NO_BODY = frozenset({204, 304})


class Connection:
    """Serves one socket, in one thread, and closes it."""

    def __init__(
        self,
        sock: socket.socket,
        answer: Answerer,
        *,
        limits: Limits,
        journal: Journal,
        watcher: Watcher | None,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._socket = sock
        self._answer = answer
        self._limits = limits
        self._journal = journal
        self._watcher = watcher
        self._pause = pause

    def serve(self) -> None:
        """Answer requests until the connection ends; lets no error of it out."""
        incoming = Incoming(self._socket, self._limits)
        # The cast is for mypy alone: a reader is generic there in what it reads from.
        reader = BufferedReader(incoming, _BUFFER)
        with self._socket, cast("BufferedReader", reader) as stream:
            try:
                while self._serve_one(stream, incoming):
                    pass
            except (OSError, BodyInterrupted, ValueError):
                # The client is gone, or too slow, or close() has shut the socket: nobody is
                # there to be told. What it had begun, its handler has put away.
                _log.debug("connection lost", exc_info=True)

    def _serve_one(self, stream: BufferedReader, incoming: Incoming) -> bool:
        incoming.expect_head()
        try:
            head = read_head(stream)
            if head is None:
                return False
            start = time.monotonic()
            body = MessageBody(stream, head, lambda: self._say_continue(head))
            request = Request(
                method=head.method,
                path=head.path,
                query=head.parameters(),
                headers=head.headers,
                body=body,
                raw_query=head.query,
            )
        except Refusal as refusal:
            self._send(refusal.response(), None, with_body=True, keep=False)
            self._linger()
            return False
        incoming.expect_body()
        response = self._answer_or_give_up(request, head, body, start)
        with ExitStack() as opened:
            response, file = _opened(response, opened)
            keep = head.keeps_alive and response.flow is None and _is_worth_draining(body, head)
            self._respond(head, body, response, file, keep=keep, start=start)
        if keep:
            for _ in body.chunks():
                pass
        elif not body.finished:
            self._linger()
        return keep

    def _answer_or_give_up(
        self, request: Request, head: Head, body: MessageBody, start: float
    ) -> Response:
        try:
            return self._answer(request)
        except BodyInterrupted as interrupted:
            exchange = _exchange(head, body, status=0, start=start, fault=interrupted.fault)
            self._journal.add(exchange)
            if self._watcher:
                self._watcher(exchange)
            raise

    def _respond(
        self,
        head: Head,
        body: MessageBody,
        response: Response,
        file: BinaryIO | None,
        *,
        keep: bool,
        start: float,
    ) -> None:
        with_body = head.method != "HEAD" and response.status not in _NO_BODY
        # Recorded before it is sent: who has the answer can count on finding it here.
        planned = replace(
            _exchange(head, body, status=response.status, start=start, fault=response.fault),
            sent=response.length if with_body else 0,
        )
        self._journal.add(planned)
        sent = 0
        try:
            sent = self._send(response, file, with_body=with_body, keep=keep)
        finally:
            actual = replace(planned, sent=sent, seconds=time.monotonic() - start)
            self._journal.replace(planned, actual)
            if self._watcher:
                self._watcher(actual)

    def _send(
        self, response: Response, file: BinaryIO | None, *, with_body: bool, keep: bool
    ) -> int:
        """Send an answer and return how many bytes its body has; ``file`` is where it lies."""
        data = response.body
        head = _head_bytes(response, keep=keep)
        if not with_body:
            self._socket.sendall(head)
            return 0
        if response.flow is not None:
            self._socket.sendall(head)
            return self._send_badly(response, response.flow)
        if isinstance(data, bytes):
            self._send_all(head + data)
            return len(data)
        self._socket.sendall(head)
        return self._send_chunks(data) if file is None else self._send_file(file, data)

    def _send_all(self, data: bytes) -> None:
        """Send bytes in pieces, since the socket's time-out is for each of them."""
        view = memoryview(data)
        for start in range(0, len(data), _BUFFER):
            self._socket.sendall(view[start : start + _BUFFER])

    def _send_badly(self, response: Response, flow: Flow) -> int:
        """Send a body as a fault wants it; raises ``OSError`` where that ends the connection."""
        sent = 0
        stall_at = flow.stall_at if flow.stall else None
        for chunk in _pieces(response, flow):
            for piece in _split(chunk, flow.stall_at, flow.cut or 0, at=sent):
                if sent == stall_at:
                    self._pause(flow.stall)
                    stall_at = None
                if sent == flow.cut:
                    raise ConnectionAbortedError("cut on purpose")
                self._send_all(piece)
                sent += len(piece)
        if sent == stall_at:
            self._pause(flow.stall)
        if flow.cut is not None:
            raise ConnectionAbortedError("cut on purpose")
        return sent

    def _send_chunks(self, data: Slice) -> int:
        for chunk in data.content.chunks(data.start, data.length):
            self._send_all(chunk)
        return data.length

    def _send_file(self, file: BinaryIO, data: Slice) -> int:
        sent = self._socket.sendfile(file, data.start, data.length) if data.length else 0
        if sent != data.length:
            raise OSError("a blob became shorter while it was sent")
        return sent

    def _say_continue(self, head: Head) -> None:
        if head.expects_continue:
            self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _linger(self) -> None:
        """Read on for a while: closing at once would destroy the answer on its way."""
        deadline = time.monotonic() + _LINGER_SECONDS
        left = _LINGER_BYTES
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            while left > 0 and (rest := deadline - time.monotonic()) > 0:
                self._socket.settimeout(rest)
                data = self._socket.recv(CHUNK)
                if not data:
                    return
                left -= len(data)


def _opened(response: Response, opened: ExitStack) -> tuple[Response, BinaryIO | None]:
    """Open the file of an answer; the answer is another one if that does not work any more."""
    if not isinstance(response.body, Slice):
        return response, None
    try:
        file = response.body.content.file()
    except FileNotFoundError:
        gone = Refusal(404, Code.BLOB_UNKNOWN, "it was deleted just now").response()
        return gone, None
    except OSError as error:
        return storage_failed(error).response(), None
    return response, None if file is None else opened.enter_context(file)


def _exchange(head: Head, body: MessageBody, *, status: int, start: float, fault: str) -> Exchange:
    return Exchange(
        method=head.method,
        path=head.path,
        query=head.query,
        status=status,
        received=body.received,
        sent=0,
        seconds=time.monotonic() - start,
        headers=head.headers,
        fault=fault,
    )


def _is_worth_draining(body: MessageBody, head: Head) -> bool:
    if body.finished:
        return True
    if head.expects_continue and not body.started:
        return False  # the client may send the body or not: the next bytes could be either
    return body.length is not None and body.length - body.received <= _DRAIN


def _pieces(response: Response, flow: Flow) -> Iterator[bytes]:
    data = response.body
    if isinstance(data, bytes):
        yield data
    else:
        yield from data.content.chunks(data.start, data.length)
    while flow.endless:
        yield b" " * _BUFFER


def _split(chunk: bytes, *marks: int, at: int) -> Iterator[bytes]:
    """Cut a chunk, whose first byte is byte ``at`` of its body, at the marks within it."""
    places = sorted({mark - at for mark in marks if 0 < mark - at < len(chunk)})
    for start, end in pairwise((0, *places, len(chunk))):
        yield chunk[start:end]


def _head_bytes(response: Response, *, keep: bool) -> bytes:
    status = response.status
    lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Other')}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    flow = response.flow or Flow()
    if status not in _NO_BODY and not flow.endless and not flow.unframed:
        lines.append(f"Content-Length: {response.length}")
    if not keep:
        lines.append("Connection: close")
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line break in a header")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
