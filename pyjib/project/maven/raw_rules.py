"""What Maven rejects in a project's POM as it is written, in Maven's words, with the line.

Only rejections: Maven's warnings are left to Maven.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pyjib.project.maven.lined import Lined
from pyjib.project.maven.model import DEFAULT_EXECUTION, DEFAULT_PLUGIN_GROUP
from pyjib.project.maven.validation import ID, Violation
from pyjib.project.maven.xml_tree import trim

_MODEL = "4.0.0"
_NUMBERS = r"\d{1,9}(\.\d{1,9})*"


def raw_violations(root: Lined, path: Path) -> Iterator[Violation]:
    """Yield what is wrong with a POM, before it inherits anything."""
    for message, line in _violations(root):
        yield Violation(message, path, line)


def _violations(root: Lined) -> Iterator[tuple[str, int]]:
    yield from _model_version(root)
    parent = root.find("parent")
    if parent is not None:
        yield from _parent(root, parent)
    yield from _identity(root, parent)
    yield from _modules(root)
    yield from _body(root, "")
    yield from _unique(root, "profiles/profile", "profiles.profile.id", "profile")
    for profile in root.all("profiles/profile"):
        yield from _body(profile, f"profiles.profile[{profile.value('id') or 'default'}].")


def _model_version(root: Lined) -> Iterator[tuple[str, int]]:
    version = root.value("modelVersion")
    line = root.line_of("modelVersion")
    if not version:
        yield "'modelVersion' is missing.", line
    elif version != _MODEL:
        words = _newer_or_older(version)
        article = "an" if words == "older" else "a"
        if words is None:
            yield f"'modelVersion' must be one of [{_MODEL}] but is '{version}'.", line
        else:
            yield (
                (
                    f"'modelVersion' of '{version}' is {words} than the versions supported by this "
                    f"version of Maven: [{_MODEL}]. Building this project requires {article} "
                    f"{words} version of Maven."
                ),
                line,
            )


def _newer_or_older(version: str) -> str | None:
    if re.fullmatch(_NUMBERS, version) is None:
        return None
    numbers = tuple(map(int, version.split(".")))
    return "newer" if numbers > (4, 0, 0) else "older"


def _parent(root: Lined, parent: Lined) -> Iterator[tuple[str, int]]:
    for name in ("groupId", "artifactId", "version"):
        if not parent.value(name):
            yield f"'parent.{name}' is missing.", parent.line_of(name)
    same = all(parent.value(name) == root.value(name) for name in ("groupId", "artifactId"))
    if same and parent.value("artifactId"):
        yield (
            (
                "'parent.artifactId' must be changed, the parent element cannot have the same "
                "groupId:artifactId as the project."
            ),
            parent.line_of("artifactId"),
        )


def _identity(root: Lined, parent: Lined | None) -> Iterator[tuple[str, int]]:
    for name in ("groupId", "artifactId", "version"):
        value = root.value(name)
        inherited = parent is not None and name != "artifactId"
        if not value and not inherited:
            yield f"'{name}' is missing.", root.line_of(name)
        elif value and name != "version" and "${" not in value and ID.fullmatch(value) is None:
            yield (
                f"'{name}' with value '{value}' does not match a valid id pattern.",
                root.line_of(name),
            )


def _modules(root: Lined) -> Iterator[tuple[str, int]]:
    seen: set[str] = set()
    for number, module in enumerate(root.all("modules/module")):
        name = trim(module.text)
        if not name:
            yield (
                (
                    f"'modules.module[{number}]' has been specified without a path to the project "
                    "directory."
                ),
                module.line,
            )
        elif name in seen:
            yield f"'modules.module[{number}]' specifies duplicate child module {name}", module.line
        seen.add(name)


def _body(element: Lined, prefix: str) -> Iterator[tuple[str, int]]:
    """Yield what is wrong with what a project and a profile can both say."""
    for managed in ("", "pluginManagement/"):
        where = f"{prefix}build.{managed.replace('/', '.')}plugins.plugin."
        for plugin in element.all(f"build/{managed}plugins/plugin"):
            yield from _plugin(plugin, where)
    for kind in ("repositories/repository", "pluginRepositories/pluginRepository"):
        yield from _repositories(element, kind, f"{prefix}{kind.replace('/', '.')}.")


def _plugin(plugin: Lined, where: str) -> Iterator[tuple[str, int]]:
    key = f"{plugin.value('groupId') or DEFAULT_PLUGIN_GROUP}:{plugin.value('artifactId')}"
    if not plugin.value("artifactId"):
        yield (
            f"'{where}(groupId:artifactId)' artifactId of a plugin must be defined. ",
            plugin.line,
        )
    inherited = plugin.value("inherited")
    if inherited and "${" not in inherited and inherited.lower() not in ("true", "false"):
        yield (
            f"'{where}inherited' for {key} must be 'true' or 'false' but is '{inherited}'.",
            plugin.line_of("inherited"),
        )
    field = f"{where}[{key}].executions.execution.id"
    yield from _unique(plugin, "executions/execution", field, "execution", DEFAULT_EXECUTION)


def _repositories(element: Lined, path: str, where: str) -> Iterator[tuple[str, int]]:
    seen: dict[str, str] = {}
    for repository in element.all(path):
        name, url = repository.value("id"), repository.value("url")
        if not name:
            yield f"'{where}id' is missing.", repository.line_of("id")
        if not url:
            yield f"'{where}[{name or 'null'}].url' is missing.", repository.line_of("url")
        if name in seen:
            yield (
                f"'{where}id' must be unique: {name} -> {seen[name]} vs {url}",
                repository.line_of("id"),
            )
        seen[name] = url


def _unique(
    element: Lined, path: str, field: str, kind: str, default: str = "default"
) -> Iterator[tuple[str, int]]:
    seen: set[str] = set()
    for found in element.all(path):
        name = found.value("id") or default
        if name in seen:
            yield (
                f"'{field}' must be unique but found duplicate {kind} with id {name}",
                found.line_of("id"),
            )
        seen.add(name)
