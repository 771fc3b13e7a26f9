from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pyjib.oci.descriptor import Descriptor
from pyjib.store.store import Store
from tests.campaigns import checks
from tests.campaigns.workshop import ROOT


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "fixtures" / "base-image", tmp_path / "team" / "app")
    assert checks.check_registry(tmp_path) == []
    assert len(checks.tags(tmp_path)) >= 1
    return tmp_path


def test_every_blob_that_is_missing_or_damaged_is_seen(registry: Path) -> None:
    blobs = sorted((registry / "team" / "app" / "blobs" / "sha256").iterdir())
    named = [path for path in blobs if path.read_bytes()]
    for path in named:
        data = path.read_bytes()
        path.write_bytes(data[:-1])
        assert checks.check_registry(registry)
        path.write_bytes(data)
        path.unlink()
        assert checks.check_registry(registry)
        path.write_bytes(data)
    assert checks.check_registry(registry) == []


def test_half_an_index_is_seen(registry: Path) -> None:
    path = registry / "team" / "app" / "index.json"
    path.write_bytes(path.read_bytes()[:-10])
    assert checks.check_registry(registry)


def test_damage_in_a_store_is_seen(tmp_path: Path) -> None:
    store = Store(tmp_path)
    blob = store.fetch(Descriptor.of(b"abc", "text/plain"), [b"abc"])
    assert checks.check_store(tmp_path) == []
    (record := tmp_path / "layers" / "a").parent.mkdir()
    record.write_text(json.dumps({"descriptor": blob.descriptor.to_json()})[:-5])
    (segment := tmp_path / "files" / "a").parent.mkdir()
    segment.write_bytes(b"pyjibfd1" + bytes(60))
    (tmp_path / "blobs" / "sha256" / blob.descriptor.digest.hex).write_bytes(b"abd")
    assert len(checks.check_store(tmp_path)) == 3


def test_half_an_archive_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "app.tar"
    path.write_bytes(bytes(5000))
    assert checks.check_archive(path)
