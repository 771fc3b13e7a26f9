"""The files of a store, and what its disk says against them, in words."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from pyjib.errors import CacheError
from pyjib.files import Partial

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def begin(target: Path, folder: Path) -> Partial:
    """Begin a file in a folder for temporary ones, made if need be; raise ``CacheError``.

    It is to be closed, whether it arrived at ``target`` or not.
    """
    partial = Partial(target, folder=folder)
    try:
        try:
            partial.open()
        except FileNotFoundError:
            folder.mkdir(parents=True, exist_ok=True)
            partial.open()
    except OSError as error:
        raise unusable("write", partial.path, error) from None
    return partial


def put_in_place(partial: Partial, target: Path, *, durable: bool) -> None:
    """Give a complete file its name, which stands for its content; raise ``CacheError``."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.arrive(target, durable=durable, as_good=True)
    except OSError as error:
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
    with closing(begin(directory / "now", directory)) as partial:
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
    if error.errno in _FULL:
        hint = (
            "free some space, for example by `pyjib cache prune --all`, with the --cache that was "
            "given if any, or pass another --cache DIR"
        )
    elif isinstance(error, FileNotFoundError):
        hint = "build again, and prune the cache only when no build is running"
    else:
        hint = "pass --cache DIR to keep the cache in a directory that can be written"
    return CacheError(
        f"cannot {action} {path} in the cache: {error.strerror or error}",
        hint=hint,
    )
