"""Files that appear whole or not at all, on any file system and among many processes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from pyjib.errors import CacheError

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def create_temporary(directory: Path) -> tuple[int, Path]:
    """Create an empty file of a new name, and the directory if need be; raise ``CacheError``.

    Returns a descriptor that writes to it, and its path.
    """
    path = directory / f"{os.getpid()}-{os.urandom(8).hex()}"
    try:
        try:
            return os.open(path, _NEW, 0o666), path
        except FileNotFoundError:
            directory.mkdir(parents=True, exist_ok=True)
            return os.open(path, _NEW, 0o666), path
    except OSError as error:
        raise unusable("write", path, error) from None


def write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    """Write every byte: a nearly full disk may take a part, and refuse only the next call."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def put_in_place(temporary: Path, target: Path) -> None:
    """Give a complete temporary file its name, in the place of any older file of that name.

    Windows refuses while another process reads the older one. As names here stand for content,
    the older file is then as good, and the new one is removed. Raises ``OSError``.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        temporary.replace(target)
    except PermissionError:
        if not target.is_file() or target.stat().st_size != temporary.stat().st_size:
            raise
        remove(temporary)


def write_whole(target: Path, data: bytes, temporary: Path) -> None:
    """Write a small file by way of the directory ``temporary``; raise ``CacheError``.

    It is not forced to disk: whoever reads it back must find out for himself that a power cut
    left it short.
    """
    descriptor, path = create_temporary(temporary)
    try:
        try:
            write_all(descriptor, data)
        finally:
            os.close(descriptor)
        put_in_place(path, target)
    except OSError as error:
        remove(path)
        raise unusable("write", target, error) from None
    except BaseException:
        remove(path)
        raise


def now(directory: Path) -> int:
    """Return the present by the file system's own clock, in nanoseconds since the epoch.

    It is the time of change of a file created for it: so it compares with times of other files
    even where a server, and not this machine, sets them. Raises ``CacheError``.
    """
    descriptor, path = create_temporary(directory)
    try:
        return os.fstat(descriptor).st_mtime_ns
    except OSError as error:
        raise unusable("write", path, error) from None
    finally:
        os.close(descriptor)
        remove(path)


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
        hint = "free some space, for example by 'pyjib cache prune', or pass --cache DIR"
    elif isinstance(error, FileNotFoundError):
        hint = "build again, and prune the cache only when no build is running"
    else:
        hint = "pass --cache DIR to keep the cache in a directory that can be written"
    return CacheError(
        f"cannot {action} {path} in the cache: {error.strerror or error}",
        hint=hint,
    )
