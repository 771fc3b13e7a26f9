"""Faults 46, 47 and 50: servers that stall, hang up between requests, or shout."""

from __future__ import annotations

import select
import time

import pytest

from pyjib.events import RetryScheduled, Warned
from pyjib.oci.digest import Digest
from pyjib.registry.calls import blobs
from pyjib.serve import Limits, Moment, Rules
from tests.support.registry import put_blob
from tests.support.trouble import BLOBS, MIB, UPLOADS, Stage, at, blob_of, name, seen

pytestmark = pytest.mark.faults
BLOB = blob_of(2 * MIB)


def test_fault_46_stall_within_a_body(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The patience of a minute is shortened; the server would have let two pass."""
    monkeypatch.setattr(blobs, "_PATIENCE", 0.1)
    stalled = at(Moment.AFTER, "GET", BLOBS, stall=120.0, stall_at=MIB, calls=(1, 1))
    server = stage.registry(stalled)
    put_blob(server, "team/app", BLOB)
    it = stage.client()
    began = time.monotonic()
    data = b"".join(it.client.blob_chunks(name(server), BLOB.descriptor))
    assert Digest.of(data) == BLOB.descriptor.digest
    assert time.monotonic() - began < 100
    assert len(it.of(RetryScheduled)) == 1
    ranges = [one.headers.get("range") for one in seen(server, "GET", "blobs")]
    assert None in ranges
    assert len(ranges) == 2 or ranges == [f"bytes={MIB}-"]


def test_fault_47_idle_connection_closed(stage: Stage) -> None:
    """The server hangs up after a moment without a request; nobody notices."""
    server = stage.registry(rules=Rules(limits=Limits(head=0.05)))
    put_blob(server, "team/app", BLOB)
    it = stage.client()
    digest = BLOB.descriptor.digest
    assert it.client.blob_head(name(server), digest) == 2 * MIB
    select.select([], [], [], 0.1)
    assert it.client.blob_head(name(server), digest) == 2 * MIB


def test_fault_47_hung_up_on_arrival(stage: Stage) -> None:
    server = stage.registry(at(Moment.BEFORE, "HEAD", BLOBS, drop=True, calls=(2, 2)))
    put_blob(server, "team/app", BLOB)
    it = stage.client()
    digest = BLOB.descriptor.digest
    assert [it.client.blob_head(name(server), digest) for _ in range(2)] == [2 * MIB] * 2
    assert [one.status for one in seen(server, "HEAD")] == [200, 0, 200]


def test_fault_50_warnings(stage: Stage) -> None:
    lines = ['299 - "old \x1b[31mregistry"'] * 20 + ["odd", '299 - "' + "x" * 5000 + '"']
    shout = at(Moment.AFTER, "POST", UPLOADS, headers=tuple(("Warning", line) for line in lines))
    server = stage.registry(shout)
    it = stage.client()
    for repository in ("team/app", "team/other"):
        it.client.blob_push(name(server, repository), BLOB)
    assert [event.message for event in it.of(Warned)] == [
        f"{server.address} says: old [31mregistry"
    ]
