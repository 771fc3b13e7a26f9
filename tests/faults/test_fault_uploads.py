"""Faults 6 to 20, 48 and 49: uploads that break, move, stand still or are refused."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from pyjib.errors import CancelledError, TransportError
from pyjib.oci.blob import Blob
from pyjib.oci.reference import Reference
from pyjib.registry.calls import ladder, upload_session
from pyjib.registry.calls.uploads import Outcome
from pyjib.registry.transfer import push_image
from pyjib.serve import Fault, Moment, RegistryServer, Request
from tests.support.images import random_image
from tests.support.registry import blob_in
from tests.support.trouble import (
    MIB,
    SESSION,
    UPLOADS,
    WITH_BODY,
    Client,
    Stage,
    at,
    blob_of,
    name,
    seen,
)

pytestmark = pytest.mark.faults
KIB = 1024
BLOB = blob_of(3 * MIB)
NO_PUT = at(Moment.BEFORE, "PUT", SESSION, headers_match=WITH_BODY, status=405)
NOTHING_YET = (("Range", "0-0"),)
TOO_LARGE = at(Moment.BEFORE, "PUT", SESSION, headers_match=WITH_BODY, status=413)


def check_arrived(server: RegistryServer, it: Client, blob: Blob = BLOB) -> None:
    """Push a blob, and see that what is there are its bytes."""
    assert it.client.blob_push(name(server), blob) is Outcome.UPLOADED
    with blob.open() as reader:
        assert blob_in(server, "team/app", blob.descriptor.digest) == reader.read()


def moved(location: str) -> Fault:
    return at(Moment.AFTER, "POST", UPLOADS, answered=202, headers=(("Location", location),))


def ranges(server: RegistryServer) -> list[str | None]:
    return [exchange.headers.get("content-range") for exchange in seen(server, "PATCH")]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "CHUNK", 64 * KIB)


def test_fault_06_reset_within_put(stage: Stage) -> None:
    broken = at(Moment.DURING, "PUT", SESSION, received=MIB, drop=True, calls=(1, 1))
    server = stage.registry(broken)
    check_arrived(server, stage.client())
    assert [exchange.status for exchange in seen(server, "PUT")] == [0, 201]
    assert seen(server, "PUT")[0].received < 3 * MIB
    assert seen(server, "PUT")[1].received == 3 * MIB
    assert len(seen(server, "POST")) == 2


def test_fault_07_committed_but_never_said(stage: Stage) -> None:
    server = stage.registry(at(Moment.AFTER, "PUT", SESSION, drop=True))
    check_arrived(server, stage.client())
    assert len(seen(server, "PUT")) == 1
    assert [exchange.status for exchange in seen(server, "HEAD")] == [404, 200]


def test_fault_08_session_gone_on_patch(stage: Stage) -> None:
    gone = at(Moment.BEFORE, "PATCH", SESSION, status=404, calls=(1, 1))
    server = stage.registry(NO_PUT, gone)
    check_arrived(server, stage.client())
    assert [exchange.status for exchange in seen(server, "PATCH")] == [404, 202]
    assert len(seen(server, "POST")) == 3
    assert len(seen(server, "DELETE")) == 1  # of the one that took no PUT: the other is gone


def test_fault_09_416_with_range(stage: Stage, small_chunks: None) -> None:
    """A chunk arrives in part; the registry says where to go on, and that is where it goes on."""
    part = at(
        Moment.DURING,
        "PATCH",
        SESSION,
        received=1000,
        status=416,
        headers=(("Range", f"0-{64 * KIB + 999}"),),
        calls=(2, 2),
    )
    server = stage.registry(TOO_LARGE, part)
    check_arrived(server, stage.client(), blob_of(150 * KIB))
    places = [0, 65536, 66536, 132072]
    assert [int((text or "x").partition("-")[0]) for text in ranges(server)] == places
    assert seen(server, "GET", "uploads") == []


def test_fault_09_416_without_range(stage: Stage, small_chunks: None) -> None:
    part = at(Moment.DURING, "PATCH", SESSION, received=1000, status=416, calls=(2, 2))
    server = stage.registry(TOO_LARGE, part)
    check_arrived(server, stage.client(), blob_of(150 * KIB))
    assert len(seen(server, "GET", "uploads")) == 1
    assert [int((text or "x").partition("-")[0]) for text in ranges(server)][2] == 66536


@pytest.mark.parametrize("refusal", [NO_PUT, TOO_LARGE], ids=["stream", "chunks"])
@pytest.mark.parametrize("status", [201, 204])
def test_fault_10_patch_says_201(
    stage: Stage, small_chunks: None, refusal: Fault, status: int
) -> None:
    server = stage.registry(refusal, at(Moment.AFTER, "PATCH", SESSION, status=status))
    check_arrived(server, stage.client(), blob_of(150 * KIB))
    assert {exchange.status for exchange in seen(server, "PATCH")} == {status}
    assert len(seen(server, "PATCH")) == (1 if refusal is NO_PUT else 3)


def test_fault_11_range_stands_still(stage: Stage, small_chunks: None) -> None:
    """Three chunks are enough; then the blob goes in one PATCH, after which the status counts."""
    stuck = at(Moment.AFTER, "PATCH", SESSION, status=202, headers=(("Range", "0-0"),))
    server = stage.registry(TOO_LARGE, stuck)
    check_arrived(server, stage.client(), blob_of(150 * KIB))
    assert ranges(server) == ["0-65535", "0-65535", "0-65535", None]
    assert len(seen(server, "POST")) == 3
    assert len(seen(server, "DELETE")) == 2


def test_fault_11_no_way_is_left(stage: Stage, small_chunks: None) -> None:
    stuck = at(Moment.AFTER, "PATCH|GET", SESSION, status=202, headers=(("Range", "0-0"),))
    server = stage.registry(NO_PUT, stuck)
    with pytest.raises(Exception, match="405"):
        stage.client().client.blob_push(name(server), BLOB)
    assert len(seen(server, "PATCH")) == 4


@pytest.mark.parametrize("size", [1, 150 * KIB])
def test_fault_12_range_of_nothing(stage: Stage, small_chunks: None, size: int) -> None:
    server = stage.registry(TOO_LARGE, at(Moment.AFTER, "POST", UPLOADS, headers=NOTHING_YET))
    check_arrived(server, stage.client(), blob_of(size))
    assert (ranges(server)[0] or "").startswith("0-")
    assert len(ranges(server)) == -(-size // (64 * KIB))


def test_fault_12_range_of_nothing_after_a_break(stage: Stage, small_chunks: None) -> None:
    """The first chunk never came; the registry says so as it would of a single byte."""
    cut = at(Moment.BEFORE, "PATCH", SESSION, drop=True, calls=(1, 1))
    asked = at(Moment.AFTER, "GET", SESSION, headers=NOTHING_YET)
    server = stage.registry(TOO_LARGE, cut, asked)
    check_arrived(server, stage.client(), blob_of(150 * KIB))
    assert ranges(server) == ["0-65535", "0-65535", "65536-131071", "131072-153599"]
    assert len(seen(server, "GET", "uploads")) == 1


@pytest.mark.parametrize("shape", ["../../../../..{location}", "{location}", "{url}{location}"])
def test_fault_13_shapes_of_locations(stage: Stage, shape: str) -> None:
    server = stage.registry(moved(shape))
    check_arrived(server, stage.client())
    assert seen(server, "PUT")[0].path.startswith("/v2/team/app/blobs/uploads/")


def test_fault_14_signed_locations(stage: Stage) -> None:
    query = "_state=A+b%2f%2F=%3D&z=&sig=%2B+%zz~"
    server = stage.registry(moved(f"{{location}}?{query}"))
    check_arrived(server, stage.client())
    assert seen(server, "PUT")[0].query == f"{query}&digest={BLOB.descriptor.digest}"


def test_fault_15_no_location(stage: Stage) -> None:
    server = stage.registry(at(Moment.AFTER, "POST", UPLOADS, remove=frozenset({"location"})))
    with pytest.raises(TransportError, match="did not say where to"):
        stage.client().client.blob_push(name(server), BLOB)
    assert seen(server, "PUT") == []


def test_fault_16_location_elsewhere(stage: Stage) -> None:
    spy = stage.registry(at(Moment.BEFORE, "PUT", "**", status=201))
    server = stage.registry(moved(f"{spy.url}/up/1"), users={"me": "pw"})
    it = stage.client(login=(server.address, "me", "pw"))
    it.client.blob_push(name(server), BLOB)
    assert "authorization" in seen(server, "POST")[-1].headers
    assert [exchange.path for exchange in spy.journal] == ["/up/1"]
    assert "authorization" not in spy.journal[0].headers


def test_fault_17_location_inside(stage: Stage) -> None:
    spy = stage.registry()
    server = stage.registry(moved(f"{spy.url}/up/1"))
    relay = stage.relay(_8_8_8_8=server)
    it = stage.client(
        variables={"all_proxy": relay.url}, insecure=frozenset({"8.8.8.8:5000", "8.8.8.8"})
    )
    with pytest.raises(TransportError, match="private network"):
        it.client.blob_push(Reference.parse("8.8.8.8:5000/team/app:1"), BLOB)
    assert len(seen(server, "POST")) == 1
    assert spy.journal == ()


def test_fault_18_location_without_tls(stage: Stage) -> None:
    """The registry's own host is reached as before, any other in plain text not at all."""
    server = stage.registry()
    server.faults.add(moved(f"http://{server.address}{{location}}"))
    check_arrived(server, stage.client())
    if stage.tls:
        spy = stage.plain()
        server.faults.clear()
        server.faults.add(moved(f"{spy.url}/up/1"))
        with pytest.raises(TransportError, match="plain http"):
            stage.client().client.blob_push(name(server), blob_of(10))
        assert spy.journal == ()


