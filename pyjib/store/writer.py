"""Writing a blob: unseen until it is complete and verified."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import BinaryIO, Self

from pyjib.errors import DigestMismatchError, SizeMismatchError
from pyjib.files import Partial
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.store import disk
from pyjib.store.folders import Folders
from pyjib.store.held import HeldFile, HeldFiles


class BlobWriter:
    """Takes the bytes of one blob; to be used as a context manager, by one thread.

    Nothing can be found in the store before ``commit``; leaving the context without it removes
    what was written. A full or read-only disk raises ``CacheError``.
    """

    def __init__(self, folders: Folders, held: HeldFiles) -> None:
        self._folders = folders
        self._held = held
        self._hash = hashlib.sha256()
        self._size = 0
        self._partial: Partial | None = None

    def __enter__(self) -> Self:
        self._partial = disk.begin(self._folders.blobs / "blob", self._folders.temporary)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._partial is not None:
            self._partial.close()
            self._partial = None

    @property
    def size(self) -> int:
        """The number of bytes so far."""
        return self._size

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append bytes and return their number."""
        partial = self._opened()
        self._hash.update(data)
        try:
            partial.file.write(data)
        except OSError as error:
            raise disk.unusable("write", partial.path, error) from None
        count = len(data)
        self._size += count
        return count

    def describe(self, media_type: str) -> Descriptor:
        """Describe what was written so far."""
        digest = Digest.finish(self._hash)
        return Descriptor(media_type=media_type, digest=digest, size=self._size)

    def opener(self) -> Callable[[], BinaryIO]:
        """Return what opens the bytes so far, for whoever needs them until the context ends."""
        partial = self._opened()
        try:
            partial.file.flush()
        except OSError as error:
            raise disk.unusable("write", partial.path, error) from None
        return HeldFile(partial.path, None).open

    def commit(self, media_type: str, expected: Descriptor | None = None) -> Blob:
        """Verify the bytes, force them to disk, and give them their place in the store.

        ``expected`` is what they must be. Raises ``SizeMismatchError`` or
        ``DigestMismatchError``, and then nothing is stored. A blob of the same digest that is
        there already is replaced: if it was damaged, it is whole again.
        """
        partial = self._opened()
        descriptor = self.describe(media_type)
        if expected is not None:
            digest = self._verify(partial, descriptor.digest, expected)
            descriptor = replace(descriptor, digest=digest)
        target = self._folders.blob(descriptor.digest)
        file = self._held.arriving(partial.path, target)
        disk.put_in_place(partial, target, durable=True)
        self._partial = None
        return stored_blob(file, descriptor)

    def _verify(self, partial: Partial, digest: Digest, expected: Descriptor) -> Digest:
        if self._size != expected.size:
            raise SizeMismatchError(
                f"{expected.digest} has {self._size} bytes, not the {expected.size} it should have"
            )
        if expected.digest.algorithm != digest.algorithm:
            digest = _digest_again(partial, expected.digest)
        if digest != expected.digest:
            raise DigestMismatchError(
                f"content does not match its digest {expected.digest}: it has {digest}",
                hint="run it again; if that does not help, its source is damaged",
            )
        return digest

    def _opened(self) -> Partial:
        if self._partial is None:
            raise ValueError("the writer is not open")
        return self._partial


def stored_blob(file: HeldFile, descriptor: Descriptor) -> Blob:
    """Return the blob in a file of the store, which is removed when it turns out to be damaged."""
    return Blob(descriptor=descriptor, opener=file.open, discard=file.discard)


def _digest_again(partial: Partial, wanted: Digest) -> Digest:
    # The bytes were hashed by sha256 as they came; the rare sha512 is worth a second pass.
    state = wanted.hasher()
    try:
        partial.file.seek(0)
        while chunk := partial.file.read(1 << 20):
            state.update(chunk)
    except OSError as error:
        raise disk.unusable("read", partial.path, error) from None
    return Digest(wanted.algorithm, state.hexdigest())
