"""Files that appear whole or not at all, and blobs as chunks to fill them with."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pyjib.errors import DestinationError
from pyjib.oci.blob import Blob

CHUNK = 1 << 20
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of ``path`` once the block is left without an error.

    It is written under another name in the same directory, then flushed to disk and renamed.
    After an error, even Ctrl-C, nothing of it is left. Raises ``DestinationError`` for whatever
    the file system says no to, so the block must map its own ``OSError``s.
    """
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.partial")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def is_partial(path: Path) -> bool:
    """Tell whether ``replacing`` writes a file under this name, or was killed while it did."""
    return path.name.startswith(".") and path.name.endswith(".partial")


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
