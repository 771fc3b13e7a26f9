"""Names of the OCI image layout (OCI image specification, "Image Layout")."""

from __future__ import annotations

from pyjib.oci.digest import Digest

LAYOUT_FILE = "oci-layout"
INDEX_FILE = "index.json"
VERSION = "1.0.0"

REF_NAME = "org.opencontainers.image.ref.name"
"""Annotation of an entry of ``index.json``: the tag by which it is found."""

IMAGE_NAME = "io.containerd.image.name"
"""The same for containerd and Docker: the full name, registry included."""


def blob_path(digest: Digest) -> str:
    """Return the place of a blob below the layout's root."""
    return f"blobs/{digest.algorithm}/{digest.hex}"
