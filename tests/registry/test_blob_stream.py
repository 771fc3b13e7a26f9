"""Blobs that are sent while they are made: they arrive whole, by the stream or after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from pyjib.errors import CancelledError, DigestMismatchError
from pyjib.events import (
    Direction,
    Event,
    RetryScheduled,
    TransferAbandoned,
    TransferFinished,
    TransferNamed,
    TransferProgress,
    TransferStarted,
)
from pyjib.oci.blob import Blob
from pyjib.oci.reference import Reference
from pyjib.registry.calls import blob_stream, pipe, streams
from pyjib.registry.calls.blob_stream import BlobStream
from pyjib.registry.calls.uploads import Outcome
from pyjib.serve import Fault, Moment, RegistryServer, Request, Response
from tests.support.clients import make_certificate
from tests.support.images import random_image
from tests.support.registry import blob_in, put_image
from tests.support.silence import silent_server
from tests.support.trouble import MIB, SESSION, UPLOADS, Client, Stage, at, blob_of, name, seen

LIMIT = 30.0
BLOB = blob_of(3 * MIB)
DIGEST = BLOB.descriptor.digest
TAGS, POST, PATCH, PUT = (
    "GET /v2/team/app/tags/list?n=1 404",
    "POST /v2/team/app/blobs/uploads/ 202",
    "PATCH session 202",
    f"PUT session?digest={DIGEST} 201",
)
AGAIN = [
    f"HEAD /v2/team/app/blobs/{DIGEST} 404",
    POST,
    PUT,
]


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage(None) as opened:
        yield opened


def bytes_of(blob: Blob) -> bytes:
    with blob.open() as reader:
        return reader.read()


def write(stream: BlobStream, blob: Blob = BLOB, piece: int = 256 * 1024) -> None:
    data = bytes_of(blob)
    for start in range(0, len(data), piece):
        stream.write(data[start : start + piece])


def sent(it: Client, server: RegistryServer, blob: Blob = BLOB) -> Outcome:
    """Stream a blob and push it, as a build does."""
    stream = it.client.blob_stream(name(server))
    write(stream, blob)
    stream.finish(blob.descriptor)
    return it.client.blob_push(name(server), blob)


def check_arrived(server: RegistryServer, blob: Blob = BLOB) -> None:
    assert blob_in(server, "team/app", blob.descriptor.digest) == bytes_of(blob)


def requests(server: RegistryServer) -> list[str]:
    """What was asked and answered, but for the probe, and for sessions that were cancelled."""
    found = []
    for one in server.journal:
        session = one.path.partition("/blobs/uploads/")[2]
        where = "session" if session else one.path
        query = f"?{one.query}" if one.query else ""
        if one.path != "/v2/" and one.method != "DELETE":
            found.append(f"{one.method} {where}{query} {one.status}")
    return found


def moves(it: Client) -> list[str]:
    """What the transfers of a client are told to have done, but for their progress."""
    kinds = (TransferStarted, TransferNamed, TransferFinished, TransferAbandoned)
    return [type(event).__name__ for event in it.events if isinstance(event, kinds)]


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "pyjib-stream"]


def wait_until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.005)


def taken(server: RegistryServer) -> Callable[[], bool]:
    """Return what tells whether an upload has begun."""
    return lambda: bool(seen(server, "POST"))


# What works


@pytest.mark.parametrize("tls", [False, True])
def test_a_blob_goes_while_it_is_made(tls: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    certificate = make_certificate(tmp_path_factory.mktemp("certificate")) if tls else None
    with Stage(certificate) as stage:
        server, it = stage.registry(), stage.client()
        assert sent(it, server) is Outcome.UPLOADED
        assert requests(server) == [TAGS, POST, PATCH, PUT]
        (patch,) = seen(server, "PATCH")
        assert patch.headers["transfer-encoding"] == "chunked"
        assert patch.headers["content-type"] == "application/octet-stream"
        assert not {"content-length", "content-range"} & set(patch.headers)
        check_arrived(server)


def test_what_is_told_of_it(stage: Stage) -> None:
    server, it = stage.registry(), stage.client()
    stream = it.client.blob_stream(name(server))
    write(stream)
    wait_until(lambda: bool(it.of(TransferProgress)))
    stream.finish(BLOB.descriptor)
    it.client.blob_push(name(server), BLOB)
    assert moves(it) == ["TransferStarted", "TransferNamed", "TransferFinished"]
    (begun,), (named,), (ended,) = (
        it.of(TransferStarted),
        it.of(TransferNamed),
        it.of(TransferFinished),
    )
    assert {begun.key, named.key, ended.key} == {begun.key}
    assert (begun.direction, begun.total) == (Direction.PUSH, None)
    assert (named.label, named.total) == (f"layer {DIGEST.short}", BLOB.descriptor.size)
    assert ended.size == BLOB.descriptor.size
    done = [event.done for event in it.of(TransferProgress)]
    assert done == sorted(done)
    assert done[-1] == BLOB.descriptor.size


def test_pieces_of_all_kinds_and_sizes(stage: Stage) -> None:
    server, it = stage.registry(), stage.client()
    stream = it.client.blob_stream(name(server))
    blob = Blob.of_bytes(b"a" + b"b" * (9 * MIB) + b"cd", "x/y")
    for piece in (b"", b"a", bytearray(), bytearray(b"b" * (9 * MIB)), b"c", b"", bytearray(b"d")):
        stream.write(piece)
        wait_until(taken(server))
    stream.finish(blob.descriptor)
    assert it.client.blob_push(name(server), blob) is Outcome.UPLOADED
    check_arrived(server, blob)


def test_several_at_once_ask_once(stage: Stage) -> None:
    server, it = stage.registry(), stage.client()
    blobs = [blob_of(MIB + seed, seed) for seed in range(4)]
    opened = [it.client.blob_stream(name(server)) for _ in blobs]
    workers = [
        threading.Thread(target=write, args=(stream, blob))
        for stream, blob in zip(opened, blobs, strict=True)
    ]
    for worker in workers:
        worker.start()
    for worker, stream, blob in zip(workers, opened, blobs, strict=True):
        worker.join()
        stream.finish(blob.descriptor)
    assert {it.client.blob_push(name(server), blob) for blob in blobs} == {Outcome.UPLOADED}
    asked = [line.partition(" ")[0] for line in requests(server)]
    assert sorted(asked) == ["GET", *["PATCH"] * 4, *["POST"] * 4, *["PUT"] * 4]
    for blob in blobs:
        check_arrived(server, blob)


def test_a_blob_that_comes_twice_goes_once(stage: Stage) -> None:
    server, it = stage.registry(), stage.client()
    one, other = it.client.blob_stream(name(server)), it.client.blob_stream(name(server))
    for stream in (one, other):
        write(stream)
        stream.finish(BLOB.descriptor)
    assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    it.client.close()
    assert len(seen(server, "PUT")) == 1
    check_arrived(server)


def test_a_registry_that_lost_it_is_asked_again(stage: Stage) -> None:
    server, it = stage.registry(), stage.client()
    sent(it, server)
    assert server.collect_garbage(0)
    assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    assert requests(server) == [TAGS, POST, PATCH, PUT, *AGAIN]


@pytest.mark.parametrize("body", [b"{}", b'{"tags": null}', b'{"name": "team/app", "tags": []}'])
def test_a_repository_without_tags_is_new(stage: Stage, body: bytes) -> None:
    server = stage.registry(at(Moment.BEFORE, "GET", "**/tags/list", status=200, body=body))
    assert sent(stage.client(), server) is Outcome.UPLOADED
    assert requests(server)[1:] == [POST, PATCH, PUT]


def test_with_a_login(stage: Stage) -> None:
    server = stage.registry(users={"me": "pw"}, auth="token")
    assert sent(stage.client(login=(server.address, "me", "pw")), server) is Outcome.UPLOADED
    assert [one.status for one in seen(server, "PATCH")] == [202]
    check_arrived(server)


@pytest.mark.parametrize(
    "quirks", ["artifactory", "dockerhub", "ecr", "gar", "ghcr", "gitlab", "zot"]
)
def test_registries_that_take_streams(stage: Stage, quirks: str) -> None:
    server = stage.registry(quirks=quirks)
    if quirks == "ecr":
        put_image(server, "team/app", random_image())
    assert sent(stage.client(), server) is Outcome.UPLOADED
    assert [one.status for one in seen(server, "PATCH")] == [201 if quirks == "ecr" else 202]
    assert len(seen(server, "POST", "/uploads/")) == 1
    check_arrived(server)


# What is not worth a try


def test_a_repository_with_images_gets_no_stream(stage: Stage) -> None:
    server, it = stage.registry(), stage.client()
    put_image(server, "team/app", random_image(), "1")
    assert sent(it, server) is Outcome.UPLOADED
    assert requests(server) == [TAGS.replace("404", "200"), *AGAIN]
    stream = it.client.blob_stream(name(server))
    assert stream.pipe.broken, "the answer was forgotten"
    assert moves(it) == ["TransferStarted", "TransferFinished"]


def test_a_tag_that_was_seen_tells_enough(stage: Stage) -> None:
    server, it = stage.registry(), stage.client()
    put_image(server, "team/app", random_image(), "1")
    assert it.client.manifest_head(name(server)) is not None
    assert sent(it, server) is Outcome.UPLOADED
    assert requests(server)[1:] == AGAIN


@pytest.mark.parametrize(
    "fault",
    [
        at(Moment.BEFORE, "GET", "**/tags/list", status=403),
        at(Moment.BEFORE, "GET", "**/tags/list", status=405),
        at(Moment.BEFORE, "GET", "**/tags/list", status=500),
        at(Moment.BEFORE, "GET", "**/tags/list", drop=True),
        at(Moment.BEFORE, "GET", "**/tags/list", status=200, body=b"<html>"),
        at(Moment.BEFORE, "GET", "**/tags/list", status=200, body=b'{"tags": {"a": 1}}'),
        at(Moment.BEFORE, "GET", "**/tags/list", status=200, body=b" " * MIB),
        at(Moment.BEFORE, "POST", UPLOADS, status=500, calls=(1, 1)),
        at(Moment.BEFORE, "POST", UPLOADS, status=404, calls=(1, 1)),
        at(Moment.BEFORE, "POST", UPLOADS, drop=True, calls=(1, 1)),
        at(Moment.AFTER, "POST", UPLOADS, remove=frozenset({"Location"}), calls=(1, 1)),
        at(Moment.AFTER, "POST", UPLOADS, headers=(("Location", "ftp://x/"),), calls=(1, 1)),
    ],
    ids=lambda fault: f"{fault.label} {fault.status} {(fault.body or b'')[:9]!r}",
)
def test_whatever_comes_of_asking(stage: Stage, fault: Fault) -> None:
    server, it = stage.registry(fault), stage.client()
    assert sent(it, server) is Outcome.UPLOADED
    assert not seen(server, "PATCH")
    assert requests(server)[-3:] == AGAIN
    assert moves(it) == ["TransferStarted", "TransferFinished"]
    check_arrived(server)
    assert not it.waits


def test_a_pause_is_kept(stage: Stage) -> None:
    busy = at(Moment.BEFORE, "GET", "**/tags/list", status=429, headers=(("Retry-After", "7"),))
    server, it = stage.registry(busy), stage.client()
    assert sent(it, server) is Outcome.UPLOADED
    assert [event.delay for event in it.of(RetryScheduled)] == [7.0]
    assert {round(seconds) for seconds in it.waits} == {7}
    check_arrived(server)


def test_while_a_registry_wants_a_pause_nothing_is_tried(stage: Stage) -> None:
    busy = at(Moment.BEFORE, "GET", "**/referrers/**", status=429, headers=(("Retry-After", "7"),))
    server = stage.registry(busy)
    it = stage.client(attempts=2, wait=lambda _: None)
    with pytest.raises(Exception, match="429"):
        it.client.referrers(name(server), DIGEST)
    server.clear_journal()
    assert sent(it, server) is Outcome.UPLOADED
    assert requests(server) == AGAIN


# Streams that break


BROKEN: list[Fault] = [
    at(Moment.DURING, "PATCH", SESSION, received=MIB, drop=True),
    at(Moment.DURING, "PATCH", SESSION, received=MIB, status=401),
    at(Moment.DURING, "PATCH", SESSION, received=MIB, status=413),
    at(Moment.DURING, "PATCH", SESSION, received=MIB, status=202, headers=(("Location", "/x"),)),
    at(Moment.BEFORE, "PATCH", SESSION, drop=True),
    at(Moment.BEFORE, "PATCH", SESSION, status=405),
    at(Moment.BEFORE, "PATCH", SESSION, status=500),
    at(Moment.AFTER, "PATCH", SESSION, drop=True),
    at(Moment.AFTER, "PUT", SESSION, status=500, calls=(1, 1)),
    at(Moment.BEFORE, "PUT", SESSION, status=400, calls=(1, 1)),
    at(Moment.BEFORE, "PUT", SESSION, status=404, calls=(1, 1)),
    at(Moment.BEFORE, "PUT", SESSION, drop=True, calls=(1, 1)),
]


@pytest.mark.parametrize("fault", BROKEN, ids=lambda fault: f"{fault.label} {fault.status}")
def test_a_stream_that_breaks_is_a_push(stage: Stage, fault: Fault) -> None:
    server, it = stage.registry(fault), stage.client()
    assert sent(it, server) in (Outcome.UPLOADED, Outcome.PRESENT)
    check_arrived(server)
    it.client.close()
    assert moves(it).count("TransferAbandoned") == 1
    assert threads() == []
    asked = len(seen(server, "PATCH"))
    assert it.client.blob_stream(name(server)).pipe.broken
    assert len(seen(server, "PATCH")) == asked == 1


def test_a_redirect_cannot_be_followed(stage: Stage) -> None:
    """What has been sent is gone: there is nothing to send again."""
    led_on = (("Location", "{path}"),)
    first = at(Moment.DURING, "PATCH", SESSION, received=MIB, status=307, headers=led_on)
    server, it = stage.registry(replace(first, calls=(1, 1))), stage.client()
    assert sent(it, server) is Outcome.UPLOADED
    it.client.close()
    assert [one.status for one in seen(server, "PATCH")] == [307]
    assert [one.received for one in seen(server, "PUT")] == [BLOB.descriptor.size]
    check_arrived(server)


def test_an_answer_that_was_lost_was_a_blob_all_the_same(stage: Stage) -> None:
    server = stage.registry(at(Moment.AFTER, "PUT", SESSION, drop=True))
    assert sent(stage.client(), server) is Outcome.PRESENT
    check_arrived(server)


def test_a_body_without_a_length_that_cannot_be_read(stage: Stage) -> None:
    server, it = stage.registry(quirks="quay"), stage.client()
    assert sent(it, server) is Outcome.UPLOADED
    other = blob_of(2 * MIB, 3)
    assert sent(it, server, other) is Outcome.UPLOADED
    assert len(seen(server, "PATCH")) == 1, "it was tried again"
    check_arrived(server)
    check_arrived(server, other)


def test_a_registry_that_stored_something_else(stage: Stage) -> None:
    wrong = (("Docker-Content-Digest", f"sha256:{'0' * 64}"),)
    server = stage.registry(at(Moment.AFTER, "PUT", SESSION, headers=wrong))
    it = stage.client()
    with pytest.raises(DigestMismatchError, match="instead of"):
        sent(it, server)
    assert moves(it)[-1] == "TransferAbandoned"


def test_a_registry_that_kept_less_than_it_was_sent(stage: Stage) -> None:
    lost = (("Range", "0-99"),)
    server = stage.registry(at(Moment.AFTER, "PATCH|GET", SESSION, headers=lost))
    assert sent(stage.client(), server) is Outcome.UPLOADED
    assert [line for line in requests(server) if "PUT" in line] == [PUT]
    assert requests(server)[-3:] == AGAIN
    check_arrived(server)


def test_what_is_not_as_described_is_never_committed(stage: Stage) -> None:
    server, it = stage.registry(), stage.client()
    stream = it.client.blob_stream(name(server))
    stream.write(bytes_of(BLOB)[:-1])
    wait_until(taken(server))
    stream.finish(BLOB.descriptor)
    assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    it.client.close()
    assert [(one.status, one.received) for one in seen(server, "PUT")] == [
        (201, BLOB.descriptor.size)
    ]


def test_a_wrong_digest_is_refused_and_the_push_has_the_right_one(stage: Stage) -> None:
    server, it = stage.registry(), stage.client()
    stream = it.client.blob_stream(name(server))
    stream.write(bytes(BLOB.descriptor.size))
    stream.finish(BLOB.descriptor)
    assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    assert [one.status for one in seen(server, "PUT")] == [400, 201]
    check_arrived(server)


def test_a_login_that_ends_in_mid_stream(stage: Stage) -> None:
    server = stage.registry(users={"me": "pw"}, auth="token")
    server.faults.add(at(Moment.DURING, "PATCH", SESSION, received=MIB, status=401))
    it = stage.client(login=(server.address, "me", "pw"))
    stream = it.client.blob_stream(name(server))
    write(stream)
    wait_until(lambda: bool(seen(server, "PATCH")))
    server.revoke_tokens()
    stream.finish(BLOB.descriptor)
    assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    check_arrived(server)


# Time and memory


def test_a_silent_registry_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "ANSWER", 0.1)
    with Stage(None) as stage, silent_server() as silent:
        it = stage.client(insecure=frozenset({silent.address}))
        stream = it.client.blob_stream(Reference.parse(f"{silent.address}/app:1"))
        write(stream, blob_of(20 * MIB))
        assert stream.pipe.broken, "the queue was full, and still it was not declined"


def test_a_registry_that_stops_reading(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer is let go, the push does not wait for the stream, and closing ends it."""
    monkeypatch.setattr(pipe, "STALL", 0.2)
    server = stage.registry(at(Moment.DURING, "PATCH", SESSION, received=MIB, delay=600))
    it, blob = stage.client(), blob_of(40 * MIB)
    stream = it.client.blob_stream(name(server))
    wait_until(taken(server))
    write(stream, blob, MIB)
    assert stream.pipe.stalled
    stream.finish(blob.descriptor)
    assert it.client.blob_push(name(server), blob) is Outcome.UPLOADED
    check_arrived(server, blob)
    assert it.client.blob_stream(name(server)).pipe.broken, "it was tried again"
    began = time.monotonic()
    it.client.close()
    assert time.monotonic() - began < LIMIT
    assert threads() == []


