"""Real peers that tests talk to, started by the run itself and gone at its end.

``scripts/peers`` installs their programs. A test that needs one is marked ``peers`` and asks
for it here: a missing peer skips with a reason, and fails under ``PYJIB_REQUIRE_PEERS=1``
unless ``PYJIB_PEERS_UNREACHABLE`` (a comma list that ``.ci/run`` sets where a package registry
did not answer) names it.

Nothing of the machine is touched: no running engine, registry, storage or configuration. Every
peer has directories of its own, and its log lies beside them and is shown if it does not start.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.bridges import bridge, gateway
from tests.support.daemons import (
    as_root,
    free_port,
    pings,
    running,
    scratch,
    storage_driver,
)
from tests.support.programs import attempt, require, run, skopeo, umoci

__all__ = [
    "Distribution",
    "Engine",
    "attempt",
    "distribution",
    "docker_engine",
    "free_port",
    "podman_service",
    "require",
    "run",
    "skopeo",
    "start_distribution",
    "start_docker",
    "start_podman",
    "umoci",
]

# Distribution, the reference registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A running Distribution; ``address`` is ``127.0.0.1:PORT``, plain HTTP, no login.

    ``root`` is its storage, ``log`` holds its access log, a line a request.
    """

    address: str
    root: Path
    log: Path


@contextmanager
def start_distribution(
    directory: Path, *, settings: Mapping[str, Any] | None = None
) -> Iterator[Distribution]:
    """Run Distribution below ``directory``, which must exist.

    ``settings`` replaces or adds sections of its configuration, such as ``auth``; a 401 counts
    as an answer.
    """
    program = require("docker-registry")
    address = f"127.0.0.1:{free_port()}"
    root, log = directory / "registry", directory / "registry.log"
    configuration = {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": False}},
        "storage": {"filesystem": {"rootdirectory": str(root)}, "delete": {"enabled": True}},
        "http": {"addr": address},
        **(settings or {}),
    }
    config = directory / "registry.yml"
    config.write_text(json.dumps(configuration))  # JSON is YAML too
    with running(
        "docker-registry", [program, "serve", config], log=log, ready=lambda: answers(address)
    ):
        yield Distribution(address=address, root=root, log=log)


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Distribution]:
    """A Distribution for the whole run: use a repository name of your own."""
    with start_distribution(tmp_path_factory.mktemp("distribution")) as started:
        yield started


