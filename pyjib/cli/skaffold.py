"""``pyjib skaffold``: what Jib's plugin tells Skaffold, without Maven."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pyjib.build import plan
from pyjib.cli import jib_options
from pyjib.cli import options as shared
from pyjib.cli import output as outputs
from pyjib.cli.command import Command, Group, Option
from pyjib.cli.configured import read_maven_choice
from pyjib.cli.environment import now, read_host
from pyjib.cli.messages import json_text, say
from pyjib.configure import MavenChoice, configure
from pyjib.errors import ConfigurationError
from pyjib.events import Listener
from pyjib.jib.pom import find_plugin, release_of
from pyjib.jib.properties import Properties
from pyjib.jib.to_options import Given
from pyjib.oci.json import Json
from pyjib.options import BuildOptions
from pyjib.project.gradle import COMMAND, GradleProject, open_gradle_project
from pyjib.project.maven.model import EffectiveModel
from pyjib.project.maven.project import MavenProject, open_maven_project
from pyjib.project.maven.selection import Modules, select_module
from pyjib.project.maven.worked_out import POM
from pyjib.project.model import unreadable
from pyjib.skaffold import announce, files_document, init_document, path_list
from pyjib.skaffold.documents import SYNC_MARKER
from pyjib.skaffold.maven import described_module, target_image, watched_files
from pyjib.skaffold.modules import meant_modules
from pyjib.skaffold.sync import check_syncable, sync_map

_OPTIONS = [
    Option(
        "--module",
        metavar="MODULE",
        type=shared.WORD,
        section=jib_options.SECTION,
        help="The module of those that the pom in DIR holds, as mvn -pl names it: its path, "
        ":ARTIFACT or GROUP:ARTIFACT.",
    ),
    *(option for option in jib_options.OPTIONS if option.name in ("define", "profile")),
    outputs.QUIET,
    shared.DEBUG,
]
_PATH = click.Argument(
    ["path"],
    type=click.Path(path_type=Path, file_okay=False, readable=False),
    default=Path(),
    metavar="[DIR]",
)


@click.group("skaffold", cls=Group)
def skaffold_group() -> None:
    """Tell Skaffold what Jib's plugin tells it: inputs, image names, files to sync."""


@skaffold_group.command(
    "files",
    cls=Command,
    params=[
        _PATH,
        Option(
            "--list",
            "as_list",
            is_flag=True,
            help="Print a JSON list of paths instead, for dependencies.command of a custom builder.",
        ),
        *_OPTIONS,
    ],
    examples="""
# What to watch, as mvn jib:_skaffold-files-v2 prints it
pyjib skaffold files app
""",
)
def files_command(path: Path, *, as_list: bool, **given: Any) -> None:
    """Print which files a build depends on, as jib:_skaffold-files-v2 does.

    DIR is a project of Maven, or of Gradle after its init script ran. A module is told together
    with those modules of the same build that it is made from; a project that only holds modules,
    with all of them.
    """
    document = _files_document(_open(path, _choice(given)))
    say(json_text(path_list(document)) if as_list else announce(document))


def _files_document(project: MavenProject | GradleProject) -> Json:
    if isinstance(project, GradleProject):
        return files_document(*map(project.told_skaffold, ("build", "inputs", "ignore")))
    return watched_files(
        _modules(project),
        properties=lambda model: _properties(project, model),
        snapshots=project.resolver().snapshots,
    )


@skaffold_group.command(
    "init",
    cls=Command,
    params=[_PATH, *_OPTIONS],
    examples="""
# Which images this build makes, as mvn jib:_skaffold-init prints it
pyjib skaffold init
""",
)
def init_command(path: Path, **given: Any) -> None:
    """Print the name and the image of each module, as jib:_skaffold-init does.

    DIR is a project of Maven, or of Gradle after its init script ran. Modules that only hold
    others are left out.
    """
    choice = _choice(given)
    project = _open(path, choice)
    if isinstance(project, GradleProject):
        if not project.skaffold.get("holdsOthers"):
            found = configure(path, Given.of(BuildOptions(host=read_host())), choice).configuration
            name = project.skaffold.get("name")
            image = found.to_image if found is not None else None
            say(announce(init_document(image, str(name) if name else None)))
        return
    modules = _modules(project) if project.model.modules else (project.model,)
    for model in modules:
        image = target_image(model, _properties(project, model))
        document = described_module(model, image)
        if document is not None:
            say(announce(document))


@skaffold_group.command(
    "sync-map",
    cls=Command,
    params=[_PATH, *_OPTIONS],
    examples="""
# Which file is which in the container, as mvn jib:_skaffold-sync-map prints it
pyjib skaffold sync-map app
""",
)
@click.pass_context
def sync_map_command(ctx: click.Context, /, path: Path, **given: Any) -> None:
    """Print where a project's files are in its container, as jib:_skaffold-sync-map does.

    DIR is a compiled project of Maven or Gradle. Files of a build (classes, resources, jars of
    other modules) are "generated"; those that lie ready, as extra directories, are "direct".
    """
    document = _sync_document(path, _choice(given), outputs.output_of(ctx, given))
    if document is not None:
        say(announce(document, SYNC_MARKER))


def _sync_document(path: Path, choice: MavenChoice, listener: Listener) -> Json | None:
    given = Given.of(BuildOptions(host=read_host()), now=now())
    configured = configure(path, given, choice)
    for warning in configured.warnings:
        listener(warning)
    if configured.skipped is not None:
        return None
    module = configured.module
    name, packaging = (module.artifact, module.packaging) if module else (str(path), "jar")
    check_syncable(name, packaging, configured.options.mode)
    # Jib's extensions have no say here.
    options = replace(configured.options, transformations=())
    planned = plan(options, path=path, read=configured.read, listener=listener)
    if planned.project is None:
        raise ConfigurationError(f"{path} is no project", hint="name a project's directory")
    excludes = configured.configuration.sync_excludes if configured.configuration else ()
    return sync_map(planned.plan, planned.project, excludes)


def _choice(given: dict[str, Any]) -> MavenChoice:
    return read_maven_choice({"maven_scope": None, "jib_execution": None, **given})


def _open(path: Path, choice: MavenChoice) -> MavenProject | GradleProject:
    try:
        return _find(path, choice)
    except OSError as error:  # whether a file is there cannot be told below a closed directory
        raise unreadable(Path(error.filename or path), error) from None


def _find(path: Path, choice: MavenChoice) -> MavenProject | GradleProject:
    if (path / POM).is_file():
        maven = _open_maven(path, choice)
        if choice.module is None:
            return maven
        module = select_module(Modules.of(path, maven.reactor), choice.module)
        return _open_maven(module, choice)
    if not path.is_dir():
        raise ConfigurationError(
            f"there is no directory {path}", hint="name that of a Maven or Gradle project"
        )
    project = open_gradle_project(path)
    if project is None:
        raise ConfigurationError(
            f"{path} is no Maven project, and nothing is known of it from Gradle",
            hint=f"for Gradle, run `pyjib init gradle`, and then {COMMAND}",
        )
    return project


def _open_maven(path: Path, choice: MavenChoice) -> MavenProject:
    return open_maven_project(
        path, host=read_host(), arguments=choice.arguments, scope=choice.scope
    )


def _modules(project: MavenProject) -> tuple[EffectiveModel, ...]:
    return meant_modules(project.model, project.reactor.models())


def _properties(project: MavenProject, model: EffectiveModel) -> Properties:
    plugin = find_plugin(model)
    return Properties(
        user=project.session.user_properties,
        model=model.properties,
        system=project.session.system_properties,
        release=release_of(plugin.version if plugin else None),
    )
