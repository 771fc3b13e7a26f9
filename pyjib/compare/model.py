"""The result of a comparison."""

from __future__ import annotations

from enum import StrEnum

from pyjib.frozen import frozen
from pyjib.oci.digest import Digest


class Level(StrEnum):
    """Where two images may differ, from the outside in."""

    INDEX = "index"
    MANIFEST = "manifest"
    CONFIG = "config"
    LAYER = "layer"
    ENTRY = "entry"
    """Which entries the tar of a layer has, and in what order."""
    HEADER = "header"
    """What the tar says of an entry: header fields, extended headers, how the tar ends."""
    BYTE = "byte"
    """The content of an entry; the compressed bytes, where the tar in them is the same."""


@frozen
class Difference:
    """What differs at a level.

    ``place`` leads there, for people: ``config.Env[3]``, ``layer 'classes', entry app/x, mtime``.
    ``jib`` and ``ours`` are what stands there, ``None`` where there is nothing.
    """

    level: Level
    place: str
    jib: str | None
    ours: str | None


@frozen
class Comparison:
    """The first difference at each level, in the order of levels; none if the images are equal.

    ``has_manifest`` is false where Jib's own manifest was not to be had, as in what ``docker
    save`` writes: then config and image ID, and the tars in the layers, are all that was
    compared, and ``jib_digest`` is ``None``.
    """

    jib_digest: Digest | None
    our_digest: Digest
    jib_image_id: Digest
    our_image_id: Digest
    has_manifest: bool
    differences: tuple[Difference, ...]

    @property
    def is_equal(self) -> bool:
        """Tell whether nothing that was compared differs."""
        return not self.differences
