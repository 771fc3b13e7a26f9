"""A directory's lock, for processes and threads that write into the same one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyjib.cancellation import Cancellation

_GLANCE = 0.05
"""Seconds between two attempts to get a lock."""


@contextmanager
def locked(directory: Path, cancellation: Cancellation) -> Iterator[None]:
    """Hold the lock of a directory, which is created if need be; wait for whoever has it.

    Windows and some network file systems have no such lock, and keep nobody out. Raises
    ``OSError`` if the directory cannot be opened, and ``CancelledError``.
    """
    descriptor = _lock(directory, cancellation)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lock(directory: Path, cancellation: Cancellation) -> int | None:
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        if os.name == "nt":
            return None
        try:
            descriptor = os.open(directory, os.O_RDONLY)
        except FileNotFoundError:
            continue  # who had the lock took the directory away again
        try:
            _wait(descriptor, cancellation)
            if _is_open(descriptor, directory):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _wait(descriptor: int, cancellation: Cancellation) -> None:
    import fcntl  # noqa: PLC0415  Windows has none

    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            cancellation.wait(_GLANCE)
        except OSError:
            return  # a file system without locks
        else:
            return


def _is_open(descriptor: int, directory: Path) -> bool:
    """Tell whether the directory is still the one that was locked."""
    try:
        return os.path.samestat(os.fstat(descriptor), directory.stat())
    except FileNotFoundError:
        return False
