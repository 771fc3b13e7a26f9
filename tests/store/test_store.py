from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pyjib.errors import CacheError, DigestMismatchError, SizeMismatchError
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.json import MAX_DOCUMENT
from pyjib.store.store import LayerRecord, Store

TYPE = "application/octet-stream"
DATA = b"some bytes\n" * 1000
HERE = Descriptor.of(DATA, TYPE)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache" / "pyjib")


def put(store: Store, data: bytes = DATA, expected: Descriptor | None = None) -> Blob:
    with store.writer() as writer:
        writer.write(data)
        return writer.commit(TYPE, expected)


def write_and_fail(store: Store) -> None:
    with store.writer() as writer:
        writer.write(DATA)
        raise ZeroDivisionError


def path_of(store: Store, digest: Digest) -> Path:
    return store.root / "blobs" / digest.algorithm / digest.hex


def files(store: Store) -> list[str]:
    return sorted(
        path.relative_to(store.root).as_posix() for path in store.root.rglob("*") if path.is_file()
    )


class TestBlobs:
    def test_what_is_written_is_found(self, store: Store) -> None:
        blob = put(store)
        assert blob.descriptor == HERE
        assert store.find(HERE) == blob
        assert Store(store.root).find(HERE) == blob
        with blob.open() as stream:
            assert stream.read() == DATA
        assert files(store) == [f"blobs/sha256/{HERE.digest.hex}"]

    def test_asking_makes_nothing(self, store: Store) -> None:
        assert store.find(HERE) is None
        assert store.get_layer("key") is None
        assert store.get_document(HERE.digest) is None
        assert store.file_digest("a\0b") is None
        assert store.usage().files == 0
        assert store.prune(max_bytes=0).files == 0
        assert not store.root.exists()

    def test_chunks_of_every_kind(self, store: Store) -> None:
        with store.writer() as writer:
            assert writer.write(b"ab") == 2
            writer.write(memoryview(b"cd"))
            writer.write(bytearray(b"ef"))
            writer.write(b"")
            assert writer.size == 6
            assert writer.commit(TYPE).descriptor == Descriptor.of(b"abcdef", TYPE)

    def test_empty_blob(self, store: Store) -> None:
        assert store.find(put(store, b"").descriptor) is not None

    def test_media_type_is_that_of_the_asker(self, store: Store) -> None:
        put(store)
        found = store.find(Descriptor.of(DATA, "text/plain"))
        assert found is not None
        assert found.descriptor.media_type == "text/plain"

    def test_nothing_is_left_without_commit(self, store: Store) -> None:
        with store.writer() as writer:
            writer.write(DATA)
        assert files(store) == []
        with pytest.raises(ZeroDivisionError):
            write_and_fail(store)
        assert files(store) == []

    def test_writer_is_closed_after_commit(self, store: Store) -> None:
        with store.writer() as writer:
            writer.commit(TYPE)
            with pytest.raises(ValueError, match="not open"):
                writer.write(DATA)

    def test_wrong_digest(self, store: Store) -> None:
        other = Descriptor(media_type=TYPE, digest=Digest.of(b"other"), size=len(DATA))
        with pytest.raises(DigestMismatchError, match="does not match"):
            put(store, DATA, other)
        assert files(store) == []

    @pytest.mark.parametrize("size", [len(DATA) - 1, len(DATA) + 1])
    def test_wrong_size(self, store: Store, size: int) -> None:
        other = Descriptor(media_type=TYPE, digest=HERE.digest, size=size)
        with pytest.raises(SizeMismatchError):
            put(store, DATA, other)
        assert files(store) == []

    def test_sha512(self, store: Store) -> None:
        digest = Digest("sha512", hashlib.sha512(DATA).hexdigest())
        wanted = Descriptor(media_type=TYPE, digest=digest, size=len(DATA))
        assert store.fetch(wanted, [DATA]).descriptor == wanted
        assert store.find(wanted) is not None
        wrong = Descriptor(
            media_type=TYPE, digest=Digest("sha512", hashlib.sha512().hexdigest()), size=len(DATA)
        )
        with pytest.raises(DigestMismatchError):
            store.fetch(wrong, [DATA])

    def test_blob_of_wrong_size_is_put_right(self, store: Store) -> None:
        put(store)
        path_of(store, HERE.digest).write_bytes(DATA[:-1])
        assert store.find(HERE) is None
        blob = store.fetch(HERE, [DATA])
        assert blob.read(len(DATA)) == DATA

    def test_whoever_asks_by_a_wrong_size_takes_nothing_away(self, store: Store) -> None:
        """A size may come out of anybody's manifest, and the blob be somebody else's."""
        blob = put(store)
        for size in (0, len(DATA) - 1, len(DATA) + 1, 1 << 70):
            assert store.find(replace(HERE, size=size)) is None
            with pytest.raises(SizeMismatchError):
                store.fetch(replace(HERE, size=size), [DATA])
        assert blob.read(len(DATA)) == DATA

    def test_damaged_blob_is_noticed_and_mended(self, store: Store) -> None:
        blob = put(store)
        path_of(store, HERE.digest).write_bytes(b"S" + DATA[1:])
        with pytest.raises(DigestMismatchError) as caught, blob.open() as stream:
            stream.read()
        assert "run it again" in (caught.value.hint or "")
        assert store.find(HERE) is None
        put(store)
        with blob.open() as stream:
            assert stream.read() == DATA

    def test_blob_that_vanished(self, store: Store) -> None:
        blob = put(store)
        store.close()
        store.discard(HERE.digest)
        with pytest.raises(CacheError, match="removed from the cache meanwhile") as caught:
            blob.open()
        assert caught.value.hint
        store.discard(HERE.digest)


