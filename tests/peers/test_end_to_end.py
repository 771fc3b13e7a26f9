"""The mission, on real programs: Maven builds the app, pyjib the image, engines run it.

The base stands in for ``eclipse-temurin:17-jdk``: a JRE of this machine's JDK, in the registry.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

import pyjib
from tests.support.jre_base import JreBase
from tests.support.peers import (
    Distribution,
    Engine,
    attempt,
    free_port,
    require,
    run,
    skopeo,
    umoci,
)

pytestmark = pytest.mark.peers

ROOT = Path(__file__).resolve().parents[2]
HELLO = "Hello ObjectWorld!"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What the tests build from and with: the compiled project, a base, a cache, a registry."""

    project: Path
    base: str
    cache: Path
    registry: str

    def build(self, *arguments: str, variables: dict[str, str] | None = None) -> str:
        """Run ``pyjib build`` in the project and return its stdout."""
        done = subprocess.run(
            [sys.executable, "-m", "pyjib", "build", "--from", self.base, *arguments],
            cwd=self.project,
            env={
                **os.environ,
                "PYJIB_CACHE": str(self.cache),
                **(variables or {}),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def spring_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mission's app, built by Maven from its sources."""
    mvn = require("mvn")
    project = tmp_path_factory.mktemp("spring") / "docker-hello"
    shutil.copytree(ROOT / "fixtures" / "docker-hello-spring", project)
    arguments = ["--batch-mode", "--quiet", "-DskipTests", "-f", str(project), "package"]
    for _ in range(3):  # downloads have bad minutes
        if attempt(str(mvn), *arguments, timeout=600).returncode == 0:
            return project
    run(str(mvn), *arguments, timeout=600)
    return project


@pytest.fixture(scope="module")
def shop(
    spring_project: Path,
    jre_base: JreBase,
    distribution: Distribution,
    tmp_path_factory: pytest.TempPathFactory,
) -> Shop:
    base = f"{distribution.address}/library/eclipse-temurin:17-jdk"
    skopeo("copy", "--dest-tls-verify=false", f"oci:{jre_base.layout}:latest", f"docker://{base}")
    return Shop(
        project=spring_project,
        base=base,
        cache=tmp_path_factory.mktemp("cache"),
        registry=distribution.address,
    )


def wait_for(answer: Callable[[], str], wanted: str, seconds: int = 300) -> str:
    """Ask until the answer holds what is wanted: a JVM takes its time to start."""
    deadline = time.monotonic() + seconds
    text = ""
    while time.monotonic() < deadline:
        try:
            text = answer()
        except (OSError, http.client.HTTPException) as error:
            text = f"no answer: {error}"
        if wanted in text:
            return text
        time.sleep(0.25)
    pytest.fail(f"no {wanted!r} in {seconds} s; last: {text}")


def get(path: str, port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as reply:
        return str(reply.read().decode())


class Running:
    """A container of an image, with its port 8080 at ``port``, removed at the end.

    That is 28080, the mission's, unless something else on this machine has it.
    """

    def __init__(self, engine: Engine, image: str, options: Sequence[str] = ()) -> None:
        self.engine, self.image, self.options = engine, image, options
        self.container, self.port = f"hello-{secrets.token_hex(4)}", 28080

    def __enter__(self) -> Self:
        done = self._start()
        if done.returncode != 0 and is_taken(done.stderr):
            sys.stderr.write(f"port {self.port} is in use on this machine: {done.stderr}")
            self.__exit__()
            self.port = free_port()
            done = self._start()
        assert done.returncode == 0, done.stderr
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.attempt("rm", "-f", self.container)

    def _start(self) -> subprocess.CompletedProcess[str]:
        published = ["-p", f"{self.port}:8080", *self.options]
        return self.engine.attempt("run", "-d", "--name", self.container, *published, self.image)


def is_taken(said: str) -> bool:
    """Tell whether an engine could not do something for a port that is in use."""
    return "port is already allocated" in said or "address already in use" in said


@contextmanager
def told_by(engine: Engine, *asked: str) -> Iterator[None]:
    """Have a failure show what became of the containers, and what the engine tells when asked."""
    try:
        yield
    except BaseException:
        for arguments in (["ps", "-a"], asked):
            told = engine.attempt(*arguments)
            sys.stderr.write(f"{told.stdout}{told.stderr}\n")
        raise


def check_answers(engine: Engine, image: str) -> None:
    with Running(engine, image) as it, told_by(engine, "logs", "--tail", "30", it.container):
        wait_for(lambda: get("/hello", it.port), HELLO)
        health = wait_for(lambda: get("/actuator/health", it.port), "UP")
        assert json.loads(health)["status"] == "UP"


@pytest.fixture(scope="module")
def pushed(shop: Shop) -> str:
    """The app, exploded, in the registry; the reference by digest that pyjib printed."""
    return shop.build("--to", f"{shop.registry}/objectworld/docker-hello", "--tag", "1.0.0")


@pytest.mark.parametrize("mode", ["exploded", "packaged"])
def test_docker_pulls_and_runs_what_is_pushed(shop: Shop, docker_engine: Engine, mode: str) -> None:
    target = f"{shop.registry}/objectworld/{mode}"
    printed = shop.build("--to", target, "--mode", mode)
    assert printed.startswith(f"{target}@sha256:")
    docker_engine.run("pull", printed)
    check_answers(docker_engine, printed)


def test_build_into_the_daemon(shop: Shop, docker_engine: Engine) -> None:
    name = "objectworld/docker-hello:daemon"
    shop.build("--to", f"docker://{name}", variables=dict(docker_engine.variables))
    check_answers(docker_engine, name)


@pytest.fixture(scope="module")
def archive(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "app.tar"
    shop.build("--to", f"tar://{path}", "--name", "objectworld/docker-hello:tar")
    return path


def test_docker_load(archive: Path, docker_engine: Engine) -> None:
    docker_engine.run("load", "-i", archive)
    check_answers(docker_engine, "objectworld/docker-hello:tar")


def test_podman_load(archive: Path, podman_service: Engine) -> None:
    podman_service.run("load", "-i", archive)
    inspected = podman_service.inspect("docker.io/objectworld/docker-hello:tar")
    assert inspected["Config"]["Entrypoint"][0] == "java"
    options = ["--network=host", "-e", f"SERVER_PORT={(port := free_port())}"]
    image = "docker.io/objectworld/docker-hello:tar"
    with (
        Running(podman_service, image, options) as it,
        told_by(podman_service, "logs", "--tail", "30", it.container),
    ):
        wait_for(lambda: get("/hello", port), HELLO)
        wait_for(lambda: get("/actuator/health", port), '"UP"')


def test_swarm_stack(shop: Shop, pushed: str, docker_engine: Engine, tmp_path: Path) -> None:
    stack = tmp_path / "stack.yml"
    stack.write_text(
        f"""
version: "3.8"
services:
  hello:
    image: {pushed}
    ports: ["{is_free(28081) or free_port()}:8080"]
    deploy: {{replicas: 2}}
"""
    )
    status = ["service", "ps", "--no-trunc", "hello_hello"]
    with swarm(docker_engine), told_by(docker_engine, *status):
        docker_engine.run("stack", "deploy", "-c", stack, "hello")
        check_replicas(docker_engine, 2)
        docker_engine.run("service", "scale", "--detach", "hello_hello=3")
        check_replicas(docker_engine, 3)
        docker_engine.attempt("stack", "rm", "hello")


def is_free(port: int) -> int:
    """Return the port if nobody listens there, else 0."""
    try:
        with socket.create_server(("", port)):
            return port
    except OSError:
        return 0


@contextmanager
def swarm(engine: Engine) -> Iterator[None]:
    """Have an engine be a swarm of its own.

    Its addresses, ports and bridge are not Docker's usual ones, which swarms of other runs have
    too; so have the networks of killed ones.
    """
    host = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
    name = f"com.docker.network.bridge.name={engine.gateway}"
    engine.run("network", "create", "--opt", name, "docker_gwbridge")
    where = ["--listen-addr", f"{host}:{free_port()}", "--advertise-addr", host]
    engine.run("swarm", "init", *where, "--data-path-port", str(random.randint(20000, 49151)))
    try:
        yield
    finally:
        engine.attempt("swarm", "leave", "--force")
        engine.attempt("network", "rm", "docker_gwbridge")


def check_replicas(engine: Engine, count: int) -> None:
    """Wait for the replicas, then ask each task from inside: an ingress port needs IPVS."""
    wait_for(lambda: engine.run("service", "ls", "--format", "{{.Replicas}}"), f"{count}/{count}")
    containers = engine.run(
        "ps", "-q", "--filter", "label=com.docker.swarm.service.name=hello_hello"
    ).split()
    assert len(containers) == count
    for container in containers:
        ask = ["exec", container, "wget", "-q", "-O", "-", "http://127.0.0.1:8080/hello"]
        wait_for(lambda ask=ask: engine.attempt(*ask).stdout, HELLO)  # type: ignore[misc]


def test_skopeo_inspects_and_copies(pushed: str, tmp_path: Path) -> None:
    found = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{pushed}"))
    assert found["Digest"] == pushed.partition("@")[2]
    skopeo("copy", "--src-tls-verify=false", f"docker://{pushed}", f"oci:{tmp_path / 'copy'}:app")
    assert (tmp_path / "copy" / "index.json").is_file()


@pytest.fixture
def layout(shop: Shop, tmp_path: Path) -> Path:
    directory = tmp_path / "layout"
    printed = shop.build("--to", f"oci://{directory}:app")
    assert printed == f"oci://{directory}:app"
    return directory


def test_umoci_unpacks_a_layout(layout: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    umoci("unpack", "--rootless", "--image", f"{layout}:app", bundle)
    app = bundle / "rootfs" / "app"
    assert (
        app / "jib-main-class-file"
    ).read_text() == "org.objectworld.hello.DockerHelloApplication"
    assert len(list((app / "libs").glob("*.jar"))) > 20
    skopeo("copy", f"oci:{layout}:app", f"oci:{tmp_path / 'copy'}:app")


def test_umoci_unpacks_what_is_pushed(pushed: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    skopeo("copy", "--src-tls-verify=false", f"docker://{pushed}", f"oci:{copy}:app")
    umoci("unpack", "--rootless", "--image", f"{copy}:app", tmp_path / "bundle")


def test_what_is_pushed_is_valid(pushed: str, tmp_path: Path) -> None:
    options = pyjib.BuildOptions(cache=tmp_path)
    with pyjib.pull(pyjib.parse_location(pushed), options=options) as pulled:
        for image in pulled.images:
            pyjib.validate(image)
