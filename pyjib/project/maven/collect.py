"""The graph of everything that a project's dependencies ask for, directly and indirectly.

This is the resolver's depth-first collector (``df``, the default of all Maven 3.9): one
``Occurrence`` for each place where an artifact is asked for, versions still in conflict.
Specification: ``maven-and-gradle-projects`` §2.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pyjib.errors import DependencyError
from pyjib.project.maven.artifact import (
    Artifact,
    Key,
    artifact_of,
    holds_its_dependencies,
    key_of,
    range_of,
)
from pyjib.project.maven.model import Coordinates, Descriptor, PomDependency

if TYPE_CHECKING:
    from pyjib.project.maven.version import VersionRange

_NAMED_VERSIONS = ("LATEST", "RELEASE")
_NOT_PASSED_ON = ("test", "provided")
_WILDCARD = "*"
_NAMED = 5


class DependencySource(Protocol):
    """Who knows what artifacts ask for."""

    def descriptor(self, coordinates: Coordinates) -> Descriptor:
        """Return what an artifact's POM says."""
        ...

    def versions(self, group: str, artifact: str) -> Sequence[str]:
        """Return the versions known, for ranges."""
        ...

    def named_version(self, group: str, artifact: str, name: str) -> str | None:
        """Return the version that ``LATEST`` or ``RELEASE`` stands for."""
        ...


class Occurrence:
    """One place in the graph where an artifact is asked for.

    ``children`` is one list object for all occurrences that bring the same things along, and a
    cycle leads back to a list further up; mediation takes entries out of it. ``type`` is the
    word of the dependency. ``hard`` is set where the version came from a range.
    ``moved_from`` has the coordinates before relocation, which conflict with the same things.
    """

    __slots__ = (
        *("artifact", "type", "scope", "optional", "exclusions", "children", "hard"),
        *("is_scope_managed", "is_optional_managed", "system_path", "moved_from", "problem"),
    )

    def __init__(
        self,
        wanted: _Wanted,
        artifact: Artifact,
        hard: VersionRange | None,
        below: PomDependency | None,
        moved_from: tuple[Artifact, ...],
    ) -> None:
        self.artifact = artifact
        self.type = wanted.type
        self.scope = wanted.scope
        self.optional = bool(wanted.optional)
        self.exclusions = wanted.exclusions
        self.children: list[Occurrence] = []
        self.hard = hard
        self.is_scope_managed = below is not None and bool(below.scope)
        self.is_optional_managed = below is not None and below.optional is not None
        self.system_path = wanted.system_path
        self.moved_from = moved_from
        self.problem: str | None = None


def collect(
    dependencies: Iterable[PomDependency],
    managed: Iterable[PomDependency],
    source: DependencySource,
) -> list[Occurrence]:
    """Return the graph below a project: the list of what it asks for itself.

    ``managed`` is the project's own dependencyManagement, the only one that reaches below the
    first level. Raises ``DependencyError`` where no version is in a range, and what ``source``
    raises, also where artifacts lead from one to the next without end.
    """
    collector = _Collector(_index(managed), source)
    try:
        return collector.collect(dependencies)
    except RecursionError:
        raise collector.too_deep() from None


class _Wanted(NamedTuple):
    """A dependency on its way to an occurrence."""

    artifact: Artifact
    type: str
    scope: str
    optional: bool | None
    exclusions: frozenset[tuple[str, str]]
    system_path: str | None


class _Place(NamedTuple):
    """Where the walk is: the list to add to, its depth, and what the path excludes."""

    children: list[Occurrence]
    depth: int
    excluded: frozenset[tuple[str, str]]


_ROOT_EXCLUDES: frozenset[tuple[str, str]] = frozenset()


