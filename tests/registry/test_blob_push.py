"""Pushing blobs against a server that answers in all the ways registries do."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pyjib.errors import (
    CancelledError,
    ContentError,
    DigestMismatchError,
    NotFoundError,
    RateLimitedError,
    RegistryError,
    TransportError,
)
from pyjib.events import (
    BlobMounted,
    BlobPresent,
    RetryScheduled,
    TransferFinished,
    TransferProgress,
    TransferStarted,
    Warned,
)
from pyjib.oci.blob import Blob
from pyjib.oci.reference import Reference
from pyjib.registry.calls.ladder import Way
from pyjib.registry.calls.upload_body import PIECE as CHUNK
from pyjib.registry.calls.uploads import Outcome
from pyjib.serve import RegistryServer
from tests.support.clients import watched
from tests.support.scripted import Reply, ScriptedServer, Seen, listening_nowhere

BLOB = Blob.of_bytes(b"layer" * 100, "application/vnd.oci.image.layer.v1.tar")
DIGEST = BLOB.descriptor.digest
BIG = Blob.of_bytes(b"layer" * CHUNK, "application/vnd.oci.image.layer.v1.tar")
POST = "POST /v2/team/app/blobs/uploads/"
HEAD = f"HEAD /v2/team/app/blobs/{DIGEST}"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


def name(server: ScriptedServer | RegistryServer, repository: str = "team/app") -> Reference:
    return Reference.parse(f"{server.address}/{repository}:1")


def takes_uploads(server: ScriptedServer, location: str = "/up/1") -> None:
    server.rule("POST", ".*/uploads/", Reply(202, {"Location": location}))
    server.rule("PUT", "/.*", Reply(201))


def from_base(server: ScriptedServer | RegistryServer) -> Blob:
    return replace(BLOB, origin=name(server, "base/jre"))


def test_a_blob_that_is_there_is_not_sent(server: ScriptedServer) -> None:
    server.rule("HEAD", ".*", Reply(200, {"Content-Length": "500"}))
    with watched() as it:
        assert it.client.blob_push(name(server), BLOB) is Outcome.PRESENT
    assert server.requests == [HEAD]
    assert [(event.digest, event.size) for event in it.of(BlobPresent)] == [(str(DIGEST), 500)]


@pytest.mark.parametrize(
    "reply", [Reply(404), Reply(403), Reply(405), Reply(200, {"Content-Length": "499"})]
)
def test_what_is_not_surely_there_is_sent(server: ScriptedServer, reply: Reply) -> None:
    server.rule("HEAD", ".*", reply)
    takes_uploads(server)
    with watched() as it:
        assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    assert server.requests == [HEAD, POST, "PUT /up/1"]
    put = server.seen("PUT")[0]
    assert put.body == b"layer" * 100
    assert put.headers["content-length"] == "500"
    assert put.headers["content-type"] == "application/octet-stream"
    assert "transfer-encoding" not in put.headers
    assert server.seen("POST")[0].headers["content-length"] == "0"


def test_progress_is_told(server: ScriptedServer) -> None:
    takes_uploads(server)
    with watched() as it:
        it.client.blob_push(name(server), BIG)
    key, size = str(BIG.descriptor.digest), BIG.descriptor.size
    assert [(event.key, event.total) for event in it.of(TransferStarted)] == [(key, size)]
    done = [event.done for event in it.of(TransferProgress)]
    assert done == sorted(done)
    assert done[-1] == size
    assert len(done) == 5
    assert [event.size for event in it.of(TransferFinished)] == [size]


@pytest.mark.faults
@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/up/1", f"/up/1?digest={DIGEST}"),
        ("up-1", f"/v2/team/app/blobs/uploads/up-1?digest={DIGEST}"),
        ("?s=1", f"/v2/team/app/blobs/uploads/?s=1&digest={DIGEST}"),
        ("{url}/up/1", f"/up/1?digest={DIGEST}"),
        (
            "/up/%2f%2F?_state=A+b%2f=%3D&z=&a=\"<>|^`'{}[]%zz",
            f"/up/%2f%2F?_state=A+b%2f=%3D&z=&a=\"<>|^`'{{}}[]%zz&digest={DIGEST}",
        ),
        ("/up/../1//2/./x?", f"/up/../1//2/./x?digest={DIGEST}"),
    ],
)
def test_locations_stay_byte_for_byte(server: ScriptedServer, location: str, target: str) -> None:
    takes_uploads(server, location.replace("{url}", server.url))
    with watched() as it:
        it.client.blob_push(name(server), BLOB)
    assert server.seen("PUT")[0].target == target


@pytest.mark.faults
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Location": ""},
        {"Location": "ftp://x/"},
        {"Location": "http://u:p@127.0.0.1/"},
        {"Location": "http://169.254.169.254/up"},
        {"Location": "/a b"},
    ],
)
def test_locations_that_lead_nowhere(server: ScriptedServer, headers: dict[str, str]) -> None:
    server.rule("POST", ".*", Reply(202, headers))
    with watched() as it, pytest.raises(TransportError, match="cannot push blob sha256:"):
        it.client.blob_push(name(server), BLOB)
    assert server.seen("PUT") == []


@pytest.mark.advisories
def test_an_upload_elsewhere_carries_no_login(server: ScriptedServer) -> None:
    """CVE-2026-50151; GHSA-vh4v-2xq2-g5cg: another port is another origin."""
    challenge = Reply(401, {"WWW-Authenticate": "Basic"})
    server.rule("HEAD", ".*", lambda seen: Reply(404) if seen.authorization else challenge)
    with ScriptedServer() as spy:
        spy.rule("PUT", "/.*", Reply(201))
        takes_uploads(server, f"{spy.url}/up/1")
        with watched(login=(server.address, "me", "pw")) as it:
            it.client.blob_push(name(server), BLOB)
        assert server.seen("POST")[0].authorization
        assert [(seen.authorization, len(seen.body)) for seen in spy.journal] == [(None, 500)]


@pytest.mark.faults
def test_a_mount_sends_nothing(server: ScriptedServer) -> None:
    server.rule("POST", ".*", Reply(201))
    with watched() as it:
        assert it.client.blob_push(name(server), from_base(server)) is Outcome.MOUNTED
    assert server.requests == [HEAD, POST]
    query = f"?mount={DIGEST}&from=base/jre"
    assert server.seen("POST")[0].target == f"/v2/team/app/blobs/uploads/{query}"
    assert [event.source for event in it.of(BlobMounted)] == ["base/jre"]


@pytest.mark.faults
def test_a_mount_that_begins_an_upload_in_chunks(server: ScriptedServer) -> None:
    """What the registry says of its chunks it says in whatever begins a session."""
    headers = {"Location": "/up/1", "OCI-Chunk-Min-Length": "200"}
    server.rule("POST", ".*", Reply(202, headers))
    server.rule("PATCH", "/up/1", Reply(202))
    server.rule("PUT", "/up/1", Reply(201))
    with watched() as it:
        manners = it.client._ladders.of(server.address)
        manners.refused(Way.WHOLE, 1, 413)
        manners._chunk = 100
        assert it.client.blob_push(name(server), from_base(server)) is Outcome.UPLOADED
    ranges = [seen.headers["content-range"] for seen in server.seen("PATCH")]
    assert ranges == ["0-199", "200-399", "400-499"]
    assert len(server.seen("POST")) == 1


@pytest.mark.faults
def test_a_mount_that_begins_an_upload(server: ScriptedServer) -> None:
    takes_uploads(server)
    with watched() as it:
        assert it.client.blob_push(name(server), from_base(server)) is Outcome.UPLOADED
    assert server.requests == [HEAD, POST, "PUT /up/1"]


@pytest.mark.faults
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_mount_that_is_refused(server: ScriptedServer, status: int) -> None:
    server.rule("POST", ".*", Reply(status), times=1)
    takes_uploads(server)
    with watched() as it:
        assert it.client.blob_push(name(server), from_base(server)) is Outcome.UPLOADED
    posts = [seen.target.partition("?")[2] for seen in server.seen("POST")]
    assert posts == [f"mount={DIGEST}&from=base/jre", ""]


@pytest.mark.parametrize("status", [408, 409, 422, 500, 501, 503, 507])
def test_a_mount_that_never_works(server: ScriptedServer, status: int) -> None:
    """Whether the registry is in trouble, or that one call of it, only an upload can show."""

    passes = status in (408, 500, 503)

    def answer(seen: Seen) -> Reply:
        is_mount = "mount=" in seen.target
        return Reply(status) if is_mount else Reply(202, {"Location": "/up/1"})

    server.rule("POST", ".*", answer)
    takes_uploads(server)
    with watched() as it:
        assert it.client.blob_push(name(server), from_base(server)) is Outcome.UPLOADED
        assert server.requests[-1] == "PUT /up/1"
        mounts = sum("mount=" in seen.target for seen in server.seen("POST"))
        again = Blob.of_bytes(b"another", BLOB.descriptor.media_type)
        origin = name(server, "base/jre")
        it.client.blob_push(name(server), replace(again, origin=origin))
    asked = sum("mount=" in seen.target for seen in server.seen("POST")) - mounts
    assert (mounts, asked) == ((1, 1) if status in (409, 422) else (5 if passes else 1, 0))


@pytest.mark.faults
def test_a_mount_that_breaks_off_each_time(server: ScriptedServer) -> None:
    """Something between here and there may dislike that one call."""

    def answer(seen: Seen) -> Reply:
        if "mount=" in seen.target:
            return Reply(drop=True)
        return Reply(202, {"Location": "/up/1"})

    server.rule("POST", ".*", answer)
    takes_uploads(server)
    with watched() as it:
        assert it.client.blob_push(name(server), from_base(server)) is Outcome.UPLOADED
        again = Blob.of_bytes(b"another", BLOB.descriptor.media_type)
        it.client.blob_push(name(server), replace(again, origin=name(server, "base/jre")))
    assert sum("mount=" in seen.target for seen in server.seen("POST")) == 5


@pytest.mark.parametrize("origin", ["other.io/base", "{address}/team/app"])
def test_mounts_only_between_repositories_of_a_registry(
    server: ScriptedServer, origin: str
) -> None:
    takes_uploads(server)
    blob = replace(BLOB, origin=Reference.parse(origin.format(address=server.address)))
    with watched() as it:
        it.client.blob_push(name(server), blob)
    assert "?" not in server.seen("POST")[0].target


@pytest.mark.faults
def test_503_twice_on_post(server: ScriptedServer) -> None:
    server.rule("POST", ".*", Reply(503, {}, b"busy"), times=2)
    takes_uploads(server)
    with watched() as it:
        it.client.blob_push(name(server), BLOB)
    assert len(server.seen("POST")) == 3
    retries = it.of(RetryScheduled)
    assert [event.attempt for event in retries] == [2, 3]
    assert retries[0].reason == f"{server.address} answered 503 Service Unavailable (busy)"


@pytest.mark.faults
def test_attempts_are_bounded(server: ScriptedServer) -> None:
    server.rule("POST", ".*", Reply(503))
    with watched(attempts=4) as it, pytest.raises(RegistryError) as caught:
        it.client.blob_push(name(server), BLOB)
    assert len(server.seen("POST")) == 4
    assert caught.value.status == 503


@pytest.mark.faults
@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "2"},
        {
            "Retry-After": "Wed, 01 May 2024 12:00:02 GMT",
            "Date": "Wed, 01 May 2024 12:00:00 GMT",
        },
    ],
)
def test_429_waits_as_long_as_asked(server: ScriptedServer, headers: dict[str, str]) -> None:
    server.rule("POST", ".*", Reply(429, headers, b"toomanyrequests: plain text"), times=1)
    takes_uploads(server)
    with watched() as it:
        it.client.blob_push(name(server), BLOB)
    assert it.of(RetryScheduled)[0].delay == 2
    assert 1.5 < it.waits[0] <= 2


@pytest.mark.faults
def test_429_for_an_hour_fails_at_once(server: ScriptedServer) -> None:
    server.rule("POST", ".*", Reply(429, {"Retry-After": "3600"}, b"toomanyrequests: slow"))
    with watched() as it, pytest.raises(RateLimitedError) as caught:
        it.client.blob_push(name(server), BLOB)
    assert len(server.seen("POST")) == 1
    assert caught.value.retry_after == 3600
    assert "60 minutes" in (caught.value.hint or "")
    assert it.waits == []


@pytest.mark.faults
def test_a_connection_that_breaks_during_the_body(server: ScriptedServer) -> None:
    server.rule("PUT", "/up/1", Reply(drop=True), times=1)
    takes_uploads(server)
    with watched() as it:
        assert it.client.blob_push(name(server), BIG) is Outcome.UPLOADED
    head = f"HEAD /v2/team/app/blobs/{BIG.descriptor.digest}"
    first = [head, POST, "PUT /up/1", head, "DELETE /up/1"]
    assert server.requests == [*first, POST, "PUT /up/1"]
    assert all(seen.body == b"layer" * CHUNK for seen in server.seen("PUT"))
    done = [event.done for event in it.of(TransferProgress)]
    assert done[:5] == done[5:]


@pytest.mark.faults
def test_a_commit_whose_answer_was_lost(server: ScriptedServer) -> None:
    server.rule("HEAD", ".*", Reply(404), times=1)
    server.rule("HEAD", ".*", Reply(200, {"Content-Length": "500"}))
    server.rule("PUT", ".*", Reply(drop=True))
    takes_uploads(server)
    with watched() as it:
        assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    assert server.requests == [HEAD, POST, "PUT /up/1", HEAD]


@pytest.mark.faults
@pytest.mark.parametrize("status", [404, 416, 500, 503])
def test_a_session_that_is_gone(server: ScriptedServer, status: int) -> None:
    server.rule("PUT", ".*", Reply(status), times=2)
    takes_uploads(server)
    with watched() as it:
        assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
    assert len(server.seen("POST")) == 3


@pytest.mark.faults
def test_three_sessions_are_enough(server: ScriptedServer) -> None:
    server.rule("PUT", ".*", Reply(drop=True))
    takes_uploads(server)
    with watched() as it, pytest.raises(TransportError):
        it.client.blob_push(name(server), BLOB)
    assert len(server.seen("PUT")) == 3
    assert server.seen("PATCH") == []


def test_a_server_in_trouble_is_tried_by_every_way(server: ScriptedServer) -> None:
    """Three sessions with a PUT, then one for each other way; what is told is the PUT."""
    server.rule("PUT", ".*", Reply(502, {}, b"first"))
    server.rule("PATCH", ".*", Reply(507, {}, b"second"))
    takes_uploads(server)
    with watched() as it, pytest.raises(RegistryError, match=r"502 .*first"):
        it.client.blob_push(name(server), BLOB)
    sent = [seen.method for seen in server.journal if seen.method in ("PUT", "PATCH")]
    assert sent == ["PUT"] * 3 + ["PATCH"] * 2
    assert [seen.headers.get("content-range") for seen in server.seen("PATCH")] == [None, "0-499"]


@pytest.mark.faults
def test_a_refused_upload_is_not_repeated_but_abandoned(server: ScriptedServer) -> None:
    server.rule("PUT", ".*", Reply(400, {}, b'{"errors":[{"code":"DIGEST_INVALID"}]}'))
    server.rule("POST", ".*/uploads/", Reply(202, {"Location": "/up/1?s"}))
    with watched() as it, pytest.raises(RegistryError, match="DIGEST_INVALID"):
        it.client.blob_push(name(server), BLOB)
    assert server.requests == [HEAD, POST, "PUT /up/1", "DELETE /up/1"]
    assert server.seen("DELETE")[0].target == "/up/1?s"


def test_a_registry_that_stores_something_else(server: ScriptedServer) -> None:
    server.rule("PUT", ".*", Reply(201, {"Docker-Content-Digest": "sha256:" + "0" * 64}))
    takes_uploads(server)
    with watched() as it, pytest.raises(DigestMismatchError):
        it.client.blob_push(name(server), BLOB)


def test_a_missing_repository(server: ScriptedServer) -> None:
    server.rule("POST", ".*", Reply(404, {}, b'{"errors":[{"code":"NAME_UNKNOWN"}]}'))
    with watched() as it, pytest.raises(NotFoundError) as caught:
        it.client.blob_push(name(server), BLOB)
    assert "Amazon ECR" in (caught.value.hint or "")


@pytest.mark.parametrize("damage", ["flip", "short", "long"])
def test_a_damaged_blob_never_arrives_whole(server: ScriptedServer, damage: str) -> None:
    good = b"layer" * CHUNK
    bad = {"flip": b"L" + good[1:], "short": good[:-1], "long": good + b"x"}[damage]
    takes_uploads(server)
    blob = Blob(descriptor=BIG.descriptor, opener=lambda: io.BytesIO(bad))
    with watched() as it, pytest.raises(ContentError, match=str(BIG.descriptor.digest)):
        it.client.blob_push(name(server), blob)
    assert all(len(seen.body) < len(good) for seen in server.seen("PUT"))


@pytest.mark.faults
@pytest.mark.parametrize("status", [307, 308])
def test_uploads_follow_redirects_that_keep_them(server: ScriptedServer, status: int) -> None:
    with ScriptedServer() as spy:
        spy.rule("PUT", "/b", Reply(201))
        server.rule("PUT", ".*", Reply(status, {"Location": f"{spy.url}/b?s=%2f"}))
        takes_uploads(server)
        with watched() as it:
            assert it.client.blob_push(name(server), BLOB) is Outcome.UPLOADED
        assert [(seen.target, len(seen.body)) for seen in spy.journal] == [("/b?s=%2f", 500)]


@pytest.mark.faults
@pytest.mark.parametrize("status", [301, 302, 303])
def test_an_upload_never_becomes_a_get(server: ScriptedServer, status: int) -> None:
    server.rule("PUT", ".*", Reply(status, {"Location": "/elsewhere"}))
    takes_uploads(server)
    with watched() as it, pytest.raises(RegistryError) as caught:
        it.client.blob_push(name(server), BLOB)
    assert caught.value.status == status
    assert server.seen("GET", "/elsewhere") == []


@pytest.mark.faults
def test_cancelling_frees_the_session(server: ScriptedServer) -> None:
    takes_uploads(server)
    with watched() as it:

        def opener() -> io.BytesIO:
            it.cancellation.cancel()
            return io.BytesIO(b"layer" * CHUNK)

        blob = Blob(descriptor=BIG.descriptor, opener=opener)
        with pytest.raises(CancelledError):
            it.client.blob_push(name(server), blob)
    assert str(server.journal[-1]) == "DELETE /up/1"


@pytest.mark.faults
def test_cancelling_while_looking_again_frees_the_session(server: ScriptedServer) -> None:
    server.rule("HEAD", ".*", Reply(404), times=1)
    server.rule("POST", ".*/uploads/", Reply(202, {"Location": "/up/1"}))
    with watched() as it:

        def fail(_: Seen) -> Reply:
            it.cancellation.cancel()
            return Reply(drop=True)

        server.rule("PUT", "/up/1", Reply(drop=True))
        server.rule("HEAD", ".*", fail)
        with pytest.raises(CancelledError):
            it.client.blob_push(name(server), BLOB)
    assert str(server.journal[-1]) == "DELETE /up/1"


@pytest.mark.faults
def test_warnings_are_shown_once_and_clean(server: ScriptedServer) -> None:
    lines = ['299 - "old \x1b[31mregistry"'] * 20 + ["odd", '299 - "' + "x" * 5000 + '"']
    server.rule("POST", ".*", Reply(202, {"Location": "/up/1", "Warning": lines}))
    takes_uploads(server)
    with watched() as it:
        it.client.blob_push(name(server), BLOB)
        it.client.blob_push(name(server, "other"), BLOB)
    assert [event.message for event in it.of(Warned)] == [
        f"{server.address} says: old [31mregistry"
    ]


@pytest.mark.faults
def test_threads_share_a_push(server: ScriptedServer) -> None:
    go = threading.Event()

    def slow(_: Seen) -> Reply:
        go.wait(5)
        return Reply(404)

    server.rule("HEAD", ".*", slow)
    takes_uploads(server)
    outcomes = []
    with watched() as it:
        threads = [
            threading.Thread(
                target=lambda: outcomes.append(it.client.blob_push(name(server), BLOB))
            )
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        go.set()
        for thread in threads:
            thread.join()
    assert outcomes == [Outcome.UPLOADED] * 6
    assert 1 <= len(server.seen("PUT")) < 6


def test_nobody_there() -> None:
    """Who mistyped a port of this machine is told so in three seconds."""
    with listening_nowhere() as address, watched() as it:
        with pytest.raises(TransportError) as caught:
            it.client.blob_push(Reference.parse(f"{address}/a"), BLOB)
        refused = f"{address}/a: cannot connect to {address}: connection refused; given up after "
        assert f"{refused}3 attempts in 1 second" in str(caught.value)
        assert "listens" in (caught.value.hint or "")
        retries = it.of(RetryScheduled)
        assert [(event.attempt, event.most) for event in retries] == [(2, 3), (3, 3)]
        assert sum(event.delay for event in retries) <= 2.5


def test_nobody_there_any_more() -> None:
    """A host that answered before will be back: it has the time that a restart takes."""
    with watched() as it:
        with RegistryServer() as server:
            assert it.client.manifest_head(name(server)) is None
        with pytest.raises(TransportError, match="refused; given up after 5 attempts in 1 second"):
            it.client.manifest_head(name(server))
        retries = it.of(RetryScheduled)
        assert [(event.attempt, event.most) for event in retries] == [
            (2, 5),
            (3, 5),
            (4, 5),
            (5, 5),
        ]
        assert 27 <= sum(event.delay for event in retries) <= 40.5


def test_a_registry_that_fails_every_way(server: ScriptedServer) -> None:
    """Each way and session counts."""
    server.rule("HEAD", ".*", Reply(404))
    server.rule("POST", ".*", Reply(202, {"Location": "/v2/x"}))
    server.rule("*", "/v2/x.*", Reply(500))
    with watched() as it, pytest.raises(RegistryError) as caught:
        it.client.blob_push(name(server), BLOB)
    assert caught.value.message.endswith(
        "answered 500 Internal Server Error; given up after 5 attempts in 1 second"
    )


def test_a_server_that_hangs_up(server: ScriptedServer) -> None:
    server.rule("*", ".*", Reply(drop=True))
    with watched(attempts=2) as it, pytest.raises(TransportError, match="broke"):
        it.client.blob_push(name(server), BLOB)


def test_the_embedded_registry_mounts() -> None:
    with RegistryServer() as server, watched() as it:
        base = name(server, "base/jre")
        assert it.client.blob_push(base, BLOB) is Outcome.UPLOADED
        assert it.client.blob_push(name(server), from_base(server)) is Outcome.MOUNTED
        assert it.client.blob_push(name(server), BLOB) is Outcome.PRESENT
        empty = Blob.of_bytes(b"", "x/y")
        assert it.client.blob_push(name(server), empty) is Outcome.UPLOADED
