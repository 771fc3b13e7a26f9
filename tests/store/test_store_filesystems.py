"""A store on file systems that lack something: the system's calls answer here as theirs do."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pyjib.errors import CacheError
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.store.store import LayerRecord, Store

TYPE = "application/octet-stream"
DATA = b"some bytes" * 1000
WANTED = Descriptor.of(DATA, TYPE)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def refusing(number: int) -> Callable[..., NoReturn]:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return refuse


def fill(store: Store) -> None:
    """Write something of each kind, twice, and read it."""
    for _ in range(2):
        with store.writer() as writer:
            writer.write(DATA)
            blob = writer.commit(TYPE)
        store.put_layer("key", LayerRecord(descriptor=WANTED, diff_id=Digest.of(b"tar")))
        store.put_project("project", b"kept")
        store.remember_file_digests({"a\0001\0001\0001": WANTED.digest}, started=1 << 62)
        with blob.open() as stream:
            assert stream.read() == DATA
    again = Store(store.root)
    assert again.get_layer("key") is not None
    assert again.get_project("project") == b"kept"
    assert again.file_digest("a\0001\0001\0001") == WANTED.digest
    assert again.usage().temporary_files == 0


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP])
def test_nothing_can_be_forced_to_disk(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "fsync", refusing(number))
    fill(store)


def test_what_the_disk_refuses_is_not_passed_over(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", refusing(errno.EIO))
    with pytest.raises(CacheError, match="cannot write"):
        fill(store)
    assert store.usage().files == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, 524])
def test_there_are_no_locks(store: Store, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    import fcntl  # noqa: PLC0415  Windows has none

    monkeypatch.setattr(fcntl, "flock", refusing(number))
    fill(store)
    with store.writer() as writer:
        writer.write(DATA)
        for prune in ({}, {"everything": True}):
            store.prune(**prune)  # type: ignore[arg-type]
            assert store.usage().temporary_files == 1  # somebody may be writing it
        assert store.usage().abandoned_files == 0
        writer.commit(TYPE)
    left = store.root / "tmp" / ".blob.000000000000.pyjib.partial"
    left.write_bytes(DATA)
    os.utime(left, (1, 1))
    assert store.usage().abandoned_files == 1
    assert store.prune().files == 1


@pytest.mark.parametrize("number", [errno.EEXIST, errno.EACCES])
def test_nothing_can_be_renamed_over(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    rename = Path.replace

    def replace(path: Path, target: Path) -> Path:
        if target.exists():
            raise OSError(number, os.strerror(number))
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    fill(store)


def test_times_cannot_be_set(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store)
    for path in store.root.rglob("*"):
        os.utime(path, (1, 1))
    monkeypatch.setattr(os, "utime", refusing(errno.EPERM))
    assert Store(store.root).find(WANTED) is not None


def test_its_folders_lie_on_several(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "replace", refusing(errno.EXDEV))
    with pytest.raises(CacheError, match="cannot write") as caught:
        fill(store)
    assert "on one file system" in (caught.value.hint or "")
    assert store.usage().files == 0


def test_too_many_files_are_open(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    opener: Any = os.open

    def open_(path: Any, *arguments: Any, **more: Any) -> int:
        if ".blob." in str(path):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        descriptor: int = opener(path, *arguments, **more)
        return descriptor

    monkeypatch.setattr(os, "open", open_)
    with pytest.raises(CacheError, match=os.strerror(errno.EMFILE)) as caught:
        fill(store)
    assert "ulimit -n" in (caught.value.hint or "")


def test_names_are_valid_everywhere(store: Store) -> None:
    """On Windows too: short, in lower case, without what is special there."""
    fill(store)
    with store.writer() as writer:
        writer.write(DATA)
        names = [path.relative_to(store.root).as_posix() for path in store.root.rglob("*")]
    assert len(names) > 8
    for name in names:
        assert len(name) <= 85
        assert not set(name) - set("0123456789abcdefghijklmnopqrstuvwxyz./")
        assert not any(part.endswith(".") for part in name.split("/"))
