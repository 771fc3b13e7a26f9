"""Waiting for what cannot be woken: another thread does it, and is left behind if it must be.

No thread can be ended by another one, and some calls of the system (looking names up, reading
from a pipe on Windows) give way to nothing. So the caller only waits for the thread that makes
them, and looks up now and then.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

SLICE = 0.1
"""Seconds between two looks at whether to give up."""

T = TypeVar("T")


def apart(
    act: Callable[[], T], glance: Callable[[], float | None], *, name: str, grace: float = 0
) -> T:
    """Do ``act`` in a thread of its own, and return or raise what it does.

    ``glance`` is called before each wait and returns its length in seconds (``SLICE`` for
    ``None``); what it raises is raised, after the thread was given ``grace`` seconds to end.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(act())
        except BaseException as error:  # noqa: BLE001  raised again by who waits
            done.set_exception(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        while not done.done():
            seconds = glance()
            with contextlib.suppress(TimeoutError):
                done.exception(timeout=SLICE if seconds is None else seconds)
    except BaseException:
        thread.join(grace)
        raise
    return done.result()