def answers(address: str) -> bool:
    """Tell whether a registry speaks at ``HOST:PORT``."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status in (200, 401)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


# Docker Engine and Podman


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A running Docker Engine or Podman service.

    ``host`` is ``unix://SOCKET``; ``variables`` is the environment that makes clients, pyjib's
    among them, find it and nothing else; ``home`` an empty home directory; ``containerd`` the
    socket of Docker's containerd, which ``root`` (nothing, or ``sudo``) may speak to; ``gateway``
    the name that a swarm's bridge to the machine may have.
    """

    program: str
    socket: Path
    home: Path
    variables: Mapping[str, str]
    options: Sequence[str] = ()
    containerd: Path | None = None
    root: Sequence[str] = ()
    gateway: str = ""

    @property
    def host(self) -> str:
        """What ``DOCKER_HOST`` is set to."""
        return f"unix://{self.socket}"

    def run(self, *arguments: str | Path, stdin: bytes | None = None) -> str:
        """Run ``docker`` (or ``podman``) against this engine and return its stdout."""
        return run(self.program, *self.options, *arguments, environment=self.variables, stdin=stdin)

    def attempt(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the client whatever comes of it."""
        return attempt(self.program, *self.options, *arguments, environment=self.variables)

    def ctr(self, *arguments: str | Path, stdin: bytes | None = None) -> str:
        """Run ``ctr`` against Docker's containerd, in a namespace apart from Docker's."""
        address = ["--address", str(self.containerd), "--namespace", "pyjib"]
        ctr = require("ctr")
        program, *rest = [*self.root, str(ctr), *address]
        return run(program, *rest, *arguments, stdin=stdin)

    def inspect(self, image: str) -> Any:
        """Return what ``image inspect`` tells of an image."""
        return json.loads(self.run("image", "inspect", image))[0]


@contextmanager
def start_docker() -> Iterator[Engine]:
    """Run a Docker Engine of its own as root, with its own containerd and network bridge."""
    program = require("dockerd")
    for other in ("docker", "containerd", "runc"):
        require(other)
    prefix = as_root("dockerd")
    with (
        scratch("pj-", prefix) as directory,
        bridge(prefix, directory.name) as bridge_options,
    ):
        engine_socket = directory / "docker.sock"
        command = [
            # The mounts are its own, so that they go with its processes, however those end.
            *(*prefix, require("unshare"), "--mount", program),
            *("--host", f"unix://{engine_socket}", "--group", str(os.getgid())),
            *("--data-root", directory / "data", "--exec-root", directory / "exec"),
            *("--pidfile", directory / "docker.pid", "--config-file", directory / "none.json"),
            *("--storage-driver", storage_driver(directory), "--shutdown-timeout", "1"),
            *bridge_options,
        ]
        (directory / "none.json").write_text("{}")
        log, home = directory / "docker.log", directory / "home"
        empty_home(home)
        with running(
            "dockerd", command, log=log, ready=lambda: pings(engine_socket), root=bool(prefix)
        ):
            yield Engine(
                program="docker",
                socket=engine_socket,
                home=home,
                variables=_variables(engine_socket, home),
                containerd=directory / "exec" / "containerd" / "containerd.sock",
                root=prefix,
                gateway=gateway(directory.name),
            )


@contextmanager
def start_podman() -> Iterator[Engine]:
    """Run a Podman service of its own, rootless unless the run is root's."""
    program = require("podman")
    is_root = os.geteuid() == 0
    with scratch("pp-", []) as directory:
        service_socket, home = directory / "podman.sock", directory / "home"
        empty_home(home)
        overlay = is_root and storage_driver(directory) == "overlay2"
        options = [
            *("--root", str(directory / "root"), "--runroot", str(directory / "run")),
            *(
                "--tmpdir",
                str(directory / "tmp"),
                "--storage-driver",
                "overlay" if overlay else "vfs",
            ),
            *("--events-backend", "file", "--cgroup-manager", "cgroupfs"),
        ]
        # Podman's own default asks for more files and processes than a confined root may have.
        config = directory / "containers.conf"
        config.write_text(
            '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
            # Locks in shared memory are the whole machine's, and those of killed runs stay taken.
            '[engine]\nlock_type = "file"\n'
        )
        variables = {**_variables(service_socket, home), "CONTAINERS_CONF": str(config)}
        service = ["system", "service", "--time", "0", f"unix://{service_socket}"]
        with running(
            "podman",
            [program, *options, *service],
            log=directory / "log",
            ready=lambda: pings(service_socket),
            environment=variables,
        ):
            yield Engine(
                program="podman",
                socket=service_socket,
                home=home,
                variables=variables,
                options=options,
            )
        if not is_root:
            # Files belong to users that only Podman's namespace has, and that a process keeps.
            run("podman", *options, "unshare", "rm", "-rf", directory / "root")
            os.kill(int((directory / "tmp" / "pause.pid").read_text()), signal.SIGKILL)


def empty_home(home: Path) -> None:
    """Make a home directory with no logins; Podman insists on the file that it names."""
    (home / ".docker").mkdir(parents=True)
    (home / ".docker" / "config.json").write_text("{}")


def _variables(engine_socket: Path, home: Path) -> dict[str, str]:
    return {
        "DOCKER_HOST": f"unix://{engine_socket}",
        "DOCKER_CONFIG": str(home / ".docker"),
        "DOCKER_CONTEXT": "",
        "DOCKER_API_VERSION": "",
        "DOCKER_TLS_VERIFY": "",
        "DOCKER_CERT_PATH": "",
    }


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """A Docker Engine for the whole run: use image names of your own."""
    with start_docker() as engine:
        yield engine


@pytest.fixture(scope="session")
def podman_service() -> Iterator[Engine]:
    """A Podman service for the whole run: use image names of your own."""
    with start_podman() as engine:
        yield engine
