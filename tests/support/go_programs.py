"""Peers that are Go programs: built by Go's own tools, once a run.

What Go downloads and compiles stays in Go's own caches, so that only a fresh machine takes long.
The programs lie in a directory of the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.go_modules import Answer, GoProgram, fetch, go, tail
from tests.support.programs import missing, require, unreachable

_COMPILING = 1800.0
_SAID = {
    Answer.NO: "Go says no to",
    Answer.SILENCE: "the module proxy does not answer: without",
    Answer.OLD_GO: "this Go is too old for",
}


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str


class GoPrograms:
    """Builds programs below a directory when they are first asked for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._answers = True
        self._known: dict[GoProgram, Path | _Failure] = {}

    def find(self, program: GoProgram) -> Path:
        """Return where a program is; skip the test, or fail it, if it cannot be built.

        A module proxy that has not answered for one program is not asked for the next.
        """
        require("go")
        if program.name in unreachable():
            missing(program.name, f"{_SAID[Answer.SILENCE]} {program}")
        if program not in self._known:
            self._known[program] = self._build(program)
        found = self._known[program]
        if isinstance(found, _Failure):
            missing(program.name, found.reason)
        return found

    def _build(self, program: GoProgram) -> Path | _Failure:
        directory = self._directory / program.name
        answer, said = fetch(program, directory, ask=self._answers)
        self._answers = self._answers and answer is not Answer.SILENCE
        if answer is not Answer.YES:
            return _Failure(f"{_SAID[answer]} {program}\n{said}")
        built = directory / "bin" / program.name
        done = go(directory, "build", "-o", built, program.target, timeout=_COMPILING)
        if done.returncode != 0:
            return _Failure(f"Go cannot build {program}:\n{tail(done.stderr)}")
        return built
