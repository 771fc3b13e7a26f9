"""A directory with a ``pom.xml`` and compiled classes, read as Maven and Jib would.

Specification: ``maven-and-gradle-projects`` §3 and §5, ``jib-core`` §3.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from pyjib.errors import ProjectError
from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.options import HostEnvironment
from pyjib.project.build_libraries import Libraries
from pyjib.project.class_path_list import read_class_path_list
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
from pyjib.project.maven.reactor import MavenScope, Reactor, find_reactor, own_file
from pyjib.project.maven.remote import Downloads
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
_NAME_ONE = "or name a repository to download from: --maven-repository URL"
_GO_ONLINE = "or let pyjib look for it: leave out --offline, and <offline> in settings.xml"
POM = "pom.xml"

OpenDownloads: TypeAlias = Callable[[MavenSession], Downloads]
"""Makes what downloads from remote repositories, for a session that is not offline."""


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


@frozen
class MavenProject:
    """A Maven project whose model is known, and nothing else yet.

    ``class_path`` is a file with the class path, as Maven itself worked it out.
    """

    model: EffectiveModel
    session: MavenSession
    builder: Builder
    repository: LocalRepository
    reactor: Reactor
    class_path: Path | None = None

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

    def packaged_names(self) -> frozenset[str]:
        """Return the names of the jars and wars of this build that are there, its own among them.

        These are what Maven's session knows as its projects' files after ``mvn package``.
        """
        files = map(own_file, (*self.reactor.models(), self.model))
        return frozenset(file.name for file in files if file is not None and file.path.is_file())

    def resolver(self) -> Resolver:
        """Return what finds the libraries of the project, and of modules of its reactor."""
        mirrors = frozenset(mirror.id for mirror in self.session.settings.mirrors)
        return Resolver(self.builder, self.repository, self.reactor, mirrors)

    def read(self) -> Project:
        """Read classes, resources and libraries; raises as ``read_maven_project`` does."""
        if self.model.packaging == "pom":
            raise ProjectError(
                f"{self.model.basedir} is a Maven project that holds others (packaging pom), not "
                "an application",
                hint="name the directory of the module to build",
            )
        if is_war(self.model) and self.class_path is not None:
            raise ProjectError(
                f"{self.model.basedir} is a war project, whose libraries are those in its war",
                hint="leave --classpath-file out",
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
        libraries = self._libraries()
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
            dependencies=libraries.dependencies,
            archive=jar.path if is_packaged else None,
            archive_name=jar.name if is_packaged else None,
            main_class=main_class,
            main_class_candidates=_candidates(model, jar.path, findings.main_classes),
            java_version=findings.java_version,
            detail=libraries.detail,
            warnings=(*libraries.warnings, *findings.warnings),
        )

    def _libraries(self) -> Libraries:
        """Return the class path behind the project's own classes, listed or worked out."""
        model = self.model
        if self.class_path is not None:
            files = (own_file(module) for module in self.reactor.models())
            return read_class_path_list(
                self.class_path,
                model.basedir,
                own=(model.output_directory,),
                modules=frozenset(file.path for file in files if file is not None),
                build_files=model.lineage,
            )
        try:
            resolution = self.resolver().resolve(model)
        finally:
            self.repository.close()
        return Libraries(
            dependencies=tuple(map(_dependency, resolution.libraries)),
            detail=f"class path from {model.pom}, libraries from {self.repository.root}",
            warnings=tuple(map(_warned, resolution.warnings)),
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
    open_downloads: OpenDownloads | None = None,
) -> MavenProject:
    """Work out a project's model and find its reactor; raises as ``read_maven_project`` does.

    With ``open_downloads`` what the local repository lacks is downloaded, unless the session
    says offline; without, nothing ever is.
    """
    session = start_session(root, host, arguments)
    repository = _local_repository(session, open_downloads)
    try:
        builder = Builder(session, repository)
        pom = root.absolute() / POM
        return MavenProject(
            reactor=find_reactor(builder, pom, scope),
            model=builder.project(pom),
            session=session,
            builder=builder,
            repository=repository,
        )
    except ProjectError as error:
        if error.hint is None and session.warnings:  # what an extension of Maven may change
            error.hint = session.warnings[0]
        raise
    finally:
        repository.close()


def _local_repository(
    session: MavenSession, open_downloads: OpenDownloads | None
) -> LocalRepository:
    downloads = None
    if open_downloads is not None and not session.offline:
        downloads = open_downloads(session)
    remedy = "" if open_downloads is None else _GO_ONLINE if session.offline else _NAME_ONE
    return LocalRepository(
        session.local_repository, *_tail(session), downloads=downloads, remedy=remedy
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
