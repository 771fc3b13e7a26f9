"""Which code worked a project out: text that changes by itself when the code does."""

from __future__ import annotations

import hashlib
import os
import sys
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
_MODULES = (".py", ".pyc", ".so", ".pyd")
_ROOMS = ("", "jib", "maven_kept", "oci", "project", "project/maven")
"""Where the code is that a kept project depends on."""


@cache
def code_version() -> str:
    """Return a digest of names, sizes and times of change of the modules, and of both versions.

    Nobody who works on the code needs to think of it. Where the modules are no files, as in an
    archive, it is that of the file or directory that is there. Where images are made with all
    times the same, pyjib's own version tells releases apart whose modules are of one size.
    """
    from pyjib import __version__  # noqa: PLC0415 - this is imported before it is known

    facts: list[tuple[str, int, int]] = []
    for room in _ROOMS:
        try:
            with os.scandir(_PACKAGE / room) as entries:
                modules = sorted(
                    (entry for entry in entries if entry.name.endswith(_MODULES)),
                    key=lambda entry: entry.name,
                )
                facts += [_facts(entry.path, entry.stat()) for entry in modules]
        except OSError:
            there = next(path for path in _PACKAGE.parents if path.exists())
            facts.append(_facts(str(there), there.stat()))
    text = repr((__version__, sys.version, facts))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _facts(path: str, status: os.stat_result) -> tuple[str, int, int]:
    return path, status.st_size, status.st_mtime_ns
