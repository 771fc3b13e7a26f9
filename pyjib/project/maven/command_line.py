"""What is said on Maven's command line, and in the files and variables that add to it.

All of it comes in as text: nothing here reads the environment. Specification:
``maven-and-gradle-projects`` §1.9.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from pathlib import Path

from pyjib.frozen import frozen
from pyjib.project.maven.model import nothing

# Options that take the next argument with them and do not matter here.
_WITH_VALUE = frozenset(
    (
        *("-pl", "--projects", "-rf", "--resume-from", "-T", "--threads", "-l", "--log-file"),
        *("-t", "--toolchains", "-gt", "--global-toolchains", "-b", "--builder", "--color"),
        *("-f", "--file"),
    )
)
# Longer ones first. No other option of Maven's begins with -D, -P or -s.
_GLUED = ("-D=", "-P=", "-s=", "-gs=", "-D", "-P", "-s")
_OURS = {
    "-D": "-D",
    "--define": "-D",
    "-P": "-P",
    "--activate-profiles": "-P",
    "-s": "-s",
    "--settings": "-s",
    "-gs": "-gs",
    "--global-settings": "-gs",
}


class MavenScope(StrEnum):
    """Where Maven is thought to be started: at the root of the reactor, or in the module."""

    REACTOR = "reactor"
    MODULE = "module"


@frozen
class Arguments:
    """What a command line says, as far as it bears on a project.

    An active profile that begins with ``?`` need not exist (Maven 4).
    """

    properties: Mapping[str, str] = field(default_factory=nothing)
    active_profiles: tuple[str, ...] = ()
    inactive_profiles: tuple[str, ...] = ()
    settings: Path | None = None
    global_settings: Path | None = None
    offline: bool = False

    def over(self, other: Arguments) -> Arguments:
        """Return both together; where they disagree, this one holds."""
        return Arguments(
            properties={**other.properties, **self.properties},
            active_profiles=_once(self.active_profiles, other.active_profiles),
            inactive_profiles=_once(self.inactive_profiles, other.inactive_profiles),
            settings=self.settings or other.settings,
            global_settings=self.global_settings or other.global_settings,
            offline=self.offline or other.offline,
        )


def parse_arguments(arguments: Sequence[str], directory: Path) -> Arguments:
    """Understand arguments of ``mvn``; files are relative to ``directory``. Others are skipped.

    An option and its value may be one argument, divided by white space, as of a line ``-s FILE``
    of maven.config: Maven before 3.9 reads it so, and a newer one refuses it.
    """
    properties: dict[str, str] = {}
    active: list[str] = []
    inactive: list[str] = []
    files: dict[str, Path] = {}
    offline = False
    rest = iter(arguments)
    for argument in rest:
        option, value = _split(argument)
        if option in _WITH_VALUE and value is None:
            next(rest, None)
        elif argument in ("-o", "--offline"):
            offline = True
        if option not in _OURS:
            continue
        value = next(rest, "") if value is None else value
        match _OURS[option]:
            case "-D":
                name, content = define(value)
                properties[name] = content
            case "-P":
                _select(value, active, inactive)
            case other:
                files[other] = directory / value
    return Arguments(
        properties=properties,
        active_profiles=tuple(active),
        inactive_profiles=tuple(inactive),
        settings=files.get("-s"),
        global_settings=files.get("-gs"),
        offline=offline,
    )


def define(text: str) -> tuple[str, str]:
    """Return name and value of ``NAME=VALUE``; a name alone is set to ``true``."""
    name, equals, value = text.partition("=")
    return name.strip(), value.strip() if equals else "true"


def select_profiles(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the profiles that ``a,!b,-c,+d,?e`` turns on, ``?`` kept, and those it turns off."""
    active: list[str] = []
    inactive: list[str] = []
    _select(text, active, inactive)
    return tuple(active), tuple(inactive)


def split_maven_config(text: str, *, by_line: bool) -> tuple[str, ...]:
    """Cut ``.mvn/maven.config``: an argument a line since Maven 3.9, at white space before."""
    if not by_line:
        return tuple(text.split())
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def jvm_properties(options: Iterable[str]) -> dict[str, str]:
    """Return the system properties that options of the JVM set (``MAVEN_OPTS``, jvm.config)."""
    return dict(
        define(option.removeprefix("-D"))
        for option in options
        if option.startswith("-D") and len(option) > 2
    )


def split_shell(text: str) -> tuple[str, ...]:
    """Cut a variable or jvm.config into arguments, quotes respected where they are paired."""
    try:
        return tuple(shlex.split(text, comments=False))
    except ValueError:
        return tuple(text.split())


def _split(argument: str) -> tuple[str, str | None]:
    words = argument.split(maxsplit=1)
    if len(words) == 2 and (words[0] in _OURS or words[0] in _WITH_VALUE):
        return words[0], words[1]
    if argument.startswith("--"):
        option, equals, value = argument.partition("=")
        return option, value if equals else None
    if argument in _WITH_VALUE or argument in _OURS:
        return argument, None
    for option in _GLUED:
        if argument.startswith(option):
            return option.removesuffix("="), argument[len(option) :]
    return argument, None


def _select(text: str, active: list[str], inactive: list[str]) -> None:
    for token in filter(None, (part.strip() for part in text.split(","))):
        if token.startswith(("-", "!")):
            inactive.append(token[1:].removeprefix("?"))
        else:
            active.append(token.removeprefix("+"))


def _once(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
