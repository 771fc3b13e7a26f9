from __future__ import annotations

import hashlib
import io
import random
import threading
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pyjib.cancellation import Cancellation
from pyjib.errors import CacheError, CancelledError, ProjectError
from pyjib.events import Event, LayerPacked, LayerPacking
from pyjib.layer.decompress import decompressed
from pyjib.layer.elsewhere import Elsewhere, SendAhead
from pyjib.layer.model import Layer
from pyjib.layer.pack import describe_layer, pack_layers
from pyjib.layer.tar import write_tar
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.instant import Instant
from pyjib.oci.media_type import (
    DOCKER_LAYER_GZIP,
    OCI_LAYER_GZIP,
    Compression,
    ImageFormat,
    layer_type,
)
from pyjib.plan.model import LayerEntry, LayerPlan, LayerRecipe
from pyjib.project.model import DiskFile
from pyjib.store.store import Store
from tests.support.layers import KnownFile, LargeFile, file_entry

GZIP = LayerRecipe()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


class Recorder:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def packed(self) -> list[tuple[str, bool]]:
        return [(e.name, e.cached) for e in self.events if isinstance(e, LayerPacked)]

    @property
    def packing(self) -> list[str]:
        return [e.name for e in self.events if isinstance(e, LayerPacking)]


def pack(
    store: Store,
    *plans: LayerPlan,
    recipe: LayerRecipe = GZIP,
    image_format: ImageFormat = ImageFormat.DOCKER,
    listener: Recorder | None = None,
    cancellation: Cancellation | None = None,
    jobs: int = 2,
    send_ahead: SendAhead | None = None,
) -> tuple[Layer, ...]:
    return pack_layers(
        plans,
        recipe,
        image_format=image_format,
        store=store,
        listener=listener or Recorder(),
        cancellation=cancellation or Cancellation(),
        jobs=jobs,
        elsewhere=Elsewhere(send_ahead=send_ahead),
    )


def plan(name: str, *entries: LayerEntry) -> LayerPlan:
    return LayerPlan.of(name, entries)


def known(path: str, content: bytes) -> tuple[KnownFile, LayerEntry]:
    source = KnownFile(path, content)
    return source, LayerEntry(target=f"/app/{path}", source=source)


def tar_of(plans: Sequence[LayerPlan]) -> list[bytes]:
    result = []
    for each in plans:
        out = io.BytesIO()
        write_tar(each.entries, out, time_records=True, check=lambda: None)
        result.append(out.getvalue())
    return result


