"""The projects that Maven would build together, and which file each of them stands for.

Specification: ``maven-and-gradle-projects`` §1.9.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.project.maven import seen
from pyjib.project.maven.artifact import Artifact
from pyjib.project.maven.command_line import MavenScope
from pyjib.project.maven.effective import Builder, Outline
from pyjib.project.maven.interpolation import align
from pyjib.project.maven.local_repository import RepositoryFile
from pyjib.project.maven.model import Coordinates, EffectiveModel
from pyjib.project.maven.worked_out import NotPackagedError

_POM = "pom.xml"


class Reactor:
    """The modules of one build. Their models are worked out when they are asked for.

    ``outlines`` has all that were found, an aggregator before its modules; ``problem`` is why the
    modules of the project itself could not be listed.
    """

    def __init__(
        self,
        builder: Builder,
        outlines: Iterable[Outline],
        warnings: tuple[str, ...] = (),
        problem: ProjectError | None = None,
    ) -> None:
        self.outlines = tuple(outlines)
        self.warnings = warnings
        self.problem = problem
        self._builder = builder
        self._modules: dict[Coordinates, Outline] = {}
        self._models: dict[Coordinates, EffectiveModel] = {}
        for outline in self.outlines:
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

    def versions(self, group: str, artifact: str) -> tuple[str, ...]:
        """Return the versions in which modules make an artifact."""
        return tuple(
            name.version
            for name in self._modules
            if (name.group, name.artifact) == (group, artifact)
        )

    def models(self) -> Iterator[EffectiveModel]:
        """Yield the models of all modules."""
        for outline in self._modules.values():
            model = self.model(outline.coordinates)
            if model is not None:
                yield model


def own_file(model: EffectiveModel) -> RepositoryFile | None:
    """Return the jar or war that a project is made into, there or not; ``None`` for a ``pom``."""
    if model.packaging == "pom":
        return None
    extension = "war" if model.packaging == "war" else "jar"
    return module_file(model, Artifact(*model.coordinates, extension))


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
    problem: ProjectError | None = None
    try:
        found = tuple(_outlines(builder, top, set()))
    except ProjectError as error:
        found, problem = (), error
    for directory in top.parent.parents:
        candidate = directory / _POM
        if not seen.is_file(candidate):
            continue
        try:
            outlines = tuple(_outlines(builder, candidate, set()))
        except ProjectError as error:
            warnings.append(f"{candidate} is not taken for this build's root: {error.in_a_line}")
            continue
        if any(outline.pom == top for outline in outlines):
            top, found = candidate, outlines
    return Reactor(builder, found, tuple(warnings), problem)


def _outlines(
    builder: Builder, pom: Path, seen: set[Path], above: tuple[Path, ...] = ()
) -> Iterator[Outline]:
    """Yield an aggregator and all its modules, however deep."""
    if pom in above:
        chain = " -> ".join(map(str, (*above[above.index(pom) :], pom)))
        raise ProjectError(
            f"{above[-1]}: Child module {pom} of {above[-1]} forms aggregation cycle {chain}"
        )
    if pom in seen:
        return
    seen.add(pom)
    outline = builder.outline(pom)
    yield outline
    for module in outline.modules:
        path = _module_pom(outline.pom, module)
        yield from _outlines(builder, path, seen, (*above, pom))


def _module_pom(pom: Path, module: str) -> Path:
    path = align(module, pom.parent)
    if seen.is_directory(path):
        path /= _POM
    if not seen.is_file(path):
        raise ProjectError(
            f"{pom}: Child module {path} of {pom} does not exist",
            hint=f"check the module out, or take <module>{module}</module> out of {pom}: Maven "
            "refuses it too",
        )
    return path


def not_packaged(model: EffectiveModel, file: RepositoryFile, wanted_by: str) -> NotPackagedError:
    """Return what to raise for a module that is needed, and neither packaged nor installed."""
    return NotPackagedError(
        f"{model.coordinates} is a module of the same build, and its file {file.path} is not "
        f"there ({wanted_by})",
        hint=f"package it first: mvn package -pl :{model.artifact} -am",
    )
