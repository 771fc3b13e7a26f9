"""Files that appear whole or not at all, and blobs as chunks to fill them with."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pyjib.destination.lock import try_lock
from pyjib.errors import DestinationError
from pyjib.oci.blob import Blob

CHUNK = 1 << 20
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_PARTIAL = re.compile(r"\.(.*)\.[0-9a-f]{12}\.partial", re.DOTALL)
_NAME_KEPT = 100


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of ``path`` once the block is left without an error.

    It is written under another name in the same directory, then flushed to disk and renamed.
    After an error, even Ctrl-C, nothing of it is left; what a killed process left of the same
    file is removed first. Raises ``DestinationError`` for whatever the file system says no to,
    so the block must map its own ``OSError``s.
    """
    temporary: Path | None = None
    try:
        remove_abandoned(path.parent, path.name)
        temporary, file = _new_partial(path)
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def is_partial(path: Path) -> bool:
    """Tell whether ``replacing`` writes a file under this name, or was killed while it did."""
    return _PARTIAL.fullmatch(path.name) is not None


def remove_abandoned(directory: Path, name: str | None = None) -> None:
    """Remove what killed processes left in a directory of the file ``name``, or of any file.

    Who writes such a file keeps it locked, or where there are no locks, open: on Windows that
    keeps it from being removed; elsewhere without locks nothing is removed.
    """
    with contextlib.suppress(OSError):
        for path in directory.iterdir():
            found = _PARTIAL.fullmatch(path.name)
            if found is not None and (name is None or found[1] == name[:_NAME_KEPT]):
                _remove_if_abandoned(path)


def _remove_if_abandoned(path: Path) -> None:
    with contextlib.suppress(OSError):
        if os.name == "nt":
            path.unlink()
            return
        with path.open("r+b") as file:
            if try_lock(file.fileno()):
                path.unlink(missing_ok=True)


def _new_partial(path: Path) -> tuple[Path, BinaryIO]:
    """Create a file of a new name beside ``path`` and lock it; raise ``OSError``."""
    while True:
        stem = path.name[:_NAME_KEPT]
        temporary = path.with_name(f".{stem}.{secrets.token_hex(6)}.partial")
        file = temporary.open("xb")
        try_lock(file.fileno())
        if temporary.exists():
            return temporary, file
        file.close()  # another process found it in the moment before it was locked


def cannot_write(path: Path, error: OSError) -> DestinationError:
    """Say that a path cannot be written, why, and what helps."""
    hint = None
    if error.errno in _FULL:
        hint = "free some space, or write to another file system"
    elif error.errno in _FORBIDDEN:
        hint = "choose a place that you may write to"
    elif error.errno == errno.ENOENT:
        hint = "create its directory first"
    return DestinationError(f"cannot write {path}: {error.strerror or error}", hint=hint)


def blob_chunks(blob: Blob) -> Iterator[bytes]:
    """Yield a blob's bytes, verified: a wrong digest raises ``ContentError`` after the last."""
    with blob.open() as reader:
        while chunk := reader.read(CHUNK):
            yield chunk
