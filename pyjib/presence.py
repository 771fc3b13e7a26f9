"""Whether files are there, for those that are looked for in case they are.

What may not be looked at is as good as absent, and so is what has a name that no file can have:
in containers the home directory is often another user's, and closed to who runs there.
"""

from __future__ import annotations

import os
from pathlib import Path


def is_file(path: Path) -> bool:
    """Tell whether a path leads to a file, by links too; raises nothing, unlike ``Path``."""
    return os.path.isfile(path)  # noqa: PTH113  for that reason


def is_folder(path: Path) -> bool:
    """Tell the same of a directory."""
    return os.path.isdir(path)  # noqa: PTH112  as above
