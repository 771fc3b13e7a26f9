"""Looking a parameter of Jib's plugin up: a property, else an element of ``<configuration>``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pyjib.errors import ConfigurationError
from pyjib.jib.configuration import Pairs
from pyjib.jib.properties import Found, Properties
from pyjib.jib.reader import NO_VALUE, ParameterReader
from pyjib.jib.values import parse_flag
from pyjib.project.maven.model import Node, walk
from pyjib.project.maven.plugin_texts import Evaluated, as_part, as_written

PARAMETERS = (
    "from.image",
    "from.platforms",
    "from.auth.username",
    "from.auth.password",
    "from.credHelper",
    "to.image",
    "to.tags",
    "to.auth.username",
    "to.auth.password",
    "to.credHelper",
    "container.appRoot",
    "container.args",
    "container.entrypoint",
    "container.jvmFlags",
    "container.extraClasspath",
    "container.mainClass",
    "container.expandClasspathDependencies",
    "container.environment",
    "container.labels",
    "container.ports",
    "container.volumes",
    "container.user",
    "container.workingDirectory",
    "container.format",
    "container.creationTime",
    "container.filesModificationTime",
    "containerizingMode",
    "extraDirectories.paths",
    "extraDirectories.permissions",
    "outputPaths.tar",
    "outputPaths.digest",
    "outputPaths.imageId",
    "outputPaths.imageJson",
    "dockerClient.executable",
    "dockerClient.environment",
    "allowInsecureRegistries",
    "skip",
    "containerize",
)
"""All that have a property ``jib.NAME``."""

_ELEMENTS_ONLY = ("pluginExtensions", "skaffold")
_GROUPS = ("from", "to", "container", "extraDirectories", "outputPaths", "dockerClient")
_SHORTHAND = "to"  # <to>REF</to> is <to><image>REF</image></to>
Evaluate = Callable[[str], Evaluated]
"""Makes of a text in the configuration what the plugin gets."""


class Reader(ParameterReader):
    """Reads the parameters of one plugin.

    ``node`` is the ``<configuration>``, if there is one, whose texts ``evaluate`` completes;
    ``pom`` is for messages.
    """

    def __init__(
        self,
        *,
        properties: Properties,
        node: Node | None,
        pom: Path,
        evaluate: Evaluate = as_written,
    ) -> None:
        super().__init__(properties)
        self._unknown: dict[int, tuple[str, ...]] = {}  # by the id of a node in the tree
        self._evaluate = evaluate
        self._node = self._evaluated(_without_shorthand(node)) if node is not None else None
        self.pom = pom

    def place(self, name: str) -> str:
        """Name an element of the configuration in messages: ``<to><image> in pom.xml``."""
        return f"<{name.replace('.', '><')}> in {self.pom}"

    def find_property(self, name: str) -> Found | None:
        """Look ``jib.NAME`` up, and remember it as the origin if it is there."""
        return self.remember(name, self.properties.find(f"jib.{name}"))

    def plain_property(self, name: str) -> str:
        """Return a property, by its whole name; empty if there is none."""
        found = self.properties.find(name)
        return found.value if found else ""

    def property_only(self, name: str) -> str | None:
        """Return ``jib.NAME`` where there is no element for it."""
        found = self.find_property(name)
        return found.value if found else None

    def element(self, name: str) -> Node | None:
        """Return the element of a parameter, and remember it as the origin if it is there.

        Warns of expressions in it that have no value.
        """
        node = self._node.find(name.replace(".", "/")) if self._node is not None else None
        if node is not None:
            self.origins.setdefault(name, self.place(name))
            self._warn_of_expressions(node, name)
        return node

    def text_or_alternative(self, name: str, alternative: str) -> str | None:
        """Return a text for which there is a property that goes before ``jib.NAME``."""
        found = self.remember(name, self.properties.find(alternative))
        return self.text(name) if found is None else found.value

    def stated_text(self, name: str) -> str | None:
        """Return the text of an element."""
        node = self.element(name)
        if node is None:
            return None
        if node.children:
            raise ConfigurationError(f"{self.place(name)} has elements, and should be a text")
        return node.text

    def stated_texts(self, name: str) -> tuple[str, ...] | None:
        """Return the list that an element has."""
        node = self.element(name)
        if node is None:
            return None
        texts = [child.text for child in items(node)]
        if None in texts:
            raise ConfigurationError(
                f"{self.place(name)} has an empty element",
                hint=self._give_value(node) or "give it a value or take it out",
            )
        return tuple(text for text in texts if text is not None)

    def stated_pairs(self, name: str) -> Pairs | None:
        """Return the elements of a map, sorted by name as Maven has them."""
        node = self.element(name)
        if node is None:
            return None
        return pairs_of(node, self.place(name), self._give_value(node))

    def stated_flag(self, name: str) -> bool | None:
        """Return the truth value of an element."""
        text = self.stated_text(name)
        return None if text is None else parse_flag(text)

    def maven_flag(self, name: str) -> bool | None:
        """Return a truth value that Maven itself looks up: here elements go before properties."""
        node = self.element(name)
        if node is not None and node.text is not None:
            return parse_flag(node.text)
        if node is not None and id(node) in self._unknown:  # said, and nothing came of it
            return None
        found = self.remember(name, self.properties.find_as_maven(f"jib.{name}"))
        return None if found is None else parse_flag(found.value)

    def object(self, node: Node, *members: str) -> Node:
        """Return an element that has named members; one that is a text is not."""
        if node.text and not node.children:
            raise ConfigurationError(
                f"in {self.pom} jib's <{node.name}> is the text {node.text!r}, and should have "
                f"the elements {' and '.join(f'<{member}>' for member in members)}"
            )
        for child in node.children:
            if child.name not in members:
                self._warn_of_element(f"<{node.name}><{child.name}>")
        return node

    def warn_of_unknown(self) -> None:
        """Tell of elements that no parameter is named after.

        Raises ``ConfigurationError`` for a text in the place of elements, as Maven does.
        """
        if self._node is None:
            return
        known = {*PARAMETERS, *_ELEMENTS_ONLY, "from.auth", "to.auth"}
        for child in self._node.children:
            if child.name not in _GROUPS:
                if child.name not in known:
                    self._warn_of_element(f"<{child.name}>")
                continue
            self._refuse_text(child)
            for member in child.children:
                if f"{child.name}.{member.name}" not in known:
                    self._warn_of_element(f"<{child.name}><{member.name}>")

    def _refuse_text(self, group: Node) -> None:
        if group.text and not group.children:
            raise ConfigurationError(
                f"{self.place(group.name)} is the text {group.text!r}, and should have elements",
                hint="<extraDirectories><paths> is where directories are named"
                if group.name == "extraDirectories"
                else None,
            )

    def _warn_of_element(self, element: str) -> None:
        self.warn(
            f"{element} of jib-maven-plugin in {self.pom} is not known and has no effect",
            "check how it is spelt; capitals matter",
        )

    def _evaluated(self, node: Node) -> Node:
        """Return a tree with its texts as the plugin gets them, what has no value remembered."""
        children = tuple(map(self._evaluated, node.children))
        found = Evaluated(node.text) if node.text is None else self._evaluate(node.text)
        made = Node(node.name, found.text or None, node.attributes, children)
        if found.unknown:
            self._unknown[id(made)] = found.unknown
        return made

    def _give_value(self, node: Node) -> str | None:
        """Return what to do about an element that is empty for want of values."""
        unknown = [name for part in walk(node) for name in self._unknown.get(id(part), ())]
        return f"{unknown[0]}{NO_VALUE}: {_way_to_give(unknown[0])}" if unknown else None

    def _warn_of_expressions(self, node: Node, name: str) -> None:
        for part in walk(node) if self._unknown else ():
            for expression in self._unknown.get(id(part), ()):
                stays = "stays as it is" if part.text else "counts as nothing"
                self.warn(
                    f"{expression} in {self.place(name)}{NO_VALUE} and {stays}",
                    _way_to_give(expression),
                )


def _way_to_give(expression: str) -> str:
    return f"give it one, for example -D {expression[2:-1]}=VALUE"


def items(node: Node) -> Sequence[Node]:
    """Return the elements of a list: children of any name, or the parts of a text with commas."""
    if node.children or node.text is None:
        return node.children
    return [Node("item", as_part(part)) for part in node.text.split(",")]


def pairs_of(node: Node | None, place: str, remedy: str | None = None) -> Pairs:
    """Return children by name, sorted as Java sorts; of one name the last counts.

    ``remedy`` is what to do about one that is empty.
    """
    if node is None:
        return ()
    values = {child.name: child.text for child in node.children}
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise ConfigurationError(
            f"{place} contains null values for key(s): {', '.join(missing)}",
            hint=remedy or "give each a value; an empty one cannot be written in a POM",
        )
    return tuple(sorted(_complete(values), key=lambda pair: pair[0].encode("utf-16-be")))


def _complete(values: dict[str, str | None]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if value is not None:
            yield name, value


def _without_shorthand(node: Node) -> Node:
    children = tuple(
        Node(child.name, None, child.attributes, (Node("image", child.text),))
        if child.name == _SHORTHAND and child.text and not child.children
        else child
        for child in node.children
    )
    return Node(node.name, node.text, node.attributes, children)