def test_fault_19_mount_becomes_an_upload(stage: Stage) -> None:
    server = stage.registry()
    check_arrived(server, stage.client(), replace(BLOB, origin=name(server, "base/jre")))
    assert [exchange.query.partition("=")[0] for exchange in seen(server, "POST")] == ["mount"]
    assert len(seen(server, "PUT")) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_fault_20_mount_refused(stage: Stage, status: int) -> None:
    server = stage.registry(at(Moment.BEFORE, "POST", UPLOADS, query="mount=", status=status))
    check_arrived(server, stage.client(), replace(BLOB, origin=name(server, "base/jre")))
    assert [exchange.status for exchange in seen(server, "POST")] == [status, 202]
    assert seen(server, "POST")[1].query == ""


def test_fault_20_token_for_a_mount_refused(stage: Stage) -> None:
    """The registry wants more for the mount, and its token server will not have that."""
    server = stage.registry(users={"me": "pw"}, auth="token")
    more = f'Bearer realm="{server.url}/token",scope="repository:base/jre:pull,metadata"'
    server.faults.add(
        at(
            *(Moment.BEFORE, "POST", UPLOADS),
            query="mount=",
            status=401,
            headers=(("WWW-Authenticate", more),),
        ),
        at(Moment.BEFORE, "GET", "/token", query="metadata", status=422),
    )
    it = stage.client(login=(server.address, "me", "pw"))
    check_arrived(server, it, replace(BLOB, origin=name(server, "base/jre")))
    assert [exchange.status for exchange in seen(server, "POST")] == [401, 202]
    assert [exchange.status for exchange in seen(server, "GET", "/token")] == [200, 422, 200]


