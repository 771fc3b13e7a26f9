"""Packed layers."""

from __future__ import annotations

from dataclasses import dataclass

from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer as an image needs it: the compressed tar, and the digest of the tar itself.

    ``name`` goes into the image's history.
    """

    name: str
    blob: Blob
    diff_id: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSummary:
    """What a layer would be: ``size`` of its tar in bytes, and the tar's digest.

    ``packed`` describes the compressed tar if one is in the store already.
    """

    name: str
    size: int
    diff_id: Digest
    packed: Descriptor | None = None
