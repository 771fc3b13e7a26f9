"""``pyjib plan`` on Maven projects: downloads, offline, a listed class path, modules."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import loopback
from tests.support.cli import Cli
from tests.support.maven import dependencies, modules, parent, pom, write
from tests.support.maven_server import MavenServer
from tests.support.projects import class_path_of, library_bytes, main_class


@pytest.fixture
def server() -> Iterator[MavenServer]:
    with MavenServer() as running:
        running.publish("t:x:1", jar=library_bytes("x"))
        yield running


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    write(root / "pom.xml", pom("t:app:1", dependencies("t:x:1")))
    path = root / "target" / "classes" / class_path_of()
    path.parent.mkdir(parents=True)
    path.write_bytes(main_class())
    return root


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    return [f"-Dmaven.repo.local={tmp_path / 'repository'}"]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(home=tmp_path / "home")


def libraries(document: dict[str, object]) -> list[str]:
    layers = document["layers"]
    assert isinstance(layers, list)
    targets = [entry["target"] for layer in layers for entry in layer["entries"]]
    return [target for target in targets if target.endswith(".jar")]


def test_downloads(cli: Cli, app: Path, arguments: list[str], server: MavenServer) -> None:
    done = cli("plan", str(app), "--json", "--maven-repository", server.url, *arguments)
    assert done.code == 0, done.stderr
    assert libraries(done.json) == ["/app/libs/x-1.jar"]


def test_offline(cli: Cli, app: Path, arguments: list[str], server: MavenServer) -> None:
    more = ["--maven-repository", server.url, "--offline"]
    done = cli("plan", str(app), *more, *arguments)
    assert done.code == 1
    assert "leave out --offline" in done.stderr
    assert not server.asked


def test_two_of_one_name(cli: Cli, app: Path) -> None:
    more = ["--maven-repository", "https://a.invalid", "--maven-repository", "https://b.invalid"]
    done = cli("plan", str(app), *more)
    assert done.code == 2
    assert "two repositories are called central" in done.stderr


def test_a_listed_class_path(cli: Cli, app: Path, tmp_path: Path) -> None:
    (tmp_path / "y-2.jar").write_bytes(library_bytes("y"))
    listed = write(tmp_path / "classpath.txt", str(tmp_path / "y-2.jar"))
    done = cli("plan", str(app), "--json", "--classpath-file", str(listed))
    assert done.code == 0, done.stderr
    assert libraries(done.json) == ["/app/libs/y-2.jar"]


def test_a_module(cli: Cli, app: Path, tmp_path: Path) -> None:
    """What is beside its classes, such as src/main/jib, is the module's own."""
    write(tmp_path / "pom.xml", pom("t:root:1", modules("app"), packaging="pom"))
    write(app / "pom.xml", pom(":app", parent("t:root:1")))
    write(app / "src" / "main" / "jib" / "etc" / "own.conf", "x")
    done = cli("plan", str(tmp_path), "--json", "--module", ":app")
    assert done.code == 0, done.stderr
    targets = [entry["target"] for layer in done.json["layers"] for entry in layer["entries"]]
    assert "/etc/own.conf" in targets


def test_a_module_that_is_not_packaged(cli: Cli, app: Path, tmp_path: Path) -> None:
    """There is one way out, and no list of others."""
    write(tmp_path / "pom.xml", pom("t:root:1", modules("app", "lib"), packaging="pom"))
    write(tmp_path / "lib" / "pom.xml", pom(":lib", parent("t:root:1")))
    write(app / "pom.xml", pom(":app", parent("t:root:1"), dependencies("t:lib:1")))
    done = cli("plan", app)
    assert done.code == 1
    message, hint = done.stderr.splitlines()
    assert message.endswith("is not there (wanted by t:app:1)")
    assert hint == "hint: package it first: mvn package -pl :lib -am"


def test_a_plan_needs_no_network(app: Path, arguments: list[str], tmp_path: Path) -> None:
    """Nothing of it is imported while all files are there."""
    listed = write(app / "pom.xml", pom("t:app:1"))
    assert listed.is_file()
    program = (
        "import sys, json\n"
        "from pyjib.cli.exits import run\n"
        "code = run(sys.argv[1:])\n"
        "loaded = {'pyjib.maven_remote', 'httpcore', 'httpx', 'ssl'} & set(sys.modules)\n"
        "print(json.dumps([code, sorted(loaded)]), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "plan", str(app), "--quiet", *arguments],
        env={"HOME": str(tmp_path), "PATH": "", **loopback.variables()},
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stderr.decode().splitlines()[-1]) == [0, []]
