"""Fresh machines: what the registry has is not packed again, and no lie changes an image."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard

from pyjib.build import BuildResult
from pyjib.cancellation import Cancellation
from pyjib.errors import CancelledError, ContentError, NotFoundError
from pyjib.events import LayerPacked
from pyjib.layer.decompress import BeyondMeasureError
from pyjib.layer_index.repository import LayerRepository
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.identity import PYJIB, Identity
from pyjib.oci.image import Image
from pyjib.oci.json import dump
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import LINUX_AMD64
from pyjib.oci.reference import Reference
from pyjib.options import CompressionChoice, LayerIndexMode
from pyjib.serve import Fault, Moment, RegistryServer
from tests.support.clients import watched
from tests.support.fresh_runners import JIB, LIBRARY, Runner, make_runner, write_project
from tests.support.images import LINUX_ARM64, temurin_index
from tests.support.registry import blob_in, put_blob, put_image

IDENTITIES = pytest.mark.parametrize("identity", [PYJIB, JIB], ids=["pyjib", "jib"])


@pytest.fixture
def runner(registry_unchecked: RegistryServer, tmp_path: Path) -> Runner:
    return make_runner(registry_unchecked, tmp_path)


def reused(runner: Runner) -> dict[str, str]:
    return {e.name: e.source for e in runner.events if isinstance(e, LayerPacked) and e.source}


@pytest.mark.parametrize(
    ("identity", "method"),
    [(PYJIB, Compression.GZIP), (PYJIB, Compression.ZSTD), (JIB, Compression.GZIP)],
    ids=["pyjib", "pyjib's zstd", "jib"],
)
def test_nothing_changed(
    registry: RegistryServer, tmp_path: Path, identity: Identity, method: Compression
) -> None:
    runner = make_runner(registry, tmp_path, identity)
    choice = CompressionChoice(method=method)
    cold = runner.fresh(compression=choice)
    assert runner.large
    warm = runner.fresh(compression=choice)
    assert (warm.digest, warm.image_id) == (cold.digest, cold.image_id)
    assert not any(line.startswith(("POST", "PUT")) for line in runner.asked)
    assert reused(runner) == {"dependencies": f"{registry.address}/team/app"}
    # Nothing of it was downloaded, and nothing of it packed.
    assert not runner.large
    assert max(seen.sent for seen in registry.journal) < 1 << 16


def test_what_is_not_compressed_is_not_looked_for(runner: Runner) -> None:
    choice = CompressionChoice(method=Compression.NONE)
    cold = runner.fresh(compression=choice)
    assert runner.fresh(compression=choice).digest == cold.digest
    assert not any(line.startswith(("GET team", "POST", "PUT")) for line in runner.asked)


def test_requests_of_a_fresh_runner(runner: Runner) -> None:
    cold = runner.fresh()
    runner.fresh()
    config = cold.image.manifest.config.digest if isinstance(cold.image, Image) else None
    layer = cold.layers[0].blob.descriptor.digest
    learnt = [line for line in runner.asked if "team/app" in line]
    assert learnt == [
        "HEAD team/app/manifests/1",
        "GET team/app/manifests/1",
        f"GET team/app/blobs/{config}",
        f"GET team/app/blobs/{layer}",
        f"GET team/app/blobs/{layer}",
    ]


def test_the_next_build_on_that_machine_asks_once(runner: Runner) -> None:
    cold = runner.fresh()
    runner.fresh()
    again = runner.again()
    assert again.digest == cold.digest
    assert not runner.large
    layer = cold.layers[0].blob.descriptor.digest
    assert [line for line in runner.asked if "team/app" in line] == [
        "HEAD team/app/manifests/1",
        f"HEAD team/app/blobs/{layer}",
    ]


@IDENTITIES
def test_one_layer_changed(registry: RegistryServer, tmp_path: Path, identity: Identity) -> None:
    runner = make_runner(registry, tmp_path, identity)
    runner.fresh()
    (runner.project / "target" / "classes" / "application.properties").write_text("greeting=hi\n")
    changed = runner.fresh()
    assert not runner.large
    assert runner.sent == 2  # that layer and the config
    assert changed.digest == runner.fresh(layer_index=LayerIndexMode.OFF).digest
    assert runner.large


def test_a_large_layer_changed(runner: Runner) -> None:
    runner.fresh()
    write_project(runner.project, seed=1)
    changed = runner.fresh()
    assert runner.large
    assert changed.digest == runner.fresh(layer_index=LayerIndexMode.OFF).digest


def test_off_asks_nothing(runner: Runner) -> None:
    runner.fresh()
    runner.fresh(layer_index=LayerIndexMode.OFF)
    assert runner.large
    assert not any(line.startswith("GET team") for line in runner.asked)


def test_a_first_build_asks_nothing(runner: Runner) -> None:
    runner.fresh()
    learnt = ("GET team/app/manifests", "GET team/app/blobs")
    assert not any(line.startswith(learnt) for line in runner.asked)


def test_a_tag_of_its_own_for_each_build(runner: Runner) -> None:
    """As CI has it: a new tag first, and one that moves."""
    runner.fresh(tags=("latest",))
    other = f"{runner.registry.address}/team/app:2"
    runner.fresh(to=[other], tags=("latest",))
    assert not runner.large


def test_two_platforms(registry: RegistryServer, tmp_path: Path) -> None:
    runner = make_runner(registry, tmp_path)
    put_image(registry, "library/jre", temurin_index(), "17")
    platforms = (LINUX_AMD64, LINUX_ARM64)
    cold = runner.fresh(platforms=platforms)
    assert runner.fresh(platforms=platforms).digest == cold.digest
    assert not runner.large


def test_the_other_format_has_the_same_layers(runner: Runner) -> None:
    runner.fresh(format=ImageFormat.OCI)
    docker = runner.fresh()
    assert not runner.large
    assert docker.digest == runner.fresh(layer_index=LayerIndexMode.OFF).digest


def test_other_targets_get_the_layers_too(runner: Runner, tmp_path: Path) -> None:
    runner.fresh()
    archive = tmp_path / "app.tar"
    both = runner.fresh(to=[runner.target, f"tar://{archive}"])
    assert not runner.large
    digest = both.layers[0].blob.descriptor.digest
    with tarfile.open(archive) as tar:
        member = tar.extractfile(f"blobs/sha256/{digest.hex}")
        assert member is not None
        assert Digest.of(member.read()) == digest


def test_another_identitys_image_teaches_nothing(runner: Runner) -> None:
    runner.fresh(identity=JIB)
    assert runner.fresh().digest == runner.fresh(layer_index=LayerIndexMode.OFF).digest
    runner.fresh(identity=Identity.of_jib("3.4.6"))
    runner.fresh(identity=JIB)
    assert runner.large


@pytest.mark.parametrize("level", [6, 9])
@IDENTITIES
def test_another_level_is_packed(
    registry_unchecked: RegistryServer, tmp_path: Path, identity: Identity, level: int
) -> None:
    """An image does not tell how its layers were compressed; their bytes do."""
    runner = make_runner(registry_unchecked, tmp_path, identity)
    compressible(runner)
    other = CompressionChoice(method=Compression.GZIP, level=level)
    first = runner.fresh(compression=other)
    normal = runner.fresh()
    assert runner.large is (first.digest != normal.digest)
    assert normal.digest == runner.fresh(layer_index=LayerIndexMode.OFF).digest


def compressible(runner: Runner) -> None:
    lines = (f"line {number * number}\n" for number in range(200_000))
    (runner.project / LIBRARY).write_text("".join(lines))


# Lies: whatever the registry says of its layers, the image is the one of a cold build.


def poisoned(runner: Runner, cold: BuildResult, lie: Blob, **changes: Any) -> None:
    """Let the tag name an image like ``cold`` that says its first layer is another blob."""
    image = cold.image
    assert isinstance(image, Image)
    base = len(image.layers) - len(cold.layers)
    layers = list(image.layers)
    layers[base] = Blob(
        descriptor=replace(lie.descriptor, **changes),
        opener=lie.opener,
    )
    document = json.loads(image.manifest.data)
    document["layers"][base] = layers[base].descriptor.to_json()
    put_blob(runner.registry, "team/app", lie)
    put_manifest(runner, "team/app", "1", document)


def put_manifest(runner: Runner, name: str, tag: str, document: dict[str, Any]) -> None:
    with watched() as it:
        reference = Reference.parse(f"{runner.registry.address}/{name}:{tag}")
        it.client.manifest_put(reference, dump(document), document["mediaType"])


def large_layer(runner: Runner, cold: BuildResult) -> Blob:
    descriptor = cold.layers[0].blob.descriptor
    data = blob_in(runner.registry, "team/app", descriptor.digest)
    return Blob.of_bytes(data, descriptor.media_type)


def middle_changed(data: bytes) -> bytes:
    place = len(data) // 2
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def liar(kind: str, blob: Blob) -> tuple[Blob, dict[str, Any]]:
    data, media_type = blob.read(1 << 24), blob.descriptor.media_type
    match kind:
        case "other content":
            return Blob.of_bytes(
                gzip.compress(hashlib.sha512(data).digest() * 40_000), media_type
            ), {}
        case "first byte":
            return Blob.of_bytes(b"\x1e" + data[1:], media_type), {}
        case "last byte":
            return Blob.of_bytes(data[:-1] + bytes([data[-1] ^ 1]), media_type), {}
        case "tiny":
            return Blob.of_bytes(b"", media_type), {}
        case "media type":
            return blob, {"media_type": types.OCI_LAYER_ZSTD}
        case _:
            raise AssertionError(kind)


@IDENTITIES
@pytest.mark.parametrize("kind", ["other content", "first byte", "last byte", "tiny", "media type"])
def test_a_previous_image_that_lies(
    registry_unchecked: RegistryServer, tmp_path: Path, identity: Identity, kind: str
) -> None:
    runner = make_runner(registry_unchecked, tmp_path, identity)
    cold = runner.fresh()
    lie, changes = liar(kind, large_layer(runner, cold))
    poisoned(runner, cold, lie, **changes)
    again = runner.fresh()
    assert runner.large
    assert (again.digest, again.image_id) == (cold.digest, cold.image_id)


@pytest.mark.parametrize("difference", [-1, 1, 1 << 62])
def test_a_previous_image_that_lies_of_sizes(runner: Runner, difference: int) -> None:
    """No good registry takes such a manifest, so a bad one makes it up."""
    cold = runner.fresh()
    assert isinstance(cold.image, Image)
    document = json.loads(cold.image.manifest.data)
    document["layers"][-len(cold.layers)]["size"] += difference
    lie = Fault(
        at=Moment.AFTER,
        method="GET",
        path="/v2/team/app/manifests/1",
        body=dump(document),
        remove=frozenset({"Docker-Content-Digest"}),
    )
    runner.registry.faults.add(lie)
    assert runner.fresh().digest == cold.digest
    assert runner.large


def test_what_a_forged_middle_comes_to(runner: Runner, tmp_path: Path) -> None:
    """The image ID stays; no runtime unpacks such a layer, and neither does pyjib."""
    cold = runner.fresh()
    forged = Blob.of_bytes(
        middle_changed(large_layer(runner, cold).read(1 << 24)),
        cold.layers[0].blob.descriptor.media_type,
    )
    poisoned(runner, cold, forged)
    fooled = runner.fresh()
    assert not runner.large
    assert fooled.image_id == cold.image_id
    assert fooled.digest != cold.digest
    poisoned(runner, cold, forged)
    with pytest.raises(ContentError) as caught:
        runner.fresh(to=[runner.target, f"tar://{tmp_path}/app.tar"])
    assert not (tmp_path / "app.tar").exists()
    assert caught.value.message


def test_a_kill_before_the_check_leaves_nothing_in_the_store(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = runner.fresh()

    class Kill(BaseException):
        pass

    def kill(_: Digest, passing: Any, *__: object) -> bool:
        passing.read_on()
        raise Kill

    monkeypatch.setattr("pyjib.layer_index.repository._unpacks_to", kill)
    with pytest.raises(Kill):
        runner.fresh(to=[runner.target, f"tar://{tmp_path}/app.tar"])
    assert not runner.large
    assert runner.store.find(cold.layers[0].blob.descriptor) is None


@pytest.mark.parametrize("media_type", [types.OCI_LAYER_GZIP, types.OCI_LAYER_ZSTD])
def test_a_bomb_can_be_cancelled(runner: Runner, media_type: str) -> None:
    """A few bytes that unpack to gigabytes: the registry's side of it is over in a moment."""
    cancellation, seen = Cancellation(), []

    def check() -> None:
        seen.append(None)
        if len(seen) == 3:
            cancellation.cancel()
        cancellation.check()

    run = (128 * 1024) << 3 | 1 << 1  # a block that says one byte so many times
    bomb = {
        types.OCI_LAYER_GZIP: gzip.compress(bytes(1 << 26), 9),
        types.OCI_LAYER_ZSTD: b"\x28\xb5\x2f\xfd\x00\x58"
        + (run.to_bytes(3, "little") + b"0") * 9999,
    }[media_type]
    blob = Blob.of_bytes(bomb, media_type)
    put_blob(runner.registry, "team/app", blob)
    with watched() as it:
        place = LayerRepository(
            name=Reference.parse(runner.target),
            client=it.client,
            store=runner.store,
            listener=it.events.append,
            check=check,
        )
        with pytest.raises(CancelledError):
            place.blob(blob.descriptor, Digest.of(b"")).open()
    assert len(seen) == 3
    assert runner.store.usage().files == 0


