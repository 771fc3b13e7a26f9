"""How expressions are replaced in the texts of a plugin's configuration when it runs.

The rules of Maven's ``PluginParameterExpressionEvaluator``: ``$$`` becomes ``$``, ``$${x}`` is
``${x}`` whatever ``x`` is, and a text that is nothing but an expression without a value counts as
if it were not there. Specification: ``maven-and-gradle-projects`` §1.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pyjib.patterns import late

_NULL = "null"  # what Java makes of nothing where it is put behind a text
_EXPRESSION = late(r"\$\{[^}]*\}")


class Evaluated(NamedTuple):
    """A text as a plugin gets it, and the expressions in it that have no value.

    ``text`` is ``None`` where it is nothing but such an expression; elsewhere they stay in it.
    """

    text: str | None
    unknown: tuple[str, ...] = ()


def evaluate(text: str, value: Callable[[str], str | None]) -> str | None:
    """Return a text with every expression replaced by its ``value``, as far as it has one.

    ``None`` is the value of a text that is one expression without a value.
    """
    if text.startswith("${") and text.find("}") == len(text) - 1:
        return value(text[2:-1])
    start = text.find("${")
    end = text.find("}", start) if start >= 0 else -1
    if end < 0:
        return text.replace("$$", "$")
    before, expression = text[:start], text[start : end + 1]
    if before.endswith("$"):
        found: str | None = expression[1:]
    else:
        found = value(expression[2:-1])
    rest = text[end + 1 :]
    return f"{before}{expression if found is None else found}{behind(rest, value)}"


def behind(text: str, value: Callable[[str], str | None]) -> str:
    """Return a text evaluated that stands behind another, where nothing is ``null``."""
    found = evaluate(text, value)
    return _NULL if found is None else found


def as_written(text: str) -> Evaluated:
    """Return a text for which nothing has a value."""
    if "$" not in text:
        return Evaluated(text)
    unknown = tuple(dict.fromkeys(_EXPRESSION.findall(text)))
    return Evaluated(evaluate(text, lambda _: None), unknown)


def as_part(text: str) -> str | None:
    """Return one of the parts of an evaluated text with commas: each is evaluated once more."""
    return as_written(text).text or None
