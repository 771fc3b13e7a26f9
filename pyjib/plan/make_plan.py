"""Stage 2: from a project and options to a build plan, without asking anything else."""

from __future__ import annotations

from collections.abc import Sequence

from pyjib.errors import ConfigurationError
from pyjib.oci.location import LayoutLocation
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import LINUX_AMD64
from pyjib.options import BuildOptions, ExtraDirectory
from pyjib.plan.container_config import make_config
from pyjib.plan.entrypoint import Start, choose_entrypoint, start_of
from pyjib.plan.extra_directories import extra_layers
from pyjib.plan.java_layout import archive_layout, class_path_layout
from pyjib.plan.layout import Layout
from pyjib.plan.model import BuildPlan, LayerRecipe
from pyjib.plan.quarkus_layout import quarkus_layout
from pyjib.plan.war_layout import war_layout
from pyjib.project.model import Project, ProjectFile

_LEVELS = {
    Compression.NONE: range(0),
    Compression.GZIP: range(10),
    Compression.ZSTD: range(1, 23),
}


def make_plan(
    project: Project,
    options: BuildOptions,
    extras: Sequence[tuple[ExtraDirectory, tuple[ProjectFile, ...]]],
) -> BuildPlan:
    """Decide everything about the image.

    ``extras`` are the extra directories as ``pyjib.project.read_extras`` found them; those of
    ``options`` are not looked at. No file is opened, and nothing but the arguments is asked
    (a library's size only where two have one file name). Raises ``ConfigurationError`` for
    options that cannot be, ``MainClassError`` if the main class is not clear, and
    ``ProjectError`` if what the mode needs was not built.
    """
    layout = _lay_out(project, options)
    layers = (*layout.layers, *extra_layers(extras, options.permissions, options.file_time))
    return BuildPlan(
        base=layout.base,
        platforms=tuple(dict.fromkeys(options.platforms)) or (LINUX_AMD64,),
        layers=tuple(layer for layer in layers if layer.entries),
        config=make_config(options, choose_entrypoint(options, layout.command)),
        created=options.created,
        format=_format(options),
        identity=options.identity,
        recipe=_recipe(options),
        java_version=project.java_version,
    )


def _lay_out(project: Project, options: BuildOptions) -> Layout:
    match start_of(project, options):
        case Start.CLASS_PATH:
            return class_path_layout(project, options)
        case Start.ARCHIVE:
            return archive_layout(project, options)
        case Start.LAUNCHER:
            return quarkus_layout(project, options)
        case Start.SERVER:
            return war_layout(project, options)


def _format(options: BuildOptions) -> ImageFormat:
    is_zstd = options.compression.method is Compression.ZSTD
    if options.format is None:
        # Readers of OCI layouts find no Docker manifests there (skopeo and umoci, for two).
        to_layout = any(isinstance(target, LayoutLocation) for target in options.targets)
        return ImageFormat.OCI if is_zstd or to_layout else ImageFormat.DOCKER
    if is_zstd and options.format is ImageFormat.DOCKER:
        raise ConfigurationError(
            "Docker's image format has no layers compressed by zstd",
            hint="add --format oci, or leave out --compression zstd",
        )
    return options.format


def _recipe(options: BuildOptions) -> LayerRecipe:
    method, level = options.compression.method, options.compression.level
    if level is not None and level not in _LEVELS[method]:
        levels = _LEVELS[method]
        raise ConfigurationError(
            f"{method} has no compression level {level}",
            hint=f"use one from {levels[0]} to {levels[-1]}" if levels else "leave it out",
        )
    return LayerRecipe(
        compression=method,
        level=level,
        time_records=options.identity.time_records,
        gzip_os=options.identity.gzip_os,
    )
