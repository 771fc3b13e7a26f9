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
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.apps import App, make_apps
from benchmarks.cases import CASES, Case
from benchmarks.peers import Buildah, Crane, Docker, JibCore, JibMaven, MavenClassPath, Peer, Pyjib
from benchmarks.process import CommandError, measure
from benchmarks.relay import Relay, relay_to
from tests.support.peers import Distribution, start_distribution, start_docker
from tests.support.programs import require

ROOT = Path(__file__).resolve().parents[1]
_CRANE = "github.com/google/go-containerregistry/cmd/crane@latest"


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
        open_bench(Path(name), apps, runs) as bench,
    ):
        bench.peers = [
            peer
            for peer in bench.peers
            if not arguments.peer or any(word in peer.name for word in arguments.peer)
        ]
        for case in CASES:
            if not arguments.case or case.name in arguments.case:
                bench.run(case)
        if "L" in bench.apps:
            bench.run(Case(name="cold", apps="L", fresh_target=True, forgets=True), runs=3)
    _tell(bench, runs, arguments.json, arguments.markdown, " --quick" * arguments.quick)


def _tell(
    bench: Bench, runs: int, json_file: Path | None, markdown: Path | None, options: str
) -> None:
    found = report.bars(bench.found)
    document = {
        "machine": report.machine(),
        "runs": runs,
        "missing": bench.missing,
        "figures": [series.to_json(key) for key, series in bench.found.items() if series.costs],
        "bars": found,
    }
    text = "\n".join([*report.bar_table(found), "", *report.table(bench.found)])
    print(text)
    if json_file:
        json_file.write_text(json.dumps(document, indent=2) + "\n")
    if markdown:
        markdown.write_text(report.page(bench.found, found, runs, options))


@dataclass(kw_only=True)
class Bench:
    """Applications, builders and the registry between which they run."""

    scratch: Path
    apps: dict[str, App]
    peers: list[Peer]
    distribution: Distribution
    relay: Relay
    runs: int
    missing: list[str] = field(default_factory=list)
    found: dict[report.Key, report.Series] = field(default_factory=dict)

    def run(self, case: Case, *, runs: int | None = None) -> None:
        """Measure a case on each of its applications."""
        for name in case.apps:
            if name in self.apps:
                self._run_on(self.apps[name], case, runs or self.runs)

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
        if peer.name == report.PYJIB_INDEX:
            return case.forgets and not case.fresh_target
        return peer.name == report.PYJIB_JIB or case.forgets

    def _once(self, app: App, case: Case, peer: Peer, run: int, series: report.Series) -> None:
        build = case.build(app, peer, self.distribution.address, run, str(self.scratch))
        self._before(app, case, peer, run)
        cost = measure(
            peer.command(build),
            cwd=app.root,
            environment=peer.environment,
            log=peer.home / "log",
        )
        if run:  # the first fills caches, of the disk if of nothing else
            series.costs.append(cost)

    def _count(self, app: App, case: Case, peer: Peer, run: int) -> None:
        """Build once more through the relay, for what goes over the wire; not timed."""
        build = case.build(app, peer, self.relay.address, run, str(self.scratch))
        series = self.found[case.name, app.name, peer.name]
        try:
            if not case.forgets:  # the builder has not seen this address yet
                measure(
                    peer.command(build),
                    cwd=app.root,
                    environment=peer.environment,
                    log=peer.home / "log",
                )
            self._before(app, case, peer, run)
            self.relay.reset()
            before = self._requests()
            measure(
                peer.command(build),
                cwd=app.root,
                environment=peer.environment,
                log=peer.home / "log",
            )
        except CommandError:
            return
        series.requests = self._requests() - before
        series.sent, series.received = self.relay.sent, self.relay.received

    def _requests(self) -> int:
        return self.distribution.log.read_text(errors="replace").count("response completed")

    @staticmethod
    def _before(app: App, case: Case, peer: Peer, run: int) -> None:
        if case.forgets:
            peer.forget()
        if case.change is not None:
            case.change(app, run)


@contextmanager
def open_bench(scratch: Path, apps: str, runs: int) -> Iterator[Bench]:
    """Make the applications, install the builders and start the registry."""
    with ExitStack() as stack:
        distribution = stack.enter_context(start_distribution(_made(scratch / "registry")))
        relay = stack.enter_context(relay_to(distribution.address))
        bench = Bench(
            scratch=scratch,
            apps=make_apps(scratch, apps),
            peers=[],
            distribution=distribution,
            relay=relay,
            runs=runs,
        )
        program = _install_pyjib(scratch / "venv")
        bench.peers += _pyjibs(scratch, program)
        _push_base(program, distribution.address)
        for find in (_maven_class_path, _jib_maven, _jib_core, _crane, _buildah):
            _add(bench, lambda find=find: find(scratch))  # type: ignore[misc]
        _add(bench, lambda: _docker(scratch, stack))
        yield bench


def _add(bench: Bench, find: object) -> None:
    """Add a builder, or tell that it cannot be had."""
    try:
        bench.peers.append(find())  # type: ignore[operator]
    except (pytest.skip.Exception, pytest.fail.Exception, subprocess.CalledProcessError) as error:
        print(f"going on without: {error}", file=sys.stderr)
        bench.missing.append(str(error))


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _install_pyjib(directory: Path) -> Path:
    venv.create(directory, with_pip=True)
    pip = [directory / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--compile", ROOT], check=True)
    return directory / "bin" / "pyjib"


def _pyjibs(scratch: Path, program: Path) -> list[Peer]:
    def pyjib(name: str, *options: str) -> Pyjib:
        home = _made(scratch / "-".join(re.findall(r"[a-z]+", name.lower())))
        return Pyjib(name=name, home=home, program=program, options=options)

    return [
        pyjib(report.PYJIB_JIB, "--identity", "jib"),
        pyjib(report.PYJIB_INDEX, "--identity", "jib", "--layer-index", "auto"),
        pyjib(report.PYJIB_GZIP, "--identity", "pyjib"),
        pyjib(report.PYJIB_ZSTD, "--identity", "pyjib", "--compression", "zstd"),
    ]


def _push_base(program: Path, registry: str) -> None:
    """Push the base, for two platforms, by pyjib itself: its classes' layer does no harm."""
    scratch = ROOT / "fixtures" / "docker-hello"
    command = [program, "build", scratch, "--quiet", "--from"]
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
    command = [require("mvn"), "-q", "-B", "package", "dependency:copy-dependencies"]
    subprocess.run(command, cwd=program, check=True, stdout=subprocess.DEVNULL)
    return JibCore(home=_made(scratch / "jib-core"), java=java, program=program)


def _crane(scratch: Path) -> Peer:
    go = require("go")
    home = _made(scratch / "crane")
    environment = {**os.environ, "GOBIN": str(home), "GOFLAGS": "-mod=mod"}
    subprocess.run([go, "install", _CRANE], env=environment, check=True, capture_output=True)
    return Crane(home=home, crane=home / "crane")


def _buildah(scratch: Path) -> Peer:
    home = _made(scratch / "buildah")
    return Buildah(home=home, buildah=require("buildah"), driver="overlay")


def _docker(scratch: Path, stack: ExitStack) -> Peer:
    engine = stack.enter_context(start_docker())
    home = _made(scratch / "docker")
    return Docker(home=home, docker=require("docker"), variables=dict(engine.variables))


if __name__ == "__main__":
    main()
