"""Ctrl-C: the first asks the work to stop, the second does not ask."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from pyjib.cancellation import Cancellation
from pyjib.errors import CancelledError

T = TypeVar("T")
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
]
_GLANCE = 0.2


def run_cancellable(
    work: Callable[[Cancellation], T],
    *,
    notice: Callable[[], None] = lambda: None,
    abandon: Callable[[], None] = lambda: None,
) -> T:
    """Do ``work`` in a thread, and return or raise what it does.

    Ctrl-C and SIGTERM set the cancellation that work is given, and call ``notice``; work that
    then fails raises ``CancelledError``. Once more, and the process ends at once, after a call
    of ``abandon``. The main thread is kept free for this, since on Windows a thread that waits
    for another hears no signal.
    """
    cancellation = Cancellation()
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
    if interrupted.is_set() and done.exception() is not None:
        raise CancelledError("cancelled") from done.exception()
    return done.result()


@contextmanager
def _heeding(
    cancellation: Cancellation, notice: Callable[[], None], abandon: Callable[[], None]
) -> Iterator[threading.Event]:
    """Handle signals in the block; the event tells whether there was one."""
    interrupted = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  a handler
        if interrupted.is_set():
            abandon()
            os._exit(CancelledError.exit_code)
        interrupted.set()
        cancellation.cancel()
        notice()

    if threading.current_thread() is not threading.main_thread():
        yield interrupted  # only the main thread may have handlers: somebody else has them
        return
    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
