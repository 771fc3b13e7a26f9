from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.cli import environment, values
from pyjib.errors import ConfigurationError
from pyjib.oci.instant import EPOCH, Instant
from pyjib.oci.location import parse_location
from pyjib.oci.media_type import Compression
from pyjib.options import CompressionChoice, ExtraDirectory, HostEnvironment, Permission

NOWHERE = HostEnvironment()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("512", 512),
        ("1kB", 1000),
        ("1 KiB", 1024),
        ("2GB", 2_000_000_000),
        ("1.5g", 1_500_000_000),
        ("3TiB", 3 * 1024**4),
        ("10b", 10),
    ],
)
def test_sizes(text: str, count: int) -> None:
    assert values.parse_size(text) == count


@pytest.mark.parametrize("text", ["", "GB", "-1", "1e9", "1 2", "1,5GB", "1PB", "٣GB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a size"):
        values.parse_size(text)


@given(st.text(min_size=1).filter(lambda name: "=" not in name), st.text())
def test_a_pair_is_split_at_its_first_equals_sign(name: str, value: str) -> None:
    assert values.parse_pair(f"{name}={value}") == (name, value)


@pytest.mark.parametrize("text", ["", "NAME", "=value", "="])
def test_what_is_no_pair(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not NAME=VALUE"):
        values.parse_pair(text)


@given(st.lists(st.text(min_size=1), min_size=1))
def test_words_are_taken_one_by_one_or_as_json(words: list[str]) -> None:
    assert values.parse_words((json.dumps(words),)) == tuple(words)
    assert values.parse_words(("java", *words)) == ("java", *words)


def test_words_none_and_empty() -> None:
    assert values.parse_words(()) is None
    assert values.parse_words(("[]",)) == ()
    assert values.parse_words(("[", "x")) == ("[", "x")


@pytest.mark.parametrize(
    "text", ["[", "[" * 100_000, "[1]", '["a", 2]', "[java]", '["a"]x', '[""]']
)
def test_what_is_no_array_of_words(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--entrypoint"):
        values.parse_words((text,))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("epoch", EPOCH),
        ("EPOCH", EPOCH),
        ("0", EPOCH),
        ("1700000000123", Instant(1_700_000_000_123_000_000)),
        ("-1", Instant(-1_000_000)),
        ("2024-05-01T12:00:00Z", Instant.of_seconds(1_714_564_800)),
        ("2024-05-01T14:00:00+02:00", Instant.of_seconds(1_714_564_800)),
    ],
)
def test_instants(text: str, instant: Instant) -> None:
    assert values.parse_instant(text) == instant


@pytest.mark.parametrize("text", ["", "today", "2024-05-01", "999999999999999", "1.5"])
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(ConfigurationError):
        values.parse_instant(text)


def test_source_date_epoch_stands_for_the_present_and_for_nothing_said() -> None:
    host = HostEnvironment.of({"SOURCE_DATE_EPOCH": "1700000000"}, Path())
    stated = Instant.of_seconds(1_700_000_000)
    assert values.read_created(None, host) == stated
    assert values.read_created(values.parse_created("now"), host) == stated
    assert values.read_created(EPOCH, host) == EPOCH
    assert values.read_created(None, NOWHERE) == EPOCH
    before = datetime.now(UTC).timestamp()
    assert values.read_created(values.NOW, NOWHERE).seconds >= int(before)


@pytest.mark.parametrize("text", ["yesterday", "1.5", "-1", "1e9", "123456789012", "٣"])
def test_a_source_date_epoch_that_is_none(text: str) -> None:
    host = HostEnvironment.of({"SOURCE_DATE_EPOCH": text}, Path())
    with pytest.raises(ConfigurationError, match="SOURCE_DATE_EPOCH"):
        environment.source_date_epoch(host)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("gzip", CompressionChoice(method=Compression.GZIP)),
        ("gzip:9", CompressionChoice(method=Compression.GZIP, level=9)),
        ("zstd:19", CompressionChoice(method=Compression.ZSTD, level=19)),
        ("none", CompressionChoice(method=Compression.NONE)),
    ],
)
def test_compressions(text: str, choice: CompressionChoice) -> None:
    assert values.parse_compression(text) == choice


