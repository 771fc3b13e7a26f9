"""Walking a directory: every file and directory below it, in an order that never varies."""

from __future__ import annotations

import os
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.project.model import DiskFile, ProjectFile, by_path


def walk_files(root: Path) -> tuple[ProjectFile, ...]:
    """Return everything below ``root``, which itself is left out, sorted by path.

    Paths are relative and have forward slashes; a directory comes before what it holds. A
    symbolic link to a file stands for the file. One to a directory, which may lead anywhere
    and back again, becomes an empty directory, as in Jib. One that leads nowhere is listed as a
    file, so that only those who want it fail, by the ``ProjectError`` of its source.

    Raises ``ProjectError`` if a directory cannot be listed or a name is not Unicode.
    """
    found: list[ProjectFile] = []
    waiting = [(root, "")]
    while waiting:
        directory, prefix = waiting.pop()
        for entry in _list(directory):
            path = prefix + _unicode_name(entry)
            if not _is_directory(entry):
                found.append(ProjectFile(path=path, source=DiskFile(directory / entry.name)))
                continue
            found.append(ProjectFile(path=path))
            if not _is_link(entry):
                waiting.append((directory / entry.name, f"{path}/"))
    return by_path(found)


def _list(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError as error:
        raise ProjectError(
            f"cannot list {directory}: {error.strerror or error}",
            hint="make the directory readable for the user who runs pyjib",
        ) from None


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()  # asks the system about links alone
    except OSError:  # a link that leads back to itself
        return False


def _is_link(entry: os.DirEntry[str]) -> bool:
    # Windows' junctions are links too, and Python tells so from 3.12 on.
    is_junction = getattr(entry, "is_junction", None)
    return entry.is_symlink() or bool(is_junction and is_junction())


def _unicode_name(entry: os.DirEntry[str]) -> str:
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        raise ProjectError(
            f"the file name {entry.name!r} in {Path(entry.path).parent} is not valid UTF-8",
            hint="rename the file: a Java class path cannot name it",
        ) from None
    return entry.name
