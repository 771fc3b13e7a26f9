"""Arguments as jib-cli takes them: lists, commands, files; each row was tried on jib-cli 0.13.0."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.cli.jib_cli_command import expand_files, split_command, split_list
from pyjib.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ("a",)),
        ("a,b", ("a", "b")),
        ("a,,b,", ("a", "", "b")),
        ("a,,", ("a",)),
        (",a", ("", "a")),
        ("", ("",)),
        ('"a,b",c', ('"a,b"', "c")),
        ('-Da="x,y",-Xb', ('-Da="x,y"', "-Xb")),
        ("'a,b',c", ("'a", "b'", "c")),
        ('a",b', ('a"', "b")),
        ("a, b", ("a", " b")),
    ],
)
def test_lists(text: str, parts: tuple[str, ...]) -> None:
    assert split_list(text) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("run", ("run",)),
        (" a \t b ", ("", "a", "b")),
        ('sh -c "a  b" x', ("sh", "-c", '"a  b"', "x")),
        ("", ("",)),
        ("a,b c", ("a,b", "c")),
    ],
)
def test_commands(text: str, parts: tuple[str, ...]) -> None:
    assert split_command(text) == parts


@given(st.lists(st.text(st.characters(exclude_characters='",')), min_size=1))
def test_what_is_joined_comes_apart_again(parts: list[str]) -> None:
    assert split_list(",".join([*parts, "end"])) == (*parts, "end")


@pytest.mark.parametrize(
    ("content", "arguments"),
    [
        ("--labels a=C:\\x # c\n# whole\n--labels j=k#l\n", ["--labels", "a=C:\\x", "--labels", "j=k"]),
        ("""--labels "b=c d" 'e="f"' "g=h\\\\i" """, ["--labels", "b=c d", 'e="f"', "g=h\\i"]),
        ("""'a=it\\'s' "t\\tb" "\\101\\x" """, ["a=it's", "t\tb", "Ax"]),
        ("""m="n o"'p'q""", ["m=n opq"]),
        ('""', [""]),
        ("", []),
        ("# é\nü\r\n\tx", ["ü", "x"]),
    ],
)  # fmt: skip
def test_files(tmp_path: Path, content: str, arguments: list[str]) -> None:
    file = tmp_path / "arguments"
    file.write_bytes(content.encode())
    assert list(expand_files(["first", f"@{file}", "last"])) == ["first", *arguments, "last"]


def test_files_that_name_files(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text(f"a @{two} b")
    two.write_text(f"c @{one}")
    assert list(expand_files([f"@{one}", f"@{two}"])) == [
        *("a", "c", f"@{one}", "b"),
        *("c", "a", f"@{two}", "b"),
    ]


def test_what_names_no_file_stays() -> None:
    assert list(expand_files(["@", "@no/such/file", "@@x"])) == ["@", "@no/such/file", "@x"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a\n'b\n", "a quotation mark in line 2 is not closed"), (b"\xff", "utf-8")],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "arguments").write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        list(expand_files([f"@{tmp_path / 'arguments'}"]))
