"""Gradle projects by what Gradle wrote of them, and Gradle itself writing it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pyjib.errors import ProjectError
from pyjib.options import HostEnvironment, Mode
from pyjib.project.gradle import find_jib_mention, open_gradle_project
from pyjib.project.gradle_properties import parse_properties, read_system_properties
from pyjib.project.model import Project, ProjectKind
from pyjib.project.read import read_project
from tests.support.gradle import MODULES, golden, make_build, run_gradle, written
from tests.support.projects import (
    main_class,
    write_boot_jar,
    write_gradle_project,
    write_tree,
    write_war,
)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """The build as Gradle leaves it, with the files that it wrote when it was recorded."""
    root = make_build(tmp_path)
    for module in MODULES:
        document = json.dumps(golden(module, root))
        write_tree(root, {f"{module}/build/pyjib/classpath.json": document})
    write_tree(
        root,
        {
            "app/build/classes/java/main/x/App.class": main_class("x/App"),
            "app/build/classes/java/main/x/notes.txt": b"1",
            "app/build/resources/main/app.txt": b"2",
            "app/build/libs/app-1.2.jar": b"PK\x05\x06" + bytes(18),
            "lib/build/libs/lib.jar": b"PK\x05\x06" + bytes(18),
        },
    )
    return root


def read(root: Path) -> Project:
    project = open_gradle_project(root)
    assert project is not None
    return project.read()


def test_classes_are_taken_whole_and_libraries_grouped(build: Path) -> None:
    project = read(build / "app")
    assert [file.path for file in project.classes if file.source] == ["x/App.class", "x/notes.txt"]
    assert [file.path for file in project.resources] == ["app.txt"]
    assert (project.name, project.declared_java, project.main_class) == ("app", 8, "x.App")
    assert project.archive == build / "app" / "build" / "libs" / "app-1.2.jar"
    assert [(one.name, one.group, one.on_class_path) for one in project.dependencies] == [
        ("z.jar", "dependencies", True),
        ("a-1-SNAPSHOT.jar", "snapshot dependencies", True),
        ("data.zip", "dependencies", False),
        ("lib.jar", "project dependencies", True),
    ]
    assert project.warnings == ()


def test_a_war_and_its_modules(build: Path) -> None:
    with pytest.raises(ProjectError, match="there is no") as caught:
        read(build / "site")
    assert caught.value.hint == "build it first: gradle war"
    write_war(build / "site" / "build" / "libs" / "site.war")
    project = read(build / "site")
    assert (project.kind, project.name) == (ProjectKind.WAR, "site")


@pytest.mark.parametrize("file", ["app/build.gradle", "settings.gradle", "lib/build.gradle"])
def test_what_is_newer_is_told(build: Path, file: str) -> None:
    listed = build / "app" / "build" / "pyjib" / "classpath.json"
    os.utime(listed, (2e9, 2e9))
    assert read(build / "app").warnings == ()
    os.utime(build / file, (3e9, 3e9))
    (warning,) = read(build / "app").warnings
    assert str(build / file) in warning.message
    assert "pyjibClasspath" in (warning.hint or "")


def test_a_main_class_that_is_none(build: Path) -> None:
    path = build / "app" / "build" / "pyjib" / "classpath.json"
    path.write_text(json.dumps({**golden("app", build), "mainClass": "${main}"}))
    project = read(build / "app")
    assert project.main_class is None
    assert project.main_class_candidates == ("x.App",)
    assert "'${main}'" in project.warnings[0].message


@pytest.mark.parametrize("member", [{"jib": []}, {"version": 3}, {"skaffold": "x"}])
def test_malformed(build: Path, member: dict[str, object]) -> None:
    path = build / "app" / "build" / "pyjib" / "classpath.json"
    path.write_text(json.dumps({**golden("app", build), **member}))
    with pytest.raises(ProjectError, match=f"{next(iter(member))} is not of type"):
        open_gradle_project(build / "app")


def test_nothing_written(tmp_path: Path) -> None:
    assert open_gradle_project(tmp_path) is None


@pytest.mark.parametrize(
    ("name", "script", "version"),
    [
        ("build.gradle", "plugins { id 'com.google.cloud.tools.jib' version '3.4.1' }", "3.4.1"),
        (
            "build.gradle.kts",
            'plugins { id("com.google.cloud.tools.jib") version "3.5.4" }',
            "3.5.4",
        ),
        ("build.gradle", "apply plugin: 'com.google.cloud.tools.jib'", None),
    ],
)
def test_a_script_that_names_jib(
    tmp_path: Path, name: str, script: str, version: str | None
) -> None:
    write_tree(tmp_path, {"settings.gradle": "", f"app/{name}": script})
    found = find_jib_mention(tmp_path / "app")
    assert found is not None
    assert (found.plugin_version, found.root_directory) == (version, tmp_path)
    write_tree(tmp_path, {f"app/{name}": "plugins { id 'java' }"})
    assert find_jib_mention(tmp_path / "app") is None


def test_properties() -> None:
    text = "# no\n! no\na=1\n b : 2\nc\\=d = x\\\n    y\\\\\nu=\\u00e4\\t\nlone\nk v w\na=3\nend=\\"
    assert parse_properties(text) == {
        "a": "3",
        "b": "2",
        "c=d": "xy\\",
        "u": "ä\t",
        "lone": "",
        "k": "v w",
        "end": "",
    }


def test_the_users_properties_go_before_the_builds(tmp_path: Path) -> None:
    files = {
        "root/gradle.properties": "systemProp.a=1\nsystemProp.b=2\nc=3\n",
        "home/gradle.properties": "systemProp.a=9\n",
    }
    write_tree(tmp_path, files)
    host = HostEnvironment(variables={"GRADLE_USER_HOME": str(tmp_path / "home")})
    assert read_system_properties(tmp_path / "root", host) == {"a": "9", "b": "2"}
    assert read_system_properties(tmp_path / "none", HostEnvironment(home=tmp_path)) == {}


@pytest.mark.peers
def test_gradle_writes_it_so_still(tmp_path: Path) -> None:
    root = make_build(tmp_path)
    run_gradle(root, tmp_path / "home")
    for module in MODULES:
        assert written(root, module) == golden(module)
    listed = root / "app" / "build" / "pyjib" / "classpath.json"
    assert "not to be written down" not in listed.read_text()
    assert listed.stat().st_mode & 0o077 == 0
    assert read(root / "app").main_class == "x.App"
    assert read(root / "site").kind is ProjectKind.WAR


def test_a_start_script_goes_before_a_boot_jar(tmp_path: Path) -> None:
    write_gradle_project(tmp_path, script="dependencies { implementation 'a:b:1' }")
    write_boot_jar(tmp_path / "build" / "libs" / "shop.jar")
    install = tmp_path / "build" / "install" / "shop"
    script = "#!/bin/sh\nCLASSPATH=$APP_HOME/lib/shop-plain.jar:$APP_HOME/lib/z.jar\n"
    write_tree(install, {"bin/shop": script, "lib/z.jar": b"", "lib/shop-plain.jar": b""})
    project = read_project(tmp_path, mode=Mode.EXPLODED)
    assert [library.name for library in project.dependencies] == ["z.jar"]
    write_tree(install, {"bin/shop": "#!/bin/sh\nexec java -jar $APP_HOME/lib/shop.jar\n"})
    assert read_project(tmp_path, mode=Mode.EXPLODED).kind is ProjectKind.SPRING_BOOT
