"""What happens between two builds: the cases that are measured."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.apps import App
from benchmarks.peers import Build, Peer


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case: which applications it is for, and what comes before each build that is timed.

    ``fresh_target`` means that the registry has no image of this name yet; ``forgets`` that the
    builder's caches are empty; ``change`` what is edited before. ``at_most`` bounds the runs that
    are timed.
    """

    name: str
    apps: str
    fresh_target: bool = False
    forgets: bool = False
    change: Callable[[App, int], None] | None = None
    to_tar: bool = False
    platforms: tuple[str, ...] = ()
    plans: bool = False
    at_most: int = 1000

    def build(self, app: App, peer: Peer, registry: str, run: int, scratch: str) -> Build:
        """Return the build of one run by one peer."""
        word = "-".join(re.findall(r"[a-z0-9]+", peer.name.lower()))
        suffix = f"-{run}" if self.fresh_target else ""
        name = f"{app.name.lower()}-{self.name.replace(' ', '-')}"
        target = f"{registry}/{word}/{name}{suffix}:latest"
        if self.to_tar:
            target = f"tar:{scratch}/{word}.tar"
        return Build(
            app=app,
            base=f"{registry}/library/eclipse-temurin:17-jre",
            target=target,
            platforms=self.platforms,
            plans=self.plans,
        )


CASES = (
    Case(name="plan", apps="SM", plans=True),
    Case(name="cold", apps="SMD", fresh_target=True, forgets=True),
    Case(name="cold", apps="L", fresh_target=True, forgets=True, at_most=3),
    Case(name="nothing changed", apps="SMN"),
    Case(name="one class changed", apps="SM", change=App.change_a_class),
    Case(name="one dependency changed", apps="D", change=App.change_a_library),
    Case(name="fresh runner", apps="SM", forgets=True),
    Case(name="tar output", apps="SM", to_tar=True),
    Case(name="two platforms", apps="SM", platforms=("linux/amd64", "linux/arm64")),
)

QUICK_STARTS = ("nothing changed", "one class changed")
"""The cases in which it is the start of a builder that takes time."""
