"""``pyjib init``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from pyjib.cli import options as shared
from pyjib.cli.command import Command, Group, Option
from pyjib.cli.messages import say, tell
from pyjib.destination.files import replacing
from pyjib.errors import ConfigurationError
from pyjib.project.gradle import SCRIPT_NAME, TASK, init_script

GRADLE_EXAMPLES = """
# Once, beside settings.gradle; then ./gradlew -I pyjib.init.gradle pyjibClasspath
pyjib init gradle

# From then on, until the build scripts change
pyjib build --to team/app
"""


@click.group("init", cls=Group)
def init_group() -> None:
    """Set a project up for pyjib: the init script for Gradle."""


@init_group.command(
    "gradle",
    cls=Command,
    examples=GRADLE_EXAMPLES,
    params=[
        click.Argument(
            ["directory"],
            type=click.Path(path_type=Path, file_okay=False),
            default=Path(),
            metavar="[DIR]",
        ),
        Option("--force", is_flag=True, help="Write over a script that was changed."),
        shared.DEBUG,
    ],
)
def init_gradle_command(directory: Path, *, force: bool) -> None:
    """Write an init script for Gradle, which tells pyjib what only Gradle knows.

    Its task compiles each project with Java and writes build/pyjib/classpath.json: class path,
    main class, Java version, and what the Jib plugin is told. Passwords are left out. stdout has
    the script's path. DIR is the working directory if it is left out.
    """
    if not directory.is_dir():
        raise ConfigurationError(f"there is no directory {directory}")
    path = directory / SCRIPT_NAME
    data = init_script().encode()
    if path.is_file() and path.read_bytes() != data and not force:
        raise ConfigurationError(
            f"{path} is there and is another script",
            hint="pass --force to write over it, for example after an upgrade of pyjib",
        )
    with replacing(path) as file:
        file.write(data)
    wrapper = directory / "gradlew"
    gradle = "./gradlew" if wrapper.is_file() else "gradle"
    where = "now run" if directory == Path() else f"now run, in {directory}"
    tell(f"{where}: {shlex.join([gradle, '-I', SCRIPT_NAME, TASK])}")
    say(str(path))