def test_fault_48_cancelled_within_a_push(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry lets each body wait for ten minutes, and takes a word of farewell at once."""
    monkeypatch.setattr(upload_session, "_CANCEL_PATIENCE", 10.0)  # this machine may be busy
    server = stage.registry()
    it = stage.client()
    came: list[tuple[str, str]] = []
    is_over = threading.Event()

    def cancel(request: Request) -> None:
        came.append((request.method, request.path))
        if request.method == "PUT":
            it.cancellation.cancel()
            is_over.wait(600)

    server.intercept = cancel
    image = random_image(1, layers=3, size=8 * MIB)
    began = time.monotonic()
    with pytest.raises(CancelledError):
        push_image(
            it.client,
            image,
            name(server),
            (),
            jobs=4,
            listener=it.events.append,
            cancellation=it.cancellation,
        )
    took = time.monotonic() - began
    is_over.set()
    assert took < 100  # and not for as long as the uploads would take
    opened, deleted = (
        {path for how, path in came if how == method} for method in ("PUT", "DELETE")
    )
    assert opened
    assert opened <= deleted
    assert not [path for path in opened if "manifests" in path]


def test_fault_49_413_on_put(stage: Stage) -> None:
    """A proxy that takes less than a million bytes at once: the chunks become that small."""
    large = {"content-length": "^[0-9]{7,}$"}
    limit = at(Moment.BEFORE, "PUT|PATCH", SESSION, headers_match=large, status=413)
    server = stage.registry(limit)
    it = stage.client()
    check_arrived(server, it)
    assert len(seen(server, "POST")) == 2
    sizes = [exchange.received for exchange in seen(server, "PATCH") if exchange.status == 202]
    assert sum(sizes) == 3 * MIB
    assert max(sizes) < 10**6
    server.clear_journal()
    check_arrived(server, it, blob_of(3 * MIB, seed=8))
    assert {exchange.status for exchange in server.journal} == {404, 202, 201}
