"""How long a client may be at work: until the build is cancelled, or the client is closed."""

from __future__ import annotations

import time

from pyjib.cancellation import Cancellation
from pyjib.patience import SLICE


class Lifetime(Cancellation):
    """A build's cancellation for what belongs to a client, whose end is heard as well."""

    def __init__(self, build: Cancellation) -> None:
        super().__init__()
        self._build = build

    def end(self) -> None:
        """Let all stop that is still at work for the client, and nothing else."""
        super().cancel()

    def cancel(self) -> None:
        """Ask the whole build to stop."""
        self._build.cancel()

    @property
    def cancelled(self) -> bool:
        """Tell whether the build was asked to stop, or the client is closed."""
        return self._build.cancelled or super().cancelled

    def check(self) -> None:
        """Raise ``CancelledError`` if the build was asked to stop, or the client is closed."""
        self._build.check()
        super().check()

    def wait(self, seconds: float) -> None:
        """Sleep, but not past the end, which raises ``CancelledError``."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            super().check()
            self._build.wait(min(SLICE, left))
        self.check()
