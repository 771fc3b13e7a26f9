"""What the machine says: variables, home, clock and terminal. Read here and nowhere else."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import click

from pyjib.errors import ConfigurationError
from pyjib.oci.instant import Instant
from pyjib.options import HostEnvironment

CACHE_VARIABLE = "PYJIB_CACHE"


def read_host() -> HostEnvironment:
    """Return the environment variables and the home directory of this process."""
    try:
        return HostEnvironment.of(os.environ)
    except RuntimeError:  # a user without an entry in passwd and without HOME, as in containers
        # Not the working directory: a login there may be anybody's.
        return HostEnvironment.of(os.environ, Path(os.sep))


def now() -> Instant:
    """Return the present."""
    return Instant(time.time_ns())


def source_date_epoch(host: HostEnvironment) -> Instant | None:
    """Return what ``SOURCE_DATE_EPOCH`` says, ``None`` if it is not set.

    Raises ``ConfigurationError`` unless it is a whole number of seconds (the specification of
    reproducible-builds.org, §4).
    """
    text = host.get("SOURCE_DATE_EPOCH")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 11):
        raise ConfigurationError(
            f"SOURCE_DATE_EPOCH is {text[:40]!r}, which is no number of seconds",
            hint="set it to seconds since 1970, for example $(git log -1 --format=%ct)",
        )
    return Instant.of_seconds(int(text))


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a stream is a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def colour(stream: TextIO | None, variables: Mapping[str, str] | None = None) -> bool:
    """Tell whether a stream is to have colours: a terminal that is not told otherwise."""
    told = os.environ if variables is None else variables
    return is_terminal(stream) and not told.get("NO_COLOR") and told.get("TERM") != "dumb"


def can_move(stream: TextIO | None, variables: Mapping[str, str] | None = None) -> bool:
    """Tell whether lines of a stream can be drawn anew: a colour terminal outside of CI."""
    told = os.environ if variables is None else variables
    in_ci = told.get("CI", "").lower() not in ("", "0", "false")
    return colour(stream, told) and not in_ci


def read_password(*, from_stdin: bool, prompt: str = "Password") -> str:
    """Read a password from standard input, or ask for it without showing it.

    Raises ``ConfigurationError`` where there is none, and where nobody can be asked.
    """
    if from_stdin:
        return _password_from_stdin()
    if not is_terminal(sys.stdin):
        raise ConfigurationError(
            "there is no terminal to ask for a password on",
            hint="pipe it in with --password-stdin",
        )
    answer: str = click.prompt(prompt, hide_input=True, err=True)
    return answer


def _password_from_stdin() -> str:
    if sys.stdin is None or is_terminal(sys.stdin):
        raise ConfigurationError(
            "--password-stdin, and nothing is piped into standard input",
            hint="write for example: pyjib login -u USER --password-stdin < password.txt",
        )
    try:
        text = sys.stdin.read(_LONGEST_PASSWORD + 3)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read the password from standard input: {error}") from None
    # PowerShell may put a byte order mark before what it pipes.
    password = text.removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
    if not password or len(password) > _LONGEST_PASSWORD or "\n" in password:
        raise _no_password(password)
    return password


def _no_password(text: str) -> ConfigurationError:
    """Return the error for what is no password; most often a variable of a CI is not there."""
    if not text:
        return ConfigurationError(
            "--password-stdin: what came from standard input is empty",
            hint="check the variable or the file that it comes from: CIs leave secrets out of jobs "
            "that may not see them, such as those of forks",
        )
    return ConfigurationError(
        "--password-stdin: what came from standard input is not one line of a password's length",
        hint="pipe in the password or token alone, on one line",
    )


_LONGEST_PASSWORD = 64 * 1024  # tokens of cloud registries have several thousand characters
