"""Commands whose help has sections and examples: click's own classes, a little extended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

import click

from pyjib.frozen import frozen

OTHER = "Other options"
WIDTH = 96


class Option(click.Option):
    """An option that stands under a heading of the help."""

    def __init__(self, *declarations: str, section: str = OTHER, **settings: Any) -> None:
        super().__init__(list(declarations), **settings)
        self.section = section


class Command(click.Command):
    """A command with sections of options and with examples.

    ``examples`` are lines: commands, and comments that start with ``#``. All that the help of
    a command says comes from here, and so does its page of the reference.
    """

    def __init__(self, *arguments: Any, examples: str = "", **settings: Any) -> None:
        settings.setdefault("context_settings", {})
        settings["context_settings"] = {**SETTINGS, **settings["context_settings"]}
        super().__init__(*arguments, **settings)
        self.examples = tuple(examples.strip().splitlines())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name the command in every usage error, for the hint: click leaves it out of some."""
        try:
            return self.read_arguments(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def read_arguments(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put what was given into the context, as ``parse_args`` of click does."""
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, each section under its heading."""
        for heading, options in sections(self.get_params(ctx)):
            records = [option.get_help_record(ctx) for option in options]
            with formatter.section(heading):
                formatter.write_dl([record for record in records if record is not None])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        """Write the examples."""
        _write_examples(self.examples, formatter)


SETTINGS: dict[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": WIDTH,
}


@frozen
class Entry:
    """A command of a group that has not been imported.

    ``summary`` is its line in the group's help; ``attribute`` of ``module`` is the command.
    """

    name: str
    module: str
    attribute: str
    summary: str

    def load(self) -> click.Command:
        """Import the command."""
        command = getattr(import_module(self.module), self.attribute)
        assert isinstance(command, click.Command)  # noqa: S101  the table is ours
        return command


class Group(click.Group):
    """A group of commands, in the order given, each imported when it is called."""

    def __init__(
        self, *arguments: Any, entries: Sequence[Entry] = (), examples: str = "", **settings: Any
    ) -> None:
        settings.setdefault("context_settings", SETTINGS)
        settings["no_args_is_help"] = False  # ``parse_args`` sees to it
        super().__init__(*arguments, **settings)
        self.entries = {entry.name: entry for entry in entries}
        self.examples = tuple(examples.strip().splitlines())

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the names of all commands: those of the table, and those added by decorators."""
        return [*self.entries, *(name for name in self.commands if name not in self.entries)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        entry = self.entries.get(cmd_name)
        return super().get_command(ctx, cmd_name) if entry is None else entry.load()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Tell what may have been meant where there is no such command."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches  # noqa: PLC0415  no run without a mistake needs it

            near = get_close_matches(args[0], self.list_commands(ctx), n=2)
            if not near:
                raise
            meant = f"{error.message} (Did you mean {' or '.join(near)}?)"
            raise click.UsageError(meant, ctx=error.ctx) from None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help, as a mistake, where no command is named."""
        if not args and not ctx.resilient_parsing:
            click.echo(self.get_help(ctx), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        """Write one line for each command, without importing any."""
        lines = [(entry.name, entry.summary) for entry in self.entries.values()]
        for name, command in self.commands.items():
            lines.append((name, command.get_short_help_str(limit=WIDTH)))
        with formatter.section("Commands"):
            formatter.write_dl(lines)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        """Write the examples."""
        _write_examples(self.examples, formatter)


def sections(
    parameters: Iterable[click.Parameter],
) -> list[tuple[str, list[click.Option]]]:
    """Return the visible options by heading, in the order of first appearance, others last."""
    found: dict[str, list[click.Option]] = {}
    for parameter in parameters:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            heading = getattr(parameter, "section", OTHER)
            found.setdefault(heading, []).append(parameter)
    last = found.pop(OTHER, [])
    return [*found.items(), *([(OTHER, last)] if last else [])]


def _write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    if examples:
        with formatter.section("Examples"):
            for line in examples:  # click would wrap and join them
                formatter.write(f"{'':{formatter.current_indent}}{line}".rstrip() + "\n")
