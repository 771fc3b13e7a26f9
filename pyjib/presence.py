"""Whether files and programs are there, for those that are looked for in case they are.

What may not be looked at is as good as absent, and so is what has a name that no file can have:
in containers the home directory is often another user's, and closed to who runs there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def is_file(path: Path) -> bool:
    """Tell whether a path leads to a file, by links too; raises nothing, unlike ``Path``."""
    return os.path.isfile(path)  # noqa: PTH113  for that reason


def is_folder(path: Path) -> bool:
    """Tell the same of a directory."""
    return os.path.isdir(path)  # noqa: PTH112  as above


def find_program(name: str, variables: Mapping[str, str]) -> str | None:
    """Return the path of a program that is on the ``PATH``, ``None`` if there is none.

    Never one in the working directory, where Windows looks before all else, and where a project
    from anywhere may have one: only the whole paths in ``PATH`` count.
    """
    endings = _endings(name, variables)
    folders = map(Path, (variables.get("PATH") or "").split(os.pathsep))
    for folder in filter(Path.is_absolute, folders):
        for ending in endings:
            path = folder / f"{name}{ending}"
            if is_file(path) and os.access(path, os.X_OK):
                return str(path)
    return None


def _endings(name: str, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return what may follow the name of a program in that of its file."""
    if sys.platform == "win32":
        endings = tuple((variables.get("PATHEXT") or ".COM;.EXE;.BAT;.CMD").split(";"))
        has_one = any(name.upper().endswith(ending.upper()) for ending in endings if ending)
        return ("", *endings) if has_one else endings
    else:  # noqa: RET505  mypy follows one branch for each system
        return ("",)
