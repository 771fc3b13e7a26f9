"""``${name}`` in a build file, replaced before YAML is looked at (jib-cli's ``-p``).

The rules are those of commons-text's ``StringSubstitutor``: ``${name:-default}`` has a default,
``$${name}`` becomes ``${name}``, values are looked through again, and a ``${`` that nothing
closes stays, with all that follows.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyjib.errors import ConfigurationError


def substitute(text: str, parameters: Mapping[str, str]) -> str:
    """Return ``text`` with parameters put in; one that is not used is no error.

    Raises ``ConfigurationError`` for a name without a value, and for values that refer to
    themselves.
    """
    return _substitute(text, parameters, ())


def _substitute(text: str, parameters: Mapping[str, str], within: tuple[str, ...]) -> str:
    done: list[str] = []
    position = 0
    while (start := text.find("${", position)) >= 0:
        end = text.find("}", start)
        if end < 0:
            break
        if start > position and text[start - 1] == "$":
            done.append(text[position : start - 1] + "${")
            position = start + 2
            continue
        done.append(text[position:start])
        done.append(_value(text[start + 2 : end], parameters, within))
        position = end + 1
    return "".join((*done, text[position:]))


def _value(expression: str, parameters: Mapping[str, str], within: tuple[str, ...]) -> str:
    name, has_default, default = expression.partition(":-")
    if "${" in name:
        name, has_default = expression, ""
    if name in within:
        raise ConfigurationError(
            f"the value of ${{{name}}} refers to itself: {' → '.join((*within, name))}",
            hint="give it a value of its own with -p",
        )
    value = parameters.get(name, default if has_default else None)
    if value is None:
        raise ConfigurationError(
            f"Cannot resolve variable {name!r}",
            hint=f"give it a value with -p {name}=VALUE, or write $${{{name}}} if it is to stay",
        )
    return _substitute(value, parameters, (*within, name))
