"""What the registry needs of a place to keep repositories in.

A place holds one OCI image layout for each repository: an index document, and blobs by digest.
It knows nothing of manifests, tags or HTTP. All its methods may be called from many threads at
once; ``OSError`` means that the place itself failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from pyjib.oci.digest import Digest

CHUNK = 1 << 20
"""Bytes that are handled at a time."""


class Content(Protocol):
    """Stored bytes. They stay readable while they are being read, even if deleted meanwhile."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    def chunks(self, start: int, length: int) -> Iterator[bytes]:
        """Yield ``length`` bytes from ``start`` on."""
        ...

    def file(self) -> BinaryIO | None:
        """Return an open file that the kernel can send from, or ``None`` if there is none."""


class Staging(Protocol):
    """Bytes on their way in, which nobody can see yet. Used by one thread at a time."""

    @property
    def size(self) -> int:
        """How many bytes were written."""
        ...

    def write(self, data: bytes) -> None:
        """Append ``data``."""

    def content(self) -> Content:
        """Return what was written so far."""
        ...

    def commit(self, digest: Digest) -> None:
        """Make the bytes the repository's blob ``digest``, all at once.

        The repository comes into being with its first blob. The caller has compared the digest.
        """

    def discard(self) -> None:
        """Forget the bytes; does nothing after ``commit`` or another ``discard``."""


class Storage(Protocol):
    """Repositories by name. Names and digests have been checked before they come here."""

    def repositories(self) -> list[str]:
        """Return the names of all repositories, sorted."""
        ...

    def index(self, repository: str) -> bytes | None:
        """Return a repository's ``index.json``, or ``None`` if there is no such repository."""

    def stamp(self, repository: str) -> object:
        """Return a value that is another one when ``index.json`` is; ``None`` if there is none."""

    def put_index(self, repository: str, data: bytes) -> None:
        """Replace ``index.json``, all at once; the repository exists."""

    def blob(self, repository: str, digest: Digest) -> Content | None:
        """Return a blob of this repository."""

    def delete_blob(self, repository: str, digest: Digest, *, age: float | None = None) -> bool:
        """Delete a blob of this repository, and tell whether there was one.

        With an ``age`` it stays if it was put or linked again within so many seconds: nobody can
        do that in the moment between.
        """
        ...

    def link_blob(self, source: str, target: str, digest: Digest) -> bool:
        """Make a blob of one repository one of another too; false if the first has none."""
        ...

    def stage(self, repository: str) -> Staging:
        """Begin to take in a blob for this repository."""
        ...

    def create(self, repository: str) -> None:
        """Make an empty repository, if there is none of the name."""

    def old_blobs(self, repository: str, age: float) -> list[Digest]:
        """Return the blobs that have not been put or linked again for ``age`` seconds."""
        ...
