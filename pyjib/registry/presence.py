"""Whether files are there, for those that are looked for in case they are."""

from __future__ import annotations

from pathlib import Path


def is_there(path: Path) -> bool:
    """Tell whether a path leads to a file; one that may not be looked at is as good as absent.

    In containers the home directory is often another user's, and closed to who runs there.
    """
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Tell the same of a directory."""
    try:
        return path.is_dir()
    except OSError:
        return False
