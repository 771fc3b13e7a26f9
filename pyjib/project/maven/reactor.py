"""The projects that Maven would build together, and which file each of them stands for.

Specification: ``maven-and-gradle-projects`` §1.9.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

from pyjib.errors import DependencyError, ProjectError
from pyjib.project.maven.artifact import Artifact
from pyjib.project.maven.effective import Builder, Outline
from pyjib.project.maven.interpolation import align
from pyjib.project.maven.local_repository import RepositoryFile
from pyjib.project.maven.model import Coordinates, EffectiveModel

_POM = "pom.xml"


class MavenScope(StrEnum):
    """Where Maven is thought to be started: at the root of the reactor, or in the module."""

    REACTOR = "reactor"
    MODULE = "module"


class Reactor:
    """The modules of one build. Their models are worked out when they are asked for."""

    def __init__(
        self, builder: Builder, outlines: Iterable[Outline], warnings: tuple[str, ...] = ()
    ) -> None:
        self.warnings = warnings
        self._builder = builder
        self._modules: dict[Coordinates, Outline] = {}
        self._models: dict[Coordinates, EffectiveModel] = {}
        for outline in outlines:
            self._modules.setdefault(outline.coordinates, outline)
        builder.know_modules(self._modules.values())

    def model(self, coordinates: Coordinates) -> EffectiveModel | None:
        """Return a module's model, ``None`` for what is no module."""
        outline = self._modules.get(coordinates)
        if outline is None:
            return None
        found = self._models.get(coordinates)
        if found is None:
            found = self._models[coordinates] = self._builder.project(outline.pom)
        return found

    def file_names(self) -> frozenset[str]:
        """Return the names of the files that the modules make."""
        models = (self.model(found.coordinates) for found in self._modules.values())
        return frozenset(
            artifact_name(model, Artifact(*model.coordinates, extension))
            for model in models
            if model is not None and model.packaging != "pom"
            for extension in ("war" if model.packaging == "war" else "jar",)
        )


def module_file(model: EffectiveModel, artifact: Artifact) -> RepositoryFile:
    """Return the file that a module's artifact is after ``mvn package``, there or not."""
    if artifact.extension == "pom":
        path = model.pom
    else:
        path = model.build_directory / artifact_name(model, artifact)
    return RepositoryFile(path, path.name)


def artifact_name(model: EffectiveModel, artifact: Artifact) -> str:
    """Return the name of a file that a module makes: by finalName, not by version."""
    classifier = f"-{artifact.classifier}" if artifact.classifier else ""
    return f"{model.final_name}{classifier}.{artifact.extension}"


def is_project_artifact(model: EffectiveModel, artifact: Artifact, dependency_type: str) -> bool:
    """Tell whether a dependency is the very thing that a module makes, as Jib compares them.

    A module with packaging ``bundle`` that is asked for as ``jar`` is not.
    """
    return (
        model.packaging == dependency_type
        and model.packaging != "pom"
        and not artifact.classifier
        and artifact.version == model.version
    )


def find_reactor(builder: Builder, pom: Path, scope: MavenScope = MavenScope.REACTOR) -> Reactor:
    """Return the reactor of the project at ``pom``: all that the highest aggregator above lists.

    An aggregator that cannot be read, or one of whose modules cannot, is taken for none; the
    reactor's ``warnings`` tell of those above.
    """
    if scope is MavenScope.MODULE:
        return Reactor(builder, ())
    top = pom.absolute()
    warnings = []
    try:
        found = tuple(_outlines(builder, top, set()))
    except ProjectError:
        found = ()  # reading the project itself tells why
    for directory in top.parent.parents:
        candidate = directory / _POM
        if not candidate.is_file():
            continue
        try:
            outlines = tuple(_outlines(builder, candidate, set()))
        except ProjectError as error:
            warnings.append(f"{candidate} is not taken for this build's root: {error.message}")
            continue
        if any(outline.pom == top for outline in outlines):
            top, found = candidate, outlines
    return Reactor(builder, found, tuple(warnings))


def _outlines(builder: Builder, pom: Path, seen: set[Path]) -> Iterator[Outline]:
    """Yield an aggregator and all its modules, however deep."""
    if pom in seen:
        return
    seen.add(pom)
    outline = builder.outline(pom)
    yield outline
    for module in outline.modules:
        yield from _outlines(builder, _module_pom(outline.pom, module), seen)


def _module_pom(pom: Path, module: str) -> Path:
    path = align(module, pom.parent)
    if path.is_dir():
        path /= _POM
    if not path.is_file():
        raise ProjectError(f"{pom}: Child module {path} of {pom} does not exist")
    return path


def not_packaged(model: EffectiveModel, file: RepositoryFile, wanted_by: str) -> DependencyError:
    """Return what to raise for a module that is needed, and neither packaged nor installed."""
    return DependencyError(
        f"{model.coordinates} is a module of the same build, and its file {file.path} is not "
        f"there ({wanted_by})",
        hint=f"package it first: mvn package -pl :{model.artifact} -am",
    )
