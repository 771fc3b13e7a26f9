from __future__ import annotations

from dataclasses import replace

import pytest

from pyjib.base.model import check_single, choose
from pyjib.errors import PlatformError
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.platform import Platform
from tests.support.images import random_image

ENTRY = random_image().descriptor


def entries(*platforms: str | None) -> list[Descriptor]:
    return [
        replace(ENTRY, platform=Platform.parse(platform) if platform else None)
        for platform in platforms
    ]


def chosen(there: list[Descriptor], *wanted: str) -> list[str]:
    found = choose(there, [Platform.parse(platform) for platform in wanted], name="base")
    return [str(entry.platform) for entry in found]


@pytest.mark.parametrize(
    ("there", "wanted", "expected"),
    [
        (("linux/amd64", "linux/arm64/v8"), (), ["linux/amd64"]),
        (("linux/arm64/v8",), (), ["linux/arm64/v8"]),
        ((None,), (), ["None"]),
        (("linux/arm64/v8", "unknown/unknown"), (), ["linux/arm64/v8"]),
        (("linux/arm/v5", "linux/arm/v7"), ("linux/arm",), ["linux/arm/v5"]),
        (("linux/arm/v5", "linux/arm/v7"), ("linux/arm/v7",), ["linux/arm/v7"]),
        (("linux/arm64/v8", "linux/arm64"), ("linux/arm64",), ["linux/arm64"]),
        (("linux/arm64",), ("linux/arm64/v8",), ["linux/arm64"]),
        (
            ("linux/amd64", "linux/arm64/v8"),
            ("linux/arm64", "linux/amd64"),
            ["linux/arm64/v8", "linux/amd64"],
        ),
    ],
)
def test_entries_are_chosen(
    there: tuple[str | None, ...], wanted: tuple[str, ...], expected: list[str]
) -> None:
    assert chosen(entries(*there), *wanted) == expected


@pytest.mark.parametrize(
    ("there", "wanted", "listed"),
    [
        (("linux/arm64/v8", "linux/s390x"), (), "it has linux/arm64/v8, linux/s390x"),
        (("linux/arm/v5",), ("linux/arm/v7",), "it has linux/arm/v5"),
        (("windows/amd64",), ("linux/amd64",), "it has windows/amd64"),
        ((), (), "it has no platform at all"),
        (("unknown/unknown",), (), "it has no platform at all"),
    ],
)
def test_what_is_there_is_listed_where_nothing_fits(
    there: tuple[str, ...], wanted: tuple[str, ...], listed: str
) -> None:
    with pytest.raises(PlatformError) as caught:
        chosen(entries(*there), *wanted)
    assert listed in caught.value.message
    assert caught.value.hint


def test_entries_of_another_kind_are_no_images() -> None:
    other = replace(entries("linux/amd64")[0], media_type="application/vnd.example")
    with pytest.raises(PlatformError):
        chosen([other])


def test_a_single_image_answers_the_default_whatever_it_is() -> None:
    image = random_image(platform=Platform.parse("linux/arm64/v8"))
    check_single(image, (), name="base")
    check_single(image, (Platform.parse("linux/arm64"),), name="base")
    with pytest.raises(PlatformError, match="image base is for linux/arm64/v8 only"):
        check_single(image, (Platform.parse("linux/amd64"),), name="base")
