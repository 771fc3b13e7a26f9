"""What a POM configures for Jib gives Jib's image: as it was recorded, and as Jib makes it now."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from tests.support.jib_poms import Run, jibs_image, our_image, recorded, runs, write_project
from tests.support.real_jib import java_home

pytestmark = pytest.mark.identity

RUNS = list(runs())


def test_every_case_is_recorded() -> None:
    assert list(recorded()) == [run.key for run in RUNS]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.key)
def test_the_image_is_the_recorded_one(run: Run, tmp_path: Path) -> None:
    image_id, digest = our_image(write_project(run, tmp_path / "project"), tmp_path)
    golden_id, golden_digest = recorded()[run.key]
    assert image_id == golden_id
    if "ng" not in zlib.ZLIB_RUNTIME_VERSION:  # zlib-ng compresses to other bytes
        assert digest == golden_digest


@pytest.mark.peers
@pytest.mark.parametrize(
    "run",
    [run for run in RUNS if run.version == "3.5.2" and run.case.served],
    ids=lambda run: run.key,
)
def test_the_recorded_image_is_jibs(run: Run, tmp_path: Path) -> None:
    project = write_project(run, tmp_path / "project")
    made = jibs_image(project, str(java_home(17)), goals=run.case.goals)
    assert made == recorded()[run.key], "record it anew"
