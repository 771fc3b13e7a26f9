"""Reading the files of a layer, and noticing when they change meanwhile."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from pyjib.errors import ProjectError
from pyjib.oci.digest import Digest
from pyjib.project.model import FileSource

_CHUNK = 1 << 20


def chunks_of(source: FileSource) -> Iterator[bytes]:
    """Yield a file's content in chunks of at most 1 MiB; raise ``ProjectError`` if it cannot."""
    try:
        with source.open() as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except OSError as error:
        reason = error.strerror or str(error)
        raise ProjectError(f"cannot read {source.describe()}: {reason}") from None


def changed(source: FileSource, detail: str) -> ProjectError:
    """Return what to raise for a file that is not what it was a moment ago."""
    return ProjectError(
        f"{source.describe()} changed while its layer was packed: {detail}",
        hint="let nothing write to the project while its image is built, and build again",
    )


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """A file that must have the content it had when ``digest`` was taken of it.

    The read that meets the end of anything else raises ``ProjectError``.
    """

    source: FileSource
    digest: Digest

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.source.size

    def open(self) -> BinaryIO:
        """Open at the first byte."""
        return cast(BinaryIO, _HashingReader(self.source, self._compare))

    def fingerprint(self) -> str | None:
        """Return the file's own."""
        return self.source.fingerprint()

    def describe(self) -> str:
        """Name the file."""
        return self.source.describe()

    def _compare(self, found: Digest) -> None:
        if found != self.digest:
            raise changed(self.source, f"it does not match {self.digest} any more")


@dataclass(frozen=True, slots=True)
class LearntFile:
    """A file whose digest is told to ``learn`` by the read that meets its end."""

    source: FileSource
    learn: Callable[[Digest], None]

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.source.size

    def open(self) -> BinaryIO:
        """Open at the first byte."""
        return cast(BinaryIO, _HashingReader(self.source, self.learn))

    def fingerprint(self) -> str | None:
        """Return the file's own."""
        return self.source.fingerprint()

    def describe(self) -> str:
        """Name the file."""
        return self.source.describe()


class _HashingReader(io.RawIOBase):
    """Tells ``at_end`` the digest of all that was read."""

    def __init__(self, source: FileSource, at_end: Callable[[Digest], None]) -> None:
        super().__init__()
        self._stream = source.open()
        self._at_end = at_end
        self._hash = hashlib.sha256()

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._stream.read(_CHUNK if size is None or size < 0 else size)
        self._hash.update(data)
        if not data and size != 0:
            self._at_end(Digest.finish(self._hash))
        return data

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
