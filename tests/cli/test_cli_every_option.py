"""Every option of every command: names that are nearly right, values that are not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pyjib.cli.app import pyjib
from tests.support.cli import Cli

NOWHERE = {
    **dict.fromkeys(["build", "plan", "init gradle"], ("/no/such",)),
    **dict.fromkeys(["skaffold files", "skaffold init", "skaffold sync-map"], ("/no/such",)),
    **dict.fromkeys(["jar", "war"], ("--target", "x", "/no/such")),
    **dict.fromkeys(["inspect", "doctor", "login", "logout"], ("",)),
    "compare-jib": ("/no/such.tar", "/no/such"),
    "registry serve": ("--host", "no such host"),
    "registry gc": ("--root", "/no/such"),
}
"""What makes a command end before it does anything, whatever else it is given."""


def commands(group: click.Group, *above: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)
        else:
            yield " ".join((*above, name)), command


def options() -> Iterator[tuple[str, click.Option, str, list[str]]]:
    """Yield commands with their options, the longest name of each, and all names."""
    for name, command in commands(pyjib):
        known = [flag for option in command.params for flag in option.opts]
        for option in command.params:
            if isinstance(option, click.Option):
                yield name, option, max(option.opts, key=len), known


def said(text: str) -> str:
    """Return the last line that is no hint."""
    return next(line for line in reversed(text.splitlines()) if not line.startswith("hint:"))


@pytest.mark.parametrize(
    ("command", "flag", "typed"),
    [
        (command, flag, typed)
        for command, _, flag, known in options()
        for typed in (flag[:-1], f"{flag[:3]}{flag[4:]}")
        if len(flag) > 6 and typed not in known
    ],
)
def test_a_name_that_is_nearly_one(cli: Cli, command: str, flag: str, typed: str) -> None:
    done = cli(*command.split(), typed, "x")
    assert (done.code, done.stdout) == (2, "")
    assert typed in said(done.stderr)
    assert flag in said(done.stderr).replace(typed, "", 1)
    assert done.stderr.endswith(f"hint: see `pyjib {command} --help`\n")


VALUES = ["", " ", "-", "no such/x:y=z!", "é", *([] if os.name == "nt" else ["x=\udcff"])]


@pytest.mark.parametrize(
    ("command", "flag"),
    [
        (command, flag)
        for command, option, flag, _ in options()
        if not option.is_flag and not option.count and command != "cache dir"
    ],
)
def test_values_that_cannot_be(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, flag: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for value in VALUES:
        done = cli(*command.split(), f"{flag}={value}", *NOWHERE.get(command, ()))
        assert "should not have happened" not in done.stderr, (value, done.stderr)
        if done.code == 0:
            assert command in ("cache du", "cache prune", "init layer-index-key")
            continue
        assert done.code in (1, 2)
        last, hint = said(done.stderr), done.stderr.splitlines()[-1]
        assert last.startswith("error: "), (value, done.stderr)
        assert hint.startswith("hint: "), (value, done.stderr)
