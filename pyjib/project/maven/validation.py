"""What Maven rejects in a model, in Maven's words, with file and line.

Only what bears on dependencies and on the project's name is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pyjib.errors import ProjectError
from pyjib.project.maven.model import Origin, PomDependency, RawPom
from pyjib.project.maven.xml_tree import line_of

_ID = re.compile(r"[A-Za-z0-9_.-]+")
_FORBIDDEN_IN_VERSIONS = '\\/:"<>|?*'


class Violation(NamedTuple):
    """Something that Maven does not accept, and where."""

    message: str
    origin: Origin | None = None


def raw_violations(pom: RawPom) -> Iterator[Violation]:
    """Yield what is wrong with a project's POM as written."""
    parent = pom.parent
    if parent is not None:
        for name in ("group", "artifact", "version"):
            if not getattr(parent, name):
                suffix = "" if name == "version" else "Id"
                yield Violation(f"'parent.{name}{suffix}' is missing.")
        if (parent.group, parent.artifact) == (pom.group, pom.artifact):
            yield Violation(
                "'parent.artifactId' must be changed, the parent element cannot have the same "
                "groupId:artifactId as the project."
            )
    if not pom.effective_group:
        yield Violation("'groupId' is missing.")
    if not pom.artifact:
        yield Violation("'artifactId' is missing.")
    if not pom.effective_version:
        yield Violation("'version' is missing.")
    version = pom.facts.get("modelVersion")
    if version is None:
        yield Violation("'modelVersion' is missing.")
    elif version != "4.0.0":
        yield Violation(f"'modelVersion' must be one of [4.0.0] but is '{version}'.")


def module_violations(modules: Sequence[str], packaging: str) -> Iterator[Violation]:
    """Yield what is wrong with a project's modules."""
    if modules and packaging != "pom":
        yield Violation(
            f"'packaging' with value '{packaging}' is invalid. Aggregator projects require 'pom' "
            "as packaging."
        )
    for number, module in enumerate(modules):
        if not module:
            yield Violation(
                f"'modules.module[{number}]' has been specified without a path to the project "
                "directory."
            )


def dependency_violations(
    dependencies: Iterable[PomDependency], *, strict: bool
) -> Iterator[Violation]:
    """Yield what is wrong with effective dependencies; ``strict`` for the project being built."""
    for dependency in dependencies:
        message = _identity(dependency, "dependencies") or _version(dependency, strict=strict)
        if message is None and dependency.scope == "system":
            message = _system_path(dependency)
        if message is None and strict and dependency.optional_expression is not None:
            message = (
                f"'dependencies.dependency.optional' for {dependency.key} must be 'true' or "
                f"'false' but is '{dependency.optional_expression}'."
            )
        if message is not None:
            yield Violation(message, dependency.origin)


def managed_violations(dependencies: Iterable[PomDependency]) -> Iterator[Violation]:
    """Yield what is wrong with managed dependencies: only their names are judged."""
    for dependency in dependencies:
        message = _identity(dependency, "dependencyManagement.dependencies")
        if message is not None:
            yield Violation(message, dependency.origin)


def reject(pom: Path, violations: Iterable[Violation]) -> None:
    """Raise ``ProjectError`` if there is any violation; it tells all of them, a line each."""
    lines = [f"{place(pom, found.origin)}: {found.message.rstrip('.')}" for found in violations]
    if lines:
        raise ProjectError("\n".join(lines))


def place(pom: Path, origin: Origin | None, element: str = "dependency") -> str:
    """Return ``FILE, line N`` for messages, or the file alone where there is no line."""
    if origin is None:
        return str(pom)
    line = line_of(origin.pom, element, origin.ordinal)
    return str(origin.pom) if line is None else f"{origin.pom}, line {line}"


def _identity(dependency: PomDependency, where: str) -> str | None:
    for name, value in (("artifactId", dependency.artifact), ("groupId", dependency.group)):
        if not value:
            return f"'{where}.dependency.{name}' for {dependency.key} is missing."
        if _ID.fullmatch(value) is None:
            return (
                f"'{where}.dependency.{name}' for {dependency.key} with value '{value}' "
                "does not match a valid id pattern."
            )
    return None


def _version(dependency: PomDependency, *, strict: bool) -> str | None:
    subject = f"'dependencies.dependency.version' for {dependency.key}"
    version = dependency.version
    if not version:
        return f"{subject} is missing."
    if not strict:
        return None
    if "${" in version:
        return f"{subject} must be a valid version but is '{version}'."
    wrong = next((letter for letter in version if letter in _FORBIDDEN_IN_VERSIONS), None)
    if wrong is not None:
        return (
            f"{subject} must not contain any of these characters {_FORBIDDEN_IN_VERSIONS} "
            f"but found {wrong}"
        )
    return None


def _system_path(dependency: PomDependency) -> str | None:
    subject = f"'dependencies.dependency.systemPath' for {dependency.key}"
    if not dependency.system_path:
        return f"{subject} is missing."
    if not Path(dependency.system_path).is_absolute():
        return f"{subject} must specify an absolute path but is {dependency.system_path}"
    return None
