"""The kept value as JSON, and back: values of few known classes, and nothing that runs.

A value is itself if JSON has it; a tuple is a list, a path ``{"/": TEXT}``, a mapping
``{"=": {…}}``, and a value of a known class ``{NAME: {FIELD: …}}``, fields as by default left out.
What is read back is of the types that the classes' annotations say, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.jib.configuration import (
    JibConfiguration,
    JibDirectory,
    JibExtension,
    JibHelper,
    JibOutputPaths,
    JibPermission,
    JibPlatform,
)
from pyjib.project.maven.model import EffectiveModel, Execution, Node, Plugin
from pyjib.project.maven.worked_out import ClassPath
from pyjib.project.model import Dependency, DiskFile


@frozen
class KeptProject:
    """A worked-out project as ``maven_choice.Found`` tells of it, but for what has to be asked.

    ``servers`` are ids. ``class_path`` and ``module_files`` are ``None`` if nobody had asked for
    them.
    """

    path: Path
    model: EffectiveModel
    configuration: JibConfiguration | None = None
    servers: tuple[str, ...] = ()
    own_file: Path | None = None
    warnings: tuple[Warned, ...] = ()
    class_path: ClassPath | None = None
    module_files: tuple[Path, ...] | None = None


_PATH, _MAPPING = "/", "="
# JibAuth is not among them: a login is not to be written.
_CLASSES: Mapping[str, Any] = MappingProxyType(
    {
        known.__name__: known
        for known in (
            ClassPath,
            Dependency,
            DiskFile,
            EffectiveModel,
            Execution,
            JibConfiguration,
            JibDirectory,
            JibExtension,
            JibHelper,
            JibOutputPaths,
            JibPermission,
            JibPlatform,
            KeptProject,
            Node,
            Plugin,
            Warned,
        )
    }
)
_KINDS: Mapping[str, Any] = {"str": str, "bool": bool, "Path": Path, "FileSource": DiskFile}
_SUFFIX, _TUPLE, _ALL = " | None", "tuple[", ", ...]"


class NotKeepableError(Exception):
    """A value is of no class that may be kept."""


def encode(value: Any) -> Any:
    """Return what JSON can write; raises ``NotKeepableError`` for what is not to be kept."""
    if value is None or type(value) in (bool, int, str):
        return value
    if isinstance(value, tuple):
        return [encode(member) for member in value]
    if isinstance(value, Path):
        return {_PATH: str(value)}
    known: Any = type(value)
    name = known.__name__
    if _CLASSES.get(name) is not known:
        if isinstance(value, Mapping):
            return {_MAPPING: {str(name): encode(member) for name, member in value.items()}}
        raise NotKeepableError(name)
    told = ((field, getattr(value, field), default) for field, default in _fields(known))
    return {name: {field: encode(member) for field, member, default in told if member != default}}


def decode(document: Any) -> Any:
    """Return the value again; raises ``ValueError``, ``TypeError`` and the like for others."""
    if isinstance(document, list):
        return tuple([decode(member) for member in document])
    if not isinstance(document, dict):
        return document
    ((name, member),) = document.items()
    if name == _PATH:
        if "\0" in member:
            raise ValueError("no path")
        return Path(member)
    members = {field: decode(value) for field, value in member.items()}
    if name == _MAPPING:
        return MappingProxyType(members)
    known = _CLASSES[name]
    fits = _checks(known)
    if not all(fits[field](value) for field, value in members.items()):
        raise ValueError(f"no {name}")
    return known(**members)


@cache
def _fields(known: Any) -> tuple[tuple[str, object], ...]:
    """Return the fields of a class with their defaults, none of which can change."""
    return tuple(
        (
            each.name,
            each.default if each.default_factory is MISSING else each.default_factory(),
        )
        for each in fields(known)
    )


@cache
def _checks(known: Any) -> dict[str, Callable[[Any], bool]]:
    """Return what tells for each field of a class whether a value is of its type."""
    return {each.name: _check(str(each.type)) for each in fields(known)}


@cache
def _check(annotation: str) -> Callable[[Any], bool]:
    """Return what tells whether a value is of a type, by its name as annotations have it.

    Of a class that is not known nothing is.
    """
    plain = annotation.removesuffix(_SUFFIX)
    if plain != annotation:
        fits = _check(plain)
        return lambda value: value is None or fits(value)
    if plain == "Pairs":
        return _are_pairs
    if plain == "Mapping[str, str]":
        return lambda value: isinstance(value, MappingProxyType) and _are_texts(value.values())
    if plain.startswith(_TUPLE) and plain.endswith(_ALL):
        fits = _check(plain[len(_TUPLE) : -len(_ALL)])
        return lambda value: isinstance(value, tuple) and all(map(fits, value))
    kind = _KINDS.get(plain) or _CLASSES.get(plain, ())
    return lambda value: isinstance(value, kind)


def _are_pairs(value: Any) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(pair, tuple) and len(pair) == 2 and _are_texts(pair) for pair in value
    )


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
