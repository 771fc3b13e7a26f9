"""``scripts/bench``: builders side by side, each build a process of its own.

The base lies in a Distribution on loopback, to which every image is pushed. In each case the
builders take turns, run by run, so that whatever disturbs the machine disturbs all of them;
the first turn is not counted. pyjib is measured as an installed wheel.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks import facts, report
from benchmarks.apps import App, make_apps
from benchmarks.bars import PYJIB_GZIP, PYJIB_INDEX, PYJIB_JIB, PYJIB_ZSTD, bar_table, bars
from benchmarks.cases import CASES, Case
from benchmarks.page import page
from benchmarks.peers import (
    Build,
    Buildah,
    Crane,
    Docker,
    JibCore,
    JibMaven,
    MavenClassPath,
    Peer,
    Pyjib,
)
from benchmarks.process import CommandError, Cost, Launcher, launcher
from benchmarks.relay import Relay, relay_to
from tests.support.go_modules import CRANE
from tests.support.peers import Distribution, start_distribution, start_docker
from tests.support.programs import require

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure, print tables, and write files if asked to."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="apps S, M and D, 5 runs each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write docs/benchmarks.md there"
    )
    parser.add_argument("--case", action="append", metavar="NAME", help="these cases alone")
    parser.add_argument("--peer", action="append", metavar="NAME", help="these builders alone")
    parser.add_argument("--apps", metavar="LETTERS", help="these applications alone")
    parser.add_argument("--runs", type=int, metavar="N", help="counted runs of each")
    arguments = parser.parse_args()
    apps = arguments.apps or ("SMD" if arguments.quick else "SMDLN")
    runs = arguments.runs or (5 if arguments.quick else 7)
    # Short paths: buildah and dockerd put sockets below.
    with (
        tempfile.TemporaryDirectory(prefix="pjb-", dir="/tmp", ignore_cleanup_errors=True) as name,
        open_bench(Path(name), apps, runs, arguments.peer) as bench,
    ):
        for case in CASES:
            if not arguments.case or case.name in arguments.case:
                bench.run(case)
        document = bench.document(shlex.join(sys.argv[1:]))
    print("\n".join([*bar_table(document["bars"]), "", *report.table(document["figures"])]))
    if arguments.json:
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    if arguments.markdown:
        arguments.markdown.write_text(page(document))


@dataclass(kw_only=True)
class Bench:
    """Applications, builders and the registry between which they run."""

    scratch: Path
    apps: dict[str, App]
    peers: list[Peer]
    distribution: Distribution
    relay: Relay
    launcher: Launcher
    places: dict[str, str]
    runs: int
    missing: list[str] = field(default_factory=list)
    commands: dict[tuple[str, str], str] = field(default_factory=dict)
    found: dict[report.Key, report.Series] = field(default_factory=dict)

    def run(self, case: Case) -> None:
        """Measure a case on each of its applications."""
        for name in case.apps:
            if name in self.apps:
                self._run_on(self.apps[name], case, min(self.runs, case.at_most))

    def document(self, options: str) -> dict[str, Any]:
        """Return all that was found out; ``options`` are those of ``scripts/bench``."""
        return {
            "machine": facts.machine(),
            "versions": facts.versions(self.peers, require("docker-registry")),
            "options": options,
            "runs": self.runs,
            "missing": self.missing,
            "commands": [
                {"case": case, "builder": builder, "command": command}
                for (case, builder), command in self.commands.items()
            ],
            "figures": [series.to_json(key) for key, series in self.found.items() if series.costs],
            "bars": bars(self.found),
        }

    def _run_on(self, app: App, case: Case, runs: int) -> None:
        peers = [peer for peer in self.peers if self._is_for(peer, app, case)]
        for run in range(runs + 1):
            for peer in list(peers):
                key = (case.name, app.name, peer.name)
                try:
                    self._once(app, case, peer, run, self.found.setdefault(key, report.Series()))
                except CommandError as error:
                    print(f"{peer.name} cannot: {case.name}, {app.name}\n{error}", file=sys.stderr)
                    self.missing.append(f"{peer.name}: {case.name}, {app.name}")
                    peers.remove(peer)
        for peer in peers:
            self._count(app, case, peer, runs + 1)
            series = self.found[case.name, app.name, peer.name]
            print(f"{case.name}, {app.name}, {peer.name}: {series.wall:.3f} s", file=sys.stderr)

    def _is_for(self, peer: Peer, app: App, case: Case) -> bool:
        if app.name in "LN" and not isinstance(peer, Pyjib):
            return False
        if isinstance(peer, Pyjib) and not self._matters(peer, case):
            return False
        build = case.build(app, peer, self.distribution.address, 0, str(self.scratch))
        return peer.can(build)

    @staticmethod
    def _matters(peer: Pyjib, case: Case) -> bool:
        """Compression matters where layers are packed, an index where the cache alone is empty."""
        if peer.name == PYJIB_INDEX:
            return case.forgets and not case.fresh_target
        return peer.name == PYJIB_JIB or case.forgets

    def _once(self, app: App, case: Case, peer: Peer, run: int, series: report.Series) -> None:
        build = case.build(app, peer, self.distribution.address, run, str(self.scratch))
        self._before(app, case, peer, run)
        self.commands.setdefault((case.name, peer.name), facts.shown(peer, build, self.places))
        cost = self._measure(peer, build)
        if run:  # the first fills caches, of the disk if of nothing else
            series.costs.append(cost)

    def _measure(self, peer: Peer, build: Build) -> Cost:
        return self.launcher.measure(
            peer.command(build),
            cwd=build.app.root,
            environment=peer.environment,
            log=peer.home / "log",
        )

    def _count(self, app: App, case: Case, peer: Peer, run: int) -> None:
        """Build once more through the relay, for what goes over the wire; not timed."""
        build = case.build(app, peer, self.relay.address, run, str(self.scratch))
        series = self.found[case.name, app.name, peer.name]
        try:
            if not case.forgets:  # the builder has not seen this address yet
                self._measure(peer, build)
            self._before(app, case, peer, run)
            self.relay.reset()
            before = self._log_size()
            self._measure(peer, build)
        except CommandError:
            return
        series.requests = self._requests(before)
        series.sent, series.received = self.relay.sent, self.relay.received

    def _log_size(self) -> int:
        return self.distribution.log.stat().st_size

    def _requests(self, start: int) -> int:
        """Count the requests whose lines come after the first ``start`` bytes of the log."""
        with self.distribution.log.open("rb") as log:
            log.seek(start)
            return sum(b"response completed" in line for line in log)

    @staticmethod
    def _before(app: App, case: Case, peer: Peer, run: int) -> None:
        if case.forgets:
            peer.forget()
        if case.change is not None:
            case.change(app, run)


@contextmanager
def open_bench(
    scratch: Path, apps: str, runs: int, wanted: Sequence[str] | None = None
) -> Iterator[Bench]:
    """Make the applications, install the builders and start the registry.

    Only builders whose names have a word of ``wanted`` are there, if any is given.
    """
    with ExitStack() as stack:
        distribution = stack.enter_context(start_distribution(_made(scratch / "registry")))
        program = _install_pyjib(scratch / "venv")
        _push_base(program, distribution.address)
        bench = Bench(
            scratch=scratch,
            apps=make_apps(scratch, apps),
            peers=[],
            distribution=distribution,
            relay=stack.enter_context(relay_to(distribution.address)),
            launcher=stack.enter_context(launcher()),
            places={str(scratch): "SCRATCH", distribution.address: "REGISTRY"},
            runs=runs,
        )
        makers: dict[str, Callable[[], Peer]] = {
            **_pyjibs(scratch, program),
            MavenClassPath.name: lambda: _maven_class_path(scratch),
            JibMaven.name: lambda: _jib_maven(scratch),
            JibCore.name: lambda: _jib_core(scratch),
            Crane.name: lambda: _crane(scratch),
            Buildah.name: lambda: _buildah(scratch),
            Docker.name: lambda: _docker(bench, stack),
        }
        for name, make in makers.items():
            if not wanted or any(word in name for word in wanted):
                _add(bench, make)
        yield bench


def _add(bench: Bench, make: Callable[[], Peer]) -> None:
    """Add a builder, or tell that it cannot be had."""
    try:
        bench.peers.append(make())
    except (pytest.skip.Exception, pytest.fail.Exception, subprocess.CalledProcessError) as error:
        print(f"going on without: {error}", file=sys.stderr)
        bench.missing.append(str(error))


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
        PYJIB_GZIP: ("--identity", "pyjib"),
        PYJIB_ZSTD: ("--identity", "pyjib", "--compression", "zstd"),
    }

    def pyjib(name: str) -> Pyjib:
        home = _made(scratch / "-".join(re.findall(r"[a-z]+", name.lower())))
        return Pyjib(name=name, home=home, program=program, options=options[name])

    return {name: partial(pyjib, name) for name in options}


def _push_base(program: Path, registry: str) -> None:
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


def _crane(scratch: Path) -> Peer:
    go = require("go")
    home = _made(scratch / "crane")
    environment = {**os.environ, "GOBIN": str(home), "GOFLAGS": "-mod=mod"}
    subprocess.run([go, "install", str(CRANE)], env=environment, check=True, capture_output=True)
    return Crane(home=home, crane=home / "crane")


def _buildah(scratch: Path) -> Peer:
    home = _made(scratch / "buildah")
    return Buildah(home=home, buildah=require("buildah"), driver="overlay")


def _docker(bench: Bench, stack: ExitStack) -> Peer:
    engine = stack.enter_context(start_docker())
    bench.places[str(engine.socket.parent)] = "ENGINE"
    home = _made(bench.scratch / "docker")
    return Docker(home=home, docker=require("docker"), variables=dict(engine.variables))


if __name__ == "__main__":
    main()
