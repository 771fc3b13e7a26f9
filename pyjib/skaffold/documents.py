"""The three documents, and the lines around them by which Skaffold finds them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pyjib.oci.json import Json, dump_names

_MARKER = "BEGIN JIB JSON"
SYNC_MARKER = f"{_MARKER}: SYNCMAP/1"


def announce(document: Json, marker: str = _MARKER) -> str:
    """Return an empty line, the marker's and the document's, without the last line's end."""
    return f"\n{marker}\n{dump_names(document)}"


def files_document(build: Iterable[str], inputs: Iterable[str], ignore: Iterable[str]) -> Json:
    """Return what to watch: files on which the build hangs, what goes into it, what does not."""
    return {"build": list(build), "inputs": list(inputs), "ignore": list(ignore)}


def path_list(files: Json) -> list[str]:
    """Return the files of ``files_document`` that are there, each once.

    That is what a custom builder's ``dependencies.command`` is to print: Skaffold fails for one
    that is not there, and knows no exceptions.
    """
    ignored = frozenset(files["ignore"])
    named = dict.fromkeys((*files["build"], *files["inputs"]))
    return [path for path in named if path not in ignored and Path(path).exists()]


def init_document(image: str | None, project: str | None) -> Json:
    """Return what a module is called, and its image; what is ``None`` is left out."""
    members = {"image": image, "project": project}
    return {name: value for name, value in members.items() if value is not None}


def sync_document(generated: Iterable[tuple[str, str]], direct: Iterable[tuple[str, str]]) -> Json:
    """Return which files go where in a container: those of a build, and those that lie ready."""
    return {
        "generated": [{"src": source, "dest": target} for source, target in generated],
        "direct": [{"src": source, "dest": target} for source, target in direct],
    }
