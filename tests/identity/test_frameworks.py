"""Quarkus, Micronaut, and projects of the shapes that Jib's own examples have.

Images are those that Jib makes of the same sources, class paths those that Maven works out.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pyjib.serve import RegistryServer
from tests.support.framework_projects import (
    CASES,
    QUARKUS_EXTENSION,
    QUARKUS_TREES,
    FrameworkCase,
    copy_project,
    is_as_recorded,
    is_served,
    jibs_image,
    mavens_class_path,
    our_class_path,
    our_image,
    recorded,
    take_built,
)
from tests.support.peers import Engine
from tests.support.real_jib import base_in, base_registry

pytestmark = pytest.mark.identity

RUNS = [(case, version) for case in CASES for version in case.versions]


def test_every_case_is_recorded() -> None:
    assert {name: list(entry["images"]) for name, entry in recorded().items()} == {
        case.name: list(case.versions) for case in CASES
    }


@pytest.fixture(scope="module")
def bases() -> Iterator[RegistryServer]:
    with base_registry() as server:
        yield server


@pytest.mark.peers
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_image_is_jibs(
    case: FrameworkCase,
    bases: RegistryServer,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    variables: Mapping[str, str] | None = None
    if case.in_daemon:
        engine: Engine = request.getfixturevalue("docker_engine")
        variables = engine.variables
    project = copy_project(case, tmp_path)
    jib = jibs_image(case, project, bases, environment=variables)
    if case.in_daemon:
        assert engine.inspect(jib.image)["Id"] == jib.image_id
        engine.run("image", "rm", "--force", jib.image)
    ours = our_image(
        case, project, tmp_path, base=base_in(bases), registry=bases.address, environment=variables
    )
    assert ours == jib
    if case.in_daemon:
        assert engine.inspect(jib.image)["Id"] == jib.image_id
    check_class_path(case, project)
    if is_as_recorded(case, project):
        golden = recorded()[case.name]["images"]["3.5.2"]
        assert (jib.image_id, jib.digest) == (golden["imageId"], golden["manifestDigest"])


def check_class_path(case: FrameworkCase, project: Path) -> None:
    class_path = mavens_class_path(project)
    assert our_class_path(project, case) == class_path
    names = [Path(path).name for path in class_path]
    assert names == recorded()[case.name]["classPath"], "record it anew"


@pytest.mark.peers
@pytest.mark.parametrize("case", QUARKUS_TREES, ids=lambda case: case.name)
def test_the_image_of_what_quarkus_builds_is_jibs(
    case: FrameworkCase, bases: RegistryServer, tmp_path: Path
) -> None:
    if not is_served(QUARKUS_EXTENSION):
        pytest.skip(f"no repository that Maven knows has {QUARKUS_EXTENSION}")
    project = copy_project(case, tmp_path)
    jib = jibs_image(case, project, bases)
    assert our_image(case, project, tmp_path, base=base_in(bases)) == jib


# Last, for on a machine that is new to Maven the tests above bring what these need.
@pytest.mark.parametrize(("case", "version"), RUNS, ids=lambda value: getattr(value, "name", value))
def test_the_image_is_the_recorded_one(case: FrameworkCase, version: str, tmp_path: Path) -> None:
    project = copy_project(case, tmp_path)
    take_built(case, project)
    made = our_image(case, project, tmp_path, version=version)
    golden = recorded()[case.name]["images"][version]
    assert made.image_id == golden["imageId"]
    if "ng" not in zlib.ZLIB_RUNTIME_VERSION:  # zlib-ng compresses to other bytes
        assert made.digest == golden["manifestDigest"]
