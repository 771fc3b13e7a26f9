"""What killed runs left goes at the next one's start, and what living ones have stays."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.daemons import free_port, scratch
from tests.support.downloads import mend_repository
from tests.support.leavings import PLACE, end_engine, held_name, is_held

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="names are held by what Linux alone has"
)
ROOT = Path(__file__).resolve().parents[2]
HOLDS = """
import sys, time
from tests.support.daemons import scratch
with scratch(sys.argv[1], []) as directory:
    print(directory, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def prefix() -> str:
    """A prefix that no other run has."""
    return f"pjt{secrets.token_hex(2)}-"


@contextmanager
def another_run(prefix: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Have another process hold a scratch directory; it is killed at the end, if not before."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, prefix], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_a_name_is_held_for_the_block() -> None:
    with held_name("pjt-") as name:
        assert is_held(name)
    assert not is_held(name)


def test_a_directory_goes_once_its_run_was_killed(prefix: str) -> None:
    with another_run(prefix) as (killed, left), another_run(prefix) as (_, living):
        (left / "data").mkdir()
        with scratch(prefix, []):
            assert left.exists(), "it lives"
        killed.kill()
        killed.wait()
        assert not is_held(left.name)
        with scratch(prefix, []) as directory:
            assert sorted(PLACE.glob(f"{prefix}*")) == sorted((living, directory))
    with scratch(prefix, []):
        pass
    assert not [*PLACE.glob(f"{prefix}*")]


def test_names_of_other_kinds_are_let_alone(prefix: str) -> None:
    other = PLACE / f"{prefix}mine"
    other.mkdir()
    try:
        with scratch(prefix, []):
            assert other.exists()
    finally:
        other.rmdir()


def test_an_engine_that_goes_on_is_ended_with_what_it_started(tmp_path: Path) -> None:
    (tmp_path / "dockerd").symlink_to("/bin/sh")
    script = "sleep 600 & echo $!; wait"
    with (
        subprocess.Popen(
            [tmp_path / "dockerd", "-c", script, f"{tmp_path}/data"],
            stdout=subprocess.PIPE,
            text=True,
        ) as engine,
        subprocess.Popen(["sleep", "600"], cwd=tmp_path) as bystander,
    ):
        assert engine.stdout is not None
        container = int(engine.stdout.readline())
        end_engine(tmp_path, [])
        assert engine.wait() == -signal.SIGKILL
        assert bystander.poll() is None
        bystander.kill()
    assert _has_ended(container)


def _has_ended(number: int) -> bool:
    """Tell whether a process has ended, be it that nobody has asked how."""
    for _ in range(6000):
        try:
            state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can mount")
def test_mounts_of_a_killed_run_go(prefix: str) -> None:
    with another_run(prefix) as (killed, left):
        for name in ("netns", "netns/inner"):
            (left / name).mkdir()
            command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", left / name]
            if subprocess.run(command, capture_output=True, check=False).returncode != 0:
                pytest.skip("this machine lets nobody mount a file system")
            (left / name / "file").touch()
        killed.kill()
        killed.wait()
        with scratch(prefix, []):
            assert not left.exists()
    assert prefix not in Path("/proc/self/mounts").read_text()


def test_a_free_port_is_given_to_nobody_else() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == len(ports)


def test_halves_of_mavens_files_go(tmp_path: Path) -> None:
    whole, half, unknown = (tmp_path / name / f"{name}.jar" for name in ("a", "b", "c"))
    for jar in (whole, half, unknown):
        jar.parent.mkdir()
        jar.write_bytes(b"all of it")
    digest = hashlib.sha1(b"all of it").hexdigest()
    whole.with_name("a.jar.sha1").write_text(f"{digest.upper()}  a.jar\n")
    half.with_name("b.jar.sha1").write_text(digest)
    half.write_bytes(b"all")
    (tmp_path / "c" / "d.pom.lastUpdated").touch()
    assert mend_repository(tmp_path) == ["b.jar"]
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["a.jar", "a.jar.sha1", "c.jar"]
    assert mend_repository(tmp_path / "nowhere") == []
