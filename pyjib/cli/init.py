"""``pyjib init``."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from pyjib.cli import options as shared
from pyjib.cli.command import Command, Group, Option
from pyjib.cli.messages import say, tell
from pyjib.destination.files import cannot_write, replacing
from pyjib.errors import ConfigurationError
from pyjib.project.gradle import SCRIPT_NAME, TASK, init_script

_DIRECTORY = click.Argument(
    ["directory"],
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="[DIR]",
)
GRADLE_EXAMPLES = """
# Once, beside settings.gradle; then ./gradlew -I pyjib.init.gradle pyjibClasspath
pyjib init gradle

# From then on, until the build scripts change
pyjib build --to team/app
"""


@click.group("init", cls=Group)
def init_group() -> None:
    """Set a project up for pyjib: the init script for Gradle, keys for a layer index."""


@init_group.command(
    "gradle",
    cls=Command,
    examples=GRADLE_EXAMPLES,
    params=[
        _DIRECTORY,
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
        raise ConfigurationError(
            f"there is no directory {directory}", hint="name that of the Gradle project"
        )
    path = directory / SCRIPT_NAME
    data = init_script().encode()
    if not force and _is_another(path, data):
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


def _is_another(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() != data
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}, which is there already: {error.strerror or error}"
        ) from None


KEY_EXAMPLES = """
# Once; the private key becomes a secret of the CI, the public one a file of the project
pyjib init layer-index-key

# In CI, with PYJIB_LAYER_INDEX_KEY set where the main branch is built, and there alone
pyjib build --to registry.example.com/team/app:main --layer-index-key layer-index.pub
"""


@init_group.command(
    "layer-index-key",
    cls=Command,
    examples=KEY_EXAMPLES,
    params=[
        _DIRECTORY,
        shared.DEBUG,
    ],
)
def init_layer_index_key_command(directory: Path) -> None:
    """Make a pair of keys for a signed layer index: layer-index.key and layer-index.pub.

    They are Ed25519 keys in PEM form. The first is private, and can be read by its owner alone;
    files that are there are left alone. stdout has the public key's path. DIR is the working
    directory if it is left out.
    """
    from pyjib.layer_index.keys import private_pem, public_pem  # noqa: PLC0415  for this alone
    from pyjib.layer_index.signing import make_private_key, public_key  # noqa: PLC0415  as above

    private, public = directory / "layer-index.key", directory / "layer-index.pub"
    if public.exists():
        raise _is_there(public)
    key = make_private_key()
    _write_new(private, private_pem(key), 0o600)
    _write_new(public, public_pem(public_key(key)), 0o666)
    tell(
        f"keep {private} secret: give it to the CI that builds the main branch, as "
        "PYJIB_LAYER_INDEX_KEY, then delete it here"
    )
    say(str(public))


def _write_new(path: Path, text: str, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with os.fdopen(os.open(path, flags, mode), "w", encoding="ascii", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise _is_there(path) from None
    except OSError as error:
        raise cannot_write(path, error) from None


def _is_there(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is there already",
        hint="keys are not written over: move it away, or name another directory",
    )
