"""A class path in a text file, as a build tool prints it: ``--classpath-file``.

``mvn dependency:build-classpath -Dmdep.outputFile=FILE`` writes one line, divided by ``:`` or,
on Windows, ``;``; one entry a line will do as well. ``classpath.json`` is understood too
(``class_path_file``). Specification: ``maven-and-gradle-projects`` §9.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterator
from pathlib import Path

from pyjib.errors import DependencyError, ProjectError
from pyjib.presence import is_file, is_folder
from pyjib.project.build_libraries import Libraries
from pyjib.project.build_output import first_newer, stale
from pyjib.project.class_path_file import read_class_path_file
from pyjib.project.libraries import library
from pyjib.project.model import (
    PROJECT_DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    Dependency,
)

COMMAND = "mvn package dependency:build-classpath -DincludeScope=runtime -Dmdep.outputFile="
_DRIVE = re.compile(r"[A-Za-z]")
_LARGEST = 16 << 20


def read_class_path_list(
    path: Path,
    root: Path,
    *,
    own: Container[Path] = (),
    modules: Container[Path] = (),
    build_files: tuple[Path, ...] = (),
) -> Libraries:
    """Read the class path of the project at ``root`` from the file that the user names.

    ``own`` are directories of the project's own code, passed over if they are listed;
    ``modules`` are files of other projects of the same build. Such is also what lies in the
    ``target`` of another Maven project; snapshots are told by their names. Where one of
    ``build_files`` is newer there is a warning. Raises ``ProjectError`` for a file that cannot be
    read, ``DependencyError`` for an entry that is not there or is a directory.
    """
    data = _read(path)
    if data.lstrip().startswith(b"{"):
        listed = read_class_path_file(path, root)
        dependencies, main_class = listed.dependencies, listed.main_class
    else:
        entries = split_class_path(data.decode("utf-8", errors="replace"))
        files = [root / entry for entry in entries]
        dependencies = tuple(
            _dependency(path, file, modules) for file in dict.fromkeys(files) if file not in own
        )
        main_class = None
    newer = first_newer(build_files, path)
    return Libraries(
        dependencies=dependencies,
        main_class=main_class,
        detail=f"class path from {path}",
        warnings=stale(newer, path, f"{COMMAND}{path}"),
    )


def split_class_path(text: str, *, windows: bool = os.name == "nt") -> tuple[str, ...]:
    """Return the entries of a class path, whatever divides them.

    On ``windows`` a letter before a colon is a drive's.
    """
    lines = (line.strip().strip('"') for line in text.lstrip("\ufeff").splitlines())
    return tuple(entry for line in lines for entry in _split(line, windows) if entry)


def _split(line: str, windows: bool) -> Iterator[str]:
    if ";" in line or not (windows and _DRIVE.match(line) and line[1:2] == ":"):
        yield from (part.strip() for part in re.split(";" if ";" in line else ":", line))
        return
    drive = ""
    for part in line.split(":"):
        if len(part) == 1 and not drive:
            drive = f"{part}:"
        else:
            yield drive + part.strip()
            drive = ""


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise ProjectError(
            f"cannot read the class path from {path}: {error.strerror or error}",
            hint=f"write it with: {COMMAND}{path}",
        ) from None
    if len(data) > _LARGEST or b"\0" in data:
        raise ProjectError(
            f"cannot read the class path from {path}: it is no list of files",
            hint=f"write it with: {COMMAND}{path}",
        )
    return data


def _dependency(path: Path, file: Path, modules: Container[Path]) -> Dependency:
    if is_folder(file):
        raise DependencyError(
            f"{path} has the directory {file}, and an image takes only files from a class path",
            hint=f"it was written before that module was packaged; write it again with: {COMMAND}"
            f"{path}",
        )
    if not is_file(file):
        raise DependencyError(
            f"{path} has {str(file)[:500]}, and there is no such file",
            hint=f"write it again with: {COMMAND}{path}",
        )
    found = library(file)
    group = found.group
    if file in modules or _lies_in_target(file):
        group = PROJECT_DEPENDENCIES
    elif file.parent.name.endswith("-SNAPSHOT"):
        group = SNAPSHOT_DEPENDENCIES
    return Dependency(name=found.name, source=found.source, group=group)


def _lies_in_target(file: Path) -> bool:
    return any(
        directory.name == "target" and (directory.parent / "pom.xml").is_file()
        for directory in file.parents
    )
