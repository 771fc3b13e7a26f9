"""Running a command and telling what it cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_LAUNCHER = Path(__file__).with_name("launcher.py")

UNSET = (
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "MAVEN_ARGS",
    "MAVEN_OPTS",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "_JAVA_OPTIONS",
)
"""Variables of this machine that would make a builder another one; commands run without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one process and those it waited for took: seconds of wall and processor, peak bytes.

    The peak of resident memory is that of the largest process, and never less than the 10 MiB of
    the process that started it.
    """

    wall: float
    cpu: float
    peak: int


class CommandError(Exception):
    """A command that was to be measured failed."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """The small process that starts commands, so that their peaks of memory are their own."""

    _requests: IO[str]
    _answers: IO[str]

    def measure(
        self, command: Sequence[str | Path], *, cwd: Path, environment: Mapping[str, str], log: Path
    ) -> Cost:
        """Run a command from start to exit; its output goes to ``log``, shown if it fails."""
        inherited = {name: value for name, value in os.environ.items() if name not in UNSET}
        answer = self._ask(
            command=[str(word) for word in command],
            cwd=str(cwd.absolute()),
            environment={**inherited, **environment},
            log=str(log.absolute()),
        )
        if "error" in answer or answer["code"] != 0:
            said = answer.get("error") or log.read_text(errors="replace")[-2000:]
            raise CommandError(f"$ {' '.join(map(str, command))}\n{said}")
        return Cost(wall=answer["wall"], cpu=answer["cpu"], peak=answer["peak"])

    def _ask(self, **request: object) -> dict[str, Any]:
        self._requests.write(json.dumps(request) + "\n")
        self._requests.flush()
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer


@contextmanager
def launcher() -> Iterator[Launcher]:
    """Start the process that starts commands; it ends with the context."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", _LAUNCHER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Launcher(process.stdin, process.stdout)