class _Collector:
    def __init__(self, managed: dict[Key, PomDependency], source: DependencySource) -> None:
        self._managed, self._source = managed, source
        self._path: dict[Key, Occurrence] = {}
        self._known: dict[tuple[object, ...], list[Occurrence]] = {}

    def collect(self, dependencies: Iterable[PomDependency]) -> list[Occurrence]:
        place = _Place([], 1, _ROOT_EXCLUDES)
        for dependency in dependencies:
            self._add(_wanted(dependency), place)
        return place.children

    def too_deep(self) -> DependencyError:
        """Return what to raise for a path that is longer than can be followed."""
        path = [str(found.artifact) for found in self._path.values()]
        return DependencyError(
            f"the dependencies lead through more than {len(path)} artifacts: "
            f"{' → '.join(path[:_NAMED])} → …",
            hint="exclude what begins this: no honest library asks for so many in a row",
        )

    def _add(
        self,
        wanted: _Wanted,
        place: _Place,
        moved_from: tuple[Artifact, ...] = (),
        *,
        is_version_fixed: bool = False,
    ) -> None:
        """Add an artifact with all that it brings along, unless the path does not want it."""
        if not _is_selected(wanted, place):
            return
        managed = self._managed.get(wanted.artifact.key)
        below = managed if place.depth > 1 else None
        if managed is not None:
            wanted = _manage(wanted, managed, below, is_version_fixed=is_version_fixed)
        for artifact, hard in self._versions(wanted):
            occurrence = Occurrence(wanted, artifact, hard, below, moved_from)
            if not self._add_version(occurrence, wanted, place):
                return

    def _add_version(self, occurrence: Occurrence, wanted: _Wanted, place: _Place) -> bool:
        """Add one version; ``False`` if it moved elsewhere, which ends a range too."""
        descriptor, moved = self._describe(occurrence)
        artifact = occurrence.artifact
        if moved:
            artifact = artifact._replace(
                group=descriptor.coordinates.group,
                artifact=descriptor.coordinates.artifact,
                version=descriptor.coordinates.version,
            )
        above = self._path.get(artifact.key)
        if above is not None:  # a cycle
            occurrence.artifact, occurrence.children = artifact, above.children
            place.children.append(occurrence)
            return True
        if moved:
            same = artifact[:2] == occurrence.artifact[:2]
            wanted = wanted._replace(artifact=artifact)
            self._add(wanted, place, moved, is_version_fixed=same)
            return False
        occurrence.problem = descriptor.problem
        place.children.append(occurrence)
        if descriptor.dependencies and not holds_its_dependencies(occurrence.type):
            self._descend(occurrence, descriptor, place)
        return True

    def _descend(self, occurrence: Occurrence, descriptor: Descriptor, place: _Place) -> None:
        excluded = place.excluded | occurrence.exclusions
        key = (occurrence.artifact, excluded)
        known = self._known.get(key)
        if known is not None:
            occurrence.children = known
            return
        self._known[key] = occurrence.children
        self._path[occurrence.artifact.key] = occurrence
        below = _Place(occurrence.children, place.depth + 1, excluded)
        for dependency in descriptor.dependencies:
            if not dependency.optional and dependency.scope not in _NOT_PASSED_ON:
                self._add(_wanted(dependency), below)
        del self._path[occurrence.artifact.key]

    def _describe(self, occurrence: Occurrence) -> tuple[Descriptor, tuple[Artifact, ...]]:
        """Return what an artifact's POM says, relocations followed, and what it was before."""
        artifact = occurrence.artifact
        coordinates = Coordinates(*artifact[:3])
        if occurrence.system_path is not None:
            return Descriptor(coordinates=coordinates), ()
        moved: list[Artifact] = []
        while True:
            descriptor = self._ask(coordinates)
            relocation = descriptor.relocation
            if relocation is None:
                return descriptor, tuple(moved)
            moved.append(artifact._replace(**coordinates._asdict()))
            coordinates = Coordinates(
                relocation.group or coordinates.group,
                relocation.artifact or coordinates.artifact,
                relocation.version or coordinates.version,
            )
            if any(before[:3] == coordinates for before in moved):
                problem = f"the relocations of {moved[0]} form a cycle, it is used as it is"
                return Descriptor(coordinates=Coordinates(*artifact[:3]), problem=problem), ()

    def _ask(self, coordinates: Coordinates) -> Descriptor:
        try:
            return self._source.descriptor(coordinates)
        except DependencyError as error:
            trail = " → ".join(str(found.artifact) for found in self._path.values())
            wanted_by = f"wanted by {trail or 'the project'}"
            first, end, rest = error.message.partition("\n")
            if f" {coordinates} " not in first:
                wanted_by = f"{coordinates}, {wanted_by}"
            message = f"{first} ({wanted_by}){end}{rest}"
            raise DependencyError(message, hint=error.hint) from None

    def _versions(self, wanted: _Wanted) -> list[tuple[Artifact, VersionRange | None]]:
        artifact = wanted.artifact
        group, name, version = artifact[:3]
        if version in _NAMED_VERSIONS:
            found = self._source.named_version(group, name, version)
            if found is None:
                raise _no_version(artifact)
            return [(artifact._replace(version=found), None)]
        hard = range_of(version)
        if hard is None:
            return [(artifact, None)]
        only = hard.only
        versions = [only] if only else hard.select(self._source.versions(group, name))
        if not versions:
            raise _no_version(artifact)
        return [(artifact._replace(version=version), hard) for version in versions]


