"""The bars that figures must clear, as ratios of which more is better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.report import Key, Series

PYJIB_JIB, PYJIB_GZIP, PYJIB_ZSTD = "pyjib (Jib's bytes)", "pyjib (gzip)", "pyjib (zstd)"
PYJIB_INDEX = "pyjib (Jib's bytes, layer index)"
PYJIB_SIGNED = "pyjib (Jib's bytes, signed layer index)"
JIB_MAVEN, JIB_CORE = "jib-maven-plugin", "jib-core"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """``case`` on ``apps``: pyjib as ``own`` at least ``at_least`` times as fast as ``peer``.

    ``note`` goes into its name: what must be known to read it.
    """

    case: str
    apps: str
    own: str
    peer: str
    at_least: float
    note: str = ""


_NO_POM = "no POM to work out"

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
    # The same on equal terms: M's files in a directory that pyjib reads as the others do.
    Bar(case="cold", apps="D", own=PYJIB_GZIP, peer=JIB_CORE, at_least=2.5, note=_NO_POM),
    Bar(case="cold", apps="D", own=PYJIB_GZIP, peer="buildah", at_least=1.5, note=_NO_POM),
    Bar(case="cold", apps="D", own=PYJIB_GZIP, peer="crane", at_least=1, note=_NO_POM),
    Bar(case="cold", apps="D", own=PYJIB_JIB, peer=JIB_CORE, at_least=1.3, note=_NO_POM),
    Bar(case="cold", apps="D", own=PYJIB_ZSTD, peer=JIB_CORE, at_least=4, note=_NO_POM),
    Bar(case="fresh runner", apps="M", own=PYJIB_INDEX, peer=JIB_CORE, at_least=5),
    Bar(case="fresh runner", apps="M", own=PYJIB_SIGNED, peer=JIB_CORE, at_least=5),
)


def is_compared(case: str, builder: str) -> bool:
    """Tell whether a builder is jib-core, or one that a bar of the case names."""
    return builder.startswith(JIB_CORE) or any(
        bar.case == case and builder.startswith(bar.peer) for bar in BARS
    )


def bars(found: Mapping[Key, Series]) -> list[dict[str, object]]:
    """Return each bar that both sides were measured for, with the ratio of the medians."""
    result = []
    for bar in BARS:
        for app in bar.apps:
            own = _find(found, bar.case, app, bar.own)
            peer = _find(found, bar.case, app, bar.peer)
            if own is not None and peer is not None:
                note = f" ({bar.note})" if bar.note else ""
                name = f"{bar.case}, {app}{note}: {bar.own} against {bar.peer}"
                result.append(_bar(name, peer.wall / own.wall, bar.at_least))
    return [*result, *_limits(found), *_memory(found)]


def _bar(name: str, ratio: float, at_least: float = 1) -> dict[str, object]:
    return {"name": name, "ratio": ratio, "at_least": at_least, "holds": ratio >= at_least}


def _limits(found: Mapping[Key, Series]) -> Iterator[dict[str, object]]:
    """Yield the bars that are no comparison, as ratios of the limit to the figure."""
    numerous = _find(found, "nothing changed", "N", PYJIB_JIB)
    if numerous is not None:
        yield _bar("nothing changed, N: at most 0.5 s", 0.5 / numerous.wall)
    for app in "SM":
        plan = _find(found, "plan", app, PYJIB_JIB)
        if plan is not None:
            yield _bar(f"plan, {app}: at most 0.5 s", 0.5 / plan.wall)
    for app in "SM":
        series = _find(found, "nothing changed", app, PYJIB_JIB)
        if series is not None and series.requests:
            asked = series.requests - series.pings
            name = f"nothing changed, {app}: at most 3 requests after authentication"
            yield _bar(name, 3 / asked)


def _memory(found: Mapping[Key, Series]) -> Iterator[dict[str, object]]:
    for own in (PYJIB_JIB, PYJIB_GZIP, PYJIB_ZSTD):
        large, small = (_find(found, "cold", app, own) for app in "LS")
        if large is None:
            continue
        name = f"cold, L: {own}, at most"
        yield _bar(f"{name} 150 MB of memory", 150e6 / large.peak)
        if small is not None:
            yield _bar(f"{name} 1.3 times the memory of S", 1.3 * small.peak / large.peak)


def _find(found: Mapping[Key, Series], case: str, app: str, builder: str) -> Series | None:
    return next(
        (
            series
            for (its_case, its_app, name), series in found.items()
            if (its_case, its_app) == (case, app) and name.startswith(builder) and series.costs
        ),
        None,
    )


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
