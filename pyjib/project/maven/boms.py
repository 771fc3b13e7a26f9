"""BOMs: POMs whose managed dependencies are imported. Specification §1.7.

A BOM is a whole model with parents, profiles and imports of its own. The properties of whoever
imports it do not reach it; those that the user gives do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pyjib.errors import DependencyError, ProjectError
from pyjib.project.maven.interpolate_model import (
    LateFacts,
    interpolate_dependencies,
    interpolate_repositories,
)
from pyjib.project.maven.interpolation import Interpolator, Values, overridden
from pyjib.project.maven.lineage import Ask, Lineage, Lineages
from pyjib.project.maven.management import Management
from pyjib.project.maven.model import IMPORT, Coordinates, PomDependency, Repository
from pyjib.project.maven.pom_source import PomSource
from pyjib.project.maven.profiles import ProfileContext
from pyjib.project.maven.validation import place


class Imported(NamedTuple):
    """What a POM manages, with its BOMs, and the files that these came from."""

    management: Management
    paths: tuple[Path, ...] = ()


class Boms:
    """Reads BOMs from wherever POMs come from, each once.

    ``user`` are properties that beat a BOM's own, ``system`` those that it beats.
    """

    def __init__(
        self,
        lineages: Lineages,
        source: PomSource,
        *,
        user: Mapping[str, str],
        system: Mapping[str, str],
    ) -> None:
        self._lineages, self._source = lineages, source
        self._user, self._system = user, system
        self._ask = Ask(context=ProfileContext(user=user, system=system))
        self._modules: dict[Coordinates, Path] = {}
        self._known: dict[Coordinates, Imported] = {}
        self._open: list[Coordinates] = []

    def know(self, modules: Mapping[Coordinates, Path]) -> None:
        """Let modules of the project's reactor be imported from where they lie."""
        self._modules.update(modules)

    def values(self, lineage: Lineage) -> Values:
        """Return what the expressions of a repository's POM are looked up in."""
        return Values(
            facts=LateFacts(lineage.pom, lineage.facts, lineage.body.build.values),
            where=str(lineage.paths[0]),
            properties=overridden(lineage.body.properties, self._user),
            user=self._user,
            system=self._system,
        )

    def lineage(self, path: Path, repositories: Sequence[Repository], *, local: bool) -> Lineage:
        """Return a POM with its parents; no profile but those that the machine activates."""
        if local:
            return self._lineages.of_project(path, replace(self._ask, local=True))
        return self._lineages.from_repository(path, self._ask, repositories)

    def management(
        self,
        importer: Coordinates,
        managed: Iterable[PomDependency],
        pom: Path,
        repositories: Sequence[Repository],
    ) -> Imported:
        """Return a POM's managed dependencies, already interpolated, with its imports read.

        Raises ``DependencyError`` for a BOM that is not to be had, ``ProjectError`` for one that
        is unusable or imports itself.
        """
        own: dict[str, PomDependency] = {}
        imports, listed = [], []
        for dependency in managed:
            group, artifact, _, kind, classifier, scope = dependency[:6]
            if scope == IMPORT and kind == "pom":
                imports.append(dependency)
                continue
            # Without a classifier, as nearly all are, that is the key.
            key = dependency.key if classifier else f"{group}:{artifact}:{kind}"
            own.setdefault(key, dependency)
            listed.append(dependency)
        are_repeated = len(own) < len(listed)
        if not imports:
            return Imported(Management(own, listed=tuple(listed) if are_repeated else ()))
        if are_repeated:
            own = {dependency.key: dependency for dependency in listed}
        self._open.append(importer)
        try:
            found = [self._import(dependency, pom, repositories) for dependency in imports]
        finally:
            self._open.pop()
        paths = dict.fromkeys(path for bom in found for path in bom.paths)
        return Imported(Management(own, tuple(bom.management for bom in found)), tuple(paths))

    def _import(
        self, dependency: PomDependency, pom: Path, repositories: Sequence[Repository]
    ) -> Imported:
        for name in ("group", "artifact", "version"):
            if not getattr(dependency, name):
                field = name if name == "version" else f"{name}Id"
                raise ProjectError(
                    f"{place(pom, dependency.origin)}: 'dependencyManagement.dependencies."
                    f"dependency.{field}' for {dependency.key} is missing"
                )
        coordinates = Coordinates(dependency.group, dependency.artifact, dependency.version or "")
        found = self._known.get(coordinates)
        if found is not None:
            return found
        if coordinates in self._open:
            chain = " -> ".join(map(str, (*self._open, coordinates)))
            raise ProjectError(
                f"{place(pom, dependency.origin)}: The dependencies of type=pom and with "
                f"scope=import form a cycle: {chain}"
            )
        found = self._read(coordinates, dependency, pom, repositories)
        self._known[coordinates] = found
        return found

    def _read(
        self,
        coordinates: Coordinates,
        dependency: PomDependency,
        pom: Path,
        repositories: Sequence[Repository],
    ) -> Imported:
        module = self._modules.get(coordinates)
        path = module or self._source.find_pom(coordinates, repositories)
        if path is None:
            missing = self._source.missing_pom(coordinates)
            raise DependencyError(
                f"{place(pom, dependency.origin)}: Non-resolvable import POM: {missing.reason}",
                hint=missing.hint,
            )
        lineage = self.lineage(path, repositories, local=module is not None)
        text = self.values(lineage).interpolator()
        managed = interpolate_dependencies(lineage.body.dependency_management, text)
        own = interpolate_repositories(lineage.body.repositories, text)
        imported = self.management(coordinates, managed, path, (*own, *repositories))
        return Imported(imported.management, (*lineage.paths, *imported.paths))


def lineage_coordinates(lineage: Lineage, text: Interpolator) -> Coordinates:
    """Return the name of a model, interpolated."""
    pom = lineage.pom
    return Coordinates(
        text(pom.effective_group or ""), text(pom.artifact), text(pom.effective_version or "")
    )
