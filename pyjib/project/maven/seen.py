"""What a working-out looks at: the disk and the environment, and a trace of every look.

All of ``project.maven`` that asks the disk for a file asks here. While a ``Trace`` listens, each
answer is written down, so that one can tell later whether all of them would be the same
(docs/adr/010-kept-projects.md). What is not there is an answer too.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from pyjib.presence import find_program as on_path

Signature = tuple[int, int, int, int]
"""A file's size, both times of its change in nanoseconds, and its inode."""

FILE, DIRECTORY, OTHER, ABSENT = "f", "d", "o", "-"
_ENVIRONMENT = "env."
_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.ELOOP, errno.ENAMETOOLONG)
_AT_ONCE = 1 << 20
_LONG_ENOUGH = 4  # characters by which a text is known again within another
# Without O_NONBLOCK, opening a pipe waits for whoever writes to it; so it is an empty file.
_TO_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_NO_NAMES = (21, 123, 1921)  # what Windows says of paths that cannot be


class Trace:
    """All looks of one working-out, each with its answer; for one thread.

    ``kinds`` tells what paths are, ``contents`` the signatures of files that were read,
    ``listings`` those of directories whose entries were, ``None`` for what is not there.
    ``programs`` are those looked for on the ``PATH``. ``variables`` are the names of the
    environment's that were asked for, or ``None`` if somebody took all of them. ``moments`` are
    the texts that were made of the present; where one ends up, the result is a new one each time.
    ``spoilt`` tells
    why the result depends on more than all this, ``None`` if it does not.
    """

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self.contents: dict[str, Signature | None] = {}
        self.listings: dict[str, Signature | None] = {}
        self.programs: dict[str, str | None] = {}
        self.variables: set[str] | None = set()
        self.moments: set[str] = set()
        self.spoilt: str | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Write down what this thread looks at meanwhile; what raises spoils the trace."""
        token = _listener.set(self)
        try:
            yield
        except BaseException as error:
            self.spoil(str(error))
            raise
        finally:
            _listener.reset(token)

    def spoil(self, reason: str) -> None:
        """Tell that the result is not to be had from these looks alone."""
        self.spoilt = self.spoilt or reason

    def watch(self, variables: Mapping[str, str]) -> Mapping[str, str]:
        """Return variables of the environment that tell who is asked for."""
        return _Watched(variables, self, prefix="")

    def ask_for(self, name: str) -> None:
        """Write down that a variable was asked for."""
        if self.variables is not None:
            self.variables.add(name)

    def take_all(self) -> None:
        """Write down that every variable matters."""
        self.variables = None

    def note(self, answers: dict[str, Any], question: str, answer: object) -> None:
        """Write an answer down; two that differ tell of a change meanwhile."""
        if answers.setdefault(question, answer) != answer:
            self.spoil(f"{question} changed meanwhile")


_listener: ContextVar[Trace | None] = ContextVar("_listener", default=None)


class _Watched(dict[str, str]):
    """A mapping whose names with ``prefix`` stand for variables of the environment."""

    def __init__(self, values: Mapping[str, str], trace: Trace, prefix: str) -> None:
        super().__init__(values)
        self.unnoticed = values
        self.trace = trace
        self._prefix = prefix

    def _note(self, name: object) -> None:
        if isinstance(name, str) and name.startswith(self._prefix):
            self.trace.ask_for(name[len(self._prefix) :])

    def get(self, name: str, default: Any = None, /) -> Any:
        if name.startswith(self._prefix):  # most that are asked for are no variables
            self._note(name)
        return dict.get(self, name, default)

    def __getitem__(self, name: str) -> str:
        self._note(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._note(name)
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self.trace.take_all()
        return super().__iter__()

    def __reversed__(self) -> Iterator[str]:
        self.trace.take_all()
        return super().__reversed__()

    def __len__(self) -> int:
        self.trace.take_all()
        return super().__len__()

    def __eq__(self, other: object) -> bool:
        self.trace.take_all()
        return super().__eq__(other)

    __hash__ = None

    def keys(self) -> Any:
        self.trace.take_all()
        return super().keys()

    def items(self) -> Any:
        self.trace.take_all()
        return super().items()

    def values(self) -> Any:
        self.trace.take_all()
        return super().values()

    def copy(self) -> dict[str, str]:
        self.trace.take_all()
        return super().copy()

    def __or__(self, other: Any) -> Any:
        self.trace.take_all()
        return super().__or__(other)


def unwatched(variables: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of variables for one who passes them on, and looks at none himself."""
    return dict(variables.unnoticed if isinstance(variables, _Watched) else variables)


