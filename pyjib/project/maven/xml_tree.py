"""XML as Maven's tools write it: bytes to an element tree, with the place of whatever is wrong.

Used for POMs and settings.xml alike. Documents that declare entities are refused: no POM needs
them, and expanding them can fill the memory or read other files. HTML's names for letters
(``&oslash;``), found in old POMs, are understood without a declaration.
"""

from __future__ import annotations

import contextlib
import html.entities
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.parsers import expat

from pyjib.errors import ProjectError

Element = ET.Element

# Taking the usual namespace away before parsing spares taking it from every name afterwards.
_NAMESPACE = re.compile(rb"""\sxmlns\s*=\s*["']http://maven\.apache\.org/[A-Za-z]+/[\d.]+["']""")
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]*);")
_PREDEFINED = frozenset((b"amp", b"lt", b"gt", b"apos", b"quot"))
_HEAD = 4096
_TRIMMED = "".join(map(chr, range(ord(" ") + 1)))


def parse_xml(data: bytes, path: Path) -> Element:
    """Return the root, all names without namespace; ``path`` is for messages.

    Raises ``ProjectError`` with line and column for what is not well-formed XML.
    """
    _refuse_entities(data, path)
    data = _NAMESPACE.sub(b"", data[:_HEAD], count=1) + data[_HEAD:]
    try:
        root = _parse(data)
    except ET.ParseError as error:
        if error.code != expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]:
            raise not_parseable(path, error) from None
        root = _parse_with_html_entities(data, path)
    if root.tag.startswith("{"):
        for element in root.iter():
            element.tag = local_name(element.tag)
    return root


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; raises ``ProjectError`` if the system does not give them."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {error.strerror or error}") from None


def trim(text: str) -> str:
    """Return a text without white space around it, by the rule of Java's ``trim``.

    Python's ``strip`` would take more, such as a no-break space, and of that less.
    """
    return text.strip(_TRIMMED)


def local_name(tag: str) -> str:
    """Return a name without its namespace."""
    return tag.rpartition("}")[2]


def line_of(path: Path, name: str, ordinal: int) -> int | None:
    """Return the line of the ``ordinal``-th element of that name; ``None`` if there is none.

    Reads the file again: places are only needed where something is wrong.
    """
    lines: list[int] = []

    def start(tag: str, _: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == name:
            lines.append(parser.CurrentLineNumber)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    with contextlib.suppress(OSError, expat.ExpatError):
        parser.Parse(_without_html_entities(path.read_bytes()), True)
    return lines[ordinal] if ordinal < len(lines) else None


Started = Callable[[tuple[str, ...], int], None]


def walk_tags(data: bytes, started: Started) -> None:
    """Call ``started`` with the path of names, root first, and the line of every element.

    For documents that ``parse_xml`` took; what cannot be followed ends the walk quietly.
    """
    names: list[str] = []

    def start(tag: str, _: dict[str, str]) -> None:
        names.append(tag.rpartition(":")[2])
        started(tuple(names), parser.CurrentLineNumber)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: names.pop()
    try:
        parser.Parse(_without_html_entities(data), True)
    except expat.ExpatError:
        return


def not_parseable(path: Path, error: ET.ParseError) -> ProjectError:
    """Return what to raise for text that is no XML, in the words of the parser."""
    line, column = error.position
    reason = expat.ErrorString(error.code)
    return ProjectError(f"cannot parse {path}, line {line}, column {column + 1}: {reason}")


def _parse(data: bytes) -> Element:
    parser = ET.XMLParser()  # noqa: S314 - entities are refused before
    parser.feed(data)
    root: Element = parser.close()
    return root


def _parse_with_html_entities(data: bytes, path: Path) -> Element:
    try:
        return _parse(_without_html_entities(data))
    except ET.ParseError as error:
        raise not_parseable(path, error) from None


def _without_html_entities(data: bytes) -> bytes:
    def number(match: re.Match[bytes]) -> bytes:
        name = match[1]
        code = html.entities.name2codepoint.get(name.decode())
        return match[0] if name in _PREDEFINED or code is None else b"&#%d;" % code

    return _ENTITY.sub(number, data)


def _refuse_entities(data: bytes, path: Path) -> None:
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]
    if not wide and b"<!ENTITY" not in data:
        return

    def declared(name: str, *_: object) -> None:
        raise ProjectError(
            f"cannot parse {path}, line {parser.CurrentLineNumber}: it declares the entity "
            f"{name!r}, and documents with entities of their own are refused",
            hint="write the text in place of the entity",
        )

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = declared
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        return  # the parser proper tells
