"""Fuzzing by structure: valid documents, damaged in ways that readers trip over.

``PYJIB_FUZZ_MINUTES`` says how long each target is at it, in minutes of processor time, with other
examples every time; without it the examples are few, and always the same.
"""

from __future__ import annotations

import json
import os
import signal
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from pyjib.errors import PyjibError

MINUTES = float(os.environ.get("PYJIB_FUZZ_MINUTES", "0"))
fuzz = settings(
    max_examples=1000 if MINUTES else 60,
    derandomize=not MINUTES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

T = TypeVar("T")
_MIB = 1 << 20
_LONGEST = 300_000
_LONGEST_READING = 20.0
_HUGE = 10**3000
_TOKENS = (
    *(b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\r\n", b"\t", b"/", b".."),
    *(b"9" * 5000, b"-1", b"0", b"1e999", b"NaN", b"4294967295", b"18446744073709551615"),
    *(b'"', b"\\", b"\\ud800", b"A" * 70_000, b"[" * 3000, b"{" * 3000, b'{"a":' * 3000),
)


@dataclass
class Count:
    """How often readers were called, and for how many seconds of processor time."""

    readings: int = 0
    seconds: float = 0.0


count = Count()


def for_minutes(test: Callable[[], object]) -> Count:
    """Run a test again and again for ``MINUTES``, at least once; return what that came to."""
    before, start = count.readings, time.process_time()
    while True:
        test()
        seconds = time.process_time() - start
        if seconds >= MINUTES * 60:
            return Count(readings=count.readings - before, seconds=seconds)


def survives(
    reader: Callable[..., T],
    *arguments: Any,
    mebibytes: int = 24,
    signals: tuple[type[Exception], ...] = (),
) -> T | None:
    """Call a reader: a ``PyjibError`` with a message is an answer, any other error is not.

    Unless it is one of ``signals``, which what calls this reader knows how to take.

    Fails if it takes more memory at once than so many MiB, or goes on for ever.
    """
    count.readings += 1
    tracemalloc.start()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    try:
        with _in_time():
            found, message = reader(*arguments), "read"
    except PyjibError as error:
        found, message = None, error.message
    except signals as told:
        found, message = None, type(told).__name__
    peak = tracemalloc.get_traced_memory()[1] - before
    if not MINUTES:  # CPython 3.11 loses memory at each stop, gigabytes in ten minutes
        tracemalloc.stop()
    assert peak < mebibytes * _MIB, f"{peak} bytes of memory"
    assert message.strip()
    assert len(message) < _MIB
    return found


@contextmanager
def _in_time() -> Iterator[None]:
    """Interrupt what has taken the processor for 20 seconds, where there are such timers."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.signal(signal.SIGVTALRM, _too_slow)
    signal.setitimer(signal.ITIMER_VIRTUAL, _LONGEST_READING)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _too_slow(_number: int, _frame: object) -> None:
    raise AssertionError(f"more than {_LONGEST_READING} seconds")


@st.composite
def damaged(draw: st.DrawFn, seeds: Sequence[bytes], tokens: Sequence[bytes] = ()) -> bytes:
    """Return one of ``seeds``, damaged up to four times; ``tokens`` are put in too."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        data = _damage(draw, data, seeds, (*_TOKENS, *tokens, *tokens))[:_LONGEST]
    return data


def _damage(draw: st.DrawFn, data: bytes, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:  # noqa: PLR0911
    start = draw(st.integers(0, len(data)))
    end = min(len(data), start + draw(st.sampled_from((1, 1, 2, 4, 8, 40, 512, 3000))))
    how = draw(st.integers(0, 7))
    if how == 0:
        return data[:start]
    if how == 1:
        return data[:start] + data[end:]
    if how == 2:
        return data[:end] + data[start:end] * draw(st.sampled_from((1, 2, 1000))) + data[end:]
    if how == 3:
        return data[:start] + draw(st.sampled_from(tokens)) + data[start:]
    if how == 4:
        return data[:start] + draw(st.sampled_from(tokens)) + data[end:]
    if how == 5:
        return data[:start] + draw(st.sampled_from(seeds))[start:]
    if how == 6:
        return (
            data[:start] + draw(st.binary(min_size=end - start, max_size=end - start)) + data[end:]
        )
    flipped = bytes(byte ^ (1 << draw(st.integers(0, 7))) for byte in data[start : start + 1])
    return data[:start] + flipped + data[start + 1 :]


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


_ODD = st.sampled_from(
    (
        *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), _HUGE, 0.5, -0.0),
        *(float("inf"), float("nan"), "", " ", "\0", "a\nb", "\ud800", "\U0001f600", "é", "*" * 40),
        *("=", ":", "/", "../..", "sha256:", "a" * 5000, [], {}, [[]], [None], {"": None}),
        *({"a": {}}, ["\ud800"], [1, "a"], {"a": 1}, {"\ud800": "b"}, _nested(90), _nested(400)),
    )
) | st.text(max_size=12)


@st.composite
def odd_json(draw: st.DrawFn, documents: Sequence[Any]) -> Any:
    """Return one of ``documents`` with up to three values replaced, removed, moved or renamed."""
    document = deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(0, 3))):
        holders = [holder for holder in _holders(document) if holder]
        if not holders:
            break
        _change(draw, draw(st.sampled_from(holders)))
    return document


def odd_json_bytes(documents: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """Return ``odd_json`` as bytes, some of them damaged as bytes."""
    whole = odd_json(documents).map(lambda value: json.dumps(value).encode()[: 10 * _LONGEST])
    return whole | damaged([json.dumps(document).encode() for document in documents])


def _holders(value: Any) -> list[Any]:
    if not isinstance(value, dict | list):
        return []
    found = [value]
    pending = [value]
    while pending and len(found) < 500:
        one = pending.pop()
        below = one.values() if isinstance(one, dict) else one
        below = [item for item in below if isinstance(item, dict | list)]
        found += below
        pending += below
    return found


def _change(draw: st.DrawFn, holder: Any) -> None:
    key = draw(
        st.sampled_from(sorted(holder, key=str) if isinstance(holder, dict) else range(len(holder)))
    )
    how = draw(st.integers(0, 5))
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, dict):
        holder[draw(st.sampled_from(("", "\ud800", "a" * 5000, f" {key}", str(key).upper())))] = (
            holder[key]
        )
    elif how == 1:
        holder += [holder[key]] * draw(st.sampled_from((1, 50)))
    elif how == 2 and isinstance(holder[key], str):
        text = holder[key]
        place = draw(st.integers(0, len(text)))
        holder[key] = text[:place] + draw(st.text(max_size=3)) + text[place:]
    else:
        holder[key] = deepcopy(draw(_ODD))
