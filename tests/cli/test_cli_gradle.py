"""Gradle from the command line: the init script, and an image of what it found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyjib.project.gradle import init_script
from tests.support.cli import HELLO, Cli
from tests.support.gradle import golden, make_build
from tests.support.projects import main_class, write_tree

BASE = f"oci://{HELLO.parent / 'base-image'}:17-jre"
EMPTY_JAR = b"PK\x05\x06" + bytes(18)


def test_the_init_script_is_written(cli: Cli, tmp_path: Path) -> None:
    done = cli("init", "gradle", tmp_path)
    path = tmp_path / "pyjib.init.gradle"
    assert (done.code, done.lines) == (0, [str(path)])
    assert "gradle -I pyjib.init.gradle pyjibClasspath" in done.stderr
    assert path.read_text() == init_script()
    assert cli("init", "gradle", tmp_path).code == 0
    path.write_text("// mine\n")
    done = cli("init", "gradle", tmp_path)
    assert (done.code, "--force" in done.stderr) == (2, True)
    write_tree(tmp_path, {"gradlew": ""})
    done = cli("init", "gradle", tmp_path, "--force")
    assert "./gradlew -I" in done.stderr
    assert path.read_text() == init_script()
    path.unlink()
    path.mkdir()
    done = cli("init", "gradle", tmp_path)
    assert (done.code, f"cannot read {path}, which is there" in done.stderr) == (2, True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = make_build(tmp_path)
    for module in ("app", "lib"):
        document = json.dumps(golden(module, root))
        write_tree(root, {f"{module}/build/pyjib/classpath.json": document})
    classes = {"app/build/classes/java/main/x/App.class": main_class("x/App")}
    write_tree(root, {**classes, "lib/build/libs/lib.jar": EMPTY_JAR})
    return root


def test_a_plan_of_what_gradle_wrote(cli: Cli, root: Path) -> None:
    done = cli("plan", root / "app", "--from", BASE, "--json", "--platform", "linux/amd64")
    assert done.code == 0, done.stderr
    plan = done.json
    assert plan["configuration"].startswith("jib-gradle-plugin")
    assert [layer["name"] for layer in plan["layers"]] == [
        "dependencies",
        "snapshot dependencies",
        "project dependencies",
        "classes",
        "jvm arg files",
        "extra files",
    ]
    # Java 8 takes a wildcard; what is no jar lies there and is on no class path.
    assert plan["config"]["entrypoint"][-2:] == [
        "/more:/app/resources:/app/classes:/app/libs/*",
        "x.App",
    ]
    targets = [entry["target"] for entry in plan["layers"][0]["entries"]]
    assert "/app/libs/data.zip" in targets


def test_the_image_says_whose_it_is(cli: Cli, root: Path) -> None:
    target = f"oci://{root / 'image'}"
    done = cli(
        *("build", root / "app", "--from", BASE, "--to", target, "--platform", "linux/amd64"),
        *("--identity", "jib:3.4.1"),
    )
    assert done.code == 0, done.stderr
    layers = cli("inspect", target, "--json").json["layers"]
    assert layers[-1]["createdBy"] == "jib-gradle-plugin:3.4.1"
    assert (root / "app" / "build" / "jib.digest").is_file()
    assert cli("compare-jib", root / "image", root / "app", "--from", BASE).code == 1  # amd64 alone


def test_skaffold_is_told_what_gradle_wrote(cli: Cli, root: Path) -> None:
    said = golden("app", root)["skaffold"]
    done = cli("skaffold", "files", root / "app")
    assert json.loads(done.lines[2]) == {name: said[name] for name in ("build", "inputs", "ignore")}
    done = cli("skaffold", "init", root / "app")
    assert json.loads(done.lines[2]) == {"image": "r.example.com/app", "project": "app"}
    done = cli("skaffold", "sync-map", root / "app", "-q")
    synced = json.loads(done.lines[2])
    assert {one["dest"] for one in synced["generated"]} == {
        "/app/libs/lib.jar",
        "/app/classes/x/App.class",
    }
    assert {one["dest"] for one in synced["direct"]} == {
        "/app/libs/a-1-SNAPSHOT.jar",
        "/opt/run.sh",
    }


def test_without_libraries_the_way_out_is_told(cli: Cli, tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "build.gradle": "dependencies { implementation 'a:b:1' }",
        "build/classes/java/main/A.class": main_class("A"),
    }
    done = cli("plan", write_tree(tmp_path / "app", files))
    assert done.code == 1
    assert done.stderr.count("pyjib init gradle") == 1
    assert done.stderr.count("declares dependencies") == 1
