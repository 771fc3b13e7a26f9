"""The verdicts were taken from a Java 17 ``PathMatcher`` on Linux."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import ConfigurationError
from pyjib.plan.java_glob import compile_glob


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*.txt", "a.txt"),
        ("*.txt", ".txt"),
        ("**", "a/b/c"),
        ("**/x", "a/b/x"),
        ("**.sh", "a/b.sh"),
        ("/opt/**", "/opt/a/b"),
        ("***", "a/b"),
        ("*?", "a"),
        ("a?c", "aéc"),
        ("a?c", "a€c"),
        ("?", "\N{GRINNING FACE}"),
        ("{b,c}d", "cd"),
        ("{,a}b", "b"),
        ("{}", ""),
        ("{a/b,c}/d", "a/b/d"),
        ("[a-c]x", "bx"),
        ("[!a-c]x", "dx"),
        ("[^a]", "^"),
        ("[^a]", "a"),
        ("[a-]", "-"),
        ("[-a]", "-"),
        ("[!-a]", "b"),
        ("[a-]]", "-]"),
        ("[a&&b]", "&"),
        ("[[a]", "["),
        ("[\\*?]", "\\"),
        ("[+-9]", "5"),
        ("\\*", "*"),
        ("\\a", "a"),
        ("a\\{b", "a{b"),
        ("}", "}"),
        (",", ","),
        ("a.b", "a.b"),
        ("(a|b)+$", "(a|b)+$"),
        ("*", "a\nb"),
    ],
)
def test_matches(glob: str, path: str) -> None:
    assert compile_glob(glob).fullmatch(path)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*", "a/b"),
        ("?", "/"),
        ("**/x", "x"),
        ("a", "a/b"),
        ("a/*", "a/b/c"),
        ("a.b", "axb"),
        ("*.TXT", "a.txt"),
        ("[!a]", "/"),
        ("[+-9]", "/"),
        ("[+-/]", "/"),
        ("[a-c]", "d"),
        ("{a,b}", "{a,b}"),
        ("{a,b}", ","),
        ("a\\*", "ab"),
        ("", "a"),
    ],
)
def test_does_not_match(glob: str, path: str) -> None:
    assert not compile_glob(glob).fullmatch(path)


@pytest.mark.parametrize(
    "glob",
    [
        "[a",
        "[",
        "[]",
        "[]a]",
        "[!]",
        "[a/b]",
        "[z-a]",
        "[a-c-e]",
        "[--z]",
        "[a-",
        "{a",
        "{a,{b}}",
        "a\\",
        "\\",
    ],
)
def test_no_glob(glob: str) -> None:
    with pytest.raises(ConfigurationError, match="not a glob") as raised:
        compile_glob(glob)
    assert raised.value.hint


@given(st.text("ab/.*?[]{}!-,\\^&", max_size=12), st.text("ab/.-,", max_size=6))
def test_any_text_is_a_glob_or_a_clear_error(glob: str, path: str) -> None:
    try:
        compile_glob(glob).fullmatch(path)
    except ConfigurationError as error:
        message = error.message
    else:
        return
    assert repr(glob) in message


@given(st.text(max_size=12))
def test_escaped_text_matches_itself_alone(text: str) -> None:
    glob = "".join(f"\\{character}" for character in text)
    assert compile_glob(glob).fullmatch(text)
    assert not compile_glob(glob).fullmatch(text + "x")
