"""Runs commands, and tells what each took: a script for ``python -I -S`` that stays small.

The kernel counts towards a program's peak of memory what the process that started it had in use
by then: a program started by one of 200 MiB never seems to need less. So commands are started
from here, by a process that imports next to nothing and keeps nothing: it has some 10 MiB,
which is the least that is ever told of a command.

Each line of stdin is a request in JSON, ``{"command", "cwd", "environment", "log"}``; each gets a
line on stdout: ``{"code", "wall", "cpu", "peak"}``, seconds and bytes, or ``{"error"}``. ``code``
is as of ``subprocess``: negative for a signal. The clock runs from before the start to the exit,
so that neither the requests nor the start of this script are in it.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Answer requests until there are no more."""
    for line in sys.stdin:
        try:
            answer = _run(**json.loads(line))
        except OSError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


def _run(
    *, command: list[str], cwd: str, environment: dict[str, str], log: str
) -> dict[str, object]:
    os.chdir(cwd)  # posix_spawn cannot
    start = time.perf_counter()
    child = os.posix_spawnp(
        command[0],
        command,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts KiB, macOS bytes
    return {
        "code": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * unit,
    }


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)  # the command got it too, and whoever asked
