"""Bytes on their way from the thread that makes them to the one that sends them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeAlias

from pyjib.patience import SLICE
from pyjib.registry.calls.upload_body import PIECE

MOST = 8 * 1024 * 1024
"""How many bytes may wait to be taken."""
GRACE = 0.1
"""Seconds that a writer waits for a pipe to flow: asking a registry twice takes about that."""
STALL = 10.0
"""Seconds that a writer waits for anything to be taken."""

Piece: TypeAlias = bytes | bytearray


class BrokenOffError(Exception):
    """Nothing comes out of a pipe any more, and its end never came."""


class Pipe:
    """Holds ``MOST`` bytes, or one larger piece; one thread writes, another one takes.

    What does not fit within ``GRACE`` seconds before the pipe flows breaks it off; from then on
    the writer waits, and breaks it off as ``stalled`` if nothing at all is taken for ``STALL``
    seconds. A pipe that is broken off swallows what is written, and raises ``BrokenOffError`` in
    who takes. ``check`` is called by whoever waits, and may raise to give up.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self.written = 0
        self.stalled = False
        self._check = check
        self._changed = threading.Condition()
        self._pieces: deque[Piece] = deque()
        self._waiting = 0
        self._taken = 0
        self._flows = self._ended = self._broken = False

    @property
    def broken(self) -> bool:
        """Tell whether the pipe was broken off."""
        return self._broken

    def write(self, piece: Piece) -> None:
        """Hand over bytes that nobody changes any more."""
        with self._changed:
            if not piece or not self._has_room(len(piece)):
                return
            self._pieces.append(piece)
            self._waiting += len(piece)
            self.written += len(piece)
            self._changed.notify_all()

    def flow(self) -> None:
        """Say that bytes will be taken from now on."""
        with self._changed:
            if self._broken:
                raise BrokenOffError
            self._flows = True
            self._changed.notify_all()

    def end(self) -> None:
        """Say that there are no more bytes."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def break_off(self) -> None:
        """Let no byte out any more, and forget those that are waiting."""
        with self._changed:
            self._broken = True
            self._pieces.clear()
            self._waiting = 0
            self._changed.notify_all()

    def chunks(self) -> Iterator[memoryview]:
        """Yield what is written as it comes, at most ``PIECE`` bytes at a time, until its end."""
        while (piece := self._next()) is not None:
            view = memoryview(piece)
            for start in range(0, len(view), PIECE):
                if self._broken:
                    raise BrokenOffError
                yield view[start : start + PIECE]
                self._taken += 1

    def _has_room(self, count: int) -> bool:
        """Wait until there is room; false if the pipe is broken off, or was because of this."""
        seen, until = None, 0.0
        while self._pieces and self._waiting + count > MOST and not self._broken:
            now, state = time.monotonic(), (self._flows, self._taken)
            if state != seen:
                seen, until = state, now + (STALL if self._flows else GRACE)
            if now >= until:
                self.stalled = self._flows
                self.break_off()
                break
            self._changed.wait(min(SLICE, until - now))
            self._check()
        return not self._broken

    def _next(self) -> Piece | None:
        with self._changed:
            while not (self._pieces or self._ended or self._broken):
                self._changed.wait(SLICE)
                self._check()
            if self._broken:
                raise BrokenOffError
            if not self._pieces:
                return None
            piece = self._pieces.popleft()
            self._waiting -= len(piece)
            self._changed.notify_all()
            return piece