@pytest.mark.parametrize("text", ["", "gzip:", "none:1", "xz", "GZIP", "zstd:x", "gzip:-1"])
def test_what_is_no_compression(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no compression"):
        values.parse_compression(text)


@pytest.mark.parametrize(
    ("text", "source", "into"),
    [
        ("src/main/jib", "src/main/jib", "/"),
        ("conf:/etc/app", "conf", "/etc/app"),
        ("a:b:/c", "a:b", "/c"),
        ("C:/app/conf", "C:/app/conf", "/"),
        ("C:/app/conf:/etc", "C:/app/conf", "/etc"),
        ("with:colon", "with:colon", "/"),
    ],
)
def test_extra_directories(text: str, source: str, into: str) -> None:
    assert values.parse_extra_directory(text) == ExtraDirectory(source=Path(source), into=into)


def test_permissions() -> None:
    parsed = values.parse_permission("/app/a=b/*.sh=755")
    assert parsed == Permission(pattern="/app/a=b/*.sh", mode=0o755)
    for text in ("", "=755", "/x", "/x=", "/x=7", "/x=0755", "/x=888", "/x=rwx"):
        with pytest.raises(ConfigurationError, match="is not PATH=MODE"):
            values.parse_permission(text)


@pytest.mark.parametrize("text", ["", "http://r.io", "r.io/x", "user@r.io", "r.io x"])
def test_what_is_no_registry_host(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a registry's host"):
        values.parse_host(text)


@pytest.mark.parametrize(
    ("text", "registry"),
    [
        ("GHCR.io", "ghcr.io"),
        ("https://registry.example.com/", "registry.example.com"),
        ("localhost:5000", "localhost:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
    ],
)
def test_registries_to_log_in_to(text: str, registry: str) -> None:
    assert values.parse_registry(text) == registry


def test_lists() -> None:
    assert values.parse_list("a, b,,c") == ("a", "b", "c")
    assert values.parse_list(" ") == ()


def test_who_has_a_colour_terminal() -> None:
    pty = pytest.importorskip("pty")
    parent, child = pty.openpty()
    with os.fdopen(parent), os.fdopen(child, "w") as terminal:
        assert environment.can_move(terminal, {"TERM": "xterm", "CI": "false"})
        assert not environment.can_move(terminal, {"TERM": "dumb"})
        assert not environment.can_move(terminal, {"TERM": "xterm", "CI": "true"})
        assert not environment.colour(terminal, {"TERM": "xterm", "NO_COLOR": "1"})
        assert environment.colour(terminal, {"TERM": "xterm", "CI": "true"})
    assert not environment.colour(terminal, {"TERM": "xterm"})  # it is closed
    assert not environment.can_move(None, {})


@pytest.mark.parametrize("text", ["ghcr.io", "localhost:5000", "LocalHost", "r.io:1@sha256:0"])
def test_a_registry_is_no_image(text: str) -> None:
    for parse in (values.parse_image_location, values.parse_image_name, values.parse_target):
        with pytest.raises(ConfigurationError, match="is a registry, not an image in it") as caught:
            parse(text)
        assert f"{text}/team/app" in str(caught.value.hint)


def test_a_file_is_no_image() -> None:
    with pytest.raises(ConfigurationError, match="no image's name") as caught:
        values.parse_image_location("app.tar")
    assert caught.value.hint == "a file is written tar://app.tar"


@pytest.mark.parametrize(
    "text", ["app", "app:1.0", "localhost:5000/app", "r.io/app", "tar://a.tar"]
)
def test_an_image_is_one(text: str) -> None:
    assert values.parse_image_location(text) == parse_location(text)


@pytest.mark.parametrize("text", ["tar:x.tar", "oci:dir", "tar:../x.tar", "oci:dir:1.0"])
def test_skopeos_words_are_no_images(text: str) -> None:
    kind, _, rest = text.partition(":")
    with pytest.raises(ConfigurationError, match="would be the image") as caught:
        values.parse_image_location(text)
    assert f"did you mean {kind}://{rest}?" in caught.value.message
    assert caught.value.hint == f"an image of that name is written registry://{text}"


@pytest.mark.parametrize("text", ["docker:27-dind", "docker:5000/app", "registry://tar:1"])
def test_what_only_looks_like_skopeos_words(text: str) -> None:
    assert values.parse_image_location(text) == parse_location(text)


def test_a_tar_that_is_there_is_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "target").mkdir()
    for text in ("target/app.tar", "target/App.TAR"):
        with pytest.raises(ConfigurationError, match="no image's name") as caught:
            values.parse_image_location(text)
        assert caught.value.hint == f"a file is written tar://{text}"
    for text in ("team/app.tar", "r.io/app.tar", f"{'x/' * 100}{'y' * 300}.tar"):
        assert not values._is_tar_below(text)


def test_amounts() -> None:
    assert values.parse_amount("1.5") == 1.5
    with pytest.raises(ConfigurationError, match="from 1 to"):
        values.parse_amount("0.5", least=1)
