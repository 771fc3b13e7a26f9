"""Peers that are Go programs: built by Go's own tools at pinned versions, once a run.

What Go downloads and compiles stays in Go's own caches, so that only a fresh machine takes long.
The programs lie in a directory of the run.
"""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.programs import attempt, missing, require

TRIES = 3
_NO = re.compile(r"\b(403|404|410)\b|unknown revision|not found|requires go")
_ENVIRONMENT = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "GOWORK": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GoProgram:
    """A program of a module; ``package`` is its path within that.

    With ``main``, the text of a Go program, that is built instead, on top of the package.
    """

    name: str
    module: str
    version: str
    package: str
    main: str = ""


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str


class GoPrograms:
    """Builds programs below a directory when they are first asked for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[GoProgram, Path | _Failure] = {}

    def find(self, program: GoProgram) -> Path:
        """Return where a program is; skip the test, or fail it, if it cannot be built.

        It is tried anew where the module proxy does not answer, and never twice in a run.
        """
        require("go")
        if program not in self._known:
            self._known[program] = self._build(program)
        found = self._known[program]
        if isinstance(found, _Failure):
            missing(program.name, found.reason)
        return found

    def _build(self, program: GoProgram) -> Path | _Failure:
        # A module of its own: `go install NAME@VERSION` asks for a list of versions besides,
        # which not every proxy has of every module.
        directory = self._directory / program.name
        directory.mkdir()
        (directory / "go.mod").write_text("module tools\n")
        package = f"{program.module}/{program.package}"
        target, built = package, directory / "bin"
        if program.main:
            (directory / "main.go").write_text(program.main)
            target = "."
        said = ""
        for command in (("get", f"{package}@{program.version}"), ("build", "-o", built, target)):
            for place in range(TRIES):
                done = _go(directory, *command)
                if done.returncode == 0:
                    break
                said = re.sub(r"[a-z+]+://\S+", "(address)", done.stderr)[-1000:]
                if _NO.search(said):
                    return _Failure(f"Go says no to {package}@{program.version}:\n{said}")
                time.sleep(2 * place)
            else:
                return _Failure(f"Go cannot build {package}@{program.version}:\n{said}")
        return built


def _go(directory: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    try:
        return attempt("go", "-C", directory, *arguments, environment=_ENVIRONMENT, timeout=400)
    except subprocess.TimeoutExpired as error:
        return subprocess.CompletedProcess(error.cmd, 1, "", "it took more than 400 seconds")
