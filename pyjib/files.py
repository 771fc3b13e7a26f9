"""Files that appear whole or not at all: written under a name of their own, then renamed.

The one tool for it: the store's files, archives and layouts, what is downloaded for Maven, and
logins are written by way of a ``Partial``.

What a killed process leaves is removed by a later one. Where partial files lie beside others,
they are told by their names, which nobody else gives, and those at work by a lock: whoever
writes one keeps it locked, or where there are no locks, open, which on Windows keeps it from
being removed. On other systems without locks nothing is removed. Partial files in a ``folder``
of their own are left to its owner, who goes by their age too.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pyjib.patterns import late

_NAME = late(r"\.(.*)\.[0-9a-f]{12}\.pyjib\.partial", re.DOTALL)
_BYTES_KEPT = 100
"""Of a file's own name so many bytes are part of a partial one's; names have 255 at most."""
_NO_SUCH_THING = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
"""What file systems say to fsync that have none: programs' own (FUSE), and some networks'."""
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class Partial:
    """A file on its way to ``target``; a context, after which nothing is left unless it arrived.

    It is written beside its target, or in ``folder`` on the same file system. A ``private`` one
    can be read by its owner alone. One that nobody will miss need not be ``locked``. Any method,
    and entering, may raise ``OSError``.
    """

    def __init__(
        self,
        target: Path,
        *,
        folder: Path | None = None,
        private: bool = False,
        locked: bool = True,
    ) -> None:
        self.target = target
        self.path = target
        self.file: BinaryIO
        self.arrived = False
        self._folder = folder
        self._locked = locked
        self._mode = 0o600 if private else 0o666

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self) -> None:
        """Create the file, under a name that it has to itself; what ``with`` begins with."""
        while True:
            self._create()
            if not self._locked:
                return
            if try_lock(self.file.fileno()) is not False and self.path.exists():
                return
            self.file.close()  # another process found it before it was locked, and removes it

    def close(self) -> None:
        """Remove the file unless it arrived; what ``with`` ends with."""
        if self.arrived:
            return
        with contextlib.suppress(OSError):  # on a full disk closing fails, and does close
            self.file.close()
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def arrive(self, target: Path | None = None, *, durable: bool, as_good: bool = False) -> None:
        """Give the file its name, in the place of any older file of that name.

        With ``durable`` its bytes are forced to disk before. ``target`` is another name, where
        that is known only now. Where names stand for content, an older file is ``as_good``:
        Windows refuses to replace it while another process reads it, as some network's file systems
        always do, and it stays.
        """
        target = target or self.target
        self.file.flush()
        if durable:
            _force_to_disk(self.file.fileno())
        size = self.file.tell()
        if os.name == "nt":
            self.file.close()  # Windows renames no file that is open
        try:
            self.path.replace(target)
        except (PermissionError, FileExistsError):
            if not as_good or not target.is_file() or target.stat().st_size != size:
                raise
            self.close()
        # Closed, and with that unlocked, when nobody can take it for abandoned any more.
        self.arrived = True
        self.file.close()

    def _create(self) -> None:
        stem = f".{_stem(self.target.name)}.{secrets.token_hex(6)}.pyjib.partial"
        self.path = (self._folder or self.target.parent) / stem
        self.file = os.fdopen(os.open(self.path, _NEW, self._mode), "w+b")


def is_partial(path: Path) -> bool:
    """Tell whether a file of this name is a partial one, or was when its process was killed."""
    return _NAME.fullmatch(path.name) is not None


def remove_abandoned(directory: Path, name: str | None = None) -> None:
    """Remove what killed processes left in a directory of the file ``name``, or of any file."""
    with contextlib.suppress(OSError):
        for path in directory.iterdir():
            found = _NAME.fullmatch(path.name)
            if found is not None and (name is None or found[1] == _stem(name)):
                _remove_if_abandoned(path)


def try_lock(descriptor: int) -> bool | None:
    """Lock an open file until it is closed; false if another has it, none if there are no locks."""
    if os.name == "nt":
        return None
    import fcntl  # noqa: PLC0415  Windows has none

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _force_to_disk(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SUCH_THING:
            raise


def _remove_if_abandoned(path: Path) -> None:
    with contextlib.suppress(OSError):
        if os.name == "nt":
            path.unlink()
            return
        # What is no plain file (a symbolic link, a pipe that nobody writes to) is not ours.
        flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags)
        try:
            if try_lock(descriptor):
                path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _stem(name: str) -> str:
    stem = name[:_BYTES_KEPT]
    while len(os.fsencode(stem)) > _BYTES_KEPT:
        stem = stem[:-1]
    return stem
