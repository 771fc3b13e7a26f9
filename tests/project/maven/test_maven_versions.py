"""Maven's order of versions, as tables and as laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import ProjectError
from pyjib.project.maven.version import Version, parse_range

ASCENDING = (
    ("1-alpha", "1-beta", "1-milestone", "1-rc", "1-snapshot", "1", "1-sp", "1-whatever", "1.1"),
    ("1.0-SNAPSHOT", "1.0", "1.0.1-SNAPSHOT", "1.0.1", "1.0.2", "1.0.10", "1.2", "1.10", "2", "10"),
    ("1.0.0.Alpha1", "1.0.0.Beta1", "1.0.0.CR1", "1.0.0.Final", "1.0.0.SP1", "1.0.1.Final"),
    ("2.0-M1", "2.0-M2", "2.0-M10", "2.0-RC1", "2.0"),
    ("31.1-android", "31.1-jre", "32.0.0-android"),
    ("1.0a1", "1.0b1", "1.0m1", "1.0", "1.0x1"),
    ("1.min", "1-alpha", "1", "1.9", "1.max"),
    ("1.999999999", "1.9999999999", "1.99999999999999999999"),
    ("1-20240101.010101-3", "1-20240102.010101-1"),
)
EQUAL = (
    ("1", "1.0", "1.0.0", "1-0", "1_0", "01", "1.ga", "1-final", "1.RELEASE", "1.0-GA"),
    ("1-rc", "1-cr", "1.RC", "1-rc0"),
    ("1-alpha1", "1a1", "1.ALPHA.1", "1-a1"),
    ("", "0", "0.0"),
)


@pytest.mark.parametrize("versions", ASCENDING, ids="…".join)
def test_ascending(versions: tuple[str, ...]) -> None:
    parsed = [Version.parse(text) for text in versions]
    for index, version in enumerate(parsed):
        for later in parsed[index + 1 :]:
            assert version < later
            assert later > version
            assert version != later


@pytest.mark.parametrize("versions", EQUAL, ids="=".join)
def test_equal(versions: tuple[str, ...]) -> None:
    for one in map(Version.parse, versions):
        for other in map(Version.parse, versions):
            assert one == other
            assert one <= other


NUMBERS = st.lists(st.integers(0, 12).map(str), min_size=1, max_size=4).map(".".join)
SUFFIXES = st.sampled_from(
    ("", "-SNAPSHOT", "-rc1", "-RC-2", ".Final", ".RELEASE", "-alpha-1", "-b01", "-jre", "-M2")
)
VERSIONS = st.builds("{}{}".format, NUMBERS, SUFFIXES).map(Version.parse)
"""Versions as people write them; in text at will, Maven's own order has circles."""


class TestOrder:
    @given(VERSIONS, VERSIONS)
    def test_one_of_three_holds(self, one: Version, other: Version) -> None:
        assert [one < other, one == other, one > other].count(True) == 1
        assert (one < other) == (other > one)

    @given(VERSIONS, VERSIONS, VERSIONS)
    def test_transitive(self, one: Version, two: Version, three: Version) -> None:
        low, middle, high = sorted((one, two, three))
        assert low <= middle <= high
        assert low <= high

    @given(VERSIONS, st.sampled_from((".0", "-0", ".0.0", "-ga", ".final")))
    def test_padding_does_not_count(self, version: Version, padding: str) -> None:
        if version.text[-1].isdecimal():
            assert version == Version.parse(version.text + padding)

    @given(st.text(max_size=20), st.text(max_size=20))
    def test_any_text_is_a_version(self, one: str, other: str) -> None:
        first, second = Version.parse(one), Version.parse(other)
        assert [first < second, first == second, first > second].count(True) == 1


IN_RANGE = (
    ("[1.0,2.0]", "1.0 1.5 2.0 2", "0.9 2.0.1 3"),
    ("[1.0,2.0)", "1.0 1.9.9 2.0-rc1 2.0-SNAPSHOT", "2.0 2"),
    ("(1.0,2.0)", "1.0.1", "1.0 1 2.0"),
    ("(,1.0]", "0 1.0-SNAPSHOT 1.0", "1.0.1"),
    ("[1.5,)", "1.5 2 99", "1.4"),
    ("(,)", "0 1 x", ""),
    ("[1.5]", "1.5 1.5.0", "1.4 1.6 1.5.1"),
    ("[1.2.*]", "1.2 1.2.9 1.2-alpha", "1.1.9 1.3"),
    ("[1*]", "1*", "1 1.0 10"),
    ("(,1.0],[1.2,)", "1.0 1.2", "1.1"),
    ("[1,2),[3]", "1 1.9 3", "2 4"),
    ("[ 1 , 2 )", "1 1.9", "2"),
)


@pytest.mark.parametrize(("text", "inside", "outside"), IN_RANGE, ids=[row[0] for row in IN_RANGE])
def test_ranges(text: str, inside: str, outside: str) -> None:
    found = parse_range(text)
    assert found is not None
    assert str(found) == text
    assert [version for version in inside.split() if not found.contains(version)] == []
    assert [version for version in outside.split() if found.contains(version)] == []


def test_a_plain_version_is_no_range() -> None:
    assert parse_range("1.0") is None
    assert parse_range("") is None


@pytest.mark.parametrize("text", ["[1.0", "(1.0)", "[1,2,3]", "[2,1]", "[1,2]x", "(1.0]"])
def test_malformed_ranges(text: str) -> None:
    with pytest.raises(ProjectError, match="invalid version range"):
        parse_range(text)


def test_choosing_from_a_range() -> None:
    found = parse_range("[1.0,2.0)")
    assert found is not None
    versions = ["2.0", "1.10", "1.9", "1.0", "0.1", "2.0-beta"]
    assert found.select(versions) == ["1.0", "1.9", "1.10", "2.0-beta"]
    assert found.highest(versions) == "2.0-beta"
    assert found.highest(["3"]) is None


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("[1.5]", "1.5"),
        ("[1.5,1.5]", "1.5"),
        ("[1,2]", None),
        ("[1,1.0)", None),
        ("[1,2],[1]", None),
        ("(,)", None),
    ],
)
def test_a_range_of_one_version(text: str, only: str | None) -> None:
    found = parse_range(text)
    assert found is not None
    assert found.only == only
