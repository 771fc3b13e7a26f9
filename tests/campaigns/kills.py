"""Builds that are killed at random moments, one after the other and many at once."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaigns import checks
from tests.campaigns.report import Report
from tests.campaigns.workshop import VARIANTS, Ended, Running, Workshop

_PROCESSES = 8
_DAYS_AGO = 3 * 86_400


@dataclass(slots=True, kw_only=True)
class Reference:
    """What undisturbed builds give: digests, and seconds with an empty cache and a full one."""

    docker: list[str] = field(default_factory=list)
    oci: list[str] = field(default_factory=list)
    cold: float = float("inf")
    warm: float = float("inf")


def make_reference(workshop: Workshop) -> Reference:
    """Build every application undisturbed, for each way its image can be."""
    reference = Reference()
    for variant in range(VARIANTS):
        cache = workshop.scratch / f"reference{variant}"
        built = workshop.build(variant, workshop.name("reference", variant), cache)
        layout = workshop.scratch / f"reference-layout{variant}"
        again = workshop.build(variant, f"oci://{layout}", cache, "--format", "oci")
        if built.code or again.code:
            raise SystemExit(f"an undisturbed build failed:\n{built.errors}{again.errors}")
        reference.docker.append(built.digest)
        (entry,) = checks.tags_of_layout(layout).values()
        reference.oci.append(entry)
        reference.cold = min(reference.cold, built.seconds)
        reference.warm = min(reference.warm, again.seconds)
        shutil.rmtree(cache)
        shutil.rmtree(layout)
    return reference


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A kind of target: how it is named, what is checked after a kill, and after a build."""

    name: str
    target: Callable[[int], str]
    check: Callable[[], list[str]]
    digest: Callable[[int], str]
    more: tuple[str, ...] = ()


class KillCampaign:
    """Kills builds one by one; each kill is followed by checks and by a build that must work."""

    def __init__(self, workshop: Workshop, reference: Reference, seed: int) -> None:
        self._workshop = workshop
        self._reference = reference
        self._random = random.Random(f"{seed} kills")
        self._cache = workshop.scratch / "cache"
        self._place = workshop.scratch / "targets"
        self._place.mkdir()
        self._round = 0
        self.report = Report("Builds killed by SIGKILL, one at a time")

    def run(self, kills: int) -> Report:
        """Go on until so many builds have been killed before their end."""
        started = time.monotonic()
        while self.report.figures["builds killed"] < kills:
            self._once()
        self._clear_up()
        self.report.seconds = time.monotonic() - started
        return self.report

    def _once(self) -> None:
        # A store and a repository are in use for some rounds: they are empty, half full, full.
        if self._round % 3 == 0:
            self._collect_leftovers()
            shutil.rmtree(self._cache, ignore_errors=True)
        self._round += 1
        variant = self._random.randrange(VARIANTS)
        ways = (self._registry, self._registry, self._archive, self._layout)
        way = self._random.choice(ways)()
        before = checks.blobs_of(self._cache)
        tags = checks.tags(self._workshop.registry_root)
        usual = self._reference.cold if len(before) < 4 else self._reference.warm
        left = self._left()
        ended = self._build(way, variant).wait(self._random.uniform(0, usual))
        self.report.count("builds killed" if ended.killed else "builds that ended before")
        if ended.killed:
            self.report.count(f"  of these, into {way.name}")
            self._note_moment(self._left() - left, before)
        self._check(way, before, tags)
        after = self._build(way, variant).wait()
        self.report.count("builds after them")
        self._check_built(way, variant, after)
        self._check(way, before, tags)

    def _build(self, way: _Way, variant: int) -> Running:
        return self._workshop.start(variant, way.target(variant), self._cache, *way.more)

    def _left(self) -> set[Path]:
        """Return what is half-written anywhere."""
        places = (self._cache, self._place, self._workshop.registry_root)
        return {path for place in places for path in checks.leftovers(place)}

    def _note_moment(self, left: set[Path], before: set[str]) -> None:
        """Tell how far the build had come, by what it left."""
        if left:
            self.report.count("  of these, while a file was written")
        elif checks.blobs_of(self._cache) != before:
            self.report.count("  of these, between files")
        for path in left:
            kind = "beside targets" if path.is_relative_to(self._place) else "in stores"
            if not path.is_relative_to(self._workshop.registry_root):
                self.report.count(f"half-written files left {kind}")

    def _check(self, way: _Way, before: set[str], tags: dict[tuple[str, str], str]) -> None:
        root = self._workshop.registry_root
        wrong = [*checks.check_registry(root), *checks.check_store(self._cache), *way.check()]
        self.report.wrong += wrong
        lost = before - checks.blobs_of(self._cache)
        self.report.expect(not lost, f"the store has lost {len(lost)} blobs")
        now = checks.tags(root)
        self.report.expect(
            all(now.get(name) == digest for name, digest in tags.items()),
            "a tag that was there is gone, or is another",
        )
        self.report.count("checks of registry, store and target")

    def _check_built(self, way: _Way, variant: int, ended: Ended) -> None:
        self.report.expect(ended.code == 0, f"the next build failed: {ended.errors}")
        wanted = (self._reference.oci if "oci" in way.more else self._reference.docker)[variant]
        found = way.digest(variant) if ended.code == 0 else ""
        self.report.expect(found == wanted, f"{way.name}: {found} is not {wanted}")

    def _registry(self) -> _Way:
        root, repository = self._workshop.registry_root, f"killed{self._round // 4}"
        return _Way(
            name="a registry",
            target=lambda variant: self._workshop.name(repository, variant),
            check=list,
            digest=lambda variant: checks.tags(root).get((repository, f"v{variant}"), ""),
        )

    def _archive(self) -> _Way:
        path = self._place / f"app{self._random.randrange(3)}.tar"
        return _Way(
            name="an archive",
            target=lambda _: f"tar://{path}",
            check=lambda: checks.check_archive(path) if path.exists() else [],
            digest=lambda _: checks.archive_digest(path),
        )

    def _layout(self) -> _Way:
        path = self._place / f"layout{self._random.randrange(3)}"
        return _Way(
            name="a layout",
            target=lambda variant: f"oci://{path}:v{variant}",
            check=lambda: checks.check_layout(path) if (path / "index.json").exists() else [],
            digest=lambda variant: checks.tags_of_layout(path).get(f"v{variant}", ""),
            more=("--format", "oci"),
        )

    def _collect_leftovers(self) -> None:
        """See that a later build takes away what was left in the store, once it is old."""
        left = checks.leftovers(self._cache)
        if not left:
            return
        for path in left:
            os.utime(path, (path.stat().st_mtime - _DAYS_AGO,) * 2)
        shutil.rmtree(self._cache / "layers", ignore_errors=True)
        shutil.rmtree(self._cache / "blobs", ignore_errors=True)
        ended = self._workshop.build(0, self._workshop.name("swept", 0), self._cache)
        self.report.expect(ended.digest == self._reference.docker[0], "swept: another digest")
        rest = checks.leftovers(self._cache)
        self.report.expect(not rest, f"{len(rest)} temporary files stay in the store")
        self.report.count(
            "half-written files that later builds took from stores", len(left) - len(rest)
        )

    def _clear_up(self) -> None:
        """See that nothing stays beside targets once each of them was built again."""
        self._collect_leftovers()
        for number in range(3):
            path, layout = self._place / f"app{number}.tar", self._place / f"layout{number}"
            self._workshop.build(0, f"tar://{path}", self._cache)
            self._workshop.build(0, f"oci://{layout}", self._cache)
        rest = checks.leftovers(self._place)
        self.report.expect(not rest, f"half-written files stay: {rest}")
        self.report.count("half-written files beside targets after the last builds", len(rest))


