from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.project.maven.command_line import (
    Arguments,
    jvm_properties,
    parse_arguments,
    select_profiles,
    split_maven_config,
    split_shell,
)

HERE = Path("/work")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["-Da=1", "-D", "b=2", "--define", "c=3", "--define=d=4"],
            {"a": "1", "b": "2", "c": "3", "d": "4"},
        ),
        (["-Da", "-Db=", "-Dc=x=y", "-Da.b=1 2"], {"a": "true", "b": "", "c": "x=y", "a.b": "1 2"}),
        (["-Da=1", "-Da=2"], {"a": "2"}),
        (["-T", "-Da=1", "-Db=2", "clean", "-X"], {"b": "2"}),
    ],
)
def test_properties(arguments: list[str], expected: dict[str, str]) -> None:
    assert parse_arguments(arguments, HERE).properties == expected


def test_profiles_files_and_offline() -> None:
    found = parse_arguments(
        ["-Pa,!b", "-P", "-c,+d", "-o", "-s", "s.xml", "--global-settings=/g.xml", "package"], HERE
    )
    assert found == Arguments(
        active_profiles=("a", "d"),
        inactive_profiles=("b", "c"),
        settings=HERE / "s.xml",
        global_settings=Path("/g.xml"),
        offline=True,
    )


@pytest.mark.parametrize("by_line", [True, False])
@pytest.mark.parametrize("gap", [" ", "\t ", "\n"])
def test_an_option_and_its_value_on_one_line(*, by_line: bool, gap: str) -> None:
    """Maven 3.8 cuts at white space; where a newer one is taken for granted, it counts too."""
    text = f"-s{gap}s.xml\n--global-settings{gap}/g.xml\n-T{gap}4\n-P{gap}a,!b\n-D{gap}x=1\n-o\n"
    assert parse_arguments(split_maven_config(text, by_line=by_line), HERE) == Arguments(
        properties={"x": "1"},
        active_profiles=("a",),
        inactive_profiles=("b",),
        settings=HERE / "s.xml",
        global_settings=Path("/g.xml"),
        offline=True,
    )


def test_selecting_profiles() -> None:
    assert select_profiles("a, !b,,-c,+d,?e,-?f") == (("a", "d", "?e"), ("b", "c", "f"))


@pytest.mark.parametrize("said", ["-ss.xml", "-s=s.xml", "--settings=s.xml"])
def test_an_option_and_its_value_in_one(said: str) -> None:
    found = parse_arguments([said, "-gs=g.xml", "-P=a", "-D=x=1"], HERE)
    assert found == Arguments(
        properties={"x": "1"},
        active_profiles=("a",),
        settings=HERE / "s.xml",
        global_settings=HERE / "g.xml",
    )


def test_one_over_another() -> None:
    first = Arguments(properties={"a": "1"}, active_profiles=("x",), settings=Path("s"))
    second = Arguments(properties={"a": "2", "b": "2"}, active_profiles=("y", "x"), offline=True)
    assert first.over(second) == Arguments(
        properties={"a": "1", "b": "2"},
        active_profiles=("x", "y"),
        settings=Path("s"),
        offline=True,
    )


def test_maven_config_by_line_and_by_word() -> None:
    text = "-Da=1 2\n\n# comment\n  -P\nx\n"
    assert split_maven_config(text, by_line=True) == ("-Da=1 2", "-P", "x")
    assert split_maven_config("-Da=1 -P x\n-o", by_line=False) == ("-Da=1", "-P", "x", "-o")


def test_options_of_the_jvm() -> None:
    words = split_shell("-Xmx1g -Da=1 '-Db=x y' -D\n-Dc")
    assert jvm_properties(words) == {"a": "1", "b": "x y", "c": "true"}
    assert split_shell("it's") == ("it's",)
