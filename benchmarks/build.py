"""How long a build takes as a whole process, and how much memory: see ``scripts/bench``.

Every figure is of ``pyjib build`` started anew, against the embedded registry on loopback: the
time of the wall from start to exit, the median of several runs with their spread, and the peak
of resident memory that the system saw.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pyjib.serve import RegistryServer

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "fixtures" / "docker-hello"
BASE = ROOT / "fixtures" / "base-image"
MIB = 1 << 20


def main() -> None:
    """Measure, print a table, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description="Time pyjib build as a whole process.")
    parser.add_argument("--quick", action="store_true", help="fewer runs, a smaller large layer")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    runs = 5 if arguments.quick else 11
    with tempfile.TemporaryDirectory(prefix="pyjib-bench-") as scratch:
        figures = measure(Path(scratch), runs, 256 if arguments.quick else 1024)
    report = {"machine": machine(), "runs": runs, "figures": figures}
    for figure in figures:
        print(f"{figure['case']:<44} {figure['text']}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


def measure(scratch: Path, runs: int, large: int) -> list[dict[str, object]]:
    """Run every case in ``scratch`` and return its figures; ``large`` is in MiB."""
    root = scratch / "registry"
    shutil.copytree(BASE, root / "library" / "eclipse-temurin")
    medium = make_app(scratch / "medium", libraries=17, size=3 * MIB)
    with RegistryServer(root) as server:
        shop = Shop(scratch, server.address)
        figures = [
            *timed("fixture docker-hello, nothing changed", lambda: shop.build(APP, "hello"), runs),
            *timed("17 libraries (51 MiB), nothing changed", lambda: shop.build(medium, "m"), runs),
            *timed(
                "17 libraries (51 MiB), cold",
                lambda: shop.build(medium, f"cold-{time.monotonic_ns()}"),
                3,
                before=shop.forget,
            ),
        ]
        big = make_app(scratch / "big", libraries=1, size=large * MIB)
        peak = shop.build(big, "big")["peak"]
        text = f"{peak / MIB:.0f} MiB peak of resident memory"
        figures.append({"case": f"one library of {large} MiB, cold", "peak": peak, "text": text})
    return figures


class Shop:
    """Builds below a directory, into one registry, with one cache."""

    def __init__(self, scratch: Path, registry: str) -> None:
        self.cache = scratch / "cache"
        self.registry = registry
        self.environment = {**os.environ, "HOME": str(scratch), "PYTHONPATH": str(ROOT)}

    def build(self, app: Path, name: str) -> dict[str, float]:
        """Build once; return the seconds of the wall and the peak of memory in bytes."""
        command = [sys.executable, "-m", "pyjib", "build", str(app), "--quiet"]
        command += ["--from", f"{self.registry}/library/eclipse-temurin:17-jre"]
        command += ["--to", f"{self.registry}/bench/{name}", "--cache", str(self.cache)]
        start = time.perf_counter()
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{' '.join(command)} failed")
        return {"seconds": seconds, "peak": kibibytes(usage) * 1024}

    def forget(self) -> None:
        """Empty the cache."""
        shutil.rmtree(self.cache, ignore_errors=True)


def kibibytes(usage: resource.struct_rusage) -> int:
    """Return the peak of resident memory: Linux counts it in KiB, macOS in bytes."""
    return usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def timed(
    case: str,
    run: Callable[[], dict[str, float]],
    runs: int,
    *,
    before: Callable[[], None] = lambda: None,
) -> Iterator[dict[str, object]]:
    """Run a case once for warmth and ``runs`` times for its figure."""
    run()
    seconds = []
    for _ in range(runs):
        before()
        seconds.append(run()["seconds"])
    median, low, high = statistics.median(seconds), min(seconds), max(seconds)
    text = f"{median:.3f} s median ({low:.3f} to {high:.3f})"
    yield {"case": case, "median": median, "min": low, "max": high, "text": text}


def make_app(directory: Path, *, libraries: int, size: int) -> Path:
    """Make a project of the fixture's classes and libraries that compress to about half."""
    shutil.copytree(APP / "target" / "classes", directory / "target" / "classes")
    target = directory / "target" / "dependency"
    target.mkdir()
    noise = random.Random(size)
    for place in range(libraries):
        with jar(target / f"library-{place}.jar") as write:
            for _ in range(size // MIB):
                write(noise.randbytes(MIB // 2) + bytes(MIB // 2))
    return directory


@contextmanager
def jar(path: Path) -> Iterator[Callable[[bytes], object]]:
    """Open a jar with one stored member to write to."""
    with zipfile.ZipFile(path, "w") as archive:
        member = zipfile.ZipInfo("data.bin", (1980, 1, 1, 0, 0, 0))
        with archive.open(member, "w", force_zip64=True) as out:
            yield out.write


def machine() -> dict[str, object]:
    """Tell what the figures were taken on."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
    }


if __name__ == "__main__":
    main()
