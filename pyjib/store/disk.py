"""The files of a store, and what its disk says against them, in words."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from pyjib.errors import CacheError
from pyjib.files import Partial, try_lock

REMOVED = (
    "build again; while a build runs, remove nothing from its cache by hand, and prune it from no "
    "other machine"
)
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_TOO_MANY = {errno.EMFILE, errno.ENFILE}
_STALE = getattr(errno, "ESTALE", errno.ENOENT)
"""What NFS says of an open file that another machine removed."""
_NO_PLACE = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EEXIST),
    *(errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL, errno.ENXIO, errno.ENODEV),
}


class NoPlaceError(CacheError):
    """Nothing can be written in the directory of a store, or it cannot even be made."""


def is_no_place(error: OSError) -> bool:
    """Tell whether an error says that a directory is none for this process, or not there."""
    return error.errno in _NO_PLACE


def begin(target: Path, folder: Path, *, locked: bool = True) -> Partial:
    """Begin a file in the store's folder for temporary ones, which is made if need be.

    It is to be closed, whether it arrived at ``target`` or not. Raises ``NoPlaceError`` where
    nothing can be written, and else ``CacheError``.
    """
    partial = Partial(target, folder=folder, locked=locked)
    try:
        try:
            partial.open()
        except FileNotFoundError:
            folder.mkdir(parents=True, exist_ok=True)
            partial.open()
    except OSError as error:
        if is_no_place(error):
            raise _no_place(folder, error) from None
        raise unusable("write in", folder, error) from None
    return partial


def check_writable(root: Path, folders: Iterable[Path]) -> None:
    """Raise ``NoPlaceError`` if nothing can be written in any of the folders that are there."""
    for folder in folders:
        if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
            raise NoPlaceError(
                f"cannot write to the cache in {root}: there is no leave to write in {folder}",
                hint=_ELSEWHERE,
            )


def put_in_place(partial: Partial, target: Path, *, durable: bool) -> None:
    """Give a complete file its name, which stands for its content; raise ``CacheError``."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.arrive(target, durable=durable, as_good=True)
    except OSError as error:
        may_not_replace = isinstance(error, PermissionError | FileExistsError)
        if may_not_replace and not durable and target.is_file():
            return  # on Windows, while it is read: the older record stays, and costs time at most
        raise unusable("write", target, error) from None


def write_whole(target: Path, data: bytes, temporary: Path) -> None:
    """Write a small file by way of the directory ``temporary``; raise ``CacheError``.

    It is not forced to disk: whoever reads it back must find out for himself that a power cut
    left it short.
    """
    with closing(begin(target, temporary)) as partial:
        try:
            partial.file.write(data)
        except OSError as error:
            raise unusable("write", target, error) from None
        put_in_place(partial, target, durable=False)


def now(directory: Path) -> int:
    """Return the present by the file system's own clock, in nanoseconds since the epoch.

    It is the time of change of a file created for it: so it compares with times of other files
    even where a server, and not this machine, sets them. Raises ``CacheError``.
    """
    with closing(begin(directory / "now", directory, locked=False)) as partial:
        try:
            return os.fstat(partial.file.fileno()).st_mtime_ns
        except OSError as error:
            raise unusable("write", partial.path, error) from None


def remove(path: Path) -> int | None:
    """Remove a file and return its size, or ``None`` if it is gone already, or cannot go."""
    try:
        size = path.stat().st_size
        path.unlink()
    except OSError:
        return None
    return size


@contextmanager
def writer_of(path: Path) -> Iterator[bool | None]:
    """Tell whether somebody is writing a temporary file; none if nobody can know.

    If it is nobody, nobody will be before the block ends.
    """
    descriptor = None if os.name == "nt" else _open_to_lock(path)
    if descriptor is None:
        yield None
        return
    try:
        is_ours = try_lock(descriptor)
        yield None if is_ours is None else not is_ours
    finally:
        os.close(descriptor)


def _open_to_lock(path: Path) -> int | None:
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    for mode in (os.O_RDWR, os.O_RDONLY):  # it may be another user's; NFS locks none of those
        with suppress(OSError):
            return os.open(path, mode | flags)
    return None


def files_below(directory: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield every file below a directory; what vanishes meanwhile, or is not there, is left out."""
    try:
        with os.scandir(directory) as entries:
            listed = list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise unusable("list", directory, error) from None
    for entry in listed:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from files_below(directory / entry.name)
            else:
                # Not the entry's own stat: on Windows that one may be out of date.
                path = directory / entry.name
                yield path, path.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise unusable("read", directory / entry.name, error) from None


def unusable(action: str, path: Path, error: OSError) -> CacheError:
    """Word a failure of the cache's disk, with what helps against it."""
    return CacheError(
        f"cannot {action} {path} in the cache: {error.strerror or error}",
        hint=_hint(action, error),
    )


_ELSEWHERE = "pass --cache DIR to keep the cache in a directory that can be written"


def _hint(action: str, error: OSError) -> str:
    if error.errno in _FULL:
        return (
            "free some space, for example by `pyjib cache prune --all`, with the --cache that was "
            "given if any, or pass another --cache DIR"
        )
    if error.errno in _TOO_MANY:
        return "raise the limit of open files (ulimit -n), or pass a lower --jobs"
    if error.errno == errno.EXDEV:
        return "keep all of the cache's directories on one file system, and no links among them"
    if isinstance(error, FileNotFoundError) or error.errno == _STALE:
        return REMOVED
    if action in ("read", "list"):
        return "let the user who builds read all of the cache, or pass another --cache DIR"
    return _ELSEWHERE


def _no_place(folder: Path, error: OSError) -> NoPlaceError:
    root = folder.parent
    return NoPlaceError(
        f"cannot write to the cache in {root}: {_reason(folder, error)}",
        hint=_ELSEWHERE,
    )


def _reason(folder: Path, error: OSError) -> str:
    """Tell what is in the way: a file, or what the system says, and of which directory."""
    said, root = error.strerror or str(error), folder.parent
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
    except (OSError, StopIteration):
        return said
    if not there.is_dir():
        kind = "a file, not a directory" if there.is_file() else "no directory"
        return f"{'it' if there == root else there} is {kind}"
    return said if there in (folder, root) else f"it cannot be made in {there}: {said}"
