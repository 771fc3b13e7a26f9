"""The elements of a POM as nearly all are written, opened only where somebody looks.

To make a tree of all that POMs say takes longer than anything else when a project is worked out,
and of a dependency's POM little matters. So expat only judges whether a document is XML, and
elements are places in its text. That is sound because the document is well-formed: a start tag
with nothing but text behind it ends at the next tag, and an element in which none of its name
begins ends at the first end tag of that name. What needs more than that (CDATA, prefixes,
attributes below the root) is left to ``xml_tree``: ``UnusualError`` tells so, whenever it is met.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers import expat

from pyjib.project.maven.xml_tree import TRIMMED, trim

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

    def texts(self) -> list[tuple[str, str]]:
        """Return names and texts of all children, trimmed."""
        content = self._source[self._start : self._end]
        found = _LEAF.findall(content)
        if content.count("<") != 2 * len(found):
            return [(child.tag, trim(child.text or "")) for child in self]
        if "&" in content:
            return [(name, trim(_unescaped(text))) for name, text in found]
        return [(name, text.strip(TRIMMED)) for name, text in found]

    def rows(self, pattern: re.Pattern[str]) -> Iterator[tuple[str | None, ...] | LateElement]:
        """Yield the groups that a pattern finds in children, and those that it does not fit.

        The pattern fits whole elements, and what is before them.
        """
        source, position, end = self._source, self._start, self._end
        while True:
            found = pattern.match(source, position, end)
            if found is not None:
                position = found.end()
                yield found.groups()
                continue
            child = self._next(position)
            if child is None:
                return
            yield child[0]
            position = child[1]

    def count(self, name: str, *, before: bool = False) -> int:
        """Return how many elements of a name begin in this one, or in the document before it."""
        start, end = (0, self._start) if before else (self._start, self._end)
        tag, source = f"<{name}>", self._source
        found = source.count(tag, start, end)
        others = source.count(f"<{name}Management>", start, end)
        if found + others != source.count(f"<{name}", start, end):
            raise UnusualError
        return found

    def find(self, path: str) -> LateElement | None:
        """Return the first child of a name, or what is first at a path of two names."""
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

    def __iter__(self) -> Iterator[LateElement]:
        if self._children is None:
            self._children = []
            child = self._next(self._start)
            while child is not None:
                self._children.append(child[0])
                child = self._next(child[1])
        return iter(self._children)

    def _next(self, position: int) -> tuple[LateElement, int] | None:
        """Return the child that begins after a place, and where it ends."""
        source, end = self._source, self._end
        found = _CHILD.match(source, position, end)
        if found is None:
            if source.find("<", position, end) >= 0:
                raise UnusualError
            return None
        name, empty, closed = found.group(1, 2, 4)
        if closed:
            return LateElement(name, source, found.start(3), found.end(3)), found.end()
        if empty:
            return LateElement(name, source, found.end(), found.end()), found.end()
        start = found.start(3)
        stop = source.find(f"</{name}>", start, end)
        if stop < 0 or source.find(f"<{name}", start, stop) >= 0:
            stop = _end_of(name, source, start, end)
        return LateElement(name, source, start, stop), stop + len(name) + 3


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
    if data.find(b"<?", 2) >= 0:
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
    if "<!" in source:
        if "<![CDATA[" in source or "<!DOCTYPE" in source:
            raise UnusualError
        source = _COMMENT.sub("", source)
    if "\r" in source:
        source = source.replace("\r\n", "\n").replace("\r", "\n")
    return source


def _end_of(name: str, source: str, start: int, end: int) -> int:
    """Return where an element's end tag begins, others of its name in it passed over."""
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
    if "&" in _REFERENCE.sub("", text):
        raise UnusualError
    return _REFERENCE.sub(_character, text)


def _character(reference: re.Match[str]) -> str:
    number, hexadecimal, name = reference.groups()
    if name:
        return _PREDEFINED[name]
    return chr(int(number) if number else int(hexadecimal, 16))
