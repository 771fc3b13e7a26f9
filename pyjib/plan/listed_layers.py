"""The second way into a plan: layers that the caller lists himself, as jib.yaml does.

Specification: ``jib-plugins-and-cli`` §4.2 (jib-cli's ``Layers``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pyjib.errors import ConfigurationError
from pyjib.frozen import frozen
from pyjib.oci.instant import EPOCH_PLUS_SECOND
from pyjib.oci.location import Scratch
from pyjib.options import BuildOptions, FileProperties, ListedCopy, ListedLayer
from pyjib.plan.container_config import make_config
from pyjib.plan.entrypoint import INHERIT
from pyjib.plan.finish import make_format, make_platforms, make_recipe
from pyjib.plan.java_glob import compile_glob
from pyjib.plan.model import DIRECTORY_MODE, FILE_MODE, BuildPlan, LayerEntry, LayerPlan
from pyjib.plan.paths import absolute_path, join
from pyjib.project.model import ProjectFile

ListedFiles = Mapping[ListedCopy, Sequence[ProjectFile]]
"""What ``pyjib.project.read_listed`` found for each copy."""


def plan_listed(options: BuildOptions, found: ListedFiles) -> BuildPlan:
    """Decide everything about an image of listed layers; pure.

    Raises ``ConfigurationError`` for options that cannot be.
    """
    layers = (list_layer(layer, found) for layer in options.layers or ())
    return BuildPlan(
        base=options.base or Scratch(),
        platforms=make_platforms(options),
        layers=tuple(layer for layer in layers if layer.entries),
        config=make_config(options, None if options.entrypoint == INHERIT else options.entrypoint),
        created=options.created,
        format=make_format(options),
        identity=options.identity,
        recipe=make_recipe(options),
    )


def list_layer(layer: ListedLayer, found: ListedFiles) -> LayerPlan:
    """Lay one layer out, copy after copy; of two files at one place the first counts."""
    entries = (entry for copy in layer.copies for entry in _entries(copy, found[copy]))
    return LayerPlan.of(layer.name, entries)


def _entries(copy: ListedCopy, files: Sequence[ProjectFile]) -> Iterator[LayerEntry]:
    make = _Maker.of(copy)
    if len(files) == 1 and files[0].source is not None:
        if copy.includes or copy.excludes:
            raise ConfigurationError(
                f"Cannot apply includes/excludes on single file copy directives: {copy.shown}",
                hint="take them out, or name the directory in src",
            )
        target = join(make.target, files[0].path) if copy.target.endswith("/") else make.target
        yield make.entry(target, files[0])
        return
    kept = [file for file in files if _is_kept(copy, file)]
    added = {file.path for file in kept if file.source is None}
    for file in kept:
        if file.source is not None:
            # What was left out comes back, the nearest directory first, if something is in it.
            for parent in _parents(file.path):
                if parent in added:
                    break
                added.add(parent)
                yield make.entry(make.place(parent), ProjectFile(path=parent))
        yield make.entry(make.place(file.path), file)


def _is_kept(copy: ListedCopy, file: ProjectFile) -> bool:
    """Ask the globs, which match the whole path: where the source is, and what follows in it."""
    path = f"{copy.shown.rstrip('/')}/{file.path}" if file.path else copy.shown
    if any(_glob(glob).fullmatch(path) for glob in copy.excludes):
        return False
    return not copy.includes or any(_glob(glob).fullmatch(path) for glob in copy.includes)


def _glob(glob: str) -> re.Pattern[str]:
    return compile_glob(f"{glob}**" if glob.endswith("/") else glob)


def _parents(path: str) -> list[str]:
    """Return the directories that a path lies in, the nearest first and the root last."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:depth]) for depth in range(len(parts), -1, -1)]


@frozen
class _Maker:
    """Makes the entries of one copy, all with the same properties."""

    target: str
    properties: FileProperties

    @classmethod
    def of(cls, copy: ListedCopy) -> _Maker:
        return cls(target=absolute_path(copy.target, "dest", "dest:"), properties=copy.properties)

    def place(self, path: str) -> str:
        return join(self.target, path) if path else self.target

    def entry(self, target: str, file: ProjectFile) -> LayerEntry:
        properties = self.properties
        is_directory = file.source is None
        mode = properties.directory_mode if is_directory else properties.file_mode
        default = DIRECTORY_MODE if is_directory else FILE_MODE
        group = "" if properties.group is None else f":{properties.group}"
        return LayerEntry(
            target=target,
            source=file.source,
            mode=default if mode is None else mode,
            mtime=EPOCH_PLUS_SECOND if properties.time is None else properties.time,
            owner=f"{properties.user or ''}{group}",
        )
