"""Whole Maven projects: pyjib's image is Jib's, and its class path is Maven's."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from pyjib.errors import DependencyError
from tests.support.maven_builds import BUILDS, NEWEST, MavenBuild, builds_of
from tests.support.maven_projects import Workplace, is_recorded, recorded
from tests.support.programs import missing
from tests.support.real_jib import base_registry

pytestmark = pytest.mark.identity

IMAGES = [(found, version) for found in BUILDS for version in found.versions]


class Builds:
    """What Maven and Jib make of the projects, each run done when it is first asked for."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._workplaces: dict[str, Workplace] = {}

    def workplace(self, build: MavenBuild) -> Workplace:
        found = self._workplaces.get(build.run)
        if found is None:
            found = Workplace(self._factory.mktemp("maven"))
            with base_registry() as base:
                found.run_maven(builds_of(build.run, NEWEST), NEWEST, base)
            self._workplaces[build.run] = found
        return found


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    return Builds(tmp_path_factory)


@pytest.mark.peers
@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.key)
def test_the_image_is_jibs(build: MavenBuild, builds: Builds) -> None:
    workplace = builds.workplace(build)
    jibs = workplace.jibs_image(build)
    assert workplace.our_image(build, NEWEST) == jibs
    if is_recorded(workplace.built(build)):
        golden = recorded()[build.key]["images"][NEWEST]
        assert jibs.image_id == golden["imageId"], "record it anew"
        assert jibs.digest == golden["manifestDigest"], "record it anew"


@pytest.mark.peers
@pytest.mark.resolver
@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.key)
def test_the_class_path_is_mavens(build: MavenBuild, builds: Builds) -> None:
    workplace = builds.workplace(build)
    expected = workplace.mavens_class_path(build)
    assert workplace.class_path(build) == expected
    names = [Path(path).name for path in expected]
    assert names == recorded()[build.key]["classPath"], "record it anew"


def test_every_build_is_recorded() -> None:
    found = {key: tuple(entry["images"]) for key, entry in recorded().items()}
    assert found == {build.key: build.versions for build in BUILDS}


# Behind those that let Maven fill the local repository: these need what is in it.
@pytest.mark.parametrize(
    ("build", "version"), IMAGES, ids=lambda value: getattr(value, "key", value)
)
def test_the_image_is_the_recorded_one(build: MavenBuild, version: str, tmp_path: Path) -> None:
    workplace = Workplace(tmp_path)
    try:
        workplace.take_built(build)
        ours = workplace.our_image(build, version)
    except DependencyError as error:
        missing("mvn", f"the local repository lacks what the project needs: {error.message}")
    golden = recorded()[build.key]["images"][version]
    assert ours.image_id == golden["imageId"]
    if "ng" not in zlib.ZLIB_RUNTIME_VERSION:  # zlib-ng compresses to other bytes
        assert ours.digest == golden["manifestDigest"]


@pytest.mark.resolver
@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.key)
def test_the_class_path_is_the_recorded_one(build: MavenBuild, tmp_path: Path) -> None:
    workplace = Workplace(tmp_path)
    try:
        workplace.take_built(build)
        found = workplace.class_path(build)
    except DependencyError as error:
        missing("mvn", f"the local repository lacks what the project needs: {error.message}")
    assert [Path(path).name for path in found] == recorded()[build.key]["classPath"]
