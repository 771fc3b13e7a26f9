"""How a registry takes uploads: learnt from its answers, kept for as long as a client lives.

One PUT of the whole blob works nearly everywhere. What refuses it gets the whole blob in one
PATCH, and what refuses that gets chunks: no size of chunk suits all registries, and some lose
them. A blob that is too large for one request is too large for the other: it goes in chunks at
once.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from enum import StrEnum

from pyjib.errors import PyjibError

MIB = 1024 * 1024
SMALLEST_CHUNK = 64 * 1024
LARGEST_CHUNK = 1024 * MIB
"""The largest ``OCI-Chunk-Min-Length`` in bytes that is believed."""
CHUNK = 5 * MIB
_KNOWN_CHUNKS = (
    (re.compile(r"ghcr\.io|containers\..+\.ghe\.com"), 4 * MIB),  # answers 416 to more
    (re.compile(r".+\.dkr[.-]ecr[.-].+|public\.ecr\.aws"), 10 * MIB),  # loses less than 5 MiB
)


class Way(StrEnum):
    """How a blob is sent."""

    WHOLE = "one PUT"
    STREAM = "one PATCH"
    CHUNKS = "chunks"


class RefusedError(Exception):
    """A registry will not take a blob this way; ``error`` is what to tell if no other is left."""

    def __init__(self, error: PyjibError, status: int | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.status = status


class Manners:
    """What one registry has shown of itself; safe for threads."""

    def __init__(self, registry: str) -> None:
        self._lock = threading.Lock()
        self._refused: set[Way] = set()
        self._too_large: int | None = None
        self._no_streams = False
        self._no_mounts = False
        self._least = 0
        known = (size for host, size in _KNOWN_CHUNKS if host.fullmatch(registry))
        self._chunk = next(known, CHUNK)

    @property
    def chunk(self) -> int:
        """How many bytes a chunk has, but for the last."""
        return max(self._chunk, self._least)

    def ways(self, size: int) -> list[Way]:
        """Return the ways to send a blob of ``size`` bytes, the best first."""
        with self._lock:
            ways = [way for way in Way if way not in self._refused] or list(Way)
            if self._too_large is not None and size >= self._too_large:
                ways.sort(key=lambda way: way is not Way.CHUNKS)
        return ways

    def refused(self, way: Way, size: int, status: int | None) -> None:
        """Take note that a way did not work; for 413 only with so many bytes or more."""
        with self._lock:
            if status == 413:
                self._too_large = min(size, self._too_large or size)
            elif status in (405, 411):
                self._refused.add(way)

    @property
    def takes_streams(self) -> bool:
        """Tell whether a PATCH of unknown length may work."""
        with self._lock:
            known_limit = self._too_large is not None
            return not (self._no_streams or known_limit or Way.STREAM in self._refused)

    def failed_stream(self) -> None:
        """Take note that a PATCH of unknown length did not work; none is begun any more."""
        with self._lock:
            self._no_streams = True

    @property
    def takes_mounts(self) -> bool:
        """Tell whether it may work to have a blob linked from another repository."""
        with self._lock:
            return not self._no_mounts

    def failed_mount(self) -> None:
        """Take note that a mount met nothing but trouble: no other one waits for as long."""
        with self._lock:
            self._no_mounts = True

    def read_least(self, headers: Mapping[str, str]) -> None:
        """Note the smallest chunk that a registry says it takes (``OCI-Chunk-Min-Length``)."""
        text = headers.get("oci-chunk-min-length", "")
        if text.isascii() and text.isdecimal():
            with self._lock:
                self._least = min(int(text[:19]), LARGEST_CHUNK)

    def shrink(self, size: int) -> bool:
        """Make chunks smaller than ``size``; false if they are as small as they may be."""
        with self._lock:
            floor = max(SMALLEST_CHUNK, self._least)
            if size <= floor:
                return False
            self._chunk = min(self._chunk, max(floor, size // 2))
            return True


class Ladders:
    """The manners of all registries that a client talks to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Manners] = {}

    def of(self, registry: str) -> Manners:
        """Return what is known of a registry."""
        with self._lock:
            return self._known.setdefault(registry, Manners(registry))


class Climb:
    """The way of one upload from one rung of the ladder to the next."""

    def __init__(self, manners: Manners, size: int) -> None:
        self._manners = manners
        self._size = size
        self._left = manners.ways(size)
        self.way = self._left.pop(0)

    def go_on(self, status: int | None) -> bool:
        """Take the next way after a refusal with ``status``; false if there is none left."""
        self._manners.refused(self.way, self._size, status)
        if status == 413:
            self._left.sort(key=lambda way: way is not Way.CHUNKS)
        if not self._left:
            return False
        self.way = self._left.pop(0)
        return True
