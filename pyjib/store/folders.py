"""Where the files of a store lie below its directory."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pyjib.oci.digest import Digest

INDEXES = ("layers", "files", "projects", "tags")
FINISHED = ("blobs", *INDEXES)
TEMPORARY = "tmp"
"""Every folder of a store. What has other bytes in a later version will have another folder."""


class Folders:
    """The folders of one store; none of them need be there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = root / "blobs"
        self.layers = root / "layers"
        self.files = root / "files"
        self.projects = root / "projects"
        self.tags = root / "tags"
        self.temporary = root / TEMPORARY

    def blob(self, digest: Digest) -> Path:
        """Return where a blob lies."""
        return self.blobs / digest.algorithm / digest.hex

    def record(self, key: str) -> Path:
        """Return where the record of a packed layer lies."""
        return self.layers / hashlib.sha256(key.encode()).hexdigest()

    def tag(self, name: str) -> Path:
        """Return where the digest that a tag led to lies."""
        return self.tags / hashlib.sha256(name.encode()).hexdigest()

    def project(self, key: str) -> Path:
        """Return where what was kept of a project lies."""
        name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self.projects / name
