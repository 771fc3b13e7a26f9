"""The image of a kept project is that of the project itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.errors import DependencyError
from pyjib.maven_kept import KeptProjects
from tests.support.kept_projects import LaterStore, Unasked
from tests.support.maven_builds import BUILDS, NEWEST, MavenBuild
from tests.support.maven_projects import Workplace
from tests.support.programs import missing


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.key)
def test_the_image_is_the_same(build: MavenBuild, tmp_path: Path) -> None:
    workplace = Workplace(tmp_path)
    store = LaterStore(tmp_path / "kept")
    try:
        workplace.take_built(build)
        fresh = workplace.our_image(build, NEWEST)
    except DependencyError as error:
        missing("mvn", f"the local repository lacks what the project needs: {error.message}")
    assert workplace.our_image(build, NEWEST, kept=KeptProjects(store)) == fresh
    # A repository that has snapshots is asked for newer ones each time.
    kept = KeptProjects(store) if build.before == "deploy" else Unasked(store)
    assert workplace.our_image(build, NEWEST, kept=kept) == fresh
