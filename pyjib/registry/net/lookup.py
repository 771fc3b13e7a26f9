"""Looking names up: no system lets one give up, so a thread does it that may be left behind."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from pyjib.patience import apart


def look_up(host: str, port: int | None, glance: Callable[[], float | None]) -> list[Any]:
    """Return what ``socket.getaddrinfo`` has for a host's streams.

    ``glance`` is as for ``apart``. Raises ``OSError``, and ``UnicodeError`` for what is no name.
    """
    return apart(
        lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM),
        glance,
        name="pyjib-resolve",
    )
