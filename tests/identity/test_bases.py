"""Bases from registries, archives and a Docker Engine: on each the image is the one Jib makes."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from tests.support.base_cases import (
    BaseRun,
    base_of,
    our_image,
    recorded,
    runs,
    write_project_on,
)
from tests.support.jib_poms import jibs_image
from tests.support.peers import Engine
from tests.support.real_jib import java_home

pytestmark = pytest.mark.identity

RUNS = list(runs())
WITHOUT_ENGINE = [run for run in RUNS if not run.case.needs_engine]
WITH_ENGINE = [run for run in RUNS if run.case.needs_engine]
NEWEST = [run for run in RUNS if run.version == "3.5.2"]


def test_every_case_is_recorded() -> None:
    assert list(recorded()) == [run.key for run in RUNS]


@pytest.mark.parametrize("run", WITHOUT_ENGINE, ids=lambda run: run.key)
def test_the_image_is_the_recorded_one(run: BaseRun, tmp_path: Path) -> None:
    check(run, tmp_path)


@pytest.mark.peers
@pytest.mark.parametrize("run", WITH_ENGINE, ids=lambda run: run.key)
def test_the_image_on_an_engines_is_the_recorded_one(
    run: BaseRun, docker_engine: Engine, tmp_path: Path
) -> None:
    check(run, tmp_path, docker_engine)


def check(run: BaseRun, tmp_path: Path, engine: Engine | None = None) -> None:
    with base_of(run.case, tmp_path, engine) as location:
        project = write_project_on(run, location, tmp_path / "project")
        image_id, digest = our_image(project, tmp_path, engine)
    golden_id, golden_digest = recorded()[run.key]
    assert image_id == golden_id
    if "ng" not in zlib.ZLIB_RUNTIME_VERSION:  # zlib-ng compresses to other bytes
        assert digest == golden_digest


@pytest.mark.peers
@pytest.mark.parametrize("run", NEWEST, ids=lambda run: run.key)
def test_the_recorded_image_is_jibs(
    run: BaseRun, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    engine: Engine | None = None
    if run.case.needs_engine:
        engine = request.getfixturevalue("docker_engine")
    with base_of(run.case, tmp_path, engine) as location:
        project = write_project_on(run, location, tmp_path / "project")
        made = jibs_image(project, str(java_home(17)), engine.variables if engine else None)
    assert made == recorded()[run.key], "record it anew"
