"""The registry on a socket."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from pyjib.errors import ConfigurationError, TransportError
from pyjib.serve.access import BasicGate, Gate, OpenGate, Policy, users_only
from pyjib.serve.connection import Connection
from pyjib.serve.context import Context
from pyjib.serve.disk import DiskStorage
from pyjib.serve.faults import Fault, FaultLayer
from pyjib.serve.journal import Exchange, Journal, Watcher
from pyjib.serve.memory import MemoryStorage
from pyjib.serve.message import Request, Response
from pyjib.serve.protocol import Protocol
from pyjib.serve.repositories import Repositories
from pyjib.serve.rules import Rules
from pyjib.serve.tokens import TokenGate
from pyjib.serve.uploads import Uploads

if TYPE_CHECKING:
    import ssl  # takes longer to import than all the rest

_JOURNAL = 10_000
_BACKLOG = 128
_FAREWELL = 10.0
"""Seconds that ``close`` waits for a connection's thread to notice."""


class RegistryServer:
    """A registry that speaks OCI Distribution 1.1; ``with RegistryServer(None) as server:``.

    ``root`` is a directory with an image layout for each repository, or ``None`` for memory.
    ``port`` 0 takes any free one. With ``users`` (passwords by name) a login is asked for, by
    Basic or with tokens of ``token_lifetime`` seconds, and ``policy`` tells what each user, and
    who has not logged in, may do. ``watcher`` is called after each exchange, from its thread.
    ``intercept`` sees each request first and may answer in the registry's place, or hang up by
    raising ``BodyInterrupted``. With ``tls`` the registry speaks HTTPS.
    """

    def __init__(  # noqa: PLR0913  each is a switch of its own, all but two by name
        self,
        root: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        users: Mapping[str, str] | None = None,
        auth: Literal["basic", "token"] = "basic",
        token_lifetime: float = 300,
        policy: Policy = users_only,
        rules: Rules | None = None,
        watcher: Watcher | None = None,
        intercept: Callable[[Request], Response | None] | None = None,
        faults: Iterable[Fault] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if root is not None and root.exists() and not root.is_dir():
            raise ConfigurationError(f"cannot keep repositories in {root}: it is not a directory")
        self.rules = rules or Rules()
        self.root = root
        self.intercept = intercept
        self._host = host
        self._port = port
        self._users = users
        self._auth = auth
        self._token_lifetime = token_lifetime
        self._policy = policy
        self._watcher = watcher
        self._tls = tls
        self._journal = Journal(_JOURNAL)
        self._storage = MemoryStorage() if root is None else DiskStorage(root)
        self.repositories = Repositories(self._storage)
        self._uploads = Uploads(self._storage, self.rules.limits)
        self._gate: Gate = OpenGate()
        self._protocol = self._make_protocol()
        self._listener: _Listener | None = None
        self.faults = FaultLayer(faults)

    @property
    def address(self) -> str:
        """``HOST:PORT``, as it stands in an image reference."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    @property
    def url(self) -> str:
        """The address with its scheme."""
        return f"{'https' if self._tls else 'http'}://{self.address}"

    @property
    def journal(self) -> tuple[Exchange, ...]:
        """The last ten thousand exchanges, oldest first."""
        return self._journal.all()

    def clear_journal(self) -> None:
        """Forget the exchanges so far."""
        self._journal.clear()

    def revoke_tokens(self) -> None:
        """Make all tokens invalid, as if their time were up."""
        if isinstance(self._gate, TokenGate):
            self._gate.revoke()

    def start(self) -> Self:
        """Listen, and answer from threads of its own.

        Raises ``TransportError`` if the address is taken or is not this machine's.
        """
        if self._listener is None:
            if isinstance(self._storage, DiskStorage) and not self.rules.read_only:
                self._storage.remove_leftovers(self.rules.limits.session_idle)
            listening = _listen(self._host, self._port)
            self._port = listening.getsockname()[1]
            self.faults.url = self.url
            self._gate = self._make_gate()
            self._protocol = self._make_protocol()
            self._listener = _Listener(listening, self._wrap, self._serve)
        return self

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the registry is closed; false if that did not happen in time."""
        return self._listener is None or self._listener.stopped.wait(seconds)

    def close(self) -> None:
        """Stop listening, end all connections and forget unfinished uploads."""
        listener, self._listener = self._listener, None
        self.faults.close()
        if listener is not None:
            listener.close()
        self._uploads.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _make_gate(self) -> Gate:
        if self._users is None:
            return OpenGate()
        if self._auth == "basic":
            return BasicGate(self._users, self._policy)
        return TokenGate(
            self._users,
            self._policy,
            lifetime=self._token_lifetime,
            scheme="https" if self._tls else "http",
            host=self.address,
        )

    def _make_protocol(self) -> Protocol:
        context = Context(repositories=self.repositories, uploads=self._uploads, rules=self.rules)
        return Protocol(context, self._gate)

    def _wrap(self, sock: socket.socket) -> socket.socket:
        if self._tls is None:
            return sock
        sock.settimeout(self.rules.limits.head)
        return self._tls.wrap_socket(sock, server_side=True)

    def _serve(self, sock: socket.socket) -> None:
        Connection(
            sock,
            self._answer,
            limits=self.rules.limits,
            journal=self._journal,
            watcher=self._watcher,
            pause=self.faults.pause,
        ).serve()

    def _answer(self, request: Request) -> Response:
        return self.faults.answer(request, self._undisturbed)

    def _undisturbed(self, request: Request) -> Response:
        response = self.intercept(request) if self.intercept else None
        return response or self._protocol.answer(request)


class _Listener:
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


def _listen(host: str, port: int) -> socket.socket:
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
