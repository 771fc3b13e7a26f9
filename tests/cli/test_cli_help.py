"""Help texts are documentation: complete, true, and the same everywhere."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from pyjib import __version__
from pyjib.cli.app import COMMANDS, pyjib
from pyjib.cli.command import Command
from pyjib.cli.exits import Session
from pyjib.cli.reference import write_reference
from tests.support.cli import ROOT, Cli


def commands(
    group: click.Group = pyjib, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        yield (*words, name), command


ALL = dict(commands())
NAMES = [" ".join(words) for words in ALL]


def examples_of(command: click.Command) -> list[str]:
    lines = getattr(command, "examples", ())
    text = "\n".join(line for line in lines if not line.startswith("#"))
    return [line for line in text.replace("\\\n", " ").splitlines() if line]


EXAMPLES = [example for command in [pyjib, *ALL.values()] for example in examples_of(command)]


def test_there_are_the_commands_that_the_readme_names() -> None:
    assert {words[0] for words in ALL} == {
        "build",
        "plan",
        "jar",
        "war",
        "inspect",
        "compare-jib",
        "init",
        "skaffold",
        "login",
        "logout",
        "doctor",
        "cache",
        "registry",
    }


@pytest.mark.parametrize(("words", "command"), ALL.items(), ids=NAMES)
def test_everything_has_help(words: tuple[str, ...], command: click.Command) -> None:
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.opts
            assert option.help.endswith("."), option.opts
            assert len(option.help) > 10, option.opts


@pytest.mark.parametrize(
    ("words", "command"),
    [(words, command) for words, command in ALL.items() if isinstance(command, Command)],
)
def test_every_command_has_examples(words: tuple[str, ...], command: click.Command) -> None:
    assert any(example.startswith(f"pyjib {' '.join(words)}") for example in examples_of(command))


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_accepted(example: str) -> None:
    words = shlex.split(example.partition(" > ")[0].partition(" < ")[0])
    assert words.pop(0) == "pyjib"
    command: click.Command = pyjib
    context = click.Context(pyjib, info_name="pyjib", obj=Session(), **pyjib.context_settings)
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None
        command = found
        if not isinstance(command, click.Group):
            context = command.make_context(name, words, parent=context)
    assert context.params


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_everywhere(cli: Cli, name: str, flag: str) -> None:
    done = cli(*name.split(), flag)
    assert done.code == 0
    assert done.stderr == ""
    assert done.stdout.startswith(f"Usage: pyjib {name}")
    assert "Show this message and exit." in done.stdout


def test_the_groups_summaries_are_those_of_the_commands(cli: Cli) -> None:
    for entry in COMMANDS:
        assert entry.load().get_short_help_str(limit=200) == entry.summary
    shown = " ".join(cli("--help").stdout.split())
    for entry in COMMANDS:
        assert f"{entry.name} {entry.summary}" in shown


def test_options_stand_under_headings_and_examples_keep_their_lines(cli: Cli) -> None:
    text = cli("build", "--help").stdout
    headings = [line for line in text.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings == [
        "The image:",
        "The base image:",
        "The application:",
        "The container:",
        "Registries:",
        "Jib and Maven:",
        "Other options:",
        "Examples:",
    ]
    assert "  pyjib build --to objectworld/docker-hello --tag 1.0.0\n" in text


def test_no_command_is_a_mistake_that_shows_the_help(cli: Cli) -> None:
    done = cli()
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: pyjib [OPTIONS] COMMAND")
    assert cli("cache").code == 2


def test_version(cli: Cli) -> None:
    assert cli("--version").stdout == f"pyjib {__version__}\n"
    assert cli("-V").code == 0


def test_the_reference_is_up_to_date() -> None:
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == write_reference(), "run: python -m pyjib.cli.reference > docs/cli.md"
    for name in NAMES:
        assert f"## pyjib {name}\n" in written or name in ("cache", "init", "registry", "skaffold")


def test_what_is_slow_to_import_is_imported_when_it_is_used(cli: Cli) -> None:
    code = (
        "import sys; from pyjib.cli.exits import run; code = run(sys.argv[1:]); "
        "print([name for name in ('rich', 'httpx') if name in sys.modules])"
    )
    for arguments in (["--version"], ["plan", "fixtures/docker-hello", "--quiet", "--json"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.endswith("[]\n")
        assert done.stderr == ""
