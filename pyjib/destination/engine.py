"""An image in the store of a Docker or Podman daemon.

The daemon is sent an archive over its socket, unless it has the very image already: then names
are all that is given. Afterwards the daemon is asked what it has under each name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pyjib.destination.archive import archive_chunks, archive_size
from pyjib.destination.model import Published
from pyjib.engine.model import Engine, EngineInfo
from pyjib.errors import EngineError, InvalidReferenceError, PlatformError
from pyjib.events import (
    BlobPresent,
    Direction,
    Listener,
    TransferFinished,
    TransferProgress,
    TransferStarted,
    Warned,
    ignore,
)
from pyjib.frozen import frozen
from pyjib.oci.digest import Digest
from pyjib.oci.image import AnyImage, Image, ImageIndex, images_of
from pyjib.oci.location import EngineLocation
from pyjib.oci.media_type import Compression, layer_compression
from pyjib.oci.reference import Reference


@frozen
class EngineDestination:
    """A daemon, under a name and further tags. ``engine`` connects when it is first called."""

    reference: Reference
    tags: tuple[str, ...] = ()
    engine: Callable[[], Engine]
    listener: Listener = ignore

    @property
    def names(self) -> tuple[Reference, ...]:
        """Every name that the image gets, the first being the reference's own."""
        first = self.reference.with_tag(self.reference.tag or "latest")
        return tuple(dict.fromkeys([first, *(first.with_tag(tag) for tag in self.tags)]))

    def check(self) -> None:
        """Raise ``EngineError`` if no daemon answers, ``InvalidReferenceError`` for a digest."""
        if self.reference.digest is not None:
            raise InvalidReferenceError(
                f"cannot load as {self.reference.familiar}: a digest follows from the content",
                hint="name a tag, or the repository alone",
            )
        self.engine()

    def write(self, image: AnyImage) -> Published:
        """Load an image, or name the one that is there already, and verify its ID.

        Of several platforms a daemon keeps the one that it runs on, with a warning, if it does
        not use containerd's store; ``digest`` and ``image_id`` are then those of that platform.
        Raises ``PlatformError`` if that is not among them, and ``EngineError`` if the daemon
        refuses or has something else under a name afterwards.
        """
        engine = self.engine()
        info = engine.info()
        chosen = self._fitting(image, engine, info)
        expected = chosen.digest if info.containerd_store else chosen.image_id
        if engine.image_id(expected) == expected:
            where = str(engine)
            self.listener(BlobPresent(digest=str(expected), size=_size(chosen), where=where))
            for name in self.names:
                engine.image_tag(expected, name)
        else:
            self._load(chosen, engine)
        for name in self.names:
            self._verify(name, expected, engine)
        return Published(
            location=str(EngineLocation(reference=self.names[0])),
            digest=chosen.digest,
            image_id=chosen.image_id,
            tags=tuple(name.tag for name in self.names if name.tag),
        )

    def _fitting(self, image: AnyImage, engine: Engine, info: EngineInfo) -> AnyImage:
        if isinstance(image, Image) or info.containerd_store:
            return image
        return self._only_its_own(image, engine, info)

    def _only_its_own(self, index: ImageIndex, engine: Engine, info: EngineInfo) -> Image:
        # Daemons tell their variant seldom and in their own words, so any will do at last.
        wanted = (info.platform, replace(info.platform, variant=None))
        fitting = [image for own in wanted for image in index.images if own.accepts(image.platform)]
        if not fitting:
            platforms = ", ".join(str(image.platform) for image in index.images)
            raise PlatformError(
                f"{engine} keeps images for one platform and runs on {info.platform}; "
                f"this one is for {platforms}",
                hint="pass one --platform, or let Docker use containerd's store",
            )
        self.listener(
            Warned(
                message=f"{engine} keeps images for one platform: only {fitting[0].platform} "
                "is loaded",
                hint="push to a registry for all platforms, or let Docker use containerd's store",
            )
        )
        return fitting[0]

    def _load(self, image: AnyImage, engine: Engine) -> None:
        key, total = str(image.digest), archive_size(image, self.names)
        load = Direction.LOAD
        label = f"{self.names[0].familiar} into {engine}"
        self.listener(TransferStarted(direction=load, key=key, label=label, total=total))
        try:
            engine.load(
                archive_chunks(image, self.names),
                progress=lambda done: self.listener(
                    TransferProgress(direction=load, key=key, done=done)
                ),
            )
        except EngineError as error:
            if error.hint is None and _has_zstd(image):  # Docker 20.10: "unexpected EOF"
                error.advise("older daemons cannot unpack zstd: leave --compression zstd out")
            raise
        self.listener(TransferFinished(direction=load, key=key, size=total))

    def _verify(self, name: Reference, expected: Digest, engine: Engine) -> None:
        found = engine.image_id(name)
        if found != expected:
            there = f"the image {found}" if found else "no image"
            raise EngineError(
                f"{engine} has {there} as {name.familiar} after the load, and not {expected}",
                hint="something else may have changed it at the same time; run it again",
            )


def _size(image: AnyImage) -> int:
    layers = {layer.descriptor for one in images_of(image) for layer in one.layers}
    return sum(layer.size for layer in layers)


def _has_zstd(image: AnyImage) -> bool:
    types = {layer.descriptor.media_type for one in images_of(image) for layer in one.layers}
    return Compression.ZSTD in map(layer_compression, types)
