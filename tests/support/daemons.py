"""What it takes to start a peer that is a daemon, and to leave nothing of it behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.leavings import PLACE, held_name, remove, sweep_directories
from tests.support.programs import missing

PATIENCE = 240.0
"""How long a peer may take to start, in seconds, on a machine that is busy."""


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on.

    A connection that has just ended there keeps it from being given to anybody for a minute; a
    server may ask for it by its number all the same (``SO_REUSEADDR``).
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # who closes first has the wait
            client.recv(1)
    return port


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


def as_root(peer: str) -> list[str]:
    """Return what to put before a command to run it as root: nothing, or ``sudo``."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None or subprocess.run([sudo, "-n", "true"], check=False).returncode != 0:
        missing(peer, f"{peer} needs root: be root, or have a sudo that asks no password")
    return [sudo, "-n"]


def storage_driver(directory: Path) -> str:
    """Return ``overlay2`` where overlay mounts are to be had, else ``vfs``."""
    on_overlay = subprocess.run(
        ["stat", "--file-system", "--format", "%T", directory],
        capture_output=True,
        text=True,
        check=True,
    )
    known = Path("/proc/filesystems").read_text()
    usable = "overlay" in known and "overlay" not in on_overlay.stdout
    return "overlay2" if usable else "vfs"


@contextmanager
def scratch(prefix: str, root: Sequence[str]) -> Iterator[Path]:
    """Make a directory with a path short enough for sockets (108 bytes); remove all of it.

    So goes what earlier runs have left under names with this prefix. ``root`` is put before the
    commands that remove what is not this user's.
    """
    sweep_directories(prefix, root)
    with held_name(prefix) as name:
        directory = PLACE / name
        directory.mkdir()
        directory.chmod(0o755)
        try:
            yield directory
        finally:
            assert remove(directory, root), f"something of {directory} stays"


@dataclass(slots=True, kw_only=True)
class _Started:
    name: str
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
                missing(self.name, f"{self.name} {how}:\n{tail}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask politely, then kill, and reap."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self._signal(sign)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                continue
            break
        if not self.root:  # rootless Podman is two processes, of which the second may linger
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

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
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
    root: bool = False,
) -> Iterator[None]:
    """Run a daemon that logs to ``log`` while the block runs, from when it is ``ready``.

    One that does not start is as good as missing. It is stopped even if the test run is killed,
    where the system can do that.
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
    started = _Started(name=name, process=process, log=log, root=root)
    try:
        started.wait_until(ready)
        yield
    finally:
        started.stop()
