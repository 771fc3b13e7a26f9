"""The runs of builders, and their figures as a table of Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.process import Cost

Key = tuple[str, str, str]
"""Case, application, builder."""

MIB = 1 << 20


@dataclass(slots=True, kw_only=True)
class Series:
    """The runs of one builder in one case on one application.

    ``pings`` are those of the requests that ask for nothing but how to log in (GET /v2/).
    """

    costs: list[Cost] = field(default_factory=list)
    requests: int | None = None
    pings: int = 0
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

    def to_json(self, key: Key) -> dict[str, Any]:
        walls = [cost.wall for cost in self.costs]
        return {
            "case": key[0],
            "app": key[1],
            "builder": key[2],
            "runs": len(walls),
            "wall": {"median": self.wall, "min": min(walls), "max": max(walls)},
            "cpu": statistics.median(cost.cpu for cost in self.costs),
            "peak": self.peak,
            "peakMax": max(cost.peak for cost in self.costs),
            "requests": self.requests,
            "pings": self.pings,
            "bytesSent": self.sent,
            "bytesReceived": self.received,
        }


def table(figures: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return figures, each as ``Series.to_json`` tells it, as lines of Markdown."""
    return [
        "| case | app | builder | wall, s (spread) | CPU, s | peak, MiB | requests | sent, MB |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(figure) for figure in figures),
    ]


def _row(figure: Mapping[str, Any]) -> str:
    wall, requests, sent = figure["wall"], figure["requests"], figure["bytesSent"]
    cells = (
        figure["case"],
        figure["app"],
        figure["builder"],
        f"{wall['median']:.3f} ({wall['min']:.3f} to {wall['max']:.3f})",
        f"{figure['cpu']:.2f}",
        f"{figure['peak'] / MIB:.0f}",
        "" if requests is None else str(requests),
        "" if sent is None else f"{sent / 1e6:.2f}",
    )
    return f"| {' | '.join(cells)} |"
