"""Commands that read their arguments as jib-cli does (``jib-plugins-and-cli`` §4.1)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from pyjib.cli.command import Command
from pyjib.errors import ConfigurationError

# A word, a text in quotes whose escapes are Java's, or a comment; as Java's StreamTokenizer has
# them, but that parts which touch are one argument.
_PART = re.compile(
    r"""(?P<space>\s+)|\#[^\r\n]*|"(?P<double>(?:\\.|[^"\\\r\n])*)"|"""
    r"""'(?P<single>(?:\\.|[^'\\\r\n])*)'|(?P<word>[^\s"'\#]+)"""
)
_ESCAPE = re.compile(r"\\([0-3]?[0-7]{1,2}|.)")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_QUOTED_OR_COMMA = re.compile(r'"[^"]*"|,')
_QUOTED_OR_SPACE = re.compile(r'"[^"]*"|[ \t\n\v\f\r]+')


class JibCliCommand(Command):
    """Takes arguments from files too, written ``@FILE``, and no option twice that has one value."""

    def read_arguments(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the arguments of files in the place of their names; look for repeated options."""
        arguments = list(expand_files(args))
        _, _, given = self.make_parser(ctx).parse_args(args=list(arguments))
        for option, times in Counter(given).items():
            if times > 1 and isinstance(option, click.Option) and not option.multiple:
                raise click.UsageError(f"{option.opts[0]} is given twice, and has one value", ctx)
        return super().read_arguments(ctx, arguments)


def expand_files(arguments: Sequence[str], within: tuple[Path, ...] = ()) -> Iterator[str]:
    """Yield arguments, those of a file for ``@FILE``; ``@@x`` is ``@x``, and no file is itself.

    Files may name files. Raises ``ConfigurationError`` for what cannot be read.
    """
    for argument in arguments:
        path = Path(argument[1:])
        if argument.startswith("@@"):
            yield argument[1:]
        elif argument.startswith("@") and path.is_file() and path.resolve() not in within:
            yield from expand_files(_arguments_of(path), (*within, path.resolve()))
        else:
            yield argument


def split_list(text: str) -> tuple[str, ...]:
    """Split a value at its commas, but for those between double quotes, which stay.

    Empty texts at the end are dropped, and a value that is empty is one.
    """
    parts = _split(text, _QUOTED_OR_COMMA)
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return tuple(parts)


def split_command(text: str) -> tuple[str, ...]:
    """Split a value at white space, but for what is between double quotes, which stay."""
    parts = _split(text, _QUOTED_OR_SPACE)
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return tuple(parts)


def _split(text: str, pattern: re.Pattern[str]) -> list[str]:
    parts, start = [], 0
    for match in pattern.finditer(text):
        if not match[0].startswith('"'):
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _arguments_of(path: Path) -> list[str]:
    try:
        return _words(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read the arguments in {path}: {error}") from None


def _words(text: str) -> list[str]:
    """Return the arguments in the text of a file; raises ``ValueError``."""
    words: list[str] = []
    position, is_new = 0, True
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            line = text.count("\n", 0, position) + 1
            raise ValueError(f"a quotation mark in line {line} is not closed")
        position = match.end()
        quoted = match["double"] if match["double"] is not None else match["single"]
        part = match["word"] if quoted is None else _ESCAPE.sub(_unescaped, quoted)
        if part is None:
            is_new = True
        elif is_new:
            words.append(part)
            is_new = False
        else:
            words[-1] += part
    return words


def _unescaped(match: re.Match[str]) -> str:
    text = match[1]
    return chr(int(text, 8)) if text[0] in "01234567" else _ESCAPED.get(text, text)
