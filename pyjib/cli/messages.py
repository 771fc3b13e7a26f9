"""Words to people: results on stdout, everything else on stderr."""

from __future__ import annotations

import errno
import os
import sys
from typing import IO

import click

from pyjib.cli.environment import colour
from pyjib.errors import DestinationError
from pyjib.oci.json import dump_names
from pyjib.patterns import late

_COLOURS = {"error": "red", "warning": "yellow", "hint": "cyan"}
_CONTROL = late(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class OutputClosedError(Exception):
    """Whoever read our stdout went away."""


def visible(text: str) -> str:
    """Show control characters as escapes: what servers and files say must not drive a terminal."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def say(text: str) -> None:
    """Write a result and a line's end to stdout, as UTF-8 whatever the locale.

    Raises ``OutputClosedError`` if nobody reads it any more, ``DestinationError`` if it cannot
    be written, as where the process was started without one.
    """
    write_out(text.encode("utf-8", "surrogateescape") + b"\n")


def json_text(value: object) -> str:
    r"""Return a value as JSON, in which bytes of files' names that are no UTF-8 are ``\udcXX``."""
    return dump_names(value)


def write_out(data: bytes) -> None:
    """Write bytes to stdout; raises like ``say``."""
    check_stdout()
    try:
        click.echo(data, nl=False)
    except OSError as error:
        drop(sys.stdout)
        # Windows has another word for a pipe that nobody reads.
        if isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL):
            raise OutputClosedError from None
        raise DestinationError(
            f"cannot write to standard output: {error.strerror or error}"
        ) from None


def check_stdout() -> None:
    """Raise ``DestinationError`` if there is no stdout, as after ``>&-`` in a shell."""
    if sys.stdout is None:
        raise DestinationError(
            "cannot write to standard output: it is closed",
            hint="send it to a file, or to /dev/null",
        )


def tell(text: str) -> None:
    """Write a line to stderr, if anybody is there."""
    try:
        click.echo(text, err=True, color=colour(sys.stderr))
    except (OSError, ValueError):
        drop(sys.stderr)  # nobody to tell


def tell_of(kind: str, message: str, hint: str | None = None) -> None:
    """Write an error or a warning to stderr, and its hint on a line of its own."""
    tell(labelled(kind, message))
    if hint:
        tell(labelled("hint", hint))


def labelled(kind: str, message: str) -> str:
    """Put ``error:``, ``warning:`` or ``hint:`` in front of a message."""
    return click.style(f"{kind}:", fg=_COLOURS[kind], bold=True) + " " + visible(message)


def drop(stream: IO[str]) -> None:
    """Let the rest go nowhere: what is left in a buffer would fail the interpreter's exit."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        return
