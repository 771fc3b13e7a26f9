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
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60.0
"""How long a peer may take to start, in seconds, on a machine that is busy."""


def require(program: str) -> Path:
    """Return where a peer's program is; skip the test, or fail it, if it is nowhere."""
    found = shutil.which(program)
    if found is None and os.path.sep not in program:
        # Debian keeps daemons where a user's PATH does not look.
        found = shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        missing(program, f"{program} is not installed: scripts/peers does that")
    return Path(found)


def missing(program: str, reason: str) -> Any:
    """Skip the test for want of a peer, or fail it where peers are required. Never returns."""
    unreachable = os.environ.get("PYJIB_PEERS_UNREACHABLE", "").split(",")
    if os.environ.get("PYJIB_REQUIRE_PEERS") == "1" and program not in unreachable:
        pytest.fail(reason)
    pytest.skip(reason)


def run(
    program: str,
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float = 300,
) -> str:
    """Run a peer's program and return what it wrote to stdout; fail the test if it fails."""
    done = attempt(program, *arguments, environment=environment, stdin=stdin, timeout=timeout)
    if done.returncode != 0:
        command = " ".join(map(str, (program, *arguments)))
        pytest.fail(f"$ {command}\n(exit code {done.returncode})\n{done.stdout}{done.stderr}")
    return done.stdout


def attempt(
    program: str,
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float = 300,
) -> subprocess.CompletedProcess[str]:
    """Run a peer's program, whatever comes of it. ``environment`` is added to the test's own."""
    done = subprocess.run(
        [require(program), *arguments],
        env={**os.environ, **(environment or {})},
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode()
    )


def skopeo(*arguments: str | Path) -> str:
    """Run ``skopeo`` without the machine's signature policy."""
    return run("skopeo", "--insecure-policy", *arguments)


