"""What ``-D`` does to parents that a project's BOM and its dependencies share.

The class paths are Maven 3.8.7's own; ``test_maven_itself`` asks it again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from pyjib.options import HostEnvironment
from pyjib.project.maven.command_line import Arguments
from pyjib.project.maven.project import open_maven_project
from tests.support.maven import (
    MavenRepository,
    bom,
    dependencies,
    dependency,
    managed,
    modules,
    parent,
    pom,
    profile,
    profiles,
    properties,
    tags,
    write,
)
from tests.support.programs import attempt, missing, require

GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath"
ANSWERS: Mapping[str, Mapping[str, str]] = {
    "": {
        "both": "dep-1.pom y-1.jar x-1.jar jar-1.jar z-1.jar",
        "the-bom": "x-1.jar y-1.jar",
        "a-dependency": "dep-1.pom y-1.jar x-1.jar",
    },
    "on=1 v=2": {
        "both": "dep-1.pom y-2.jar x-2.jar w-1.jar jar-1.jar z-1.jar",
        "the-bom": "x-2.jar y-2.jar",
        "a-dependency": "dep-1.pom y-1.jar x-2.jar w-1.jar",
    },
    "val=b u=2 on=true": {
        "both": "dep-1.pom y-1.jar x-2.jar w-1.jar jar-1.jar z-2.jar",
        "the-bom": "x-2.jar y-1.jar",
        "a-dependency": "dep-1.pom y-1.jar x-2.jar w-1.jar",
    },
}
"""Class paths by what is given and by module."""


def write_build(root: Path) -> MavenRepository:
    """Write three modules; a BOM, a POM and a jar have one parent with profiles and versions."""
    repository = MavenRepository(root / "repository")
    for name in ("x:1", "x:2", "y:1", "y:2", "z:1", "z:2", "w:1"):
        repository.jar(f"t:{name}")
    repository.pom(
        "t:par:1",
        properties(v="1", u="1"),
        managed("t:y:${v}"),
        profiles(
            profile(
                "on",
                f"<property>{tags(name='on')}</property>",
                properties(u="2"),
                dependencies("t:w:1"),
            ),
            profile("val", f"<property>{tags(name='val', value='b')}</property>", managed("t:z:2")),
            profile(
                "war",
                f"<property>{tags(name='packaging', value='war')}</property>",
                dependencies("t:w:1"),
            ),
        ),
        packaging="pom",
    )
    repository.pom("t:bom:1", parent("t:par:1"), managed("t:x:${u}"), packaging="pom")
    above = parent("t:par:1")
    repository.pom("t:dep:1", above, dependencies("t:y", dependency("t:x:${u}")), packaging="pom")
    repository.jar("t:jar:1", above, dependencies("t:y", "t:z:${v}"))
    imported = managed(bom("t:bom:1"))
    needed = dependency("t:dep:1", type="pom")
    listed = {
        "both": (imported, dependencies(needed, "t:jar:1")),
        "the-bom": (imported, dependencies("t:x", "t:y")),
        "a-dependency": (dependencies(needed),),
    }
    for name, sections in listed.items():
        write(root / name / "pom.xml", pom(f"t:{name}:1", *sections))
    write(root / "pom.xml", pom("t:all:1", modules(*listed), packaging="pom"))
    return repository


def class_path(root: Path, module: str, given: Mapping[str, str]) -> str:
    found = {"maven.repo.local": str(root / "repository"), **given}
    project = open_maven_project(
        root / module, host=HostEnvironment.of({}, root), arguments=Arguments(properties=found)
    )
    return " ".join(library.name for library in project.resolver().resolve(project.model).libraries)


def as_given(words: str) -> dict[str, str]:
    return dict(word.split("=") for word in words.split())


@pytest.mark.parametrize("given", ANSWERS)
def test_class_paths_are_mavens(given: str, tmp_path: Path) -> None:
    write_build(tmp_path)
    found = {module: class_path(tmp_path, module, as_given(given)) for module in ANSWERS[given]}
    assert found == ANSWERS[given]


def test_a_packaging_that_is_given_stays_with_the_bom(tmp_path: Path) -> None:
    """To POMs of dependencies the name means their own packaging (Maven 3.9)."""
    write_build(tmp_path)
    given = {"packaging": "war"}
    alone = class_path(tmp_path, "a-dependency", given)
    assert "w-1.jar" not in alone
    assert class_path(tmp_path, "both", given) == f"{alone} jar-1.jar z-1.jar"


@pytest.mark.resolver
@pytest.mark.peers
def test_maven_itself(tmp_path: Path) -> None:
    require("mvn")
    repository = write_build(tmp_path)
    (given, *_) = [words for words in ANSWERS if words]
    done = attempt(
        "mvn",
        *("--batch-mode", "--no-transfer-progress", "-f", tmp_path / "pom.xml", GOAL),
        *(f"-D{word}" for word in given.split()),
        *(f"-Dmaven.repo.local={repository.root}", "-DincludeScope=runtime"),
        "-Dmdep.outputFile=classpath.txt",
        environment={"MAVEN_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC", "LC_ALL": "C.UTF-8"},
        timeout=300,
    )
    for module, expected in ANSWERS[given].items():
        answer = tmp_path / module / "classpath.txt"
        if not answer.is_file():
            missing("mvn", f"Maven could not resolve anything:\n{done.stdout[-3000:]}")
        names = [Path(path).name for path in answer.read_text().split(os.pathsep)]
        assert " ".join(names).strip() == expected
