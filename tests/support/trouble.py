"""Registries in trouble, and clients that meet them: the stage of ``tests/faults``.

``Stage`` opens registries (all with TLS, or all without), relays that stand in for the public
network, and clients; ``at`` makes faults in fewer words.
"""

from __future__ import annotations

import random
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from pyjib.cancellation import Cancellation
from pyjib.events import Event
from pyjib.oci.blob import Blob
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, Login, RegistryOptions
from pyjib.registry.client import RegistryClient
from pyjib.serve import Exchange, Fault, Moment, RegistryServer

E = TypeVar("E", bound=Event)

MIB = 1 << 20
LAYER = "application/vnd.oci.image.layer.v1.tar"
UPLOADS = "**/blobs/uploads/"
SESSION = "**/blobs/uploads/*"
BLOBS = "**/blobs/sha256:*"
WITH_BODY = {"content-length": "^[1-9]"}


def blob_of(size: int, seed: int = 7) -> Blob:
    """Return a blob of random bytes, equal for equal arguments."""
    return Blob.of_bytes(random.Random(seed).randbytes(size), LAYER)


def at(moment: Moment, method: str, path: str, **more: Any) -> Fault:
    """Return a fault."""
    return Fault(at=moment, method=method, path=path, **more)


class Client:
    """A client whose waits take no time; ``waits`` in seconds and ``events`` tell what it did."""

    def __init__(
        self, options: RegistryOptions, variables: Mapping[str, str], wait: Callable[[float], None]
    ) -> None:
        self.events: list[Event] = []
        self.waits: list[float] = []
        self.cancellation = Cancellation()
        self.options = options

        def waited(seconds: float) -> None:
            self.waits.append(seconds)
            wait(seconds)
            self.cancellation.check()

        host = HostEnvironment(variables=dict(variables), home=Path("/nonexistent"))
        self.client = RegistryClient(
            options,
            host,
            listener=self.events.append,
            cancellation=self.cancellation,
            wait=waited,
        )

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


class Stage:
    """Everything that a test of faults opens, closed at its end."""

    def __init__(self, certificate: tuple[Path, ssl.SSLContext] | None) -> None:
        self.tls = certificate is not None
        self._certificate = certificate
        self._stack = ExitStack()

    def registry(self, *faults: Fault, **options: Any) -> RegistryServer:
        """Open a registry in memory."""
        context = self._certificate[1] if self._certificate else None
        server = RegistryServer(faults=faults, tls=context, **options)
        return self._stack.enter_context(server)

    def plain(self) -> RegistryServer:
        """Open a registry that speaks plain HTTP in any case."""
        return self._stack.enter_context(RegistryServer())

    def relay(self, **routes: RegistryServer) -> Relay:
        """Open a proxy by which the hosts named lead to registries; dots are written ``_``."""
        named = {host.replace("_", ".").strip("."): one for host, one in routes.items()}
        return self._stack.enter_context(Relay(named))

    def client(
        self,
        *,
        login: tuple[str, str, str] | None = None,
        insecure: frozenset[str] = frozenset(),
        variables: Mapping[str, str] | None = None,
        attempts: int = 5,
        wait: Callable[[float], None] = lambda seconds: None,
    ) -> Client:
        """Open a client; ``login`` is registry, user and password."""
        logins = (Login(registry=login[0], username=login[1], password=login[2]),) if login else ()
        options = RegistryOptions(
            logins=logins,
            insecure=insecure,
            ca_file=self._certificate[0] if self._certificate else None,
            attempts=attempts,
        )
        made = Client(options, variables or {}, wait)
        self._stack.enter_context(made.client)
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def name(server: RegistryServer, repository: str = "team/app") -> Reference:
    """Return a tag in a repository of a registry."""
    return Reference.parse(f"{server.address}/{repository}:1")


def seen(server: RegistryServer, method: str, part: str = "") -> list[Exchange]:
    """Return the exchanges of a method whose path has ``part`` in it, but for the probe."""
    return [
        exchange
        for exchange in server.journal
        if exchange.method == method
        and part in exchange.path
        and (exchange.path != "/v2/" or part == "/v2/")
    ]


class Relay:
    """A proxy that leads to registries of this machine, whatever address a host would have."""

    def __init__(self, routes: Mapping[str, RegistryServer]) -> None:
        self._routes = routes
        self.asked: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._socket, *self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for sock in (self._socket, *self._open):
            sock.close()

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                self._open.add(client)
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        head = b""
        with suppress(OSError):
            while b"\r\n\r\n" not in head:
                data = client.recv(1 << 16)
                if not data:
                    return
                head += data
            method, target = head.split(b" ", 2)[:2]
            host = target.decode().removeprefix("http://").partition("/")[0]
            self.asked.append(host)
            address = self._routes[host.partition(":")[0]].address.rpartition(":")
            backend = socket.create_connection((address[0], int(address[2])))
            self._open.add(backend)
            if method == b"CONNECT":
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                backend.sendall(head)
            self._start(_pump, backend, client)
            _pump(client, backend)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
