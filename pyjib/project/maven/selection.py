"""The modules of a build: one is chosen, as ``mvn -pl`` does, and all are checked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pyjib.errors import ConfigurationError, ProjectError
from pyjib.frozen import frozen
from pyjib.project.maven.effective import Outline
from pyjib.project.maven.model import Coordinates, EffectiveModel
from pyjib.project.maven.reactor import Reactor
from pyjib.project.maven.seen import absolute


@frozen
class Modules:
    """What an aggregator at ``root`` holds, itself among it."""

    root: Path
    reactor: Reactor

    @classmethod
    def of(cls, root: Path, reactor: Reactor) -> Modules:
        """Return the modules of the build that the POM in ``root`` is read with.

        Raises ``ProjectError`` for what Maven rejects in it.
        """
        if reactor.problem is not None:
            raise reactor.problem
        return cls(root=absolute(root), reactor=reactor)

    def models(self) -> Iterator[EffectiveModel]:
        """Yield the models of the modules below ``root``."""
        found = (self.reactor.model(outline.coordinates) for outline in self.reactor.outlines)
        yield from (model for model in found if model and self.root in (model.pom.parent.parents))

    def names(self, models: Iterable[EffectiveModel]) -> list[str]:
        """Return how modules are chosen: by their paths from the root."""
        return [_path(self.root, model.pom) for model in models]

    def check(self) -> None:
        """Raise ``ProjectError`` for modules that Maven does not build together."""
        seen: dict[Coordinates, Path] = {}
        for outline in self.reactor.outlines:
            other = seen.setdefault(outline.coordinates, outline.pom)
            if other != outline.pom:
                raise ProjectError(
                    f"Project '{outline.coordinates}' is duplicated in the reactor: {other} and "
                    f"{outline.pom}"
                )
        _reject_cycles(tuple(self.reactor.models()))


def select_module(modules: Modules, choice: str) -> Path:
    """Return the directory of the module meant by a path, ``group:artifact`` or ``:artifact``.

    A bare artifact will do where no path is of that name. Raises ``ConfigurationError``, which
    lists the modules.
    """
    outlines = modules.reactor.outlines
    found = [outline for outline in outlines if _is_meant(modules.root, outline, choice)]
    if not found:
        found = [outline for outline in outlines if outline.coordinates.artifact == choice]
    if len(found) == 1:
        return found[0].pom.parent
    if found:
        names = ", ".join(f"{outline.coordinates}" for outline in found)
        raise ConfigurationError(
            f"--module {choice} could be any of {names}",
            hint="write its path, or GROUP:ARTIFACT",
        )
    paths = [_path(modules.root, outline.pom) for outline in outlines if outline.packaging != "pom"]
    raise ConfigurationError(
        f"{modules.root} has no module {choice}",
        hint="leave --module out: it is a single project"
        if paths in ([], ["."])
        else f"the modules are {', '.join(paths)}",
    )


def _is_meant(root: Path, outline: Outline, choice: str) -> bool:
    group, colon, artifact = choice.partition(":")
    if colon:
        found = outline.coordinates
        return found.artifact == artifact and group in ("", found.group)
    path = Path(os.path.normpath(root / choice))
    return path in (outline.pom, outline.pom.parent)


def _path(root: Path, pom: Path) -> str:
    return Path(os.path.relpath(pom.parent, root)).as_posix()


def _reject_cycles(models: tuple[EffectiveModel, ...]) -> None:
    """Raise for modules that need each other, by dependencies, parents or plugins of the build."""
    known = {model.coordinates: model for model in models}
    done: set[Coordinates] = set()
    trail: list[Coordinates] = []

    def visit(coordinates: Coordinates) -> None:
        if coordinates in trail:
            chain = " --> ".join(map(str, (*trail[trail.index(coordinates) :], coordinates)))
            raise ProjectError(f"The projects in the reactor contain a cyclic reference: {chain}")
        if coordinates in done or coordinates not in known:
            return
        trail.append(coordinates)
        for dependency in known[coordinates].dependencies:
            visit(Coordinates(dependency.group, dependency.artifact, dependency.version or ""))
        trail.pop()
        done.add(coordinates)

    for model in models:
        visit(model.coordinates)
