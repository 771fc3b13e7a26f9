from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.errors import ConfigurationError
from pyjib.options import ExtraDirectory
from pyjib.project.extras import read_extras


def test_the_directories_asked_for_in_their_order(tmp_path: Path) -> None:
    for name in ["b", "a"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").touch()
    (tmp_path / "src/main/jib").mkdir(parents=True)
    asked = [ExtraDirectory(source=tmp_path / name, into=f"/{name}") for name in ["b", "a"]]
    found = read_extras(asked, tmp_path)
    assert [directory for directory, _ in found] == asked
    assert [file.path for _, files in found for file in files] == ["b.txt", "a.txt"]


def test_src_main_jib_is_the_default(tmp_path: Path) -> None:
    assert read_extras((), tmp_path) == ()
    (tmp_path / "src/main/jib/opt").mkdir(parents=True)
    ((directory, files),) = read_extras((), tmp_path)
    assert directory == ExtraDirectory(source=tmp_path / "src/main/jib")
    assert [file.path for file in files] == ["opt"]


def test_a_jar_has_no_extra_directories(tmp_path: Path) -> None:
    (tmp_path / "app.jar").touch()
    assert read_extras((), tmp_path / "app.jar") == ()


def test_a_missing_directory(tmp_path: Path) -> None:
    assert read_extras([ExtraDirectory(source=tmp_path / "x/src/main/jib")], tmp_path) == ()
    with pytest.raises(ConfigurationError, match="does not exist") as raised:
        read_extras([ExtraDirectory(source=tmp_path / "missing")], tmp_path)
    assert "--extra-dir" in (raised.value.hint or "")


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="is not a directory"):
        read_extras([ExtraDirectory(source=tmp_path / "file")], tmp_path)
