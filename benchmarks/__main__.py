"""``scripts/bench``: builders side by side, each build a process of its own.

The base lies in a Distribution on loopback, to which every image is pushed. In each case the
builders take turns, run by run, so that whatever disturbs the machine disturbs all of them;
the first turn is not counted. pyjib is measured as an installed wheel.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import facts, report
from benchmarks.apps import App, make_apps
from benchmarks.bars import PYJIB_INDEX, PYJIB_JIB, PYJIB_SIGNED, bar_table, bars, is_compared
from benchmarks.builders import make_builders, push_base
from benchmarks.cases import CASES, QUICK_STARTS, Case
from benchmarks.page import page
from benchmarks.peers import TUNED, Build, Peer, Pyjib
from benchmarks.process import CommandError, Cost, Launcher, launcher
from benchmarks.relay import Relay, relay_to
from tests.support.peers import Distribution, start_distribution
from tests.support.programs import require

_QUICK = "5 runs each of S, M and D; in each case jib-core and the builders that a bar names"


def main() -> None:
    """Measure, print tables, and write files if asked to."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=_QUICK)
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
        open_bench(Path(name), apps, runs, wanted=arguments.peer) as bench,
    ):
        bench.is_quick = arguments.quick
        for case in CASES:
            if not arguments.case or case.name in arguments.case:
                bench.run(case)
        document = bench.document(_repeatable(arguments))
    print("\n".join([*bar_table(document["bars"]), "", *report.table(document["figures"])]))
    if arguments.json:
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    if arguments.markdown:
        arguments.markdown.write_text(page(document))


def _repeatable(arguments: argparse.Namespace) -> str:
    """Return the options that choose what is measured, not where the figures go."""
    words = ["--quick"] if arguments.quick else []
    for name in ("case", "peer"):
        words += [word for value in getattr(arguments, name) or () for word in (f"--{name}", value)]
    for name in ("apps", "runs"):
        words += [f"--{name}", str(value)] if (value := getattr(arguments, name)) else []
    return shlex.join(words)


Step = Callable[[App, Case, Peer, int], None]


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
    is_quick: bool = False
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
            peers = [peer for peer in peers if self._can(app, case, peer, run, self._once)]
        for peer in peers:
            series = self._series(app, case, peer)
            if series.requests is None and not case.plans:
                self._can(app, case, peer, runs + 1, self._count)
            print(f"{case.name}, {app.name}, {peer.name}: {series.wall:.3f} s", file=sys.stderr)

    def _series(self, app: App, case: Case, peer: Peer) -> report.Series:
        return self.found.setdefault((case.name, app.name, peer.name), report.Series())

    def _can(self, app: App, case: Case, peer: Peer, run: int, step: Step) -> bool:
        """Do a step of a case, or tell that the builder cannot."""
        try:
            step(app, case, peer, run)
        except CommandError as error:
            print(f"{peer.name} cannot: {case.name}, {app.name}\n{error}", file=sys.stderr)
            self.missing.append(f"{peer.name}: {case.name}, {app.name}")
            return False
        return True

    def _is_for(self, peer: Peer, app: App, case: Case) -> bool:
        if isinstance(peer, Pyjib):
            matters = self._matters(peer, case)
        else:
            matters = (
                app.name not in "LN"
                and (not self.is_quick or is_compared(case.name, peer.name))
                and (not peer.name.startswith(TUNED) or case.name in QUICK_STARTS)
            )
        build = case.build(app, peer, self.distribution.address, 0, str(self.scratch))
        return matters and peer.can(build)

    @staticmethod
    def _matters(peer: Pyjib, case: Case) -> bool:
        """Compression matters where layers are packed, an index where the cache alone is empty."""
        if peer.name in (PYJIB_INDEX, PYJIB_SIGNED):
            return case.forgets and not case.fresh_target
        return peer.name == PYJIB_JIB or case.forgets

    def _once(self, app: App, case: Case, peer: Peer, run: int) -> None:
        """Build once. The first run fills caches, of the disk if of nothing else: not timed."""
        if not run and case.fresh_target:  # nothing is kept from it: it may as well be counted
            self._count(app, case, peer, run)
            return
        build = case.build(app, peer, self.distribution.address, run, str(self.scratch))
        self._before(app, case, peer, run)
        self.commands.setdefault((case.name, peer.name), facts.shown(peer, build, self.places))
        cost = self._measure(peer, build)
        if run:
            self._series(app, case, peer).costs.append(cost)

    def _measure(self, peer: Peer, build: Build) -> Cost:
        return self.launcher.measure(
            peer.command(build),
            cwd=build.app.root,
            environment=peer.environment,
            log=peer.home / "log",
        )

    def _count(self, app: App, case: Case, peer: Peer, run: int) -> None:
        """Build once through the relay, for what goes over the wire; not timed."""
        build = case.build(app, peer, self.relay.address, run, str(self.scratch))
        if not case.forgets:  # the builder has not seen this address yet
            self._measure(peer, build)
        self._before(app, case, peer, run)
        self.relay.reset()
        before = self._log_size()
        self._measure(peer, build)
        series = self._series(app, case, peer)
        series.requests, series.pings = self._requests(before)
        series.sent, series.received = self.relay.sent, self.relay.received

    def _log_size(self) -> int:
        return self.distribution.log.stat().st_size

    def _requests(self, start: int) -> tuple[int, int]:
        """Count the requests whose lines come after ``start`` bytes of the log, and the pings."""
        with self.distribution.log.open("rb") as log:
            log.seek(start)
            lines = [line for line in log if b"response completed" in line]
        return len(lines), sum(_PING.search(line) is not None for line in lines)

    @staticmethod
    def _before(app: App, case: Case, peer: Peer, run: int) -> None:
        if case.forgets:
            peer.forget()
        if case.change is not None:
            case.change(app, run)


_PING = re.compile(rb'http\.request\.uri="?/v2/"? ')


@contextmanager
def open_bench(
    scratch: Path, apps: str, runs: int, *, wanted: Sequence[str] | None = None
) -> Iterator[Bench]:
    """Make the applications, install the builders and start the registry.

    Only builders whose names have a word of ``wanted`` are there, if any is given.
    """
    with ExitStack() as stack:
        home = scratch / "registry"
        home.mkdir()
        distribution = stack.enter_context(start_distribution(home))
        builders = stack.enter_context(make_builders(scratch, wanted))
        push_base(builders.pyjib, distribution.address)
        yield Bench(
            scratch=scratch,
            apps=make_apps(scratch, apps),
            peers=builders.peers,
            missing=builders.missing,
            distribution=distribution,
            relay=stack.enter_context(relay_to(distribution.address)),
            launcher=stack.enter_context(launcher()),
            places={
                **builders.places,
                str(scratch): "SCRATCH",
                distribution.address: "REGISTRY",
            },
            runs=runs,
        )


if __name__ == "__main__":
    main()
