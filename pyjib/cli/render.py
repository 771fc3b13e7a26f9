"""Events as lines on stderr."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import IntEnum
from types import TracebackType
from typing import Protocol, Self, TypeAlias

import click

from pyjib import events
from pyjib.cli.messages import labelled, tell, visible
from pyjib.events import Direction, Event
from pyjib.frozen import frozen
from pyjib.patterns import late

_LONG_DIGEST = late(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")
VERB = 8
_OFTEN = 30.0
"""Seconds after which a transfer that goes on is worth a line."""

Clock: TypeAlias = Callable[[], float]
"""Tells seconds from some beginning, as ``time.monotonic`` does."""


class Level(IntEnum):
    """How much is told."""

    ERRORS = 0
    WARNINGS = 1
    """Also why there is no image, where that is no error."""
    NOTICES = 2
    """Repeated attempts too."""
    PROGRESS = 3


@frozen
class Line:
    """Something to tell: a verb, by which lines are aligned, and what it is about."""

    verb: str
    text: str
    hint: str | None = None
    level: Level = Level.PROGRESS

    def __str__(self) -> str:
        return f"{self.verb:{VERB}} {visible(self.text)}"


class Output(Protocol):
    """Where a build's progress goes: a listener, and a context that its end is told to."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def __call__(self, event: Event) -> None:
        """Take an event, from any thread."""

    def show(self, line: Line) -> None:
        """Show a line, if the level is such."""

    def abandon(self) -> None:
        """Leave the terminal usable, at once and without waiting for any other thread."""


class Lines:
    """An output of plain lines."""

    def __init__(self, level: Level = Level.PROGRESS) -> None:
        self._level = level
        self._narrator = Narrator()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return

    def __call__(self, event: Event) -> None:
        """Write the line that an event is worth, if any."""
        with self._lock:
            line = self._narrator.line_of(event)
        if line is not None:
            self.show(line)

    def show(self, line: Line) -> None:
        """Write a line."""
        if line.level <= self._level:
            tell("\n".join(styled(line)))

    def abandon(self) -> None:
        """Do nothing: lines leave a terminal as it is."""


def styled(line: Line) -> list[str]:
    """Return a line, and its hint if it has one, with colours (dropped where unwanted)."""
    if line.verb == "warning":
        first = labelled("warning", line.text)
    else:
        first = click.style(f"{line.verb:{VERB}}", bold=True) + " " + visible(line.text)
    return [first, labelled("hint", line.hint)] if line.hint else [first]


class _Moving:
    """A transfer that is under way, and when something was told of it last."""

    def __init__(self, label: str, total: int | None, now: float) -> None:
        self.label = label
        self.total = total
        self.began = self.told = now
        self.done = 0


