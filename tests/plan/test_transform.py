"""Jib's own extensions as functions from plan to plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyjib.errors import ConfigurationError, ProjectError
from pyjib.oci.location import Scratch
from pyjib.options import (
    DropDevtools,
    FilterLayers,
    SetOwnership,
    Transformation,
    UseNativeImage,
    UseQuarkusTree,
)
from pyjib.plan.model import BuildPlan, ContainerConfig, LayerEntry, LayerPlan
from pyjib.plan.transform import transform
from pyjib.project.transformation_files import read_transformation_files
from tests.support.plans import SealedFile, layer, names, targets


def file(target: str, **more: Any) -> LayerEntry:
    return LayerEntry(target=target, source=SealedFile(target), **more)


def plan_of(**layers: list[LayerEntry]) -> BuildPlan:
    named = {name.replace("_", " "): entries for name, entries in layers.items()}
    return BuildPlan(
        base=Scratch(),
        layers=tuple(LayerPlan.of(name, entries) for name, entries in named.items()),
        config=ContainerConfig(entrypoint=("java",), arguments=("a",)),
    )


PLAN = plan_of(
    dependencies=[file("/app/libs/a.jar"), file("/app/libs/spring-boot-devtools-3.1.2.jar")],
    classes=[LayerEntry(target="/app/classes", mode=0o700), file("/app/classes/Main.class")],
    extra_files=[file("/etc/x")],
)


def done(*steps: Transformation, of: BuildPlan = PLAN) -> BuildPlan:
    return transform(of, steps, {})


def test_filters_move_and_remove_and_the_last_match_decides() -> None:
    made = done(
        FilterLayers(
            filters=(
                ("/app/libs/*", "jars"),
                ("/app/libs/a*", "mine"),
                ("**/*.class", ""),
                ("/nothing", "unused"),
            )
        )
    )
    assert names(made) == ["classes", "extra files", "jars", "mine"]
    assert targets(layer(made, "jars")) == [
        "/app/",
        "/app/libs/",
        "/app/libs/spring-boot-devtools-3.1.2.jar",
    ]
    assert targets(layer(made, "mine")) == ["/app/", "/app/libs/", "/app/libs/a.jar"]
    (kept,) = [e for e in layer(made, "classes").entries if e.target == "/app/classes"]
    assert kept.mode == 0o700


def test_filters_do_not_reach_directories_that_only_follow_from_files() -> None:
    made = done(FilterLayers(filters=(("/app/libs", "x"), ("/app", "x"))))
    assert names(made) == ["dependencies", "classes", "extra files"]


def test_filters_join_files_of_several_layers() -> None:
    made = done(FilterLayers(filters=(("/**/{a.jar,x}", "one"), ("/app/classes/**", "one"))))
    assert targets(layer(made, "one")) == [
        "/app/",
        "/app/classes/",
        "/app/classes/Main.class",
        "/app/libs/",
        "/app/libs/a.jar",
        "/etc/",
        "/etc/x",
    ]


def test_filters_must_not_move_into_what_is_there() -> None:
    with pytest.raises(ConfigurationError, match="into existing layer 'classes' is prohibited"):
        done(FilterLayers(filters=(("/**", "classes"),)))


def test_ownership() -> None:
    made = done(SetOwnership(rules=(("/app/**", "300:400"), ("/app/classes/**", "me"))))
    owners = {entry.target: entry.owner for of in made.layers for entry in of.entries}
    assert owners == {
        "/app": "",
        "/app/libs": "",
        "/app/libs/a.jar": "300:400",
        "/app/libs/spring-boot-devtools-3.1.2.jar": "300:400",
        "/app/classes": "300:400",
        "/app/classes/Main.class": "me",
        "/etc": "",
        "/etc/x": "",
    }


def test_devtools_are_dropped_from_dependencies_alone() -> None:
    of = plan_of(
        dependencies=[file("/app/libs/spring-boot-devtools-3.1.2.jar")],
        snapshot_dependencies=[file("/app/libs/spring-boot-devtools-4-SNAPSHOT.jar")],
    )
    assert names(done(DropDevtools(), of=of)) == ["snapshot dependencies"]


def test_steps_are_done_in_their_order() -> None:
    made = done(
        FilterLayers(filters=(("/app/libs/*", "libs"),)),
        SetOwnership(rules=(("/**", "1"),)),
        FilterLayers(filters=(("/app/libs/a.jar", ""),)),
    )
    (jar,) = layer(made, "libs").files
    assert (jar.target, jar.owner) == ("/app/libs/spring-boot-devtools-3.1.2.jar", "1")


def build_tree(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def with_files(step: Transformation) -> BuildPlan:
    return transform(PLAN, [step], read_transformation_files([step]))


@pytest.mark.parametrize("name", ["hello", "bin/hello"])
def test_a_native_image(tmp_path: Path, name: str) -> None:
    build_tree(tmp_path, name)
    step = UseNativeImage(executable=tmp_path / name, name=name, app_root="/app")
    made = with_files(step)
    assert names(made) == ["native image", "extra files"]
    (executable,) = layer(made, "native image").files
    assert (executable.target, executable.mode) == (f"/app/{name}", 0o755)
    assert made.config.entrypoint == (f"/app/{name}",)
    assert made.config.arguments == ("a",)


def test_a_native_image_with_an_entrypoint_of_the_poms(tmp_path: Path) -> None:
    build_tree(tmp_path, "hello")
    step = UseNativeImage(
        executable=tmp_path / "hello", name="hello", app_root="/app", sets_entrypoint=False
    )
    assert with_files(step).config.entrypoint == ("java",)


def test_a_native_image_that_was_not_built(tmp_path: Path) -> None:
    step = UseNativeImage(executable=tmp_path / "hello", name="hello", app_root="/app")
    with pytest.raises(ProjectError, match="does not exist or not a file"):
        with_files(step)


def quarkus(root: Path, **more: Any) -> UseQuarkusTree:
    values: dict[str, Any] = {
        "build_directory": root,
        "runner": root / "quarkus-app" / "quarkus-run.jar",
        "runner_target": "quarkus-app/quarkus-run.jar",
        "directories": (root / "quarkus-app/lib/main", root / "quarkus-app/app"),
        "app_root": "/app",
        "jvm_flags": ("-Xmx1g",),
        "module_files": frozenset({"lib-1.jar"}),
    }
    return UseQuarkusTree(**(values | more))


def test_quarkus(tmp_path: Path) -> None:
    build_tree(
        tmp_path,
        "quarkus-app/quarkus-run.jar",
        "quarkus-app/lib/main/a.jar",
        "quarkus-app/lib/main/b-SNAPSHOT.jar",
        "quarkus-app/lib/main/com.example.lib-1.jar",
        "quarkus-app/lib/main/deeper/c.jar",
        "quarkus-app/app/hello.jar",
    )
    made = with_files(quarkus(tmp_path))
    assert [(of.name, [entry.target for entry in of.entries][-1]) for of in made.layers] == [
        ("dependencies", "/app/quarkus-app/lib/main/deeper"),
        ("snapshot dependencies", "/app/quarkus-app/lib/main/b-SNAPSHOT.jar"),
        ("project dependencies", "/app/quarkus-app/lib/main/com.example.lib-1.jar"),
        ("dependencies", "/app/quarkus-app/app/hello.jar"),
        ("quarkus jar", "/app/quarkus-app/quarkus-run.jar"),
        ("extra files", "/etc/x"),
    ]
    assert made.config.entrypoint == (
        "java",
        "-Xmx1g",
        "-jar",
        "/app/quarkus-app/quarkus-run.jar",
    )


def test_quarkus_that_was_not_built(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="did you run the Quarkus Maven plugin"):
        with_files(quarkus(tmp_path))
    build_tree(tmp_path, "quarkus-app/quarkus-run.jar")
    with pytest.raises(ProjectError, match=r"there is no directory .*main"):
        with_files(quarkus(tmp_path))
