"""Faults 1 to 5: a registry that is busy."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from pyjib.errors import RateLimitedError
from pyjib.events import RetryScheduled
from pyjib.oci.digest import Digest
from pyjib.registry.net import retry
from pyjib.serve import Fault, Moment
from tests.support.registry import blob_in
from tests.support.trouble import UPLOADS, Stage, at, blob_of, name, seen

pytestmark = pytest.mark.faults
BLOB = blob_of(1000)


def busy(**more: Any) -> Fault:
    return at(Moment.BEFORE, "POST", UPLOADS, status=429, **more)


def test_fault_01_503_twice_on_post(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits grow, up to where chance would have them; they are made longer, to be told."""
    monkeypatch.setattr(retry.random, "uniform", lambda least, most: 100 * most)
    server = stage.registry(at(Moment.BEFORE, "POST", UPLOADS, status=503, calls=(1, 2)))
    it = stage.client()
    it.client.blob_push(name(server), BLOB)
    assert [exchange.status for exchange in seen(server, "POST")] == [503, 503, 202]
    retries = [(event.attempt, event.delay) for event in it.of(RetryScheduled)]
    assert retries == [(2, 50.0), (3, 200.0)]
    assert [round(wait, -1) for wait in it.waits[:2]] == [50.0, 200.0]
    assert blob_in(server, "team/app", BLOB.descriptor.digest)


def check_wait(stage: Stage, fault: Fault) -> None:
    """Another thread that comes during the wait has to wait as well: the host asked for it."""
    server = stage.registry(fault)
    others: list[int | None] = []

    def meanwhile(seconds: float) -> None:
        if threading.current_thread() is threading.main_thread() and len(it.waits) == 1:
            other = threading.Thread(
                target=lambda: others.append(
                    it.client.blob_head(name(server), Digest.of(b"another"))
                )
            )
            other.start()
            other.join()

    it = stage.client(wait=meanwhile)
    it.client.blob_push(name(server), BLOB)
    assert others == [None]
    assert it.of(RetryScheduled)[0].delay >= 2
    assert len(it.waits) >= 2
    assert all(wait > 1.5 for wait in it.waits[:2])
    assert [exchange.status for exchange in seen(server, "POST")] == [429, 202]


def test_fault_02_429_with_seconds(stage: Stage) -> None:
    check_wait(stage, busy(headers=(("Retry-After", "2"),), calls=(1, 1)))


def test_fault_03_429_with_a_date(stage: Stage) -> None:
    date = ("Date", "Wed, 01 May 2024 12:00:00 GMT")
    when = ("Retry-After", "Wed, 01 May 2024 12:00:02 GMT")
    check_wait(stage, busy(headers=(date, when), calls=(1, 1)))


def test_fault_04_429_for_an_hour(stage: Stage) -> None:
    server = stage.registry(busy(headers=(("Retry-After", "3600"),)))
    it = stage.client()
    with pytest.raises(RateLimitedError) as caught:
        it.client.blob_push(name(server), BLOB)
    assert len(seen(server, "POST")) == 1
    assert caught.value.retry_after == 3600
    assert "60 minutes" in (caught.value.hint or "")
    assert it.waits == []


def test_fault_05_429_in_plain_text(stage: Stage) -> None:
    text = b"toomanyrequests: You have reached your pull rate limit"
    server = stage.registry(busy(body=text, headers=(("Content-Type", "text/plain"),)))
    it = stage.client(attempts=2)
    with pytest.raises(RateLimitedError, match="You have reached your pull rate limit"):
        it.client.blob_push(name(server), BLOB)
    assert len(seen(server, "POST")) == 2
