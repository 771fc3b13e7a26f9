"""Files that transformations of the plan bring in from the build's directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.options import Transformation, UseNativeImage, UseQuarkusTree
from pyjib.presence import is_file, is_folder
from pyjib.project.model import DiskFile, ProjectFile, by_path, unreadable


def read_transformation_files(
    steps: Sequence[Transformation],
) -> dict[Transformation, tuple[ProjectFile, ...]]:
    """Return what is there for each step, by paths below the build's directory.

    A file that is missing is left out; a directory that is missing raises ``ProjectError``.
    """
    found: dict[Transformation, tuple[ProjectFile, ...]] = {}
    for step in steps:
        if isinstance(step, UseNativeImage):
            found[step] = _file(step.executable, step.executable.parent)
        elif isinstance(step, UseQuarkusTree):
            files = list(_file(step.runner, step.build_directory))
            for directory in step.directories if files else ():
                files += _listed(directory, step.build_directory)
            found[step] = by_path(files)
    return found


def _file(path: Path, root: Path) -> tuple[ProjectFile, ...]:
    if not is_file(path):
        return ()
    return (ProjectFile(path=path.relative_to(root).as_posix(), source=DiskFile(path)),)


def _listed(directory: Path, root: Path) -> list[ProjectFile]:
    """List a directory without what is in its subdirectories."""
    if not is_folder(directory):
        raise ProjectError(
            f"there is no directory {directory}, which Quarkus makes",
            hint="build it first: mvn package",
        )
    try:
        entries = sorted(directory.iterdir())
    except OSError as error:
        raise unreadable(directory, error) from None
    return [
        ProjectFile(
            path=entry.relative_to(root).as_posix(),
            source=None if is_folder(entry) else DiskFile(entry),
        )
        for entry in entries
    ]
