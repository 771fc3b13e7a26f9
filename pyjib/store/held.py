"""Files that stay open while a build may need them, so that nobody can take them from it.

What is open can be read to its end though its name be removed, and Windows does not let it be
removed. So no lock is needed between builds and those who prune the store.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO, cast
from weakref import WeakSet

from pyjib.errors import CacheError
from pyjib.store import disk

_MOST = 64
"""So many files are held at once in any case; macOS gives a process 256 of all kinds."""
_SHARE = 4
"""Beyond that a fourth of what the process may have open: an image of many layers needs more."""
_BEYOND = 16_384
"""The most of these that are reckoned with."""

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_NONE_LEFT = {errno.EMFILE, errno.ENFILE}


class HeldFiles:
    """The files that one store holds, each for as long as somebody knows of it. Thread-safe."""

    def __init__(self) -> None:
        self._held: WeakSet[HeldFile] = WeakSet()
        self._most = _MOST
        self._asked = False
        self._lock = threading.Lock()

    def look(self, path: Path) -> tuple[HeldFile, os.stat_result]:
        """Hold a file and return it with its status; raises ``OSError`` if it is not there.

        Where too many files are open already it is only looked at.
        """
        with self._lock:
            held, descriptor = self._hold(path, path)
        return held, path.stat() if descriptor is None else os.fstat(descriptor)

    def arriving(self, path: Path, target: Path) -> HeldFile:
        """Hold a file that is about to have the name ``target``; ``path`` is what it has now."""
        if os.name == "nt":  # renames no file that is open
            return HeldFile(target, None)
        with self._lock:
            try:
                return self._hold(path, target)[0]
            except OSError:  # whoever renames it will say so
                return HeldFile(target, None)

    def close(self) -> None:
        """Hold none any more: from now on they are opened by their names."""
        with self._lock:
            self._most, self._asked = 0, True
            for held in list(self._held):
                held.release()
            self._held.clear()

    def _hold(self, path: Path, name: Path) -> tuple[HeldFile, int | None]:
        descriptor = self._open(path)
        held = HeldFile(name, descriptor)
        if descriptor is not None:
            self._held.add(held)
        return held, descriptor

    def _open(self, path: Path) -> int | None:
        if len(self._held) >= self._most and not self._asked:
            self._most, self._asked = max(_MOST, _limit() // _SHARE), True
        if len(self._held) >= self._most:
            return None
        try:
            return os.open(path, _READ)
        except OSError as error:
            if error.errno in _NONE_LEFT:
                return None
            raise


def _limit() -> int:
    try:
        import resource  # noqa: PLC0415  Windows has none, and few builds hold so many files
    except ImportError:
        return 0
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _BEYOND if soft == resource.RLIM_INFINITY else min(soft, _BEYOND)


class HeldFile:
    """One file; ``path`` is where it lies, or lay when it was held."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def open(self) -> BinaryIO:
        """Open it at its first byte; raises ``CacheError`` if it is gone, or cannot be read."""
        with self._lock:
            if self._descriptor is not None and hasattr(os, "pread"):
                # A descriptor of its own: this one may be released while that one is read.
                try:
                    reader = _Reader(os.dup(self._descriptor))
                except OSError as error:
                    raise disk.unusable("read", self.path, error) from None
                return cast(BinaryIO, io.BufferedReader(reader))
        try:
            return self.path.open("rb")
        except FileNotFoundError:
            raise CacheError(
                f"cannot read {self.path}: it has been removed from the cache meanwhile",
                hint=disk.REMOVED,
            ) from None
        except OSError as error:
            raise disk.unusable("read", self.path, error) from None

    def release(self) -> None:
        """Hold it no more."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def discard(self) -> None:
        """Remove the file, as it turned out to be damaged."""
        self.release()  # first: Windows removes no file that is open
        disk.remove(self.path)

    __del__ = release


class _Reader(io.RawIOBase):
    """Reads a file from a place of its own, whoever else reads it by the same open file."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        if sys.platform == "linux":
            count = os.preadv(self._descriptor, [view], self._at)
        else:
            data = os.pread(self._descriptor, len(view), self._at)
            count = len(data)
            view[:count] = data
        self._at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence == os.SEEK_CUR:
            offset += self._at
        elif whence == os.SEEK_END:
            offset += os.fstat(self._descriptor).st_size
        if offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._at = offset
        return offset

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()
