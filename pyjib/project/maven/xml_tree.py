"""XML as Maven's tools write it: bytes to an element tree, with the place of whatever is wrong.

Used for POMs and settings.xml alike. Documents that declare entities are refused: no POM needs
them, and expanding them can fill the memory or read other files. HTML's names for letters
(``&oslash;``), found in old POMs, are understood without a declaration.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.parsers import expat

from pyjib.errors import ProjectError
from pyjib.patterns import late
from pyjib.project.maven import seen

Element = ET.Element

# Taking the usual namespace away before parsing spares taking it from every name afterwards.
_NAMESPACE = late(rb"""\sxmlns\s*=\s*["']http://maven\.apache\.org/[A-Za-z]+/[\d.]+["']""")
_ENTITY = rb"&([A-Za-z][A-Za-z0-9]*);"
_PREDEFINED = frozenset((b"amp", b"lt", b"gt", b"apos", b"quot"))
_HEAD = 4096
TRIMMED = "".join(map(chr, range(ord(" ") + 1)))
"""What ``trim`` takes away."""


def parse_xml(data: bytes, path: Path, kind: str = "XML") -> Element:
    """Return the root, all names without namespace; ``path`` and ``kind`` are for messages.

    Raises ``ProjectError`` with line and column for what is not well-formed XML.
    """
    try:
        root = _root(data, path, kind)
    except (ValueError, LookupError) as error:  # Python has no such encoding, or expat cannot
        raise ProjectError(f"{path}: Non-parseable {kind}: {error}") from None
    if root.tag.startswith("{"):
        for element in root.iter():
            element.tag = local_name(element.tag)
    return root


def _root(data: bytes, path: Path, kind: str) -> Element:
    _refuse_entities(data, path)
    head = _NAMESPACE.sub(b"", data[:_HEAD], count=1)
    try:
        return _parse(head, memoryview(data)[_HEAD:])
    except ET.ParseError as error:
        if error.code != expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]:
            raise not_parseable(data, path, error, kind) from None
        return _parse_with_html_entities(head + data[_HEAD:], path, kind)


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; raises ``ProjectError`` if the system does not give them."""
    try:
        return seen.read_bytes(path)
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {error.strerror or error}") from None


def trim(text: str) -> str:
    """Return a text without white space around it, by the rule of Java's ``trim``.

    Python's ``strip`` would take more, such as a no-break space, and of that less.
    """
    return text.strip(TRIMMED)


def local_name(tag: str) -> str:
    """Return a name without its namespace."""
    return tag.rpartition("}")[2]


def line_of(path: Path, name: str, ordinal: int, child: str = "") -> int | None:
    """Return the line of the ``ordinal``-th element of that name; ``None`` if there is none.

    Or that of its ``child`` of a name, if it has one. Reads the file again: places are only
    needed where something is wrong.
    """
    lines: list[int] = []
    depth = 0
    inside: int | None = None  # the depth of the element meant, while it is open

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal depth, inside
        depth += 1
        found = tag.rpartition(":")[2]
        if found == name:
            lines.append(parser.CurrentLineNumber)
            if len(lines) == ordinal + 1:
                inside = depth
        elif found == child and inside is not None and depth == inside + 1:
            lines[ordinal] = parser.CurrentLineNumber

    def end(_: str) -> None:
        nonlocal depth, inside
        if depth == inside:
            inside = None
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    with contextlib.suppress(OSError, expat.ExpatError):
        parser.Parse(without_html_entities(seen.read_bytes(path)), True)
    return lines[ordinal] if ordinal < len(lines) else None


def not_parseable(data: bytes, path: Path, error: ET.ParseError, kind: str) -> ProjectError:
    """Return what to raise for text that is no XML; of tags in Maven's words."""
    line, column = error.position
    code = expat.errors
    if not data.strip():
        return ProjectError(f"{path}: Non-readable {kind}: input contained no data")
    if error.code == code.codes[code.XML_ERROR_TAG_MISMATCH]:
        reason = _mismatch(data)
    elif error.code == code.codes[code.XML_ERROR_NO_ELEMENTS]:
        name, opened = _open_elements(data)[-1]
        reason = (
            f"no more data available - expected end tag </{name}> to close start tag <{name}> from "
            f"line {opened}"
        )
    else:
        reason = f"{expat.ErrorString(error.code)} (column {column + 1})"
    return ProjectError(f"{path}, line {line}: Non-parseable {kind}: {reason}")


def _mismatch(data: bytes) -> str:
    name, line = _open_elements(data)[-1]
    parser = expat.ParserCreate()
    with contextlib.suppress(expat.ExpatError):
        parser.Parse(data, True)
    found = re.match(rb"(?:</)?([^\s>]*)", data[parser.ErrorByteIndex :])
    end = found[1].decode("utf-8", errors="replace") if found else ""
    return f"end tag name </{end}> must match start tag name <{name}> from line {line}"


def _open_elements(data: bytes) -> list[tuple[str, int]]:
    """Return the names and lines of the elements that are open where a document goes wrong."""
    trail: list[tuple[str, int]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, _: trail.append((tag, parser.CurrentLineNumber))
    parser.EndElementHandler = lambda _: trail.pop() if len(trail) > 1 else None
    with contextlib.suppress(expat.ExpatError):
        parser.Parse(data, True)
    return trail or [("?", 1)]


def _parse(*parts: bytes | memoryview) -> Element:
    parser = ET.XMLParser()  # noqa: S314 - entities are refused before
    for part in parts:
        parser.feed(part)
    root: Element = parser.close()
    return root


def _parse_with_html_entities(data: bytes, path: Path, kind: str) -> Element:
    data = without_html_entities(data)
    try:
        return _parse(data)
    except ET.ParseError as error:
        raise not_parseable(data, path, error, kind) from None


def without_html_entities(data: bytes) -> bytes:
    """Return a document with HTML's names for letters as numbers, which XML knows."""
    if b"&" not in data:
        return data
    from html.entities import name2codepoint  # noqa: PLC0415 - few documents have any

    def number(match: re.Match[bytes]) -> bytes:
        name = match[1]
        code = name2codepoint.get(name.decode())
        return match[0] if name in _PREDEFINED or code is None else b"&#%d;" % code

    return re.sub(_ENTITY, number, data)


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
