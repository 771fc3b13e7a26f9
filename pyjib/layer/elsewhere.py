"""Where layers are besides the store: in a registry that has some already, or is to get them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from pyjib.frozen import frozen
from pyjib.layer.known import KnownLayers
from pyjib.oci.descriptor import Descriptor


class Sending(Protocol):
    """Takes the bytes of a layer while it is packed, to send them ahead; raises only to cancel."""

    def write(self, data: bytes | bytearray, /) -> object:
        """Take bytes, which nobody changes any more; waits where the network is slow."""
        ...

    def finish(self, descriptor: Descriptor, /) -> object:
        """Take note that these were all, without waiting."""
        ...

    def abandon(self) -> object:
        """Take note that the layer will not be finished."""
        ...


SendAhead: TypeAlias = Callable[[str, int], Sending | None]
"""Called for each layer that is packed, with its name and the size of its files in bytes.

Returns ``None`` where nothing is to be sent ahead.
"""


@frozen
class Elsewhere:
    """``known`` knows layers that need not be packed, ``send_ahead`` takes those that are."""

    known: KnownLayers | None = None
    send_ahead: SendAhead | None = None


NOWHERE = Elsewhere()
