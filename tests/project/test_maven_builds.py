"""Spring Boot jars that Maven itself builds, of the generations before and after the fixture's."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from pyjib.options import Mode
from pyjib.project.model import DEPENDENCY_GROUPS, ProjectKind
from pyjib.project.read import read_project
from tests.support.programs import run

pytestmark = pytest.mark.peers

FIXTURE_VERSION = "3.1.2"


@pytest.mark.parametrize("version", ["2.7.18", "3.5.4", "4.0.0"])
def test_the_spring_boot_fixture(
    tmp_path: Path, request: pytest.FixtureRequest, version: str
) -> None:
    source = request.config.rootpath / "fixtures" / "docker-hello-spring"
    root = shutil.copytree(source, tmp_path / "docker-hello")
    pom = root / "pom.xml"
    pom.write_text(pom.read_text().replace(f">{FIXTURE_VERSION}<", f">{version}<"))
    run("mvn", "-q", "-B", "-DskipTests", "-f", pom, "package", timeout=600)

    project = read_project(root, mode=Mode.EXPLODED)
    assert project.kind is ProjectKind.SPRING_BOOT
    assert project.name == "docker-hello"
    assert project.main_class == "org.objectworld.hello.DockerHelloApplication"
    assert project.java_version == 17
    assert project.dependency_groups == DEPENDENCY_GROUPS
    assert not project.warnings

    with zipfile.ZipFile(root / "target" / "docker-hello-1.0.0.jar") as jar:
        index = jar.read("BOOT-INF/classpath.idx").decode()
        order = [line.split("/")[-1].rstrip('"') for line in index.splitlines() if line]
        assert [library.name for library in project.dependencies] == order
        for library in project.dependencies:
            with library.source.open() as file:
                assert file.read() == jar.read(f"BOOT-INF/lib/{library.name}")

    classes = {file.path for file in project.classes if file.source}
    compiled = root / "target" / "classes"
    assert classes == {path.relative_to(compiled).as_posix() for path in compiled.rglob("*.class")}
