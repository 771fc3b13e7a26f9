from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from pyjib.oci.blob import Blob
from pyjib.oci.digest import Digest
from pyjib.store.store import LayerRecord, Pruned, Store, Usage

TYPE = "application/octet-stream"
DAY = 86_400


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def put(store: Store, data: bytes, *, days_ago: float = 0) -> Blob:
    with store.writer() as writer:
        writer.write(data)
        blob = writer.commit(TYPE)
    age(path_of(store, blob), days_ago)
    return blob


def path_of(store: Store, blob: Blob) -> Path:
    return store.root / "blobs" / "sha256" / blob.descriptor.digest.hex


def age(path: Path, days: float) -> None:
    used = path.stat().st_mtime - days * DAY
    os.utime(path, (used, used))


def remember(store: Store, key: str, blob: Blob) -> None:
    store.put_layer(key, LayerRecord(descriptor=blob.descriptor, diff_id=Digest.of(b"tar")))


def test_usage(store: Store) -> None:
    assert store.usage() == Usage()
    remember(store, "key", put(store, b"12345"))
    put(store, b"678")
    with store.writer() as writer:
        writer.write(b"x" * (1 << 20))
        usage = store.usage()
    assert (usage.blobs, usage.blob_bytes) == (2, 8)
    assert usage.index_files == 1
    assert usage.index_bytes > 100
    assert (usage.temporary_files, usage.temporary_bytes) == (1, 1 << 20)
    assert usage.files == 4
    assert usage.bytes == 8 + (1 << 20) + usage.index_bytes


def test_old_ones_go(store: Store) -> None:
    old, new = put(store, b"old", days_ago=31), put(store, b"new!", days_ago=29)
    remember(store, "old", old)
    remember(store, "new", new)
    (old_record,) = [p for p in (store.root / "layers").iterdir() if b'"size":3' in p.read_bytes()]
    size = old_record.stat().st_size
    assert store.prune(older_than_days=30) == Pruned(files=2, bytes=3 + size)
    assert store.find(old.descriptor) is None
    assert store.get_layer("new") is not None
    assert store.prune(older_than_days=30) == Pruned(files=0, bytes=0)


def test_use_makes_young(store: Store) -> None:
    old = put(store, b"old", days_ago=31)
    assert Store(store.root).find(old.descriptor) is not None
    assert store.prune(older_than_days=1).files == 0


def test_use_of_documents_makes_young(store: Store) -> None:
    digest = store.put_document(b"{}")
    age(store.root / "blobs" / "sha256" / digest.hex, 31)
    assert Store(store.root).get_document(digest) == b"{}"
    assert store.prune(older_than_days=1).files == 0


def test_use_is_written_down_once_a_day_only(store: Store) -> None:
    blob = put(store, b"data", days_ago=0.5)
    before = path_of(store, blob).stat().st_mtime_ns
    assert store.find(blob.descriptor) is not None
    assert path_of(store, blob).stat().st_mtime_ns == before


def test_least_recently_used_go_first(store: Store) -> None:
    blobs = [put(store, bytes([n]) * 10, days_ago=days) for n, days in enumerate((2, 5, 1, 4))]
    assert store.prune(max_bytes=25) == Pruned(files=2, bytes=20)
    assert [store.find(blob.descriptor) is not None for blob in blobs] == [True, False, True, False]
    assert store.prune(max_bytes=25).files == 0


def test_file_digests_of_old_go(store: Store) -> None:
    store.remember_file_digests({"a\0001\0001\0001": Digest.of(b"")}, started=1 << 62)
    (segment,) = (store.root / "files").iterdir()
    assert store.prune(older_than_days=30).files == 0
    age(segment, 31)
    assert store.prune(older_than_days=30).files == 1


def test_everything(store: Store) -> None:
    remember(store, "key", put(store, b"data"))
    store.remember_file_digests({"a\0001\0001\0001": Digest.of(b"")}, started=1 << 62)
    (store.root / "tmp" / ".blob.00000000000a.pyjib.partial").write_bytes(b"x")
    (store.root / "not ours").write_bytes(b"somebody's")
    assert store.prune(everything=True).files == 4
    assert store.usage() == Usage()
    assert (store.root / "not ours").read_bytes() == b"somebody's"
    assert store.get_layer("key") is None


def test_store_works_on_after_everything_went(store: Store) -> None:
    put(store, b"data")
    store.prune(everything=True)
    assert store.find(put(store, b"data").descriptor) is not None


def test_what_crashes_left_goes_on_the_way(store: Store) -> None:
    put(store, b"data")
    young, old = (store.root / "tmp" / f".blob.{name * 12}.pyjib.partial" for name in ("a", "b"))
    for path in (young, old):
        path.write_bytes(b"left behind")
    age(old, 1.1)
    put(Store(store.root), b"other")
    assert young.exists()
    assert not old.exists()


def test_what_another_version_keeps_is_left_alone(store: Store) -> None:
    """Read, built with, and pruned of what is old or too much, it is there as it was."""
    remember(store, "key", put(store, b"data"))
    others = {
        store.root / "layers2" / "record": b"of another kind",
        store.root / "layers" / ("0" * 64): b'{"layer": {"format": 2}}',
        store.root / "version": b"2",
        store.root / "tmp2" / "left": b"written by another version",
    }
    for path, content in others.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        age(path, 100)
    put(Store(store.root), b"more")
    store.prune(older_than_days=1, max_bytes=0)
    assert {path: path.read_bytes() for path in others} == others
    assert store.usage().blobs == 0
    store.prune(everything=True)
    assert [path.exists() for path in others] == [True, False, True, True]


def test_a_full_disk_is_pruned(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though not even the file can be made that tells the time."""
    put(store, b"old", days_ago=31)
    put(store, b"young")

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", refuse)
    assert store.prune(older_than_days=30) == Pruned(files=1, bytes=3)
    assert store.prune(everything=True) == Pruned(files=1, bytes=5)


def test_a_directory_of_somebodys_own_as_the_cache(store: Store) -> None:
    """Whoever passes --cache ~ may have projects, files and a tmp of his own there."""
    remember(store, "key", put(store, b"data", days_ago=100))
    theirs = [
        store.root / "projects" / "shop" / ".git" / "objects" / "ab" / ("c" * 38),
        store.root / "projects" / "shop" / "pom.xml",
        store.root / "projects" / "shop" / ("a" * 64),
        store.root / "files" / "letter.txt",
        store.root / "blobs" / "sha1" / ("b" * 40),
        store.root / "tags" / "list",
        store.root / "tmp" / "note",
    ]
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"theirs")
        age(path, 100)
    assert store.usage().files == 2
    assert store.prune(older_than_days=30, max_bytes=0).files == 2
    store.prune(everything=True)
    assert [path for path in theirs if not path.exists()] == []
