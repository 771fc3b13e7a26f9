"""A live view for terminals: lines as ever, and below them a bar for all that is under way.

Nothing of the bars is left at the end. rich is imported here only, and this only where it is
shown.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from types import TracebackType
from typing import IO, Any, Self, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from pyjib import events
from pyjib.cli.messages import drop, visible
from pyjib.cli.render import VERB, Clock, Level, Line, Narrator, rate_of, short, size, styled
from pyjib.events import Direction, Event

_SHOW_CURSOR = b"\x1b[?25h\n"
_BAR = 24


class LiveView:
    """An output that is drawn anew ten times a second."""

    def __init__(self, *, forced: bool = False, clock: Clock = time.monotonic) -> None:
        self._narrator = Narrator(brief=True, clock=clock)
        self._lock = threading.RLock()
        self._moving: dict[tuple[Direction, str], TaskID] = {}
        self._packing: dict[str, list[TaskID]] = {}
        self._console = Console(
            stderr=True,
            file=cast(IO[str], _Forgiving(sys.stderr)) if sys.stderr is not None else None,
            highlight=False,
            force_terminal=forced or None,
        )
        # Where the terminal is narrow it is the bar that gives way, and no row becomes two.
        self._progress = Progress(
            TextColumn(f"{{task.fields[verb]:{VERB}}}", markup=False, table_column=_whole()),
            TextColumn("{task.description}", markup=False, table_column=_whole()),
            BarColumn(bar_width=None, table_column=Column(max_width=_BAR)),
            _Amount(table_column=_whole()),
            console=self._console,
            get_time=clock,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Move the bars, and print the line that an event is worth, if any."""
        with self._lock:
            self._move(event)
            line = self._narrator.line_of(event)
            if line is not None:
                self.show(line)

    def show(self, line: Line) -> None:
        """Print a line above the bars."""
        if line.level <= Level.PROGRESS:
            for text in styled(line):
                self._console.print(Text.from_ansi(text), soft_wrap=True)

    def abandon(self) -> None:
        """Show the cursor again, past all locks."""
        try:
            os.write(sys.stderr.fileno(), _SHOW_CURSOR)
        except (OSError, ValueError):
            return

    def _move(self, event: Event) -> None:
        match event:
            case events.LayerPacking():
                task = self._add("pack", event.name, None, f"{size(event.size)} in files")
                self._packing.setdefault(event.name, []).append(task)
            case events.LayerPacked() if self._packing.get(event.name):
                self._remove(self._packing[event.name].pop(0))
            case events.TransferStarted():
                self._finish(event.direction, event.key)
                verb, label = event.direction.value, short(event.label)
                total = event.about if event.total is None else event.total
                task = self._add(verb, label, total, is_exact=event.total is not None)
                self._moving[event.direction, event.key] = task
            case events.TransferNamed():
                moving = self._moving.get((event.direction, event.key))
                if moving is not None:
                    label = visible(short(event.label))
                    self._progress.update(
                        moving, description=label, total=event.total, is_exact=True
                    )
            case events.TransferProgress():
                moving = self._moving.get((event.direction, event.key))
                if moving is not None:
                    self._progress.update(moving, completed=event.done)
            case events.TransferFinished() | events.TransferAbandoned():
                self._finish(event.direction, event.key)

    def _add(
        self, verb: str, label: str, total: int | None, note: str = "", *, is_exact: bool = True
    ) -> TaskID:
        return self._progress.add_task(
            visible(label), total=total, verb=verb, note=note, is_exact=is_exact
        )

    def _finish(self, direction: Direction, key: str) -> None:
        task = self._moving.pop((direction, key), None)
        if task is not None:
            self._remove(task)

    def _remove(self, task: TaskID) -> None:
        self._progress.remove_task(task)
        self._progress.refresh()


def _whole() -> Column:
    return Column(no_wrap=True)


class _Forgiving:
    """A stream whose reader may go away: a build outlives its terminal, as ``tell`` does."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            drop(self._stream)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            drop(self._stream)


class _Amount(ProgressColumn):
    """Bytes done of all, and how many a second since it began; what is not known is left out.

    Not what rich takes for the speed: that forgets the past where a total becomes known.
    """

    def render(self, task: Task) -> Text:
        if task.fields["note"]:
            return Text(task.fields["note"])
        about = "" if task.fields["is_exact"] else "about "
        of = "" if task.total is None else f" of {about}{size(task.total)}"
        rate = rate_of(task.completed, task.elapsed or 0)
        return Text(f"{size(task.completed)}{of}{rate}")
