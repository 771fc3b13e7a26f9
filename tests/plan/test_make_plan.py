from __future__ import annotations

import builtins
import io
import os
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest

from pyjib.errors import ConfigurationError
from pyjib.events import Warned
from pyjib.oci.identity import Identity
from pyjib.oci.instant import EPOCH, Instant
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import Platform
from pyjib.options import BuildOptions, CompressionChoice, ExtraDirectory, Mode, Permission
from pyjib.plan.make_plan import make_plan
from pyjib.plan.model import BuildPlan, LayerRecipe
from pyjib.plan.warnings import plan_warnings
from pyjib.project.model import FileGroup, InlineFile, Project, ProjectFile, ProjectKind
from tests.support.plans import files, library, names, plan, project, targets

ZSTD = CompressionChoice(method=Compression.ZSTD)


@pytest.mark.parametrize(
    ("needed", "release"),
    [
        (1, 8),
        (8, 8),
        (9, 11),
        (11, 11),
        (12, 17),
        (17, 17),
        (18, 21),
        (21, 21),
        (22, 25),
        (25, 25),
        (None, 21),
    ],
)
def test_default_base(needed: int | None, release: int) -> None:
    made = plan(project(java_version=needed))
    assert str(made.base) == f"docker.io/library/eclipse-temurin:{release}-jre"
    assert made.java_version == needed


def test_no_default_base_for_what_is_to_come() -> None:
    with pytest.raises(ConfigurationError) as raised:
        plan(project(java_version=26))
    assert "--from" in (raised.value.hint or "")


def test_defaults() -> None:
    made = plan()
    assert made.platforms == (Platform.parse("linux/amd64"),)
    assert made.created == EPOCH
    assert made.format is ImageFormat.DOCKER
    assert made.recipe == LayerRecipe(in_parts=True)


def test_what_is_asked_is_in_the_plan() -> None:
    arm, amd = Platform.parse("linux/arm64"), Platform.parse("linux/amd64")
    made = plan(
        platforms=(arm, amd, arm),
        created=Instant.of_seconds(5),
        format=ImageFormat.OCI,
        compression=CompressionChoice(method=Compression.GZIP, level=9),
        identity=Identity.of_jib("3.3.2", jdk=11),
    )
    assert made.platforms == (arm, amd)
    assert made.created == Instant.of_seconds(5)
    assert made.format is ImageFormat.OCI
    assert made.identity.is_jib
    assert made.recipe == LayerRecipe(level=9, time_records=False, gzip_os=0)


def test_zstd_is_for_oci_images() -> None:
    assert plan(compression=ZSTD).format is ImageFormat.OCI
    with pytest.raises(ConfigurationError) as raised:
        plan(compression=ZSTD, format=ImageFormat.DOCKER)
    assert "--format oci" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("method", "level"),
    [
        (Compression.GZIP, 10),
        (Compression.GZIP, 0),
        (Compression.GZIP, -1),
        (Compression.ZSTD, 0),
        (Compression.ZSTD, 23),
        (Compression.NONE, 1),
    ],
)
def test_compression_levels(method: Compression, level: int) -> None:
    with pytest.raises(ConfigurationError, match=f"no compression level {level}"):
        plan(compression=CompressionChoice(method=method, level=level))


def quarkus() -> Project:
    return project(
        ProjectKind.QUARKUS,
        groups=(
            FileGroup(name="dependencies", files=files("lib/", "lib/main/", "lib/main/a.jar")),
            FileGroup(name="nothing", files=()),
            FileGroup(name="app", files=files("app/hello.jar", "quarkus-run.jar")),
        ),
        launcher="quarkus-run.jar",
        dependencies=(),
        main_class_candidates=("a.A", "b.B"),
    )


@pytest.mark.parametrize("mode", list(Mode))
def test_quarkus_keeps_its_tree(mode: Mode) -> None:
    made = plan(quarkus(), mode=mode, jvm_flags=("-ea",), app_root="/srv/app")
    assert names(made) == ["dependencies", "app"]
    assert targets(made.layers[0])[-1] == "/srv/app/lib/main/a.jar"
    assert targets(made.layers[1])[-1] == "/srv/app/quarkus-run.jar"
    assert made.config.entrypoint == ("java", "-ea", "-jar", "/srv/app/quarkus-run.jar")


def test_warnings_tell_what_has_no_effect() -> None:
    asked: dict[str, Any] = {
        "jvm_flags": ("-ea",),
        "main_class": "com.example.Main",
        "expand_classpath": True,
    }
    assert not plan_warnings(project(), BuildOptions(**asked))
    (warning,) = plan_warnings(project(), BuildOptions(entrypoint=("x",), **asked))
    assert warning.message.startswith("--jvm-flag, --main-class, --expand-classpath: no effect")
    (warning,) = plan_warnings(quarkus(), BuildOptions(**asked))
    assert warning.message.startswith("--main-class, --expand-classpath: no effect")
    war = project(ProjectKind.WAR)
    (warning,) = plan_warnings(war, BuildOptions(extra_classpath=("x",), jvm_flags=("-ea",)))
    assert warning.message.startswith("--jvm-flag, --extra-classpath: no effect")
    assert not plan_warnings(war, BuildOptions())


