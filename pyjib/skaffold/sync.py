"""What ``_skaffold-sync-map`` says: which file of the project is which in the container."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pyjib.errors import ConfigurationError
from pyjib.oci.json import Json
from pyjib.options import Mode
from pyjib.plan.model import BuildPlan, LayerPlan
from pyjib.project.model import (
    DEPENDENCIES,
    PROJECT_DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    DiskFile,
    Project,
)
from pyjib.skaffold.documents import sync_document

_GENERATED = (PROJECT_DEPENDENCIES, "resources", "classes")
_NEVER = (DEPENDENCIES, "jvm arg files")
_LIBRARIES = (PROJECT_DEPENDENCIES, SNAPSHOT_DEPENDENCIES)


def check_syncable(name: str, packaging: str, mode: Mode) -> None:
    """Raise ``ConfigurationError`` for what Jib syncs nothing of: all but exploded jars."""
    if packaging != "jar":
        raise ConfigurationError(
            "Skaffold sync is currently only available for 'jar' style Jib projects, but the "
            f"packaging of {name} is {packaging!r}",
            hint="take `sync` out of skaffold.yaml for this artifact",
        )
    if mode is not Mode.EXPLODED:
        raise ConfigurationError(
            "Skaffold sync is currently only available for Jib projects in 'exploded' "
            f"containerizing mode, but the containerizing mode of {name} is {mode.value!r}",
            hint="take containerizingMode out of Jib's configuration, or `sync` out of "
            "skaffold.yaml",
        )


def sync_map(plan: BuildPlan, project: Project, excludes: Iterable[Path] = ()) -> Json:
    """Return the files of a plan, without ``excludes`` and what is in such directories.

    Released libraries and argument files change with the build's definition only, and are left
    out.
    """
    excluded = frozenset(_files(excludes))
    generated: list[tuple[str, str]] = []
    direct: list[tuple[str, str]] = []
    for layer in plan.layers:
        if layer.name in _NEVER:
            continue
        pairs = generated if layer.name in _GENERATED else direct
        pairs += _pairs(layer, project, excluded)
    return sync_document(generated, direct)


def _pairs(
    layer: LayerPlan, project: Project, excluded: frozenset[Path]
) -> Iterator[tuple[str, str]]:
    found = [
        (entry.source.path.absolute(), entry.target)
        for entry in layer.files
        if isinstance(entry.source, DiskFile)
    ]
    if layer.name in _LIBRARIES:  # these Jib lists in the order of the class path
        sources = (dependency.source for dependency in project.dependencies)
        paths = [source.path.absolute() for source in sources if isinstance(source, DiskFile)]
        places = {path: at for at, path in enumerate(paths)}
        found.sort(key=lambda pair: places.get(pair[0], len(places)))
    for path, target in found:
        if path not in excluded:
            yield str(path), target


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from (found for found in path.rglob("*") if found.is_file())
