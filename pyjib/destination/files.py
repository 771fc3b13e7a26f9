"""Files that appear whole or not at all, and blobs as chunks to fill them with."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pyjib.errors import DestinationError
from pyjib.files import Partial, remove_abandoned
from pyjib.oci.blob import Blob

CHUNK = 1 << 20
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def check_folder(folder: Path, path: Path) -> None:
    """Raise ``DestinationError`` unless a folder can be written in, or made and written in.

    ``path`` is what is to be written there. ``OSError``s are the caller's to map.
    """
    there = next((at for at in (folder, *folder.parents) if os.path.lexists(at)), folder)
    if not there.is_dir():
        raise DestinationError(
            f"cannot write {path}: {there} is no directory", hint="choose another place"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise DestinationError(
            f"cannot write {path}: no permission to write in {there}",
            hint="choose a place that you may write to",
        )


@contextmanager
def made(folder: Path, path: Path) -> Iterator[None]:
    """Make a folder and those it lies in, for ``path``; after an error they are gone again.

    Raises ``DestinationError`` if it cannot be made.
    """
    new = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from None
        yield
    except BaseException:
        for place in new:
            with suppress(OSError):  # somebody else has files there by now
                place.rmdir()
        raise


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of ``path`` once the block is left without an error.

    It is written under another name in the same directory, then, unless it need not be
    ``durable``, forced to disk, and renamed.
    After an error, even Ctrl-C, nothing of it is left; what a killed process left of the same
    file is removed first. Raises ``DestinationError`` for whatever the file system says no to,
    so the block must map its own ``OSError``s.
    """
    try:
        remove_abandoned(path.parent, path.name)
        with Partial(path) as partial:
            yield partial.file
            partial.arrive(durable=durable)
    except OSError as error:
        raise cannot_write(path, error) from None


def cannot_write(path: Path, error: OSError) -> DestinationError:
    """Say that a path cannot be written, why, and what helps."""
    hint = None
    if error.errno in _FULL:
        hint = "free some space, or write to another file system"
    elif error.errno in _FORBIDDEN:
        hint = "choose a place that you may write to"
    elif error.errno == errno.ENOENT and path.parent != Path():
        hint = "create its directory first"
    return DestinationError(f"cannot write {path}: {error.strerror or error}", hint=hint)


def blob_chunks(blob: Blob) -> Iterator[bytes]:
    """Yield a blob's bytes, verified: a wrong digest raises ``ContentError`` after the last."""
    with blob.open() as reader:
        while chunk := reader.read(CHUNK):
            yield chunk
