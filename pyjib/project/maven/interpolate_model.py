"""Expressions replaced in every part of a model (``maven-and-gradle-projects`` §1.5).

Parts without an expression are given back as they are: most have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pyjib.project.maven.configuration import interpolate_node
from pyjib.project.maven.interpolation import Interpolator
from pyjib.project.maven.late import FACTS
from pyjib.project.maven.model import (
    BOOLEANS,
    Exclusion,
    Execution,
    Plugin,
    PomDependency,
    RawPom,
    Relocation,
    Repository,
    make_dependency,
)


def model_facts(pom: RawPom, facts: Mapping[str, str], build: Mapping[str, str]) -> dict[str, str]:
    """Return what ``${project.…}`` may ask of a model: its texts by dotted path.

    ``facts`` and ``build`` are those with inheritance done.
    """
    found = {name: value for name, value in facts.items() if name[0] != "@" and name[-1] != "."}
    found |= {f"build.{name}": value for name, value in build.items()}
    return found | _names(pom)


def _names(pom: RawPom) -> dict[str, str]:
    found = {"artifactId": pom.artifact, "packaging": pom.packaging}
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


class LateFacts(Mapping[str, str]):
    """What ``model_facts`` returns, worked out when more is asked for than a model's name."""

    __slots__ = ("_all", "_build", "_facts", "_names", "_pom")

    def __init__(self, pom: RawPom, facts: Mapping[str, str], build: Mapping[str, str]) -> None:
        self._pom, self._facts, self._build = pom, facts, build
        self._names = _names(pom)
        self._all: Mapping[str, str] | None = None

    def get(self, name: str, default: Any = None, /) -> Any:
        """Return a fact; most that are asked for are there without the others."""
        found = self._names.get(name)
        if found is None:
            above, _, below = name.partition(".")
            if above == "build":
                found = self._build.get(below)
            elif above.partition("[")[0] in FACTS:
                found = self._made().get(name)
        return default if found is None else found

    def _made(self) -> Mapping[str, str]:
        if self._all is None:
            self._all = model_facts(self._pom, self._facts, self._build)
        return self._all

    def __getitem__(self, name: str) -> str:
        return self._made()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())


def interpolate_texts(texts: Mapping[str, str], text: Interpolator) -> dict[str, str]:
    """Return properties or the like with their values interpolated."""
    return {name: text(value) if "${" in value else value for name, value in texts.items()}


def interpolate_dependencies(
    dependencies: Iterable[PomDependency], text: Interpolator
) -> tuple[PomDependency, ...]:
    """Return dependencies with every text interpolated."""
    return tuple([_interpolated(dependency, text) for dependency in dependencies])


def _interpolated(dependency: PomDependency, text: Interpolator) -> PomDependency:
    """Return a dependency with every text interpolated; itself if it has no expression."""
    group, artifact, version, kind, classifier, scope = dependency[:6]
    optional, exclusions, system_path, origin, expression = dependency[6:]
    rare = classifier or scope or exclusions or system_path or expression is not None
    if (
        not (version and "${" in version)
        and "${" not in group
        and "${" not in artifact
        and "${" not in kind
        and not (rare and _has_expression(dependency))
    ):
        return dependency
    if expression is not None:
        expression = text(expression)
        optional = expression.lower() == "true"
        expression = None if expression.lower() in BOOLEANS else expression
    if exclusions:
        exclusions = tuple(
            [Exclusion(text(each.group), text(each.artifact)) for each in exclusions]
        )
    return make_dependency(
        (
            text(group) if "${" in group else group,
            text(artifact) if "${" in artifact else artifact,
            text(version) if version else version,
            text(kind) if "${" in kind else kind,
            text(classifier) if classifier else classifier,
            text(scope) if scope else scope,
            optional,
            exclusions,
            text(system_path) if system_path else system_path,
            origin,
            expression,
        )
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
    """Tell of the parts of a dependency that few have whether one holds an expression."""
    return (
        "${" in f"{dependency.classifier}{dependency.scope}{dependency.system_path}"
        or dependency.optional_expression is not None
        or any("${" in f"{group}{artifact}" for group, artifact in dependency.exclusions)
    )
