"""jib.yaml, ``pyjib jar`` and ``pyjib war`` make the images that jib-cli makes.

Ordinarily against what was recorded (``fixtures/identity/jib-cli.json``); with peers jib-core
itself, driven as jib-cli drives it by the program in ``tests/support/java``, is asked anew.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.jib_cli_cases import CASES, VERSIONS, Case
from tests.support.jib_cli_peer import (
    Workplace,
    core_images,
    key,
    our_image,
    recorded,
    workplace,
)

pytestmark = pytest.mark.identity


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    with workplace(tmp_path_factory.mktemp("jib-cli")) as made:
        yield made


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.folder)
def test_the_image_is_jib_clis(case: Case, version: str, place: Workplace) -> None:
    assert our_image(case, version, place) == recorded()[key(case, version)]


def test_what_is_recorded_are_the_cases() -> None:
    assert set(recorded()) == {key(case, version) for case in CASES for version in VERSIONS}


@pytest.mark.peers
@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_recorded_is_jib_cores(version: str, place: Workplace) -> None:
    made = core_images(version, place)
    assert made == {name: ids for name, ids in recorded().items() if name in made}, "record anew"
