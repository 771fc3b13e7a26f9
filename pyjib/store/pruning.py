"""How much a store holds, and making it hold less."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyjib.files import is_partial
from pyjib.store import disk
from pyjib.store.folders import FINISHED, INDEXES, TEMPORARY
from pyjib.store.model import Pruned, Usage

_HOUR = 3_600 * 1_000_000_000
_DAY = 24 * _HOUR
_DIGITS = {16, 64, 128}
"""As many hexadecimal digits a name has: of a segment of the file index, of sha256 and sha512."""


def usage(root: Path, *, now: int) -> Usage:
    """Count the files of a store and their bytes; a store that is not there has none."""
    blobs, blob_bytes = _count(_entries(root / "blobs"))
    written = list(_entries(root / TEMPORARY))
    temporary, temporary_bytes = _count(written)
    abandoned, abandoned_bytes = _count(_abandoned(written, now))
    indexes = [_count(_entries(root / name)) for name in INDEXES]
    return Usage(
        blobs=blobs,
        blob_bytes=blob_bytes,
        index_files=sum(files for files, _ in indexes),
        index_bytes=sum(size for _, size in indexes),
        temporary_files=temporary,
        temporary_bytes=temporary_bytes,
        abandoned_files=abandoned,
        abandoned_bytes=abandoned_bytes,
    )


def newest(root: Path) -> int:
    """Return when a file of a store changed last, in nanoseconds since the epoch."""
    return max((entry.used for name in FINISHED for entry in _entries(root / name)), default=0)


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
        for folder in ("blobs", "files", "projects", "tags"):
            for entry in _entries(root / folder):
                if entry.used < limit:
                    tally.remove(entry.path)
    if max_bytes is not None:
        _shrink(root / "blobs", max_bytes, tally)
    for entry in _entries(root / "layers"):
        if is_orphan(entry.path):
            tally.remove(entry.path)
    sweep(root / TEMPORARY, older_than=now - _HOUR, tally=tally)
    return tally.result


def keep_newest(directory: Path, count: int) -> None:
    """Remove the files of a directory that were not used for longest, but for so many."""
    entries = sorted(_entries(directory), key=lambda entry: (entry.used, entry.path))
    for entry in entries[:-count]:
        disk.remove(entry.path)


def sweep(temporary: Path, *, older_than: int, tally: _Tally | None = None) -> None:
    """Remove temporary files that were last written to before an instant, by nobody who lives."""
    tally = tally or _Tally()
    for entry in _entries(temporary):
        if entry.used < older_than:
            with disk.writer_of(entry.path) as has_writer:
                if not has_writer:
                    tally.remove(entry.path)


def remove_all(root: Path, *, now: int) -> Pruned:
    """Remove every file of a store that nobody is writing, and none that is not its own.

    Where it cannot be known whether somebody is, what was written to within an hour stays.
    """
    tally = _Tally()
    for folder in FINISHED:
        for entry in _entries(root / folder):
            tally.remove(entry.path)
    for entry in _entries(root / TEMPORARY):
        with disk.writer_of(entry.path) as has_writer:
            if _is_abandoned(entry, has_writer, now):
                tally.remove(entry.path)
    return tally.result


def _is_abandoned(entry: _Entry, has_writer: bool | None, now: int) -> bool:
    return entry.used < now - _HOUR if has_writer is None else not has_writer


def _abandoned(entries: Iterable[_Entry], now: int) -> Iterator[_Entry]:
    """Yield what nobody is writing; where that cannot be seen, its age tells."""
    for entry in entries:
        # One that is empty may be locked the next moment: it is not worth being in the way.
        if entry.size:
            with disk.writer_of(entry.path) as has_writer:
                is_abandoned = _is_abandoned(entry, has_writer, now)
            if is_abandoned:
                yield entry


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
    """Yield a folder's files that a store has written, by their names.

    Somebody may name a directory as the cache in which ``projects`` or ``files`` are his own.
    """
    for path, status in disk.files_below(directory):
        if _is_ours(path.relative_to(directory)):
            yield _Entry(path, status.st_size, status.st_mtime_ns)


def _is_ours(path: Path) -> bool:
    if len(path.parts) > 1:
        return len(path.parts) == 2 and path.parts[0] in ("sha256", "sha512") and _is_hex(path.name)
    return _is_hex(path.name) or is_partial(path)


def _is_hex(name: str) -> bool:
    return len(name) in _DIGITS and not name.strip("0123456789abcdef")


def _count(entries: Iterable[_Entry]) -> tuple[int, int]:
    sizes = [entry.size for entry in entries]
    return len(sizes), sum(sizes)
