"""Changes to a finished plan: what Jib's own extensions do (``jib-plugins-and-cli`` §7).

Each is a function from plan to plan. As in Jib, directories that only follow from the files in
them are out of reach: they come anew, with default mode, time and owner.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from pyjib.errors import ConfigurationError, ProjectError
from pyjib.options import (
    DropDevtools,
    FilterLayers,
    SetOwnership,
    Transformation,
    UseNativeImage,
    UseQuarkusTree,
)
from pyjib.plan.extra_directories import LAYER_NAME
from pyjib.plan.java_glob import compile_glob
from pyjib.plan.model import BuildPlan, LayerEntry, LayerPlan
from pyjib.plan.paths import join
from pyjib.project.model import (
    DEPENDENCIES,
    PROJECT_DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    DiskFile,
    ProjectFile,
)

Found = Mapping[Transformation, Sequence[ProjectFile]]
"""What ``pyjib.project.read_transformation_files`` found for each transformation."""

_EXECUTABLE = 0o755


def transform(plan: BuildPlan, steps: Iterable[Transformation], found: Found) -> BuildPlan:
    """Apply ``steps`` in their order; layers without entries are dropped.

    Pure: ``found`` are the files that steps bring in. Raises ``ConfigurationError`` where Jib's
    extension refuses its configuration, and ``ProjectError`` if what it needs was not built.
    """
    for step in steps:
        match step:
            case FilterLayers():
                plan = _filter_layers(plan, step)
            case SetOwnership():
                plan = _set_ownership(plan, step)
            case DropDevtools():
                plan = _drop_devtools(plan)
            case UseNativeImage():
                plan = _use_native_image(plan, step, found.get(step, ()))
            case UseQuarkusTree():
                plan = _use_quarkus_tree(plan, step, found.get(step, ()))
    return plan


def _filter_layers(plan: BuildPlan, step: FilterLayers) -> BuildPlan:
    """Move what matches into new layers, which come after the others, or leave it out."""
    names = {layer.name for layer in plan.layers}
    for _, name in step.filters:
        if name in names:
            raise ConfigurationError(
                f"moving files into existing layer '{name}' is prohibited",
                hint="specify a new layer name in <toLayer>",
            )
    decide = _last_match(step.filters)
    moved: dict[str, list[LayerEntry]] = {name: [] for _, name in step.filters if name}
    layers = []
    for layer in plan.layers:
        kept = []
        for entry in layer.stated:
            destination = decide(entry.target)
            if destination is None:
                kept.append(entry)
            elif destination:
                moved[destination].append(entry)
        layers.append(LayerPlan.of(layer.name, kept))
    layers += [LayerPlan.of(name, entries) for name, entries in moved.items()]
    return _with_layers(plan, layers)


def _set_ownership(plan: BuildPlan, step: SetOwnership) -> BuildPlan:
    decide = _last_match(step.rules)

    def owned(entry: LayerEntry) -> LayerEntry:
        owner = decide(entry.target)
        return entry if owner is None else replace(entry, owner=owner)

    layers = (LayerPlan.of(layer.name, map(owned, layer.stated)) for layer in plan.layers)
    return _with_layers(plan, layers)


def _drop_devtools(plan: BuildPlan) -> BuildPlan:
    """Leave the jar out of ``dependencies``; the class path goes on naming it, as Jib's does."""
    return _with_layers(
        plan,
        (
            LayerPlan.of(layer.name, (entry for entry in layer.stated if not _is_devtools(entry)))
            if layer.name == DEPENDENCIES
            else layer
            for layer in plan.layers
        ),
    )


def _is_devtools(entry: LayerEntry) -> bool:
    name = entry.target.rpartition("/")[2]
    return name.startswith("spring-boot-devtools-") and name.endswith(".jar")


def _use_native_image(
    plan: BuildPlan, step: UseNativeImage, found: Sequence[ProjectFile]
) -> BuildPlan:
    if not found:
        raise ProjectError(
            f"Native-image executable does not exist or not a file: {step.executable}",
            hint="run the native-image goal first (mvn -Pnative package)",
        )
    target = join(step.app_root, step.name)
    entry = LayerEntry(target=target, source=DiskFile(step.executable), mode=_EXECUTABLE)
    plan = _with_layers(plan, [LayerPlan.of("native image", [entry]), *_extra_layers(plan)])
    return _with_entrypoint(plan, (target,)) if step.sets_entrypoint else plan


def _use_quarkus_tree(
    plan: BuildPlan, step: UseQuarkusTree, found: Sequence[ProjectFile]
) -> BuildPlan:
    """Lay out each directory in three layers of libraries, then the jar that starts it all."""
    runner = step.runner.relative_to(step.build_directory).as_posix()
    files = {file.path: file for file in found}
    if runner not in files:
        raise ProjectError(
            f"{step.runner} doesn't exist; did you run the Quarkus Maven plugin "
            "('compile' and 'quarkus:build' Maven goals)?",
            hint="build it first: mvn package",
        )
    layers = []
    for directory in step.directories:
        place = directory.relative_to(step.build_directory).as_posix()
        inside = [file for file in found if file.path.rpartition("/")[0] == place]
        layers += _library_layers(inside, step)
    target = join(step.app_root, step.runner_target)
    jar = LayerEntry(target=target, source=files[runner].source)
    layers += [LayerPlan.of("quarkus jar", [jar]), *_extra_layers(plan)]
    command = ("java", *step.jvm_flags, "-jar", target)
    return _with_entrypoint(_with_layers(plan, layers), command)


def _library_layers(files: Sequence[ProjectFile], step: UseQuarkusTree) -> list[LayerPlan]:
    groups: dict[str, list[LayerEntry]] = {
        name: [] for name in (DEPENDENCIES, SNAPSHOT_DEPENDENCIES, PROJECT_DEPENDENCIES)
    }
    for file in files:
        entry = LayerEntry(target=join(step.app_root, file.path), source=file.source)
        if file.source is None:
            entry = replace(entry, mode=_EXECUTABLE)
        groups[_group(file.path.rpartition("/")[2], step.module_files)].append(entry)
    return [LayerPlan.of(name, entries) for name, entries in groups.items()]


def _group(name: str, module_files: frozenset[str]) -> str:
    # Quarkus puts the group's name before that of a module's jar.
    if any(name.endswith(module) for module in module_files):
        return PROJECT_DEPENDENCIES
    return SNAPSHOT_DEPENDENCIES if "SNAPSHOT" in name else DEPENDENCIES


def _extra_layers(plan: BuildPlan) -> list[LayerPlan]:
    return [layer for layer in plan.layers if layer.name.startswith(LAYER_NAME)]


def _with_layers(plan: BuildPlan, layers: Iterable[LayerPlan]) -> BuildPlan:
    return replace(plan, layers=tuple(layer for layer in layers if layer.entries))


def _with_entrypoint(plan: BuildPlan, entrypoint: tuple[str, ...]) -> BuildPlan:
    return replace(plan, config=replace(plan.config, entrypoint=entrypoint))


def _last_match(rules: Sequence[tuple[str, str]]) -> Callable[[str], str | None]:
    compiled: list[tuple[re.Pattern[str], str]] = [
        (compile_glob(glob), value) for glob, value in reversed(rules)
    ]

    def decide(target: str) -> str | None:
        return next((value for glob, value in compiled if glob.fullmatch(target)), None)

    return decide
