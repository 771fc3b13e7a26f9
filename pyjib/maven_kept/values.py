"""The kept value as JSON, and back: values of few known classes, and nothing that runs.

A value is itself if JSON has it; a tuple is a list, a path ``{"/": TEXT}``, a mapping
``{"=": {…}}``, and a value of a known class ``{NAME: {FIELD: …}}``, fields as by default left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pyjib.events import Warned
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
            Node,
            Plugin,
            Warned,
        )
    }
)


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
    """Return the value again; raises ``ValueError``, ``TypeError`` or ``KeyError`` for others."""
    if isinstance(document, list):
        return tuple([decode(member) for member in document])
    if not isinstance(document, dict):
        return document
    ((name, member),) = document.items()
    if name == _PATH:
        return Path(member)
    members = {field: decode(value) for field, value in member.items()}
    return MappingProxyType(members) if name == _MAPPING else _CLASSES[name](**members)


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
