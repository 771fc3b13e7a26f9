"""What a client sends, as a stream that does not wait for it for ever.

A time-out for each read is not enough: who sends a byte a minute would meet it for years.
"""

from __future__ import annotations

import io
import socket
import time
from typing import Any

from pyjib.serve.rules import Limits


class Incoming(io.RawIOBase):
    """Reads a socket; who is too slow gets a ``TimeoutError``, after which it is of no use.

    The socket's own time-out, which counts for what is sent, is ``limits.body``.
    """

    def __init__(self, sock: socket.socket, limits: Limits) -> None:
        super().__init__()
        self._socket = sock
        self._limits = limits
        self._deadline: float | None = None
        self._bytes, self._seconds = 0, 0.0

    def expect_head(self) -> None:
        """Let the next request, all of its head, come within ``limits.head`` seconds."""
        self._deadline = time.monotonic() + self._limits.head

    def expect_body(self) -> None:
        """Let what comes take its time, as long as it comes."""
        self._deadline = None
        self._bytes, self._seconds = 0, 0.0

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read what is there, at least a byte; 0 at the end."""
        start = time.monotonic()
        try:
            self._socket.settimeout(self._patience(start))
            count = self._socket.recv_into(buffer)
        finally:
            self._socket.settimeout(self._limits.body)
        if self._deadline is None:
            self._keep_pace(count, time.monotonic() - start)
        return count

    def _patience(self, now: float) -> float:
        if self._deadline is None:
            return self._limits.body
        if now >= self._deadline:
            raise TimeoutError("the head of a request takes too long")
        return self._deadline - now

    def _keep_pace(self, count: int, seconds: float) -> None:
        self._bytes += count
        self._seconds += seconds
        if self._seconds > self._limits.body:
            if self._bytes < self._limits.slowest * self._seconds:
                raise TimeoutError("a body trickles")
            self._bytes, self._seconds = 0, 0.0
