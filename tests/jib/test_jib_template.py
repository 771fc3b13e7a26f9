from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import ConfigurationError
from pyjib.jib.template import substitute

VALUES = {"a": "1", "b": "${a}2", "empty": "", "loop": "${pool}", "pool": "${loop}", "d": "$${a}"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("", ""),
        ("plain $ text $a {a} }", "plain $ text $a {a} }"),
        ("${a}", "1"),
        ("x${a}y${a}z", "x1y1z"),
        ("${b}", "12"),
        ("${empty}", ""),
        ("$${a}", "${a}"),
        ("$$${a}", "$${a}"),
        ("$${a} ${a}", "${a} 1"),
        ("${d}", "${a}"),
        ("${x:-default}", "default"),
        ("${x:-}", ""),
        ("${x:-a:-b}", "a:-b"),
        ("${a:-default}", "1"),
        ("${x:-${a}}", "${a}"),
        ("${a} ${unclosed", "1 ${unclosed"),
        ("$${unclosed", "$${unclosed"),
        ("${a", "${a"),
        ("multi\n${a}\nline", "multi\n1\nline"),
    ],
)
def test_substitution(text: str, result: str) -> None:
    assert substitute(text, VALUES) == result


@pytest.mark.parametrize("text", ["${x}", "${}", "${a${b}}", "${ a }", "${a:b}"])
def test_what_has_no_value_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match="Cannot resolve variable"):
        substitute(text, VALUES)


def test_values_that_refer_to_themselves() -> None:
    with pytest.raises(ConfigurationError, match=r"refers to itself: loop → pool → loop"):
        substitute("${loop}", VALUES)


@given(st.text())
def test_a_text_without_dollars_stays(text: str) -> None:
    text = text.replace("$", "")
    assert substitute(text, {}) == text
