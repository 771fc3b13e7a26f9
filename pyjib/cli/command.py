"""Commands whose help has sections and examples: click's own classes, a little extended."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from pyjib import __version__
from pyjib.cli.messages import say
from pyjib.errors import ConfigurationError
from pyjib.frozen import frozen
from pyjib.patterns import late

OTHER = "Other options"
WIDTH = 96
_UNREAD = late("[\udc80-\udcff]")
"""What Python makes of bytes that the locale does not know."""


class Option(click.Option):
    """An option that stands under a heading of the help."""

    def __init__(self, *declarations: str, section: str = OTHER, **settings: Any) -> None:
        super().__init__(list(declarations), **settings)
        self.section = section

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value, in which texts are UTF-8; the names of files may be any bytes."""
        return _as_utf_8(super().type_cast_value(ctx, value), self.opts[-1])


def named(param: click.Parameter) -> str:
    """Return what a parameter is called in messages: by its flag, or as in the usage."""
    name = param.opts[-1]
    return name if isinstance(param, click.Option) else name.upper()


def _as_utf_8(value: Any, flag: str) -> Any:
    """Return a value whose texts, alone or in tuples, were read as UTF-8 whatever the locale.

    Raises ``ConfigurationError`` for one that is not.
    """
    if type(value) is tuple:
        return tuple(_as_utf_8(part, flag) for part in value)
    if not isinstance(value, str) or value.isascii():
        return value
    try:
        return os.fsencode(value).decode() if _UNREAD.search(value) else value
    except UnicodeError:
        raise ConfigurationError(
            f"{flag}: {value!r} is not UTF-8",
            hint="write it in UTF-8, as all texts in an image are: the terminal, or a script, may "
            "have another encoding",
        ) from None


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

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return ``--help``, whose text is a result like any other."""
        return _telling(super().get_help_option(ctx))

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
    """A group of commands, in the order given, each imported when it is called.

    ``others`` are names that it has not got, and what will have been meant.
    """

    def __init__(
        self,
        *arguments: Any,
        entries: Sequence[Entry] = (),
        others: Mapping[str, str] | None = None,
        examples: str = "",
        **settings: Any,
    ) -> None:
        settings.setdefault("context_settings", SETTINGS)
        settings["no_args_is_help"] = False  # ``parse_args`` sees to it
        super().__init__(*arguments, **settings)
        self.entries = {entry.name: entry for entry in entries}
        self.others = others or {}
        self.examples = tuple(examples.strip().splitlines())

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the names of all commands: those of the table, and those added by decorators."""
        return [*self.entries, *(name for name in self.commands if name not in self.entries)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        entry = self.entries.get(cmd_name)
        return super().get_command(ctx, cmd_name) if entry is None else entry.load()

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return ``--help``, as of a command."""
        return _telling(super().get_help_option(ctx))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Tell what may have been meant where there is no such command."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches  # noqa: PLC0415  no run without a mistake needs it

            near = get_close_matches(args[0], self.list_commands(ctx), n=2)
            ways = [self.others[args[0]]] if args[0] in self.others else near
            if not ways:
                raise
            meant = f"{error.message.rstrip('.')} (Did you mean {' or '.join(ways)}?)"
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


def _telling(option: click.Option | None) -> click.Option | None:
    """Let ``--help`` write as results are written: click's own knows nothing of a full disk."""
    if option is not None:
        option.callback = _say_help
    return option


def _say_help(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        say(ctx.get_help())
        ctx.exit()


def say_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    """Tell the version and end, as the callback of an option."""
    if asked and not ctx.resilient_parsing:
        say(f"pyjib {__version__}")
        ctx.exit()


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
