"""Accepting connections: one thread for all of them to come, and one for each that came."""

from __future__ import annotations

import contextlib
import errno
import logging
import selectors
import socket
import threading
from collections.abc import Callable

from pyjib.errors import TransportError

_log = logging.getLogger(__name__)

_BACKLOG = 128
_SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_REST = 0.2
"""Seconds after which a connection is accepted again where nothing was left to serve it with."""
_FAREWELL = 10.0
"""Seconds that ``close`` waits for a connection's thread to notice."""


class Listener:
    """Accepts connections, and gives each a thread, in which it is wrapped and served.

    ``wrap`` waits for nobody: ``close`` ends what is waited for by way of the socket it returns.
    At most ``most`` are served at a time: others wait to be accepted, as they do while the
    process has no file descriptors or threads left.
    """

    def __init__(
        self,
        listening: socket.socket,
        wrap: Callable[[socket.socket], socket.socket],
        serve: Callable[[socket.socket], None],
        *,
        most: int,
    ) -> None:
        self.stopped = threading.Event()
        self._socket = listening
        self._wrap = wrap
        self._serve = serve
        self._lock = threading.Lock()
        self._closing = False
        self._most = most
        self._complained = False
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
                # Not as TLS has it, which would pull the rug from under the thread that uses it.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
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
                if not self._accept():
                    # Who waits to be accepted would wake us again and again.
                    selector.unregister(self._socket)
                    if selector.select(_REST):
                        return
                    selector.register(self._socket, selectors.EVENT_READ)

    def _accept(self) -> bool:
        """Accept who waits; false if there is nothing to serve it with."""
        with self._lock:
            full = len(self._connections) >= self._most
        if full:
            return self._complain(f"{self._most} are served")
        try:
            sock, _ = self._socket.accept()
        except OSError as error:
            if error.errno in _SCARCE:
                return self._complain(error.strerror or str(error))
            return True  # gone before it was accepted
        return self._start(sock)

    def _start(self, sock: socket.socket) -> bool:
        with contextlib.suppress(OSError):  # it is gone already: its thread will notice
            sock.setblocking(True)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(
            target=self._run_connection, args=(sock,), name="pyjib-registry-client", daemon=True
        )
        with self._lock:
            self._connections[thread] = sock
        try:
            thread.start()
        except RuntimeError as error:
            with self._lock:
                del self._connections[thread]
            sock.close()
            return self._complain(str(error))
        return True

    def _complain(self, reason: str) -> bool:
        if not self._complained:
            self._complained = True
            _log.warning("connections have to wait: %s", reason)
        return False

    def _run_connection(self, accepted: socket.socket) -> None:
        thread = threading.current_thread()
        try:
            # What is suppressed is a connection, or its TLS handshake, that failed.
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
