"""A trace of looks as JSON, and whether each of them would be answered the same today."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping
from typing import Any

from pyjib.oci.json import Json
from pyjib.project.maven.seen import Signature, Trace, kind_of, signature, where_is
from pyjib.store.file_index import TICK

_KINDS = "fdo-"


def describe(trace: Trace, variables: Mapping[str, str], salt: str) -> Json:
    """Return a trace as JSON.

    Of ``variables`` only names are in it, and a digest of all values that were asked for.
    """
    names = None if trace.variables is None else sorted(trace.variables)
    return {
        "contents": [[path, *(found or ())] for path, found in trace.contents.items()],
        "listings": [[path, *(found or ())] for path, found in trace.listings.items()],
        "kinds": {
            kind: [path for path, found in trace.kinds.items() if found == kind] for kind in _KINDS
        },
        "programs": trace.programs,
        "variables": names,
        "salt": salt,
        "environment": _environment(names, variables, salt),
    }


def is_settled(trace: Trace, started: int) -> bool:
    """Tell whether all that was read had changed two seconds before ``started``, or earlier.

    A file that changed later could change once more and keep all of its signature.
    """
    found = (*trace.contents.values(), *trace.listings.values())
    return all(each is None or max(each[1], each[2]) + TICK < started for each in found)


def would_be_the_same(document: Json, variables: Mapping[str, str]) -> bool:
    """Tell whether today's answers are those of a trace; raises ``LookupError`` and the like."""
    names, salt = document["variables"], document["salt"]
    return (
        _environment(names, variables, salt) == document["environment"]
        and _are_signed(document["contents"])
        and all(_are_kind(kind, paths) for kind, paths in document["kinds"].items())
        and _are_signed(document["listings"])
        and all(where_is(name, variables) == found for name, found in document["programs"].items())
    )


def _are_signed(listed: Iterable[list[Any]]) -> bool:
    for path, *expected in listed:
        found: Signature | None = signature(path)
        if list(found or ()) != expected:
            return False
    return True


def _are_kind(kind: str, paths: Iterable[str]) -> bool:
    if kind != "f":
        return all(kind_of(path) == kind for path in paths)
    # Most of them by far; whoever raises tells that something is different.
    return all(stat.S_ISREG(os.stat(path).st_mode) for path in paths)  # noqa: PTH116


def _environment(names: list[str] | None, variables: Mapping[str, str], salt: str) -> str:
    """Return a digest of the values of some variables, or of all.

    The salt is another for each project, so that a digest says nothing to one who has others.
    """
    if os.name == "nt":  # where names are one whatever their case
        variables = {name.upper(): value for name, value in variables.items()}
        names = names and sorted({name.upper() for name in names})
    values = sorted(variables.items()) if names is None else list(map(variables.get, names))
    text = json.dumps([salt, values])
    return hashlib.blake2b(text.encode(), digest_size=32).hexdigest()
