"""Names of repositories that can be kept as directories."""

from __future__ import annotations

import os

from pyjib.oci.layout import INDEX_FILE, LAYOUT_FILE
from pyjib.oci.reference import is_repository

_LAYOUT_FILES = frozenset({"blobs", INDEX_FILE, LAYOUT_FILE})
_DEVICES = frozenset(
    {"aux", "con", "nul", "prn"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)}
)


def is_name(text: str) -> bool:
    """Tell whether text names a repository here.

    A component that is also a file of an image layout would put one repository into another;
    so would none in memory, but names should not depend on where a registry keeps its data.
    """
    return is_repository(text) and not any(_is_taken(part) for part in text.split("/"))


def _is_taken(component: str) -> bool:
    if component in _LAYOUT_FILES:
        return True
    return os.name == "nt" and component.partition(".")[0] in _DEVICES
