"""Running a command and telling what it cost."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one process and those it waited for took: seconds of wall and processor, peak bytes.

    The peak of resident memory is that of the largest process.
    """

    wall: float
    cpu: float
    peak: int


class CommandError(Exception):
    """A command that was to be measured failed."""


def measure(
    command: Sequence[str | Path], *, cwd: Path, environment: Mapping[str, str], log: Path
) -> Cost:
    """Run a command from start to exit; its output goes to ``log``, shown if it fails."""
    with log.open("wb") as out:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = log.read_text(errors="replace")[-2000:]
        raise CommandError(f"$ {' '.join(map(str, command))}\n{tail}")
    return Cost(wall=wall, cpu=usage.ru_utime + usage.ru_stime, peak=_peak(usage))


def _peak(usage: resource.struct_rusage) -> int:
    # Linux counts KiB, macOS bytes.
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
