"""Repositories as manifests, tags and blobs, over a ``Storage``.

A change of a repository's index is made under that repository's lock, from the index as it is
at that moment. Readers take the last one as a whole and do not wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pyjib.errors import MalformedDocumentError
from pyjib.oci import media_type as types
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.serve.catalogue import EMPTY_INDEX, MAX_INDEX, Catalogue
from pyjib.serve.documents import Document
from pyjib.serve.message import Code, Refusal
from pyjib.serve.storage import Content, Storage


@dataclass(slots=True)
class _State:
    """One repository's lock, and its index as last read, with the stamp that it had."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    read: tuple[object, Catalogue] | None = None
    noticing: threading.Lock = field(default_factory=threading.Lock)
    noticed: dict[Digest, float] = field(default_factory=dict)  # under the lock above


class Repositories:
    """All repositories of a registry; safe for many threads.

    ``storage`` may be read at any time; what changes it goes through the methods here.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._lock = threading.Lock()
        self._states: dict[str, _State] = {}

    def names(self) -> list[str]:
        """Return the names of all repositories, sorted."""
        return self.storage.repositories()

    def catalogue(self, name: str) -> Catalogue | None:
        """Return a repository's manifests and tags, or ``None`` if there is no such repository.

        What another program did to its ``index.json`` is noticed. Raises
        ``MalformedDocumentError`` if that file is damaged.
        """
        stamp = self.storage.stamp(name)
        if stamp is None:
            return None
        state = self._state(name)
        if state.read is not None and state.read[0] == stamp:
            return state.read[1]
        with state.lock:
            stamp = self.storage.stamp(name)
            if state.read is None or state.read[0] != stamp:
                data = self.storage.index(name) or EMPTY_INDEX
                catalogue = Catalogue.parse(data, lambda digest: self._read(name, digest))
                state.read = stamp, catalogue
            return state.read[1]

    def blob(self, name: str, digest: Digest) -> Content | None:
        """Return a blob of a repository; manifests are blobs too."""
        return self.storage.blob(name, digest)

    def manifest(self, name: str, reference: Digest | str) -> tuple[Document, Content] | None:
        """Return a manifest by digest or tag, and its bytes."""
        catalogue = self.catalogue(name)
        found = catalogue.find(reference) if catalogue else None
        content = self.storage.blob(name, found.digest) if found else None
        return (found, content) if found and content else None

    def put_manifest(
        self, name: str, data: bytes, manifest: Document, tags: Sequence[str], *, sparse: bool
    ) -> None:
        """Store a manifest, and put ``tags`` on it.

        Unless ``sparse``, what it names has to be there in the size that it says.
        """
        with self._changing(name) as state:
            known = self.catalogue(name)
            self._check_content(name, manifest, known, sparse=sparse)
            staging = self.storage.stage(name)
            try:
                staging.write(data)
                staging.commit(manifest.digest)
            finally:
                staging.discard()
            catalogue = self.catalogue(name)
            assert catalogue is not None  # noqa: S101  its first blob has made the repository
            self._save(name, state, catalogue.with_manifest(manifest, tags))

    @contextmanager
    def alone_with(self, name: str) -> Iterator[None]:
        """Let nobody else change a repository meanwhile."""
        with self._changing(name):
            yield

    def delete_tag(self, name: str, tag: str) -> bool:
        """Delete a tag, and tell whether there was one."""
        with self._changing(name) as state:
            catalogue = self.catalogue(name)
            if catalogue is None or tag not in catalogue.tags:
                return False
            self._save(name, state, catalogue.without_tag(tag))
            return True

    def delete_manifest(self, name: str, digest: Digest) -> bool:
        """Delete a manifest with all its tags, and tell whether there was one."""
        with self._changing(name) as state:
            catalogue = self.catalogue(name)
            if catalogue is None or digest not in catalogue.manifests:
                return False
            self._save(name, state, catalogue.without_manifest(digest))
            self.storage.delete_blob(name, digest)
            return True

    def delete_blob(self, name: str, digest: Digest) -> bool:
        """Delete a blob that is not a manifest, and tell whether there was one."""
        with self._changing(name):
            catalogue = self.catalogue(name)
            if catalogue is None or digest in catalogue.manifests:
                return False
            return self.storage.delete_blob(name, digest)

    def promise(self, name: str, digest: Digest) -> Content | None:
        """Return a blob that whoever asks may count on for a while: it is no garbage now."""
        if self.storage.blob(name, digest) is None:
            return None
        state = self._state(name)
        with state.noticing:  # it may have been deleted just now
            content = self.storage.blob(name, digest)
            if content is not None:
                state.noticed[digest] = time.monotonic()
        return content

    def collect_garbage(self, name: str, grace: float) -> list[Digest]:
        """Delete blobs that no manifest names, and return them.

        Those that came, were linked or asked for within ``grace`` seconds stay: a push may be
        under way. Nothing is deleted from a repository that cannot be understood.
        """
        with self._changing(name) as state:
            try:
                catalogue = self.catalogue(name)
            except MalformedDocumentError:
                return []
            before = time.monotonic() - grace
            with state.noticing:
                state.noticed = {key: at for key, at in state.noticed.items() if at > before}
            if catalogue is None:
                return []
            named = catalogue.names(lambda key: self.blob(name, key) is not None)
            if named is None:
                return []
            old = [key for key in self.storage.old_blobs(name, grace) if key not in named]
            return [key for key in old if self._delete_garbage(name, state, key, grace)]

    def _delete_garbage(self, name: str, state: _State, digest: Digest, grace: float) -> bool:
        """Delete a blob that nobody was promised, and tell whether it was there, and old."""
        with state.noticing:
            if digest in state.noticed:
                return False
            # Blobs come without these locks: one that came just now is not old any more.
            return self.storage.delete_blob(name, digest, age=grace)

    def _state(self, name: str) -> _State:
        with self._lock:
            return self._states.setdefault(name, _State())

    @contextmanager
    def _changing(self, name: str) -> Iterator[_State]:
        state = self._state(name)
        with state.lock:
            yield state

    def _save(self, name: str, state: _State, catalogue: Catalogue) -> None:
        data = catalogue.data
        if len(data) > MAX_INDEX:  # nobody could read it any more
            message = f"{name} has as many manifests and tags as it can have: delete some"
            raise Refusal(403, Code.DENIED, message)
        self.storage.put_index(name, data)
        state.read = self.storage.stamp(name), catalogue

    def _read(self, name: str, digest: Digest) -> Document | None:
        content = self.storage.blob(name, digest)
        if content is None:
            return None
        try:
            return Document.parse(b"".join(content.chunks(0, content.size)), digest)
        except MalformedDocumentError:
            return None

    def _check_content(
        self, name: str, manifest: Document, known: Catalogue | None, *, sparse: bool
    ) -> None:
        missing = []
        for wanted in (*manifest.blobs, *manifest.manifests):
            size = self._size_of(name, wanted, known)
            if size is None:
                missing.append(wanted)
            elif size != wanted.size:
                message = f"{wanted.digest} has {size} bytes, not {wanted.size}"
                raise Refusal(400, Code.MANIFEST_INVALID, message)
        if missing and not sparse:
            raise Refusal(
                404,
                Code.MANIFEST_BLOB_UNKNOWN,
                "the manifest names content that is not in this repository",
                details=tuple({"digest": str(entry.digest)} for entry in missing),
            )

    def _size_of(self, name: str, wanted: Descriptor, known: Catalogue | None) -> int | None:
        if types.is_manifest(wanted.media_type) or types.is_index(wanted.media_type):
            manifest = known.find(wanted.digest) if known else None
            return manifest.size if manifest else None
        content = self.storage.blob(name, wanted.digest)
        return content.size if content else None