class Narrator:
    """Turns events into lines. Not safe for threads: whoever asks has a lock.

    Unless it is ``brief``, as where bars show them, transfers have lines while they go on: when
    one of unknown size begins, and about every half minute.
    """

    def __init__(self, *, brief: bool = False, clock: Clock = time.monotonic) -> None:
        self._brief = brief
        self._clock = clock
        self._moving: dict[tuple[Direction, str], _Moving] = {}
        self._tally = _Tally()

    def line_of(self, event: Event) -> Line | None:
        """Return what an event is worth telling."""
        line: Line | None
        match event:
            case events.Warned():
                line = Line(
                    verb="warning", text=event.message, hint=event.hint, level=Level.WARNINGS
                )
            case events.RetryScheduled():
                line = _retry(event)
            case events.ProjectRead():
                detail = f" ({event.detail})" if event.detail else ""
                line = Line(verb="project", text=f"{event.kind} in {event.root}{detail}")
            case events.LibraryFetched():
                line = Line(
                    verb="fetch", text=f"{event.name}  {size(event.size)} from {event.source}"
                )
            case events.BaseResolved():
                line = _base(event)
            case events.LayerPacked():
                where = f" (in {event.source})" if event.source else ""
                where = where or (" (cached)" if event.cached else "")
                line = Line(verb="layer", text=f"{event.name}  {size(event.size)}{where}")
            case events.ManifestPushed() if "@" not in event.reference:
                line = Line(verb="tag", text=event.reference)
            case _:
                line = self._transfer(event)
        return line

    def _transfer(self, event: Event) -> Line | None:
        match event:
            case events.TransferStarted():
                return self._began(event)
            case events.TransferNamed():
                moving = self._moving.get((event.direction, event.key))
                if moving is not None:
                    moving.label, moving.total = short(event.label), event.total
            case events.TransferProgress():
                return self._moved(event)
            case events.TransferAbandoned():
                return self._abandoned(event)
            case events.TransferFinished():
                return self._finished(event)
            case events.BlobPresent():
                self._tally.present(event.size)
            case events.BlobMounted():
                self._tally.mounted(event.size)
            case events.ImagePublished():
                tally, self._tally = self._tally, _Tally()
                return Line(verb="image", text=tally.text) if tally.text else None
        return None

    def _began(self, event: events.TransferStarted) -> Line | None:
        label = short(event.label)
        self._moving[event.direction, event.key] = _Moving(label, event.total, self._clock())
        if self._brief or event.direction is not Direction.PUSH or event.total is not None:
            return None
        return Line(verb=event.direction, text=f"sending {label}")

    def _moved(self, event: events.TransferProgress) -> Line | None:
        moving = self._moving.get((event.direction, event.key))
        if moving is None:
            return None
        moving.done, now = event.done, self._clock()
        if self._brief or now - moving.told < _OFTEN:
            return None
        moving.told = now
        of = "so far" if moving.total is None else f"of {size(moving.total)}"
        rate = rate_of(event.done, now - moving.began)
        return Line(verb=event.direction, text=f"{moving.label}  {size(event.done)} {of}{rate}")

    def _abandoned(self, event: events.TransferAbandoned) -> Line | None:
        moving = self._moving.pop((event.direction, event.key), None)
        if moving is None:
            return None
        text = f"{moving.label}: given up after {size(moving.done)}, sent anew if it is missing"
        return Line(verb=event.direction, text=text)

    def _finished(self, event: events.TransferFinished) -> Line:
        moving = self._moving.pop((event.direction, event.key), None)
        if event.direction is Direction.PUSH:
            self._tally.sent(event.size)
        label = short(event.key) if moving is None else moving.label
        rate = "" if moving is None else rate_of(event.size, self._clock() - moving.began)
        return Line(verb=event.direction, text=f"{label}  {size(event.size)}{rate}")


class _Tally:
    """What became of an image's blobs."""

    def __init__(self) -> None:
        self._counts = {"sent": 0, "there already": 0, "mounted": 0}
        self._sizes = dict(self._counts)

    def sent(self, size_: int) -> None:
        self._add("sent", size_)

    def present(self, size_: int) -> None:
        self._add("there already", size_)

    def mounted(self, size_: int) -> None:
        self._add("mounted", size_)

    def _add(self, what: str, size_: int) -> None:
        self._counts[what] += 1
        self._sizes[what] += size_

    @property
    def text(self) -> str:
        parts = [
            f"{count} {'blob' if count == 1 else 'blobs'} {what} ({size(self._sizes[what])})"
            for what, count in self._counts.items()
            if count
        ]
        if self._counts["sent"] or not parts:
            return ", ".join(parts)
        if not self._counts["mounted"]:  # a manifest that is there vouches for all below it
            return "nothing to send, all of it is there already"
        return f"nothing to send: {', '.join(parts)}"


def _retry(event: events.RetryScheduled) -> Line:
    told = short(f"{event.action}: {event.reason}")
    of = f" of {event.most}" if event.most else ""
    return Line(
        verb="retry",
        text=f"{told}; attempt {event.attempt}{of} in {event.delay:.1f} s",
        level=Level.NOTICES,
    )


def _base(event: events.BaseResolved) -> Line:
    digest = f"@{event.digest}" if event.digest and "@" not in event.name else ""
    platforms = f"  ({', '.join(event.platforms)})" if event.platforms else ""
    mirror = f" via {event.mirror}" if event.mirror else ""
    return Line(verb="base", text=f"{event.name}{digest}{platforms}{mirror}")


def rate_of(count: float, seconds: float) -> str:
    """Write bytes a second, behind a comma; nothing if the time is too short to tell."""
    return f", {size(count / seconds)}/s" if seconds >= 0.5 else ""


def short(text: str) -> str:
    """Cut digests in a label to twelve digits."""
    return _LONG_DIGEST.sub(r"\1", text)


def size(count: float) -> str:
    """Write a number of bytes for people, in decimal units: ``18.2 MB``."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.95:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} TB"
