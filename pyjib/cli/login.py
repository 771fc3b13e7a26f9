"""``pyjib login`` and ``pyjib logout``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from pyjib.cli import options as shared
from pyjib.cli import output as outputs
from pyjib.cli import values
from pyjib.cli.command import Command, Option
from pyjib.cli.doctor import examine, show
from pyjib.cli.environment import is_terminal, read_host, read_password
from pyjib.cli.interrupts import run_cancellable
from pyjib.cli.messages import tell, tell_of, visible
from pyjib.cli.read_options import read_registry
from pyjib.errors import ConfigurationError
from pyjib.oci.reference import DOCKER_HUB
from pyjib.options import HostEnvironment, Login, RegistryOptions
from pyjib.registry.login.keeping import Kept, login, logout
from pyjib.registry.login.verdict import Question

REGISTRY = click.Argument(
    ["registry"],
    type=shared.Text("registry", values.parse_registry),
    default=DOCKER_HUB,
    metavar="[REGISTRY]",
)

LOGIN_EXAMPLES = """
# To Docker Hub; the password is asked for
pyjib login -u objectworld

# To another registry, from a script
pyjib login ghcr.io -u me --password-stdin < token.txt

# Which login would a build use, and is it good?
pyjib login --check ghcr.io

# Is this one good? It is not kept
pyjib login --check ghcr.io -u me --password-stdin < token.txt
"""


@click.command(
    cls=Command,
    examples=LOGIN_EXAMPLES,
    params=[
        REGISTRY,
        Option("-u", "--username", metavar="USER", help="The user; asked for if left out."),
        Option(
            "--password-stdin",
            is_flag=True,
            help="Read the password from standard input instead of asking for it.",
        ),
        Option(
            "--check",
            is_flag=True,
            help="Do not log in: tell where a login is found, and whether the registry takes it.",
        ),
        *shared.CONNECTION,
        shared.JSON,
        outputs.QUIET,
        shared.DEBUG,
    ],
)
@click.pass_context
def login_command(ctx: click.Context, /, registry: str, **given: Any) -> None:
    """Log in to a registry, Docker Hub if none is named.

    The login is tried, then kept where Docker keeps its own: in the credential helper that
    Docker's config.json names, else in that file. Docker and Podman can use it too.
    With --auth-file it is kept in that file instead, which need not be there yet.

    With --check nothing is kept or changed: the login that -u gives is tried, else the one that a
    build would find. It ends with 0 if the registry takes it, or asks for none, with 1 if not, and
    with 3 if the registry does not tell; the last line says why. Whether that may push is for
    `pyjib doctor` to tell.
    """
    host = read_host()
    if given["check"]:
        options = _with_given(registry, read_registry(given), given)
        ctx.exit(_check(registry, options, host, as_json=given["as_json"]))
    if given["as_json"]:
        raise ConfigurationError("--json is for what --check finds", hint="add --check")
    options = _read_for_keeping(given)
    username = given["username"] or _ask_username(registry, from_stdin=given["password_stdin"])
    password = _password_of(username, registry, given)
    output = outputs.output_of(ctx, given)
    kept = run_cancellable(
        lambda cancellation: login(
            registry,
            username,
            password,
            options=options,
            host=host,
            listener=output,
            cancellation=cancellation,
        )
    )
    if not given["quiet"]:
        _tell_kept(kept, username)


@click.command(
    cls=Command,
    examples="""
# Forget the login to Docker Hub
pyjib logout

# Forget another
pyjib logout ghcr.io
""",
    params=[REGISTRY, *shared.AUTH_FILE, outputs.QUIET, shared.DEBUG],
)
def logout_command(registry: str, *, auth_file: Path | None, quiet: bool) -> None:
    """Forget the login to a registry, Docker Hub if none is named.

    With --auth-file it is forgotten in that file, and in no other.
    """
    host = read_host()
    forgotten = run_cancellable(
        lambda cancellation: logout(registry, host=host, file=auth_file, cancellation=cancellation)
    )
    if not quiet:
        was = "there was no login" if forgotten is None else f"forgot the login in {forgotten}"
        tell(visible(f"{registry}: {was}"))


def _check(registry: str, options: RegistryOptions, host: HostEnvironment, *, as_json: bool) -> int:
    found = examine(registry, None, options, host)
    return show(found, Question.LOGIN, as_json=as_json)


def _read_for_keeping(given: Mapping[str, Any]) -> RegistryOptions:
    """Return options for a login that is to be kept, in a file that may not be there yet."""
    file: Path | None = given["auth_file"]
    if file is None or not _is_absent(file):
        return read_registry(given)
    return replace(read_registry({**given, "auth_file": None}), auth_file=file)


def _is_absent(file: Path) -> bool:
    try:
        return not file.exists()
    except OSError:
        return False


def _with_given(
    registry: str, options: RegistryOptions, given: Mapping[str, Any]
) -> RegistryOptions:
    """Return options with the login that is given, which is the one to check."""
    username = given["username"]
    if not username and not given["password_stdin"]:
        return options
    if not username:
        raise ConfigurationError("whose login is it?", hint="add -u USER")
    password = _password_of(username, registry, given)
    tried = Login(registry=registry, username=username, password=password, source="--username")
    return replace(options, logins=(tried,))


def _password_of(username: str, registry: str, given: Mapping[str, Any]) -> str:
    return read_password(
        from_stdin=given["password_stdin"], prompt=f"Password of {username} at {registry}"
    )


def _ask_username(registry: str, *, from_stdin: bool) -> str:
    if from_stdin or not is_terminal(sys.stdin):
        raise ConfigurationError("whose login is it?", hint="add -u USER")
    answer: str = click.prompt(f"User at {registry}", err=True)
    return answer


def _tell_kept(kept: Kept, username: str) -> None:
    tell(visible(f"{kept.registry}: logged in as {username}, kept in {kept}"))
    if kept.helper is None:
        tell_of(
            "warning",
            "whoever can read that file can read the password",
            f"set credsStore in {Path(kept.file).name} to a helper such as pass, secretservice, "
            "osxkeychain or wincred",
        )