def test_a_registry_that_never_answers_a_stream(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_stream, "PATIENCE", 0.2)
    server = stage.registry(at(Moment.AFTER, "PATCH", SESSION, delay=600))
    assert sent(stage.client(), server) is Outcome.UPLOADED
    assert requests(server)[-3:] == AGAIN
    check_arrived(server)


def test_a_full_queue_before_the_first_answer_declines(stage: Stage) -> None:
    go = threading.Event()

    def hold(request: Request) -> Response | None:
        if request.path.endswith("/tags/list"):
            go.wait(600)
        return None

    server, it, blob = stage.registry(intercept=hold), stage.client(), blob_of(20 * MIB)
    stream = it.client.blob_stream(name(server))
    began = time.monotonic()
    write(stream, blob, MIB)  # or it would never return
    assert time.monotonic() - began < LIMIT
    assert stream.pipe.broken
    assert not stream.pipe.stalled
    stream.finish(blob.descriptor)
    assert it.client.blob_push(name(server), blob) is Outcome.UPLOADED
    go.set()
    it.client.close()
    assert len(seen(server, "POST")) == 1, "it went on in vain"
    check_arrived(server, blob)


def test_a_full_queue_waits_a_little_for_the_first_answer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipe, "GRACE", 120.0)
    slow = at(Moment.BEFORE, "POST", UPLOADS, delay=0.1)
    server, it, blob = stage.registry(slow), stage.client(), blob_of(20 * MIB)
    assert sent(it, server, blob) is Outcome.UPLOADED
    assert len(seen(server, "PATCH")) == 1
    assert "HEAD" not in {one.method for one in server.journal}