def test_an_entrypoint_that_nobody_may_execute() -> None:
    extra = ExtraDirectory(source=Path("extra"), into="/opt")
    extras = [(extra, (ProjectFile(path="run.sh", source=InlineFile(b"#!/bin/sh")),))]

    def warnings(*words: str, mode: int | None = None) -> tuple[Warned, ...]:
        modes = () if mode is None else (Permission(pattern="/opt/*", mode=mode),)
        return plan_warnings(project(), BuildOptions(entrypoint=words, permissions=modes), extras)

    (warning,) = warnings("/opt/run.sh", "a")
    assert warning.message == (
        "the entrypoint /opt/run.sh has the permissions 644: it cannot be executed"
    )
    assert warning.hint == "make it executable with --permission /opt/run.sh=755"
    assert not warnings("/opt/run.sh", mode=0o755)
    assert not warnings("sh", "/opt/run.sh")
    assert not warnings("/bin/run.sh")


@pytest.mark.parametrize(
    ("name", "libraries", "words"),
    [
        ("com.example.Main", (), ""),
        ("com.example.Mian", (), "not among the classes of hello"),
        ("com.example.Mian", ("a.jar",), ""),
        ("Nope", ("a.jar",), "not among the classes of hello"),
        ("com.example.Main.class", ("a.jar",), "is the name of a file"),
    ],
)
def test_a_main_class_that_is_nowhere(name: str, libraries: tuple[str, ...], words: str) -> None:
    """No library is opened, so one may have any class that has a package."""
    of = project(dependencies=tuple(map(library, libraries)))
    warnings = plan_warnings(of, BuildOptions(main_class=name))
    assert [words in warning.message for warning in warnings] == [True] * bool(words)
    assert not plan_warnings(of, BuildOptions(main_class=name, extra_classpath=("/x",)))[
        words.startswith("is") :
    ]
    more = [(ExtraDirectory(source=Path("extra")), files("libs/", "libs/x.jar"))]
    assert len(plan_warnings(of, BuildOptions(main_class=name), more)) == words.startswith("is")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("-Xmx1g", "--add-opens", "java.base/java.lang=ALL-UNNAMED", "-cp", "/x", "@/f"), ""),
        (("-XX:OnOutOfMemoryError=kill -9 %p", "-Dtext=a - b -c", "-Dopts=-Xmx1g -Xms1g"), ""),
        (("Xmx1g",), "has no dash"),
        (("-ea", ""), "has no dash"),
        (("-Xmx1g -Xms1g",), "seems to be several"),
        (("-Da=1 -Db.c=2",), "seems to be several"),
        (("-XX:MaxRAMPercentage=75 --enable-preview",), "seems to be several"),
    ],
)
def test_flags_that_java_will_not_take(flags: tuple[str, ...], words: str) -> None:
    warnings = plan_warnings(project(), BuildOptions(jvm_flags=flags))
    assert [words in warning.message for warning in warnings] == [True] * bool(words)


def test_a_command_in_one_word() -> None:
    for word in ("java -jar x.jar", "echo hello"):
        (warning,) = plan_warnings(project(), BuildOptions(entrypoint=(word,)))
        assert f"a program that is called {word!r}" in warning.message
    for entrypoint in (("java", "-Da=b c"), ("/opt/my app/run",), ("INHERIT",), (" ",)):
        assert not plan_warnings(project(), BuildOptions(entrypoint=entrypoint))


def test_warnings_tell_permissions_without_a_file() -> None:
    options = BuildOptions(permissions=(Permission(pattern="run.sh", mode=0o755),))
    extras = [(ExtraDirectory(source=Path("extra")), files("run.sh"))]
    (warning,) = plan_warnings(project(), options, extras)
    assert "run.sh" in warning.message
    assert "755" in warning.message


def test_nothing_is_read_but_the_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    def touched(*args: object, **names: object) -> NoReturn:
        raise AssertionError(f"the plan touched the machine: {args}")

    kinds = [
        project(),
        project(java_version=8),
        quarkus(),
        project(ProjectKind.WAR),
        project(ProjectKind.SPRING_BOOT, archive=Path("a.jar"), main_class="M"),
    ]
    extras = [(ExtraDirectory(source=Path("extra")), files("a/", "a/b"))]
    with monkeypatch.context() as patch:
        for module, name in [
            (os, "stat"),
            (os, "lstat"),
            (os, "scandir"),
            (os, "getenv"),
            (os, "getcwd"),
            (builtins, "open"),
            (io, "open"),
            (time, "time"),
            (os.environ, "get"),
        ]:
            patch.setattr(module, name, touched)
        made = [make_plan(kind, BuildOptions(), extras) for kind in kinds]
        made.append(make_plan(kinds[-1], BuildOptions(mode=Mode.PACKAGED), extras))
    assert all(isinstance(one, BuildPlan) and one.layers for one in made)


def test_equal_arguments_make_equal_plans() -> None:
    first, second = (plan(project(dependencies=(library("a.jar"),))) for _ in range(2))
    assert first == second
