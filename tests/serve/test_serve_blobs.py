"""Blobs over HTTP: every way in, every way out."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.serve import Limits, RegistryServer, Rules
from tests.support.wire import Reply, Wire

DATA = random.Random(1).randbytes(3000)


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def sha512(data: bytes) -> str:
    return f"sha512:{hashlib.sha512(data).hexdigest()}"


@pytest.fixture
def wire(either_registry: RegistryServer) -> Iterator[Wire]:
    with Wire(either_registry.address) as connection:
        yield connection


def post(wire: Wire, name: str = "app", query: str = "") -> str:
    reply = wire.send("POST", f"/v2/{name}/blobs/uploads/{query}")
    assert reply.status == 202
    assert reply["Range"] == "0-0"
    return reply["Location"]


def push(wire: Wire, data: bytes = DATA, name: str = "app") -> str:
    reply = wire.send("PUT", f"{post(wire, name)}?digest={sha256(data)}", data)
    assert_created(reply, name, sha256(data))
    return sha256(data)


def assert_created(reply: Reply, name: str, digest: str) -> None:
    assert reply.status == 201, reply.body
    assert reply["Location"] == f"/v2/{name}/blobs/{digest}"
    assert reply["Docker-Content-Digest"] == digest


def assert_holds(wire: Wire, digest: str, data: bytes, name: str = "app") -> None:
    reply = wire.send("GET", f"/v2/{name}/blobs/{digest}")
    assert (reply.status, reply.body) == (200, data)
    assert reply["Docker-Content-Digest"] == digest
    assert reply["Content-Type"] == "application/octet-stream"


# Ways in


@pytest.mark.parametrize("digest_of", [sha256, sha512])
@pytest.mark.parametrize("data", [DATA, b""], ids=["bytes", "empty"])
def test_one_post(wire: Wire, digest_of: type, data: bytes) -> None:
    digest = digest_of(data)
    assert_created(
        wire.send("POST", f"/v2/app/blobs/uploads/?digest={digest}", data), "app", digest
    )
    assert_holds(wire, digest, data)


@pytest.mark.parametrize("digest_of", [sha256, sha512])
def test_post_and_put(wire: Wire, digest_of: type) -> None:
    digest = digest_of(DATA)
    reply = wire.send("PUT", f"{post(wire, 'a/b')}?digest={digest}", DATA)
    assert_created(reply, "a/b", digest)
    assert_holds(wire, digest, DATA, "a/b")


@pytest.mark.parametrize("query", ["", "?digest-algorithm=sha512"])
def test_algorithm_known_before_or_after_the_bytes(wire: Wire, query: str) -> None:
    location = post(wire, query=query)
    wire.send("PATCH", location, DATA)
    assert_created(wire.send("PUT", f"{location}?digest={sha512(DATA)}"), "app", sha512(DATA))


@pytest.mark.parametrize("body", [DATA, [DATA[:1000], DATA[1000:]]], ids=["length", "coded"])
def test_post_patch_put_as_a_stream(wire: Wire, body: bytes) -> None:
    reply = wire.send("PATCH", post(wire), body, Content_Type="application/octet-stream")
    assert (reply.status, reply["Range"]) == (202, "0-2999")
    assert_created(
        wire.send("PUT", f"{reply['Location']}?digest={sha256(DATA)}"), "app", sha256(DATA)
    )
    assert_holds(wire, sha256(DATA), DATA)


@pytest.mark.parametrize("last_in_put", [False, True])
def test_chunks(wire: Wire, last_in_put: bool) -> None:
    location = post(wire)
    for start in (0, 1000, 2000):
        chunk = DATA[start : start + 1000]
        last = last_in_put and start == 2000
        reply = wire.send(
            "PUT" if last else "PATCH",
            f"{location}?digest={sha256(DATA)}" if last else location,
            chunk,
            Content_Range=f"{start}-{start + 999}",
        )
        if not last:
            assert (reply.status, reply["Range"]) == (202, f"0-{start + 999}")
            location = reply["Location"]
    if not last_in_put:
        reply = wire.send("PUT", f"{location}?digest={sha256(DATA)}")
    assert_created(reply, "app", sha256(DATA))
    assert_holds(wire, sha256(DATA), DATA)


@pytest.mark.parametrize("start", [0, 1000, 2000, 5000])
def test_chunk_out_of_order_tells_where_to_go_on(wire: Wire, start: int) -> None:
    location = post(wire)
    wire.send("PATCH", location, DATA[:1500], Content_Range="0-1499")
    reply = wire.send("PATCH", location, DATA[:10], Content_Range=f"{start}-{start + 9}")
    assert (reply.status, reply["Range"], reply["Location"]) == (416, "0-1499", location)
    status = wire.send("GET", location)
    assert (status.status, status["Range"], status["Location"]) == (204, "0-1499", location)
    wire.send("PATCH", location, DATA[1500:], Content_Range="1500-2999")
    assert wire.send("PUT", f"{location}?digest={sha256(DATA)}").status == 201


@pytest.mark.parametrize(
    "header", ["bytes 0-9/10", "bytes=0-9", "0-", "9-0", "0-8", "a-b", "0-9, 10-19"]
)
def test_malformed_content_range_leaves_the_session(wire: Wire, header: str) -> None:
    location = post(wire)
    reply = wire.send("PATCH", location, b"0123456789", Content_Range=header)
    assert (reply.status, reply.code) == (400, "BLOB_UPLOAD_INVALID")
    assert wire.send("GET", location).status == 204


def test_coded_chunk_shorter_than_its_range(wire: Wire) -> None:
    location = post(wire)
    reply = wire.send("PATCH", location, [b"01234"], Content_Range="0-9")
    assert (reply.status, reply.code) == (400, "SIZE_INVALID")
    assert wire.send("GET", location).status == 404


# What is refused


@pytest.mark.parametrize("way", ["post", "put", "patch"])
@pytest.mark.parametrize("digest_of", [sha256, sha512])
def test_wrong_digest_leaves_nothing(
    wire: Wire, either_registry: RegistryServer, way: str, digest_of: type
) -> None:
    wrong = digest_of(b"something else")
    if way == "post":
        reply = wire.send("POST", f"/v2/app/blobs/uploads/?digest={wrong}", DATA)
    else:
        location = post(wire)
        if way == "patch":
            wire.send("PATCH", location, DATA)
        reply = wire.send("PUT", f"{location}?digest={wrong}", b"" if way == "patch" else DATA)
        assert wire.send("GET", location).status == 404
    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")
    assert wire.send("HEAD", f"/v2/app/blobs/{wrong}").status == 404
    assert wire.send("HEAD", f"/v2/app/blobs/{digest_of(DATA)}").status == 404
    assert files_below(either_registry.root) == []


@pytest.mark.parametrize("digest", ["", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e"])
def test_no_digest(wire: Wire, digest: str) -> None:
    location = post(wire)
    for reply in (
        wire.send("PUT", f"{location}?digest={digest}", DATA),
        wire.send("POST", f"/v2/app/blobs/uploads/?digest={digest}", DATA),
        wire.send("POST", f"/v2/app/blobs/uploads/?mount={digest}&from=other"),
        wire.send("GET", f"/v2/app/blobs/{digest or 'x'}"),
    ):
        assert (reply.status, reply.code) == (400, "DIGEST_INVALID")


def test_unknown_algorithm(wire: Wire) -> None:
    reply = wire.send("POST", "/v2/app/blobs/uploads/?digest-algorithm=md5")
    assert (reply.status, reply.code) == (400, "DIGEST_INVALID")


def test_session_of_another_repository_or_of_nobody(wire: Wire) -> None:
    location = post(wire)
    elsewhere = location.replace("/app/", "/other/")
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        for target in (elsewhere, f"{location}0"):
            reply = wire.send(method, f"{target}?digest={sha256(b'')}")
            assert reply.status == 404
            assert reply.code == "BLOB_UPLOAD_UNKNOWN"


def test_cancel(wire: Wire, either_registry: RegistryServer) -> None:
    location = post(wire)
    wire.send("PATCH", location, DATA)
    assert wire.send("DELETE", location).status == 204
    assert wire.send("DELETE", location).status == 404
    assert wire.send("PUT", f"{location}?digest={sha256(DATA)}").status == 404
    assert files_below(either_registry.root) == []


def test_too_large_an_upload(tmp_path: Path) -> None:
    rules = Rules(limits=Limits(upload=2000))
    with RegistryServer(tmp_path, rules=rules) as server, Wire(server.address) as wire:
        for body in (DATA, [DATA[:1500], DATA[1500:]]):
            location = post(wire)
            reply = wire.send("PUT", f"{location}?digest={sha256(DATA)}", body)
            assert (reply.status, reply.code) == (413, "SIZE_INVALID")
            assert wire.send("GET", location).status == 404
        assert files_below(tmp_path) == []
        location = post(wire)
        wire.send("PATCH", location, DATA[:1500])
        assert wire.send("PATCH", location, DATA[1500:]).status == 413


def test_too_many_sessions() -> None:
    rules = Rules(limits=Limits(sessions=2))
    with RegistryServer(rules=rules) as server, Wire(server.address) as wire:
        first = post(wire)
        post(wire)
        reply = wire.send("POST", "/v2/app/blobs/uploads/")
        assert (reply.status, reply.code) == (429, "TOOMANYREQUESTS")
        assert int(reply["Retry-After"]) > 0
        wire.send("DELETE", first)
        post(wire)


def test_sessions_expire(tmp_path: Path) -> None:
    rules = Rules(limits=Limits(session_idle=0))
    with RegistryServer(tmp_path, rules=rules) as server, Wire(server.address) as wire:
        location = post(wire)
        assert wire.send("GET", location).status == 404
        assert files_below(tmp_path) == []


# Mounting


def test_mount(wire: Wire) -> None:
    digest = push(wire, name="library/base")
    reply = wire.send("POST", f"/v2/app/blobs/uploads/?mount={digest}&from=library/base")
    assert_created(reply, "app", digest)
    assert_holds(wire, digest, DATA)
    assert wire.send("DELETE", f"/v2/library/base/blobs/{digest}").status == 202
    assert_holds(wire, digest, DATA)


@pytest.mark.parametrize("source", ["&from=other", "", "&from=../app", "&from="])
def test_what_cannot_be_mounted_opens_a_session(wire: Wire, source: str) -> None:
    digest = push(wire, name="library/base")
    reply = wire.send("POST", f"/v2/app/blobs/uploads/?mount={digest}{source}")
    assert reply.status == 202
    assert wire.send("HEAD", f"/v2/app/blobs/{digest}").status == 404
    assert_created(wire.send("PUT", f"{reply['Location']}?digest={digest}", DATA), "app", digest)


def test_repositories_do_not_see_each_others_blobs(wire: Wire) -> None:
    digest = push(wire, name="one")
    for name in ("two", "one/two", "on"):
        assert wire.send("GET", f"/v2/{name}/blobs/{digest}").status == 404


# Ways out


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=500-1499", 500, 1500),
        ("bytes=0-0", 0, 1),
        ("bytes=2000-", 2000, 3000),
        ("bytes=-100", 2900, 3000),
        ("bytes=-9999", 0, 3000),
        ("bytes=2500-9999", 2500, 3000),
        ("bytes=2999-2999", 2999, 3000),
    ],
)
def test_range(wire: Wire, asked: str, start: int, end: int) -> None:
    reply = wire.send("GET", f"/v2/app/blobs/{push(wire)}", Range=asked)
    assert (reply.status, reply.body) == (206, DATA[start:end])
    assert reply["Content-Range"] == f"bytes {start}-{end - 1}/3000"
    assert reply["Content-Length"] == str(end - start)


@pytest.mark.parametrize("asked", ["bytes=3000-", "bytes=9999-10000", "bytes=500-0", "bytes=-0"])
def test_unsatisfiable_range(wire: Wire, asked: str) -> None:
    reply = wire.send("GET", f"/v2/app/blobs/{push(wire)}", Range=asked)
    assert (reply.status, reply["Content-Range"]) == (416, "bytes */3000")


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "items=0-1", "bytes=a-b", "bytes=-", ""])
def test_range_of_another_form_is_ignored(wire: Wire, asked: str) -> None:
    reply = wire.send("GET", f"/v2/app/blobs/{push(wire)}", Range=asked)
    assert (reply.status, reply.body) == (200, DATA)


def test_range_if_it_is_still_the_same(wire: Wire) -> None:
    digest = push(wire)
    for tag, status in ((f'"{digest}"', 206), ('"other"', 200)):
        reply = wire.send("GET", f"/v2/app/blobs/{digest}", Range="bytes=1-2", If_Range=tag)
        assert reply.status == status


def test_range_over_the_pieces_of_a_large_blob(wire: Wire) -> None:
    data = random.Random(2).randbytes((3 << 20) + 17)
    digest = push(wire, data)
    for start, end in ((0, 1 << 20), ((1 << 20) - 3, (2 << 20) + 5), (len(data) - 1, len(data))):
        reply = wire.send("GET", f"/v2/app/blobs/{digest}", Range=f"bytes={start}-{end - 1}")
        assert reply.body == data[start:end]
    assert_holds(wire, digest, data)


def test_head(wire: Wire) -> None:
    digest = push(wire)
    reply = wire.send("HEAD", f"/v2/app/blobs/{digest}", Range="bytes=0-1")
    assert (reply.status, reply.body, reply["Content-Length"]) == (200, b"", "3000")
    assert reply["Docker-Content-Digest"] == digest
    assert wire.send("HEAD", f"/v2/app/blobs/{sha256(b'')}").status == 404


def test_empty_blob_has_no_range(wire: Wire) -> None:
    digest = push(wire, b"")
    assert_holds(wire, digest, b"")
    assert wire.send("GET", f"/v2/app/blobs/{digest}", Range="bytes=0-").status == 416


def test_delete(wire: Wire) -> None:
    digest = push(wire)
    assert wire.send("DELETE", f"/v2/app/blobs/{digest}").status == 202
    reply = wire.send("DELETE", f"/v2/app/blobs/{digest}")
    assert (reply.status, reply.code) == (404, "BLOB_UNKNOWN")
    assert wire.send("GET", f"/v2/app/blobs/{digest}").status == 404
    assert wire.send("DELETE", f"/v2/none/blobs/{digest}").status == 404


def files_below(root: Path | None) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()] if root else []
