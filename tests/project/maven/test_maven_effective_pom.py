"""Effective models against ``mvn help:effective-pom``, run on the same files."""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pyjib.options import HostEnvironment
from pyjib.project.maven.command_line import parse_arguments
from pyjib.project.maven.effective import Builder
from pyjib.project.maven.local_repository import LocalRepository
from pyjib.project.maven.model import EffectiveModel, Node, Plugin, PomDependency, RawPom
from pyjib.project.maven.pom import parse_pom
from pyjib.project.maven.session import start_session
from tests.support import peers
from tests.support.lineage_generator import Lineages
from tests.support.maven import (
    bom,
    build,
    configuration,
    dependencies,
    dependency,
    execution,
    executions,
    managed,
    modules,
    parent,
    plugin,
    pom,
    profile,
    profiles,
    properties,
    tags,
    write,
)

pytestmark = [pytest.mark.resolver, pytest.mark.peers]

HELP = "org.apache.maven.plugins:maven-help-plugin:3.4.1:effective-pom"
FIXTURE = Path(__file__).parents[3] / "fixtures" / "docker-hello-spring" / "pom.xml"

PROJECTS = 25

JIB = "com.google.cloud.tools:jib-maven-plugin"
ROOT = pom(
    "g:root:${revision}",
    "<url>https://x/root</url><scm><url>https://x/scm</url></scm>",
    properties(
        {
            "revision": "1.2-SNAPSHOT",
            "b": "bee",
            "a": "${b}",
            "home": "${HOME} ${env.HOME} ${user.name} ${user.home}",
            "java": "${java.version} ${java.specification.version} ${os.name} ${os.arch}",
            "java.home": "${java.home}",
            "separators": "${file.separator}${path.separator}",
        }
    ),
    managed(
        "org.slf4j:slf4j-api:1.7.30",
        "${project.groupId}:lib:${project.version}",
        dependency("org.slf4j:slf4j-api:1.7.36", scope="test"),
    ),
    dependencies("${project.groupId}:x:3", dependency("g:y:1", scope="runtime")),
    build(
        plugin(
            "maven-compiler-plugin",
            tags(version="3.11.0", inherited="false"),
            configuration("<release>11</release>"),
            executions(execution("x", goals=["compile"]), execution("y", tags(inherited="true"))),
        ),
        plugin(
            "maven-surefire-plugin",
            tags(version="3.0.0"),
            configuration("<list><i>b</i><i>c</i></list><skip>${skip.it}</skip>"),
        ),
        managed=[
            plugin(
                f"{JIB}:3.3.2",
                configuration(
                    '<container combine.children="append"><flags><f>1</f></flags></container>'
                    '<to><tags><tag>p1</tag><tag>p2</tag></tags></to><deep combine.self="override">'
                    "<z>1</z></deep>"
                ),
                executions(execution("one", configuration("<to><image>x</image></to>"))),
            )
        ],
    ),
    profiles(
        profile("default", "<activeByDefault>true</activeByDefault>", properties(d="1")),
        profile(
            "pp",
            "<property><name>pp</name></property>",
            properties(p="1"),
            dependencies("${project.groupId}:x:4", "g:z:1"),
        ),
        profile(
            "unix",
            "<jdk>[11,)</jdk><os><family>unix</family></os><file><exists>marker</exists></file>",
            properties(u="1"),
            build(
                plugin(
                    "maven-surefire-plugin",
                    tags(version="3.0.0"),
                    configuration("<list><i>P</i></list>"),
                )
            ),
        ),
    ),
    packaging="pom",
)
APP = pom(
    ":app",
    parent("g:root:${revision}"),
    properties({"b": "child", "maybe": "True"}),
    managed(bom("g:bom:1")),
    dependencies(
        "g:lib",
        "org.slf4j:slf4j-api",
        dependency("g:m", optional="${maybe}"),
        "g:x:1",
    ),
    build(
        plugin(
            JIB,
            configuration(
                "<container><flags><f>2</f></flags></container><deep><y>2</y></deep>"
                "<to><image>r/${project.artifactId}:${project.version}</image><tags><tag>c</tag>"
                "</tags></to>"
            ),
        ),
        plugin(
            "maven-surefire-plugin",
            configuration('<list combine.children="append"><i>a</i></list>'),
        ),
        finalName="my-${project.artifactId}",
    ),
)
BOM = pom("g:bom:1", properties(b="0"), managed("g:m:${b}", "g:x:9"), packaging="pom")


@pytest.mark.parametrize(
    "arguments", [[], ["-Dpp=1", "-Drevision=9", "-Db=user"], ["-P", "pp,!unix"]]
)
def test_a_project_made_of_corner_cases(tmp_path: Path, arguments: list[str]) -> None:
    write(tmp_path / "pom.xml", ROOT)
    path = write(tmp_path / "app" / "pom.xml", APP)
    write(tmp_path / "app" / "marker", "")
    repository = _repository(tmp_path)
    write(repository / "g" / "bom" / "1" / "bom-1.pom", BOM)
    _compare(path, [*arguments, "-Dskip.it=true"], repository)