def run_crowds(workshop: Workshop, reference: Reference, *, rounds: int, seed: int) -> Report:
    """Build eight times at once with one store, some of the same, and kill three of the eight."""
    report = Report(f"{_PROCESSES} builds at once with one store")
    started = time.monotonic()
    chance = random.Random(f"{seed} crowds")
    cache = workshop.scratch / "crowd"
    usual = _seconds_of_crowd(workshop, cache)
    for number in range(rounds):
        if number % 2 == 0:
            shutil.rmtree(cache, ignore_errors=True)
        moments = [chance.uniform(0, usual) if place < 3 else None for place in range(_PROCESSES)]
        _crowd(
            workshop, reference, report, chance, cache=cache, name=f"crowd{number}", moments=moments
        )
    report.seconds = time.monotonic() - started
    return report


def _seconds_of_crowd(workshop: Workshop, cache: Path) -> float:
    """Return how long builds at once take on this machine, undisturbed."""
    started = time.monotonic()
    names = [(number % VARIANTS, f"undisturbed{number}") for number in range(_PROCESSES)]
    running = [workshop.start(one, workshop.name(name, one), cache) for one, name in names]
    for build in running:
        build.wait()
    return time.monotonic() - started


def _crowd(
    workshop: Workshop,
    reference: Reference,
    report: Report,
    chance: random.Random,
    *,
    cache: Path,
    name: str,
    moments: list[float | None],
) -> None:
    variants = [chance.randrange(VARIANTS) for _ in range(_PROCESSES)]
    running = [workshop.start(one, workshop.name(name, one), cache) for one in variants]
    order = sorted(range(_PROCESSES), key=lambda place: moments[place] or float("inf"))
    ended = {place: running[place].wait(moments[place]) for place in order}
    for place, end in ended.items():
        report.count("builds killed" if end.killed else "builds that ended")
        if not end.killed:
            wanted = reference.docker[variants[place]]
            report.expect(end.code == 0, f"one of many failed: {end.errors}")
            report.expect(end.digest == wanted, f"one of many: {end.digest} is not {wanted}")
    report.wrong += [*checks.check_store(cache)]
    report.wrong += checks.check_registry(workshop.registry_root)
    for variant in sorted(set(variants)):
        again = workshop.build(variant, workshop.name(name, variant), cache)
        report.count("builds after them")
        report.expect(again.digest == reference.docker[variant], f"after many: {again.errors}")
