"""Stage 2: from a project and options to a build plan, without asking anything else."""

from __future__ import annotations

from collections.abc import Sequence

from pyjib.options import BuildOptions, ExtraDirectory
from pyjib.plan.base_image import java_release
from pyjib.plan.container_config import make_config
from pyjib.plan.entrypoint import Start, choose_entrypoint, start_of
from pyjib.plan.extra_directories import extra_layers
from pyjib.plan.finish import make_format, make_platforms, make_recipe
from pyjib.plan.java_layout import archive_layout, class_path_layout
from pyjib.plan.layout import Layout
from pyjib.plan.model import BuildPlan
from pyjib.plan.quarkus_layout import quarkus_layout
from pyjib.plan.war_layout import war_layout
from pyjib.project.model import Project, ProjectFile


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
        platforms=make_platforms(options),
        layers=tuple(layer for layer in layers if layer.entries),
        config=make_config(options, choose_entrypoint(options, layout.command)),
        created=options.created,
        format=make_format(options),
        identity=options.identity,
        recipe=make_recipe(options),
        java_version=java_release(project, options),
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
