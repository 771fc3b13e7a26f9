"""A client's lifetime ends with the build, or on its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from pyjib.cancellation import Cancellation
from pyjib.errors import CancelledError
from pyjib.registry.lifetime import Lifetime

LIMIT = 30.0


def ends(build: Cancellation, lifetime: Lifetime) -> list[Callable[[], None]]:
    return [build.cancel, lifetime.cancel, lifetime.end]


@pytest.mark.parametrize("way", range(3))
def test_all_that_ends_it(way: int) -> None:
    build = Cancellation()
    lifetime = Lifetime(build)
    lifetime.check()
    lifetime.wait(0)
    before = lifetime.cancelled
    ends(build, lifetime)[way]()
    assert (before, lifetime.cancelled) == (False, True)
    assert build.cancelled is (way < 2), "a closed client ends nothing else"
    with pytest.raises(CancelledError):
        lifetime.check()
    began = time.monotonic()
    with pytest.raises(CancelledError):
        lifetime.wait(600)
    assert time.monotonic() - began < LIMIT


@pytest.mark.parametrize("way", range(3))
def test_who_sleeps_wakes(way: int) -> None:
    build = Cancellation()
    lifetime = Lifetime(build)
    timer = threading.Timer(0.05, ends(build, lifetime)[way])
    timer.start()
    began = time.monotonic()
    with pytest.raises(CancelledError):
        lifetime.wait(600)
    timer.join()
    assert time.monotonic() - began < LIMIT


def test_sleeping_takes_its_time() -> None:
    began = time.monotonic()
    Lifetime(Cancellation()).wait(0.15)
    assert time.monotonic() - began >= 0.15
