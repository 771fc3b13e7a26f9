"""What a base image is pulled with, what comes back, and how platforms are chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from pyjib.cancellation import Cancellation
from pyjib.errors import PlatformError
from pyjib.events import Listener, ignore
from pyjib.frozen import frozen
from pyjib.oci import media_type as types
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.image import Image
from pyjib.oci.manifest import Index
from pyjib.oci.platform import LINUX_AMD64, Platform

if TYPE_CHECKING:
    from pyjib.engine.model import Engine
    from pyjib.registry.client import RegistryClient
    from pyjib.store.store import Store


@frozen
class BaseImages:
    """A base, one image for each platform that was asked for, in that order, each image once.

    ``name`` is what the user called it; ``digest`` that of the manifest or index which the name
    stood for, ``None`` where the base has none (scratch, ``docker save`` archives). ``index`` is
    set if that was an index, and lists more platforms than were asked for. ``mirror`` is the
    host that stood in for the base's registry, if one did.
    """

    name: str
    digest: Digest | None
    images: tuple[Image, ...]
    index: Index | None = None
    mirror: str | None = None


@frozen
class BaseTools:
    """What bases are pulled with. ``engine`` connects to a daemon when it is first called."""

    store: Store
    registry: RegistryClient
    engine: Callable[[], Engine]
    listener: Listener = ignore
    cancellation: Cancellation = field(default_factory=Cancellation)


def each_once(base: BaseImages) -> BaseImages:
    """Leave out images that are there already, for another platform that accepts them.

    An index must not list a platform twice: who pulls could get either. Raises
    ``PlatformError`` for two images that say they are for the same platform.
    """
    found: dict[Platform, Image] = {}
    for image in base.images:
        if found.setdefault(image.platform, image).digest != image.digest:
            raise PlatformError(
                f"image {base.name} has two images whose configs say {image.platform}",
                hint="it was built wrongly: take another image, or build for one platform",
            )
    return replace(base, images=tuple(found.values()))


ALL_PLATFORMS = (Platform(os="*", architecture="*"),)
"""Asked for in place of platforms, it stands for every one that an image is for."""


def choose(
    entries: Iterable[Descriptor], platforms: Sequence[Platform], *, name: str
) -> tuple[Descriptor, ...]:
    """Return the entry of an index for each platform; ``name`` is the base's, for the error.

    The same variant goes before any other that is accepted, and earlier entries before later
    ones; ``ALL_PLATFORMS`` stands for all. With no ``platforms``, linux/amd64 is wanted, but an
    index that holds just one platform is taken as it is. Raises ``PlatformError`` listing what
    there is.
    """
    runnable = [entry for entry in entries if _is_runnable(entry)]
    if platforms == ALL_PLATFORMS:
        return tuple(runnable)
    if not platforms:
        if len(runnable) == 1:
            return (runnable[0],)
        platforms = (LINUX_AMD64,)
    return tuple(_choose_one(runnable, platform, name) for platform in platforms)


def check_single(image: Image, platforms: Sequence[Platform], *, name: str) -> None:
    """Check a base that is one image, and no index, against the platforms asked for.

    With no ``platforms`` nothing was asked for, and any image will do. Raises ``PlatformError``.
    """
    if platforms == ALL_PLATFORMS:
        return
    for platform in platforms:
        if not platform.accepts(image.platform):
            raise PlatformError(
                f"image {name} is for {image.platform} only, not for {platform}",
                hint=f"pass --platform {image.platform}, or take an image for several platforms",
            )


def _is_runnable(entry: Descriptor) -> bool:
    # Attestations sit in indexes as manifests for the platform unknown/unknown.
    if not (types.is_manifest(entry.media_type) or types.is_index(entry.media_type)):
        return False
    return entry.platform is None or entry.platform.os != "unknown"


def _choose_one(entries: Sequence[Descriptor], wanted: Platform, name: str) -> Descriptor:
    fitting = [entry for entry in entries if entry.platform and wanted.accepts(entry.platform)]
    exact = [entry for entry in fitting if entry.platform == wanted]
    if fitting:
        return (exact or fitting)[0]
    there = sorted({str(entry.platform) for entry in entries if entry.platform})
    raise PlatformError(
        f"image {name} has no {wanted}; it has {', '.join(there) or 'no platform at all'}",
        hint="choose among these by --platform, or take another image",
    )
