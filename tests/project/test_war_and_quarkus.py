"""Wars and Quarkus applications."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.errors import DependencyError, ProjectError
from pyjib.options import Mode
from pyjib.project.model import Project, ProjectKind
from pyjib.project.read import read_project
from tests.support.projects import (
    MAIN,
    class_file,
    class_path_of,
    manifest,
    write_archive,
    write_libraries,
    write_quarkus_app,
    write_war,
)


def read(path: Path, mode: Mode = Mode.EXPLODED) -> Project:
    return read_project(path, mode=mode)


def test_a_war_is_split_as_jib_does(tmp_path: Path) -> None:
    war = write_war(tmp_path / "shop.war")
    project = read(war)
    assert project.kind is ProjectKind.WAR
    assert (project.name, project.archive) == ("shop", war)
    assert [file.path for file in project.classes] == [
        "WEB-INF/classes/com",
        "WEB-INF/classes/com/example",
        f"WEB-INF/classes/{class_path_of()}",
    ]
    assert [file.path for file in project.resources] == [
        "META-INF",
        "META-INF/MANIFEST.MF",
        "WEB-INF",
        "WEB-INF/classes",
        "WEB-INF/classes/com",
        "WEB-INF/classes/com/example",
        "WEB-INF/classes/messages.properties",
        "WEB-INF/lib",
        "WEB-INF/web.xml",
        "index.html",
    ]
    assert [(library.name, library.group) for library in project.dependencies] == [
        ("one-1.0.jar", "dependencies"),
        ("two-1.0-SNAPSHOT.jar", "snapshot dependencies"),
    ]
    assert project.java_version == 17
    assert project.main_class is None


def test_a_boot_war_states_its_main_class(tmp_path: Path) -> None:
    project = read(write_war(tmp_path / "shop.war", boot=True))
    assert project.main_class == MAIN
    paths = [file.path for file in project.resources if file.source]
    assert "WEB-INF/lib-provided/tomcat-10.jar" in paths
    assert "org/springframework/boot/loader/WarLauncher.class" in paths
    assert "tomcat-10.jar" not in [library.name for library in project.dependencies]


@pytest.mark.parametrize("given", ["quarkus-app", "quarkus-app/quarkus-run.jar"])
def test_a_quarkus_application_as_it_is(tmp_path: Path, given: str) -> None:
    write_quarkus_app(tmp_path / "quarkus-app")
    project = read(tmp_path / given)
    assert project.kind is ProjectKind.QUARKUS
    assert project.launcher == "quarkus-run.jar"
    assert project.name == "shop-1.0"
    assert project.java_version == 17
    assert [(group.name, [file.path for file in group.files]) for group in project.groups] == [
        ("dependencies", ["lib/boot/runner-1.0.jar", "lib/main/a-1.0.jar"]),
        ("snapshot dependencies", ["lib/main/b-1-SNAPSHOT.jar"]),
        ("launcher", ["config.txt", "quarkus-run.jar"]),
        ("quarkus", ["quarkus/generated-bytecode.jar", "quarkus/quarkus-application.dat"]),
        ("application", ["app/shop-1.0.jar"]),
    ]
    assert read(tmp_path / given, Mode.PACKAGED) == project


def test_a_quarkus_library_is_missing(tmp_path: Path) -> None:
    directory = write_quarkus_app(tmp_path / "quarkus-app")
    (directory / "lib" / "boot" / "runner-1.0.jar").unlink()
    with pytest.raises(DependencyError, match=r"needs lib/boot/runner-1\.0\.jar"):
        read(directory)


def test_a_quarkus_application_without_its_own_jar(tmp_path: Path) -> None:
    directory = write_quarkus_app(tmp_path / "quarkus-app")
    (directory / "app" / "shop-1.0.jar").unlink()
    with pytest.raises(ProjectError, match="no application jar"):
        read(directory)


def write_runner(directory: Path, class_path: str) -> Path:
    head = manifest(Main_Class="io.quarkus.runner.GeneratedMain", Class_Path=class_path)
    files = {"META-INF/MANIFEST.MF": head, class_path_of(): class_file()}
    return write_archive(directory / "shop-1.0-runner.jar", files)


def test_a_legacy_quarkus_runner_keeps_its_libraries_beside_it(tmp_path: Path) -> None:
    write_libraries(tmp_path / "lib", ["a.jar", "b-SNAPSHOT.jar"])
    project = read(write_runner(tmp_path, "lib/a.jar lib/b-SNAPSHOT.jar"))
    assert project.kind is ProjectKind.QUARKUS
    assert (project.name, project.launcher) == ("shop-1.0", "shop-1.0-runner.jar")
    assert [(group.name, [file.path for file in group.files]) for group in project.groups] == [
        ("dependencies", ["lib/a.jar"]),
        ("snapshot dependencies", ["lib/b-SNAPSHOT.jar"]),
        ("application", ["shop-1.0-runner.jar"]),
    ]


def test_a_quarkus_runner_that_holds_all(tmp_path: Path) -> None:
    project = read(write_runner(tmp_path, ""))
    assert [group.name for group in project.groups] == ["application"]


def test_a_quarkus_library_above_the_runner(tmp_path: Path) -> None:
    write_libraries(tmp_path / "lib", ["a.jar"])
    runner = write_runner(tmp_path / "target", "../lib/a.jar")
    with pytest.raises(ProjectError, match="not below its directory"):
        read(runner)
