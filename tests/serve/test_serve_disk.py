"""Repositories on disk: portable layouts, what survives what, and many clients at once."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pyjib.oci.digest import Digest
from pyjib.oci.image import images_of
from pyjib.serve import Limits, RegistryServer, Rules
from tests.support.images import random_image, random_index
from tests.support.registry import image_in, manifest_in, put_image, tags_in, validate_all
from tests.support.wire import Wire, raw


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "registry"


@pytest.fixture
def server(root: Path) -> Iterator[RegistryServer]:
    with RegistryServer(root) as started:
        yield started


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_each_repository_is_a_layout(server: RegistryServer, root: Path) -> None:
    image = random_image(1)
    put_image(server, "library/app", image, "1.0", "latest")
    layout = root / "library" / "app"
    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((layout / "index.json").read_text())
    assert index["mediaType"] == "application/vnd.oci.image.index.v1+json"
    assert [entry["annotations"] for entry in index["manifests"]] == [
        {"org.opencontainers.image.ref.name": "1.0"},
        {"org.opencontainers.image.ref.name": "latest"},
    ]
    blobs = {image.digest, image.image_id, *(layer.descriptor.digest for layer in image.layers)}
    assert files(layout) == {
        "oci-layout",
        "index.json",
        *(f"blobs/{digest.algorithm}/{digest.hex}" for digest in blobs),
    }
    for digest in blobs:
        data = (layout / "blobs" / "sha256" / digest.hex).read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest.hex


def test_index_lists_what_no_other_index_lists(server: RegistryServer, root: Path) -> None:
    image = random_index(1)
    put_image(server, "app", image, "t")
    listed = json.loads((root / "app" / "index.json").read_text())["manifests"]
    assert [entry["digest"] for entry in listed] == [str(image.digest)]
    server.repositories.delete_manifest("app", image.digest)
    listed = json.loads((root / "app" / "index.json").read_text())["manifests"]
    assert {entry["digest"] for entry in listed} == {str(one.digest) for one in images_of(image)}


def test_another_server_serves_the_same(server: RegistryServer, root: Path) -> None:
    put_image(server, "app", random_image(1), "one")
    put_image(server, "app", random_index(2), "two")
    server.close()
    with RegistryServer(root) as other, Wire(other.address) as wire:
        assert wire.send("GET", "/v2/_catalog").json == {"repositories": ["app"]}
        assert wire.send("GET", "/v2/app/tags/list").json["tags"] == ["one", "two"]
        for one in (random_image(1), *images_of(random_index(2))):
            assert manifest_in(other, "app", one.digest) == one.manifest.data
        validate_all(other)


def test_what_another_program_changes_is_seen(server: RegistryServer, root: Path) -> None:
    put_image(server, "app", random_image(1), "one")
    assert tags_in(server, "app") == ["one"]
    path = root / "app" / "index.json"
    path.write_text(path.read_text().replace('"one"', '"uno"'))
    assert tags_in(server, "app") == ["uno"]
    shutil.copytree(root / "app", root / "seeded")
    assert tags_in(server, "seeded") == ["uno"]
    shutil.rmtree(root / "app")
    assert server.repositories.names() == ["seeded"]


def test_layout_of_another_program(root: Path) -> None:
    with RegistryServer(root) as server:
        put_image(server, "app", random_image(1), "good")
    path = root / "app" / "index.json"
    index = json.loads(path.read_text())
    foreign = [
        {**index["manifests"][0], "annotations": {"org.opencontainers.image.ref.name": "r.io/a:1"}},
        {**index["manifests"][0], "digest": f"sha256:{'0' * 64}"},
        {"digest": 5},
        "nonsense",
    ]
    path.write_text(json.dumps({"schemaVersion": 2, "manifests": foreign + index["manifests"]}))
    with RegistryServer(root) as server:
        assert tags_in(server, "app") == ["good"]
        put_image(server, "app", random_image(2), "more")
        assert tags_in(server, "app") == ["good", "more"]
    assert json.loads(path.read_text())["manifests"][:4] == foreign


def test_links_in_a_layout_are_not_followed(
    server: RegistryServer, root: Path, tmp_path: Path
) -> None:
    put_image(server, "app", random_image(1), "t")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    digest = Digest.of(b"secret")
    (root / "app" / "blobs" / "sha256" / digest.hex).symlink_to(secret)
    with Wire(server.address) as wire:
        assert wire.send("GET", f"/v2/app/blobs/{digest}").status == 404
        assert wire.send("POST", f"/v2/b/blobs/uploads/?mount={digest}&from=app").status == 202


def test_a_blob_that_was_cut_short_is_healed_by_a_push(server: RegistryServer, root: Path) -> None:
    image = random_image(1)
    put_image(server, "app", image, "t")
    layer = image.layers[0].descriptor
    path = root / "app" / "blobs" / "sha256" / layer.digest.hex
    with path.open("r+b") as file:
        file.truncate(1)
    put_image(server, "app", image, "t")
    assert path.stat().st_size == layer.size


def test_a_blob_that_was_cut_short_replaces_none(server: RegistryServer, root: Path) -> None:
    """What is linked from elsewhere is not looked into."""
    image = random_image(1)
    layer = image.layers[0].descriptor
    one, two = (root / name / "blobs" / "sha256" / layer.digest.hex for name in ("one", "two"))
    for repository in ("one", "two"):
        put_image(server, repository, image, "t")
    data = two.read_bytes()
    one.unlink()
    one.write_bytes(b"x")
    assert server.repositories.storage.link_blob("one", "two", layer.digest)
    assert two.read_bytes() == data


def test_mounted_blob_is_one_file(server: RegistryServer, root: Path) -> None:
    image = random_image(1)
    put_image(server, "one", image, "t")
    digest = image.layers[0].descriptor.digest
    with Wire(server.address) as wire:
        assert wire.send("POST", f"/v2/two/blobs/uploads/?mount={digest}&from=one").status == 201
    paths = [root / name / "blobs" / "sha256" / digest.hex for name in ("one", "two")]
    assert paths[0].samefile(paths[1])


def test_mount_without_hard_links(
    server: RegistryServer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError("no links here")

    image = random_image(1)
    put_image(server, "one", image, "t")
    monkeypatch.setattr(os, "link", refuse)
    assert server.repositories.storage.link_blob("one", "two", image.image_id)
    put_image(server, "two", image, "t")


def test_leftovers_of_a_killed_server_are_removed(root: Path) -> None:
    uploads = root / "a" / "b" / "_uploads"
    uploads.mkdir(parents=True)
    (uploads / "old").write_text("x")
    (uploads / "new").write_text("x")
    os.utime(uploads / "old", (0, 0))
    with RegistryServer(root):
        assert files(root) == {"a/b/_uploads/new"}


def test_close_forgets_unfinished_uploads(server: RegistryServer, root: Path) -> None:
    with Wire(server.address) as wire:
        location = wire.send("POST", "/v2/app/blobs/uploads/")["Location"]
        wire.send("PATCH", location, b"abc")
        assert len(files(root)) == 1
    server.close()
    assert files(root) == set()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize("way", ["post", "put", "patch"])
def test_client_that_dies_in_the_middle(server: RegistryServer, root: Path, way: str) -> None:
    data = random.Random(3).randbytes(300_000)
    digest = Digest.of(data)
    with Wire(server.address) as wire:
        location = wire.send("POST", "/v2/app/blobs/uploads/")["Location"]
        server.clear_journal()
        query = f"?digest={digest}"
        start = {
            "post": f"POST /v2/app/blobs/uploads/{query}",
            "put": f"PUT {location}{query}",
            "patch": f"PATCH {location}",
        }[way]
        with raw(server.address) as sock:
            sock.sendall(f"{start} HTTP/1.1\r\nContent-Length: {len(data)}\r\n\r\n".encode())
            sock.sendall(data[:200_000])
        until(lambda: server.journal)
        assert [one.status for one in server.journal] == [0]
        assert wire.send("HEAD", f"/v2/app/blobs/{digest}").status == 404
        assert wire.send("GET", "/v2/_catalog").json == {"repositories": []}
        if way != "post":  # the session can be resumed
            assert wire.send("GET", location)["Range"] == "0-199999"
            reply = wire.send(
                "PUT", location + query, data[200_000:], Content_Range="200000-299999"
            )
            assert reply.status == 201
            assert wire.send("GET", f"/v2/app/blobs/{digest}").body == data
        else:
            assert wire.send("DELETE", location).status == 204
            assert files(root) == set()


def test_two_requests_in_one_session(root: Path) -> None:
    with RegistryServer(root) as server, Wire(server.address) as wire:
        location = wire.send("POST", "/v2/app/blobs/uploads/")["Location"]
        with raw(server.address) as slow:
            slow.sendall(f"PATCH {location} HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc".encode())
            until(lambda: wire.send("GET", location)["Range"] == "0-2")
            slow.shutdown(socket.SHUT_RDWR)  # the client gives up, and comes back at once
            reply = wire.send("PATCH", location, b"def")
            assert (reply.status, reply["Range"]) == (202, "0-5")


def test_full_disk_is_an_answer_and_leaves_nothing(
    server: RegistryServer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with Wire(server.address) as wire:
        location = wire.send("POST", "/v2/app/blobs/uploads/")["Location"]
        monkeypatch.setattr(os, "fsync", full)
        digest = Digest.of(b"abc")
        assert wire.send("PUT", f"{location}?digest={digest}", b"abc").status == 500
        assert wire.send("GET", location).status == 404
        assert wire.send("POST", f"/v2/app/blobs/uploads/?digest={digest}", b"abc").status == 500
        assert files(root) == set()
        monkeypatch.undo()
        assert wire.send("POST", f"/v2/app/blobs/uploads/?digest={digest}", b"abc").status == 201


# Many at once


def test_eight_clients_push_the_same_blob(either_registry: RegistryServer) -> None:
    data = random.Random(4).randbytes(2 << 20)
    digest = Digest.of(data)
    barrier = threading.Barrier(8)

    def push(number: int) -> int:
        with Wire(either_registry.address) as wire:
            location = wire.send("POST", "/v2/app/blobs/uploads/")["Location"]
            barrier.wait()
            return wire.send("PUT", f"{location}?digest={digest}", data).status

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(push, range(8))) == [201] * 8
    with Wire(either_registry.address) as wire:
        assert wire.send("GET", f"/v2/app/blobs/{digest}").body == data
    if either_registry.root:
        assert files(either_registry.root) == {
            "app/oci-layout",
            "app/index.json",
            f"app/blobs/sha256/{digest.hex}",
        }


def test_eight_clients_tag_in_one_repository(either_registry: RegistryServer) -> None:
    put_image(either_registry, "app", random_image(1), "seed")
    data = manifest_in(either_registry, "app", "seed")
    barrier = threading.Barrier(8)

    def tag(number: int) -> list[int]:
        with Wire(either_registry.address) as wire:
            barrier.wait()
            targets = [f"/v2/app/manifests/t{number}-{turn}" for turn in range(5)]
            done = [wire.send("PUT", target, data).status for target in targets]
            return [*done, wire.send("DELETE", targets[0]).status]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(tag, range(8))) == [[201] * 5 + [202]] * 8
    wanted = [f"t{number}-{turn}" for number in range(8) for turn in range(1, 5)]
    assert tags_in(either_registry, "app") == sorted(["seed", *wanted])


def test_blob_can_be_read_while_it_is_deleted(server: RegistryServer) -> None:
    data = random.Random(5).randbytes(8 << 20)
    digest = Digest.of(data)
    with Wire(server.address) as wire, raw(server.address) as reader:
        wire.send("POST", f"/v2/app/blobs/uploads/?digest={digest}", data)
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        reader.sendall(f"GET /v2/app/blobs/{digest} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        received = [reader.recv(1 << 16)]
        assert wire.send("DELETE", f"/v2/app/blobs/{digest}").status == 202
        received += iter(lambda: reader.recv(1 << 16), b"")
    assert b"".join(received).partition(b"\r\n\r\n")[2] == data


# The fixtures that other tests use


def test_images_that_were_put_are_the_same_images(either_registry: RegistryServer) -> None:
    for seed, image in enumerate((random_image(1), random_index(2))):
        put_image(either_registry, f"app/n{seed}", image, "t")
        found = image_in(either_registry, f"app/n{seed}", "t")
        assert found
        assert (found.digest, found.image_id) == (image.digest, image.image_id)
    validate_all(either_registry)


def test_registry_fixture(registry: RegistryServer) -> None:
    put_image(registry, "app", random_index(1), "t")


def test_disk_registry_fixture(disk_registry: RegistryServer) -> None:
    put_image(disk_registry, "app", random_image(1), "t")


def test_limits_are_the_documented_ones() -> None:
    limits = Rules().limits
    assert limits == Limits(
        manifest=8 << 20,
        upload=20 << 30,
        sessions=64,
        session_idle=3600,
        head=60,
        body=60,
        page=1000,
    )
