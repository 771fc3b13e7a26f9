"""The elements of a POM as nearly all are written, opened only where somebody looks.

A tree of all that POMs say takes longer to make than anything else takes when a project is worked
out, and of a dependency's POM little matters. So expat only judges whether a document is XML, and
elements are places in its text. That is sound because the document is well-formed: a start tag
with nothing but text behind it ends at the next tag, and an element in which none of its name
begins ends at the first end tag of that name. What needs more than that (CDATA, prefixes,
attributes below the root) is left to ``xml_tree``: ``UnusualError`` tells so, whenever it is met.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from xml.parsers import expat

from pyjib.project.maven.xml_tree import trim

_ENCODING = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9_-]+)")
_ENCODINGS = frozenset((b"us-ascii", b"iso-8859-1", b"windows-1252"))
_COMMENT = re.compile("<!--.*?-->", re.DOTALL)
_ROOT = re.compile(r"\s*(?:<\?[^>]*\?>)?\s*<([\w.-]+)((?:\s[^<>]*)?)>")
_ATTRIBUTE = re.compile(r"\s*([\w:.-]+)\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_NAMESPACES = ("xmlns", "xsi:")
_CHILD = re.compile(r"[^<]*<([\w.-]+)(?:\s*(/)>|>([^<]*)(</[^>]*>)?)")
_LEAF = re.compile(r"<([\w.-]+)>([^<]*)</[^>]*>")
_REFERENCE = re.compile(r"&(?:#(\d+)|#x([0-9A-Fa-f]+)|(amp|lt|gt|quot|apos));")
_PREDEFINED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class UnusualError(Exception):
    """This document, or what was just looked at in it, is to be read by ``xml_tree``."""


class LateElement:
    """An element with what a POM's reader asks of ElementTree's; it has no attributes."""

    __slots__ = ("_children", "_end", "_source", "_start", "tag")

    def __init__(self, tag: str, source: str, start: int, end: int) -> None:
        self.tag = tag
        self._source, self._start, self._end = source, start, end
        self._children: list[LateElement] | None = None

    @property
    def text(self) -> str | None:
        """The text before the first child, ``None`` if there is none."""
        first = self._source.find("<", self._start, self._end)
        return _unescaped(self._source[self._start : self._end if first < 0 else first]) or None

    def texts(self) -> dict[str, str]:
        """Return the texts of children by name, trimmed, those that are not empty."""
        found = _LEAF.findall(self._source, self._start, self._end)
        if self._source.count("<", self._start, self._end) != 2 * len(found):
            return {child.tag: text for child in self if (text := trim(child.text or ""))}
        return {name: text for name, raw in found if (text := trim(_unescaped(raw)))}

    def places(self, descendants: Sequence[Any]) -> list[int]:
        """Return which of all elements of their name in the document each of some siblings is."""
        if not descendants:
            return []
        tag, source = f"<{descendants[0].tag}>", self._source
        if len(re.findall(f"{tag[:-1]}[\\s/>]", source)) != source.count(tag):
            raise UnusualError
        places, place, start = [], 0, 0
        for each in descendants:
            place += source.count(tag, start, each._start)
            start = each._start
            places.append(place - 1)
        return places

    def find(self, path: str) -> LateElement | None:
        """Return the first child of a name, or what is at a path of names."""
        name, _, below = path.partition("/")
        for child in self:
            if child.tag == name:
                found = child.find(below) if below else child
                if found is not None:
                    return found
        return None

    def findall(self, name: str) -> list[LateElement]:
        """Return all children of a name."""
        return [child for child in self if child.tag == name]

    def findtext(self, name: str) -> str | None:
        """Return the text of the first child of a name."""
        found = self.find(name)
        return None if found is None else found.text or ""

    def items(self) -> tuple[tuple[str, str], ...]:
        """Return the attributes: there are none that matter."""
        return ()

    def __iter__(self) -> Iterator[LateElement]:
        if self._children is None:
            self._children = self._opened()
        return iter(self._children)

    def _opened(self) -> list[LateElement]:
        source, position, end = self._source, self._start, self._end
        children = []
        while (found := _CHILD.match(source, position, end)) is not None:
            name, empty, _, closed = found.groups()
            position = found.end()
            if empty:
                children.append(LateElement(name, source, position, position))
            elif closed:
                children.append(LateElement(name, source, *found.span(3)))
            else:
                start = found.start(3)
                stop = _end_of(name, source, start, end)
                children.append(LateElement(name, source, start, stop))
                position = stop + len(name) + 3
        if source.find("<", position, end) >= 0:
            raise UnusualError
        return children


def late_tree(data: bytes) -> LateElement:
    """Return the root of a document; raises ``UnusualError`` for what is no XML, or unusual."""
    source = _source(data)
    root = _ROOT.match(source)
    if root is None:
        raise UnusualError
    name, attributes = root.groups()
    if _ATTRIBUTE.sub("", attributes).strip() or not all(
        found[1].startswith(_NAMESPACES) for found in _ATTRIBUTE.finditer(attributes)
    ):
        raise UnusualError
    end = source.rfind(f"</{name}")
    if end < root.end():
        raise UnusualError
    return LateElement(name, source, root.end(), end)


def _source(data: bytes) -> str:
    """Return the text of a document without comments, if it is XML with tags and text alone."""
    if b"<!DOCTYPE" in data or b"<![CDATA[" in data or data.find(b"<?", 2) >= 0:
        raise UnusualError
    declared = _ENCODING.match(data)
    encoding = declared[1].lower() if declared else b"utf-8"
    if encoding != b"utf-8" and (encoding not in _ENCODINGS or not data.isascii()):
        raise UnusualError
    try:
        expat.ParserCreate(None, "}").Parse(data, True)
        source = data.decode("utf-8")
    except (expat.ExpatError, ValueError):
        raise UnusualError from None
    if "\r" in source:
        source = source.replace("\r\n", "\n").replace("\r", "\n")
    return _COMMENT.sub("", source) if "<!--" in source else source


def _end_of(name: str, source: str, start: int, end: int) -> int:
    """Return where an element's end tag begins; its content begins at ``start``."""
    stop = source.find(f"</{name}>", start, end)
    if stop >= 0 and source.find(f"<{name}", start, stop) < 0:
        return stop
    depth = 1
    for tag in re.finditer(rf"<(/?){re.escape(name)}(?=[\s/>])([^<>\"']*)(>?)", source[start:end]):
        is_end, inside, closed = tag.groups()
        if not closed:
            raise UnusualError
        if not inside.endswith("/"):
            depth += -1 if is_end else 1
        if depth == 0:
            if inside:
                raise UnusualError
            return start + tag.start()
    raise UnusualError


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    if _REFERENCE.sub("", text).count("&"):
        raise UnusualError
    return _REFERENCE.sub(_character, text)


def _character(reference: re.Match[str]) -> str:
    number, hexadecimal, name = reference.groups()
    if name:
        return _PREDEFINED[name]
    return chr(int(number) if number else int(hexadecimal, 16))
