"""How two plugin configurations become one. Specification: ``maven-and-gradle-projects`` §1.8."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from pyjib.project.maven.interpolation import Interpolator
from pyjib.project.maven.model import Node

_SELF = "combine.self"
_CHILDREN = "combine.children"


def merge_nodes(dominant: Node | None, recessive: Node | None) -> Node | None:
    """Return the dominant tree with what only the recessive one has.

    Children of one name pair up in order; recessive ones without a partner are dropped if the
    dominant tree has any of that name. ``combine.children="append"`` puts all of them before
    the dominant ones instead; ``combine.self`` is ``override`` (take nothing) or ``remove``
    (vanish together with the partner). An empty dominant element clears nothing.
    """
    if dominant is None or recessive is None:
        return recessive if dominant is None else dominant
    return _merged(dominant, recessive)


def interpolate_node(node: Node, text: Interpolator) -> Node:
    """Return a tree with the expressions in its texts and attributes replaced."""
    value = node.text
    if value is not None and "${" in value:
        value = text(value)
    children = tuple(interpolate_node(child, text) for child in node.children)
    attributes = node.attributes
    if any("${" in attribute for attribute in attributes.values()):
        attributes = {name: text(attribute) for name, attribute in attributes.items()}
    return Node(node.name, value or None, attributes, children)


def _merged(dominant: Node, recessive: Node) -> Node:
    if dominant.attributes.get(_SELF) == "override":
        return dominant
    own = {name: value for name, value in dominant.attributes.items() if value}
    attributes = {**recessive.attributes, **own}
    if _SELF not in own:
        attributes.pop(_SELF, None)  # says how the recessive node met its own, nothing more
    if not recessive.children:
        children = dominant.children
    elif attributes.get(_CHILDREN) == "append":
        children = (*recessive.children, *dominant.children)
    else:
        children = tuple(_merged_children(dominant, recessive))
    return Node(dominant.name, dominant.text or recessive.text, attributes, children)


def _merged_children(dominant: Node, recessive: Node) -> Iterator[Node]:
    partners: defaultdict[str, list[Node]] = defaultdict(list)
    for child in recessive.children:
        partners[child.name].append(child)
    names = {child.name for child in dominant.children}
    waiting = {name: iter(found) for name, found in partners.items()}
    for child in dominant.children:
        partner = next(waiting.get(child.name, iter(())), None)
        if partner is None:
            yield child
        elif child.attributes.get(_SELF) != "remove":
            yield _merged(child, partner)
    for child in recessive.children:
        if child.name not in names:
            yield child
