"""Accepting connections: one thread for all of them to come, and one for each that came."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable

from pyjib.errors import TransportError

_BACKLOG = 128
_FAREWELL = 10.0
"""Seconds that ``close`` waits for a connection's thread to notice."""


class Listener:
    """Accepts connections, and gives each a thread, in which it is wrapped and served."""

    def __init__(
        self,
        listening: socket.socket,
        wrap: Callable[[socket.socket], socket.socket],
        serve: Callable[[socket.socket], None],
    ) -> None:
        self.stopped = threading.Event()
        self._socket = listening
        self._wrap = wrap
        self._serve = serve
        self._lock = threading.Lock()
        self._closing = False
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._wake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="pyjib-registry", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and wait for the threads of all connections."""
        self._waker.send(b"x")
        self._thread.join()
        with self._lock:
            self._closing = True
            open_connections = dict(self._connections)
        for sock in open_connections.values():
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in open_connections:
            thread.join(_FAREWELL)
        for sock in (self._wake, self._waker):
            sock.close()
        self.stopped.set()

    def _run(self) -> None:
        with self._socket, selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._wake in ready:
                    return
                with contextlib.suppress(OSError):  # gone before it was accepted
                    self._accept()

    def _accept(self) -> None:
        sock, _ = self._socket.accept()
        sock.setblocking(True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(
            target=self._run_connection, args=(sock,), name="pyjib-registry-client", daemon=True
        )
        with self._lock:
            self._connections[thread] = sock
        thread.start()

    def _run_connection(self, accepted: socket.socket) -> None:
        thread = threading.current_thread()
        try:
            # What is suppressed is a TLS handshake that failed.
            with accepted, contextlib.suppress(OSError), self._wrap(accepted) as sock:
                with self._lock:
                    self._connections[thread] = sock
                    if self._closing:
                        return
                self._serve(sock)
        finally:
            with self._lock:
                del self._connections[thread]


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises ``TransportError`` if the address is not to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where REUSEADDR steals ports
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise TransportError(
            f"cannot listen on {host} port {port}: {error.strerror or error}",
            hint="choose another address with --host, or another port with --port (0: any free)",
        ) from None
    return sock
