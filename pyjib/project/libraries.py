"""Libraries: which group one belongs to, and where a manifest's ``Class-Path`` leads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

from pyjib.errors import DependencyError
from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.presence import is_file, is_folder
from pyjib.project.model import DEPENDENCIES, SNAPSHOT_DEPENDENCIES, Dependency, DiskFile

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # one letter is a drive of Windows
_DRIVE = re.compile(r"/([A-Za-z])[:|](?=/|$)")
_TIMESTAMPED = re.compile(r"-\d{8}\.\d{6}-\d+(-[\w.]+)?\.jar$")


def group_of(name: str) -> str:
    """Return the group of a library by its file name: snapshots change, releases do not.

    Jib looks for ``SNAPSHOT``; downloaded snapshots may have a time stamp in its place.
    """
    if "SNAPSHOT" in name or _TIMESTAMPED.search(name):
        return SNAPSHOT_DEPENDENCIES
    return DEPENDENCIES


def library(path: Path) -> Dependency:
    """Return the jar at ``path`` as a dependency."""
    return Dependency(name=path.name, source=DiskFile(path), group=group_of(path.name))


@frozen
class ClassPath:
    """What a ``Class-Path`` leads to: jars, each once, and directories as they are written."""

    jars: tuple[Path, ...] = ()
    directories: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """Say that directories stay outside: they may be anything, the whole disk too."""
        if not self.directories:
            return ()
        names = " ".join(self.directories)
        return (
            Warned(
                message=f"the manifest's Class-Path names directories, which are left out: {names}",
                hint="add one with --extra-dir and --extra-classpath if it is needed",
            ),
        )


def resolve_class_path(jar: Path, entries: Iterable[str]) -> ClassPath:
    """Find what ``Class-Path`` in the manifest of ``jar`` names, by URLs relative to the jar.

    They are the user's own files, so they may lie anywhere. Raises ``DependencyError`` for
    one that is not there, or is not on this disk.
    """
    jars: dict[Path, None] = {}
    directories = []
    for entry in entries:
        path = _local_path(jar, entry)
        if entry.endswith("/") or is_folder(path):
            directories.append(entry)
        elif is_file(path):
            jars[path] = None
        else:
            raise DependencyError(
                f"{jar} needs {entry[:500]}, and there is no file {str(path)[:500]}",
                hint="put the libraries where the Class-Path in its manifest says, or build a "
                "jar that holds them",
            )
    return ClassPath(jars=tuple(jars), directories=tuple(directories))


def _local_path(jar: Path, entry: str) -> Path:
    scheme = _SCHEME.match(entry)
    if scheme is None:
        return jar.parent / unquote(entry)
    path = path_of_file_url(entry[scheme.end() :]) if scheme[1].lower() == "file" else None
    if path is None:
        raise DependencyError(
            f"{jar} needs {entry}, which is not a file on this disk",
            hint="download it and build a jar whose Class-Path names the file",
        )
    return Path(path)


def path_of_file_url(rest: str, *, windows: bool = os.name == "nt") -> str | None:
    """Return the path in what follows ``file:``, ``None`` if another machine is named.

    On ``windows``, ``/C:/libs`` and the older ``/C|/libs`` are on a drive.
    """
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host not in ("", "localhost"):
            return None
        rest = slash + path
    path = unquote(rest)
    return _DRIVE.sub(r"\1:", path, count=1) if windows and _DRIVE.match(path) else path
