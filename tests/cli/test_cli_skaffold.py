"""What Skaffold is told, compared with what the real plugin told it of the same projects."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.projects import write_tree
from tests.support.skaffold import (
    GOALS,
    PROJECTS,
    ask_jib,
    golden,
    make_project,
    module_of,
    neutral,
)


@pytest.mark.parametrize("name", PROJECTS)
def test_as_jib_told_it(cli: Cli, tmp_path: Path, name: str) -> None:
    root = make_project(name, tmp_path)
    recorded = golden()[name]
    for command in GOALS:
        place = root / module_of(name) if command == "sync-map" else root
        done = cli("skaffold", command, place)
        assert done.code == 0, done.stderr
        assert neutral(done.stdout, root) == recorded[command]


@pytest.mark.peers
@pytest.mark.identity
@pytest.mark.parametrize("name", PROJECTS)
def test_real_jib_tells_it_so_still(tmp_path: Path, name: str) -> None:
    assert ask_jib(name, make_project(name, tmp_path)) == golden()[name]


def told(text: str) -> dict[str, list[str]]:
    document: dict[str, list[str]] = json.loads(text.splitlines()[2])
    return document


def test_a_module_is_told_with_what_it_is_made_from(cli: Cli, tmp_path: Path) -> None:
    root = make_project("two modules", tmp_path)
    web = told(cli("skaffold", "files", root / "web").stdout)
    assert [Path(path).parent.name for path in web["build"][:3]] == ["project", "prices", "web"]
    prices = told(cli("skaffold", "files", root / "prices").stdout)
    assert [Path(path).parent.name for path in prices["build"]] == ["project", "prices"]
    one = cli("skaffold", "init", root / "prices").stdout
    assert one.count("BEGIN JIB JSON") == 1
    assert "prices:1" in one


def test_a_module_is_named_as_build_names_it(cli: Cli, tmp_path: Path) -> None:
    root = make_project("two modules", tmp_path)
    for command in GOALS:
        by_directory = cli("skaffold", command, root / "web")
        assert by_directory.code == 0, by_directory.stderr
        for name in ("web", ":web"):
            assert cli("skaffold", command, root, "--module", name) == by_directory
    nothing = cli("skaffold", "files", root, "--module", "nope")
    assert (nothing.code, nothing.stdout) == (2, "")
    assert "has no module nope" in nothing.stderr


def test_properties_name_images_and_extra_directories(cli: Cli, tmp_path: Path) -> None:
    root = make_project("two modules", tmp_path)
    done = cli("skaffold", "init", root / "web", "-Djib.to.image=a", "-Dimage=b")
    assert '{"image":"b",' in done.stdout
    done = cli("skaffold", "files", root / "web", "-Djib.extraDirectories.paths=x,/y")
    assert {str(root / "web" / "x"), "/y"} <= set(told(done.stdout)["inputs"])


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("-Djib.containerizingMode=packaged", "'exploded' containerizing mode"),
        ("-Djib.container.appRoot=x", "not an absolute"),
    ],
)
def test_what_is_not_synced(cli: Cli, tmp_path: Path, setting: str, reason: str) -> None:
    root = make_project("two modules", tmp_path)
    done = cli("skaffold", "sync-map", root / "web", setting)
    assert (done.code, done.stdout) == (2, "")
    assert reason in done.stderr


def test_a_module_that_is_skipped_says_nothing(cli: Cli, tmp_path: Path) -> None:
    root = make_project("two modules", tmp_path)
    done = cli("skaffold", "sync-map", root / "web", "-Djib.containerize=:prices")
    assert (done.code, done.stdout) == (0, "")


def test_neither_maven_nor_gradle(cli: Cli, tmp_path: Path) -> None:
    write_tree(tmp_path, {"build.gradle": ""})
    done = cli("skaffold", "files", tmp_path)
    assert done.code == 2
    assert "pyjib init gradle" in done.stderr


def test_a_list_of_what_is_there(cli: Cli, tmp_path: Path) -> None:
    root = make_project("two modules", tmp_path)
    paths = json.loads(cli("skaffold", "files", root / "web", "--list").stdout)
    assert str(root / "web" / "extra") in paths
    assert all(Path(path).exists() for path in paths)


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")
def test_names_that_are_no_unicode(cli: Cli, tmp_path: Path) -> None:
    """Told with their bytes as halves of characters, as inspect and plan do: one fails not all."""
    root = make_project("two modules", tmp_path).rename(tmp_path / "caf\udce9")
    done = cli("skaffold", "files", root / "web")
    assert (done.code, done.stderr) == (0, "")
    assert str(root / "web" / "pom.xml") in json.loads(done.stdout.splitlines()[-1])["build"]
    assert "caf\\udce9" in done.stdout
