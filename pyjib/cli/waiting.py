"""Saying what is waited for, where nothing else is said for long."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from pyjib.cli.messages import tell, visible

LONG = 3.0
"""In seconds: who waits longer is told what for."""


class Waiting:
    """Writes what is waited for to stderr, once that has taken ``LONG`` seconds."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def tell(self, words: str) -> None:
        """Wait for something else from now on: ``words`` follow "waiting"."""
        self._end()
        self._timer = threading.Timer(LONG, tell, [visible(f"waiting {words}")])
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
