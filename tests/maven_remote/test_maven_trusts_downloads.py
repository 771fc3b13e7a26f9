"""Real Maven, offline, takes what pyjib downloaded, and has the same class path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyjib.configure import MavenChoice, configure
from pyjib.jib.to_options import Given
from pyjib.oci.instant import Instant
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.project.maven.command_line import Arguments
from pyjib.project.model import Project
from tests.support.maven import bom, dependencies, managed, parent, pom, properties, write
from tests.support.maven_graph import all_asked
from tests.support.maven_server import MavenServer
from tests.support.programs import attempt, missing, require
from tests.support.projects import class_path_of, main_class

pytestmark = [pytest.mark.resolver, pytest.mark.peers]

GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath"
_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
NOW = Instant.of_seconds(1_700_000_000)


def publish(server: MavenServer) -> None:
    server.publish("t:up:1", properties(x="2"), jar=None, packaging="pom")
    server.publish("t:bom:1", managed("t:x:${v}"), properties(v="2"), jar=None, packaging="pom")
    server.publish("t:x:2", all_asked("y old ranged:[1,2)"))
    server.publish("t:y:1")
    moved = (
        "<distributionManagement><relocation><artifactId>new</artifactId></relocation>"
        "</distributionManagement>"
    )
    server.publish("t:old:1", moved, jar=None)
    server.publish("t:new:1")
    server.publish_versions("t:ranged", "1", "1.5", "2")
    for version in ("1", "1.5"):
        server.publish(f"t:ranged:{version}")
    server.publish_snapshot(
        "t:s:1-SNAPSHOT", "20240102.030405-7", all_asked("below"), jar=b"snapshot"
    )
    server.publish("t:below:1")


def write_app(root: Path, url: str) -> Path:
    repository = f"<repository><id>here</id><url>{url}</url></repository>"
    write(
        root / "pom.xml",
        pom(
            "t:app:1",
            parent("t:up:1", ""),
            f"<repositories>{repository}</repositories>",
            managed(bom("t:bom:1")),
            dependencies("t:x", "t:s:1-SNAPSHOT"),
        ),
    )
    path = root / "target" / "classes" / class_path_of()
    path.parent.mkdir(parents=True)
    path.write_bytes(main_class())
    return root


def maven(directory: Path, repository: Path, *arguments: str) -> str:
    done = attempt(
        "mvn",
        *("--batch-mode", "--no-transfer-progress", "-f", directory / "pom.xml", GOAL),
        *(f"-Dmaven.repo.local={repository}", "-Dmdep.outputFile=classpath.txt", *arguments),
        environment={"MAVEN_OPTS": _QUICK, "LC_ALL": "C.UTF-8"},
        timeout=300,
    )
    return done.stdout + done.stderr


def test_the_class_path(tmp_path: Path) -> None:
    require("mvn")
    repository = tmp_path / "repository"
    write(tmp_path / "empty" / "pom.xml", pom("t:empty:1"))
    log = maven(tmp_path / "empty", repository)
    if not (tmp_path / "empty" / "classpath.txt").exists():
        missing("mvn", f"Maven could not fetch its plugin:\n{log[-3000:]}")
    with MavenServer() as server:
        publish(server)
        app = write_app(tmp_path / "app", server.url)
        options = BuildOptions(host=HostEnvironment.of({}, tmp_path / "home"))
        choice = MavenChoice(arguments=Arguments(properties={"maven.repo.local": str(repository)}))
        configured = configure(app, Given(options=options, now=NOW), choice)
        assert configured.read is not None
        project = configured.read()
        assert isinstance(project, Project)
        for folder in (repository / "t" / "x" / "2", repository / "t" / "s" / "1-SNAPSHOT"):
            for name in ("x-2.jar", "s-1-SNAPSHOT.jar", "maven-metadata-here.xml"):
                (folder / f".{name}.0123456789ab.pyjib.partial").write_bytes(b"half")
        asked = len(server.asked)
        log = maven(app, repository, "--offline", "-DincludeScope=runtime")
        assert len(server.asked) == asked
    answer = app / "classpath.txt"
    assert answer.is_file(), log[-5000:]
    theirs = [Path(entry) for entry in answer.read_text().strip().split(os.pathsep)]
    ours = [library.name for library in project.dependencies]
    assert ours == [path.name for path in theirs]
    assert [path.name for path in theirs] == [
        *("x-2.jar", "y-1.jar", "new-1.jar", "ranged-1.5.jar", "s-1-SNAPSHOT.jar", "below-1.jar"),
    ]
    assert (repository / "t" / "s" / "1-SNAPSHOT" / "s-1-SNAPSHOT.jar") in theirs
