"""Packed layers."""

from __future__ import annotations

from pyjib.frozen import frozen
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest


@frozen
class Layer:
    """A layer as an image needs it: the compressed tar, and the digest of the tar itself.

    ``name`` goes into the image's history. ``key`` is the cache key, empty where it has none.
    """

    name: str
    blob: Blob
    diff_id: Digest
    key: str = ""


@frozen
class LayerSummary:
    """What a layer would be: ``size`` of its tar in bytes, and the tar's digest.

    ``packed`` describes the compressed tar if one is in the store already.
    """

    name: str
    size: int
    diff_id: Digest
    packed: Descriptor | None = None
