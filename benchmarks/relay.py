"""A relay in front of a registry that counts the bytes in both directions."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Relay:
    """``address`` is what to connect to; ``sent`` and ``received`` are the client's view."""

    address: str
    sent: int = 0
    received: int = 0

    def reset(self) -> None:
        """Count from nothing again."""
        self.sent = self.received = 0


@contextmanager
def relay_to(address: str) -> Iterator[Relay]:
    """Relay connections of the loopback interface to ``HOST:PORT`` until the context ends."""
    host, _, port = address.partition(":")
    with socket.create_server(("127.0.0.1", 0)) as server:
        relay = Relay(address=f"127.0.0.1:{server.getsockname()[1]}")
        threading.Thread(
            target=_accept, args=(server, (host, int(port)), relay), daemon=True
        ).start()
        yield relay


def _accept(server: socket.socket, target: tuple[str, int], relay: Relay) -> None:
    with contextlib.suppress(OSError):  # the server was closed: the end
        while True:
            client, _ = server.accept()
            upstream = socket.create_connection(target)
            for source, sink, field in (
                (client, upstream, "sent"),
                (upstream, client, "received"),
            ):
                threading.Thread(
                    target=_pump, args=(source, sink, relay, field), daemon=True
                ).start()


def _pump(source: socket.socket, sink: socket.socket, relay: Relay, field: str) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            setattr(relay, field, getattr(relay, field) + len(data))
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
