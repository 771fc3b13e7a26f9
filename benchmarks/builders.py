"""The builders, installed: pyjib as a wheel, the others as their users have them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from benchmarks.bars import PYJIB_GZIP, PYJIB_INDEX, PYJIB_JIB, PYJIB_SIGNED, PYJIB_ZSTD
from benchmarks.peers import (
    JVM_OPTIONS,
    TUNED,
    Buildah,
    Crane,
    Docker,
    JibCore,
    JibMaven,
    MavenClassPath,
    Peer,
    Pyjib,
)
from tests.support.go_modules import CRANE
from tests.support.peers import start_docker
from tests.support.programs import require

ROOT = Path(__file__).resolve().parents[1]


@dataclass(kw_only=True)
class Builders:
    """``peers`` are all that can be had, ``missing`` says why others are not there.

    ``pyjib`` is the installed program, ``places`` has words for directories of a run.
    """

    pyjib: Path
    peers: list[Peer] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)

    def add(self, make: Callable[[], Peer]) -> None:
        """Add a builder, or tell that it cannot be had."""
        try:
            self.peers.append(make())
        except (
            pytest.skip.Exception,
            pytest.fail.Exception,
            subprocess.CalledProcessError,
        ) as error:
            print(f"going on without: {error}", file=sys.stderr)
            self.missing.append(str(error))


@contextmanager
def make_builders(scratch: Path, wanted: Sequence[str] | None) -> Iterator[Builders]:
    """Install the builders whose names have a word of ``wanted``, all if that is nothing."""
    with ExitStack() as stack:
        builders = Builders(pyjib=_install_pyjib(scratch / "venv"))
        makers: dict[str, Callable[[], Peer]] = {
            **_pyjibs(scratch, builders.pyjib),
            MavenClassPath.name: lambda: _maven_class_path(scratch),
            JibMaven.name: lambda: _jib_maven(scratch),
            JibCore.name: lambda: _jib_core(scratch),
            TUNED + JibMaven.name: lambda: _tuned(scratch, builders, JibMaven),
            TUNED + JibCore.name: lambda: _tuned(scratch, builders, JibCore),
            Crane.name: lambda: _crane(scratch),
            Buildah.name: lambda: _buildah(scratch),
            Docker.name: lambda: _docker(scratch, builders, stack),
        }
        for name, make in makers.items():
            if not wanted or any(word in name for word in wanted):
                builders.add(make)
        yield builders


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _install_pyjib(directory: Path) -> Path:
    venv.create(directory, with_pip=True)
    pip: list[str | Path] = [
        directory / "bin" / "python",
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, "install", "--compile", ROOT], check=True)
    return directory / "bin" / "pyjib"


def _pyjibs(scratch: Path, program: Path) -> dict[str, Callable[[], Peer]]:
    options = {
        PYJIB_JIB: ("--identity", "jib"),
        PYJIB_INDEX: ("--identity", "jib", "--layer-index", "auto"),
        PYJIB_SIGNED: ("--identity", "jib", "--layer-index", "auto"),
        PYJIB_GZIP: ("--identity", "pyjib"),
        PYJIB_ZSTD: ("--identity", "pyjib", "--compression", "zstd"),
    }

    def pyjib(name: str) -> Pyjib:
        home = _made(scratch / "-".join(re.findall(r"[a-z]+", name.lower())))
        made = Pyjib(name=name, home=home, program=program, options=options[name])
        if name == PYJIB_SIGNED:
            command: list[str | Path] = [program, "init", "layer-index-key", home]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            made.environment = {"PYJIB_LAYER_INDEX_KEY": str(home / "layer-index.key")}
        return made

    return {name: partial(pyjib, name) for name in options}


def push_base(program: Path, registry: str) -> None:
    """Push the base, for two platforms, by pyjib itself: its classes' layer does no harm."""
    scratch = ROOT / "fixtures" / "docker-hello"
    command: list[str | Path] = [program, "build", scratch, "--quiet", "--from"]
    command += [f"oci://{ROOT / 'fixtures' / 'base-image'}:17-jre"]
    command += ["--platform", "linux/amd64,linux/arm64", "--app-root", "/base"]
    command += ["--to", f"{registry}/library/eclipse-temurin:17-jre"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _maven_class_path(scratch: Path) -> Peer:
    home = _made(scratch / "maven-class-path")
    return MavenClassPath(home=home, maven=require("mvn"))


def _jib_maven(scratch: Path) -> Peer:
    return JibMaven(home=_made(scratch / "jib-maven"), maven=require("mvn"))


def _jib_core(scratch: Path) -> Peer:
    java = require("java")
    program = scratch / "jib-core-program"
    shutil.copytree(ROOT / "benchmarks" / "java", program)
    command: list[str | Path] = [
        require("mvn"),
        "-q",
        "-B",
        "package",
        "dependency:copy-dependencies",
    ]
    subprocess.run(command, cwd=program, check=True, stdout=subprocess.DEVNULL)
    return JibCore(home=_made(scratch / "jib-core"), java=java, program=program)


def _tuned(scratch: Path, builders: Builders, kind: type[JibMaven | JibCore]) -> Peer:
    """Return a builder that is there already, with another JVM."""
    plain = next((peer for peer in builders.peers if isinstance(peer, kind)), None)
    if plain is None:
        pytest.skip(f"no {TUNED}{kind.name} without {kind.name}")
    return replace(
        plain,
        name=TUNED + plain.name,
        home=_made(scratch / f"tuned-{plain.home.name}"),
        jvm=JVM_OPTIONS,
    )


def _crane(scratch: Path) -> Peer:
    go = require("go")
    home = _made(scratch / "crane")
    environment = {**os.environ, "GOBIN": str(home), "GOFLAGS": "-mod=mod"}
    subprocess.run([go, "install", str(CRANE)], env=environment, check=True, capture_output=True)
    return Crane(home=home, crane=home / "crane")


def _buildah(scratch: Path) -> Peer:
    home = _made(scratch / "buildah")
    return Buildah(home=home, buildah=require("buildah"), driver="overlay")


def _docker(scratch: Path, builders: Builders, stack: ExitStack) -> Peer:
    engine = stack.enter_context(start_docker())
    builders.places[str(engine.socket.parent)] = "ENGINE"
    home = _made(scratch / "docker")
    return Docker(home=home, docker=require("docker"), variables=dict(engine.variables))
