"""Files that arrive in Maven's local repository whole or not at all.

Maven shares the directories: it looks for files there by their names alone, and none of these is
the name of a partial file. Two processes may write the same file at once: the one that comes last
wins with the same bytes. What a killed one left is removed by the next that writes into the
directory.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyjib.files import Partial, remove_abandoned


@contextmanager
def arriving(target: Path) -> Iterator[Partial]:
    """Make a file on its way to ``target``, and the directories that it needs.

    Unless it arrived, nothing is left: not the directories either. Raises ``OSError``.
    """
    made = _make(target.parent)
    arrived = False
    try:
        remove_abandoned(target.parent)
        with Partial(target) as partial:
            yield partial
            arrived = partial.arrived
    finally:
        for directory in () if arrived else made:
            with contextlib.suppress(OSError):  # somebody else uses it
                directory.rmdir()


def keep_text(path: Path, text: str) -> None:
    """Write a small file, whole or not at all."""
    with arriving(path) as partial:
        partial.file.write(text.encode())
        partial.arrive(durable=False)


def copy_as(source: Path, target: Path) -> None:
    """Copy a file with its time of change, by which Maven tells that the copy is the same."""
    with arriving(target) as partial, source.open("rb") as file:
        shutil.copyfileobj(file, partial.file)
        partial.arrive(durable=False)
    status = source.stat()
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _make(directory: Path) -> list[Path]:
    """Make a directory, and return what was missing, the innermost first."""
    missing = []
    while not directory.is_dir():
        missing.append(directory)
        directory = directory.parent
    if missing:
        missing[0].mkdir(parents=True, exist_ok=True)
    return missing
