"""Writing a blob: unseen until it is complete and verified."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pyjib.errors import CacheError, DigestMismatchError, SizeMismatchError
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.store import disk


class BlobWriter:
    """Takes the bytes of one blob; to be used as a context manager, by one thread.

    Nothing can be found in the store before ``commit``; leaving the context without it removes
    what was written. A full or read-only disk raises ``CacheError``.
    """

    def __init__(self, blobs: Path, temporary: Path) -> None:
        self._blobs = blobs
        self._temporary = temporary
        self._hash = hashlib.sha256()
        self._size = 0
        self._descriptor = -1
        self._path: Path | None = None

    def __enter__(self) -> Self:
        self._descriptor, self._path = disk.create_temporary(self._temporary)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._descriptor >= 0:
            self._close()
        if self._path is not None:
            disk.remove(self._path)
            self._path = None

    @property
    def size(self) -> int:
        """The number of bytes so far."""
        return self._size

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append bytes and return their number."""
        path = self._open_path()
        self._hash.update(data)
        try:
            disk.write_all(self._descriptor, data)
        except OSError as error:
            raise disk.unusable("write", path, error) from None
        count = len(data)
        self._size += count
        return count

    def describe(self, media_type: str) -> Descriptor:
        """Describe what was written so far."""
        digest = Digest.finish(self._hash)
        return Descriptor(media_type=media_type, digest=digest, size=self._size)

    def commit(self, media_type: str, expected: Descriptor | None = None) -> Blob:
        """Verify the bytes, force them to disk, and give them their place in the store.

        ``expected`` is what they must be. Raises ``SizeMismatchError`` or
        ``DigestMismatchError``, and then nothing is stored. A blob of the same digest that is
        there already is replaced: if it was damaged, it is whole again.
        """
        path = self._open_path()
        descriptor = self.describe(media_type)
        if expected is not None:
            digest = self._verify(path, descriptor.digest, expected)
            descriptor = replace(descriptor, digest=digest)
        target = blob_path(self._blobs, descriptor.digest)
        try:
            os.fsync(self._descriptor)
            self._close()
            disk.put_in_place(path, target)
        except OSError as error:
            raise disk.unusable("write", target, error) from None
        self._path = None
        return stored_blob(target, descriptor)

    def _verify(self, path: Path, digest: Digest, expected: Descriptor) -> Digest:
        if self._size != expected.size:
            raise SizeMismatchError(
                f"{expected.digest} has {self._size} bytes, not the {expected.size} it should have"
            )
        if expected.digest.algorithm != digest.algorithm:
            digest = _digest_again(path, expected.digest)
        if digest != expected.digest:
            raise DigestMismatchError(
                f"content does not match its digest {expected.digest}: it has {digest}",
                hint="run it again; if that does not help, its source is damaged",
            )
        return digest

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)

    def _open_path(self) -> Path:
        if self._path is None or self._descriptor < 0:
            raise ValueError("the writer is not open")
        return self._path


def blob_path(blobs: Path, digest: Digest) -> Path:
    """Return where a blob lies below the directory of all."""
    return blobs / digest.algorithm / digest.hex


def stored_blob(path: Path, descriptor: Descriptor) -> Blob:
    """Return the blob in a file of the store; opening it raises ``CacheError`` if it is gone.

    The file is removed when it turns out to be damaged.
    """

    def open_file() -> BinaryIO:
        try:
            return path.open("rb")
        except FileNotFoundError:
            raise CacheError(
                f"cannot read {path}: it has been removed from the cache meanwhile",
                hint="build again, and prune the cache only when no build is running",
            ) from None
        except OSError as error:
            raise disk.unusable("read", path, error) from None

    return Blob(descriptor=descriptor, opener=open_file, discard=lambda: _remove(path))


def _remove(path: Path) -> None:
    disk.remove(path)


def _digest_again(path: Path, wanted: Digest) -> Digest:
    # The bytes were hashed by sha256 as they came; the rare sha512 is worth a second pass.
    state = wanted.hasher()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                state.update(chunk)
    except OSError as error:
        raise disk.unusable("read", path, error) from None
    return Digest(wanted.algorithm, state.hexdigest())
