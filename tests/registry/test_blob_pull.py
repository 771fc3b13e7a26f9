"""Downloads: resumed, bounded, redirected; what arrives is compared by the store."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.errors import (
    CancelledError,
    DigestMismatchError,
    NotFoundError,
    PyjibError,
    RegistryError,
    SizeMismatchError,
    TransportError,
)
from pyjib.events import RetryScheduled
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.reference import Reference
from pyjib.serve import RegistryServer
from pyjib.store.store import Store
from tests.support.clients import Watched, watched
from tests.support.scripted import Reply, ScriptedServer, Seen

DATA = bytes(range(256)) * 400  # 102,400 bytes
LAYER = Descriptor.of(DATA, "application/vnd.oci.image.layer.v1.tar")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


def name(server: ScriptedServer | RegistryServer) -> Reference:
    return Reference.parse(f"{server.address}/team/app:1")


def pull(it: Watched, server: ScriptedServer | RegistryServer) -> bytes:
    return b"".join(it.client.blob_chunks(name(server), LAYER))


def ranges(server: ScriptedServer) -> list[str | None]:
    return [seen.headers.get("range") for seen in server.seen("GET", ".*/blobs/.*")]


def rest(seen: Seen) -> Reply:
    """Answer a range as a registry does."""
    start = int(seen.headers["range"].removeprefix("bytes=").removesuffix("-"))
    headers = {"Content-Range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"}
    return Reply(206, headers, DATA[start:])


def test_a_plain_download(server: ScriptedServer) -> None:
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, DATA))
    with watched() as it:
        assert pull(it, server) == DATA
    assert server.seen("GET", ".*/blobs/.*")[0].headers["accept-encoding"] == "identity"


def test_an_empty_blob_needs_no_request(server: ScriptedServer) -> None:
    with watched() as it:
        assert list(it.client.blob_chunks(name(server), Descriptor.of(b"", "x/y"))) == []
    assert server.journal == []


@pytest.mark.faults
def test_a_truncated_blob_goes_on_where_it_broke(server: ScriptedServer) -> None:
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, DATA, cut=40_000), times=1)
    server.rule("GET", ".*/blobs/.*", rest)
    with watched() as it:
        assert pull(it, server) == DATA
    assert ranges(server) == [None, "bytes=40000-"]
    assert len(it.of(RetryScheduled)) == 1


@pytest.mark.faults
def test_a_blob_that_ends_early_but_cleanly(server: ScriptedServer) -> None:
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, DATA[:40_000]), times=1)
    server.rule("GET", ".*/blobs/.*", rest)
    with watched() as it:
        assert pull(it, server) == DATA
    assert ranges(server) == [None, "bytes=40000-"]


@pytest.mark.faults
@pytest.mark.parametrize("again", [Reply(200, {}, DATA[:40_000]), Reply(416)])
def test_a_blob_that_is_too_short_there(server: ScriptedServer, again: Reply) -> None:
    """Asked for the rest once, the server has told twice what it has: nothing is waited for."""
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, DATA[:40_000]), times=1)
    server.rule("GET", ".*/blobs/.*", again)
    with watched() as it, pytest.raises(SizeMismatchError) as caught:
        pull(it, server)
    assert ranges(server) == [None, "bytes=40000-"]
    assert caught.value.message == (
        f"cannot get blob {LAYER.digest} from {server.address}/team/app: it has 40000 bytes there, "
        "and should have 102400"
    )
    assert caught.value.hint == "check the registry, and mirrors and proxies in front of it"


@pytest.mark.faults
def test_a_range_that_is_ignored(server: ScriptedServer) -> None:
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, DATA, cut=40_000), times=1)
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, DATA))
    with watched() as it:
        assert pull(it, server) == DATA


@pytest.mark.faults
@pytest.mark.parametrize(
    "odd",
    [
        Reply(206, {"Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"}, DATA),
        Reply(206, {"Content-Range": f"bytes 40000-{len(DATA)}/{len(DATA) + 1}"}, DATA),
        Reply(206, {"Content-Range": "chapters 1-2"}, DATA),
        Reply(206, {}, DATA),
        Reply(416),
    ],
)
def test_a_range_that_starts_elsewhere_is_not_used(server: ScriptedServer, odd: Reply) -> None:
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, DATA, cut=40_000), times=1)
    server.rule("GET", ".*/blobs/.*", odd, times=1)
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, DATA))
    with watched() as it:
        assert pull(it, server) == DATA
    assert ranges(server) == [None, "bytes=40000-", None]


@pytest.mark.faults
def test_a_download_that_gets_nowhere_ends(server: ScriptedServer) -> None:
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, DATA, cut=10))
    with watched() as it, pytest.raises(TransportError, match="given up after 5 attempts in 1 s"):
        pull(it, server)
    assert len(ranges(server)) == 5


@pytest.mark.faults
def test_a_download_that_gets_on_is_patient(server: ScriptedServer) -> None:
    big = os.urandom(12 * 1024 * 1024)
    step = len(big) // 10 + 1
    count = iter(range(100))

    def part(seen: Seen) -> Reply:
        start = step * next(count)
        headers = {"Content-Range": f"bytes {start}-{len(big) - 1}/{len(big)}"}
        return Reply(206 if start else 200, headers, big[start:], cut=step)

    server.rule("GET", ".*/blobs/.*", part)
    descriptor = Descriptor.of(big, "x/y")
    with watched() as it:
        assert b"".join(it.client.blob_chunks(name(server), descriptor)) == big
    assert len(ranges(server)) == 10


def into_store(it: Watched, server: ScriptedServer, root: Path) -> Store:
    store = Store(root)
    store.fetch(LAYER, it.client.blob_chunks(name(server), LAYER))
    return store


@pytest.mark.faults
@pytest.mark.parametrize(
    ("data", "error"),
    [
        (DATA[:-1] + b"\x00", DigestMismatchError),
        (DATA + b"\x00", SizeMismatchError),
        (DATA[:-1], SizeMismatchError),
    ],
)
def test_other_bytes_leave_nothing_in_the_store(
    server: ScriptedServer, tmp_path: Path, data: bytes, error: type[Exception]
) -> None:
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, data))
    with watched() as it, pytest.raises(error):
        into_store(it, server, tmp_path)
    assert Store(tmp_path).find(LAYER) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.advisories
def test_a_size_is_never_believed(server: ScriptedServer) -> None:
    """GHSA-f36w-mj3v-6jqv: a huge size must not decide what is allocated."""
    huge = Descriptor(media_type="x/y", digest=LAYER.digest, size=2**62)
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, DATA))
    with watched() as it, pytest.raises(SizeMismatchError, match="has 102400 bytes there, and sho"):
        list(it.client.blob_chunks(name(server), huge))


@pytest.mark.faults
def test_a_content_encoding_is_not_undone(server: ScriptedServer) -> None:
    packed = gzip.compress(DATA)
    descriptor = Descriptor.of(packed, "x/y")
    server.rule("GET", ".*/blobs/.*", Reply(200, {"Content-Encoding": "gzip"}, packed))
    with watched() as it:
        assert b"".join(it.client.blob_chunks(name(server), descriptor)) == packed


@pytest.mark.faults
def test_a_redirect_elsewhere_is_followed_without_the_login(server: ScriptedServer) -> None:
    challenge = Reply(401, {"WWW-Authenticate": "Basic"})
    with ScriptedServer() as spy:
        spy.rule("GET", "/.*", Reply(200, {}, DATA))
        there = Reply(307, {"Location": f"{spy.url}/blob?X-Sig=a%2Fb+c=&z"})
        server.rule("GET", ".*/blobs/.*", lambda seen: there if seen.authorization else challenge)
        with watched(login=(server.address, "me", "pw")) as it:
            assert pull(it, server) == DATA
        assert [(seen.target, seen.authorization) for seen in spy.journal] == [
            ("/blob?X-Sig=a%2Fb+c=&z", None)
        ]


def test_a_redirect_within_the_registry_keeps_the_login(server: ScriptedServer) -> None:
    challenge = Reply(401, {"WWW-Authenticate": "Basic"})
    there = Reply(302, {"Location": "/storage"})
    server.rule("GET", ".*/blobs/.*", lambda seen: there if seen.authorization else challenge)
    server.rule("GET", "/storage", Reply(200, {}, DATA))
    with watched(login=(server.address, "me", "pw")) as it:
        assert pull(it, server) == DATA
    assert server.seen("GET", "/storage")[0].authorization


@pytest.mark.faults
def test_redirects_end(server: ScriptedServer) -> None:
    server.rule("GET", ".*/blobs/.*", Reply(307, {"Location": "?again"}))
    with watched() as it, pytest.raises(RegistryError, match="more than 5 redirects"):
        pull(it, server)
    assert len(ranges(server)) == 6


@pytest.mark.faults
@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/x", "http://u:p@127.0.0.1/x", "file:///etc/passwd", ""]
)
def test_redirects_that_are_refused(server: ScriptedServer, location: str) -> None:
    server.rule("GET", ".*/blobs/.*", Reply(307, {"Location": location}))
    with watched() as it, pytest.raises(TransportError):
        pull(it, server)
    assert len(ranges(server)) == 1


@pytest.mark.advisories
def test_a_public_registry_leads_to_no_inner_address() -> None:
    """Test 17: from a public name to loopback. The proxy plays the public registry."""
    with ScriptedServer() as proxy, ScriptedServer() as spy:
        proxy.rule("GET", "http://8.8.8.8:5000/v2/", Reply())
        proxy.rule("GET", ".*/blobs/.*", Reply(307, {"Location": f"{spy.url}/x"}))
        with (
            watched(variables={"all_proxy": proxy.url}, insecure=frozenset({"8.8.8.8:5000"})) as it,
            pytest.raises(TransportError, match="private network"),
        ):
            list(it.client.blob_chunks(Reference.parse("8.8.8.8:5000/a:1"), LAYER))
        assert spy.journal == []


@pytest.mark.parametrize(
    "cut", [Reply(200, {}, b"half", length=len(DATA)), Reply(206, {}, b""), Reply(503)]
)
def test_a_download_that_fails_tells_of_what(server: ScriptedServer, cut: Reply) -> None:
    server.rule("GET", ".*/blobs/.*", cut)
    with watched() as it, pytest.raises(PyjibError) as caught:
        pull(it, server)
    what = f"cannot get blob {LAYER.digest} from {server.address}/team/app: "
    assert caught.value.message.startswith(what)
    assert caught.value.message.count(str(LAYER.digest)) == 1
    assert all(str(LAYER.digest) not in event.reason for event in it.of(RetryScheduled))


def test_a_part(server: ScriptedServer) -> None:
    headers = {"Content-Range": f"bytes 10-19/{len(DATA)}"}
    server.rule("GET", ".*/blobs/.*", Reply(206, headers, DATA[10:20]))
    with watched() as it:
        assert it.client.blob_part(name(server), LAYER, 10, 10) == DATA[10:20]
    assert ranges(server) == ["bytes=10-19"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404),
        Reply(416),
        Reply(200, {}, DATA),
        Reply(200, {}, DATA[10:20]),
        Reply(206, {"Content-Range": f"bytes 10-19/{len(DATA)}"}, DATA),
        Reply(206, {"Content-Range": f"bytes 10-19/{len(DATA)}"}, DATA[10:19]),
        Reply(206, {"Content-Range": f"bytes 10-19/{len(DATA) + 1}"}, DATA[10:20]),
        Reply(206, {"Content-Range": f"bytes 0-9/{len(DATA)}"}, DATA[:10]),
        Reply(206, {}, DATA[10:20]),
    ],
)
def test_a_part_that_cannot_be_had(server: ScriptedServer, reply: Reply) -> None:
    server.rule("GET", ".*/blobs/.*", reply)
    with watched() as it:
        assert it.client.blob_part(name(server), LAYER, 10, 10) is None


def test_what_is_missing(server: ScriptedServer) -> None:
    """A blob that is asked for was named by something: that is there, under the right name."""
    with watched() as it, pytest.raises(NotFoundError) as caught:
        pull(it, server)
    assert "it was lost or deleted there, or a proxy in front of it" in (caught.value.hint or "")
    assert "check the name" not in (caught.value.hint or "")


def test_cancelling_ends_a_download(server: ScriptedServer) -> None:
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, DATA))
    with watched() as it:
        chunks = it.client.blob_chunks(name(server), LAYER)
        next(chunks)
        it.cancellation.cancel()
        with pytest.raises(CancelledError):
            list(chunks)


def test_a_taker_may_stop(server: ScriptedServer) -> None:
    server.rule("GET", ".*/blobs/.*", Reply(200, {}, DATA))
    with watched() as it:
        chunks = it.client.blob_chunks(name(server), LAYER)
        next(chunks)
        chunks.close()  # type: ignore[attr-defined]
