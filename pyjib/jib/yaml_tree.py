"""YAML as jib-cli reads it: every scalar is text, and what is wrong has a path and a line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, DocumentEndEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pyjib.errors import ConfigurationError
from pyjib.events import Warned
from pyjib.frozen import frozen

_DEEPEST = 100
_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Value:
    """A node of the document, with the path that leads to it (``layers.entries[0].name``)."""

    node: Node
    path: str
    file: str

    @property
    def name(self) -> str:
        """The last name of the path."""
        return self.path.rpartition(".")[2].partition("[")[0]

    @property
    def is_null(self) -> bool:
        """Whether nothing stands there, or ``null`` does."""
        return isinstance(self.node, ScalarNode) and self.node.tag == _NULL

    def wrong(self, reason: str, hint: str | None = None) -> ConfigurationError:
        """Return what to raise about this place."""
        where = f"{self.file}, line {self.node.start_mark.line + 1}"
        path = f"{self.path}: " if self.path else ""
        return ConfigurationError(f"{where}: {path}{reason}", hint=hint)

    def members(self, known: Collection[str]) -> dict[str, Value]:
        """Return an object's members that are not null, in their order.

        Of those with one name the last counts. Raises ``ConfigurationError`` for another kind of
        node, and for names that are not ``known``.
        """
        found = self._pairs()
        for name, value in found.items():
            if name not in known:
                raise value.wrong(
                    f"Unrecognized field {name!r}", f"the known ones are {', '.join(known)}"
                )
        return {name: value for name, value in found.items() if not value.is_null}

    def required(self, members: dict[str, Value], name: str) -> Value:
        """Return a member that must be there."""
        if name not in members:
            raise self.wrong(f"Property '{name}' cannot be null", f"add {name}:")
        return members[name]

    def text(self) -> str:
        """Return a scalar as it is written, whatever YAML would make of it; not blank."""
        if not isinstance(self.node, ScalarNode):
            raise self.wrong("should be a text, and has more in it")
        if self.is_null:
            raise self.wrong(f"Property '{self.name}' cannot be null")
        if not self.node.value.strip():
            raise self.wrong(f"Property '{self.name}' cannot be an empty string")
        return str(self.node.value)

    def texts(self) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(item.text() for item in self.items())

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return a map of texts, in its order."""
        found = self._pairs()
        if any(not name.strip() for name in found):
            raise self.wrong(f"Property '{self.name}' cannot contain empty string keys")
        return tuple((name, value.text()) for name, value in found.items())

    def items(self, *, may_be_empty: bool = True) -> Sequence[Value]:
        """Return the elements of a list."""
        if not isinstance(self.node, SequenceNode):
            raise self.wrong("should be a list", "write its elements on lines that begin with -")
        if not self.node.value and not may_be_empty:
            raise self.wrong(f"Property '{self.name}' cannot be an empty collection")
        return [
            Value(node, f"{self.path}[{index}]", self.file)
            for index, node in enumerate(self.node.value)
        ]

    def _pairs(self) -> dict[str, Value]:
        if not isinstance(self.node, MappingNode):
            raise self.wrong("should be an object", "write its members as name: value")
        found: dict[str, Value] = {}
        for key, node in self.node.value:
            if not isinstance(key, ScalarNode):
                raise Value(key, self.path, self.file).wrong("a name is no text")
            found[key.value] = Value(node, _below(self.path, key.value), self.file)
        return found


@frozen
class Document:
    """A document as jib-cli takes it, and warnings about what it passes over in silence."""

    root: Value
    warnings: tuple[Warned, ...] = ()


def parse_yaml(text: str, file: str) -> Document:
    """Return the first document of a text; ``file`` names it in messages.

    Of members with one name the last counts; that and further documents are in the warnings.
    Aliases are refused: jib-cli takes one for its own name, and they can fill the memory. Raises
    ``ConfigurationError``.
    """
    try:
        _check_events(text, file)
        loader = yaml.SafeLoader(text)
        try:
            root = loader.get_node() if loader.check_node() else None
            more = _follows(loader)
        finally:
            loader.dispose()
        if root is None:
            raise ConfigurationError(f"{file} is empty", hint="begin with apiVersion: jib/v1alpha1")
        warnings = [*_repeated(root, "", file)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark is not None else ""
        reason = error.problem or error.context
        raise ConfigurationError(f"{file}{line}: this is not YAML: {reason}") from None
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        # Of numbers beyond measure PyYAML lets Python complain: "\UFFFFFFFF" and %YAML 9…9.
        raise ConfigurationError(f"{file}: this is not YAML: {error}") from None
    if more is not None:
        message = f"{file}, line {more}: only the first document of a build file counts"
        warnings.append(Warned(message=message, hint="take what follows it out"))
    return Document(root=Value(root, "", file), warnings=tuple(warnings))


def _check_events(text: str, file: str) -> None:
    """Refuse what could fill memory or time before a tree is made of it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, AliasEvent):
            raise _alias(file, event.start_mark)
        if isinstance(event, DocumentEndEvent):
            return
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > _DEEPEST:
            line = f", line {event.start_mark.line + 1}" if event.start_mark is not None else ""
            raise ConfigurationError(
                f"{file}{line}: this is not YAML that a build file may be: more than {_DEEPEST} "
                "lists and objects lie in each other",
                hint="a build file has few levels: look for brackets that nothing closes",
            )


def _follows(loader: yaml.SafeLoader) -> int | None:
    """Return the line on which more follows the first document, ``None`` if nothing does."""
    line = int(loader.line) + 1
    try:
        return line if loader.check_node() else None
    except yaml.MarkedYAMLError:
        return line


def _repeated(node: Node, path: str, file: str) -> Iterator[Warned]:
    """Tell which members are there again, all through a node."""
    if isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            yield from _repeated(item, f"{path}[{index}]", file)
    if not isinstance(node, MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        below = _below(path, name)
        if isinstance(key, ScalarNode) and name in seen:
            where = f"{file}, line {key.start_mark.line + 1}"
            yield Warned(
                message=f"{where}: {below}: {name!r} is there twice, and the last one counts",
                hint="take the others out",
            )
        seen.add(name)
        yield from _repeated(value, below, file)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}".lstrip(".")


def _alias(file: str, mark: Any) -> ConfigurationError:
    line = f", line {mark.line + 1}" if mark is not None else ""
    return ConfigurationError(
        f"{file}{line}: anchors and aliases have no meaning in a build file",
        hint="write the value out",
    )
