"""What a store has told of can be read, whoever removes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.store.held import HeldFiles
from pyjib.store.store import Store

TYPE = "application/octet-stream"
DATA = bytes(range(256)) * 1000
posix = pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody remove what is held")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "cache")
    yield opened
    opened.close()


def put(store: Store, data: bytes = DATA) -> Blob:
    with store.writer() as writer:
        writer.write(data)
        return writer.commit(TYPE)


def read(blob: Blob) -> bytes:
    with blob.open() as stream:
        return stream.read()


@posix
@pytest.mark.parametrize("is_new", [True, False])
def test_what_was_pruned_can_be_read_on(store: Store, is_new: bool) -> None:
    blob: Blob | None = put(store)
    if not is_new:
        blob = store.find(Descriptor.of(DATA, TYPE))
    assert blob is not None
    with blob.open() as begun:
        assert begun.read(1000) == DATA[:1000]
        assert Store(store.root).prune(everything=True).files == 1
        assert list((store.root / "blobs" / "sha256").iterdir()) == []
        assert begun.read() == DATA[1000:]
    assert read(blob) == read(blob) == DATA
    assert store.find(blob.descriptor) is None


@posix
def test_readers_do_not_disturb_each_other(store: Store) -> None:
    blob = put(store)
    first, second = blob.opener(), blob.opener()
    with first, second:
        assert first.read(10) == DATA[:10]
        assert second.read(300_000) == DATA
        assert first.seek(-6, os.SEEK_END) == len(DATA) - 6
        assert first.read() == DATA[-6:]
        assert first.seek(5) == 5
        assert first.seek(2, os.SEEK_CUR) == 7
        assert (first.read(1), first.tell()) == (DATA[7:8], 8)
        with pytest.raises(OSError, match="Invalid"):
            first.seek(-1)


@posix
def test_a_reader_outlives_the_store(store: Store) -> None:
    blob = put(store)
    with blob.open() as begun:
        store.close()
        store.discard(blob.descriptor.digest)
        assert begun.read() == DATA


def test_after_the_end_files_are_opened_by_name(store: Store) -> None:
    blob = put(store)
    store.close()
    assert read(blob) == DATA


def test_damaged_ones_are_removed(store: Store) -> None:
    blob = put(store)
    (path,) = (store.root / "blobs" / "sha256").iterdir()
    path.write_bytes(DATA[::-1])
    with pytest.raises(Exception, match="does not match its digest"):
        read(blob)
    assert not path.exists()
    assert read(put(store)) == DATA


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts open files")
def test_no_more_is_held_than_is_known_of(store: Store) -> None:
    before = open_files()
    blobs = [put(store, bytes([number])) for number in range(100)]
    assert open_files() - before == 64
    assert [read(blob) for blob in blobs] == [bytes([number]) for number in range(100)]
    del blobs[50:]
    assert open_files() - before == 50
    assert store.find(Descriptor.of(b"\0", TYPE)) is not None
    store.close()
    assert open_files() == before
    assert read(blobs[0]) == b"\0"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits open files")
def test_where_too_many_files_are_open_none_is_held(tmp_path: Path) -> None:
    import resource  # noqa: PLC0415  not on Windows

    path = tmp_path / "file"
    path.write_bytes(b"x")
    held = HeldFiles()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        file, status = held.look(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert status.st_size == 1
    with file.open() as stream:
        assert stream.read() == b"x"
