"""A POM with its parents, merged: everything but interpolation.

Profiles act on each POM before its child inherits from it. Specification:
``maven-and-gradle-projects`` §1.1 and §1.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pyjib.errors import DependencyError, ProjectError
from pyjib.frozen import frozen
from pyjib.project.maven import seen
from pyjib.project.maven.artifact import range_of
from pyjib.project.maven.inheritance import apply_profile, inherit, inherit_facts, normal
from pyjib.project.maven.interpolation import align
from pyjib.project.maven.late import LateMapping
from pyjib.project.maven.lined import read_lined
from pyjib.project.maven.model import (
    Body,
    Coordinates,
    Origin,
    Parent,
    Profile,
    RawPom,
    Repository,
    nothing,
)
from pyjib.project.maven.pom import PomReader
from pyjib.project.maven.pom_source import PomSource
from pyjib.project.maven.profiles import ProfileContext, active_profiles, is_no_jdk_range
from pyjib.project.maven.raw_rules import raw_violations
from pyjib.project.maven.schema import check_schema
from pyjib.project.maven.super_pom import SUPER_POM
from pyjib.project.maven.validation import place, reject
from pyjib.project.maven.xml_tree import read_bytes

if TYPE_CHECKING:
    from pyjib.project.maven.version import VersionRange

_PARENTS_VERSION = frozenset(
    f"${{{prefix}{name}}}"
    for prefix in ("project.", "pom.")
    for name in ("version", "parent.version")
)


_PACKAGING = "packaging"


@frozen
class Lineage:
    """A POM as read, and what it says together with all its parents, not interpolated.

    ``paths`` has its file first, then its parents'. ``active`` are the ids of the profiles that
    took part, the POM's own first. ``beside`` is the file of its parent, if that lies beside the
    project and not in a repository.
    """

    pom: RawPom
    body: Body
    facts: Mapping[str, str] = field(default_factory=nothing)
    paths: tuple[Path, ...] = ()
    active: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    beside: Path | None = None


_ROOT = Lineage(pom=SUPER_POM, body=SUPER_POM.body, facts=SUPER_POM.facts)


@frozen
class Ask:
    """How one POM and its parents are read.

    ``local`` says that files beside the project are looked at and judged as strictly as Maven
    does; else all come from a repository. ``plugins`` tells whether plugins matter at all.
    """

    context: ProfileContext
    local: bool = False
    plugins: bool = False
    settings_profiles: tuple[Profile, ...] = ()


class Lineages:
    """Reads POMs with their parents; each repository POM is merged once for one packaging."""

    def __init__(self, reader: PomReader, source: PomSource) -> None:
        self._reader, self._source = reader, source
        self._known: dict[tuple[Path, str], Lineage] = {}

    def from_repository(
        self, path: Path, ask: Ask, repositories: Sequence[Repository] = ()
    ) -> Lineage:
        """Return a repository's POM with its parents.

        Profiles may ask for the packaging of the youngest POM, so it is part of the question.
        Raises ``DependencyError`` if a parent is missing, ``ProjectError`` if one is unusable.
        """
        pom = self._reader.read(path, plugins=ask.plugins)
        return self._assemble(path, ask, pom.packaging, repositories, (), pom)

    def of_project(self, path: Path, ask: Ask) -> Lineage:
        """Return a project's POM with its parents, settings' profiles taken in.

        Raises what ``from_repository`` raises, and ``ProjectError`` for all that Maven rejects.
        """
        pom = self._reader.read(path, plugins=ask.plugins)
        return self._assemble_anew(path, ask, pom.packaging, (), (), pom)

    def profiles_of(self, path: Path) -> tuple[Profile, ...]:
        """Return the profiles of one POM alone, active or not, as they were read."""
        return self._reader.read(path).profiles

    def _assemble(
        self,
        path: Path,
        ask: Ask,
        packaging: str,
        repositories: Sequence[Repository],
        children: tuple[Path, ...],
        pom: RawPom | None = None,
    ) -> Lineage:
        if ask.local or ask.plugins:
            return self._assemble_anew(path, ask, packaging, repositories, children, pom)
        # All else that contexts tell profiles of is the same for BOMs and for dependencies.
        key = (path, ask.context.user.get(_PACKAGING, packaging))
        found = self._known.get(key)
        if found is None:
            found = self._assemble_anew(path, ask, packaging, repositories, children, pom)
            self._known[key] = found
        return found

    def _assemble_anew(
        self,
        path: Path,
        ask: Ask,
        packaging: str,
        repositories: Sequence[Repository],
        children: tuple[Path, ...],
        pom: RawPom | None = None,
    ) -> Lineage:
        if path in children:
            found = (self._reader.read(child, plugins=ask.plugins) for child in (*children, path))
            chain = " -> ".join(
                f"{each.effective_group}:{each.artifact}:{each.effective_version}" for each in found
            )
            raise ProjectError(f"{children[0]}: The parents form a cycle: {chain}")
        pom = pom or self._reader.read(path, plugins=ask.plugins)
        if ask.local:
            _judge(path)
        body = normal(pom.body)
        active: tuple[Profile, ...] = ()
        if pom.profiles:
            context = _for_packaging(ask.context, packaging)
            active = active_profiles(pom.profiles, context, body.properties)
        for profile in (*active, *(() if children else ask.settings_profiles)):
            body = apply_profile(body, profile.body)
        known = (*body.repositories, *repositories)
        parent, beside, warnings = self._parent(pom, path, ask, packaging, known, (*children, path))
        return Lineage(
            pom=pom,
            body=inherit(body, parent.body),
            facts=LateMapping(lambda: inherit_facts(pom, pom.facts, parent.pom, parent.facts)),
            paths=(path, *parent.paths),
            active=(*(profile.id for profile in active), *parent.active),
            warnings=(*_java_warning(pom, path, ask), *warnings, *parent.warnings),
            beside=beside,
        )

    def _parent(
        self,
        pom: RawPom,
        path: Path,
        ask: Ask,
        packaging: str,
        repositories: Sequence[Repository],
        children: tuple[Path, ...],
    ) -> tuple[Lineage, Path | None, tuple[str, ...]]:
        if pom.parent is None:
            return _ROOT, None, ()
        warnings: tuple[str, ...] = ()
        local = None
        if ask.local and pom.parent.relative_path:
            local, warnings = self._local_parent(pom, pom.parent, path)
        if local is not None:
            found = self._assemble(local, ask, packaging, repositories, children)
        else:
            remote = self._remote_parent(pom, pom.parent, path, repositories)
            distant = replace(ask, local=False) if ask.local else ask
            found = self._assemble(remote, distant, packaging, repositories, children)
        if found.pom.packaging != "pom":
            raise ProjectError(
                f"{path}: Invalid packaging for parent POM {pom.parent.group}:"
                f'{pom.parent.artifact}:{found.pom.effective_version}, must be "pom" but is '
                f'"{found.pom.packaging}"'
            )
        return found, local, warnings

    def _local_parent(
        self, pom: RawPom, parent: Parent, path: Path
    ) -> tuple[Path | None, tuple[str, ...]]:
        """Return the file that relativePath leads to, if it is the parent meant."""
        file = align(parent.relative_path, path.parent)
        if seen.is_directory(file):
            file /= "pom.xml"
        if not seen.is_file(file):
            return None, ()
        found = self._reader.read(file)
        if (found.effective_group, found.artifact) != (parent.group, parent.artifact):
            warning = (
                f"{place(path, Origin(path, 0), 'parent')}: 'parent.relativePath' points at "
                f"{found.effective_group}:{found.artifact} instead of {parent.group}:"
                f"{parent.artifact}, please verify your project structure"
            )
            return None, (warning,)
        version = found.effective_version
        if version == parent.version or version is None:
            return file, ()
        wanted = range_of(parent.version)
        if wanted is None or not wanted.contains(version):
            return None, ()  # another version is meant: the repository has it
        _require_own_version(pom, path)
        return file, ()

    def _remote_parent(
        self, pom: RawPom, parent: Parent, path: Path, repositories: Sequence[Repository]
    ) -> Path:
        version = parent.version
        wanted = range_of(version)
        child = f"{pom.effective_group}:{pom.artifact}:{pom.effective_version}"
        beside = "points at wrong local POM" if parent.relative_path else "points at no local POM"
        if wanted is not None:
            highest = self._highest(parent, wanted, repositories)
            if highest is None:
                raise DependencyError(
                    f"{place(path, Origin(path, 0), 'parent')}: Non-resolvable parent POM "
                    f"{parent.group}:{parent.artifact}:{version} for {child}: No versions matched "
                    f"the requested parent version range '{version}' and 'parent.relativePath' "
                    f"{beside}",
                    hint="let Maven ask the repositories: mvn dependency:go-offline",
                )
            version = highest
            _require_own_version(pom, path)
        coordinates = Coordinates(parent.group, parent.artifact, version)
        found = self._source.find_pom(coordinates, repositories)
        if found is None:
            where = place(path, Origin(path, 0), "parent")
            missing = self._source.missing_pom(coordinates)
            raise DependencyError(
                f"{where}: Non-resolvable parent POM for {child}: {missing.reason} and "
                f"'parent.relativePath' {beside}",
                hint=missing.hint,
            )
        return found

    def _highest(
        self, parent: Parent, wanted: VersionRange, repositories: Sequence[Repository]
    ) -> str | None:
        versions = self._source.versions(parent.group, parent.artifact, repositories)
        return wanted.highest(versions)


def _judge(path: Path) -> None:
    """Raise ``ProjectError`` for what Maven rejects in a project's POM as it is written."""
    root = read_lined(read_bytes(path))
    if root is not None:
        check_schema(root, path)
        reject(path, raw_violations(root, path))


