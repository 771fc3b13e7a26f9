from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pyjib.errors import ProjectError
from pyjib.project.model import DiskFile
from pyjib.project.walk import walk_files

on_unix = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of Unix")


def paths(root: Path) -> list[str]:
    return [f"{file.path}{'' if file.source else '/'}" for file in walk_files(root)]


def test_sorted_by_path_with_directories(tmp_path: Path) -> None:
    for name in ["b/z", "b/a/x", "a.txt", "b-c", "é", "B"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "empty").mkdir()
    assert paths(tmp_path) == [
        "B",
        "a.txt",
        "b/",
        "b-c",
        "b/a/",
        "b/a/x",
        "b/z",
        "empty/",
        "é",
    ]


def test_sources_are_the_files(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/f").write_bytes(b"hello")
    directory, file = walk_files(tmp_path)
    assert directory.source is None
    assert file.source == DiskFile(tmp_path / "d" / "f")
    assert file.source.size == 5


@on_unix
def test_links(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "real").mkdir(parents=True)
    (root / "real/file").touch()
    (root / "to-directory").symlink_to("real")
    (root / "to-file").symlink_to("real/file")
    (root / "to-itself").symlink_to(".")
    assert paths(root) == ["real/", "real/file", "to-directory/", "to-file", "to-itself/"]
    (tmp_path / "to-root").symlink_to("root")
    assert paths(tmp_path / "to-root") == paths(root)


@on_unix
@pytest.mark.parametrize("target", ["nowhere", "link"])
def test_a_link_to_nowhere_fails_those_who_want_it(tmp_path: Path, target: str) -> None:
    (tmp_path / "link").symlink_to(target)
    (file,) = walk_files(tmp_path)
    assert file.source is not None
    with pytest.raises(ProjectError, match=r"cannot read .*link"):
        file.source.size  # noqa: B018 - the question is the test


@on_unix
def test_a_pipe_fails_those_who_want_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (file,) = walk_files(tmp_path)
    assert file.source is not None
    with pytest.raises(ProjectError, match="not a regular file"):
        file.source.size  # noqa: B018 - the question is the test


def test_what_cannot_be_listed(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot list"):
        walk_files(tmp_path / "missing")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_not_unicode(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).touch()
    with pytest.raises(ProjectError, match="not valid UTF-8"):
        walk_files(tmp_path)
