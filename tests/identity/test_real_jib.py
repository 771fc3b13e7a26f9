"""Real Jib, run by Maven, makes the images that pyjib makes: same image ID, same manifest digest.

What was recorded for the tests without Jib is checked on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.serve import RegistryServer
from tests.support.cli import Cli
from tests.support.identity import CASES, Case, recorded
from tests.support.real_jib import base_in, base_registry, copy_project, run_case

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
