"""A blob's bytes as they are sent: from any place on, as often as it takes."""

from __future__ import annotations

from collections.abc import Iterator

from pyjib.events import Direction, TransferProgress
from pyjib.oci.blob import Blob, VerifiedReader
from pyjib.registry.net.message import Body
from pyjib.registry.session import Session

PIECE = 256 * 1024
"""Bytes that are read and sent at a time."""


class BlobBody:
    """Parts of a blob, read from where the last one ended if that is where the next begins.

    The blob's last bytes are handed out only after all of it has proved right, so that a
    damaged one never arrives whole. Used by one thread; close it.
    """

    def __init__(self, session: Session, blob: Blob) -> None:
        self._session = session
        self._blob = blob
        self._size = blob.descriptor.size
        self._key = str(blob.descriptor.digest)
        self._reader: VerifiedReader | None = None
        self._at = 0

    def part(self, start: int, end: int) -> Body:
        """Return bytes ``start`` to ``end``, that one not included, as something to send."""
        return Body(size=end - start, chunks=lambda: self._read(start, end))

    def close(self) -> None:
        """Close the blob."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _read(self, start: int, end: int) -> Iterator[bytes]:
        held = b""
        self._go_to(start)
        while self._at < end or (end == self._size and self._reader is not None):
            self._session.cancellation.check()
            piece = self._next(min(PIECE, max(1, end - self._at)))
            if held:
                yield held
            held = piece
            if not piece:
                break
            done = TransferProgress(direction=Direction.PUSH, key=self._key, done=self._at)
            self._session.listener(done)
        if held:
            yield held
        if end == self._size:
            self.close()

    def _go_to(self, start: int) -> None:
        if self._reader is None or self._at != start:
            self.close()
            self._reader = self._blob.open()
            self._at = 0
        while self._at < start and self._next(min(PIECE, start - self._at)):
            self._session.cancellation.check()

    def _next(self, most: int) -> bytes:
        assert self._reader is not None  # noqa: S101  opened by _go_to
        piece = self._reader.read(most)
        self._at += len(piece)
        return piece
