"""What images are read from and loaded into, however it is talked to."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Protocol

from pyjib.frozen import frozen
from pyjib.oci.digest import Digest
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference


@frozen
class EngineInfo:
    """What an engine is: ``name`` is Docker or Podman, ``api_version`` the one that is spoken.

    ``containerd_store`` tells whether Docker keeps images in containerd's store, where an image
    goes by the digest of its manifest or index, and may be for several platforms.
    """

    name: str
    os: str
    architecture: str
    variant: str | None = None
    containerd_store: bool = False
    api_version: str = ""

    @property
    def platform(self) -> Platform:
        """What the engine's own containers run on."""
        return Platform(os=self.os, architecture=self.architecture, variant=self.variant)


class Engine(Protocol):
    """A Docker or Podman daemon. Every call may raise ``EngineError``; ``str`` names it."""

    def info(self) -> EngineInfo:
        """Ask the daemon what it is."""
        ...

    def load(
        self, chunks: Iterable[bytes], *, progress: Callable[[int], None] | None = None
    ) -> tuple[str, ...]:
        """Send an archive as it is made, and return the names and IDs that are told of it."""
        ...

    def image_id(self, image: Reference | Digest | str) -> Digest | None:
        """Return the ID under which the daemon has an image, ``None`` if it has none."""
        ...

    def image_save(self, image: Reference | Digest | str) -> Generator[bytes, None, None]:
        """Yield an image's archive, in the form of ``docker save``."""
        ...

    def image_tag(self, image: Reference | Digest | str, name: Reference) -> None:
        """Give an image that the daemon has one more name."""
        ...
