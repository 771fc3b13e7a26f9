"""Names that Java can give to a class."""

from __future__ import annotations

# Unicode categories of Java's identifiers: letters, letter-like numbers, currency signs and
# connectors begin one; digits, combining marks and marks without a shape may follow.
_STARTS = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Sc", "Pc"})
_PARTS = _STARTS | {"Nd", "Mn", "Mc", "Cf"}


def is_class_name(text: str) -> bool:
    """Tell whether every part of a dotted name is an identifier of Java (keywords pass)."""
    return all(map(_is_identifier, text.split(".")))


def _is_identifier(text: str) -> bool:
    if text.isascii():
        return text.replace("$", "_").isidentifier()
    from unicodedata import category  # noqa: PLC0415 - a table that few names need

    categories = [category(character) for character in text]
    return categories[0] in _STARTS and set(categories) <= _PARTS
