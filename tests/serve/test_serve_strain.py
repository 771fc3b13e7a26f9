"""The registry under strain: nothing left to serve with, clients that dawdle, hoard and race."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pyjib.errors import NotFoundError
from pyjib.oci.blob import Blob
from pyjib.oci.digest import Digest
from pyjib.serve import Exchange, Limits, RegistryServer, Request, Response, Rules, repositories
from pyjib.serve.disk import DiskStorage
from pyjib.serve.journal import Journal
from pyjib.serve.memory import MemoryStorage
from pyjib.serve.message import Refusal, read_body
from pyjib.serve.repositories import Repositories
from pyjib.serve.storage import Storage
from pyjib.serve.uploads import Uploads
from tests.support.images import random_image
from tests.support.registry import put_blob, put_image
from tests.support.trouble import MIB, blob_of
from tests.support.wire import Wire, raw, read_all

LOOSE = Blob.of_bytes(b"loose", "x/y")
DIGEST = LOOSE.descriptor.digest
PING = b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"

OUT_OF_DESCRIPTORS = """
import logging, os, resource, socket, time
from pyjib.serve import RegistryServer

logging.basicConfig(format="%(message)s")
with RegistryServer() as server:
    host, _, port = server.address.rpartition(":")
    client = socket.create_connection((host, int(port)))
    late = [socket.socket() for _ in range(3)]
    used = len(os.listdir("/dev/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 2, resource.getrlimit(7)[1]))
    held = []
    try:
        while True:
            held.append(os.dup(0))
    except OSError:
        pass
    for sock in late:
        sock.connect((host, int(port)))
    before = time.process_time()
    time.sleep(0.5)
    spent = time.process_time() - before
    for number in held:
        os.close(number)
    for sock in late:
        sock.settimeout(120)
        sock.sendall(b"GET /v2/ HTTP/1.0\\r\\n\\r\\n")
        assert sock.recv(99).startswith(b"HTTP/1.1 200")
        sock.close()
    client.close()
print(spent)
"""


def limited(**limits: float) -> Rules:
    return Rules(limits=Limits(**limits))  # type: ignore[arg-type]


@pytest.mark.skipif(os.name == "nt", reason="there are no limits to set")
def test_without_descriptors_it_waits_and_then_goes_on() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_DESCRIPTORS],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.2, "seconds of processor time in half a second of waiting"
    assert done.stderr.splitlines() == ["connections have to wait: Too many open files"]


def test_no_more_connections_than_it_may_serve() -> None:
    with (
        RegistryServer(rules=limited(connections=2)) as server,
        raw(server.address) as first,
        raw(server.address) as second,
    ):
        for sock in (first, second):
            sock.sendall(PING)
            assert sock.recv(9) == b"HTTP/1.1 "
        with raw(server.address) as third:
            third.sendall(PING)
            third.settimeout(0.05)
            with pytest.raises(TimeoutError):
                third.recv(9)
            first.close()
            third.settimeout(120)
            assert third.recv(9) == b"HTTP/1.1 "


class Crumbs:
    """A body in pieces of two bytes."""

    length = None

    def __init__(self, count: int) -> None:
        self._count = count

    def chunks(self) -> Iterator[bytes]:
        for number in range(self._count):
            yield number.to_bytes(4)[:2]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def dawdle(sock: socket.socket, piece: bytes, most: int = 2000) -> int:
    """Send a piece every few hundredths of a second until nobody listens; return how many."""
    sock.settimeout(0.03)
    for count in range(most):
        try:
            sock.sendall(piece)
            if sock.recv(99) == b"":
                return count
        except TimeoutError:
            continue
        except OSError:
            return count
    return most


@pytest.mark.parametrize("begun", [b"", b"GET /v2/ HTTP/1.1\r\nx: "], ids=["line", "headers"])
def test_a_head_that_takes_for_ever(begun: bytes) -> None:
    with RegistryServer(rules=limited(head=0.3)) as server, raw(server.address) as sock:
        sock.sendall(begun)
        assert dawdle(sock, b"x") < 2000


def test_a_body_that_trickles() -> None:
    head = b"POST /v2/a/blobs/uploads/?digest=%s HTTP/1.1\r\nContent-Length: 9999\r\n\r\n"
    with RegistryServer(rules=limited(body=0.3)) as server, raw(server.address) as sock:
        sock.sendall(head % str(DIGEST).encode())
        assert dawdle(sock, b"x") < 2000
        assert server.journal[-1].status == 0


def test_a_body_that_is_slow_enough() -> None:
    head = b"POST /v2/a/blobs/uploads/?digest=%s HTTP/1.1\r\nContent-Length: 5\r\n\r\n"
    with RegistryServer(rules=limited(body=60, slowest=1)) as server, raw(server.address) as sock:
        sock.sendall(head % str(DIGEST).encode())
        assert dawdle(sock, b"l", 1) == 1
        sock.settimeout(120)
        sock.sendall(b"oose")
        assert sock.recv(12) == b"HTTP/1.1 201"


def test_a_manifest_in_crumbs_takes_no_more_than_in_one_piece() -> None:
    count = 100_000
    request = Request(method="PUT", path="", query={}, headers={}, body=Crumbs(count))
    tracemalloc.start()
    try:
        assert len(read_body(request.body, 2 * count, "it")) == 2 * count
        assert tracemalloc.get_traced_memory()[1] < 8 * count
    finally:
        tracemalloc.stop()
    with pytest.raises(Refusal, match="larger than 199999 bytes"):
        read_body(request.body, 2 * count - 1, "it")


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_a_client_that_does_not_read(tmp_path: Path, kind: str) -> None:
    blob = blob_of(24 * MIB)
    root = tmp_path if kind == "disk" else None
    with RegistryServer(root, rules=limited(body=0.2)) as server, raw(server.address) as sock:
        put_blob(server, "a", blob)
        sock.sendall(b"GET /v2/a/blobs/%s HTTP/1.1\r\n\r\n" % str(blob.descriptor.digest).encode())
        assert sock.recv(9) == b"HTTP/1.1 "
        wait_for(lambda: not server._listener._connections)  # type: ignore[union-attr]
        assert server.journal[-1].sent < 24 * MIB


def test_headers_that_are_long_together() -> None:
    lines = b"".join(b"x%d: %s\r\n" % (number, b"y" * 15_000) for number in range(5))
    with RegistryServer() as server, raw(server.address) as sock:
        sock.sendall(b"GET /v2/ HTTP/1.1\r\n" + lines + b"\r\n")
        assert read_all(sock).startswith(b"HTTP/1.1 431 ")


def test_a_journal_of_long_requests_is_shorter() -> None:
    journal = Journal(limit=100, most=1000)
    for number in range(50):
        exchange = Exchange(
            method="GET",
            path="/",
            query="",
            status=200,
            received=0,
            sent=0,
            seconds=number,
            headers={"x": "y" * 97},
        )
        journal.add(exchange)
    assert [exchange.seconds for exchange in journal.all()] == list(range(40, 50))
    journal.clear()
    journal.add(exchange)
    assert len(journal.all()) == 1


def test_sessions_are_counted_though_they_come_at_once() -> None:
    uploads = Uploads(MemoryStorage(), Limits(sessions=5))
    start = threading.Barrier(32)

    def begin(_: int) -> bool:
        start.wait()
        with contextlib.suppress(Refusal):
            uploads.begin("a", "sha256")
            return True
        return False

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(32) as pool:
            assert sum(pool.map(begin, range(32))) == 5
    finally:
        sys.setswitchinterval(interval)


def test_crumbs_in_memory() -> None:
    storage = MemoryStorage()
    staging = storage.stage("a")
    for _ in range(100_000):
        staging.write(b"x")
    staging.write(b"y" * 100_000)
    staging.write(b"z")
    content = staging.content()
    assert len(content.pieces) < 20
    assert b"".join(content.chunks(0, content.size)) == b"x" * 100_000 + b"y" * 100_000 + b"z"


def test_tokens_that_nobody_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyjib.serve.tokens._MOST", 3)
    server = RegistryServer(users={"me": "pw"}, auth="token")
    with server, Wire(server.start().address) as wire:
        target = "/token?offline_token=true"
        basic = "Basic bWU6cHc="
        tokens = [wire.send("GET", target, Authorization=basic).json for _ in range(5)]
        taken = [
            wire.send("GET", "/v2/", Authorization=f"Bearer {token['token']}").status
            for token in tokens
        ]
        form = "grant_type=refresh_token&refresh_token="
        renewed = [
            wire.send("POST", "/token", f"{form}{token['refresh_token']}".encode()).status
            for token in tokens
        ]
    assert taken == [401, 401, 200, 200, 200]
    assert renewed == [401, 401, 200, 200, 200]


def test_an_index_that_could_not_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with RegistryServer() as server:
        put_image(server, "a/b", random_image(1), "1")
        manifest = random_image(1).manifest.data
        monkeypatch.setattr(repositories, "MAX_INDEX", 2000)
        with Wire(server.address) as wire:
            statuses = [
                wire.send("PUT", f"/v2/a/b/manifests/t{number}", manifest).status
                for number in range(20)
            ]
            assert statuses[0] == 201
            assert statuses[-1] == 403
            kept = wire.send("GET", "/v2/a/b/tags/list").json["tags"]
    assert len(kept) == statuses.count(201) + 1


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be deleted there")
@pytest.mark.parametrize("kind", ["blobs", "manifests"])
def test_what_is_deleted_before_it_is_sent_was_never_there(tmp_path: Path, kind: str) -> None:
    image = random_image(1)
    digest = image.digest if kind == "manifests" else image.layers[0].descriptor.digest

    def race(request: Request) -> Response | None:
        if request.path != f"/v2/a/{kind}/{digest}":
            return None
        response = server._rule_keeper(request)
        (tmp_path / "a/blobs/sha256" / digest.hex).unlink(missing_ok=True)
        return response

    with RegistryServer(tmp_path, intercept=race) as server:
        put_image(server, "a", image, "1")
        with Wire(server.address) as wire:
            local = wire.send("GET", "/v2/").status and wire.local
            assert wire.send("GET", f"/v2/a/{kind}/{digest}").status == 404
            assert wire.local == local, "the connection goes on"


@pytest.fixture(params=["memory", "disk"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A storage that gets a blob again just when it was found to be old."""
    kind = MemoryStorage if request.param == "memory" else DiskStorage

    class Racing(kind):  # type: ignore[misc, valid-type]
        def old_blobs(self, repository: str, age: float) -> list[Digest]:
            found = super().old_blobs(repository, 0)
            staging = self.stage(repository)
            staging.write(b"loose")
            staging.commit(DIGEST)
            return [digest for digest in found if age > 0]

    return Racing() if request.param == "memory" else Racing(tmp_path)


def test_garbage_that_is_pushed_again_stays(storage: Storage) -> None:
    staging = storage.stage("a")
    staging.write(b"loose")
    staging.commit(DIGEST)
    assert Repositories(storage).collect_garbage("a", 60) == []
    assert storage.blob("a", DIGEST) is not None


def test_a_blob_is_not_garbage_once_somebody_was_told_of_it(tmp_path: Path) -> None:
    """Asked for between the look for old blobs and their deletion."""

    class Racing(DiskStorage):
        def old_blobs(self, repository: str, age: float) -> list[Digest]:
            assert repositories_.promise(repository, DIGEST) is not None
            return super().old_blobs(repository, age)

    storage = Racing(tmp_path)
    repositories_ = Repositories(storage)
    staging = storage.stage("a")
    staging.write(b"loose")
    staging.commit(DIGEST)
    os.utime(tmp_path / "a/blobs/sha256" / DIGEST.hex, (1, 1))
    assert repositories_.collect_garbage("a", 60) == []
    assert repositories_.blob("a", DIGEST) is not None
    assert repositories_.promise("a", Digest.of(b"other")) is None


def test_garbage_that_cannot_be_deleted_is_looked_for_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(garbage_every=0.01, garbage_grace=0.0)
    with RegistryServer(tmp_path, rules=Rules(limits=limits)) as server:
        uploads = tmp_path / "a/_uploads"
        uploads.parent.mkdir()
        uploads.touch()
        (uploads.parent / "index.json").write_text('{"manifests": []}')
        wait_for(lambda: len(caplog.records) > 1)
        uploads.unlink()
        put_blob(server, "a", LOOSE)
        wait_for(lambda: server.repositories.blob("a", DIGEST) is None)
    assert "garbage stays where it is" in caplog.text


class Nobody:
    """A registry behind a cache that has nothing."""

    def resolve(self, name: str, tag: str) -> Digest:
        raise NotFoundError(f"{name}:{tag} is not there")

    def manifest(self, name: str, digest: Digest) -> bytes:
        raise NotFoundError(f"{name}@{digest} is not there")

    def blob(self, name: str, digest: Digest) -> Iterator[bytes]:
        raise NotFoundError(f"{name}@{digest} is not there")


class Liar(Nobody):
    """One whose blobs are others than they should be."""

    def blob(self, name: str, digest: Digest) -> Iterator[bytes]:
        yield f"{name}@{digest}".encode()


def test_what_a_cache_gets_that_is_something_else_is_no_fault_of_its_client() -> None:
    with RegistryServer(upstream=Liar()) as server, Wire(server.address) as wire:
        assert wire.send("GET", f"/v2/a/blobs/{DIGEST}").status == 502
        assert server.repositories.blob("a", DIGEST) is None


def test_a_cache_makes_no_directories_for_what_is_nowhere(tmp_path: Path) -> None:
    with RegistryServer(tmp_path, upstream=Nobody()) as server, Wire(server.address) as wire:
        for target in (f"blobs/{DIGEST}", f"manifests/{DIGEST}", "manifests/1", "tags/list"):
            assert wire.send("GET", f"/v2/no/such/{target}").status == 404
        assert json.loads(wire.send("GET", "/v2/_catalog").body) == {"repositories": []}
    assert list(tmp_path.iterdir()) == []
