"""How much of a project is kept: no more than is read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.store.store import Store

LARGEST = 8 << 20


@pytest.mark.parametrize(("size", "is_kept"), [(LARGEST, True), (LARGEST + 1, False)])
def test_no_project_of_more_than_8_mib_is_written(tmp_path: Path, size: int, is_kept: bool) -> None:
    store = Store(tmp_path)
    store.put_project("key", bytes(size))
    assert (store.get_project("key") is not None) is is_kept
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.stat().st_size for path in files] == [size] * is_kept
