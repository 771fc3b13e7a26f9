"""A directory with a ``pom.xml`` and compiled classes, read as Maven and Jib would.

Specification: ``maven-and-gradle-projects`` §3 and §5, ``jib-core`` §3.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.events import Warned
from pyjib.options import HostEnvironment
from pyjib.project.manifest import read_manifest
from pyjib.project.maven.command_line import Arguments
from pyjib.project.maven.effective import Builder
from pyjib.project.maven.local_repository import LocalRepository
from pyjib.project.maven.model import EffectiveModel
from pyjib.project.maven.plugin_values import (
    declared_java,
    is_war,
    manifest_main_class,
    packaged_jar,
    preferred_main_classes,
    war_file,
)
from pyjib.project.maven.reactor import MavenScope, Reactor, find_reactor
from pyjib.project.maven.resolve import Library, Resolver
from pyjib.project.maven.session import MavenSession, start_session
from pyjib.project.model import (
    DEPENDENCIES,
    PROJECT_DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    Dependency,
    DiskFile,
    Project,
    ProjectKind,
)
from pyjib.project.own_code import CLASS_SUFFIX, examine_classes, is_class, split_classes
from pyjib.project.walk import walk_files
from pyjib.project.war import read_war
from pyjib.project.zip_reader import read_archive

_TAIL = "maven.repo.local.tail"
POM = "pom.xml"


def read_maven_project(
    root: Path,
    *,
    host: HostEnvironment,
    arguments: Arguments | None = None,
    scope: MavenScope = MavenScope.REACTOR,
) -> Project:
    """Read the Maven project at ``root``, libraries from the local repository.

    ``arguments`` are what ``mvn`` would be given; ``scope`` tells whether modules of the same
    build are taken from where they were built. Nothing is written or downloaded.

    Raises ``DependencyError`` if a library, or a POM on the way to one, is not there; and
    ``ProjectError`` if Maven would reject the project, if it is not compiled, or if it only
    holds other projects.
    """
    return open_maven_project(root, host=host, arguments=arguments, scope=scope).read()


@dataclass(frozen=True, slots=True, kw_only=True)
class MavenProject:
    """A Maven project whose model is known, and nothing else yet."""

    model: EffectiveModel
    session: MavenSession
    builder: Builder
    repository: LocalRepository
    reactor: Reactor

    @property
    def is_built(self) -> bool:
        """Whether its classes, or its war, are there."""
        if is_war(self.model):
            return war_file(self.model).is_file()
        if self.model.packaging == "pom":
            return False
        # No need to list all of them, nor to sort.
        found = os.walk(self.model.output_directory)
        return any(name.endswith(CLASS_SUFFIX) for _, _, names in found for name in names)

    def read(self) -> Project:
        """Read classes, resources and libraries; raises as ``read_maven_project`` does."""
        if self.model.packaging == "pom":
            raise ProjectError(
                f"{self.model.basedir} is a Maven project that holds others (packaging pom), not "
                "an application",
                hint="name the directory of the module to build",
            )
        project = self._war() if is_war(self.model) else self._compiled()
        return replace(
            project,
            root=self.model.basedir,
            name=self.model.artifact,
            declared_java=declared_java(self.model),
            warnings=tuple(dict.fromkeys((*self._warnings(), *project.warnings))),
        )

    def _warnings(self) -> Iterator[Warned]:
        yield from map(
            _warned, (*self.session.warnings, *self.reactor.warnings, *self.model.warnings)
        )

    def _compiled(self) -> Project:
        model = self.model
        files = walk_files(model.output_directory) if model.output_directory.is_dir() else ()
        if not any(map(is_class, files)):
            raise ProjectError(
                f"no compiled classes in {model.output_directory}",
                hint="compile first: mvn compile (or mvn package)",
            )
        resolver = Resolver(
            self.builder,
            self.repository,
            self.reactor,
            frozenset(mirror.id for mirror in self.session.settings.mirrors),
        )
        resolution = resolver.resolve(model)
        main_class = manifest_main_class(model)
        classes, resources = split_classes(files)
        findings = examine_classes(classes, find_mains=main_class is None)
        jar = packaged_jar(model)
        is_packaged = jar.path.is_file()
        return Project(
            kind=ProjectKind.CLASSES,
            root=model.basedir,
            name=model.artifact,
            classes=classes,
            resources=resources,
            dependencies=tuple(map(_dependency, resolution.libraries)),
            archive=jar.path if is_packaged else None,
            archive_name=jar.name if is_packaged else None,
            main_class=main_class,
            main_class_candidates=_candidates(model, jar.path, findings.main_classes),
            java_version=findings.java_version,
            detail=f"class path from {model.pom}, libraries from {self.repository.root}",
            warnings=(*map(_warned, resolution.warnings), *findings.warnings),
        )

    def _war(self) -> Project:
        path = war_file(self.model)
        if not path.is_file():
            raise ProjectError(
                f"{self.model.basedir} is a war project, and there is no {path}",
                hint="package it first: mvn package",
            )
        project = read_war(path)
        modules = self.reactor.file_names()
        return replace(
            project,
            dependencies=tuple(
                replace(found, group=PROJECT_DEPENDENCIES) if found.name in modules else found
                for found in project.dependencies
            ),
            detail=f"war {path}",
        )


def open_maven_project(
    root: Path,
    *,
    host: HostEnvironment,
    arguments: Arguments | None = None,
    scope: MavenScope = MavenScope.REACTOR,
) -> MavenProject:
    """Work out a project's model and find its reactor; raises as ``read_maven_project`` does."""
    session = start_session(root, host, arguments)
    repository = LocalRepository(session.local_repository, *_tail(session))
    builder = Builder(session, repository)
    pom = root.absolute() / POM
    reactor = find_reactor(builder, pom, scope)
    return MavenProject(
        model=builder.project(pom),
        session=session,
        builder=builder,
        repository=repository,
        reactor=reactor,
    )


def _tail(session: MavenSession) -> Iterator[Path]:
    """Yield the folders that are read after the local repository (Maven 3.9)."""
    text = session.user_properties.get(_TAIL) or session.system_properties.get(_TAIL) or ""
    for entry in filter(None, (part.strip() for part in text.split(","))):
        yield Path(entry).absolute()


def _warned(text: str) -> Warned:
    return Warned(message=text)


def _dependency(library: Library) -> Dependency:
    if library.is_module:
        group = PROJECT_DEPENDENCIES
    else:
        group = SNAPSHOT_DEPENDENCIES if library.artifact.is_snapshot else DEPENDENCIES
    return Dependency(name=library.name, source=DiskFile(library.path), group=group)


def _candidates(model: EffectiveModel, jar: Path, found: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes that may be the main one.

    Where that is not exactly one, Spring Boot's plugin and the jar's manifest are asked; Jib
    gives up there.
    """
    if len(found) == 1:
        return found
    for preferred in preferred_main_classes(model):
        if preferred in found:
            return (preferred,)
    stated = read_manifest(read_archive(jar)).main_class if jar.is_file() else None
    return (stated,) if stated else found
