"""Choosing how progress is shown: by options, and by what stderr is."""

from __future__ import annotations

import sys
from typing import Any

import click

from pyjib.cli.command import Option
from pyjib.cli.environment import can_move
from pyjib.cli.render import Level, Lines, Output

OPTIONS = (
    Option(
        "--progress",
        type=click.Choice(["auto", "live", "plain", "none"]),
        default="auto",
        help="How progress is shown on stderr: auto is live on a terminal, and plain lines "
        "elsewhere, in CI, and where NO_COLOR is set. Default: auto.",
    ),
)
QUIET = Option(
    "--quiet",
    "-q",
    count=True,
    help="No progress on stderr: warnings and errors only. Twice (-qq) errors only.",
)


def open_output(*, progress: str, quiet: int, debug: bool) -> Output:
    """Return the output, to be entered; ``debug`` lines and a live view would fight.

    What is warned of may be what is wrong with the image: it takes two words to be deaf to it.
    """
    if quiet:
        return Lines(Level.WARNINGS if quiet == 1 else Level.ERRORS)
    if progress == "none":
        return Lines(Level.NOTICES)
    if progress == "live" or (progress == "auto" and can_move(sys.stderr) and not debug):
        from pyjib.cli.live import LiveView  # noqa: PLC0415  rich is for terminals only

        return LiveView(forced=progress == "live")
    return Lines()


def output_of(ctx: click.Context, given: dict[str, Any]) -> Output:
    """Return the output that a command was asked for."""
    return open_output(
        progress=given.get("progress", "none"), quiet=given["quiet"], debug=ctx.obj.debug
    )
