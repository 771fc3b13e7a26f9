"""Stage 5: an image goes to a registry, a daemon, an archive or a layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field

from pyjib.cancellation import Cancellation
from pyjib.destination.model import Destination, Published
from pyjib.engine.model import Engine
from pyjib.errors import ConfigurationError
from pyjib.events import Listener, ignore
from pyjib.frozen import frozen
from pyjib.oci.location import (
    ArchiveLocation,
    EngineLocation,
    LayoutLocation,
    Location,
    RegistryLocation,
)
from pyjib.oci.reference import Reference
from pyjib.registry.client import RegistryClient

__all__ = ["Destination", "DestinationTools", "Published", "open_destination"]


@frozen
class DestinationTools:
    """What images are written with. ``engine`` connects to a daemon when it is first called."""

    registry: RegistryClient
    engine: Callable[[], Engine]
    jobs: int = 4
    listener: Listener = ignore
    cancellation: Cancellation = field(default_factory=Cancellation)


def open_destination(
    location: Location,
    *,
    tags: Sequence[str] = (),
    names: Sequence[Reference] = (),
    tools: DestinationTools,
) -> Destination:
    """Return the destination at ``location``.

    ``tags`` are given there besides its own; ``names`` are what an archive's or layout's reader
    calls the image. Raises ``ConfigurationError`` for what nothing can be written to.
    """
    match location:
        case RegistryLocation():
            from pyjib.destination.registry import RegistryDestination  # noqa: PLC0415

            # Before anything is asked of a registry, so that one login does for all of it.
            tools.registry.expect_push(location.reference)
            return RegistryDestination(
                reference=location.reference,
                tags=tuple(tags),
                client=tools.registry,
                jobs=tools.jobs,
                listener=tools.listener,
                cancellation=tools.cancellation,
            )
        case EngineLocation():
            from pyjib.destination.engine import EngineDestination  # noqa: PLC0415

            return EngineDestination(
                reference=location.reference,
                tags=tuple(tags),
                engine=tools.engine,
                listener=tools.listener,
            )
        case ArchiveLocation():
            from pyjib.destination.archive import ArchiveDestination  # noqa: PLC0415

            return ArchiveDestination(
                path=location.path,
                names=tuple(names),
                listener=tools.listener,
                cancellation=tools.cancellation,
            )
        case LayoutLocation():
            from pyjib.destination.layout import LayoutDestination  # noqa: PLC0415

            return LayoutDestination(
                path=location.path,
                tags=_layout_tags(location, tags, names),
                name=names[0] if names else None,
                listener=tools.listener,
                cancellation=tools.cancellation,
            )
    raise ConfigurationError(
        f"nothing can be written to {location}",
        hint="use NAME, docker://NAME, tar://FILE or oci://DIR",
    )


def _layout_tags(
    location: LayoutLocation, tags: Sequence[str], names: Sequence[Reference]
) -> tuple[str, ...]:
    own = location.tag or next((name.tag for name in names if name.tag), "latest")
    return tuple(dict.fromkeys([own, *tags]))
