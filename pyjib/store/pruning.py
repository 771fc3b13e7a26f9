"""How much a store holds, and making it hold less."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyjib.store import disk
from pyjib.store.model import Pruned, Usage

_HOUR = 3_600 * 1_000_000_000
_DAY = 24 * _HOUR
_INDEXES = ("layers", "files", "projects")
_FOLDERS = ("blobs", *_INDEXES, "tmp")


def usage(root: Path) -> Usage:
    """Count the files of a store and their bytes; a store that is not there has none."""
    blobs, blob_bytes = _count(root / "blobs")
    temporary, temporary_bytes = _count(root / "tmp")
    indexes = [_count(root / name) for name in _INDEXES]
    return Usage(
        blobs=blobs,
        blob_bytes=blob_bytes,
        index_files=sum(files for files, _ in indexes),
        index_bytes=sum(size for _, size in indexes),
        temporary_files=temporary,
        temporary_bytes=temporary_bytes,
    )


def prune(
    root: Path,
    *,
    now: int,
    is_orphan: Callable[[Path], bool],
    older_than_days: float | None,
    max_bytes: int | None,
) -> Pruned:
    """Remove what is old, then what is too much, then what has lost its purpose.

    ``now`` is in nanoseconds since the epoch; ``is_orphan`` tells whether a layer's record has
    lost its blob.
    """
    tally = _Tally()
    if older_than_days is not None:
        limit = now - int(older_than_days * _DAY)
        for folder in ("blobs", "files", "projects"):
            for entry in _entries(root / folder):
                if entry.used < limit:
                    tally.remove(entry.path)
    if max_bytes is not None:
        _shrink(root / "blobs", max_bytes, tally)
    for entry in _entries(root / "layers"):
        if is_orphan(entry.path):
            tally.remove(entry.path)
    sweep(root / "tmp", older_than=now - _HOUR, tally=tally)
    return tally.result


def keep_newest(directory: Path, count: int) -> None:
    """Remove the files of a directory that were not used for longest, but for so many."""
    entries = sorted(_entries(directory), key=lambda entry: (entry.used, entry.path))
    for entry in entries[:-count]:
        disk.remove(entry.path)


def sweep(temporary: Path, *, older_than: int, tally: _Tally | None = None) -> None:
    """Remove temporary files that were last written to before an instant."""
    tally = tally or _Tally()
    for entry in _entries(temporary):
        if entry.used < older_than:
            tally.remove(entry.path)


def remove_all(root: Path) -> Pruned:
    """Remove every file of a store, and none that is not its own."""
    tally = _Tally()
    for folder in _FOLDERS:
        for entry in _entries(root / folder):
            tally.remove(entry.path)
    return tally.result


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    size: int
    used: int


class _Tally:
    """Removes files and counts those that went, and those that did not."""

    def __init__(self) -> None:
        self._files = 0
        self._bytes = 0
        self._kept = 0

    def remove(self, path: Path) -> bool:
        size = disk.remove(path)
        if size is None:
            self._kept += os.path.lexists(path)  # it may be gone already, which is as good
            return False
        self._files += 1
        self._bytes += size
        return True

    @property
    def result(self) -> Pruned:
        return Pruned(files=self._files, bytes=self._bytes, kept=self._kept)


def _shrink(blobs: Path, max_bytes: int, tally: _Tally) -> None:
    entries = sorted(_entries(blobs), key=lambda entry: (entry.used, entry.path))
    left = sum(entry.size for entry in entries)
    for entry in entries:
        if left <= max_bytes:
            return
        if tally.remove(entry.path):
            left -= entry.size


def _entries(directory: Path) -> Iterator[_Entry]:
    for path, status in disk.files_below(directory):
        yield _Entry(path, status.st_size, status.st_mtime_ns)


def _count(directory: Path) -> tuple[int, int]:
    sizes = [entry.size for entry in _entries(directory)]
    return len(sizes), sum(sizes)
