"""Ctrl-C: the first asks the work to stop, the second does not ask."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn, TypeVar

from pyjib.cancellation import Cancellation
from pyjib.cli.messages import tell
from pyjib.errors import CancelledError

T = TypeVar("T")
_SIGNALS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
    if hasattr(signal, name)
]
_GLANCE = 0.2
GRACE = 2.0
"""Seconds that cancelled work is given: connections notice in a tenth of one, programs that were
started take half of one, and uploads one to tell their registries. Files are written under other
names than their own until the end."""


def run_cancellable(
    work: Callable[[Cancellation], T],
    *,
    notice: Callable[[], None] = lambda: None,
    abandon: Callable[[], None] = lambda: None,
    cancellation: Cancellation | None = None,
) -> T:
    """Do ``work`` in a thread, and return or raise what it does.

    Ctrl-C, SIGTERM and SIGHUP set the cancellation that work is given, and call ``notice``; work
    that then fails raises ``CancelledError``. Once more, or after ``GRACE`` seconds, the process
    ends at once, after a call of ``abandon``. The main thread is kept free for this, since on Windows
    a thread that waits for another hears no signal. ``cancellation`` is one that others know of.
    """
    cancellation = cancellation or Cancellation()
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work(cancellation))
        except BaseException as error:  # noqa: BLE001  raised again in the main thread
            done.set_exception(error)

    thread = threading.Thread(target=run, name="pyjib-work", daemon=True)
    with _heeding(cancellation, notice, abandon) as interrupted:
        thread.start()
        while thread.is_alive():
            thread.join(_GLANCE)
            if interrupted.seconds_ago > GRACE:
                abandon()
                tell("cancelled")
                _end_at_once()
    if interrupted.at is not None and done.exception() is not None:
        raise CancelledError("cancelled") from done.exception()
    return done.result()


def _end_at_once() -> NoReturn:
    # Imported here it would make every start slower; and what was not imported runs nothing.
    programs = sys.modules.get("pyjib.programs")
    if programs is not None:
        programs.end_all()
    os._exit(CancelledError.exit_code)


@dataclass(slots=True)
class _Interrupted:
    """When the first signal came, by the monotonic clock."""

    at: float | None = None

    @property
    def seconds_ago(self) -> float:
        return 0.0 if self.at is None else time.monotonic() - self.at


def _is_heeded(number: int) -> bool:
    """Tell whether a signal is for us: nohup ignores the end of its terminal on purpose."""
    return number != getattr(signal, "SIGHUP", None) or signal.getsignal(number) != signal.SIG_IGN


@contextmanager
def _heeding(
    cancellation: Cancellation, notice: Callable[[], None], abandon: Callable[[], None]
) -> Iterator[_Interrupted]:
    """Handle signals in the block, and tell whether there was one."""
    interrupted = _Interrupted()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a handler
        if interrupted.at is not None:
            abandon()
            _end_at_once()
        interrupted.at = time.monotonic()
        cancellation.cancel()
        with suppress(OSError, ValueError):  # the terminal may be gone
            notice()

    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # only the main thread may have handlers: somebody else has them
        return
    before = {number: signal.signal(number, handle) for number in _SIGNALS if _is_heeded(number)}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
