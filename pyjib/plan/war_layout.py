"""The layout of wars that a servlet container of the base image runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pyjib.options import BuildOptions, Mode
from pyjib.plan.base_image import jetty_base
from pyjib.plan.entrypoint import jetty_command
from pyjib.plan.layout import (
    Layout,
    app_root,
    archive_layer,
    files_layer,
    library_layers,
    name_libraries,
)
from pyjib.plan.model import LayerPlan
from pyjib.plan.paths import join
from pyjib.project.model import (
    DEPENDENCIES,
    PROJECT_DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    Dependency,
    Project,
)

JETTY_ROOT = "/var/lib/jetty/webapps/ROOT"


def war_layout(project: Project, options: BuildOptions) -> Layout:
    """Lay a war out where the server looks: in a directory, or packaged as ``APP_ROOT.war``.

    Exploded, it has Jib's layers: libraries by group, resources, classes. The command is
    Jetty's with the default base; any other base is taken to start its server by itself.
    """
    root = app_root(options, JETTY_ROOT)
    time = options.file_time
    layers: tuple[LayerPlan, ...]
    if options.mode is Mode.PACKAGED:
        layers = (archive_layer("war", f"{root}.war", project, time),)
    else:
        libraries = name_libraries(_dependencies(project, options))
        layers = (
            *library_layers(project, libraries, join(root, "WEB-INF/lib"), time),
            files_layer("resources", root, project.resources, time),
            files_layer("classes", root, project.classes, time),
        )
    return Layout(
        base=options.base or jetty_base(),
        layers=layers,
        command=jetty_command(options) if options.base is None else None,
    )


def _dependencies(project: Project, options: BuildOptions) -> Sequence[Dependency]:
    """Return the libraries; for Jib grouped as it groups them, by their file names alone.

    There a snapshot of a module of the same build lies in two layers, and so counts as two of
    one name.
    """
    if not options.identity.is_jib:
        return project.dependencies
    grouped = []
    for library in project.dependencies:
        is_snapshot, is_module = "SNAPSHOT" in library.name, library.group == PROJECT_DEPENDENCIES
        groups = [SNAPSHOT_DEPENDENCIES] if is_snapshot else []
        groups += [PROJECT_DEPENDENCIES] if is_module else []
        grouped += [replace(library, group=group) for group in groups or [DEPENDENCIES]]
    return grouped
