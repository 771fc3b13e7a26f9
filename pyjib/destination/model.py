"""What every destination does, and what it tells afterwards."""

from __future__ import annotations

from typing import Protocol

from pyjib.frozen import frozen
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.image import AnyImage


@frozen
class Published:
    """An image has arrived.

    ``location`` is what a command prints on stdout: the image by digest in a registry, else the
    location in the words of ``--to``. ``digest`` is that of the manifest or index, ``image_id``
    that of the config (of the index, where there are several). ``tags`` are those that name it
    now; ``pushed`` tells whether it went to a registry.
    """

    location: str
    digest: Digest
    image_id: Digest
    tags: tuple[str, ...] = ()
    pushed: bool = False


class Destination(Protocol):
    """A place that an image is written to."""

    def check(self) -> Descriptor | None:
        """Fail early, before anything is built, if it is plain that nothing can be written.

        Returns what the destination's own name leads to at present, where that is known.
        """

    def write(self, image: AnyImage) -> Published:
        """Write an image and all that belongs to it; afterwards it is there as a whole.

        Whatever is raised, no reader meets a part of it under its name.
        """
        ...
