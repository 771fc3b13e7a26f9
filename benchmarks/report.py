"""Figures as a table and as JSON, and the bars that they must clear."""

from __future__ import annotations

import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.process import Cost

Key = tuple[str, str, str]
"""Case, application, builder."""

MIB = 1 << 20


@dataclass(slots=True, kw_only=True)
class Series:
    """The runs of one builder in one case on one application."""

    costs: list[Cost] = field(default_factory=list)
    requests: int | None = None
    sent: int | None = None
    received: int | None = None

    @property
    def wall(self) -> float:
        """The median, in seconds."""
        return statistics.median(cost.wall for cost in self.costs)

    @property
    def peak(self) -> int:
        """The median peak of memory, in bytes."""
        return int(statistics.median(cost.peak for cost in self.costs))

    def to_json(self, key: Key) -> dict[str, object]:
        walls = [cost.wall for cost in self.costs]
        return {
            "case": key[0],
            "app": key[1],
            "builder": key[2],
            "runs": len(walls),
            "wall": {"median": self.wall, "min": min(walls), "max": max(walls)},
            "cpu": statistics.median(cost.cpu for cost in self.costs),
            "peak": self.peak,
            "requests": self.requests,
            "bytesSent": self.sent,
            "bytesReceived": self.received,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """``case`` on ``app``: pyjib as ``own`` at least ``at_least`` times as fast as ``peer``."""

    case: str
    apps: str
    own: str
    peer: str
    at_least: float


PYJIB_JIB, PYJIB_GZIP, PYJIB_ZSTD = "pyjib (Jib's bytes)", "pyjib (gzip)", "pyjib (zstd)"
PYJIB_INDEX = "pyjib (Jib's bytes, layer index)"
JIB_MAVEN, JIB_CORE = "jib-maven-plugin", "jib-core"

BARS = (
    Bar(case="plan", apps="SM", own=PYJIB_JIB, peer="mvn -o", at_least=3),
    Bar(case="nothing changed", apps="SM", own=PYJIB_JIB, peer=JIB_MAVEN, at_least=10),
    Bar(case="nothing changed", apps="SM", own=PYJIB_JIB, peer=JIB_CORE, at_least=2.5),
    Bar(case="nothing changed", apps="SM", own=PYJIB_JIB, peer="buildah", at_least=1.2),
    Bar(case="one class changed", apps="SM", own=PYJIB_JIB, peer=JIB_MAVEN, at_least=8),
    Bar(case="one class changed", apps="SM", own=PYJIB_JIB, peer=JIB_CORE, at_least=2),
    Bar(case="cold", apps="M", own=PYJIB_GZIP, peer=JIB_CORE, at_least=2.5),
    Bar(case="cold", apps="M", own=PYJIB_GZIP, peer="buildah", at_least=1.5),
    Bar(case="cold", apps="M", own=PYJIB_GZIP, peer="crane", at_least=1),
    Bar(case="cold", apps="M", own=PYJIB_JIB, peer=JIB_CORE, at_least=1.3),
    Bar(case="cold", apps="M", own=PYJIB_ZSTD, peer=JIB_CORE, at_least=4),
    Bar(case="fresh runner", apps="M", own=PYJIB_INDEX, peer=JIB_CORE, at_least=5),
)


def bars(found: Mapping[Key, Series]) -> list[dict[str, object]]:
    """Return each bar that both sides were measured for, with the ratio of the medians."""
    result = []
    for bar in BARS:
        for app in bar.apps:
            own = _find(found, bar.case, app, bar.own)
            peer = _find(found, bar.case, app, bar.peer)
            if own is not None and peer is not None:
                name = f"{bar.case}, {app}: {bar.own} against {bar.peer}"
                result.append(_bar(name, peer.wall / own.wall, bar.at_least))
    return [*result, *_limits(found)]


def _bar(name: str, ratio: float, at_least: float) -> dict[str, object]:
    return {"name": name, "ratio": ratio, "at_least": at_least, "holds": ratio >= at_least}


def _limits(found: Mapping[Key, Series]) -> list[dict[str, object]]:
    """Return the bars that are no comparison with a peer, as ratios of the limit to the figure."""
    result = []
    numerous = _find(found, "nothing changed", "N", PYJIB_JIB)
    if numerous is not None:
        result.append(_bar("nothing changed, N: at most 0.5 s", 0.5 / numerous.wall, 1))
    for app in "SM":
        plan = _find(found, "plan", app, PYJIB_JIB)
        if plan is not None:
            result.append(_bar(f"plan, {app}: at most 0.5 s", 0.5 / plan.wall, 1))
    large, small = (_find(found, "cold", app, PYJIB_GZIP) for app in "LS")
    if large is not None:
        result.append(_bar("cold, L: at most 150 MB of memory", 150e6 / large.peak, 1))
        if small is not None:
            ratio = 1.3 * small.peak / large.peak
            result.append(_bar("cold, L: at most 1.3 times the memory of S", ratio, 1))
    for app in "SM":
        series = _find(found, "nothing changed", app, PYJIB_JIB)
        if series is not None and series.requests:
            name = f"nothing changed, {app}: at most 3 requests"
            result.append(_bar(name, 3 / series.requests, 1))
    return result


def _find(found: Mapping[Key, Series], case: str, app: str, builder: str) -> Series | None:
    return next(
        (
            series
            for (its_case, its_app, name), series in found.items()
            if (its_case, its_app) == (case, app) and name.startswith(builder) and series.costs
        ),
        None,
    )


def table(found: Mapping[Key, Series]) -> list[str]:
    """Return the figures as lines of Markdown."""
    lines = [
        "| case | app | builder | wall, s (spread) | CPU, s | peak, MiB | requests | sent, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (case, app, builder), series in found.items():
        if not series.costs:
            continue
        walls = [cost.wall for cost in series.costs]
        cpu = statistics.median(cost.cpu for cost in series.costs)
        spread = f"{series.wall:.3f} ({min(walls):.3f} to {max(walls):.3f})"
        requests = "" if series.requests is None else str(series.requests)
        sent = "" if series.sent is None else f"{series.sent / 1e6:.2f}"
        lines.append(
            f"| {case} | {app} | {builder} | {spread} | {cpu:.2f} | {series.peak / MIB:.0f} "
            f"| {requests} | {sent} |"
        )
    return lines


def bar_table(found: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the bars as lines of Markdown."""
    return [
        "| bar | ratio | at least | holds |",
        "|---|---|---|---|",
        *(
            f"| {bar['name']} | {bar['ratio']:.2f} | {bar['at_least']} "
            f"| {'yes' if bar['holds'] else '**no**'} |"
            for bar in found
        ),
    ]


def machine() -> dict[str, object]:
    """Tell what the figures were taken on."""
    cpu = ""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = (line for line in info.read_text().splitlines() if line.startswith("model name"))
        cpu = next(names, "").partition(": ")[2]
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "processor": cpu,
        "cores": int(cores or 0),
    }


_HEAD = """# Benchmarks

Made by `scripts/bench{options} --markdown docs/benchmarks.md`; every figure is of one run of it.

Builders are measured side by side, each build a process of its own from start to exit: the
median of {runs} runs, with the fastest and the slowest, after one that is not counted. They take
turns, so that what disturbs the machine disturbs all of them. Images go to a Distribution on
loopback, which has the base. pyjib is an installed wheel with compiled bytecode. CPU is that of
the builder's own processes (a daemon's, such as Docker's, is not in it), the peak that of its
largest process. Requests (GET /v2/ among them,
by which a registry on loopback is asked how it is spoken to) and bytes are of one more build
through a relay.

S is `fixtures/docker-hello-spring` (Spring Boot, 20 MB), M is `benchmarks/apps/medium` (Spring
Boot, 83 libraries, 62 MB): pyjib and jib-maven-plugin work them out from the POM, the others get
their libraries copied beforehand. D is M without its POM, L has
600 MB of libraries, N 8,000 classes.

"pyjib (Jib's bytes)" is `--identity jib`: the image that Jib makes, bit for bit. The other two
are pyjib's own identity with its gzip and with zstd; "layer index" is `--layer-index auto`.
crane never looks whether anything changed, and `docker build` leaves the work to a daemon that
runs already.

Machine: {processor}, {cores} cores, {system}, Python {python}.
"""

_NOTES = """## What stands in the way

Where a bar above says no:

- jib-maven-plugin: of the 0.24 s of processor time on M, starting Python and importing takes 0.10,
  working 173 POMs out 0.08, all else, the registry among it, 0.06. Defining values lazily
  (adr/008) and importing less brought it down from 0.3 s; keeping what was worked out of POMs
  between builds would be next.
- crane, cold: crane is given tars and works no POM out. Its gzip gives up on jars early, and sends 5 %
  more. libdeflate's fastest level takes 0.4 s of processor time for M, on both cores.
- zstd, cold: packing takes 0.2 s on both cores, of which compression is a quarter; starting and the
  POM 0.18 s; the rest is the upload into a registry that shares the two cores.
- Memory of L: 71 MiB, some 20 more than S; where they go was not looked into.
- Requests of S: its POM gives two tags, each is asked for, besides the base's: three, but for
  GET /v2/, which only registries on loopback are sent.
"""


def page(
    found: Mapping[Key, Series], bars_found: Sequence[Mapping[str, object]], runs: int, options: str
) -> str:
    """Return ``docs/benchmarks.md``."""
    head = _HEAD.format(runs=runs, options=options, **machine())
    parts = ["## Bars", "", *bar_table(bars_found), "", "## Figures", "", *table(found)]
    return "\n".join([head, *parts, "", _NOTES])
