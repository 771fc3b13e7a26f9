"""Servers that say nothing, or next to nothing, and clients of theirs that are cancelled."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyjib.cancellation import Cancellation
from pyjib.errors import CancelledError

WAIT = 120.0


class Silent:
    """Takes connections and answers none; ``heard`` is set when the first bytes have come."""

    def __init__(self, sock: socket.socket) -> None:
        self.heard = threading.Event()
        self.address = "{}:{}".format(*sock.getsockname()[:2])
        self._sock = sock
        self._taken: list[socket.socket] = []

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = self._sock.accept()
                self._taken.append(taken)
                if taken.recv(1):
                    self.heard.set()

    def close(self) -> None:
        for sock in self._taken:
            sock.close()


@contextmanager
def silent_server() -> Iterator[Silent]:
    """Yield a server that reads a byte and then does nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Silent(listening)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
            thread.join(WAIT)
            server.close()


def ends_when_cancelled(
    cancellation: Cancellation, work: Callable[[], Any], begun: threading.Event
) -> bool:
    """Tell whether work in a thread of its own ends by ``CancelledError`` once it has begun."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  what it is, is the question
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert begun.wait(WAIT), "nothing was ever asked"
    cancellation.cancel()
    thread.join(WAIT)
    return not thread.is_alive() and [type(error) for error in raised] == [CancelledError]
