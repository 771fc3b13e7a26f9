"""Failures that pass: which they are, how long to wait, and one gate for each host.

Only ``session`` retries single calls and only ``uploads`` and ``blobs`` retry a whole blob;
nothing is retried in two layers.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyjib.errors import PyjibError, TransportError

PASSING_STATUSES = frozenset({408, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524})
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
LONGEST_RETRY_AFTER = 120.0
LONGEST_CALL = 15 * 60.0
"""In seconds: a call that still fails after this is given up, whatever attempts are left."""


class Passing(Exception):  # noqa: N818  (a signal between modules here, never seen by a caller)
    """An attempt failed and may succeed if repeated; ``error`` is what it is otherwise.

    ``after`` is the least wait in seconds that the server asked for.
    """

    def __init__(self, error: PyjibError, *, after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after


class NoTlsError(TransportError):
    """What answered does not speak TLS, or none that is understood here."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return a ``Retry-After`` in seconds, ``None`` if there is none that can be understood.

    A date is compared with the answer's own ``Date``, so that no clock of ours is needed.
    """
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text[:9])
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  seldom needed, slow to import

    try:
        wanted = parsedate_to_datetime(text)
        now = parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (wanted - now).total_seconds())
    except (ValueError, TypeError, OverflowError):  # no date, or but one has a time zone
        return None


def delay_before(attempt: int, after: float | None) -> float:
    """Return the wait in seconds before ``attempt`` (2 is the first retry).

    Exponential with full jitter, and never less than the server asked for.
    """
    bound = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (attempt - 2))
    jittered = random.uniform(0, bound)  # noqa: S311  (spreads load, guards no secret)
    return max(jittered, after or 0.0)


@dataclass(slots=True, kw_only=True)
class Gates:
    """Holds requests to a host back while it asked for a pause, in all threads.

    ``wait`` sleeps that many seconds; it may raise to end the wait.
    """

    wait: Callable[[float], None]
    _until: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def close(self, host: str, seconds: float) -> None:
        """Let no request to ``host`` start for so many seconds."""
        with self._lock:
            until = time.monotonic() + seconds
            self._until[host] = max(until, self._until.get(host, 0.0))

    def pass_through(self, host: str) -> None:
        """Wait until ``host`` may be asked; longer where another thread asks for more meanwhile."""
        waited_for = 0.0
        while (until := self._until.get(host, 0.0)) > waited_for:
            left = until - time.monotonic()
            if left > 0:
                self.wait(left)
            waited_for = until
