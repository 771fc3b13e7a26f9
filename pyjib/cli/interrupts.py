"""Signals that end a command: the first asks the work to stop, the second does not ask.

In the end the process dies by the signal itself, as git and curl do, and not by an exit code: a
shell that runs a script, make and docker see then that the command was ended and did not fail.
"""

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
_KEYS = {getattr(signal, name) for name in ("SIGINT", "SIGBREAK") if hasattr(signal, name)}
"""Those that a terminal sends for a key."""
_GLANCE = 0.2
GRACE = 2.0
"""Seconds that cancelled work is given: connections notice in a tenth of one, programs that were
started take half of one, and uploads one to tell their registries. Files are written under other
names than their own until the end."""


class EndedError(CancelledError):
    """A signal asked the process to end; ``exit_code`` is 128 and its number, as in a shell."""

    def __init__(self, number: int) -> None:
        is_key = number in _KEYS
        super().__init__("cancelled" if is_key else f"ended by {signal.Signals(number).name}")
        self.exit_code = CancelledError.exit_code if is_key else 128 + number


def run_cancellable(
    work: Callable[[Cancellation], T],
    *,
    notice: Callable[[str], None] = lambda text: None,  # noqa: ARG005  told nobody
    abandon: Callable[[], None] = lambda: None,
    cancellation: Cancellation | None = None,
) -> T:
    """Do ``work`` in a thread, and return or raise what it does.

    Ctrl-C, SIGTERM and SIGHUP set the cancellation that work is given, and call ``notice`` with
    what is to be told of that; work that then fails raises ``EndedError``. Once more, or after
    ``GRACE`` seconds, the process ends at once, after a call of ``abandon``. The main thread is
    kept free for this, since on Windows a thread that waits for another hears no signal.
    ``cancellation`` is one that others know of.
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
                ended = EndedError(interrupted.number)
                tell(ended.message)
                _end_at_once(ended)
    if interrupted.at is not None and done.exception() is not None:
        raise EndedError(interrupted.number) from done.exception()
    return done.result()


def die(code: int) -> NoReturn:
    """End the process at once: by the signal that ``code`` stands for, where it can be.

    It cannot on Windows, and the kernel keeps signals that nobody handles from process 1, which
    pyjib is in a container that runs nothing else: then, and for other codes, with ``code``.
    """
    if sys.platform != "win32" and code > 128:
        with suppress(OSError, ValueError):  # no signal, or not the main thread
            signal.signal(code - 128, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [code - 128])
            signal.raise_signal(code - 128)
    os._exit(code)


def _end_at_once(ended: EndedError) -> NoReturn:
    # Imported here it would make every start slower; and what was not imported runs nothing.
    programs = sys.modules.get("pyjib.programs")
    if programs is not None:
        programs.end_all()
    die(ended.exit_code)


@dataclass(slots=True)
class _Interrupted:
    """When the first signal came, by the monotonic clock, and which it was."""

    at: float | None = None
    number: int = signal.SIGINT

    @property
    def seconds_ago(self) -> float:
        return 0.0 if self.at is None else time.monotonic() - self.at


def _is_heeded(number: int) -> bool:
    """Tell whether a signal is for us: nohup ignores the end of its terminal on purpose."""
    return number != getattr(signal, "SIGHUP", None) or signal.getsignal(number) != signal.SIG_IGN


def _stopping(number: int) -> str:
    if number in _KEYS:
        return "stopping; press Ctrl-C again to stop at once"
    return f"stopping, as {signal.Signals(number).name} asks; a second one stops at once"


@contextmanager
def _heeding(
    cancellation: Cancellation, notice: Callable[[str], None], abandon: Callable[[], None]
) -> Iterator[_Interrupted]:
    """Handle signals in the block, and tell whether there was one."""
    interrupted = _Interrupted()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a handler
        if interrupted.at is not None:
            abandon()
            _end_at_once(EndedError(number))
        interrupted.at, interrupted.number = time.monotonic(), number
        cancellation.cancel()
        with suppress(OSError, ValueError):  # the terminal may be gone
            notice(_stopping(number))

    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # only the main thread may have handlers: somebody else has them
        return
    before = {number: signal.signal(number, handle) for number in _SIGNALS if _is_heeded(number)}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
