"""What campaigns build: applications, a base image, and builds as processes of their own."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyjib.serve import RegistryServer
from tests.support.projects import write_gradle_install, write_gradle_project

ROOT = Path(__file__).resolve().parents[2]
VARIANTS = 6
"""How many applications there are; they share a layer of libraries."""
_LIBRARIES = ("alpha-1.0.jar", "beta-1.0.jar", "gamma-1-SNAPSHOT.jar")
_MIB = 1 << 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a build ended; ``killed`` tells that it was us, and after how many ``seconds``."""

    code: int
    output: str
    errors: str
    seconds: float
    killed: bool

    @property
    def digest(self) -> str:
        """The digest on stdout, empty if there is none."""
        found = _DIGEST.search(self.output)
        return found[0] if found else ""


@dataclass(slots=True, kw_only=True)
class Running:
    """A build that runs."""

    process: subprocess.Popen[str]
    started: float

    def wait(self, kill_after: float | None = None) -> Ended:
        """Wait for the end, or kill the build so many seconds after its start."""
        killed = False
        rest = None if kill_after is None else kill_after - (time.monotonic() - self.started)
        try:
            output, errors = self.process.communicate(
                timeout=None if rest is None else max(0, rest)
            )
        except subprocess.TimeoutExpired:
            killed = True
            self.process.kill()
            output, errors = self.process.communicate()
        code = self.process.returncode
        seconds = time.monotonic() - self.started
        killed = killed and code != 0
        return Ended(code=code, output=output, errors=errors, seconds=seconds, killed=killed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """A directory with applications, and a registry with a base image that listens."""

    scratch: Path
    server: RegistryServer
    apps: tuple[Path, ...]

    @property
    def registry_root(self) -> Path:
        """Where the registry keeps its repositories."""
        return self.scratch / "registry"

    def start(self, variant: int, target: str, cache: Path, *more: str) -> Running:
        """Start to build an application into ``target``."""
        command = [
            *(sys.executable, "-m", "pyjib", "build", str(self.apps[variant])),
            *("--from", f"{self.server.address}/library/eclipse-temurin:17-jre"),
            *("--to", target, "--cache", str(cache), *more),
        ]
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        return Running(process=process, started=started)

    def build(self, variant: int, target: str, cache: Path, *more: str) -> Ended:
        """Build an application into ``target`` and wait for it."""
        return self.start(variant, target, cache, *more).wait()

    def name(self, repository: str, variant: int) -> str:
        """Return the reference of an application in a repository of the registry."""
        return f"{self.server.address}/{repository}:v{variant}"

    def _environment(self) -> Mapping[str, str]:
        return {**os.environ, "HOME": str(self.scratch / "home"), "PYTHONUTF8": "1"}


@contextmanager
def open_workshop(scratch: Path, seed: int) -> Iterator[Workshop]:
    """Make applications of noise, a registry on disk with a base image, and serve it."""
    (scratch / "home").mkdir(parents=True)
    apps = tuple(_make_app(scratch / f"app{number}", seed, number) for number in range(VARIANTS))
    root = scratch / "registry"
    shutil.copytree(ROOT / "fixtures" / "base-image", root / "library" / "eclipse-temurin")
    with RegistryServer(root) as server:
        yield Workshop(scratch=scratch, server=server, apps=apps)


def _make_app(root: Path, seed: int, number: int) -> Path:
    """Write a compiled Gradle project: 12 MB of libraries, a third of them the same in all."""
    write_gradle_project(root)
    write_gradle_install(root, _LIBRARIES)
    for library in _LIBRARIES:
        source = f"{seed} {library}" if library == _LIBRARIES[0] else f"{seed} {library} {number}"
        noise = random.Random(source)
        for path in root.glob(f"build/install/*/lib/{library}"):
            path.write_bytes(noise.randbytes(4 * _MIB))
    page = random.Random(f"{seed} page {number}").randbytes(40_000).hex()
    (root / "build" / "resources" / "main" / "page.txt").write_text(page)
    return root
