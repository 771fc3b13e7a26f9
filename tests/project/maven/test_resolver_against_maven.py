"""The class path against Maven's own, order included.

All projects are modules of one build, so that Maven starts once; they know nothing of each
other. Its local repository is a fresh one, into which it downloads what they need.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyjib.errors import DependencyError
from pyjib.options import HostEnvironment
from pyjib.project.maven.command_line import Arguments
from pyjib.project.maven.effective import Builder
from pyjib.project.maven.local_repository import LocalRepository
from pyjib.project.maven.reactor import Reactor
from pyjib.project.maven.resolve import Resolver
from pyjib.project.maven.session import start_session
from tests.support.graph_generator import Graph
from tests.support.maven import MavenRepository, modules, pom, write
from tests.support.maven_vectors import VECTORS, write_libraries
from tests.support.pom_generator import generate
from tests.support.programs import attempt, missing, require

pytestmark = [pytest.mark.resolver, pytest.mark.peers]

# Older ones sort scopes through a hash set.
GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath"
FIXTURE = Path(__file__).parents[3] / "fixtures" / "docker-hello-spring" / "pom.xml"
SEEDS = range(40)
GRAPHS = range(12)
PROJECTS_OF_A_GRAPH = 10
PLAIN = [vector for vector in VECTORS if not vector.properties]
NAMES = [
    "docker-hello-spring",
    *(f"vector-{vector}" for vector in PLAIN),
    *(f"generated-{seed}" for seed in SEEDS),
]
MADE_UP = [f"graph-{seed}-{number}" for seed in GRAPHS for number in range(PROJECTS_OF_A_GRAPH)]
_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@dataclass(frozen=True)
class Answers:
    """Where Maven's answers are, and the local repository that they lead into."""

    projects: Mapping[str, Path]
    repository: Path
    log: str


def write_projects(root: Path, repository: Path) -> dict[str, Path]:
    write_libraries(MavenRepository(repository))
    projects = {"docker-hello-spring": root / "docker-hello-spring"}
    projects["docker-hello-spring"].mkdir(parents=True)
    shutil.copy(FIXTURE, projects["docker-hello-spring"])
    for vector in PLAIN:
        projects[f"vector-{vector}"] = vector.write(root / f"vector-{vector}")
    for seed in SEEDS:
        projects[f"generated-{seed}"] = root / f"generated-{seed}"
        write(projects[f"generated-{seed}"] / "pom.xml", generate(seed))
    for seed in GRAPHS:
        graph = Graph(seed, f"g{seed}-")
        graph.write_libraries(MavenRepository(repository))
        for number in range(PROJECTS_OF_A_GRAPH):
            name = f"graph-{seed}-{number}"
            projects[name] = graph.write_project(root / name)
    listed = modules(*(path.relative_to(root).as_posix() for path in projects.values()))
    write(root / "pom.xml", pom("t:everything:1", listed, packaging="pom"))
    return projects


@pytest.fixture(scope="module")
def maven(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What Maven makes of all projects."""
    require("mvn")
    root = tmp_path_factory.mktemp("projects")
    repository = tmp_path_factory.mktemp("repository")
    projects = write_projects(root, repository)
    done = attempt(
        "mvn",
        *("--batch-mode", "--fail-at-end", "--no-transfer-progress", "-f", root / "pom.xml", GOAL),
        *(f"-Dmaven.repo.local={repository}", "-DincludeScope=runtime"),
        "-Dmdep.outputFile=classpath.txt",
        environment={"MAVEN_OPTS": _QUICK, "LC_ALL": "C.UTF-8"},
        timeout=300,
    )
    log = done.stdout + done.stderr
    if not (projects["docker-hello-spring"] / "classpath.txt").is_file():
        missing("mvn", f"Maven could not resolve anything:\n{log[-3000:]}")
    return Answers(projects=projects, repository=repository, log=log)


@pytest.mark.parametrize("name", NAMES)
def test_the_class_path(maven: Answers, name: str) -> None:
    project = maven.projects[name]
    answer = project / "classpath.txt"
    assert answer.is_file(), maven.log[-5000:]
    assert class_path(maven, project) == _paths(answer)


@pytest.mark.parametrize("name", MADE_UP)
def test_graphs_at_random(maven: Answers, name: str) -> None:
    project = maven.projects[name]
    answer = project / "classpath.txt"
    if answer.is_file():
        assert class_path(maven, project) == _paths(answer)
    else:
        assert f"on project {name}: " in maven.log
        with pytest.raises(DependencyError):
            class_path(maven, project)


def class_path(maven: Answers, project: Path) -> list[str]:
    """Return what pyjib makes of a project."""
    host = HostEnvironment.of(os.environ, project)
    arguments = Arguments(properties={"maven.repo.local": str(maven.repository)})
    session = start_session(project, host, arguments)
    repository = LocalRepository(session.local_repository)
    builder = Builder(session, repository)
    model = builder.project(project / "pom.xml")
    resolution = Resolver(builder, repository, Reactor(builder, ())).resolve(model)
    return [str(library.path) for library in resolution.libraries]


def _paths(answer: Path) -> list[str]:
    return [path for path in answer.read_text().strip().split(os.pathsep) if path]