class TestFetch:
    def test_chunks_become_a_blob(self, store: Store) -> None:
        assert store.fetch(HERE, [DATA[:10], DATA[10:]]).descriptor == HERE

    def test_chunks_are_not_asked_for_what_is_here(self, store: Store) -> None:
        put(store)

        def chunks() -> list[bytes]:
            raise AssertionError

        assert store.fetch(HERE, (chunk for _ in [0] for chunk in chunks())).descriptor == HERE

    def test_too_much_is_not_read_to_its_end(self, store: Store) -> None:
        asked = 0

        def endless() -> object:
            nonlocal asked
            while True:
                asked += 1
                yield DATA

        with pytest.raises(SizeMismatchError, match="more bytes"):
            store.fetch(HERE, endless())  # type: ignore[arg-type]
        assert asked == 2
        assert files(store) == []

    @pytest.mark.parametrize("data", [DATA[:-1], b""])
    def test_too_little(self, store: Store, data: bytes) -> None:
        with pytest.raises(SizeMismatchError):
            store.fetch(HERE, [data])
        assert files(store) == []


class TestLayers:
    RECORD = LayerRecord(descriptor=HERE, diff_id=Digest.of(b"tar"))

    def test_round_trip(self, store: Store) -> None:
        put(store)
        store.put_layer("key", self.RECORD)
        assert store.get_layer("key") == self.RECORD
        assert store.get_layer("other") is None

    def test_has_layers(self, store: Store) -> None:
        assert not store.has_layers()
        store.put_layer("key", self.RECORD)
        assert store.has_layers()

    def test_without_its_blob(self, store: Store) -> None:
        store.put_layer("key", self.RECORD)
        assert store.get_layer("key") is None

    def test_any_text_is_a_key(self, store: Store) -> None:
        put(store)
        for key in ("../../escape", "", "ключ" * 100, "CON", "a\0b"):
            store.put_layer(key, self.RECORD)
            assert store.get_layer(key) == self.RECORD
        assert not list(store.root.parent.glob("escape"))

    def test_last_one_counts(self, store: Store) -> None:
        put(store)
        put(store, b"new")
        record = LayerRecord(descriptor=Descriptor.of(b"new", TYPE), diff_id=Digest.of(b"other"))
        store.put_layer("key", self.RECORD)
        store.put_layer("key", record)
        assert store.get_layer("key") == record

    @pytest.mark.parametrize(
        "damage", [b"", b"\0" * 300, b"{}", b'{"descriptor":{},"diffId":"sha256:x"}', b"[]"]
    )
    def test_damaged_record_is_passed_over(self, store: Store, damage: bytes) -> None:
        put(store)
        store.put_layer("key", self.RECORD)
        (path,) = (store.root / "layers").iterdir()
        path.write_bytes(damage)
        assert store.get_layer("key") is None
        assert store.prune(older_than_days=0, max_bytes=0).kept == 0
        assert path.read_bytes() == damage  # it may be another version's
        store.put_layer("key", self.RECORD)
        put(store)
        assert store.get_layer("key") == self.RECORD


