"""Where plans for Jib's identity differ from ours, and its versions from each other."""

from __future__ import annotations

from typing import Any

import pytest

from pyjib.errors import ConfigurationError
from pyjib.oci.identity import PYJIB, Identity
from pyjib.oci.location import parse_location
from pyjib.options import BuildOptions, Mode
from pyjib.plan.model import BuildPlan
from pyjib.plan.warnings import plan_warnings
from pyjib.project.model import (
    DEPENDENCIES,
    PROJECT_DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    Project,
    ProjectKind,
)
from tests.support.plans import library, names, plan, project, targets, text


def by_jib(of: Project, version: str = "3.5.2", **options: Any) -> BuildPlan:
    return plan(of, identity=Identity.of_jib(version), **options)


@pytest.mark.parametrize(
    ("declared", "base"),
    [(0, "8"), (6, "8"), (8, "8"), (9, "11"), (17, "17"), (18, "21"), (21, "21"), (25, "25")],
)
def test_the_declared_java_chooses_the_base(declared: int, base: str) -> None:
    made = by_jib(project(java_version=17, declared_java=declared))
    assert made.base == parse_location(f"eclipse-temurin:{base}-jre")
    assert made.java_version == declared
    ours = plan(project(java_version=17, declared_java=declared))
    assert ours.base == parse_location("eclipse-temurin:17-jre")


@pytest.mark.parametrize(
    ("version", "java", "base"),
    [
        ("3.5.0", 25, "eclipse-temurin:25-jre"),
        ("3.4.6", 25, None),
        ("3.4.2", 21, "eclipse-temurin:21-jre"),
        ("3.4.1", 21, None),
        ("3.4.1", 17, "eclipse-temurin:17-jre"),
        ("3.2.0", 17, "eclipse-temurin:17-jre"),
        ("3.1.4", 17, None),
        ("3.1.4", 11, "adoptopenjdk:11-jre"),
        ("3.0", 8, "adoptopenjdk:8-jre"),
        ("3.5.2", 26, None),
    ],
)
def test_the_bases_that_a_version_knows(version: str, java: int, base: str | None) -> None:
    of = project(declared_java=java)
    if base is not None:
        assert by_jib(of, version).base == parse_location(base)
        return
    with pytest.raises(ConfigurationError, match=f"of jib-maven-plugin:{version} runs Java {java}"):
        by_jib(of, version)


@pytest.mark.parametrize(("declared", "modern"), [(8, False), (9, True)])
def test_the_declared_java_chooses_how_the_class_path_is_given(declared: int, modern: bool) -> None:
    made = by_jib(project(declared_java=declared))
    entrypoint = made.config.entrypoint or ()
    assert (entrypoint[2] == "@/app/jib-classpath-file") is modern
    listed = text(made, "/app/jib-classpath-file")
    assert listed.endswith("/app/libs/a-1.0.jar" if modern else "/app/libs/*")


def test_a_class_path_is_never_quoted() -> None:
    of = project(dependencies=(library("a b.jar"),), declared_java=17)
    assert text(by_jib(of), "/app/jib-classpath-file").endswith(":/app/libs/a b.jar")
    assert text(plan(of), "/app/jib-classpath-file").endswith(':/app/libs/a b.jar"')


def test_classes_newer_than_declared_are_warned_of() -> None:
    of = project(java_version=17, declared_java=6)
    (warned,) = plan_warnings(of, BuildOptions(identity=Identity.of_jib("3.5.2")))
    assert "the classes need Java 17, and to Jib the build files say 6" in warned.message
    assert plan_warnings(of, BuildOptions()) == ()


def test_a_main_class_that_is_none_beside_an_entrypoint() -> None:
    made = by_jib(project(), main_class="not-a-class", entrypoint=("/x",))
    assert text(made, "/app/jib-main-class-file") == "could-not-infer-a-main-class"
    with pytest.raises(ConfigurationError, match="is not the name of a Java class"):
        by_jib(project(), main_class="not-a-class")
    with pytest.raises(ConfigurationError, match="is not the name of a Java class"):
        plan(main_class="not-a-class", entrypoint=("/x",))


@pytest.mark.parametrize("user", ["", ":", "a b", "1:2:3"])
def test_any_user_will_do(user: str) -> None:
    assert by_jib(project(), user=user).config.user == user
    with pytest.raises(ConfigurationError, match="is not a user"):
        plan(user=user)


def test_developer_tools_stay() -> None:
    of = project(ProjectKind.SPRING_BOOT, dependencies=(library("spring-boot-devtools-3.1.2.jar"),))
    assert "dependencies" in names(by_jib(of))
    assert "dependencies" not in names(plan(of))


def test_the_archive_may_have_another_name_in_the_image(tmp_path: Any) -> None:
    jar = tmp_path / "app.jar.original"
    jar.write_bytes(b"")
    of = project(archive=jar, archive_name="app.original.jar", declared_java=17)
    made = by_jib(of, mode=Mode.PACKAGED)
    (layer,) = [layer for layer in made.layers if layer.name == "extra files"]
    assert targets(layer)[-1] == "/app/classpath/app.original.jar"


# Wars


@pytest.mark.parametrize(
    ("identity", "has_module"),
    [
        (PYJIB, True),
        (Identity.of_jib("3.4.2"), True),
        (Identity.of_jib("3.4.1"), False),
        (Identity.of_jib("0.13.0", tool="jib-cli"), True),
        (Identity.of_jib("0.12.0", tool="jib-cli"), False),
        (Identity.of_jib("0.27.0", tool="jib-core"), True),
        (Identity.of_jib("0.26.0", tool="jib-core"), False),
    ],
)
def test_jettys_command(identity: Identity, has_module: bool) -> None:
    entrypoint = plan(project(ProjectKind.WAR), identity=identity).config.entrypoint or ()
    assert entrypoint[:3] == ("java", "-jar", "/usr/local/jetty/start.jar")
    assert (entrypoint[3:] == ("--module=ee10-deploy",)) is has_module
    assert identity.time_records is has_module


def test_libraries_of_a_war_are_grouped_by_name() -> None:
    stamped = "c-1-20240102.030405-7.jar"
    of = project(
        ProjectKind.WAR,
        dependencies=(
            library("a-1.jar"),
            library("b-SNAPSHOT.jar", SNAPSHOT_DEPENDENCIES),
            library(stamped, SNAPSHOT_DEPENDENCIES),
            library("m-1.jar", PROJECT_DEPENDENCIES),
            library("n-SNAPSHOT.jar", PROJECT_DEPENDENCIES, size=7),
        ),
    )
    groups = {
        layer.name: [entry.target.rpartition("/")[2] for entry in layer.files]
        for layer in by_jib(of).layers
        if layer.name.endswith("dependencies")
    }
    assert groups == {
        DEPENDENCIES: ["a-1.jar", stamped],
        SNAPSHOT_DEPENDENCIES: ["b-SNAPSHOT.jar", "n-SNAPSHOT-7.jar"],
        PROJECT_DEPENDENCIES: ["m-1.jar", "n-SNAPSHOT-7.jar"],
    }
