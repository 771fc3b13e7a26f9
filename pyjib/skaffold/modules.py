"""Which modules of a Maven build are meant by a directory, in the order that Maven builds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pyjib.project.maven.model import Coordinates, EffectiveModel

_POM = "pom.xml"


def meant_modules(
    model: EffectiveModel, reactor: Iterable[EffectiveModel]
) -> tuple[EffectiveModel, ...]:
    """Return the modules that Skaffold has Maven look at for the project of ``model``.

    These are all below it if it lists modules. Else they are the project and those of its
    reactor that it is built from (``--projects MODULE --also-make``).
    """
    ordered = build_order((*reactor, model))
    if model.modules:
        by_pom = {found.pom.resolve(): found for found in ordered}
        chosen = {found.pom for found in _below(model, by_pom, set())}
    else:
        known = {found.coordinates: found for found in ordered}
        chosen = {found.pom for found in _upstream(model, known, set())}
    return tuple(found for found in ordered if found.pom in chosen)


def build_order(models: Iterable[EffectiveModel]) -> tuple[EffectiveModel, ...]:
    """Sort as Maven's reactor does: each after what it is built from, else as they are listed."""
    known: dict[Coordinates, EffectiveModel] = {}
    for model in models:
        known.setdefault(model.coordinates, model)
    seen: set[Coordinates] = set()
    return tuple(found for model in known.values() for found in _upstream(model, known, seen))


def _upstream(
    model: EffectiveModel,
    known: Mapping[Coordinates, EffectiveModel],
    seen: set[Coordinates],
) -> Iterator[EffectiveModel]:
    """Yield what a module is built from, however far away, each before its users; itself last.

    What was ``seen`` is left out, and added to that is what is not.
    """
    if model.coordinates in seen:
        return
    seen.add(model.coordinates)
    for coordinates in _needs(model):
        if coordinates in known:
            yield from _upstream(known[coordinates], known, seen)
    yield model


def _needs(model: EffectiveModel) -> Iterator[Coordinates]:
    for dependency in model.dependencies:
        if dependency.version is not None:
            yield Coordinates(dependency.group, dependency.artifact, dependency.version)
    parent = [model.facts.get(f"parent.{name}") for name in ("groupId", "artifactId", "version")]
    if all(parent):
        yield Coordinates(*map(str, parent))
    for plugin in model.plugins:
        if plugin.version is not None:
            yield Coordinates(plugin.group, plugin.artifact, plugin.version)


def _below(
    model: EffectiveModel, by_pom: Mapping[Path, EffectiveModel], seen: set[Path]
) -> Iterator[EffectiveModel]:
    """Yield a module and all that it holds, each once."""
    if model.pom in seen:
        return
    seen.add(model.pom)
    yield model
    for name in model.modules:
        path = model.basedir / name
        found = by_pom.get((path / _POM if path.is_dir() else path).resolve())
        if found is not None:
            yield from _below(found, by_pom, seen)
