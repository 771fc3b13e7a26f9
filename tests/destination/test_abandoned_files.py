"""What a killed process leaves beside a target goes; what another is writing stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyjib.destination.files import replacing
from pyjib.files import is_partial, remove_abandoned

HALF = """
import sys, time
from pathlib import Path
from pyjib.destination.files import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    time.sleep(600)
"""


def partials(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if is_partial(path)]


def write(path: Path, data: bytes) -> None:
    with replacing(path) as file:
        file.write(data)


def start_to_write(path: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", HALF, str(path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"half"
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no file that is open")
@pytest.mark.parametrize("name", ["app.tar", "a" * 200])
def test_what_a_killed_process_left_goes_and_what_is_written_stays(
    tmp_path: Path, name: str
) -> None:
    target = tmp_path / name
    process = start_to_write(target)
    try:
        assert len(partials(tmp_path)) == 1
        write(target, b"whole")
        assert len(partials(tmp_path)) == 1
    finally:
        kill(process)
    assert target.read_bytes() == b"whole"
    write(tmp_path / "other", b"")
    assert len(partials(tmp_path)) == 1
    write(target, b"again")
    assert partials(tmp_path) == []


def test_all_of_a_directory_goes(tmp_path: Path) -> None:
    for name in (".a.0123456789ab.pyjib.partial", ".b.c.0123456789ab.pyjib.partial"):
        (tmp_path / name).touch()
    for name in (".a.partial", ".a.0123456789ab.partial", "a.0123456789ab.pyjib.partial"):
        (tmp_path / name).touch()
    remove_abandoned(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    remove_abandoned(tmp_path / "none")
