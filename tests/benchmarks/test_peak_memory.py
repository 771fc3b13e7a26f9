"""The benchmark tells a command's own memory and time, however large it has grown itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("benchmarks run on POSIX systems", allow_module_level=True)

from benchmarks.process import CommandError, Cost, Launcher, launcher

MIB = 1 << 20
GROWN = 200 * MIB
PYTHON = (sys.executable, "-I", "-S", "-c")


@pytest.fixture(scope="module")
def grown() -> Iterator[None]:
    """Make this process a large one: every page is written to."""
    ballast = b"x" * GROWN
    yield
    del ballast


@pytest.fixture
def small(grown: None) -> Iterator[Launcher]:
    with launcher() as started:
        yield started


def measure(small: Launcher, tmp_path: Path, *command: str) -> Cost:
    return small.measure(command, cwd=tmp_path, environment={}, log=tmp_path / "log")


def test_a_large_process_lends_its_size_to_what_it_starts(grown: None) -> None:
    """What the launcher is for: if this fails, it is needed no more."""
    process = subprocess.Popen(["true"])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if sys.platform == "linux":
        assert peak > GROWN


def test_a_command_that_needs_nothing_is_told_to_need_nothing(
    small: Launcher, tmp_path: Path
) -> None:
    assert measure(small, tmp_path, "true").peak < 16 * MIB


def test_thirty_mebibytes_are_thirty(small: Launcher, tmp_path: Path) -> None:
    def peak(mebibytes: int) -> int:  # more than Python takes for a moment while it starts
        code = f"b'x' * ({mebibytes} << 20)"
        return max(measure(small, tmp_path, *PYTHON, code).peak for _ in range(3))

    assert 28 * MIB < peak(40) - peak(10) < 32 * MIB


def test_the_peak_is_that_of_the_largest_process(small: Launcher, tmp_path: Path) -> None:
    command = f"true; '{sys.executable}' -I -S -c \"b'x' * (30 << 20)\"; true"
    assert 30 * MIB < measure(small, tmp_path, "sh", "-c", command).peak < 60 * MIB


def test_the_launcher_does_not_grow(small: Launcher, tmp_path: Path) -> None:
    measure(small, tmp_path, *PYTHON, "b'x' * (60 << 20)")
    for _ in range(50):
        last = measure(small, tmp_path, "sh", "-c", "echo " + "much " * 2000)
    assert last.peak < 16 * MIB


def test_clock_and_processor_are_the_command_s(small: Launcher, tmp_path: Path) -> None:
    idle = measure(small, tmp_path, "sleep", "0.1")
    busy = measure(small, tmp_path, *PYTHON, "import time\nwhile time.process_time() < 0.1: pass")
    assert idle.wall > 0.1
    assert idle.cpu < 0.1 < busy.cpu


def test_a_failure_shows_what_the_command_said(small: Launcher, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"\$ sh -c .*\nno such luck"):
        measure(small, tmp_path, "sh", "-c", "echo no such luck >&2; exit 3")
    with pytest.raises(CommandError, match="No such file"):
        measure(small, tmp_path, "no-such-program")
    assert measure(small, tmp_path, "true").wall > 0


def test_a_command_runs_where_and_with_what_it_is_told(
    small: Launcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAVEN_OPTS", "-Xmx9g")
    monkeypatch.setenv("KEPT", "yes")
    small.measure(
        ["sh", "-c", 'pwd; echo "$KEPT $ADDED ${MAVEN_OPTS-unset}"; cat'],
        cwd=tmp_path,
        environment={"ADDED": "too"},
        log=tmp_path / "log",
    )
    assert (tmp_path / "log").read_text() == f"{tmp_path.resolve()}\nyes too unset\n"