class TestLayers:
    def test_golden_vector(self, store: Store) -> None:
        (layer,) = pack(store, plan("classes", file_entry("/app/foo.txt", b"hello\n")))
        assert layer.name == "classes"
        assert layer.diff_id.hex == (
            "b1d468800b0cc47ae0ec7cb98891452fba0cba86a18bd9e1b4f4b8bcef7a3367"
        )
        assert layer.blob.descriptor.media_type == DOCKER_LAYER_GZIP
        with layer.blob.open() as stream:
            assert len(stream.read()) == layer.blob.descriptor.size

    @pytest.mark.parametrize("method", list(Compression))
    @pytest.mark.parametrize("jobs", [1, 3])
    @pytest.mark.parametrize("in_parts", [False, True])
    def test_order_and_content(
        self, store: Store, method: Compression, jobs: int, in_parts: bool
    ) -> None:
        plans = [
            plan(f"layer {number}", file_entry(f"/{number}", b"x" * (number * 700_001 % 3_000_000)))
            for number in range(6)
        ]
        recipe = LayerRecipe(compression=method, in_parts=in_parts)
        layers = pack(store, *plans, recipe=recipe, image_format=ImageFormat.OCI, jobs=jobs)
        assert [layer.name for layer in layers] == [each.name for each in plans]
        for layer, tar in zip(layers, tar_of(plans), strict=True):
            assert layer.diff_id.hex == hashlib.sha256(tar).hexdigest()
            assert layer.blob.descriptor.media_type == layer_type(ImageFormat.OCI, method)
            with layer.blob.open() as stream:
                assert decompressed(stream, method).read() == tar

    @pytest.mark.parametrize("method", [Compression.GZIP, Compression.ZSTD])
    def test_machine_has_no_say_in_the_bytes(
        self, tmp_path: Path, method: Compression, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = plan("large", LayerEntry(target="/large", source=LargeFile(9_000_000)))
        found = set()
        for processors in (1, 2, 7):
            monkeypatch.setattr("os.cpu_count", lambda count=processors: count)
            store = Store(tmp_path / str(processors))
            recipe = LayerRecipe(compression=method, in_parts=True)
            (layer,) = pack(store, one, recipe=recipe, image_format=ImageFormat.OCI)
            found.add(layer.blob.descriptor.digest)
        assert len(found) == 1

    def test_nothing_to_pack(self, store: Store) -> None:
        assert pack(store) == ()
        assert not store.root.exists()

    def test_largest_is_packed_first(self, store: Store) -> None:
        listener = Recorder()
        plans = [plan(str(size), file_entry("/a", b"x" * size)) for size in (1, 50, 7)]
        pack(store, *plans, listener=listener, jobs=1)
        assert listener.packing == ["50", "7", "1"]
        assert LayerPacking(name="50", files=1, size=50) in listener.events

    def test_threads_work_at_the_same_time(self, store: Store) -> None:
        both = threading.Barrier(2, timeout=60)

        class Meeting(LargeFile):
            def open(self) -> io.BytesIO:
                if threading.current_thread() is not threading.main_thread():
                    both.wait()
                return io.BytesIO(bytes(self.size))

        plans = [
            plan(f"{size}", LayerEntry(target="/a", source=Meeting(size))) for size in (10, 20)
        ]
        assert len(pack(store, *plans)) == 2


class Asked(KnownFile):
    """Counts what would ask the system for a file's properties."""

    asked = 0

    @property
    def size(self) -> int:  # type: ignore[override]
        self.asked += 1
        return len(self.content)

    def fingerprint(self) -> str:
        self.asked += 1
        return super().fingerprint()


class TestCache:
    def test_second_build_opens_nothing(self, store: Store) -> None:
        source, entry = known("a", b"content")
        first = pack(store, plan("one", entry))
        opened = source.opened
        listener = Recorder()
        again = pack(Store(store.root), plan("one", entry), listener=listener)
        assert again == first
        assert source.opened == opened
        assert listener.events == [
            LayerPacked(
                name="one",
                digest=str(first[0].blob.descriptor.digest),
                size=first[0].blob.descriptor.size,
                cached=True,
            )
        ]

    def test_second_build_asks_each_file_once(self, store: Store) -> None:
        source = Asked("a", b"content")
        entry = LayerEntry(target="/app/a", source=source)
        pack(store, plan("one", entry))
        source.asked = 0
        pack(Store(store.root), plan("one", entry))
        assert source.asked == 1

    def test_another_path_and_time_do_not_matter(self, store: Store) -> None:
        listener = Recorder()
        here, there = KnownFile("/here/a", b"content"), KnownFile("/there/a", b"content", version=9)
        pack(store, plan("one", LayerEntry(target="/a", source=here)))
        pack(store, plan("two", LayerEntry(target="/a", source=there)), listener=listener)
        assert listener.packed == [("two", True)]

    def test_another_content_of_same_size_matters(self, store: Store) -> None:
        listener = Recorder()
        (first,) = pack(store, plan("one", LayerEntry(target="/a", source=KnownFile("a", b"old"))))
        new = KnownFile("a", b"new", version=2)
        (other,) = pack(store, plan("one", LayerEntry(target="/a", source=new)), listener=listener)
        assert listener.packed == [("one", False)]
        assert other.diff_id != first.diff_id

    def test_edit_within_one_tick_of_the_clock(self, tmp_path: Path, store: Store) -> None:
        """The file has the same path, size, inode and, at worst, times: Jib overlooks it."""
        file = tmp_path / "a"
        entry = LayerEntry(target="/a", source=DiskFile(file))
        digests = set()
        for content in (b"one", b"two", b"six"):
            file.write_bytes(content)
            digests.add(pack(store, plan("layer", entry))[0].diff_id)
        assert len(digests) == 3

    @pytest.mark.parametrize(
        "changes",
        [
            {"target": "/other"},
            {"mode": 0o600},
            {"owner": "1"},
            {"mtime": Instant(1_000_000_001)},
            {"source": None},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    def test_every_property_matters(self, store: Store, changes: dict[str, object]) -> None:
        listener = Recorder()
        entry = file_entry("/a", b"content")
        pack(store, plan("layer", entry))
        pack(store, plan("layer", replace(entry, **changes)), listener=listener)  # type: ignore[arg-type]
        assert listener.packed == [("layer", False)]

    @pytest.mark.parametrize(
        "recipe",
        [
            LayerRecipe(level=1),
            LayerRecipe(time_records=False),
            LayerRecipe(gzip_os=0),
            LayerRecipe(compression=Compression.NONE),
            LayerRecipe(compression=Compression.ZSTD),
        ],
        ids=lambda recipe: f"{recipe.compression} {recipe.level}",
    )
    def test_recipe_matters(self, store: Store, recipe: LayerRecipe) -> None:
        listener = Recorder()
        one = plan("layer", file_entry("/a", b"content"))
        (first,) = pack(store, one)
        (other,) = pack(store, one, recipe=recipe, listener=listener)
        assert listener.packed == [("layer", False)]
        assert (other.diff_id == first.diff_id) is recipe.time_records

    def test_default_level_is_the_level_it_stands_for(self, store: Store) -> None:
        listener = Recorder()
        one = plan("layer", file_entry("/a", b"content"))
        pack(store, one)
        pack(store, one, recipe=LayerRecipe(level=6), listener=listener)
        assert listener.packed == [("layer", True)]

    def test_formats_share_bytes(self, store: Store) -> None:
        listener = Recorder()
        one = plan("layer", file_entry("/a", b"content"))
        (docker,) = pack(store, one)
        (oci,) = pack(store, one, image_format=ImageFormat.OCI, listener=listener)
        assert listener.packed == [("layer", True)]
        assert oci.blob.descriptor.media_type == OCI_LAYER_GZIP
        assert oci.blob.descriptor.digest == docker.blob.descriptor.digest

    def test_equal_layers_are_packed_once(self, store: Store) -> None:
        listener = Recorder()
        twins = [plan(name, file_entry("/a", b"content")) for name in ("first", "second")]
        first, second = pack(store, *twins, listener=listener)
        assert listener.packed == [("first", False), ("second", True)]
        assert (first.name, second.name) == ("first", "second")
        assert first.blob == second.blob

    def test_removed_blob_is_packed_again(self, store: Store) -> None:
        listener = Recorder()
        one = plan("layer", file_entry("/a", b"content"))
        (first,) = pack(store, one)
        store.discard(first.blob.descriptor.digest)
        assert pack(store, one, listener=listener) == (first,)
        assert listener.packed == [("layer", False)]


class Fickle(KnownFile):
    """Gives another content from the second time on, under the same fingerprint."""

    def open(self) -> io.BytesIO:  # type: ignore[override]
        super().open()
        return io.BytesIO(self.content if self.opened == 1 else b"CONTENT")


class TestEmptyStore:
    """Where nothing can be found, large layers are read once, and get their keys from that."""

    CONTENT = bytes(range(256)) * 5000

    @pytest.mark.parametrize("recipe", [GZIP, LayerRecipe(in_parts=True)])
    def test_files_are_read_once(self, tmp_path: Path, recipe: LayerRecipe) -> None:
        looked_up, read_once = Store(tmp_path / "1"), Store(tmp_path / "2")
        pack(looked_up, plan("other", file_entry("/other", b"other")))
        twice, once = KnownFile("a", self.CONTENT), KnownFile("a", self.CONTENT)
        entry = LayerEntry(target="/b", source=KnownFile("b", b"small"))
        (expected,) = pack(
            looked_up, plan("layer", LayerEntry(target="/a", source=twice), entry), recipe=recipe
        )
        made = plan("layer", LayerEntry(target="/a", source=once), entry)
        (layer,) = pack(read_once, made, recipe=recipe)
        assert (twice.opened, once.opened) == (2, 1)
        assert layer == expected
        assert read_once.file_digest(once.fingerprint()) == Digest.of(self.CONTENT)

        listener = Recorder()
        assert pack(read_once, made, recipe=recipe, listener=listener) == (layer,)
        assert listener.packed == [("layer", True)]
        assert once.opened == 1

    def test_file_that_changes_while_it_is_read_is_not_remembered(self, store: Store) -> None:
        class Growing(KnownFile):
            def open(self) -> io.BytesIO:  # type: ignore[override]
                self.version += 1
                return io.BytesIO(self.content)

        source = Growing("growing", self.CONTENT)
        pack(store, plan("layer", LayerEntry(target="/a", source=source)))
        for version in range(source.version + 1):
            fingerprint = KnownFile("growing", self.CONTENT, version).fingerprint()
            assert store.file_digest(fingerprint) is None


class Sent:
    """Keeps what is sent ahead."""

    def __init__(self) -> None:
        self.data = b""
        self.finished: list[Descriptor] = []
        self.abandoned = 0

    def write(self, data: bytes | bytearray) -> None:
        self.data += data

    def finish(self, descriptor: Descriptor) -> None:
        self.finished.append(descriptor)

    def abandon(self) -> None:
        self.abandoned += 1


class TestSendingAhead:
    @pytest.mark.parametrize("method", list(Compression))
    @pytest.mark.parametrize("in_parts", [False, True])
    def test_large_layers_are_sent_as_they_are_packed(
        self, store: Store, method: Compression, in_parts: bool
    ) -> None:
        content = random.Random(3).randbytes(1 << 20)
        plans = [
            plan("large", file_entry("/a", content)),
            plan("small", file_entry("/a", b"content")),
        ]
        recipe, sent = LayerRecipe(compression=method, in_parts=in_parts), Sent()
        calls: list[Sent] = []

        def send(name: str, size: int) -> Sent:
            assert (name, size) == ("large", len(content))
            calls.append(sent)
            return sent

        large, _ = pack(store, *plans, recipe=recipe, send_ahead=send)
        assert len(calls) == 1
        assert sent.finished == [large.blob.descriptor]
        assert Digest.of(sent.data) == large.blob.descriptor.digest
        assert not sent.abandoned
        pack(store, *plans, recipe=recipe, send_ahead=send)
        assert len(calls) == 1

    def test_what_is_not_finished_is_abandoned(self, store: Store) -> None:
        sent = Sent()
        entry = LayerEntry(target="/a", source=Claim(4 << 30))
        with pytest.raises(ProjectError, match="changed while"):
            pack(store, plan("layer", entry), send_ahead=lambda *_: sent)
        assert (sent.finished, sent.abandoned) == ([], 1)

    def test_nobody_has_to_take_it(self, store: Store) -> None:
        entry = file_entry("/a", random.Random(3).randbytes(1 << 20))
        (layer,) = pack(store, plan("layer", entry), send_ahead=lambda *_: None)
        assert store.find(layer.blob.descriptor)


class TestFailures:
    def test_file_changed_since_it_was_digested(self, store: Store) -> None:
        entry = LayerEntry(target="/a", source=Fickle("fickle", b"content"))
        with pytest.raises(ProjectError, match="fickle changed while its layer was packed") as info:
            pack(store, plan("layer", entry))
        assert info.value.hint
        assert store.usage().blobs == 0
        assert store.usage().temporary_files == 0

    def test_file_that_grows_while_it_is_digested_is_not_remembered(self, store: Store) -> None:
        class Growing(KnownFile):
            def open(self) -> io.BytesIO:  # type: ignore[override]
                self.version += 1
                return io.BytesIO(self.content)

        source = Growing("growing", b"content")
        pack(store, plan("layer", LayerEntry(target="/a", source=source)))
        for version in range(1, source.version + 1):
            fingerprint = KnownFile("growing", b"content", version).fingerprint()
            assert store.file_digest(fingerprint) is None

    def test_missing_file(self, store: Store, tmp_path: Path) -> None:
        entry = LayerEntry(target="/a", source=DiskFile(tmp_path / "no-such"))
        with pytest.raises(ProjectError, match=r"cannot read .*no-such"):
            pack(store, plan("layer", entry))

    def test_first_failure_stops_the_others(self, store: Store) -> None:
        cancellation = Cancellation()
        pack(store, plan("other", file_entry("/other", b"other")))  # so that keys are looked up
        good = [plan(f"good {size}", large(size)) for size in (1 << 30, 1 << 31)]
        bad = LayerEntry(target="/a", source=Fickle("fickle", b"content"))
        bad_plan = plan("bad", bad, LayerEntry(target="/z", source=Claim(4 << 30)))
        with pytest.raises(ProjectError, match="fickle changed"):
            pack(store, bad_plan, *good, cancellation=cancellation)
        assert cancellation.cancelled
        assert store.usage().blobs == 1
        assert store.usage().temporary_files == 0

    @pytest.mark.parametrize("jobs", [1, 2])
    def test_cancelled_at_any_moment(self, store: Store, jobs: int) -> None:
        cancellation = Cancellation()

        class Cancelling(Recorder):
            def __call__(self, event: Event) -> None:
                cancellation.cancel()

        plans = [plan(f"{size}", file_entry("/a", b"x" * size)) for size in (1, 2, 3)]
        with pytest.raises(CancelledError):
            pack(store, *plans, listener=Cancelling(), cancellation=cancellation, jobs=jobs)
        assert store.usage().blobs == 0
        assert store.usage().temporary_files == 0

    def test_cache_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        store = Store(tmp_path / "file" / "cache")
        with pytest.raises(CacheError) as caught:
            pack(store, plan("layer", file_entry("/a", b"content")))
        assert "--cache" in (caught.value.hint or "")


def large(size: int) -> LayerEntry:
    return LayerEntry(target="/large", source=Zeros(size))


class Claim(LargeFile):
    """Empty at first, so that its key is made at once; its size makes its layer the largest."""

    def open(self) -> io.BytesIO:  # type: ignore[override]
        return io.BytesIO()


class Zeros(LargeFile):
    """Empty when its key is made, and so large when it is packed that only a stop ends it."""

    def open(self) -> io.BytesIO:  # type: ignore[override]
        if threading.current_thread() is threading.main_thread():
            return io.BytesIO()
        return super().open()  # type: ignore[return-value]


class TestDescribe:
    def test_is_what_packing_makes(self, store: Store) -> None:
        one = plan("layer", file_entry("/app/foo.txt", b"hello\n"))
        summary = describe_layer(one, GZIP, store)
        assert summary.size == 4608
        assert summary.packed is None
        assert not store.root.exists()
        (layer,) = pack(store, one)
        assert summary.diff_id == layer.diff_id
        later = describe_layer(one, GZIP, store)
        assert later == replace(summary, packed=layer.blob.descriptor)


@pytest.mark.parametrize("method", list(Compression))
@pytest.mark.parametrize("in_parts", [False, True])
def test_memory_is_flat(store: Store, method: Compression, in_parts: bool) -> None:
    size = 64 << 20
    one = plan("large", LayerEntry(target="/large", source=LargeFile(size)))
    recipe = LayerRecipe(compression=method, level=1, in_parts=in_parts)
    pack(store, plan("small", file_entry("/a")), recipe=recipe)  # imports are not what is measured
    tracemalloc.start()
    try:
        (layer,) = pack(store, one, recipe=recipe, image_format=ImageFormat.OCI)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 << 20
    assert (layer.blob.descriptor.size > size) is (method is Compression.NONE)
