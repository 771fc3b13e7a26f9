"""Looking names up: no system lets one give up, so a thread does it that may be left behind."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from pyjib.patience import apart


def look_up(host: str, port: int | None, glance: Callable[[], float | None]) -> list[Any]:
    """Return what ``addresses`` does, if need be without waiting any longer.

    ``glance`` is as for ``apart``.
    """
    return apart(lambda: addresses(host, port), glance, name="pyjib-resolve")


def addresses(host: str, port: int | None) -> list[Any]:
    """Return what ``socket.getaddrinfo`` has for a host's streams.

    Raises ``OSError``, and ``UnicodeError`` for what is no name.
    """
    # Text would be encoded by the codec of international names, slow to import.
    name = host.encode() if host.isascii() else host
    return socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
