"""The store: blobs by their digest, and small indexes, below one directory.

::

    blobs/ALGORITHM/HEX   blobs: packed layers, layers, manifests and configs of base images
    layers/NAME           a JSON record of a packed layer, named by the sha256 of its cache key
    files/NAME            digests of files on disk by fingerprint: see ``file_index``
    projects/NAME         what projects were worked out to, named by the sha256 of their keys
    tags/NAME             the digest that a base's tag led to, named by the sha256 of its name
    tmp/                  what is being written

Any number of threads and processes may use one store at once, and any of them may be killed:
every file is written in ``tmp`` and renamed into place when it is complete, blobs after they
have been verified and forced to disk. A blob's time of change tells when it was last used, to
the day; ``prune`` goes by it. A store may be pruned at any time: blobs that it told of stay open
(``held``), and what is being written stays locked.

So may several versions of pyjib: what one does not know it passes over, and leaves where it is.
A version that changes what a file holds gives it another folder, key or magic number.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from pyjib.errors import CacheError, MalformedDocumentError, PyjibError, SizeMismatchError
from pyjib.oci import json
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.store import disk, pruning
from pyjib.store.file_index import FileIndex
from pyjib.store.folders import Folders
from pyjib.store.held import HeldFiles
from pyjib.store.model import LayerRecord, Pruned, Usage
from pyjib.store.writer import BlobWriter, stored_blob

__all__ = ["BlobWriter", "LayerRecord", "Pruned", "Store", "Usage"]

_DAY = 86_400 * 1_000_000_000
_OCTETS = "application/octet-stream"
_MANY_PROJECTS = 200
_LARGEST_PROJECT = 8 << 20


class Store:
    """Content-addressed blobs and small indexes below ``root``, which is made when first needed.

    Where nothing can be written there, ``aside`` is asked once for a directory that will do, and
    may raise ``CacheError``; what is below ``root`` is still read. Without it, and for a disk
    that is full or cannot be read, methods raise ``CacheError``.
    """

    def __init__(
        self, root: Path, *, aside: Callable[[disk.NoPlaceError], Path] | None = None
    ) -> None:
        self.root = root
        self._own = Folders(root)
        self._aside = aside
        self._reading: tuple[Folders, ...] = (self._own,)
        self._writing: Folders | None = None
        self._choosing = threading.Lock()
        self._files = FileIndex(self._own.files, self._own.temporary)
        self._held = HeldFiles()

    def close(self) -> None:
        """Hold no blob any more: those that are opened from now on may be gone."""
        self._held.close()

    def find(self, descriptor: Descriptor) -> Blob | None:
        """Return the blob if it is here with its size; until ``close`` it can be opened.

        The content is compared with the digest when the blob is read. One of another size stays
        until it is written anew: it may be damaged, or who asks may be wrong.
        """
        for folders in self._reading:
            path = folders.blob(descriptor.digest)
            try:
                file, status = self._held.look(path)
            except OSError as error:
                self._raise_unless_absent(path, error)
                continue
            if status.st_size == descriptor.size:
                self._mark_used(path, status)
                return stored_blob(file, descriptor)
        return None

    def writer(self) -> BlobWriter:
        """Return a context manager that takes a new blob's bytes."""
        return BlobWriter(self._writable(), self._held)

    def fetch(self, descriptor: Descriptor, chunks: Iterable[bytes]) -> Blob:
        """Return the blob, which is made of ``chunks`` unless it is here already.

        Raises ``SizeMismatchError`` or ``DigestMismatchError`` if the chunks are not the blob,
        at the first byte too many.
        """
        found = self.find(descriptor)
        if found is not None:
            return found
        with self.writer() as writer:
            for chunk in chunks:
                writer.write(chunk)
                if writer.size > descriptor.size:
                    raise SizeMismatchError(
                        f"{descriptor.digest} has more bytes than the {descriptor.size} "
                        "it should have"
                    )
            return writer.commit(descriptor.media_type, descriptor)

    def discard(self, digest: Digest) -> None:
        """Remove a blob, as one that was read turned out to be damaged."""
        for folders in self._reading:
            disk.remove(folders.blob(digest))

    def get_layer(self, key: str) -> LayerRecord | None:
        """Return what was packed here under a cache key, if its blob is still here."""
        record = self.layer_record(key)
        if record is None or record.learnt or self.find(record.descriptor) is None:
            return None
        return record

    def has_layers(self) -> bool:
        """Tell whether anything is remembered under any cache key."""
        for folders in self._reading:
            try:
                with os.scandir(folders.layers) as found:
                    if next(found, None) is not None:
                        return True
            except OSError as error:
                self._raise_unless_absent(folders.layers, error)
        return False

    def layer_record(self, key: str) -> LayerRecord | None:
        """Return what is remembered under a cache key, wherever its blob is."""
        for folders in self._reading:
            path = folders.record(key)
            try:
                return _parse_record(path.read_bytes())
            except PyjibError:  # damaged, or another version's
                continue
            except OSError as error:
                self._raise_unless_absent(path, error)
        return None

    def put_layer(self, key: str, record: LayerRecord) -> None:
        """Remember what a layer is under its cache key.

        Its blob is in the store already, unless a registry has it.
        """
        document: json.Json = {
            "descriptor": record.descriptor.to_json(),
            "diffId": str(record.diff_id),
        }
        if record.learnt:
            document["learnt"] = True
        folders = self._writable()
        disk.write_whole(folders.record(key), json.dump(document), folders.temporary)

    def get_document(self, digest: Digest) -> bytes | None:
        """Return the bytes of a manifest, an index or a config, verified, if they are here."""
        for folders in self._reading:
            data = self._document_in(folders.blob(digest), digest)
            if data is not None:
                return data
        return None

    def _document_in(self, path: Path, digest: Digest) -> bytes | None:
        try:
            with path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                data = stream.read(json.MAX_DOCUMENT + 1)
        except OSError as error:
            self._raise_unless_absent(path, error)
            return None
        if len(data) > json.MAX_DOCUMENT:
            return None
        state = digest.hasher()
        state.update(data)
        if state.hexdigest() != digest.hex:
            disk.remove(path)
            return None
        self._mark_used(path, status)
        return data

    def put_document(self, data: bytes, digest: Digest | None = None) -> Digest:
        """Store the bytes of a document and return their digest.

        ``digest`` is what it must be: ``DigestMismatchError`` tells that it is not.
        """
        wanted = Descriptor(media_type=_OCTETS, digest=digest or Digest.of(data), size=len(data))
        with self.writer() as writer:
            writer.write(data)
            return writer.commit(_OCTETS, wanted).descriptor.digest

    def tag(self, name: str) -> Digest | None:
        """Return the digest that a tag led to when it was last looked up, if it is remembered."""
        for folders in self._reading:
            try:
                return Digest.parse(folders.tag(name).read_text("ascii"))
            except (OSError, ValueError, PyjibError):  # not there, or another version's
                continue
        return None

    def remember_tag(self, name: str, digest: Digest) -> None:
        """Remember what a tag leads to now; a store that cannot be written forgets."""
        path, wanted = self._own.tag(name), str(digest).encode()
        try:
            with path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                is_known = stream.read(len(wanted) + 1) == wanted
        except OSError:
            is_known = False
        if is_known:
            self._mark_used(path, status)
            return
        with suppress(CacheError):
            disk.write_whole(path, wanted, self._own.temporary)

    def clock(self) -> int:
        """Return the present in nanoseconds since the epoch, by the store's file system."""
        return disk.now(self._own.temporary)

    def file_digest(self, fingerprint: str) -> Digest | None:
        """Return the digest of the file that has a fingerprint, if it is remembered."""
        return self._files.get(fingerprint)

    def remember_file_digests(self, digests: Mapping[str, Digest], *, started: int) -> None:
        """Remember the digests of files, by fingerprint, for later builds.

        ``started`` is what ``clock`` said before the first of them was read. A file that had
        changed less than two seconds before is left out, for it may change again unnoticed.
        """
        self._files.add(digests, started=started)

    def get_project(self, key: str, *, marks: bool = True) -> bytes | None:
        """Return what was kept of a project under a key; who reads it must check it.

        What cannot be read counts as not kept. Unless it ``marks`` that it was used, nothing is
        written.
        """
        path = self._own.project(key)
        try:
            with path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                data = stream.read(_LARGEST_PROJECT + 1)
        except OSError:
            return None
        if len(data) > _LARGEST_PROJECT:
            return None
        if marks:
            self._mark_used(path, status)
        return data

    def put_project(self, key: str, data: bytes) -> None:
        """Keep something of a project under a key, and of all projects the newest 200.

        More than 8 MiB are not kept.
        """
        if len(data) > _LARGEST_PROJECT:
            return
        disk.write_whole(self._own.project(key), data, self._own.temporary)
        pruning.keep_newest(self._own.projects, _MANY_PROJECTS)

    def usage(self) -> Usage:
        """Count what the store holds."""
        try:
            now = self._now()
        except disk.NoPlaceError:  # it can be counted nevertheless
            now = pruning.newest(self.root)
        return pruning.usage(self.root, now=now)

    def prune(
        self,
        *,
        older_than_days: float | None = None,
        max_bytes: int | None = None,
        everything: bool = False,
    ) -> Pruned:
        """Remove what builds can do without, least recently used first.

        ``older_than_days`` removes blobs, file digests and projects unused for so long (to the
        day);
        ``max_bytes`` then removes more blobs until no more than these are left. Records whose
        blob is gone, and temporary files that nobody is writing nor has written to for an hour,
        go in any case. ``everything`` leaves only what is being written. No build fails for it.
        """
        now = self._now()
        if everything:
            return pruning.remove_all(self.root, now=now)
        return pruning.prune(
            self.root,
            now=now,
            is_orphan=self._is_orphan,
            older_than_days=older_than_days,
            max_bytes=max_bytes,
        )

    def _now(self) -> int:
        """Return the present, or if the disk is full what comes near it."""
        if not self.root.is_dir():
            return 0
        try:
            return self.clock()
        except disk.NoPlaceError:
            raise
        except CacheError:
            return pruning.newest(self.root)

    def _is_orphan(self, record: Path) -> bool:
        try:
            descriptor = _parse_record(record.read_bytes()).descriptor
        except (OSError, PyjibError):  # another user's, or another version's
            return False
        return not self._own.blob(descriptor.digest).is_file()

    def _mark_used(self, path: Path, status: os.stat_result) -> None:
        if status.st_mtime_ns + _DAY < self._opened:
            with suppress(OSError):  # somebody else's store, or read-only: no harm
                os.utime(path)

    @cached_property
    def _opened(self) -> int:
        try:
            return self.clock()
        except CacheError:
            return 0

    def _writable(self) -> Folders:
        """Return where new files go, which is found out by the first of them."""
        with self._choosing:
            if self._writing is None:
                self._writing = self._choose()
            return self._writing

    def _choose(self) -> Folders:
        own = self._own
        try:
            now = self._opened or self.clock()
            disk.check_writable(own.root, (own.blobs, own.blobs / "sha256", own.layers))
        except disk.NoPlaceError as error:
            if self._aside is None:
                raise
            other = Folders(self._aside(error))
            self._reading = (other, own)
            return other
        # On the way: what processes that were killed left behind days ago.
        pruning.sweep(own.temporary, older_than=now - _DAY)
        return own

    def _raise_unless_absent(self, path: Path, error: OSError) -> None:
        """Take what cannot be reached for absent: whoever must write there says what is wrong."""
        if not disk.is_no_place(error):
            raise disk.unusable("read", path, error) from None


def _parse_record(data: bytes) -> LayerRecord:
    document = json.load(data, "layer record")
    diff_id = document.get("diffId")
    if not isinstance(diff_id, str):
        raise MalformedDocumentError("missing or not text", path="diffId")
    return LayerRecord(
        descriptor=Descriptor.from_json(document.get("descriptor"), "descriptor"),
        diff_id=Digest.parse(diff_id),
        learnt=bool(document.get("learnt")),
    )
