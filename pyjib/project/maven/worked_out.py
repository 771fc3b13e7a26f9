"""A Maven project whose POM is worked out, read from disk as Maven and Jib would.

How it was worked out does not matter here, nor whether that was now or on another day.
Specification: ``maven-and-gradle-projects`` §3 and §5, ``jib-core`` §3.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pyjib.errors import DependencyError, ProjectError
from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.project.maven.model import EffectiveModel
from pyjib.project.maven.plugin_values import (
    declared_java,
    is_war,
    manifest_main_class,
    packaged_jar,
    preferred_main_classes,
    war_file,
)
from pyjib.project.model import PROJECT_DEPENDENCIES, Dependency, Project, ProjectKind
from pyjib.project.own_code import CLASS_SUFFIX, examine_classes, is_class, split_classes
from pyjib.project.walk import walk_files

POM = "pom.xml"
AS_MAVEN = "correct the pom: Maven refuses it too, as mvn validate shows"
"""What helps where a POM is not as it should be."""


class NotPackagedError(DependencyError):
    """A module of the same build is needed, and neither packaged nor installed."""


@frozen
class ClassPath:
    """The libraries behind a project's own classes; ``detail`` tells where they were found."""

    dependencies: tuple[Dependency, ...] = ()
    detail: str = ""
    warnings: tuple[Warned, ...] = ()


@frozen
class WorkedOut:
    """A Maven project: its model, and who tells the rest when that is asked for.

    ``resolve`` finds its libraries, and raises ``DependencyError`` for what is missing.
    ``module_files`` are the jars and wars that the modules of its build are made into, there or
    not; ``own_file`` is its own. ``class_path`` is a file with the class path, as Maven itself
    worked it out. ``warnings`` are for the user.
    """

    model: EffectiveModel
    resolve: Callable[[], ClassPath]
    module_files: Callable[[], tuple[Path, ...]]
    own_file: Path | None = None
    class_path: Path | None = None
    warnings: tuple[Warned, ...] = ()

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
        files = (*self.module_files(), *([self.own_file] if self.own_file else []))
        return frozenset(file.name for file in files if file.is_file())

    def read(self) -> Project:
        """Read classes, resources and libraries.

        Raises ``DependencyError`` if a library, or a POM on the way to one, is not there; and
        ``ProjectError`` if Maven would reject one, if the project is not compiled, or if it only
        holds other projects.
        """
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
            warnings=tuple(dict.fromkeys((*self.warnings, *project.warnings))),
        )

    def _compiled(self) -> Project:
        model = self.model
        files = walk_files(model.output_directory) if model.output_directory.is_dir() else ()
        if not any(map(is_class, files)):
            raise ProjectError(
                f"no compiled classes in {model.output_directory}",
                hint="compile first: mvn compile (or mvn package)",
            )
        libraries = self.resolve() if self.class_path is None else self._listed(self.class_path)
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

    def _listed(self, class_path: Path) -> ClassPath:
        # Few builds have such a file.
        from pyjib.project.class_path_list import read_class_path_list  # noqa: PLC0415

        found = read_class_path_list(
            class_path,
            self.model.basedir,
            own=(self.model.output_directory,),
            modules=frozenset(self.module_files()),
            build_files=self.model.lineage,
        )
        return ClassPath(
            dependencies=found.dependencies, detail=found.detail, warnings=found.warnings
        )

    def _war(self) -> Project:
        path = war_file(self.model)
        if not path.is_file():
            raise ProjectError(
                f"{self.model.basedir} is a war project, and there is no {path}",
                hint="package it first: mvn package",
            )
        from pyjib.project.war import read_war  # noqa: PLC0415 - for few projects

        project = read_war(path)
        modules = {file.name for file in self.module_files()}
        return replace(
            project,
            dependencies=tuple(
                replace(found, group=PROJECT_DEPENDENCIES) if found.name in modules else found
                for found in project.dependencies
            ),
            detail=f"war {path}",
        )


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
    if not jar.is_file():
        return found
    from pyjib.project.manifest import read_manifest  # noqa: PLC0415 - for few projects
    from pyjib.project.zip_reader import read_archive  # noqa: PLC0415

    stated = read_manifest(read_archive(jar)).main_class
    return (stated,) if stated else found
