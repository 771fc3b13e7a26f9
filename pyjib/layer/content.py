"""Reading the files of a layer, and noticing when they change meanwhile."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
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
        return cast(BinaryIO, _PinnedReader(self))

    def fingerprint(self) -> str | None:
        """Return the file's own."""
        return self.source.fingerprint()

    def describe(self) -> str:
        """Name the file."""
        return self.source.describe()


class _PinnedReader(io.RawIOBase):
    def __init__(self, file: PinnedFile) -> None:
        super().__init__()
        self._file = file
        self._stream = file.source.open()
        self._hash = hashlib.sha256()

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._stream.read(_CHUNK if size is None or size < 0 else size)
        self._hash.update(data)
        if not data and size != 0 and Digest.finish(self._hash) != self._file.digest:
            raise changed(self._file.source, f"it does not match {self._file.digest} any more")
        return data

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