def test_the_writer_waits_for_the_network(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held are 8 MiB, what is in the sender's hands, and what the system buffers."""
    go = threading.Event()

    def hold(request: Request) -> Response | None:
        if request.method == "PATCH":
            go.wait(600)
        return None

    monkeypatch.setattr(pipe, "STALL", 600)
    server, it, blob = stage.registry(intercept=hold), stage.client(), blob_of(40 * MIB)
    stream = it.client.blob_stream(name(server))
    wait_until(lambda: bool(it.of(TransferStarted)))
    writer = threading.Thread(target=write, args=(stream, blob, MIB))
    writer.start()
    wait_until(lambda: stream.pipe.written >= pipe.MOST)
    writer.join(0.1)
    assert writer.is_alive()
    assert stream.pipe.written < 30 * MIB
    go.set()
    writer.join(120)
    stream.finish(blob.descriptor)
    assert it.client.blob_push(name(server), blob) is Outcome.UPLOADED
    assert len(seen(server, "PUT")) == 1
    check_arrived(server, blob)


# Ends


HELD: dict[str, Callable[[Request], bool]] = {
    "asking": lambda request: request.path.endswith("/tags/list"),
    "beginning": lambda request: request.method == "POST",
    "sending": lambda request: request.method == "PATCH",
    "committing": lambda request: request.method == "PUT",
}


@pytest.mark.parametrize("where", HELD)
@pytest.mark.parametrize("how", ["cancel", "close"])
def test_cancelled_or_closed_anywhere(where: str, how: str) -> None:
    go, begun = threading.Event(), threading.Event()

    def hold(request: Request) -> Response | None:
        if HELD[where](request):
            begun.set()
            go.wait(600)
        return None

    with Stage(None) as stage:
        server, it = stage.registry(intercept=hold), stage.client()
        stream = it.client.blob_stream(name(server))
        write(stream)
        if where == "committing":
            stream.finish(BLOB.descriptor)
        assert begun.wait(120)
        began = time.monotonic()
        if how == "cancel":
            it.cancellation.cancel()
            wait_until(lambda: not threads())
        it.client.close()
        assert time.monotonic() - began < LIMIT
        assert threads() == []
        stream.write(b"dropped")
        go.set()
    assert moves(it).count("TransferStarted") == moves(it).count("TransferAbandoned")


def test_who_writes_or_waits_hears_a_cancellation(stage: Stage) -> None:
    go = threading.Event()

    def hold(request: Request) -> Response | None:
        if request.method == "PATCH":
            go.wait(600)
        return None

    server, it, blob = stage.registry(intercept=hold), stage.client(), blob_of(40 * MIB)
    full, ended = it.client.blob_stream(name(server)), it.client.blob_stream(name(server))
    wait_until(lambda: len(it.of(TransferStarted)) == 2)
    write(ended)
    ended.finish(BLOB.descriptor)
    raised: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  what it is, is the question
            raised.append(error)

    workers = [
        threading.Thread(target=run, args=(work,))
        for work in (
            lambda: write(full, blob, MIB),
            lambda: it.client.blob_push(name(server), BLOB),
        )
    ]
    for worker in workers:
        worker.start()
    wait_until(lambda: full.pipe.written >= pipe.MOST)
    began = time.monotonic()
    it.cancellation.cancel()
    for worker in workers:
        worker.join(120)
    assert time.monotonic() - began < LIMIT
    assert {type(error) for error in raised} <= {CancelledError}
    assert raised
    go.set()


def test_abandoned_in_the_middle(stage: Stage) -> None:
    server, it = stage.registry(), stage.client()
    stream = it.client.blob_stream(name(server))
    stream.write(b"half")
    wait_until(lambda: bool(it.of(TransferProgress)))
    stream.abandon()
    stream.write(b"dropped")
    stream.finish(BLOB.descriptor)
    wait_until(lambda: not threads())
    assert not seen(server, "PUT")
    assert [one.status for one in seen(server, "DELETE")] == [204]
    assert moves(it) == ["TransferStarted", "TransferAbandoned"]
    other = it.client.blob_stream(name(server))
    assert not other.pipe.broken, "nothing was wrong with the registry"
    other.abandon()
    assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED


def test_a_pipe_that_is_broken_off_lets_nothing_out() -> None:
    """Not even of a piece that was begun: a large one would be sent for nobody."""
    full = pipe.Pipe(lambda: None)
    full.write(bytes(MIB))
    chunks = full.chunks()
    next(chunks)
    full.break_off()
    with pytest.raises(pipe.BrokenOffError):
        next(chunks)


def test_abandoned_after_its_end(stage: Stage) -> None:
    """The bytes were all there, but could not be kept: nobody pushes such a layer."""
    server, it = stage.registry(), stage.client()
    stream = it.client.blob_stream(name(server))
    write(stream)
    stream.finish(BLOB.descriptor)
    stream.abandon()
    assert it.client.blob_push(name(server), BLOB) in Outcome
    check_arrived(server)


def test_a_closed_client_begins_nothing(stage: Stage) -> None:
    server, it = stage.registry(), stage.client()
    it.client.close()
    stream = it.client.blob_stream(name(server))
    write(stream)
    stream.finish(BLOB.descriptor)
    assert server.journal == ()
    assert threads() == []


def test_a_fault_of_our_own_is_not_hidden(stage: Stage) -> None:
    def fail(event: Event) -> None:
        if isinstance(event, TransferProgress):
            raise ZeroDivisionError

    server, it = stage.registry(), stage.client()
    it.client._streams._session.listener = fail
    with pytest.raises(ZeroDivisionError):
        sent(it, server)
