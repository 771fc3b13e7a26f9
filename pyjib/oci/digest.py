"""Digests: the names of stored bytes (OCI image specification, "Digests")."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Protocol, Self

from pyjib.errors import InvalidReferenceError
from pyjib.patterns import late

_HEX_LENGTHS = {"sha256": 64, "sha512": 128}
_HEX = late(r"[0-9a-f]+", re.ASCII)


class Hash(Protocol):
    """What ``hashlib`` returns, as far as it is used here."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Add ``data`` to what is hashed."""

    def hexdigest(self) -> str:
        """Return the digest so far in lower-case hexadecimal."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """An algorithm (``sha256`` or ``sha512``) and lower-case hexadecimal text of its length.

    A digest is parsed or computed, never put together from strings, so that nothing else can
    reach a URL or a path.
    """

    algorithm: str
    hex: str

    def __post_init__(self) -> None:
        if len(self.hex) != _HEX_LENGTHS.get(self.algorithm, -1) or not _HEX.fullmatch(self.hex):
            raise InvalidReferenceError(
                f"not a digest: {f'{self.algorithm}:{self.hex}'[:200]!r}",
                hint="a digest is sha256: and 64 lower-case hexadecimal digits",
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``algorithm:hex``; raise ``InvalidReferenceError`` for anything else."""
        algorithm, _, digits = text.partition(":")
        return cls(algorithm, digits)

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Return the sha256 digest of ``data``."""
        return cls("sha256", hashlib.sha256(data).hexdigest())

    @classmethod
    def finish(cls, state: Hash) -> Self:
        """Return the digest of all that a ``hashlib.sha256`` object was fed."""
        return cls("sha256", state.hexdigest())

    def hasher(self) -> Hash:
        """Return an empty hash object of this digest's algorithm."""
        return hashlib.new(self.algorithm)

    @property
    def short(self) -> str:
        """The first twelve hexadecimal digits, for people."""
        return self.hex[:12]

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"
