"""What a repository's ``index.json`` says, and how it changes (OCI image layout).

Every manifest is listed, unless an index that is there lists it. A tag is the annotation
``org.opencontainers.image.ref.name`` of an entry. Entries that other programs wrote and that
mean nothing here are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from pyjib.errors import InvalidReferenceError
from pyjib.frozen import frozen
from pyjib.oci.digest import Digest
from pyjib.oci.json import Json, dump, load
from pyjib.oci.layout import REF_NAME
from pyjib.oci.media_type import OCI_INDEX
from pyjib.oci.reference import is_tag
from pyjib.serve.documents import Document

MAX_INDEX = 64 << 20
"""The most bytes of an ``index.json``, which has some 300 for each entry."""
_HEADER: Json = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
EMPTY_INDEX = dump(_HEADER)
"""The ``index.json`` of a repository without manifests."""

Finder = Callable[[Digest], Document | None]


@frozen
class Catalogue:
    """A repository's manifests and tags at one moment.

    ``document`` is the parsed ``index.json``. ``manifests`` has those that can be read, the
    entries of indexes included; ``tags`` those that lead to one of them.
    """

    document: Json
    manifests: Mapping[Digest, Document]
    tags: Mapping[str, Digest]

    @classmethod
    def parse(cls, data: bytes, find: Finder) -> Self:
        """Read an ``index.json``; ``find`` reads a stored manifest.

        Raises ``MalformedDocumentError`` if it is none.
        """
        document = load(data, "index.json", limit=MAX_INDEX)
        if not isinstance(document.get("manifests"), list):
            document = {**document, "manifests": []}
        return cls._view(document, find)

    @classmethod
    def _view(cls, document: Json, find: Finder) -> Self:
        manifests: dict[Digest, Document] = {}
        tags = {}
        for entry in document["manifests"]:
            digest = _digest_of(entry)
            if digest is None:
                continue
            _collect(digest, find, manifests)
            tag = _tag_of(entry)
            if tag is not None and digest in manifests:
                tags[tag] = digest
        return cls(document=document, manifests=manifests, tags=tags)

    @property
    def data(self) -> bytes:
        """The bytes of ``index.json``."""
        return dump(self.document)

    def find(self, reference: Digest | str) -> Document | None:
        """Return the manifest with this digest or tag."""
        digest = self.tags.get(reference) if isinstance(reference, str) else reference
        return self.manifests.get(digest) if digest is not None else None

    def with_manifest(self, manifest: Document, tags: Sequence[str]) -> Catalogue:
        """Return this with a manifest, and ``tags`` on it and on nothing else."""
        new = frozenset(tags)
        entries = [entry for entry in self._entries() if _tag_of(entry) not in new]
        entries += [
            {**manifest.to_json(), "annotations": {REF_NAME: tag}} for tag in dict.fromkeys(tags)
        ]
        return self._changed(entries, {**self.manifests, manifest.digest: manifest})

    def without_tag(self, tag: str) -> Catalogue:
        """Return this without a tag; the manifest stays."""
        entries = [entry for entry in self._entries() if _tag_of(entry) != tag]
        return self._changed(entries, self.manifests)

    def without_manifest(self, digest: Digest) -> Catalogue:
        """Return this without a manifest and all of its tags."""
        entries = [entry for entry in self._entries() if _digest_of(entry) != digest]
        left = {key: value for key, value in self.manifests.items() if key != digest}
        return self._changed(entries, left)

    def referrers(self, subject: Digest) -> list[Document]:
        """Return the manifests whose subject is this one, by digest."""
        found = (value for value in self.manifests.values() if value.subject == subject)
        return sorted(found, key=lambda manifest: str(manifest.digest))

    def names(self, is_stored: Callable[[Digest], bool]) -> set[Digest] | None:
        """Return everything that the manifests name, and themselves.

        ``None`` if there is one among those stored that cannot be read: nobody knows what that
        names.
        """
        listed = {_digest_of(entry) for entry in self._entries()}
        named = {digest for digest in listed if digest is not None}
        for manifest in self.manifests.values():
            named |= {entry.digest for entry in manifest.manifests}
        if any(digest not in self.manifests and is_stored(digest) for digest in named):
            return None
        for manifest in self.manifests.values():
            named |= {blob.digest for blob in manifest.blobs}
        return named

    def _entries(self) -> list[Any]:
        return list(self.document["manifests"])

    def _changed(self, entries: list[Any], manifests: Mapping[Digest, Document]) -> Catalogue:
        """Return this with other entries, each manifest listed exactly as often as it must be."""
        nested = {entry.digest for manifest in manifests.values() for entry in manifest.manifests}
        kept = [
            entry
            for entry in entries
            if _digest_of(entry) not in nested or set(entry) != {"mediaType", "digest", "size"}
        ]
        listed = {_digest_of(entry) for entry in kept} | nested
        kept += [value.to_json() for key, value in manifests.items() if key not in listed]
        return self._view({**self.document, "manifests": kept}, manifests.get)


def _collect(digest: Digest, find: Finder, found: dict[Digest, Document]) -> None:
    waiting = [digest]
    while waiting:
        current = waiting.pop()
        manifest = None if current in found else find(current)
        if manifest is not None:
            found[current] = manifest
            waiting += [entry.digest for entry in manifest.manifests]


def _digest_of(entry: object) -> Digest | None:
    try:
        return Digest.parse(entry["digest"]) if isinstance(entry, dict) else None
    except (InvalidReferenceError, KeyError, AttributeError):
        return None


def _tag_of(entry: object) -> str | None:
    annotations = entry.get("annotations") if isinstance(entry, dict) else None
    tag = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
    return tag if isinstance(tag, str) and is_tag(tag) else None
