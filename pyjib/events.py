"""What happens during a build, as frozen records given to a listener.

The library prints nothing. Whoever wants to follow a build passes a ``Listener``, any callable
that takes an ``Event``. It may be called from several threads at once, never after ``build``
returned, and must not raise.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from pyjib.frozen import frozen


@frozen
class Event:
    """The root of all events."""


Listener: TypeAlias = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Drop an event: the listener of callers that gave none."""


class Direction(StrEnum):
    """Which way bytes go."""

    PULL = "pull"
    PUSH = "push"
    LOAD = "load"  # into a daemon
    WRITE = "write"  # into an archive or a layout


@frozen
class ProjectRead(Event):
    """Stage 1 is done. ``kind`` is in words; ``detail`` tells where the classpath comes from."""

    kind: str
    root: str
    detail: str = ""


@frozen
class LibraryFetched(Event):
    """A file came from a Maven repository into the local one. ``size`` is in bytes."""

    name: str
    size: int
    source: str


@frozen
class BaseResolved(Event):
    """A base image is known.

    ``digest`` is that of its manifest or index as pulled, empty where it has none (scratch).
    ``mirror`` is the host that stood in for its registry, empty if none did.
    """

    name: str
    digest: str
    platforms: tuple[str, ...] = ()
    mirror: str = ""


@frozen
class LayerPacking(Event):
    """A layer is being packed. ``size`` is the sum of its files' bytes."""

    name: str
    files: int
    size: int


@frozen
class LayerPacked(Event):
    """A layer is ready. ``size`` counts compressed bytes; ``cached`` says nothing was packed.

    ``source`` is the repository that has it, empty where it lies in the local store.
    """

    name: str
    digest: str
    size: int
    cached: bool
    source: str = ""


@frozen
class TransferStarted(Event):
    """A blob, or an image, begins to move. ``total`` is in bytes, ``None`` where unknown.

    ``key`` tells transfers apart; ``label`` is for people. ``about`` is what an unknown ``total``
    will hardly exceed, ``None`` where nobody knows that either.
    """

    direction: Direction
    key: str
    label: str
    total: int | None = None
    about: int | None = None


@frozen
class TransferNamed(Event):
    """Of a transfer that began before all was known of it, ``label`` and ``total`` now are."""

    direction: Direction
    key: str
    label: str
    total: int


@frozen
class TransferProgress(Event):
    """``done`` bytes of a transfer have moved; smaller than before means it starts anew."""

    direction: Direction
    key: str
    done: int


@frozen
class TransferFinished(Event):
    """A transfer is complete and verified."""

    direction: Direction
    key: str
    size: int


@frozen
class TransferAbandoned(Event):
    """A transfer ended before it was complete, and nothing of it is kept.

    What it was to move goes another way, as a transfer of its own, if it is still wanted.
    """

    direction: Direction
    key: str


@frozen
class BlobPresent(Event):
    """A registry already has a blob: nothing is sent."""

    digest: str
    size: int
    where: str


@frozen
class BlobMounted(Event):
    """A registry linked a blob from another of its repositories: nothing is sent."""

    digest: str
    size: int
    source: str
    where: str


@frozen
class RetryScheduled(Event):
    """An attempt failed for a passing reason and is repeated after ``delay`` seconds.

    It is attempt number ``attempt``, of ``most`` if that is known.
    """

    action: str
    attempt: int
    delay: float
    reason: str
    most: int | None = None


@frozen
class ManifestPushed(Event):
    """A manifest or index is stored under ``reference``."""

    reference: str
    digest: str


@frozen
class ImagePublished(Event):
    """An image has arrived at a destination, with all that belongs to it."""

    destination: str
    digest: str


@frozen
class Warned(Event):
    """Something the user should know and that stops nothing."""

    message: str
    hint: str | None = None
