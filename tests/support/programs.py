"""Programs of peers: found, run, or told to be missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest


def require(program: str) -> Path:
    """Return where a peer's program is; skip the test, or fail it, if it is nowhere.

    One that is there but cannot be used for want of what it downloads counts as missing too.
    """
    if program in unreachable():
        missing(program, f"NO PACKAGE REGISTRY ANSWERS: GOING ON WITHOUT {program.upper()}")
    found = shutil.which(program)
    if found is None and os.path.sep not in program:
        # Debian keeps daemons where a user's PATH does not look.
        found = shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")
    if found is None:
        missing(program, f"{program} is not installed: scripts/peers does that")
    return Path(found)


def missing(program: str, reason: str) -> NoReturn:
    """Skip the test for want of a peer, or fail it where peers are required."""
    if os.environ.get("PYJIB_REQUIRE_PEERS") == "1" and program not in unreachable():
        pytest.fail(reason)
    pytest.skip(reason)


def unreachable() -> list[str]:
    """Return what ``.ci/run`` goes on without, since a package registry did not answer."""
    return os.environ.get("PYJIB_PEERS_UNREACHABLE", "").split(",")


def run(
    program: str,
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float = 900,
) -> str:
    """Run a peer's program and return what it wrote to stdout; fail the test if it fails."""
    done = attempt(program, *arguments, environment=environment, stdin=stdin, timeout=timeout)
    if done.returncode != 0:
        command = " ".join(map(str, (program, *arguments)))
        pytest.fail(f"$ {command}\n(exit code {done.returncode})\n{done.stdout}{done.stderr}")
    return done.stdout


def attempt(
    program: str,
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float = 900,
) -> subprocess.CompletedProcess[str]:
    """Run a peer's program, whatever comes of it. ``environment`` is added to the test's own."""
    done = subprocess.run(
        [require(program), *arguments],
        env={**os.environ, **(environment or {})},
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode()
    )


def skopeo(*arguments: str | Path) -> str:
    """Run ``skopeo`` without the machine's signature policy."""
    return run("skopeo", "--insecure-policy", *arguments)


def umoci(*arguments: str | Path) -> str:
    """Run ``umoci``."""
    return run("umoci", *arguments)
