"""Repositories in memory, gone with the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from pyjib.oci.digest import Digest
from pyjib.serve.catalogue import EMPTY_INDEX

_CRUMB = 16 << 10
"""Pieces of fewer bytes are put together."""


@dataclass(frozen=True, slots=True)
class MemoryContent:
    """Bytes in the pieces in which they came, so that large ones are never copied together."""

    pieces: tuple[bytes, ...]
    size: int

    def chunks(self, start: int, length: int) -> Iterator[bytes]:
        """Yield ``length`` bytes from ``start`` on."""
        for piece in self.pieces:
            if length <= 0:
                return
            if start >= len(piece):
                start -= len(piece)
                continue
            part = piece[start : start + length]
            start = 0
            length -= len(part)
            yield part

    def file(self) -> BinaryIO | None:
        """Return ``None``: there is no file."""
        return None


@dataclass(slots=True)
class _Repository:
    index: bytes = EMPTY_INDEX
    version: int = 0
    blobs: dict[Digest, MemoryContent] = field(default_factory=dict)
    since: dict[Digest, float] = field(default_factory=dict)


class MemoryStorage:
    """See ``Storage``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._repositories: dict[str, _Repository] = {}

    def repositories(self) -> list[str]:
        """Return the names of all repositories, sorted."""
        with self._lock:
            return sorted(self._repositories)

    def index(self, repository: str) -> bytes | None:
        """Return a repository's index document, or ``None`` if there is no such repository."""
        found = self._repositories.get(repository)
        return found.index if found else None

    def stamp(self, repository: str) -> object:
        """Return how often the index document was replaced."""
        found = self._repositories.get(repository)
        return found.version if found else None

    def put_index(self, repository: str, data: bytes) -> None:
        """Replace the index document."""
        with self._lock:
            found = self._repositories[repository]
            found.index = data
            found.version += 1

    def blob(self, repository: str, digest: Digest) -> MemoryContent | None:
        """Return a blob of this repository."""
        found = self._repositories.get(repository)
        return found.blobs.get(digest) if found else None

    def delete_blob(self, repository: str, digest: Digest, *, age: float | None = None) -> bool:
        """Delete a blob, unless it was put again within ``age`` seconds; tell whether it was."""
        with self._lock:
            found = self._repositories.get(repository)
            if found is None:
                return False
            since = found.since.get(digest, 0.0)
            if age is not None and since > time.monotonic() - age:
                return False
            found.since.pop(digest, None)
            return found.blobs.pop(digest, None) is not None

    def link_blob(self, source: str, target: str, digest: Digest) -> bool:
        """Make a blob of one repository one of another too; false if the first has none."""
        content = self.blob(source, digest)
        if content is None:
            return False
        self.add(target, digest, content)
        return True

    def stage(self, repository: str) -> MemoryStaging:
        """Begin to take in a blob for this repository."""
        return MemoryStaging(self, repository)

    def add(self, repository: str, digest: Digest, content: MemoryContent) -> None:
        """Add a blob, and the repository with its first one."""
        with self._lock:
            found = self._repositories.setdefault(repository, _Repository())
            found.blobs[digest] = content
            found.since[digest] = time.monotonic()

    def create(self, repository: str) -> None:
        """Make an empty repository, if there is none of the name."""
        with self._lock:
            self._repositories.setdefault(repository, _Repository())

    def old_blobs(self, repository: str, age: float) -> list[Digest]:
        """Return the blobs that have not been put or linked again for ``age`` seconds."""
        before = time.monotonic() - age
        with self._lock:
            found = self._repositories.get(repository)
            since = found.since if found else {}
            return [digest for digest, at in since.items() if at <= before]


class MemoryStaging:
    """See ``Staging``."""

    def __init__(self, storage: MemoryStorage, repository: str) -> None:
        self._storage = storage
        self._repository = repository
        self._pieces: list[bytes] = []
        self._small = bytearray()
        self._size = 0

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._size

    def write(self, data: bytes) -> None:
        """Append ``data``; what comes in crumbs is put together, for each costs as much again."""
        if len(data) < _CRUMB:
            self._small += data
        if len(data) >= _CRUMB or len(self._small) >= _CRUMB:
            self._join()
        if len(data) >= _CRUMB:
            self._pieces.append(data)
        self._size += len(data)

    def _join(self) -> None:
        if self._small:
            self._pieces.append(bytes(self._small))
            self._small.clear()

    def content(self) -> MemoryContent:
        """Return what was written so far."""
        self._join()
        return MemoryContent(tuple(self._pieces), self._size)

    def commit(self, digest: Digest) -> None:
        """Make the bytes the repository's blob ``digest``."""
        self._storage.add(self._repository, digest, self.content())

    def discard(self) -> None:
        """Forget the bytes."""
        self._pieces = []
        self._small.clear()
        self._size = 0
