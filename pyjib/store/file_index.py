"""What files on disk held when they were last read, so that they need not be read again.

Like git's index, this maps a fingerprint (path, size, times of change, inode) to a digest. It
lies in a few segments, immutable files in ``files/``: a build that read new files adds one, and
the build that finds too many of them joins them to one. No lock is needed: a segment appears
whole or not at all, and one is removed only when all it holds is in another. What begins with
another magic number is another version's, and stays.

Why not SQLite: it costs 7 ms to import and as much again to ask 8,000 times, wants locks that
network file systems do not keep, and not every Python has it. Reading a segment of 8,000
records takes 2 ms. Why not one file that grows: appends of two processes may mix.

A segment is ``pyjibfd1``, the CRC-32 of what follows in big-endian order, and records of 48
bytes: the BLAKE2b-128 digest of a fingerprint, and the sha256 of a content. A segment that is
not so, as a power cut may leave it, counts as absent.
"""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from pyjib.errors import CacheError
from pyjib.oci.digest import Digest
from pyjib.store import disk

_MAGIC = b"pyjibfd1"
_HEADER = struct.Struct(">8sI")
_RECORD = struct.Struct("16s32s")
_MANY_SEGMENTS = 12
_MANY_RECORDS = 100_000
TICK = 2_000_000_000
"""The coarsest time of change that a file system keeps (FAT: two seconds), in nanoseconds."""


class FileIndex:
    """Digests by fingerprint, in ``directory``; read from disk when first asked. Thread-safe."""

    def __init__(self, directory: Path, temporary: Path) -> None:
        self._directory = directory
        self._temporary = temporary
        self._lock = threading.Lock()
        self._known: dict[bytes, bytes] | None = None

    def get(self, fingerprint: str) -> Digest | None:
        """Return the digest of the file that has this fingerprint, if it was remembered."""
        known = self._known
        if known is None:
            with self._lock:
                known = self._load()
        raw = known.get(_name(fingerprint))
        return None if raw is None else Digest("sha256", raw.hex())

    def add(self, digests: Mapping[str, Digest], *, started: int) -> None:
        """Remember digests of files that were read after the instant ``started``.

        Left out are files that had changed less than two seconds before it: they could change
        once more and keep all of their fingerprint (git calls such entries racily clean). A
        store that cannot be written forgets.
        """
        new = {
            _name(fingerprint): bytes.fromhex(digest.hex)
            for fingerprint, digest in digests.items()
            if digest.algorithm == "sha256" and last_change(fingerprint) + TICK < started
        }
        if not new:
            return
        with self._lock:
            known = self._load()
            known.update(new)
            try:
                self._write(new)
            except CacheError:
                return  # it saves time next time, and this build needs it no more

    def _load(self) -> dict[bytes, bytes]:
        if self._known is None:
            known: dict[bytes, bytes] = {}
            for path in self._segments():
                known.update(_read(path))
            self._known = known
        return self._known

    def _write(self, new: Mapping[bytes, bytes]) -> None:
        old = [path for path in self._segments() if _is_ours(path)]
        if len(old) < _MANY_SEGMENTS:
            self._write_segment(new.items())
            return
        joined: dict[bytes, bytes] = {}
        for path in old:
            joined.update(_read(path))
        joined.update(new)
        # Oldest first: what has not been read for longest goes, and is read again if need be.
        self._write_segment(list(joined.items())[-_MANY_RECORDS:])
        for path in old:
            disk.remove(path)

    def _write_segment(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        body = b"".join(name + digest for name, digest in records)
        data = _HEADER.pack(_MAGIC, zlib.crc32(body)) + body
        disk.write_whole(self._directory / os.urandom(8).hex(), data, self._temporary)

    def _segments(self) -> list[Path]:
        try:
            found = sorted(
                (status.st_mtime_ns, path) for path, status in disk.files_below(self._directory)
            )
        except CacheError:  # what cannot be read is not remembered
            return []
        return [path for _, path in found]


def last_change(fingerprint: str) -> int:
    """Return when the file of a fingerprint changed last, in nanoseconds since the epoch.

    Fingerprints are texts divided by NUL: path, size, time of change of the content, the same
    of the file's other properties, and whatever more tells files apart. What is not so has
    changed in the far future, and is never remembered.
    """
    fields = fingerprint.split("\0")
    if len(fields) < 4 or not (fields[2].isdecimal() and fields[3].isdecimal()):
        return 1 << 63
    return max(int(fields[2]), int(fields[3]))


def _name(fingerprint: str) -> bytes:
    data = fingerprint.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).digest()


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def _read(path: Path) -> dict[bytes, bytes]:
    try:
        data = path.read_bytes()
    except OSError:  # joined to another one by another process, which a later build will see
        return {}
    body = memoryview(data)[_HEADER.size :]
    if len(data) < _HEADER.size or len(body) % _RECORD.size:
        return {}
    if _HEADER.unpack_from(data) != (_MAGIC, zlib.crc32(body)):
        return {}
    return dict(_RECORD.iter_unpack(body))
