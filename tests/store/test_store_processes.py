from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.errors import CacheError
from pyjib.files import try_lock
from pyjib.oci.descriptor import Descriptor
from pyjib.store import disk
from pyjib.store.store import Store
from tests.support.store_workers import (
    MEDIA_TYPE,
    content,
    write_all,
    write_and_wait,
    write_beyond_limit,
)

# Anew, not forked: as on Windows, and with no thread of pytest's copied half-way.
SPAWN = multiprocessing.get_context("spawn")
BLOBS = 12


def test_many_processes_write_the_same(tmp_path: Path) -> None:
    root = tmp_path / "cache"
    pipes = [SPAWN.Pipe() for _ in range(4)]
    processes = [SPAWN.Process(target=write_all, args=(root, BLOBS, theirs)) for _, theirs in pipes]
    for process in processes:
        process.start()
    assert [ours.recv() for ours, _ in pipes] == ["done"] * 4
    for process, pipe in zip(processes, pipes, strict=True):
        process.join()
        assert process.exitcode == 0
        process.close()
        for end in pipe:
            end.close()
    store = Store(root)
    usage = store.usage()
    assert (usage.blobs, usage.temporary_files) == (BLOBS, 0)
    for number in range(BLOBS):
        blob = store.find(Descriptor.of(content(number), MEDIA_TYPE))
        assert blob is not None
        with blob.open() as stream:
            assert stream.read() == content(number)
        assert store.get_layer(f"key {number}") is not None
        fingerprint = f"file {number}\0{len(content(number))}\0001\0001\0001"
        assert store.file_digest(fingerprint) == blob.descriptor.digest


def test_many_threads_write_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for number in range(BLOBS):
                wanted = Descriptor.of(content(number), MEDIA_TYPE)
                store.fetch(wanted, [content(number)])
        except BaseException as error:  # noqa: BLE001 - told to the main thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert (store.usage().blobs, store.usage().temporary_files) == (BLOBS, 0)


def test_killed_while_writing(tmp_path: Path) -> None:
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=write_and_wait, args=(tmp_path, theirs))
    process.start()
    assert ours.recv() == "written"
    process.kill()
    process.join()
    process.close()
    ours.close()
    theirs.close()
    store = Store(tmp_path)
    assert store.find(Descriptor.of(content(1), MEDIA_TYPE)) is None
    assert store.usage().blobs == 0
    usage, size = store.usage(), len(content(1))
    assert (usage.temporary_files, usage.temporary_bytes) == (1, size)
    if os.name != "nt":  # there nobody can know
        assert (usage.abandoned_files, usage.abandoned_bytes) == (1, size)
    assert store.prune().files == 0  # where locks are not seen, another might still be writing it
    (left,) = (tmp_path / "tmp").iterdir()
    os.utime(left, (1, 1))
    assert store.usage().abandoned_files == 1
    assert store.prune().files == 1


def test_what_is_being_written_stays(tmp_path: Path) -> None:
    """However old it looks, as it does when a machine slept for a night."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=write_and_wait, args=(tmp_path, theirs))
    process.start()
    assert ours.recv() == "written"
    store = Store(tmp_path)
    (written,) = (tmp_path / "tmp").iterdir()
    os.utime(written, (1, 1))
    assert store.usage().temporary_files == 1
    if os.name != "nt":
        assert store.usage().abandoned_files == 0
        with store.writer():  # clears on the way what is older than a day
            pass
        for prune in ({}, {"max_bytes": 0}, {"older_than_days": 0.0}, {"everything": True}):
            assert store.prune(**prune).files == 0  # type: ignore[arg-type]
    assert written.exists()
    process.kill()
    process.join()
    process.close()
    ours.close()
    theirs.close()
    assert store.prune(everything=True).files == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_no_more_room(tmp_path: Path) -> None:
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=write_beyond_limit, args=(tmp_path, 100_000, theirs))
    process.start()
    message, hint = ours.recv()
    process.join()
    process.close()
    ours.close()
    theirs.close()
    assert "cannot write" in message
    assert "pyjib cache prune --all" in hint  # what is young would stay without
    assert "--cache" in hint
    assert Store(tmp_path).usage().files == 0


def test_removed_by_hand_while_a_blob_is_written(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writer() as writer:
        writer.write(b"abc")
        (left,) = (tmp_path / "tmp").iterdir()
        if os.name == "nt":
            return  # nobody can
        left.unlink()
        with pytest.raises(CacheError, match="No such file") as caught:
            writer.commit(MEDIA_TYPE)
    assert "while a build runs" in (caught.value.hint or "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
def test_nobody_begins_to_write_what_is_about_to_be_removed(tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.touch()
    with left.open("rb+") as file:
        with disk.writer_of(left) as has_writer:
            assert has_writer is False
            assert try_lock(file.fileno()) is False
        assert try_lock(file.fileno()) is True
        with disk.writer_of(left) as has_writer:
            assert has_writer is True
    with disk.writer_of(tmp_path / "none") as has_writer:
        assert has_writer is None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB, where the system lets us have one."""
    place = tmp_path / "disk"
    place.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a small file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_disk_full(small_disk: Path) -> None:
    store = Store(small_disk / "cache")
    data = os.urandom(100_000)
    store.fetch(Descriptor.of(data, MEDIA_TYPE), [data])
    large = os.urandom(300_000)
    with pytest.raises(CacheError, match="No space left") as caught:
        store.fetch(Descriptor.of(large, MEDIA_TYPE), [large])
    assert "pyjib cache prune" in (caught.value.hint or "")
    assert (store.usage().blobs, store.usage().temporary_files) == (1, 0)
    assert store.find(Descriptor.of(data, MEDIA_TYPE)) is not None
