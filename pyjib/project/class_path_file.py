"""``classpath.json``: the class path as the build tool itself knows it.

A task of the build (or another tool) writes ``build/pyjib/classpath.json`` or
``target/pyjib/classpath.json``, UTF-8, one object::

    {"format": 1, "name": "app", "javaMajor": 17, "mainClass": "com.example.Main",
     "classesDirs": ["build/classes/java/main"], "resourcesDir": "build/resources/main",
     "war": null,
     "entries": [{"file": "/…/a-1.0.jar", "kind": "module", "id": "g:a:1.0", "size": 1234}]}

``entries`` are in the order of the class path; ``kind`` is ``project`` (of the same build),
``module`` (of a repository) or ``file``. Relative paths begin at the project's directory. All
but ``format`` and ``entries`` may be missing; other keys are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pyjib.errors import DependencyError, ProjectError
from pyjib.frozen import frozen
from pyjib.presence import is_file, is_folder
from pyjib.project.libraries import group_of
from pyjib.project.model import (
    PROJECT_DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    Dependency,
    DiskFile,
)

_FORMAT = 1


@frozen
class ClassPathFile:
    """What the file says; directories are ``None`` where it leaves them to convention."""

    path: Path
    dependencies: tuple[Dependency, ...]
    name: str | None = None
    java_version: int | None = None
    main_class: str | None = None
    classes: tuple[Path, ...] | None = None
    resources: Path | None = None
    war: Path | None = None


def read_class_path_file(path: Path, root: Path) -> ClassPathFile:
    """Read ``classpath.json`` of the project at ``root``.

    Raises ``ProjectError`` if it is malformed, ``DependencyError`` if one of its files is
    missing or has another size than it states.
    """
    document = _Document(path, _load(path))
    if document.get("format", int) != _FORMAT:
        raise document.error(f"format is not {_FORMAT}")
    classes = document.get("classesDirs", list)
    resources = document.get("resourcesDir", str)
    war = document.get("war", str)
    return ClassPathFile(
        path=path,
        dependencies=tuple(
            _dependency(document, entry, root) for entry in document.get("entries", list) or ()
        ),
        name=document.get("name", str),
        java_version=document.get("javaMajor", int),
        main_class=document.get("mainClass", str),
        classes=None if classes is None else _existing(root, classes),
        resources=next(iter(_existing(root, [resources] if resources else [])), None),
        war=root / war if war else None,
    )


def _existing(root: Path, names: Iterable[object]) -> tuple[Path, ...]:
    """Return the directories that are there: builds name some that nothing was written to."""
    paths = (root / str(name) for name in names)
    return tuple(path for path in paths if is_folder(path))


class _Document:
    """A JSON object of that file, read strictly."""

    def __init__(self, path: Path, content: Mapping[str, Any]) -> None:
        self._path = path
        self._content = content

    def get(self, key: str, kind: type[Any]) -> Any:
        """Return a value of that type; ``None`` where it is missing or null."""
        value = self._content.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise self.error(f"{key} is not of type {kind.__name__}")
        return value

    def entry(self, content: object) -> _Document:
        if not isinstance(content, dict):
            raise self.error("an entry is not an object")
        return _Document(self._path, content)

    def error(self, reason: str) -> ProjectError:
        return ProjectError(
            f"cannot read {self._path}: {reason}",
            hint="write it again with the build's task, or delete it",
        )


def _load(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise _Document(path, {}).error(f"it is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise _Document(path, {}).error("it is not a JSON object")
    return content


def _dependency(document: _Document, content: object, root: Path) -> Dependency:
    entry = document.entry(content)
    name = entry.get("file", str)
    if not name:
        raise document.error("an entry has no file")
    path = root / name
    if not is_file(path):
        raise DependencyError(
            f"the class path has {name[:500]}, and there is no such file",
            hint="run the build's task that writes classpath.json again",
        )
    source = DiskFile(path)
    size = entry.get("size", int)
    if size is not None and size != source.size:
        raise DependencyError(
            f"{path} has {source.size} bytes, and the class path expects {size}",
            hint="run the build's task that writes classpath.json again",
        )
    return Dependency(name=path.name, source=source, group=_group(entry, path.name))


def _group(entry: _Document, name: str) -> str:
    if entry.get("kind", str) == "project":
        return PROJECT_DEPENDENCIES
    identifier = entry.get("id", str) or ""
    return SNAPSHOT_DEPENDENCIES if identifier.endswith("-SNAPSHOT") else group_of(name)
