"""Base images in: from a location to images of the platforms asked for."""

from __future__ import annotations

from collections.abc import Sequence

from pyjib.base.model import BaseImages, BaseTools, each_once
from pyjib.events import BaseResolved
from pyjib.oci.location import (
    ArchiveLocation,
    EngineLocation,
    LayoutLocation,
    Location,
    RegistryLocation,
    Scratch,
)
from pyjib.oci.platform import Platform

__all__ = ["BaseImages", "BaseTools", "pull_base"]


def pull_base(location: Location, platforms: Sequence[Platform], *, tools: BaseTools) -> BaseImages:
    """Return the image at ``location`` for each platform; none asked for means the usual one.

    Platforms that one image answers, such as linux/arm64 and linux/arm64/v8, give it once.

    Manifests and configs are read and verified now, a registry's layers when they are opened.
    Raises ``PlatformError``, ``ContentError``, and what the kind of location may raise.
    """
    images = each_once(_pull(location, platforms, tools))
    tools.listener(
        BaseResolved(
            name=images.name,
            digest=str(images.digest or ""),
            platforms=tuple(str(image.platform) for image in images.images),
            mirror=images.mirror or "",
        )
    )
    return images


def _pull(location: Location, platforms: Sequence[Platform], tools: BaseTools) -> BaseImages:
    match location:
        case Scratch():
            from pyjib.base import scratch  # noqa: PLC0415  each kind is imported when used

            return scratch.pull(location, platforms, tools)
        case RegistryLocation():
            from pyjib.base import registry  # noqa: PLC0415

            return registry.pull(location, platforms, tools)
        case EngineLocation():
            from pyjib.base import engine  # noqa: PLC0415

            return engine.pull(location, platforms, tools)
        case ArchiveLocation():
            from pyjib.base import archive  # noqa: PLC0415

            return archive.pull(location, platforms, tools)
        case LayoutLocation():
            from pyjib.base import layout  # noqa: PLC0415

            return layout.pull(location, platforms, tools)
