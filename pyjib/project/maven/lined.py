"""A document with the line of every element: for judging a project's POM, not for reading it."""

from __future__ import annotations

from collections.abc import Iterator
from xml.parsers import expat

from pyjib.project.maven.xml_tree import trim, without_html_entities


class Lined:
    """An element: its name without namespace, the line of its start tag, its texts joined.

    ``text_line`` is where the last text that is not white space ends.
    """

    __slots__ = ("children", "line", "name", "text", "text_line")

    def __init__(self, name: str, line: int) -> None:
        self.name, self.line = name, line
        self.text = ""
        self.text_line = 0
        self.children: list[Lined] = []

    def find(self, path: str) -> Lined | None:
        """Return the first element at a path of names divided by ``/``."""
        found: Lined | None = self
        for name in path.split("/"):
            children = found.children if found is not None else ()
            found = next((child for child in children if child.name == name), None)
        return found

    def all(self, path: str) -> Iterator[Lined]:
        """Yield the elements of the last name of a path, in the first list before it."""
        above, _, name = path.rpartition("/")
        parent = self.find(above) if above else self
        yield from (child for child in (parent.children if parent else ()) if child.name == name)

    def value(self, name: str) -> str:
        """Return a child's text, empty if there is none."""
        found = self.find(name)
        return trim(found.text) if found is not None else ""

    def line_of(self, name: str) -> int:
        """Return a child's line, or this element's own without it."""
        found = self.find(name)
        return found.line if found is not None else self.line


def read_lined(data: bytes) -> Lined | None:
    """Return a document's root; ``None`` for what ``xml_tree.parse_xml`` would not take."""
    top = Lined("", 0)
    trail = [top]

    def start(tag: str, _: dict[str, str]) -> None:
        ended()
        element = Lined(tag.rpartition(":")[2], parser.CurrentLineNumber)
        trail[-1].children.append(element)
        trail.append(element)

    def end(_: str) -> None:
        ended()
        trail.pop()

    def text(found: str) -> None:
        trail[-1].text += found

    def ended() -> None:
        element = trail[-1]
        if not element.text_line and element.text and not element.text.isspace():
            element.text_line = parser.CurrentLineNumber

    parser = expat.ParserCreate()
    parser.buffer_text = True  # else a text comes line by line, and joining takes its square
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    try:
        parser.Parse(without_html_entities(data), True)
    except expat.ExpatError:
        return None
    return top.children[0]
