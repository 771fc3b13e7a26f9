"""Images are the ones that real Jib was recorded to make, with no Jib and no Maven at hand."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from pyjib.oci.location import LayoutLocation
from tests.support.identity import BASE, CASES, Case, recorded
from tests.support.real_jib import copy_project

pytestmark = pytest.mark.identity

LOCATION = LayoutLocation(path=BASE, tag="17-jre")


def test_every_case_is_recorded() -> None:
    assert list(recorded()) == [case.name for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_image_is_the_recorded_one(case: Case, tmp_path: Path) -> None:
    image_id, digest = case.assemble(copy_project(case, tmp_path), LOCATION, tmp_path / "cache")
    golden = recorded()[case.name]
    assert image_id == golden["imageId"]
    if "ng" not in zlib.ZLIB_RUNTIME_VERSION:  # zlib-ng compresses to other bytes
        assert digest == golden["manifestDigest"]
