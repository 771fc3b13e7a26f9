"""Expressions replaced in every part of a model (``maven-and-gradle-projects`` §1.5).

Parts without an expression are given back as they are: most have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pyjib.project.maven.configuration import interpolate_node
from pyjib.project.maven.interpolation import Interpolator
from pyjib.project.maven.model import (
    BOOLEANS,
    Exclusion,
    Execution,
    Plugin,
    PomDependency,
    RawPom,
    Relocation,
    Repository,
)


def model_facts(pom: RawPom, facts: Mapping[str, str], build: Mapping[str, str]) -> dict[str, str]:
    """Return what ``${project.…}`` may ask of a model: its texts by dotted path.

    ``facts`` and ``build`` are those with inheritance done.
    """
    found = {name: value for name, value in facts.items() if name[0] != "@" and name[-1] != "."}
    found |= {f"build.{name}": value for name, value in build.items()}
    found |= {"artifactId": pom.artifact, "packaging": pom.packaging}
    if pom.effective_group is not None:
        found["groupId"] = pom.effective_group
    if pom.effective_version is not None:
        found["version"] = pom.effective_version
    if pom.parent is not None:
        found["parent.groupId"] = pom.parent.group
        found["parent.artifactId"] = pom.parent.artifact
        found["parent.version"] = pom.parent.version
        found["parent.relativePath"] = pom.parent.relative_path
    return found


def interpolate_texts(texts: Mapping[str, str], text: Interpolator) -> dict[str, str]:
    """Return properties or the like with their values interpolated."""
    return {name: text(value) if "${" in value else value for name, value in texts.items()}


def interpolate_dependencies(
    dependencies: Iterable[PomDependency], text: Interpolator
) -> tuple[PomDependency, ...]:
    """Return dependencies with every text interpolated."""
    return tuple(interpolate_dependency(dependency, text) for dependency in dependencies)


def interpolate_dependency(dependency: PomDependency, text: Interpolator) -> PomDependency:
    """Return a dependency with every text interpolated; itself if it has no expression."""
    if not _has_expression(dependency):
        return dependency
    optional, expression = dependency.optional, dependency.optional_expression
    if expression is not None:
        expression = text(expression)
        optional = expression.lower() == "true"
        expression = None if expression.lower() in BOOLEANS else expression
    return PomDependency(
        text(dependency.group),
        text(dependency.artifact),
        _maybe(dependency.version, text),
        text(dependency.type),
        text(dependency.classifier),
        _maybe(dependency.scope, text),
        optional,
        tuple(
            Exclusion(text(exclusion.group), text(exclusion.artifact))
            for exclusion in dependency.exclusions
        ),
        _maybe(dependency.system_path, text),
        dependency.origin,
        expression,
    )


def interpolate_repositories(
    repositories: Iterable[Repository], text: Interpolator
) -> tuple[Repository, ...]:
    """Return repositories with id and address interpolated."""
    return tuple(
        replace(found, id=text(found.id), url=text(found.url))
        if "${" in found.url or "${" in found.id
        else found
        for found in repositories
    )


def interpolate_plugin(plugin: Plugin, text: Interpolator) -> Plugin:
    """Return a plugin with everything in it interpolated."""
    configuration = plugin.configuration
    return replace(
        plugin,
        group=text(plugin.group),
        artifact=text(plugin.artifact),
        version=_maybe(plugin.version, text),
        configuration=None if configuration is None else interpolate_node(configuration, text),
        executions=tuple(_execution(execution, text) for execution in plugin.executions),
        dependencies=interpolate_dependencies(plugin.dependencies, text),
    )


def interpolate_relocation(relocation: Relocation, text: Interpolator) -> Relocation:
    """Return a relocation with every text interpolated."""
    return Relocation(
        group=_maybe(relocation.group, text),
        artifact=_maybe(relocation.artifact, text),
        version=_maybe(relocation.version, text),
        message=_maybe(relocation.message, text),
    )


def _execution(execution: Execution, text: Interpolator) -> Execution:
    configuration = execution.configuration
    return replace(
        execution,
        id=text(execution.id),
        phase=_maybe(execution.phase, text),
        goals=tuple(map(text, execution.goals)),
        configuration=None if configuration is None else interpolate_node(configuration, text),
    )


def _maybe(value: str | None, text: Interpolator) -> str | None:
    return None if value is None else text(value)


def _has_expression(dependency: PomDependency) -> bool:
    return (
        "${"
        in f"{dependency.version}{dependency.group}{dependency.artifact}{dependency.type}"
        f"{dependency.classifier}{dependency.scope}{dependency.system_path}"
        or dependency.optional_expression is not None
        or any("${" in exclusion.group + exclusion.artifact for exclusion in dependency.exclusions)
    )
