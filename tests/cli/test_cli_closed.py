"""Files and directories that belong to somebody else, and may not be read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import HELLO, Cli
from tests.support.powerless import Powerless, without_power

READABLE = "hint: make it readable for the user who runs pyjib"


@pytest.fixture
def powerless(cli: Cli, tmp_path: Path) -> Powerless:
    """Run the program as a user for whom the modes of files count."""
    return without_power(cli, tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home directory of somebody else, with all that Maven has in one."""
    place = tmp_path / "theirs"
    (place / ".m2" / "repository").mkdir(parents=True)
    (place / ".m2" / "settings.xml").write_text("<settings/>")
    place.chmod(0)
    yield place
    place.chmod(0o700)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    shutil.copytree(HELLO, place)
    return place


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    path = tmp_path / "closed"
    path.write_text("x")
    path.chmod(0)
    return path


def build(project: Path, *more: str | Path) -> list[str | Path]:
    return ["build", project, "--from", "scratch", "--to", f"tar://{project}.tar", *more]


def test_a_home_of_somebody_else(powerless: Powerless, home: Path, project: Path) -> None:
    """Its settings are none, as to Java; of its repository nothing is wanted here."""
    variables = {"MAVEN_OPTS": f"-Duser.home={home}"}
    done = powerless(*build(project), **variables)
    assert done.code == 0, done.stderr
    listed = powerless("skaffold", "files", project, "--list", **variables)
    assert listed.code == 0, listed.stderr


def test_the_libraries_of_somebody_else(powerless: Powerless, home: Path, project: Path) -> None:
    pom = (project / "pom.xml").read_text()
    library = (
        "<dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId>"
        "<version>1</version></dependency></dependencies></project>"
    )
    (project / "pom.xml").write_text(pom.replace("</project>", library))
    done = powerless(*build(project), MAVEN_OPTS=f"-Duser.home={home}")
    error, *_, hint = done.stderr.splitlines()
    repository = home / ".m2" / "repository"
    assert done.code == 1
    assert f"not in the local repository {repository}, which this user may not look into" in error
    assert hint.startswith("hint: name a local repository that may be read: -Dmaven.repo.local=DIR")


@pytest.mark.parametrize("name", [".", "pom.xml"])
def test_a_project_of_somebody_else(powerless: Powerless, project: Path, name: str) -> None:
    place = project / name
    place.chmod(0)
    try:
        done = powerless(*build(project))
    finally:
        place.chmod(0o700)
    error = f"error: cannot read {project / 'pom.xml'}: Permission denied"
    assert (done.code, done.stderr.splitlines()) == (1, [error, READABLE])


def test_settings_that_are_seen_and_closed(powerless: Powerless, home: Path, project: Path) -> None:
    home.chmod(0o700)
    settings = home / ".m2" / "settings.xml"
    settings.chmod(0)
    done = powerless(*build(project), MAVEN_OPTS=f"-Duser.home={home}")
    error = f"error: cannot read {settings}: Permission denied"
    assert (done.code, done.stderr.splitlines()) == (2, [error, READABLE])


@pytest.mark.parametrize("flag", ["--auth-file", "--ca-file", "--classpath-file", "-b"])
def test_a_file_that_an_option_names(
    powerless: Powerless, project: Path, closed: Path, flag: str
) -> None:
    done = powerless(*build(project, flag, closed))
    assert done.code in (1, 2)
    assert f"{closed}: Permission denied\n" in done.stderr
    assert "click" not in done.stderr
    assert not project.with_suffix(".tar").exists()


def test_a_registry_of_somebody_else(powerless: Powerless, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir(mode=0)
    done = powerless("registry", "gc", "--root", root)
    root.chmod(0o700)
    assert done.code == 2
    assert done.stderr == (
        f"error: --root {root}: cannot read it: Permission denied\n"
        "hint: run it as the user that the files belong to\n"
    )


def test_a_name_that_no_file_can_have(cli: Cli) -> None:
    name = "n" * 300
    done = cli("build", name, "--to", "tar://x.tar")
    assert done.code == 1
    assert done.stderr.startswith(f"error: cannot read {name}")
    assert "should not" not in done.stderr
