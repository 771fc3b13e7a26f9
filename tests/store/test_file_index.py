from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.oci.digest import Digest
from pyjib.project.model import DiskFile
from pyjib.store.file_index import FileIndex, last_change
from pyjib.store.store import Store

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND
DIGEST = Digest.of(b"content")


def fingerprint(name: str, *, mtime: int = NOW - 60 * SECOND, ctime: int = 0) -> str:
    return f"/project/{name}\x00123\0{mtime}\0{ctime}\x0042"


@pytest.fixture
def index(tmp_path: Path) -> FileIndex:
    return FileIndex(tmp_path / "files", tmp_path / "tmp")


def again(tmp_path: Path) -> FileIndex:
    return FileIndex(tmp_path / "files", tmp_path / "tmp")


def segments(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "files").iterdir())


def test_round_trip(index: FileIndex, tmp_path: Path) -> None:
    assert index.get(fingerprint("a")) is None
    index.add({fingerprint("a"): DIGEST}, started=NOW)
    for each in (index, again(tmp_path)):
        assert each.get(fingerprint("a")) == DIGEST
        assert each.get(fingerprint("b")) is None
        assert each.get(fingerprint("a", mtime=NOW - 61 * SECOND)) is None


@pytest.mark.parametrize(
    ("mtime", "ctime", "remembered"),
    [
        (NOW - 3 * SECOND, NOW - 3 * SECOND, True),
        (NOW - 1 * SECOND, 0, False),
        (0, NOW - 1 * SECOND, False),
        (NOW, 0, False),
        (NOW + 100 * SECOND, 0, False),
    ],
)
def test_files_that_changed_just_now_are_not_trusted(
    index: FileIndex, mtime: int, ctime: int, remembered: bool
) -> None:
    text = fingerprint("a", mtime=mtime, ctime=ctime)
    index.add({text: DIGEST}, started=NOW)
    assert (index.get(text) == DIGEST) is remembered


@pytest.mark.parametrize(
    "text", ["", "path", "path\0001", "path\0001\000x\0001", "a\0001\000-5\0001"]
)
def test_fingerprint_without_times_is_never_remembered(index: FileIndex, text: str) -> None:
    index.add({text: DIGEST}, started=1 << 62)
    assert index.get(text) is None


def test_files_on_disk_have_such_fingerprints(tmp_path: Path) -> None:
    file = tmp_path / "café"
    file.write_bytes(b"content")
    status = file.stat()
    found = last_change(DiskFile(file).fingerprint())
    assert found == max(status.st_mtime_ns, status.st_ctime_ns)


def test_fresh_file_through_the_stores_clock(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    file = tmp_path / "file"
    file.write_bytes(b"content")
    text = DiskFile(file).fingerprint()
    store.remember_file_digests({text: DIGEST}, started=store.clock())
    assert store.file_digest(text) is None
    store.remember_file_digests({text: DIGEST}, started=store.clock() + 3 * SECOND)
    assert store.file_digest(text) == DIGEST


def test_segments_are_joined(index: FileIndex, tmp_path: Path) -> None:
    for number in range(40):
        again(tmp_path).add({fingerprint(f"{number}"): DIGEST}, started=NOW)
        assert len(segments(tmp_path)) <= 12
    assert all(index.get(fingerprint(f"{number}")) == DIGEST for number in range(40))


def test_it_does_not_grow_for_ever(
    index: FileIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyjib.store.file_index._MANY_RECORDS", 50)
    for number in range(100):
        again(tmp_path).add({fingerprint(f"{number}"): DIGEST}, started=NOW)
    assert index.get(fingerprint("0")) is None
    assert index.get(fingerprint("99")) == DIGEST
    assert sum(path.stat().st_size for path in segments(tmp_path)) < 70 * 60


@pytest.mark.parametrize("keep", [0, 5, 12, 40, -1, -47])
def test_damaged_segment_counts_as_absent(index: FileIndex, tmp_path: Path, keep: int) -> None:
    digests = {fingerprint(f"{number}"): DIGEST for number in range(3)}
    index.add(digests, started=NOW)
    (path,) = segments(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    other = again(tmp_path)
    assert other.get(fingerprint("0")) is None
    other.add({fingerprint("new"): DIGEST}, started=NOW)
    assert again(tmp_path).get(fingerprint("new")) == DIGEST


@given(position=st.integers(0, 12 + 48 * 3 - 1), bit=st.integers(0, 7))
def test_no_flip_gives_another_digest(
    tmp_path_factory: pytest.TempPathFactory, position: int, bit: int
) -> None:
    place = tmp_path_factory.mktemp("flip")
    digests = {fingerprint(f"{number}"): Digest.of(b"%d" % number) for number in range(3)}
    again(place).add(digests, started=NOW)
    (path,) = segments(place)
    data = bytearray(path.read_bytes())
    data[position] ^= 1 << bit
    path.write_bytes(data)
    assert all(again(place).get(text) is None for text in digests)


def test_what_cannot_be_written_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "files").write_bytes(b"a file where a directory should be")
    index = again(tmp_path)
    index.add({fingerprint("a"): DIGEST}, started=NOW)
    assert index.get(fingerprint("a")) == DIGEST  # for this process it is known all the same
    assert again(tmp_path).get(fingerprint("a")) is None


def test_names_that_are_not_unicode(index: FileIndex) -> None:
    index.add({fingerprint("caf\udce9"): DIGEST}, started=NOW)
    assert index.get(fingerprint("caf\udce9")) == DIGEST


def test_eight_thousand_files_take_one_small_file(index: FileIndex, tmp_path: Path) -> None:
    digests = {fingerprint(f"{number}"): Digest.of(b"%d" % number) for number in range(8000)}
    index.add(digests, started=NOW)
    (path,) = segments(tmp_path)
    assert path.stat().st_size == 12 + 48 * 8000
    other = again(tmp_path)
    assert all(other.get(text) == digest for text, digest in digests.items())


def test_segments_of_another_version_stay(index: FileIndex, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    others = {tmp_path / "files" / f"other{n}": b"pyjibfd2" + bytes([n]) * 60 for n in range(20)}
    for path, content in others.items():
        path.write_bytes(content)
    damaged = tmp_path / "files" / "damaged"
    damaged.write_bytes(b"pyjibfd1" + bytes(20))
    for number in range(40):
        again(tmp_path).add({fingerprint(f"{number}"): DIGEST}, started=NOW)
    assert {path: path.read_bytes() for path in others} == others
    assert not damaged.exists()
    assert len(segments(tmp_path)) <= len(others) + 12
    assert all(again(tmp_path).get(fingerprint(f"{number}")) == DIGEST for number in range(40))
