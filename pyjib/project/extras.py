"""Extra directories: files that go into the image beside the application."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pyjib.errors import ConfigurationError
from pyjib.options import ExtraDirectory
from pyjib.project.model import ProjectFile
from pyjib.project.walk import walk_files

DEFAULT_EXTRA = Path("src", "main", "jib")


def read_extras(
    directories: Sequence[ExtraDirectory], path: Path
) -> tuple[tuple[ExtraDirectory, tuple[ProjectFile, ...]], ...]:
    """Return the directories that exist, each with all that is in it.

    Without ``directories``, ``src/main/jib`` below ``path``, where the caller said the project
    lies, is taken if it is there, as Jib does; an archive has none. A missing directory raises
    ``ConfigurationError``, but for one whose path ends in ``src/main/jib``, which is left out.
    Includes and excludes are the plan's to apply.
    """
    chosen = directories or (ExtraDirectory(source=path / DEFAULT_EXTRA),)
    return tuple(
        (directory, walk_files(directory.source)) for directory in chosen if _is_there(directory)
    )


def _is_there(directory: ExtraDirectory) -> bool:
    # os.path answers False where pathlib may raise: a parent that nobody may enter, say.
    if os.path.isdir(directory.source):  # noqa: PTH112
        return True
    exists = os.path.lexists(directory.source)
    if not exists and directory.source.parts[-3:] == DEFAULT_EXTRA.parts:
        return False
    reason = "is not a directory" if exists else "does not exist"
    raise ConfigurationError(
        f"the extra directory {directory.source} {reason}",
        hint="name an existing directory with --extra-dir, or leave it out",
    )
