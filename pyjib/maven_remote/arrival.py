"""Files that appear whole: written under a temporary name beside their own, then renamed.

Two processes may write the same file at once: each has a temporary name of its own, and the one
that comes last wins with the same bytes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self


class Arrival:
    """A file on its way: a context that leaves nothing behind unless ``accept`` was called.

    Directories that it had to make go too.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._made: list[Path] = []
        self._accepted = False
        self.path = target
        self.file: BinaryIO

    def __enter__(self) -> Self:
        self._make(self._target.parent)
        self.path = self._target.with_name(f".pyjib-{secrets.token_hex(8)}.tmp")
        self.file = self.path.open("x+b")
        return self

    def accept(self) -> None:
        """Let the file have its name when the context ends."""
        self._accepted = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.file.close()
        if self._accepted and kind is None:
            self.path.replace(self._target)
            return
        with contextlib.suppress(OSError):
            self.path.unlink()
        for directory in self._made:
            with contextlib.suppress(OSError):  # somebody else uses it
                directory.rmdir()

    def _make(self, directory: Path) -> None:
        missing = []
        while not directory.is_dir():
            missing.append(directory)
            directory = directory.parent
        if missing:
            missing[0].mkdir(parents=True, exist_ok=True)
        self._made = missing


def keep_text(path: Path, text: str) -> None:
    """Write a small file, whole or not at all."""
    with Arrival(path) as arrival:
        arrival.file.write(text.encode())
        arrival.accept()


def copy_as(source: Path, target: Path) -> None:
    """Copy a file with its time of change, by which Maven tells that the copy is the same."""
    with Arrival(target) as arrival:
        with source.open("rb") as file:
            shutil.copyfileobj(file, arrival.file)
        arrival.file.close()
        status = source.stat()
        os.utime(arrival.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        arrival.accept()