def _is_selected(wanted: _Wanted, place: _Place) -> bool:
    """Judge by what the dependency itself declares: management comes later."""
    if place.depth > 1 and (wanted.optional or wanted.scope in _NOT_PASSED_ON):
        return False
    excluded = place.excluded
    if not excluded:
        return True
    group, name = wanted.artifact[:2]
    return not (
        (group, name) in excluded
        or (group, _WILDCARD) in excluded
        or (_WILDCARD, name) in excluded
        or (_WILDCARD, _WILDCARD) in excluded
    )


def _manage(
    wanted: _Wanted,
    managed: PomDependency,
    below: PomDependency | None,
    *,
    is_version_fixed: bool,
) -> _Wanted:
    """Apply the project's management: exclusions everywhere, all else below the first level."""
    if managed.exclusions:
        wanted = wanted._replace(exclusions=wanted.exclusions | _pairs(managed))
    if below is None:
        return wanted
    artifact, system_path = wanted.artifact, wanted.system_path
    if below.version and not is_version_fixed:
        group, name, _, *rest = artifact
        artifact = Artifact(group, name, below.version, *rest)
    if below.scope:
        system_path = below.system_path if below.scope == "system" else None
    return _Wanted(
        artifact,
        wanted.type,
        below.scope or wanted.scope,
        wanted.optional if below.optional is None else below.optional,
        wanted.exclusions,
        system_path,
    )


def _wanted(dependency: PomDependency) -> _Wanted:
    return _Wanted(
        artifact_of(dependency),
        dependency.type,
        dependency.scope or "compile",
        dependency.optional,
        _pairs(dependency) if dependency.exclusions else _ROOT_EXCLUDES,
        dependency.system_path or None,
    )


def _pairs(dependency: PomDependency) -> frozenset[tuple[str, str]]:
    return frozenset((found.group, found.artifact) for found in dependency.exclusions)


def _index(managed: Iterable[PomDependency]) -> dict[Key, PomDependency]:
    """Return management by artifact; of two types with the same file the first tells."""
    found: dict[Key, PomDependency] = {}
    for dependency in managed:
        key = key_of(dependency)
        first = found.setdefault(key, dependency)
        if first is not dependency:
            found[key] = PomDependency(
                group=first.group,
                artifact=first.artifact,
                version=first.version or dependency.version,
                type=first.type,
                classifier=first.classifier,
                scope=first.scope or dependency.scope,
                optional=dependency.optional if first.optional is None else first.optional,
                exclusions=(*first.exclusions, *dependency.exclusions),
                system_path=first.system_path or dependency.system_path,
            )
    return found


def _no_version(artifact: Artifact) -> DependencyError:
    group, name, version = artifact[:3]
    return DependencyError(
        f"no version of {group}:{name} is known that is in {version}: the local repository has "
        "no metadata of it",
        hint="let Maven ask the repositories: mvn dependency:go-offline",
    )
