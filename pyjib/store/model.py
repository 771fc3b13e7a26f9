"""The values that a store takes and gives."""

from __future__ import annotations

from pyjib.frozen import frozen
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest


@frozen
class LayerRecord:
    """A packed layer: its bytes, and the digest of the tar in them.

    ``learnt`` tells that somebody else has packed it: another build is not to take its bytes for
    those that packing gives, even where they have come into the store since.
    """

    descriptor: Descriptor
    diff_id: Digest
    learnt: bool = False


@frozen
class Usage:
    """How much a store holds, in files and in bytes of their content.

    ``index`` counts the records of packed layers, the digests of files and what was kept of
    projects; ``temporary`` what is being written, or was when a process was killed. Of these
    ``abandoned`` counts what nobody writes any more, as far as that can be known.
    """

    blobs: int = 0
    blob_bytes: int = 0
    index_files: int = 0
    index_bytes: int = 0
    temporary_files: int = 0
    temporary_bytes: int = 0
    abandoned_files: int = 0
    abandoned_bytes: int = 0

    @property
    def files(self) -> int:
        """The number of all files."""
        return self.blobs + self.index_files + self.temporary_files

    @property
    def bytes(self) -> int:
        """The bytes of all files."""
        return self.blob_bytes + self.index_bytes + self.temporary_bytes


@frozen
class Pruned:
    """What was removed from a store; ``kept`` is how many files should have been, and are there."""

    files: int
    bytes: int
    kept: int = 0
