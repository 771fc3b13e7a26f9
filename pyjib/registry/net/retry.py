"""Failures that pass: which they are, how long to wait, and one gate for each host.

Only ``session`` retries single calls and only ``uploads`` and ``blobs`` retry a whole blob;
nothing is retried in two layers. Why so often and for so long: adr/012.
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
GROWTH = 4.0
LONGEST_DELAY = 30.0
SHORTEST_PART = 2 / 3
"""Chance makes a wait shorter by a third at most, so that all waits together are long enough."""
FIRST_CONTACT = 4
FIRST_CONTACT_HERE = 3
"""Attempts to connect to a host that never answered: ten seconds, on this machine three."""
LONGEST_RETRY_AFTER = 120.0
LONGEST_CALL = 15 * 60.0
"""In seconds: a call that still fails after this is given up, whatever attempts are left."""

CUT = "try again; if it stays so, something between here and there cuts connections"
"""What helps against connections that break."""


class Passing(Exception):  # noqa: N818  (a signal between modules here, never seen by a caller)
    """An attempt failed and may succeed if repeated; ``error`` is what it is otherwise.

    ``after`` is the least wait in seconds that the server asked for; ``most`` how many attempts
    in all such a failure is worth, ``None`` for as many as there are.
    """

    def __init__(
        self, error: PyjibError, *, after: float | None = None, most: int | None = None
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after
        self.most = most

    def of(self, error: PyjibError) -> Passing:
        """Return this with another error."""
        return Passing(error, after=self.after, most=self.most)


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

    Four times as long each time, up to a third of it left to chance, and never less than the
    server asked for: five attempts take 27 to 40 seconds.
    """
    step = min(LONGEST_DELAY, FIRST_DELAY * GROWTH ** min(attempt - 2, 10))
    jittered = random.uniform(SHORTEST_PART * step, step)  # noqa: S311  (spreads load, no secret)
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
