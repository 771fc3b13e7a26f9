"""Stores and targets on file systems that are too small."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.campaigns import checks
from tests.campaigns.kills import Reference
from tests.campaigns.report import Report
from tests.campaigns.workshop import Workshop

SIZES = (16, 64, 512, 1024, 2048, 4096, 8192, 12_000)
"""Of file systems in KiB, all of them too small for a build's layers."""
_ROOM = 64 << 10


def why_not() -> str:
    """Return why no small file system can be had here, empty if one can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "only root on Linux can mount a small file system"
    return ""


def run_full_disks(
    workshop: Workshop, reference: Reference, sizes: tuple[int, ...] = SIZES
) -> Report:
    """Build with a store, then into an archive and a layout, where there is too little room."""
    report = Report("A store, an archive, a layout on a full file system")
    started = time.monotonic()
    for size in sizes:
        with _mounted(workshop.scratch / f"disk{size}", size) as place:
            if place is None:
                report.count("skipped: this machine lets nobody mount a file system")
                return report
            _full_store(workshop, reference, report, place)
        with _mounted(workshop.scratch / f"target{size}", size) as place:
            if place is not None:
                _full_target(workshop, report, place, f"tar://{place / 'app.tar'}")
                _full_target(workshop, report, place, f"oci://{place / 'layout'}")
    report.seconds = time.monotonic() - started
    return report


def _full_store(workshop: Workshop, reference: Reference, report: Report, place: Path) -> None:
    cache, target = place / "cache", workshop.name(f"full-{place.name}", 1)
    ended = workshop.build(1, target, cache)
    report.count("builds with a full store")
    report.expect(ended.code == 1, f"{place.name}: exit code {ended.code}: {ended.errors}")
    for words in ("No space left", "in the cache", "pyjib cache prune", "--cache"):
        report.expect(words in ended.errors, f"{place.name}: not said: {words}: {ended.errors}")
    report.expect("Traceback" not in ended.errors, ended.errors)
    report.wrong += [*checks.check_store(cache), *checks.check_registry(workshop.registry_root)]
    left = checks.leftovers(cache)
    report.expect(not left, f"{place.name}: left in the store: {left}")
    _resize(place, _ROOM)
    again = workshop.build(1, target, cache)
    report.count("builds after room was made")
    report.expect(again.digest == reference.docker[1], f"{place.name}: {again.errors}")
    report.wrong += checks.check_store(cache)


def _full_target(workshop: Workshop, report: Report, place: Path, target: str) -> None:
    cache = workshop.scratch / "full-targets"
    ended = workshop.build(1, target, cache)
    report.count("builds into a full file system")
    report.expect(ended.code == 1, f"{place.name}: exit code {ended.code}: {ended.errors}")
    report.expect("free some space" in ended.errors, f"{place.name}: no hint: {ended.errors}")
    left = [path for path in place.rglob("*") if path.is_file()]
    report.expect(not left, f"{place.name}: left beside the target: {left}")


@contextmanager
def _mounted(place: Path, kibibytes: int) -> Iterator[Path | None]:
    place.mkdir()
    options = f"size={kibibytes}k"
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(place)]
    if why_not() or subprocess.run(command, check=False, capture_output=True).returncode:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _resize(place: Path, kibibytes: int) -> None:
    options = f"remount,size={kibibytes}k"
    subprocess.run(["mount", "-o", options, str(place)], check=True)
