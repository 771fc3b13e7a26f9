"""What registries have taken so far: it tells a refusal by a rule from one of the login."""

from __future__ import annotations

from pyjib.oci.digest import Digest
from pyjib.oci.reference import Reference
from pyjib.registry.net.message import Taken


class Pushed:
    """Kept for as long as a session; safe for threads, for it only ever grows."""

    def __init__(self) -> None:
        self._blobs: set[str] = set()
        self._manifests: set[tuple[str, Digest]] = set()

    def blob(self, name: Reference) -> None:
        """Take note that a repository took a blob."""
        self._blobs.add(name.name)

    def manifest(self, name: Reference, digest: Digest) -> None:
        """Take note that a repository took a manifest."""
        self._manifests.add((name.name, digest))

    def before(self, name: Reference, digest: Digest) -> Taken:
        """Return what was taken of a push whose manifest now goes to ``name``."""
        if (name.name, digest) in self._manifests:
            return Taken.MANIFEST
        return Taken.BLOBS if name.name in self._blobs else Taken.NOTHING
