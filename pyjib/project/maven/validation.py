"""What Maven rejects in an effective model, in Maven's words, with file and line.

What it rejects in a POM as written is in ``raw_rules``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pyjib.errors import ProjectError
from pyjib.patterns import late
from pyjib.project.maven.lined import read_lined
from pyjib.project.maven.model import Coordinates, Origin, Plugin, PomDependency
from pyjib.project.maven.xml_tree import line_of, read_bytes

ID = late(r"[A-Za-z0-9_.-]+")
_FORBIDDEN_IN_VERSIONS = '\\/:"<>|?*'
_NAMED = late(r"[A-Za-z0-9_.-]+:[A-Za-z0-9_.-]+")
_VERSION = late(r"[^\\/:\"<>|?*${]+")


class Violation(NamedTuple):
    """Something that Maven does not accept, and where."""

    message: str
    file: Path | None = None
    line: int | None = None


def packaging_violations(pom: Path, modules: Sequence[str], packaging: str) -> Iterator[Violation]:
    """Yield what is wrong with a project's packaging, if it has modules."""
    if modules and packaging != "pom":
        yield Violation(
            f"'packaging' with value '{packaging}' is invalid. Aggregator projects require 'pom' "
            "as packaging.",
            pom,
            line_of(pom, "packaging", 0),
        )


def dependency_violations(
    dependencies: Iterable[PomDependency], *, project: Coordinates | None = None
) -> Iterator[Violation]:
    """Yield what is wrong with effective dependencies, strictly for those of a ``project``."""
    itself = "" if project is None else f"{project.group}:{project.artifact}"
    for dependency in dependencies:
        if _is_faultless(dependency) and f"{dependency.group}:{dependency.artifact}" != itself:
            continue
        strict = project is not None
        found = [
            *_identity(dependency, "dependencies"),
            *_version(dependency, "dependencies.dependency", strict=strict),
            *_system_path(dependency, strict=strict),
        ]
        if strict and dependency.optional_expression is not None:
            message = (
                f"'dependencies.dependency.optional' for {_key(dependency)} must be 'true' or "
                f"'false' but is '{dependency.optional_expression}'."
            )
            found.append((message, "optional"))
        if project is not None and _names(dependency) == str(project):
            key = _names(dependency)
            found.append((f"'dependencies.dependency[{key}]' for {key} is referencing itself.", ""))
        yield from (_at(dependency, message, child) for message, child in found)


def managed_violations(dependencies: Iterable[PomDependency]) -> Iterator[Violation]:
    """Yield what is wrong with managed dependencies: only their names are judged."""
    for dependency in dependencies:
        if _NAMED.fullmatch(f"{dependency.group}:{dependency.artifact}"):
            continue
        for message, child in _identity(dependency, "dependencyManagement.dependencies"):
            yield _at(dependency, message, child)


def plugin_violations(plugins: Iterable[Plugin], paths: Sequence[Path]) -> Iterator[Violation]:
    """Yield what is wrong with a project's plugins; ``paths`` are its POM and its parents'."""
    for plugin in plugins:
        if plugin.version and "${" in plugin.version:
            yield Violation(
                f"'build.plugins.plugin.version' for {plugin.key} must be a valid version but is "
                f"'{plugin.version}'.",
                *_place_of_plugin(plugin, paths),
            )
        for dependency in plugin.dependencies:
            where = f"build.plugins.plugin[{plugin.key}].dependencies.dependency"
            for message, child in _version(dependency, where, strict=True):
                yield _at(dependency, message, child)


def reject(pom: Path, violations: Iterable[Violation]) -> None:
    """Raise ``ProjectError`` if there is any violation; it tells all of them, a line each."""
    lines = [
        f"{_words(found.file or pom, found.line)}: {found.message.rstrip('. ')}"
        for found in violations
    ]
    if lines:
        raise ProjectError("\n".join(dict.fromkeys(lines)))


def place(pom: Path, origin: Origin | None, element: str = "dependency") -> str:
    """Return ``FILE, line N`` for messages, or the file alone where there is no line."""
    if origin is None:
        return str(pom)
    return _words(origin.pom, line_of(origin.pom, element, origin.ordinal))


def _words(file: Path, line: int | None) -> str:
    return str(file) if line is None else f"{file}, line {line}"


def _at(dependency: PomDependency, message: str, child: str) -> Violation:
    """Return a violation at a dependency's child of that name, or where the dependency begins."""
    origin = dependency.origin
    if origin is None:
        return Violation(message)
    line = line_of(origin.pom, "dependency", origin.ordinal, child)
    return Violation(message, origin.pom, line)


def _place_of_plugin(plugin: Plugin, paths: Sequence[Path]) -> tuple[Path, int | None]:
    for path in paths:
        root = read_lined(read_bytes(path))
        for found in root.all("build/plugins/plugin") if root is not None else ():
            if found.value("artifactId") == plugin.artifact and found.value("version"):
                return path, found.line_of("version")
    return paths[0], None


def _key(dependency: PomDependency) -> str:
    """Return the management key, with Java's word for what is missing."""
    group, artifact = dependency.group or "null", dependency.artifact or "null"
    key = f"{group}:{artifact}:{dependency.type}"
    return f"{key}:{dependency.classifier}" if dependency.classifier else key


def _names(dependency: PomDependency) -> str:
    name = f"{dependency.group}:{dependency.artifact}:{dependency.version}"
    return f"{name}:{dependency.classifier}" if dependency.classifier else name


def _is_faultless(dependency: PomDependency) -> bool:
    """Tell at once of nearly all dependencies that nothing is wrong with them."""
    return (
        _NAMED.fullmatch(f"{dependency.group}:{dependency.artifact}") is not None
        and dependency.version is not None
        and _VERSION.fullmatch(dependency.version) is not None
        and dependency.scope != "system"
        and not dependency.system_path
        and dependency.optional_expression is None
    )


def _identity(dependency: PomDependency, where: str) -> Iterator[tuple[str, str]]:
    for name, value in (("artifactId", dependency.artifact), ("groupId", dependency.group)):
        subject = f"'{where}.dependency.{name}' for {_key(dependency)}"
        if not value:
            yield f"{subject} is missing.", name
        elif ID.fullmatch(value) is None:
            yield f"{subject} with value '{value}' does not match a valid id pattern.", name


def _version(dependency: PomDependency, where: str, *, strict: bool) -> Iterator[tuple[str, str]]:
    subject = f"'{where}.version' for {_key(dependency)}"
    version = dependency.version
    if not version:
        yield f"{subject} is missing.", "version"
    elif strict and "${" in version:
        yield f"{subject} must be a valid version but is '{version}'.", "version"
    elif strict:
        wrong = next((letter for letter in version if letter in _FORBIDDEN_IN_VERSIONS), None)
        if wrong is not None:
            yield (
                (
                    f"{subject} must not contain any of these characters {_FORBIDDEN_IN_VERSIONS} "
                    f"but found {wrong}"
                ),
                "version",
            )


def _system_path(dependency: PomDependency, *, strict: bool) -> Iterator[tuple[str, str]]:
    subject = f"'dependencies.dependency.systemPath' for {_key(dependency)}"
    path = dependency.system_path
    if dependency.scope == "system":
        if not path:
            yield f"{subject} is missing.", "systemPath"
        elif not Path(path).is_absolute():
            yield f"{subject} must specify an absolute path but is {path}", "systemPath"
    elif path and strict:
        yield (
            (
                f"{subject} must be omitted. This field may only be specified for a dependency with "
                "system scope."
            ),
            "systemPath",
        )