class TestDocuments:
    def test_round_trip(self, store: Store) -> None:
        digest = store.put_document(b"{}")
        assert digest == Digest.of(b"{}")
        assert store.get_document(digest) == b"{}"
        assert store.find(Descriptor.of(b"{}", TYPE)) is not None

    def test_sha512(self, store: Store) -> None:
        digest = Digest("sha512", hashlib.sha512(b"{}").hexdigest())
        assert store.put_document(b"{}", digest) == digest
        assert store.get_document(digest) == b"{}"

    def test_other_bytes_than_promised(self, store: Store) -> None:
        with pytest.raises(DigestMismatchError):
            store.put_document(b"{}", Digest.of(b"[]"))

    def test_damaged_document_is_dropped(self, store: Store) -> None:
        digest = store.put_document(b"{}")
        path_of(store, digest).write_bytes(b"[]")
        assert store.get_document(digest) is None
        assert files(store) == []

    def test_large_blob_is_no_document(self, store: Store) -> None:
        blob = put(store, bytes(MAX_DOCUMENT + 1))
        assert store.get_document(blob.descriptor.digest) is None
        assert store.find(blob.descriptor) is not None


class TestDisk:
    def test_root_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        store = Store(tmp_path / "file")
        assert store.find(HERE) is None
        with pytest.raises(CacheError, match="cannot write") as caught:
            put(store)
        assert "--cache" in (caught.value.hint or "")

    def test_a_way_that_leads_through_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(CacheError) as caught:
            put(Store(tmp_path / "file" / "a" / "cache"))
        assert f"{tmp_path / 'file'} is a file, not a directory" in caught.value.message
        assert "partial" not in caught.value.message

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
    )
    def test_read_only_store_still_gives(self, store: Store) -> None:
        blob = put(store)
        store.put_layer("key", TestLayers.RECORD)
        folders = [path for path in store.root.rglob("*") if path.is_dir()]
        for folder in [store.root, *folders]:
            folder.chmod(0o555)
        try:
            other = Store(store.root)
            assert other.find(HERE) == blob
            assert other.get_layer("key") == TestLayers.RECORD
            with pytest.raises(CacheError):
                put(other)
        finally:
            for folder in [store.root, *folders]:
                folder.chmod(0o755)

    def test_clock_is_the_file_systems(self, store: Store) -> None:
        before = store.clock()
        (store.root / "file").write_bytes(b"")
        written = (store.root / "file").stat().st_mtime_ns
        assert before <= written <= store.clock()
        assert files(store) == ["file"]


def test_imports_are_few() -> None:
    code = (
        "import sys; import pyjib.store.store;"
        "sys.exit(any(name in sys.modules for name in"
        " ('sqlite3', 'concurrent.futures', 'zstandard', 'tempfile')))"
    )
    bare = "import sys; sys.modules['pyjib'] = type(sys)('pyjib');"
    bare += f"sys.modules['pyjib'].__path__ = [{str(Path('pyjib').absolute())!r}];"
    assert subprocess.run([sys.executable, "-c", bare + code], check=False).returncode == 0