def _for_packaging(context: ProfileContext, packaging: str) -> ProfileContext:
    """Return a context with the pseudo-property of Maven 3.9 that profiles may ask for."""
    return replace(context, user={_PACKAGING: packaging, **context.user})


def _java_warning(pom: RawPom, path: Path, ask: Ask) -> Iterator[str]:
    """Yield what to tell if a project's profiles ask for a JDK that nobody knows."""
    if not ask.local:
        return
    for profile in pom.profiles:
        jdk = profile.activation.jdk
        if jdk is not None and is_no_jdk_range(jdk, ask.context.system.get("java.version", "")):
            yield (
                f"{path}: <jdk>{jdk}</jdk> of the profile {profile.id} is no range of Java "
                "versions, so it is not active by that; Maven before 3.9 gives up here"
            )
    if not ask.context.java_is_known:
        names = [profile.id for profile in pom.profiles if profile.activation.jdk is not None]
        if names:
            version = ask.context.system.get("java.version", "none")
            yield (
                f"{path}: no JDK was found (JAVA_HOME, java), so the profiles "
                f"{', '.join(names)} were asked for Java {version}"
            )


def _require_own_version(pom: RawPom, path: Path) -> None:
    if pom.version is None or pom.version in _PARENTS_VERSION:
        raise ProjectError(
            f"{path}: Version must be a constant, because the parent's version is a range"
        )