def watched_like(variables: Mapping[str, str], properties: dict[str, str]) -> Mapping[str, str]:
    """Return system properties; whoever asks for ``env.NAME`` asks for one of ``variables``."""
    if isinstance(variables, _Watched):
        return _Watched(properties, variables.trace, prefix=_ENVIRONMENT)
    return properties


def absolute(path: Path) -> Path:
    """Return an absolute path without ``..``: modules are known by those that POMs come to.

    Links stay, unless there is a ``..``, which behind a link leads elsewhere.
    """
    found = path.absolute()
    return found.resolve() if ".." in found.parts else found


def is_file(path: str | Path) -> bool:
    """Tell whether a path is a file, as ``Path.is_file`` does; one of too long a name is none."""
    return _kind(path) == FILE


def is_directory(path: str | Path) -> bool:
    """Tell whether a path is a directory, as ``Path.is_dir`` does."""
    return _kind(path) == DIRECTORY


def exists(path: str | Path) -> bool:
    """Tell whether anything is at a path, as ``Path.exists`` does."""
    return _kind(path) != ABSENT


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; raises ``OSError``."""
    # By hand in a third of the time of pathlib's, for each POM.
    try:
        file = os.open(path, _TO_READ)
    except OSError:
        look(path)
        raise
    try:
        status = os.fstat(file)
        if os.name == "nt":  # where that is not always what is told of the path
            look(path)
        elif (trace := _listener.get()) is not None:
            trace.note(trace.contents, str(path), _signature(status))
        data = os.read(file, status.st_size + 1)
        if len(data) != status.st_size:  # no plain file, or it is being written
            while more := os.read(file, _AT_ONCE):
                data += more
        return data
    finally:
        os.close(file)


def tell_time(text: str) -> str:
    """Write down that a text was made of the present; return it."""
    trace = _listener.get()
    if trace is not None:
        trace.moments.add(text)
        if len(text) < _LONG_ENOUGH:
            trace.spoil(f"the time, {text}, could be anywhere")
    return text


def look(path: Path) -> None:
    """Write down which file is there, by its signature, before it is read.

    What changes afterwards has another signature then.
    """
    trace = _listener.get()
    if trace is not None:
        trace.note(trace.contents, str(path), signature(path))


def find(directory: Path, pattern: str) -> list[Path]:
    """Return what a directory holds by the names that fit a pattern, sorted."""
    trace = _listener.get()
    if trace is not None:
        trace.note(trace.listings, str(directory), signature(directory))
    return sorted(directory.glob(pattern))


def find_program(name: str, variables: Mapping[str, str]) -> Path | None:
    """Return the file that a program's name leads to, links followed; ``None`` if to nothing.

    Of the ``PATH`` among ``variables`` only what is found by it matters.
    """
    found = where_is(name, variables)
    trace = _listener.get()
    if trace is not None:
        trace.note(trace.programs, name, found)
    return None if found is None else Path(found)


def where_is(name: str, variables: Mapping[str, str]) -> str | None:
    """Return what ``find_program`` does, as text, and tell nobody."""
    if isinstance(variables, _Watched):
        variables = variables.unnoticed
    found = on_path(name, variables)
    try:
        return None if found is None else str(Path(found).resolve())
    except OSError:
        return None


def kind_of(path: str | Path) -> str:
    """Return ``FILE``, ``DIRECTORY``, ``OTHER`` or ``ABSENT``; links are followed.

    Raises ``OSError`` where the system does not tell, as below a closed directory.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - half the time of pathlib's, for each POM
    except ValueError:  # a NUL in it
        return ABSENT
    except OSError as error:
        if error.errno in _NOTHING_THERE or getattr(error, "winerror", None) in _NO_NAMES:
            return ABSENT
        raise
    if stat.S_ISREG(mode):
        return FILE
    return DIRECTORY if stat.S_ISDIR(mode) else OTHER


def signature(path: str | Path) -> Signature | None:
    """Return what changes whenever a file, or the list of a directory, may have changed.

    ``None`` if nothing is there, or nothing to be seen.
    """
    try:
        return _signature(os.stat(path))  # noqa: PTH116 - half the time of pathlib's
    except (OSError, ValueError):
        return None


def _signature(status: os.stat_result) -> Signature:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _kind(path: str | Path) -> str:
    trace = _listener.get()
    if trace is None:
        return kind_of(path)
    try:
        found = kind_of(path)
    except OSError as error:
        trace.spoil(f"{path}: {error}")
        raise
    trace.note(trace.kinds, str(path), found)
    return found
