"""What no manifest names goes after a while; what anybody may still count on stays."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from pyjib.oci.blob import Blob
from pyjib.oci.digest import Digest
from pyjib.serve import Limits, RegistryServer, Rules
from tests.support.images import random_image, random_index
from tests.support.registry import image_in, put_blob, put_image
from tests.support.wire import Wire

LOOSE = Blob.of_bytes(b"loose", "x/y")
DIGEST = LOOSE.descriptor.digest


def filled(server: RegistryServer) -> None:
    put_image(server, "a/b", random_image(1), "1")
    put_image(server, "a/b", random_index(2), "2")
    put_blob(server, "a/b", LOOSE)


def test_only_what_nothing_names(either_registry: RegistryServer) -> None:
    filled(either_registry)
    assert either_registry.collect_garbage() == {}
    assert either_registry.collect_garbage(0) == {"a/b": [DIGEST]}
    assert either_registry.collect_garbage(0) == {}
    assert image_in(either_registry, "a/b", "1") is not None
    assert image_in(either_registry, "a/b", "2") is not None


def test_what_was_asked_for_stays(either_registry: RegistryServer) -> None:
    """A push that found it there is going to name it."""
    put_blob(either_registry, "a/b", LOOSE)
    with Wire(either_registry.address) as wire:
        assert wire.send("HEAD", f"/v2/a/b/blobs/{DIGEST}").status == 200
    assert either_registry.collect_garbage(0.0) == {"a/b": [DIGEST]}
    put_blob(either_registry, "a/b", LOOSE)
    assert either_registry.repositories.promise("a/b", DIGEST) is not None
    assert either_registry.collect_garbage(60) == {}


def test_links_and_second_pushes_are_young(tmp_path: Path) -> None:
    with RegistryServer(tmp_path) as server:
        put_blob(server, "old", LOOSE)
        path = tmp_path / "old/blobs/sha256" / DIGEST.hex
        os.utime(path, (1, 1))
        assert server.repositories.storage.link_blob("old", "new", DIGEST)
        assert server.repositories.storage.old_blobs("new", 60) == []
        os.utime(path, (1, 1))
        assert server.repositories.storage.old_blobs("old", 60) == [DIGEST]
        put_blob(server, "old", LOOSE)
        assert server.repositories.storage.old_blobs("old", 60) == []


def test_what_cannot_be_understood_is_left_alone(tmp_path: Path) -> None:
    """A manifest of a kind that nobody here knows may name anything."""
    with RegistryServer(tmp_path) as server:
        strange = Blob.of_bytes(b'{"unknown": true}', "x/y")
        put_blob(server, "a", LOOSE)
        put_blob(server, "a", strange)
        index = tmp_path / "a/index.json"
        document = json.loads(index.read_bytes())
        document["manifests"].append(strange.descriptor.to_json())
        index.write_text(json.dumps(document))
        assert server.collect_garbage(0) == {}
        index.write_text("{")
        assert server.collect_garbage(0) == {}


def test_by_itself() -> None:
    limits = Limits(garbage_every=0.01, garbage_grace=0.0)
    with RegistryServer(rules=Rules(limits=limits)) as server:
        put_blob(server, "a", LOOSE)
        deadline = time.monotonic() + 60
        while server.repositories.blob("a", DIGEST) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.repositories.blob("a", DIGEST) is None


@pytest.mark.parametrize("name", ["a", "a/b"])
def test_an_empty_repository(either_registry: RegistryServer, name: str) -> None:
    either_registry.repositories.storage.create(name)
    assert either_registry.repositories.names() == [name]
    assert either_registry.repositories.blob(name, Digest.of(b"")) is None
