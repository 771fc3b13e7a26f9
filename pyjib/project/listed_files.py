"""Files that the caller lists instead of naming a project (``BuildOptions.layers``)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.options import ListedCopy, ListedLayer
from pyjib.presence import is_file, is_folder
from pyjib.project.model import DiskFile, ProjectFile
from pyjib.project.walk import walk_files


def read_listed(layers: Iterable[ListedLayer]) -> dict[ListedCopy, tuple[ProjectFile, ...]]:
    """Return what is at the source of each copy.

    For a file that is the file, under its own name; for a directory all that is in it, by path
    below it, after the directory itself, whose path is empty. Raises ``ProjectError`` for a
    source that is neither.
    """
    return {copy: _read(copy.source) for layer in layers for copy in layer.copies}


def _read(source: Path) -> tuple[ProjectFile, ...]:
    if is_file(source):
        return (ProjectFile(path=source.name, source=DiskFile(source)),)
    if not is_folder(source):
        raise ProjectError(
            f"Cannot create FileLayers from non-file, non-directory: {source}",
            hint="correct src; relative paths start from the context, the directory that is built",
        )
    return (ProjectFile(path=""), *walk_files(source))