def umoci(*arguments: str | Path) -> str:
    """Run ``umoci``."""
    return run("umoci", *arguments)


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
    with running([program, "serve", config], log=log, ready=lambda: answers(address)):
        yield Distribution(address=address, root=root, log=log)


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Distribution]:
    """A Distribution for the whole run: use a repository name of your own."""
    with start_distribution(tmp_path_factory.mktemp("distribution")) as started:
        yield started


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
    socket of Docker's containerd, for ``ctr``.
    """

    program: str
    socket: Path
    home: Path
    variables: Mapping[str, str]
    options: Sequence[str] = ()
    containerd: Path | None = None

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

    def inspect(self, image: str) -> Any:
        """Return what ``image inspect`` tells of an image."""
        return json.loads(self.run("image", "inspect", image))[0]


@contextmanager
def start_docker() -> Iterator[Engine]:
    """Run a Docker Engine of its own as root, with its own containerd and network bridge."""
    program = require("dockerd")
    require("docker"), require("containerd"), require("runc")
    prefix = as_root("dockerd")
    with scratch("pj-", prefix) as directory, bridge(prefix) as bridge_options:
        engine_socket = directory / "docker.sock"
        command = [
            *(*prefix, program, "--host", f"unix://{engine_socket}", "--group", str(os.getgid())),
            *("--data-root", directory / "data", "--exec-root", directory / "exec"),
            *("--pidfile", directory / "docker.pid", "--config-file", directory / "none.json"),
            *("--storage-driver", storage_driver(directory), "--shutdown-timeout", "1"),
            *bridge_options,
        ]
        (directory / "none.json").write_text("{}")
        log, home = directory / "docker.log", directory / "home"
        empty_home(home)
        with running(command, log=log, ready=lambda: pings(engine_socket), root=bool(prefix)):
            yield Engine(
                program="docker",
                socket=engine_socket,
                home=home,
                variables=_variables(engine_socket, home),
                containerd=directory / "exec" / "containerd" / "containerd.sock",
            )


@contextmanager
def start_podman() -> Iterator[Engine]:
    """Run a Podman service of its own, rootless unless the run is root's."""
    program = require("podman")
    with scratch("pp-", []) as directory:
        service_socket, home = directory / "podman.sock", directory / "home"
        empty_home(home)
        driver = "overlay" if storage_driver(directory) == "overlay2" else "vfs"
        options = [
            *("--root", str(directory / "root"), "--runroot", str(directory / "run")),
            *("--tmpdir", str(directory / "tmp"), "--storage-driver", driver),
            *("--events-backend", "file", "--cgroup-manager", "cgroupfs"),
        ]
        # Podman's own default asks for more files and processes than a confined root may have.
        config = directory / "containers.conf"
        config.write_text(
            '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
        )
        variables = {**_variables(service_socket, home), "CONTAINERS_CONF": str(config)}
        service = ["system", "service", "--time", "0", f"unix://{service_socket}"]
        with running(
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


def pings(engine_socket: Path) -> bool:
    """Tell whether an engine answers on its socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(engine_socket))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
            return b" 200 " in connection.recv(100)
        except OSError:
            return False


# What starting them takes


def as_root(peer: str) -> list[str]:
    """Return what to put before a command to run it as root: nothing, or ``sudo``."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo:
        allowed = subprocess.run([sudo, "-n", "true"], capture_output=True, check=False)
        if allowed.returncode == 0:
            return [sudo, "-n"]
    missing(peer, f"{peer} needs root, and neither root nor a sudo without a password is here")
    return []


def storage_driver(directory: Path) -> str:
    """Return ``overlay2`` where overlay mounts are to be had, else ``vfs``."""
    on_overlay = subprocess.run(
        ["stat", "--file-system", "--format", "%T", directory],
        capture_output=True,
        text=True,
        check=True,
    )
    known = Path("/proc/filesystems").read_text()
    usable = "overlay" in known and "overlay" not in on_overlay.stdout and os.geteuid() == 0
    return "overlay2" if usable else "vfs"


@contextmanager
def scratch(prefix: str, root: Sequence[str]) -> Iterator[Path]:
    """Make a directory with a path short enough for sockets (108 bytes); remove all of it."""
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            if line.split()[1].startswith(f"{directory}/"):
                subprocess.run([*root, "umount", "--lazy", line.split()[1]], check=False)
        subprocess.run([*root, "rm", "-rf", "--", directory], check=True)


@contextmanager
def bridge(root: Sequence[str]) -> Iterator[list[str]]:
    """Make a network bridge, so that engines that run at the same time do not share one.

    Yields options for dockerd. Its firewall rules are left out where another engine runs on
    this machine, for setting up the ones would drop the others'; ports published on the
    loopback interface go through Docker's proxy program and work in either case.
    """
    name, number = f"pj{os.getpid()}", os.getpid() % 250
    options = ["--iptables=false"] if pings(Path("/var/run/docker.sock")) else []
    ip = [*root, str(require("ip"))]
    subprocess.run([*ip, "link", "add", name, "type", "bridge"], check=True)
    try:
        subprocess.run([*ip, "address", "add", f"10.213.{number}.1/24", "dev", name], check=True)
        subprocess.run([*ip, "link", "set", name, "up"], check=True)
        yield ["--bridge", name, *options]
    finally:
        subprocess.run([*ip, "link", "delete", name], check=False)
        # Swarm's bridge stays behind otherwise; one in use is somebody else's.
        ports = Path("/sys/class/net/docker_gwbridge/brif")
        if ports.is_dir() and not any(ports.iterdir()):
            subprocess.run([*ip, "link", "delete", "docker_gwbridge"], check=False)


@dataclass(slots=True, kw_only=True)
class _Started:
    process: subprocess.Popen[bytes]
    log: Path
    root: bool = field(default=False)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not ready():
            ended = self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                how = f"ended with {self.process.returncode}" if ended else "does not answer"
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])
                pytest.fail(f"{self.process.args} {how}:\n{tail}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask politely, then kill, and reap."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self._signal(sign)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                continue
            return

    def _signal(self, sign: signal.Signals) -> None:
        if self.root:  # the process is sudo, which passes SIGTERM on but cannot pass SIGKILL
            group = "" if sign is signal.SIGTERM else "-"
            target = f"{group}{self.process.pid}"
            subprocess.run(["sudo", "-n", "kill", f"-{sign:d}", "--", target], check=False)
        elif sign is signal.SIGTERM:
            self.process.terminate()
        else:
            os.killpg(self.process.pid, sign)


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    log: Path,
    ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
    root: bool = False,
) -> Iterator[None]:
    """Run a daemon that logs to ``log`` while the block runs, from when it is ``ready``.

    It is stopped even if the test run is killed, where the system can do that.
    """
    setpriv = shutil.which("setpriv")
    guard = [setpriv, "--pdeathsig", "TERM"] if setpriv and not root else []
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*guard, *command],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = _Started(process=process, log=log, root=root)
    try:
        started.wait_until(ready)
        yield
    finally:
        started.stop()
