"""A flag by which a build is told to stop, asked between chunks by whatever takes long."""

from __future__ import annotations

import threading

from pyjib.errors import CancelledError


class Cancellation:
    """Set once, from any thread or a signal handler."""

    def __init__(self) -> None:
        self._flag = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._flag.set()

    @property
    def cancelled(self) -> bool:
        """Tell whether somebody asked the work to stop."""
        return self._flag.is_set()

    def check(self) -> None:
        """Raise ``CancelledError`` if somebody asked the work to stop."""
        if self._flag.is_set():
            raise CancelledError("cancelled")

    def wait(self, seconds: float) -> None:
        """Sleep, but not past a cancellation, which raises ``CancelledError``."""
        self._flag.wait(seconds)
        self.check()
