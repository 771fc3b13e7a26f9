"""The command line as tests run it: in this process, or as the program that users start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from pyjib.cli.exits import run

ROOT = Path(__file__).parent.parent.parent
HELLO = ROOT / "fixtures" / "docker-hello"
_FORGOTTEN = ("CI", "NO_COLOR", "SOURCE_DATE_EPOCH", "DOCKER_HOST", "DOCKER_CONTEXT")


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a command did."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        document = json.loads(self.stdout)
        assert isinstance(document, dict)
        return document

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()


@dataclass(frozen=True, kw_only=True)
class Cli:
    """Runs commands with a home and a cache of their own, below ``home``."""

    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str | None]:
        """What differs from the test's own environment; ``None`` is not set."""
        return {
            **dict.fromkeys(_FORGOTTEN),
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "DOCKER_CONFIG": str(self.home / ".docker"),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "PYJIB_CACHE": str(self.home / "cache"),
            **self.variables,
        }

    def __call__(self, *arguments: str | Path, stdin: str = "") -> Finished:
        """Run a command in this process."""
        with CliRunner(env=self.environment).isolation(input=stdin) as streams:
            code = run([str(argument) for argument in arguments])
            sys.stdout.flush()
            stdout, stderr = (stream.getvalue().decode() for stream in streams[:2])
        return Finished(code=code, stdout=stdout, stderr=stderr)

    def start(
        self, *arguments: str | Path, code: str | None = None, **settings: Any
    ) -> subprocess.Popen[str]:
        """Start the program, or ``code`` that runs it, with pipes unless told otherwise."""
        program = ["-m", "pyjib"] if code is None else ["-c", code]
        changes = self.environment
        kept = {name: value for name, value in os.environ.items() if name not in changes}
        added = {name: value for name, value in changes.items() if value is not None}
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(
            [sys.executable, *program, *map(str, arguments)],
            **{"env": {**kept, **added}, "text": True, "encoding": "utf-8", **pipes, **settings},
        )

    def program(
        self, *arguments: str | Path, stdin: str = "", environment: Mapping[str, str] | None = None
    ) -> Finished:
        """Run the program to its end."""
        other = Cli(home=self.home, variables={**self.variables, **(environment or {})})
        with other.start(*arguments) as process:
            stdout, stderr = process.communicate(stdin, timeout=240)
        return Finished(code=process.returncode, stdout=stdout, stderr=stderr)
