from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.image.java_hash_map import JavaHashMap, set_order

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
JDKS = st.sampled_from((8, 11, 17, 18, 19, 21, 25))


def copied(first: dict[str, str], second: dict[str, str], jdk: int) -> list[str]:
    """Do what Jib does with a base's variables and ours."""
    base = JavaHashMap(jdk)
    for name, value in first.items():
        base.put(name, value)
    ours = JavaHashMap(jdk)
    ours.put_all(second)
    result = JavaHashMap(jdk)
    result.put_all(base.entries())
    result.put_all(ours.entries())
    return list(result.entries())


def test_the_example_that_was_run_on_a_jdk() -> None:
    base = dict.fromkeys(("PATH", "JAVA_HOME", "LANG", "JAVA_VERSION", "LC_ALL", "LANGUAGE"), "")
    ours = dict.fromkeys(("A", "JAVA_HOME", "ZED"), "")
    expected = ["PATH", "LANGUAGE", "A", "LC_ALL", "JAVA_HOME", "ZED", "JAVA_VERSION", "LANG"]
    assert copied(base, ours, 17) == expected


def test_tags_come_in_the_order_of_a_hash_set() -> None:
    assert set_order(["latest", "b", "zz9"], jdk=17) == ("b", "zz9", "latest")


def test_a_map_filled_at_once_has_another_size_since_jdk_19() -> None:
    # Six entries: capacity 16 before (6 / 0.75 + 1 = 9), 8 since. "h" is 104, bucket 8 or 0.
    names = dict.fromkeys(("h", "a", "b", "c", "d", "e"), "")
    older, newer = JavaHashMap(18), JavaHashMap(19)
    older.put_all(names)
    newer.put_all(names)
    assert list(older.entries()) == ["a", "b", "c", "d", "e", "h"]
    assert list(newer.entries()) == ["h", "a", "b", "c", "d", "e"]


@pytest.mark.parametrize("count", [12, 13, 24, 25])
def test_single_puts_double_the_table_beyond_three_quarters(count: int) -> None:
    # One-letter names have their code as hash: the order tells the capacity.
    names = [chr(code) for code in range(0x100, 0x100 + count)]
    capacity = 16 if count <= 12 else 32 if count <= 24 else 64
    expected = sorted(names, key=lambda name: ord(name) & (capacity - 1))
    assert set_order(names, jdk=17) == tuple(expected)


def test_hashes_are_of_utf16_units() -> None:
    # U+1F600 is D83D DE00: 31 * 0xD83D + 0xDE00 = 0x1B0D63; spread by its upper half 0x1B.
    names = ["\U0001f600", "A"]
    spread = (0x1B0D63 ^ 0x1B) & 15
    expected = sorted(names, key=lambda name: 1 if name == "A" else spread)
    assert list(set_order(names, jdk=17)) == expected


@given(st.lists(TEXTS, unique=True, max_size=60), JDKS)
def test_order_is_a_permutation(names: list[str], jdk: int) -> None:
    assert sorted(set_order(names, jdk=jdk)) == sorted(names)


@given(st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=30), st.data(), JDKS)
def test_overwriting_keeps_places_and_takes_the_value(
    entries: dict[str, str], data: st.DataObject, jdk: int
) -> None:
    written = JavaHashMap(jdk)
    written.put_all(entries)
    before = written.entries()
    name = data.draw(st.sampled_from(sorted(entries)))
    written.put(name, "new")
    after = written.entries()
    assert list(after) == list(before)
    assert after == {**before, name: "new"}


@given(st.dictionaries(TEXTS, TEXTS, max_size=30), JDKS)
def test_copying_a_copy_changes_nothing(entries: dict[str, str], jdk: int) -> None:
    once, twice = JavaHashMap(jdk), JavaHashMap(jdk)
    once.put_all(entries)
    twice.put_all(once.entries())
    assert twice.entries() == once.entries()


def test_an_empty_map_iterates_over_nothing() -> None:
    empty = JavaHashMap(17)
    empty.put_all({})
    assert empty.entries() == {}
