"""Blobs: bytes that can be opened again and again, each time checked against their descriptor."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from dataclasses import field
from typing import BinaryIO, Self

from pyjib.errors import CacheError, DigestMismatchError, SizeMismatchError
from pyjib.frozen import frozen
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.reference import Reference


def _keep() -> None:
    """Leave a damaged blob where it is: it is not ours."""


@frozen
class Blob:
    """Described bytes and a way to open them at their start.

    ``origin`` names a repository that is known to hold them, so that a registry can link them
    from there instead of having them sent. ``discard`` is called when bytes that were read turn
    out to be others, so that a cache does not offer them again.
    """

    descriptor: Descriptor
    opener: Callable[[], BinaryIO] = field(repr=False, compare=False)
    origin: Reference | None = None
    discard: Callable[[], None] = field(default=_keep, repr=False, compare=False)

    @classmethod
    def of_bytes(cls, data: bytes, media_type: str) -> Self:
        """Make a blob of bytes in memory."""
        return cls(descriptor=Descriptor.of(data, media_type), opener=lambda: io.BytesIO(data))

    def open(self) -> VerifiedReader:
        """Open at the first byte; the reader raises at the end if the bytes are not these.

        What the disk says no to is ``CacheError``, here and while reading.
        """
        try:
            return VerifiedReader(self.opener(), self.descriptor, self.discard)
        except OSError as error:
            raise _unreadable(self.descriptor, error) from None

    def read(self, limit: int) -> bytes:
        """Return all bytes, verified; for documents, of at most ``limit`` bytes."""
        if self.descriptor.size > limit:
            raise SizeMismatchError(
                f"{self.descriptor.digest} has {self.descriptor.size} bytes, more than {limit}"
            )
        with self.open() as reader:
            return reader.read()


class VerifiedReader(io.RawIOBase, BinaryIO):
    """Reads bytes and compares them with a descriptor.

    The read that meets the end, or the first byte too many, raises ``SizeMismatchError`` or
    ``DigestMismatchError``, after the source was closed and ``discard`` called; until then
    nothing has been promised about the bytes.
    """

    def __init__(
        self, source: BinaryIO, descriptor: Descriptor, discard: Callable[[], None] = _keep
    ) -> None:
        super().__init__()
        self._source = source
        self._descriptor = descriptor
        self._discard = discard
        self._hash = descriptor.digest.hasher()
        self._seen = 0
        self._checked = False

    def readable(self) -> bool:
        """Return true."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to ``size`` bytes, all that are left if negative, none at the end."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        try:
            data = self._source.read(size)
        except OSError as error:
            raise _unreadable(self._descriptor, error) from None
        self._take(data, at_end=not data and size > 0)
        return data

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill a buffer as far as bytes are at hand, and return how many were put there."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the source too."""
        if not self.closed:
            self._source.close()
        super().close()

    def __enter__(self) -> Self:
        return self

    def _take(self, data: bytes, *, at_end: bool) -> None:
        wanted = self._descriptor
        self._hash.update(data)
        self._seen += len(data)
        if self._seen > wanted.size or (at_end and self._seen < wanted.size):
            self._give_up()
            more = "more" if self._seen > wanted.size else "fewer"
            raise SizeMismatchError(
                f"{wanted.digest} has {more} bytes than the {wanted.size} it should have",
                hint=self._remedy,
            )
        if at_end and not self._checked:
            if self._hash.hexdigest() != wanted.digest.hex:
                self._give_up()
                raise DigestMismatchError(
                    f"content does not match its digest {wanted.digest}",
                    hint=self._remedy,
                )
            self._checked = True

    @property
    def _remedy(self) -> str:
        if self._discard is _keep:
            return "run it again; if that does not help, its source is damaged"
        return (
            "run it again: the copy in the cache was damaged, and has been removed; if there are "
            "more of them, clear the cache (pyjib cache prune --all)"
        )

    def _give_up(self) -> None:
        self._source.close()  # first: Windows removes no file that is open
        self._discard()


def _unreadable(descriptor: Descriptor, error: OSError) -> CacheError:
    hint = (
        "run the build again: its file was removed meanwhile, perhaps by another machine, or "
        "cannot be read any more"
    )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        hint = "raise the limit of open files (ulimit -n), or pass a lower --jobs"
    return CacheError(f"cannot read {descriptor.digest}: {error.strerror or error}", hint=hint)
