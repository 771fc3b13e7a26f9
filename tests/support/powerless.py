"""The program as a user for whom the modes of files count, even where tests run as root."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.support.cli import Cli, Finished

Powerless: TypeAlias = Callable[..., Finished]

_SETPRIV = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
"""Root itself then has to heed what the modes of files say."""


def without_power(cli: Cli, temporary: Path) -> Powerless:
    """Return what runs the program so, with its temporary files in a directory; or skip."""
    prefix: list[str] = []
    if os.name == "nt":
        pytest.skip("Windows has no such modes")
    if os.geteuid() == 0:
        prefix = _SETPRIV
        try:
            subprocess.run([*prefix, "true"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("root may write anywhere, and cannot give that up here")

    def run(*arguments: str | Path, **variables: str) -> Finished:
        command = [*prefix, sys.executable, "-m", "pyjib"]
        code = f"import os, sys; os.execvp({command[0]!r}, [*{command!r}, *sys.argv[1:]])"
        set_up = Cli(home=cli.home, variables={"TMPDIR": str(temporary), **variables})
        with set_up.start(*arguments, code=code) as process:
            stdout, stderr = process.communicate(timeout=60)
        return Finished(code=process.returncode, stdout=stdout, stderr=stderr)

    return run
