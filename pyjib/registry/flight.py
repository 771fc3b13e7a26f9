"""Doing a thing once although several threads ask for it at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SingleFlight(Generic[Key, Value]):
    """Lets one thread work on a key while others wait for what it returns or raises.

    Nothing is remembered: who asks after it is done does it again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Key, Future[Value]] = {}

    def do(self, key: Key, work: Callable[[], Value]) -> Value:
        """Return ``work()``, or what another thread's call for ``key`` comes to."""
        with self._lock:
            future = self._under_way.get(key)
            leads = future is None
            if future is None:
                future = self._under_way[key] = Future()
        if not leads:
            return future.result()
        try:
            value = work()
        except BaseException as error:
            self._land(key)
            future.set_exception(error)
            raise
        self._land(key)
        future.set_result(value)
        return value

    def _land(self, key: Key) -> None:
        with self._lock:
            del self._under_way[key]
