"""The layouts of ``jib jar`` and ``jib war``: layers, places, commands, and what was mended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyjib.errors import ConfigurationError, DependencyError, MainClassError, ProjectError
from pyjib.oci.identity import Identity
from pyjib.oci.instant import EPOCH_PLUS_SECOND
from pyjib.oci.location import parse_location
from pyjib.options import BuildOptions, Mode
from pyjib.plan.jib_cli_layout import plan_archive
from pyjib.plan.model import BuildPlan
from pyjib.project.app_archive import read_app_archive
from tests.support.plans import layer, names, targets
from tests.support.projects import (
    boot_files,
    class_file,
    manifest,
    write_archive,
    write_boot_jar,
    write_libraries,
    write_thin_jar,
    write_war,
)

JIB = Identity.of_jib("0.13.0", tool="jib-cli")


def plan(path: Path, **options: Any) -> BuildPlan:
    archive = read_app_archive(path, is_war=path.suffix == ".war")
    return plan_archive(archive, BuildOptions(identity=JIB, **options))


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    """A plain jar with a Class-Path."""
    write_libraries(tmp_path / "libs", ["a-1.0.jar", "b-2-SNAPSHOT.jar"])
    return write_archive(
        tmp_path / "app.jar",
        {
            "META-INF/MANIFEST.MF": manifest(
                Main_Class="com.example.Main", Class_Path="libs/b-2-SNAPSHOT.jar libs/a-1.0.jar"
            ),
            "com/example/Main.class": class_file("com.example.Main"),
            "config.properties": b"a=1",
        },
    )


def files(made: BuildPlan, name: str) -> list[str]:
    return [entry.target for entry in layer(made, name).files]


def test_a_plain_jar_exploded(jar: Path) -> None:
    made = plan(jar, jvm_flags=("-Xmx1g",))
    assert names(made) == ["dependencies", "snapshot dependencies", "resources", "classes"]
    assert files(made, "dependencies") == ["/app/dependencies/a-1.0.jar"]
    assert files(made, "snapshot dependencies") == ["/app/dependencies/b-2-SNAPSHOT.jar"]
    assert files(made, "resources") == [
        "/app/explodedJar/META-INF/MANIFEST.MF",
        "/app/explodedJar/config.properties",
    ]
    assert targets(layer(made, "classes")) == [
        "/app/",
        "/app/explodedJar/",
        "/app/explodedJar/com/",
        "/app/explodedJar/com/example/",
        "/app/explodedJar/com/example/Main.class",
    ]
    assert made.config.entrypoint == (
        "java",
        "-Xmx1g",
        "-cp",
        "/app/explodedJar:/app/dependencies/*",
        "com.example.Main",
    )
    assert made.base == parse_location("eclipse-temurin:17-jre")
    assert {entry.mtime for of in made.layers for entry in of.entries} == {EPOCH_PLUS_SECOND}


def test_a_plain_jar_packaged(jar: Path) -> None:
    made = plan(jar, mode=Mode.PACKAGED)
    assert names(made) == ["dependencies", "snapshot dependencies", "jar"]
    assert files(made, "dependencies") == ["/app/libs/a-1.0.jar"]
    assert files(made, "jar") == ["/app/app.jar"]
    assert made.config.entrypoint == ("java", "-jar", "/app/app.jar")


def test_an_entrypoint_goes_before_all(jar: Path) -> None:
    assert plan(jar, entrypoint=("x", "y")).config.entrypoint == ("x", "y")


@pytest.mark.parametrize("mode", list(Mode))
def test_a_jar_must_say_what_starts_it(tmp_path: Path, mode: Mode) -> None:
    path = write_archive(tmp_path / "a.jar", {"A.class": class_file("A")})
    with pytest.raises(MainClassError, match="`Main-Class:` attribute"):
        plan(path, mode=mode)
    assert plan(path, mode=mode, entrypoint=("x",)).config.entrypoint == ("x",)


@pytest.mark.parametrize("name", ["libs/no", "n" * 300])
def test_a_missing_library(tmp_path: Path, name: str) -> None:
    path = write_archive(
        tmp_path / "a.jar",
        {"META-INF/MANIFEST.MF": manifest(Main_Class="A", Class_Path=f"{name}.jar")},
    )
    with pytest.raises(DependencyError, match=rf"Class-Path.*doesn't exist: .*{name}\.jar"):
        plan(path)


@pytest.mark.parametrize(
    ("version", "launcher"),
    [
        ("2.7.0", "org.springframework.boot.loader.JarLauncher"),
        ("3.1.2", "org.springframework.boot.loader.JarLauncher"),
        ("3.2.0", "org.springframework.boot.loader.launch.JarLauncher"),
        ("4.0.0", "org.springframework.boot.loader.launch.JarLauncher"),
    ],
)
def test_spring_boot_by_its_own_layers(tmp_path: Path, version: str, launcher: str) -> None:
    made = plan(write_boot_jar(tmp_path / "boot.jar", version))
    assert names(made) == [
        "dependencies",
        "spring-boot-loader",
        "snapshot-dependencies",
        "application",
    ]
    assert files(made, "dependencies") == [
        "/app/BOOT-INF/lib/alpha-2.0.jar",
        "/app/BOOT-INF/lib/zeta-1.0.jar",
    ]
    assert made.config.entrypoint == ("java", "-cp", "/app", launcher)


def test_spring_boot_without_an_index(tmp_path: Path) -> None:
    content = boot_files("2.2.0", indexes=False)
    made = plan(write_archive(tmp_path / "boot.jar", content))
    assert names(made) == [
        "dependencies",
        "spring-boot-loader",
        "snapshot dependencies",
        "resources",
        "classes",
    ]
    assert files(made, "snapshot dependencies") == ["/app/BOOT-INF/lib/beta-1.1-SNAPSHOT.jar"]
    assert all(path.startswith("/app/org/") for path in files(made, "spring-boot-loader"))
    assert "/app/META-INF/MANIFEST.MF" in files(made, "resources")
    assert all(path.startswith("/app/BOOT-INF/classes/") for path in files(made, "classes"))


def test_spring_boot_packaged(tmp_path: Path) -> None:
    made = plan(write_boot_jar(tmp_path / "boot.jar"), mode=Mode.PACKAGED)
    assert names(made) == ["jar"]
    assert made.config.entrypoint == ("java", "-jar", "/app/boot.jar")


@pytest.mark.parametrize("line", ["x", "- dependencies:", '  - "orphan"', '-  "x":'])
def test_an_index_of_another_form(tmp_path: Path, line: str) -> None:
    content = boot_files() | {"BOOT-INF/layers.idx": f"{line}\n".encode()}
    with pytest.raises(ProjectError, match=r"Unable to parse BOOT-INF/layers\.idx"):
        plan(write_archive(tmp_path / "boot.jar", content))


@pytest.mark.parametrize(
    ("first", "main", "base"),
    [
        (52, 52, "8"),
        (55, 52, "11"),
        (52, 61, "17"),
        (65, 61, "21"),
        (61, 65, "21"),
        (69, 69, "25"),
    ],
)
def test_the_default_base_runs_what_is_started(
    tmp_path: Path, first: int, main: int, base: str
) -> None:
    path = write_archive(
        tmp_path / "a.jar",
        {
            "META-INF/MANIFEST.MF": manifest(Main_Class="b.Main"),
            "module-info.class": class_file("module-info", major=70),
            "a/First.class": class_file("a.First", major=first),
            "b/Main.class": class_file("b.Main", major=main),
        },
    )
    assert plan(path).base == parse_location(f"eclipse-temurin:{base}-jre")


def test_a_jar_without_classes_is_old(tmp_path: Path) -> None:
    path = write_archive(
        tmp_path / "a.jar", {"META-INF/MANIFEST.MF": manifest(Main_Class="A"), "a.txt": b""}
    )
    assert plan(path).base == parse_location("eclipse-temurin:8-jre")


def test_a_war(tmp_path: Path) -> None:
    made = plan(write_war(tmp_path / "app.war", boot=True))
    root = "/var/lib/jetty/webapps/ROOT"
    assert set(names(made)) <= {
        "dependencies",
        "snapshot dependencies",
        "resources",
        "classes",
    }
    assert all(path.startswith(f"{root}/WEB-INF/lib/") for path in files(made, "dependencies"))
    assert all(path.startswith(f"{root}/WEB-INF/classes/") for path in files(made, "classes"))
    everything = [entry.target for of in made.layers for entry in of.files]
    assert not [path for path in everything if "/loader/" in path]
    assert made.base == parse_location("jetty")
    assert made.config.entrypoint == (
        "java",
        "-jar",
        "/usr/local/jetty/start.jar",
        "--module=ee10-deploy",
    )


@pytest.mark.parametrize(
    "base",
    ["jetty:12", "docker.io/library/jetty", "docker://jetty", "registry://jetty:12-jre21"],
)
def test_a_war_on_jetty_by_any_name(tmp_path: Path, base: str) -> None:
    made = plan(write_war(tmp_path / "app.war"), base=parse_location(base))
    assert made.config.entrypoint is not None
    assert made.config.entrypoint[-1] == "--module=ee10-deploy"


@pytest.mark.parametrize("base", ["tomcat", "quay.io/library/jetty", "tar://jetty.tar"])
def test_a_war_elsewhere_needs_a_place(tmp_path: Path, base: str) -> None:
    path = write_war(tmp_path / "app.war")
    with pytest.raises(ConfigurationError, match="Please set the app root"):
        plan(path, base=parse_location(base))
    made = plan(path, base=parse_location(base), app_root="/srv/app")
    assert made.config.entrypoint is None
    assert all(of.entries[-1].target.startswith("/srv/app/") for of in made.layers)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="is for a directory"):
        read_app_archive(tmp_path, is_war=False)
    with pytest.raises(ProjectError, match="does not exist"):
        read_app_archive(tmp_path / "no.jar", is_war=False)
    with pytest.raises(ProjectError, match="does not exist"):
        read_app_archive(tmp_path / ("n" * 300), is_war=False)


def test_a_directory_that_is_called_like_a_class_counts_as_one(tmp_path: Path) -> None:
    files = {
        "META-INF/MANIFEST.MF": manifest(Main_Class="Main"),
        "Main.class": class_file("Main"),
        "odd.class/in.txt": b"",
    }
    made = plan(write_archive(tmp_path / "app.jar", files))
    root = "/app/explodedJar"
    assert targets(layer(made, "classes"))[-2:] == [f"{root}/Main.class", f"{root}/odd.class/"]
    assert f"{root}/odd.class/in.txt" in targets(layer(made, "resources"))


def test_libraries_outside_of_the_jar_s_directory(tmp_path: Path) -> None:
    write_libraries(tmp_path / "libs", ["a.jar"])
    jar = write_thin_jar(tmp_path / "app" / "app.jar", ["../libs/a.jar"])
    assert "/app/dependencies/a.jar" in targets(layer(plan(jar), "dependencies"))
    with pytest.raises(
        ConfigurationError, match=r"names \.\./libs/a\.jar, which would lie outside"
    ):
        plan(jar, mode=Mode.PACKAGED)
    jar = write_thin_jar(tmp_path / "app.jar", ["./libs/./a.jar"])
    assert targets(layer(plan(jar, mode=Mode.PACKAGED), "dependencies"))[-1] == "/app/libs/a.jar"


def test_spring_boot_without_entries_for_directories(tmp_path: Path) -> None:
    jar = write_archive(tmp_path / "app.jar", boot_files("3.1.2"), directories=False)
    assert plan(jar).config.entrypoint == (
        *("java", "-cp", "/app", "org.springframework.boot.loader.JarLauncher"),
    )
