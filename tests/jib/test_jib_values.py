"""The syntax of Jib's values, case by case as Jib's own parser takes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import ConfigurationError
from pyjib.jib import values
from pyjib.oci.instant import EPOCH, EPOCH_PLUS_SECOND, Instant


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("",)),
        ("a", ("a",)),
        ("a,b", ("a", "b")),
        ("a,,b,", ("a", "", "b", "")),
        (r"a\,b,c", ("a,b", "c")),
        (r"a\\,b", (r"a\,b",)),
        (r"a\b,c\ ", (r"a\b", "c\\ ")),
        ("a\\", ("a\\",)),
        (" a , b ", (" a ", " b ")),
    ],
)
def test_a_list_is_split_at_commas_that_no_backslash_precedes(
    text: str, parts: tuple[str, ...]
) -> None:
    assert values.parse_list(text) == parts


@given(st.lists(st.text(st.characters(exclude_characters="\\")), min_size=1))
def test_every_list_without_backslashes_can_be_written(parts: list[str]) -> None:
    text = ",".join(part.replace(",", "\\,") for part in parts)
    assert values.parse_list(text) == tuple(parts)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a=b", (("a", "b"),)),
        ("a=b=c,d=", (("a", "b=c"), ("d", ""))),
        (r"a=1\,2,b=3", (("a", "1,2"), ("b", "3"))),
        ("a=1,b=2,a=3", (("a", "3"), ("b", "2"))),
        (" a = b ", ((" a ", " b "),)),
    ],
)
def test_a_map_is_a_list_of_pairs(text: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert values.parse_pairs(text, "-D x") == pairs


@pytest.mark.parametrize("text", ["", "a", "=b", "a=1,", "a=b\nc", "a=1,b"])
def test_what_is_no_pair_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"-D x: .* is not a valid key-value pair"):
        values.parse_pairs(text, "-D x")


@pytest.mark.parametrize(
    ("text", "flag"), [("true", True), ("TRUE", True), ("yes", False), ("", False), ("1", False)]
)
def test_a_flag_is_true_or_anything_else(text: str, flag: bool) -> None:
    assert values.parse_flag(text) is flag


def test_a_platform_has_two_words() -> None:
    assert values.parse_platform("linux/arm64", "x") == ("linux", "arm64")
    for text in ("linux", "linux/arm/v7", "/amd64", "linux/", "linux /amd64", ""):
        with pytest.raises(ConfigurationError, match="of the form os/architecture"):
            values.parse_platform(text, "x")


def test_a_mode_has_three_octal_digits() -> None:
    assert values.parse_mode("755", "x") == 0o755
    for text in ("0755", "75", "888", "rwx", ""):
        with pytest.raises(ConfigurationError, match="is not a mode"):
            values.parse_mode(text, "x")


@pytest.mark.parametrize("text", ["80", "80/tcp", "53/udp", "1-65535", "7-7"])
def test_ports_stay_as_they_are(text: str) -> None:
    assert values.parse_ports((text,), "x") == (text,)


@pytest.mark.parametrize("text", ["", "a", "0", "65536", "9-8", "80/sctp", " 80", "80,81", "1-"])
def test_what_is_no_port_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a port"):
        values.parse_ports((text,), "x")


NOON = Instant.parse("2024-05-01T12:00:00Z")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("EPOCH", EPOCH),
        ("USE_CURRENT_TIMESTAMP", Instant(7)),
        ("2024-05-01T12:00:00Z", NOON),
        ("2024-05-01T12:00Z", NOON),
        ("2024-05-01t12:00:00z", NOON),
        ("2024-05-01T12:00:00.Z", NOON),
        ("2024-05-01T21:00:00+09:00", NOON),
        ("2024-05-01T21:00:00+0900", NOON),
        ("2024-05-01T21:00:00+09", NOON),
        ("2024-05-01T12:00:00.123456789Z", Instant(NOON.nanoseconds + 123456789)),
    ],
)
def test_creation_times(text: str, instant: Instant) -> None:
    assert values.parse_creation_time(text, "x", Instant(7)) == instant


@pytest.mark.parametrize(
    "text", ["", "epoch", "now", "2024-05-01", "2024-05-01T12:00:00", "2024-13-01T12:00:00Z", "0"]
)
def test_what_is_no_creation_time_is_named(text: str) -> None:
    with pytest.raises(ConfigurationError, match="ISO 8601"):
        values.parse_creation_time(text, "x", Instant(7))


def test_the_present_must_be_known_to_be_used() -> None:
    with pytest.raises(ConfigurationError, match="the present is not known"):
        values.parse_creation_time("USE_CURRENT_TIMESTAMP", "x", None)


def test_file_times_want_a_colon_in_their_offset() -> None:
    assert values.parse_file_time("EPOCH_PLUS_SECOND", "x") == EPOCH_PLUS_SECOND
    assert values.parse_file_time("2024-05-01T21:00:00+09:00", "x") == NOON
    for text in ("2024-05-01T21:00:00+0900", "2024-05-01T21:00:00+09", "EPOCH", ""):
        with pytest.raises(ConfigurationError, match="ISO 8601"):
            values.parse_file_time(text, "x")


def test_jib_cli_takes_milliseconds_too() -> None:
    assert values.parse_milliseconds_or_time("1500", "x") == Instant(1_500_000_000)
    assert values.parse_milliseconds_or_time("-1", "x") == Instant(-1_000_000)
    assert values.parse_milliseconds_or_time("2024-05-01T21:00:00+0900", "x") == NOON
