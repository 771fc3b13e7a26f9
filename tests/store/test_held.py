"""What a store has told of can be read, whoever removes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyjib.errors import CacheError
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


@contextmanager
def at_most(files: int) -> Iterator[None]:
    """Let no more files be open."""
    import resource  # noqa: PLC0415  not on Windows

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts open files")


@linux
def test_no_more_is_held_than_is_known_of(store: Store) -> None:
    before = open_files()
    with at_most(256):
        blobs = [put(store, bytes([number])) for number in range(100)]
        assert open_files() - before == 64
        assert [read(blob) for blob in blobs] == [bytes([number]) for number in range(100)]
        del blobs[50:]
        assert open_files() - before == 50
        assert store.find(Descriptor.of(b"\0", TYPE)) is not None
        assert store.prune(everything=True).files == 100
        assert [read(blob) for blob in blobs] == [bytes([number]) for number in range(50)]
    store.close()
    assert open_files() == before
    with pytest.raises(CacheError, match="removed from the cache meanwhile") as caught:
        read(blobs[0])
    assert "prune it from no other machine" in (caught.value.hint or "")


@linux
def test_those_that_are_not_held_leave_room_for_others(store: Store) -> None:
    before = open_files()
    with at_most(256):
        held = [put(store, bytes([number])) for number in range(64)]
        named = [put(store, bytes([number])) for number in range(64, 128)]
        held.clear()
        assert open_files() == before
        again = [store.find(blob.descriptor) for blob in named]
        assert open_files() - before == len(again) == 64


@linux
def test_all_layers_of_a_large_image_are_held(store: Store) -> None:
    """As many as 200, where the process may have 1,024 files open, as is usual."""
    with at_most(1024):
        blobs = [put(store, number.to_bytes(2, "big")) for number in range(200)]
        assert store.prune(everything=True).files == 200
        assert {read(blob) for blob in blobs} == {n.to_bytes(2, "big") for n in range(200)}


@linux
def test_too_many_open_files_are_told(store: Store) -> None:
    blob = put(store)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    with at_most(free), pytest.raises(CacheError, match="Too many open files") as caught:
        read(blob)
    assert "ulimit -n" in (caught.value.hint or "")


def test_after_the_end_none_is_held_anew(store: Store) -> None:
    blob = put(store)
    store.close()
    found = store.find(blob.descriptor)
    assert found is not None
    (path,) = (store.root / "blobs" / "sha256").iterdir()
    path.unlink()
    with pytest.raises(CacheError, match="removed from the cache meanwhile"):
        read(found)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits open files")
def test_where_too_many_files_are_open_none_is_held(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    held = HeldFiles()
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    with at_most(free):
        file, status = held.look(path)
    assert status.st_size == 1
    with file.open() as stream:
        assert stream.read() == b"x"
