"""Files that appear whole or not at all, and what is left of them where a process was killed."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pyjib.files import Partial, is_partial, remove_abandoned, try_lock

posix = pytest.mark.skipif(os.name == "nt", reason="modes, links and locks are those of POSIX")
LEFT = ".x.0123456789ab.pyjib.partial"


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("durable", [True, False])
def test_it_arrives(tmp_path: Path, durable: bool) -> None:
    target = tmp_path / "x"
    target.write_bytes(b"old")
    with Partial(target) as partial:
        partial.file.write(b"new")
        assert target.read_bytes() == b"old"
        assert is_partial(partial.path)
        partial.arrive(durable=durable)
        assert target.read_bytes() == b"new"
    assert partial.file.closed
    assert names(tmp_path) == ["x"]


def test_it_does_not_arrive(tmp_path: Path) -> None:
    with Partial(tmp_path / "x") as partial:
        partial.file.write(b"half")
    with pytest.raises(KeyError), Partial(tmp_path / "x"):
        raise KeyError
    assert names(tmp_path) == []


@posix
@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "語" * 85, "\udcff" * 255])
def test_names_as_long_as_they_can_be(tmp_path: Path, name: str) -> None:
    with Partial(tmp_path / name) as partial:
        remove_abandoned(tmp_path, name)
        assert partial.path.exists(), "it is locked"
        partial.arrive(durable=False)
    assert names(tmp_path) == [name]


@posix
def test_a_private_one(tmp_path: Path) -> None:
    with Partial(tmp_path / "x", private=True) as partial:
        assert stat.S_IMODE(partial.path.stat().st_mode) == 0o600
        partial.arrive(durable=False)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600


@posix
def test_it_is_safe_until_it_has_its_name(tmp_path: Path) -> None:
    """Who removes what was abandoned while another arrives must not find it unlocked."""
    with Partial(tmp_path / "x") as partial:
        replace = Path.replace

        class Racing(type(partial.path)):  # type: ignore[misc]
            def replace(self, target: Path) -> Path:
                remove_abandoned(tmp_path)
                return replace(self, target)

        partial.path = Racing(partial.path)
        partial.arrive(durable=True)
    assert names(tmp_path) == ["x"]


@posix
def test_one_that_was_found_before_it_was_locked(tmp_path: Path) -> None:
    """Whoever looks for abandoned files has it open and locked, and is about to remove it."""
    found: dict[Path, int] = {}

    class Found(Partial):
        def _create(self) -> None:
            super()._create()
            if not found:
                found[self.path] = os.open(self.path, os.O_RDWR)
                assert try_lock(found[self.path])

    with Found(tmp_path / "x") as partial:
        ((path, descriptor),) = found.items()
        path.unlink()
        os.close(descriptor)
        partial.file.write(b"new")
        partial.arrive(durable=False)
    assert (tmp_path / "x").read_bytes() == b"new"
    assert names(tmp_path) == ["x"]


@posix
def test_where_there_are_no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("fcntl.flock", refuse)
    with Partial(tmp_path / "x") as partial:
        remove_abandoned(tmp_path)
        partial.arrive(durable=False)
    assert names(tmp_path) == ["x"]


def test_only_our_own_go(tmp_path: Path) -> None:
    others = [".x.0123456789ab.partial", "x.part", "x.tmp", ".pyjib-x.tmp", "_remote.repositories"]
    for name in (*others, LEFT):
        (tmp_path / name).touch()
    remove_abandoned(tmp_path)
    assert names(tmp_path) == sorted(others)


@posix
def test_what_is_no_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_bytes(b"x")
    (tmp_path / LEFT).symlink_to(target)
    os.mkfifo(tmp_path / LEFT.replace("x", "y", 1))
    (tmp_path / LEFT.replace("x", "z", 1)).mkdir()
    remove_abandoned(tmp_path)
    assert target.exists()
    assert (tmp_path / LEFT).is_symlink()
    assert (tmp_path / LEFT.replace("x", "z", 1)).is_dir()


KILLED = """
import os, sys
from pathlib import Path
from pyjib.{module} import {what} as begin
with begin(Path(sys.argv[1])) as it:
    getattr(it, "file", it).write(b"half" * 10_000)
    os.kill(os.getpid(), 9)
"""


@posix
@pytest.mark.parametrize(
    ("module", "what"),
    [
        ("files", "Partial"),
        ("destination.files", "replacing"),
        ("maven_remote.arrival", "arriving"),
    ],
)
def test_what_a_killed_process_left_is_told_from_what_is_written(
    tmp_path: Path, module: str, what: str
) -> None:
    code = KILLED.format(module=module, what=what)
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "x")], cwd=root, check=False)
    (left,) = tmp_path.iterdir()
    assert is_partial(left)
    assert left.stat().st_size > 0
    with Partial(tmp_path / "x") as alive:
        remove_abandoned(tmp_path)
        assert names(tmp_path) == [alive.path.name]
