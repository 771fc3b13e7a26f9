"""``gradle.properties``: what of it reaches the JVM that Gradle runs in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.options import HostEnvironment

NAME = "gradle.properties"
_FOR_THE_JVM = "systemProp."
_LARGEST = 1 << 20
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CONTINUED = re.compile(r"(?<!\\)(?:\\\\)*\\$")
_PAIR = re.compile(r"((?:\\.|[^\\\s:=]+)*+)[ \t\f]*[:=]?[ \t\f]*(.*)", re.DOTALL)
_NAMED = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def read_system_properties(root: Path, host: HostEnvironment) -> dict[str, str]:
    """Return the ``systemProp.*`` of a build whose root project is at ``root``, prefix taken off.

    Those of Gradle's user home (``GRADLE_USER_HOME``, else ``~/.gradle``) go before those of the
    project. Raises ``ProjectError`` for a file that cannot be read.
    """
    stated = host.get("GRADLE_USER_HOME")
    home = Path(stated) if stated else host.user_home / ".gradle"
    found = {**_read(root / NAME), **_read(home / NAME)}
    return {
        name.removeprefix(_FOR_THE_JVM): value
        for name, value in found.items()
        if name.startswith(_FOR_THE_JVM)
    }


def parse_properties(text: str) -> dict[str, str]:
    """Parse Java's properties: ``name=value``, escapes, continued lines; of one name the last."""
    return {name: value for name, value in map(_pair, _lines(text)) if name}


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {error.strerror or error}") from None
    return parse_properties(data.decode("iso-8859-1"))


def _lines(text: str) -> Iterator[str]:
    """Yield logical lines, comments and blank ones left out."""
    parts: list[str] = []
    for line in re.split(r"\r\n|\r|\n", text):
        start = line.lstrip(" \t\f")
        if not parts and (not start or start[0] in "#!"):
            continue
        if _CONTINUED.search(start):
            parts.append(start[:-1])
            continue
        yield "".join((*parts, start))
        parts = []
    if parts:
        yield "".join(parts)


def _pair(line: str) -> tuple[str, str]:
    match = _PAIR.fullmatch(line)
    if match is None:
        return "", ""
    return _plain(match[1]), _plain(match[2])


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda found: _meant(found[1]), text)


def _meant(escape: str) -> str:
    if len(escape) == 5:
        return chr(int(escape[1:], 16))
    return _NAMED.get(escape, escape)
