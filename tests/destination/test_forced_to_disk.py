"""What a power cut must not take: it is forced to disk before it gets its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.cli import HELLO, ROOT, Cli

BASE = ROOT / "fixtures" / "base-image"


@pytest.mark.skipif(os.name == "nt", reason="files are told by their inodes")
def test_blobs_archives_and_layouts_are_forced_to_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, forced = os.fsync, set()

    def fsync(descriptor: int) -> None:
        real(descriptor)
        forced.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    cli, archive, layout = Cli(home=tmp_path), tmp_path / "app.tar", tmp_path / "layout"
    targets = ("--to", f"tar://{archive}", "--to", f"oci://{layout}", "--name", "app:1")
    done = cli("build", HELLO, "--from", f"oci://{BASE}:17-jre", *targets)
    assert done.code == 0, done.stderr
    cached = [path for path in (tmp_path / "cache" / "blobs").rglob("*") if path.is_file()]
    written = [path for path in layout.rglob("blobs/*/*") if path.is_file()]
    assert cached
    assert written
    named = [archive, *cached, *written, layout / "index.json"]
    assert [path for path in named if path.stat().st_ino not in forced] == []