def test_a_spring_boot_project(tmp_path: Path) -> None:
    path = Path(shutil.copy(FIXTURE, tmp_path / "pom.xml"))
    _compare(path, [], _repository(tmp_path))


@pytest.mark.parametrize(
    ("seed", "arguments"), [(1, []), (2, ["-Don=1", "-Dp2=user"]), (3, ["-P", "q1,!q2"])]
)
def test_projects_at_random(tmp_path: Path, seed: int, arguments: list[str]) -> None:
    """All are modules of one build, so that Maven starts once."""
    repository, lineages = _repository(tmp_path), Lineages(seed)
    lineages.write_boms(repository)
    names = [f"r{number}" for number in range(PROJECTS)]
    paths = [lineages.write_project(tmp_path / name) for name in names]
    listed = modules(*(f"{name}/m/app" for name in names))
    root = write(tmp_path / "pom.xml", pom("g:all:1", listed, packaging="pom"))
    shared = [*arguments, f"-Dmaven.repo.local={repository}"]
    written = tmp_path / "effective.xml"
    peers.run("mvn", "-B", "-q", "-f", root, *shared, HELP, f"-Doutput={written}")
    theirs = {
        found.artifact: found
        for text in re.findall(rb"<project .*?</project>", written.read_bytes(), re.DOTALL)
        for found in [parse_pom(text, written)]
    }
    for name, path in zip(names, paths, strict=True):
        _require_equal(_ours(path, shared, repository), theirs[f"{name}-app"])


def _repository(tmp_path: Path) -> Path:
    """Return the local repository of the machine, for Maven's own plugins must be there."""
    named = os.environ.get("PYJIB_MAVEN_REPOSITORY")
    root = Path(named) if named else Path.home() / ".m2" / "repository"
    layer = tmp_path / "repository"
    layer.mkdir()
    for found in root.iterdir() if root.is_dir() else ():
        if found.name != "g":  # ours, which nobody else shall see
            (layer / found.name).symlink_to(found)
    return layer


def _compare(path: Path, arguments: list[str], repository: Path) -> None:
    shared = [*arguments, f"-Dmaven.repo.local={repository}"]
    written = path.parent / "effective.xml"
    peers.run("mvn", "-B", "-q", "-f", path, *shared, HELP, f"-Doutput={written}")
    _require_equal(_ours(path, shared, repository), parse_pom(written.read_bytes(), written))


def _ours(path: Path, arguments: list[str], repository: Path) -> EffectiveModel:
    host = HostEnvironment.of(os.environ)
    session = start_session(
        path.parent, host, parse_arguments(arguments, path.parent), started=datetime.now(UTC)
    )
    return Builder(session, LocalRepository(repository)).project(path)


def _require_equal(ours: EffectiveModel, theirs: RawPom) -> None:
    assert dict(ours.properties) == dict(theirs.body.properties)
    assert _dependencies(ours.dependencies) == _dependencies(theirs.body.dependencies)
    assert _dependencies(ours.dependency_management) == _dependencies(
        theirs.body.dependency_management
    )
    assert [each.id for each in ours.repositories] == [each.id for each in theirs.body.repositories]
    assert _names(ours) == (
        (theirs.group, theirs.artifact, theirs.version),
        theirs.body.build.values["finalName"],
        theirs.body.build.values["directory"],
        theirs.body.build.values["outputDirectory"],
    )
    assert _plugins(ours.plugins) == _plugins(_known(theirs, ours))


def _names(model: EffectiveModel) -> tuple[object, ...]:
    return (
        tuple(model.coordinates),
        model.final_name,
        str(model.build_directory),
        str(model.output_directory),
    )


def _dependencies(found: tuple[PomDependency, ...]) -> list[tuple[object, ...]]:
    return [
        (
            *(each.key, each.version, each.scope, bool(each.optional), each.system_path),
            frozenset(each.exclusions),
        )
        for each in found
    ]


def _known(theirs: RawPom, ours: EffectiveModel) -> list[Plugin]:
    """Return Maven's plugins without the versions that each Maven binds anew."""
    versions = {each.key: each.version for each in ours.plugins}
    return [
        Plugin(
            group=each.group,
            artifact=each.artifact,
            version=each.version if versions.get(each.key) else None,
            configuration=each.configuration,
            executions=each.executions,
            dependencies=each.dependencies,
        )
        for each in theirs.body.build.plugins
    ]


def _plugins(found: tuple[Plugin, ...] | list[Plugin]) -> dict[str, object]:
    """Return plugins by key; executions by id, for Maven binds them in no particular order."""
    return {
        each.key: (
            each.version,
            _tree(each.configuration),
            {run.id: (run.phase, run.goals, _tree(run.configuration)) for run in each.executions},
            _dependencies(each.dependencies),
        )
        for each in found
        if each.artifact != "maven-site-plugin"  # has reports, which no image needs
    }


def _tree(node: Node | None) -> object:
    if node is None:
        return None
    # Where there are children, help:effective-pom writes no text.
    text = None if node.children else node.text
    return (node.name, text, dict(node.attributes), list(map(_tree, node.children)))