def test_zeros_are_no_lie(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever packs gigabytes of them by zstd is told what to do, and nobody is accused."""
    monkeypatch.setattr("pyjib.layer.decompress.HARMLESS_SIZE", 1 << 20)
    data = zstandard.compress(bytes(32 << 20))
    blob = Blob.of_bytes(data, types.OCI_LAYER_ZSTD)
    put_blob(runner.registry, "team/app", blob)
    with watched() as it:
        place = LayerRepository(
            name=Reference.parse(runner.target),
            client=it.client,
            store=runner.store,
            listener=it.events.append,
            check=lambda: None,
        )
        with pytest.raises(BeyondMeasureError, match="beyond all measure") as caught:
            place.blob(blob.descriptor, Digest.of(bytes(32 << 20))).open()
    assert "--layer-index off" in (caught.value.hint or "")
    assert runner.store.usage().files == 0


def test_a_layer_that_is_gone(runner: Runner) -> None:
    cold = runner.fresh()
    with watched() as it:
        name = Reference.parse(runner.target)
        assert it.client.blob_delete(name, cold.layers[0].blob.descriptor.digest)
    again = runner.fresh()
    assert runner.large
    assert again.digest == cold.digest


def test_a_layer_that_goes_while_it_is_counted_on(runner: Runner, tmp_path: Path) -> None:
    cold = runner.fresh()
    blob = cold.layers[0].blob.descriptor.digest
    path = f"/v2/team/app/blobs/{blob}"
    runner.registry.faults.add(Fault(method="GET", path=path, status=404, calls=(3, None)))
    with pytest.raises(NotFoundError) as caught:
        runner.fresh(to=[runner.target, f"tar://{tmp_path}/app.tar"])
    assert caught.value.hint == "build again: what a registry does not have is packed"


def test_a_registry_without_ranges(runner: Runner) -> None:
    cold = runner.fresh()
    runner.registry.faults.add(Fault(path="/v2/team/app/blobs/*", hide=frozenset({"range"})))
    assert runner.fresh().digest == cold.digest
    assert runner.large


@pytest.mark.parametrize("status", [403, 404, 429, 500])
@pytest.mark.parametrize("path", ["/v2/team/app/manifests/1", "/v2/team/app/blobs/*"])
def test_a_registry_that_refuses_to_tell(runner: Runner, status: int, path: str) -> None:
    """Nothing is asked twice, nothing is told: nobody asked for it."""
    cold = runner.fresh()
    runner.registry.faults.add(Fault(method="GET", path=path, status=status))
    assert runner.fresh().digest == cold.digest
    assert runner.large
    assert runner.warnings == []


NOT_AN_IMAGE: list[tuple[str, dict[str, Any]]] = [
    ("no history", {"rootfs": {"type": "layers", "diff_ids": []}}),
    ("odd history", {"history": 5, "rootfs": {"diff_ids": ["sha256:" + "0" * 64] * 3}}),
    ("odd entries", {"history": [5, None], "rootfs": {"diff_ids": []}}),
]


@pytest.mark.parametrize("document", [pair[1] for pair in NOT_AN_IMAGE], ids=lambda _: "")
def test_a_config_that_makes_no_sense(runner: Runner, document: dict[str, Any]) -> None:
    cold = runner.fresh()
    image = cold.image
    assert isinstance(image, Image)
    config = dump({"os": "linux", "architecture": "amd64", **document})
    put_blob(runner.registry, "team/app", Blob.of_bytes(config, types.DOCKER_CONFIG))
    manifest = json.loads(image.manifest.data)
    manifest["config"] = Descriptor.of(config, types.DOCKER_CONFIG).to_json()
    put_manifest(runner, "team/app", "1", manifest)
    assert runner.fresh().digest == cold.digest
    assert runner.large


def test_memory_does_not_grow_with_the_layer(runner: Runner) -> None:
    """A layer that is recognised is hashed piece by piece, and nothing of it is kept."""
    library = runner.project / LIBRARY
    block = bytes(range(256)) * 4096

    def peak(blocks: int) -> int:
        with library.open("wb") as file:
            for _ in range(blocks):
                file.write(block)
        runner.fresh()
        tracemalloc.start()
        try:
            runner.fresh()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = peak(4), peak(48)
    assert not runner.large
    assert large < small + (6 << 20)  # of 44 more; threads may be some pieces ahead
