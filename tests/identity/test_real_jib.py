"""Real Jib, run by Maven, makes the images that pyjib makes: same image ID, same manifest digest.

What was recorded for the tests without Jib is checked on the way.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.build import assemble
from pyjib.oci.identity import Identity
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.project.maven.project import open_maven_project
from pyjib.serve import RegistryServer
from tests.support.cli import Cli
from tests.support.identity import CASES, ROOT, Case, recorded
from tests.support.programs import run
from tests.support.real_jib import (
    base_in,
    base_registry,
    copy_project,
    java_home,
    jib_build,
    run_case,
)

pytestmark = [pytest.mark.identity, pytest.mark.peers]


@pytest.fixture(scope="module")
def bases() -> Iterator[RegistryServer]:
    with base_registry() as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_image_is_jibs(case: Case, bases: RegistryServer, tmp_path: Path) -> None:
    project = copy_project(case, tmp_path)
    jib = run_case(case, project, bases)
    ours = case.assemble(project, base_in(bases), tmp_path / "cache")
    assert ours == (jib.image_id, jib.digest)
    golden = recorded()[case.name]
    assert ours == (golden["imageId"], golden["manifestDigest"]), "record it anew"
    check_by_command(case, project, jib.archive if case.goal == "buildTar" else jib.name, bases)


def check_by_command(case: Case, project: Path, image: Path | str, bases: RegistryServer) -> None:
    """Let ``pyjib compare-jib`` say so too, where nothing but defaults was asked for."""
    if case.properties or case.files or case.jdk != 17:
        return
    cli = Cli(home=project.parent)
    done = cli("compare-jib", image, project, "--from", str(base_in(bases)), "--progress", "none")
    assert (done.code, done.stderr) == (0, "")
    assert done.lines[0].startswith("equal: ")


@pytest.fixture(scope="module")
def spring_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mission's app, whose dependencies are found by reading its pom; built by Maven."""
    project = tmp_path_factory.mktemp("spring") / "project"
    shutil.copytree(ROOT / "fixtures" / "docker-hello-spring", project)
    arguments = ("--batch-mode", "--quiet", "-DskipTests", "-f", project, "package")
    run("mvn", *arguments, environment={"JAVA_HOME": str(java_home(17))}, timeout=600)
    return project


@pytest.mark.parametrize("plugin", ["3.3.2", "3.5.2"])
def test_the_image_of_a_spring_boot_app_is_jibs(
    plugin: str, spring_project: Path, bases: RegistryServer, tmp_path: Path
) -> None:
    base, name = base_in(bases), f"{bases.address}/spring:{plugin}"
    jib = jib_build(spring_project, plugin, base=str(base), target=name)
    shutil.rmtree(spring_project / "target" / "caches")
    host = HostEnvironment.of(os.environ)
    project = open_maven_project(spring_project, host=host)
    options = BuildOptions(
        base=base, identity=Identity.of_jib(plugin), host=host, cache=tmp_path / "cache"
    )
    with assemble(options, path=spring_project, read=project.read) as made:
        assert made.layers[0].name == "dependencies"
        assert (str(made.image.image_id), str(made.image.digest)) == (jib.image_id, jib.digest)
