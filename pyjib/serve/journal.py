"""The record of what was asked of a registry, for tests and for a log."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TypeAlias

from pyjib.frozen import frozen

_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})


@frozen
class Exchange:
    """One request and its answer. ``received`` and ``sent`` count the bytes of the bodies.

    ``status`` is 0 where the request broke off and nobody was left to answer. ``path`` and
    ``query`` are as sent. ``headers`` are the request's, names in lower case; they
    may hold a login and are left out of ``repr``. ``seconds`` lie between the request's last
    header and the answer's last byte. ``fault`` is the name of the one that did it on purpose.
    """

    method: str
    path: str
    query: str
    status: int
    received: int
    sent: int
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    fault: str = ""

    @property
    def length(self) -> int:
        """The characters of what the client sent."""
        headers = sum(len(name) + len(value) for name, value in self.headers.items())
        return len(self.path) + len(self.query) + headers

    def to_json(self) -> dict[str, object]:
        """Return all of it but what may hold a login, for a log that machines read."""
        headers = {name: value for name, value in self.headers.items() if name not in _SECRET}
        login = self.headers.get("authorization", "").partition(" ")[0]
        return {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "status": self.status,
            "received": self.received,
            "sent": self.sent,
            "seconds": round(self.seconds, 6),
            "login": login or None,
            "fault": self.fault or None,
            "headers": headers,
        }

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        counts = f"{self.received} in, {self.sent} out, {self.seconds * 1000:.0f} ms"
        fault = f" [{self.fault}]" if self.fault else ""
        return f"{self.method} {self.path}{query} {self.status} ({counts}){fault}"


Watcher: TypeAlias = Callable[[Exchange], None]


class Journal:
    """The last ``limit`` exchanges, in the order of their answers; safe for many threads.

    There are fewer if what clients sent is long: ``most`` is how many characters of it are kept.
    """

    def __init__(self, limit: int, most: int = 64 << 20) -> None:
        self._lock = threading.Lock()
        self._limit = limit
        self._room = most
        self._exchanges: deque[Exchange] = deque()

    def add(self, exchange: Exchange) -> None:
        """Add an exchange whose answer is about to be complete."""
        with self._lock:
            self._exchanges.append(exchange)
            self._room -= exchange.length
            while len(self._exchanges) > self._limit or self._room < 0:
                self._room += self._exchanges.popleft().length

    def replace(self, old: Exchange, new: Exchange) -> None:
        """Put what became of an answer in the place of what was to become of it."""
        with self._lock:
            for place in reversed(range(len(self._exchanges))):
                if self._exchanges[place] is old:
                    self._exchanges[place] = new
                    return

    def all(self) -> tuple[Exchange, ...]:
        """Return what was recorded so far."""
        with self._lock:
            return tuple(self._exchanges)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._room += sum(exchange.length for exchange in self._exchanges)
            self._exchanges.clear()
