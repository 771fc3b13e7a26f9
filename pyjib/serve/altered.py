"""Content that is not what is stored: shorter, longer, or with a byte flipped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Self

from pyjib.frozen import frozen
from pyjib.serve.message import Slice


@frozen
class Altered:
    """The first ``keep`` bytes of a body, then ``append``; byte ``flip`` of it all inverted."""

    source: bytes | Slice
    keep: int
    append: bytes
    flip: int | None

    @classmethod
    def of(
        cls, source: bytes | Slice, *, keep: int | None, append: bytes, flip: int | None
    ) -> Self:
        """Take more than all of it for all of it, and a negative ``flip`` from the end."""
        length = source.length if isinstance(source, Slice) else len(source)
        kept = length if keep is None else min(keep, length)
        place = flip if flip is None or flip >= 0 else flip + kept + len(append)
        return cls(source=source, keep=kept, append=append, flip=place)

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.keep + len(self.append)

    def chunks(self, start: int, length: int) -> Iterator[bytes]:
        """Yield ``length`` bytes from ``start`` on."""
        at = 0
        for chunk in self._all():
            data = chunk
            if self.flip is not None and at <= self.flip < at + len(chunk):
                place = self.flip - at
                data = chunk[:place] + bytes([chunk[place] ^ 0xFF]) + chunk[place + 1 :]
            yield data[max(0, start - at) : max(0, start + length - at)]
            at += len(chunk)

    def file(self) -> BinaryIO | None:
        """Return ``None``: there is no such file."""
        return None

    def _all(self) -> Iterator[bytes]:
        if isinstance(self.source, bytes):
            yield self.source[: self.keep]
        elif self.keep:
            yield from self.source.content.chunks(self.source.start, self.keep)
        yield self.append
