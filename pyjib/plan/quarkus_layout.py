"""The layout of Quarkus's fast-jar: its own tree, split by how often the parts change."""

from __future__ import annotations

from pyjib.options import BuildOptions
from pyjib.plan.base_image import default_base
from pyjib.plan.entrypoint import java_command
from pyjib.plan.layout import Layout, app_root, files_layer
from pyjib.plan.paths import join
from pyjib.project.model import Project

LAUNCHER = "quarkus-run.jar"


def quarkus_layout(project: Project, options: BuildOptions) -> Layout:
    """Lay out the ``quarkus-app`` directory as it is, one layer for each group of files.

    The launcher finds all else relative to itself, in both modes.
    """
    root = app_root(options)
    return Layout(
        base=default_base(project, options),
        layers=tuple(
            files_layer(group.name, root, group.files, options.file_time)
            for group in project.groups
        ),
        command=java_command(options, "-jar", join(root, project.launcher or LAUNCHER)),
    )
