"""The attempts at one thing: how many there are, what is waited between them, and the end."""

from __future__ import annotations

import math
import time

from pyjib.errors import PyjibError
from pyjib.events import Listener, RetryScheduled
from pyjib.registry.net.message import Call
from pyjib.registry.net.retry import Gates, Passing, delay_before
from pyjib.registry.refusal import in_words, telling


class Attempts:
    """Counts the attempts at ``call``, of which there are ``most``; for one thread.

    ``limit`` is in seconds: no attempt is made that would begin after so long.
    """

    def __init__(
        self, *, call: Call, most: int, gates: Gates, listener: Listener, limit: float = math.inf
    ) -> None:
        self.call = call
        self.most = most
        self.gates = gates
        self.listener = listener
        self.limit = limit
        self.made = 0
        """All that failed; ``failures`` are those of ``most``."""
        self.failures = 0
        self._begun = time.monotonic()

    def again(self, failure: Passing) -> None:
        """Hold the host back before the next attempt; raises the failure if there is none."""
        self.made += 1
        self.failures += 1
        most = min(self.most, failure.most or self.most)
        begins = time.monotonic() - self._begun + (failure.after or 0.0)
        if self.failures >= most or begins > self.limit:
            raise self.given_up(telling(self.call, failure.error)) from None
        attempt = self.failures + 1
        delay = delay_before(attempt, failure.after)
        action = self.call.action
        reason = failure.error.message.removeprefix(f"cannot {action}: ")
        self.listener(
            RetryScheduled(action=action, attempt=attempt, most=most, delay=delay, reason=reason)
        )
        self.gates.close(self.call.registry, delay)

    @property
    def left(self) -> int:
        """How many more there may be."""
        return self.most - self.failures

    def next_way(self) -> None:
        """Begin to count anew for another way: this one was refused."""
        self.failures = 0

    def got_on(self) -> None:
        """Begin to count anew: what was achieved until now is not lost."""
        self.made = self.failures = 0
        self._begun = time.monotonic()

    def given_up(self, error: PyjibError) -> PyjibError:
        """Return an error with how often and for how long it was tried, if more than once."""
        if self.made > 1:
            spent = in_words(time.monotonic() - self._begun)
            error.add(f"; given up after {self.made} attempts in {spent}")
        return error
