from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pyjib.cancellation import Cancellation
from pyjib.compare import Comparison, Difference, Level, compare_images
from pyjib.errors import CancelledError, ContentError, DigestMismatchError
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.config import ImageConfig
from pyjib.oci.image import AnyImage, Image
from pyjib.oci.json import dump
from pyjib.oci.media_type import Compression, ImageFormat
from tests.support.images import (
    LINUX_ARM64,
    image_of,
    image_with,
    random_image,
    random_index,
    random_tar,
    tar_of,
)

FILES = {"app/": b"", "app/a.class": b"a" * 700, "app/b.class": b"b" * 3000}


def layers_of(*tars: bytes) -> Image:
    history = [{"comment": f"layer {place}"} for place in range(len(tars))]
    return image_of(tars, history=history)


def changed(image: Image, change: Callable[[dict[str, Any]], None]) -> Image:
    """Return an image whose config was changed."""
    document = json.loads(image.config.data)
    change(document)
    return image_with(ImageConfig.parse(dump(document)), image.layers, ImageFormat.DOCKER)


def found(jib: AnyImage, ours: AnyImage, **settings: Any) -> dict[Level, Difference]:
    """Return the differences by level, once it is sure that they are ordered."""
    differences = compare_images(jib, ours, **settings).differences
    order = list(Level)
    assert differences == tuple(sorted(differences, key=lambda one: order.index(one.level)))
    return {difference.level: difference for difference in differences}


def told(difference: Difference) -> tuple[str, str | None, str | None]:
    return difference.place, difference.jib, difference.ours


@pytest.mark.parametrize("image", [random_image(1), random_index(1)], ids=["image", "index"])
def test_equal(image: AnyImage) -> None:
    assert compare_images(image, image) == Comparison(
        jib_digest=image.digest,
        our_digest=image.digest,
        jib_image_id=image.image_id,
        our_image_id=image.image_id,
        has_manifest=True,
        differences=(),
    )
    assert compare_images(image, image).is_equal


def test_images_without_a_counterpart_are_told_without_a_manifest_too() -> None:
    index = random_index(1)
    one, *_ = index.images
    for jib, ours in ((index, one), (one, index)):
        assert set(found(jib, ours, has_manifest=False)) == {Level.INDEX}
    assert compare_images(index, index, has_manifest=False).is_equal


def test_layers_that_are_equal_are_not_read() -> None:
    def refuse() -> io.BytesIO:
        raise AssertionError("a layer was opened")

    image = random_image(1)
    closed = replace(image, layers=tuple(replace(one, opener=refuse) for one in image.layers))
    assert compare_images(closed, closed).is_equal


def test_a_field_of_the_config() -> None:
    jib = random_image(1)
    ours = changed(jib, lambda document: document["config"]["Env"].append("MORE=1"))
    differences = found(jib, ours)
    assert set(differences) == {Level.MANIFEST, Level.CONFIG}
    assert told(differences[Level.CONFIG]) == ("config.Env[1]", None, '"MORE=1"')
    assert told(differences[Level.MANIFEST]) == (
        "config.digest",
        f'"{jib.image_id}"',
        f'"{ours.image_id}"',
    )


def test_the_order_of_members() -> None:
    jib = random_image(1)

    def turn(document: dict[str, Any]) -> None:
        document["os"] = document.pop("os")

    place, left, right = told(found(jib, changed(jib, turn))[Level.CONFIG])
    assert place == "order of members"
    assert left is not None
    assert right is not None
    assert sorted(left.split(", ")) == sorted(right.split(", "))


def test_json_written_in_another_way() -> None:
    jib = random_image(1)
    spaced = jib.config.data.replace(b'":', b'": ', 1)
    ours = image_with(ImageConfig.parse(spaced), jib.layers, ImageFormat.DOCKER)
    offset = spaced.index(b": ") + 1
    place, left, right = told(found(jib, ours)[Level.CONFIG])
    assert place == f"byte {offset}"
    assert (left or "")[:1] == jib.config.data.decode()[offset]
    assert (right or "")[:1] == " "


def test_media_types() -> None:
    jib, ours = random_image(1), random_image(1, image_format=ImageFormat.OCI)
    differences = found(jib, ours)
    assert set(differences) == {Level.MANIFEST}
    assert told(differences[Level.MANIFEST]) == (
        "mediaType",
        f'"{types.DOCKER_MANIFEST}"',
        f'"{types.OCI_MANIFEST}"',
    )


def test_a_layer_more() -> None:
    one, two = random_tar(1), random_tar(2)
    difference = found(layers_of(one), layers_of(one, two))[Level.LAYER]
    assert told(difference) == ("layers", None, "layer 1")
    difference = found(layers_of(one, two), layers_of(one))[Level.LAYER]
    assert told(difference) == ("layers", "layer 1", None)


def test_layers_in_another_order() -> None:
    one, two = random_tar(1), random_tar(2)
    jib = image_of([one, two], history=[{"comment": "one"}, {"comment": "two"}])
    ours = image_of([two, one], history=[{"comment": "two"}, {"comment": "one"}])
    differences = found(jib, ours)
    assert told(differences[Level.LAYER]) == ("order of layers", "one, two", "two, one")
    assert Level.ENTRY not in differences


@pytest.mark.parametrize("names", [(None, None), ("same", "same"), ("", "x")])
def test_layers_are_paired_however_they_are_called(names: tuple[str | None, ...]) -> None:
    history = [{"comment": name} for name in names if name is not None]
    tars = [random_tar(1), random_tar(2)]
    jib, ours = image_of(tars, history=history), image_of([*tars[:1], random_tar(3)])
    ours = changed(ours, lambda document: document.update(history=history))
    assert {Level.LAYER, Level.ENTRY} <= set(found(jib, ours))


@pytest.mark.parametrize("name", ["app/a.class", "app/b.class"])
def test_an_entry_less(name: str) -> None:
    without = {other: content for other, content in FILES.items() if other != name}
    jib, ours = layers_of(tar_of(FILES)), layers_of(tar_of(without))
    differences = found(jib, ours)
    assert told(differences[Level.ENTRY]) == ("layer 'layer 0'", name, None)
    assert Level.BYTE not in differences
    assert told(found(ours, jib)[Level.ENTRY]) == ("layer 'layer 0'", None, name)


def test_entries_in_another_order() -> None:
    turned = dict(reversed(FILES.items()))
    difference = found(layers_of(tar_of(FILES)), layers_of(tar_of(turned)))[Level.ENTRY]
    assert difference.place == "layer 'layer 0'"
    both = {"x": b"", "b": b"", "a": b""}, {"x": b"", "a": b"", "b": b""}
    difference = found(*(layers_of(tar_of(files)) for files in both))[Level.ENTRY]
    assert told(difference) == ("layer 'layer 0', entry number 2", "b", "a")


def test_a_byte_of_content() -> None:
    other = {**FILES, "app/b.class": b"b" * 2999 + b"c"}
    differences = found(layers_of(tar_of(FILES)), layers_of(tar_of(other)))
    assert set(differences) == {Level.MANIFEST, Level.CONFIG, Level.LAYER, Level.BYTE}
    place = "layer 'layer 0', entry app/b.class, byte 2999"
    assert told(differences[Level.BYTE]) == (place, "62", "63")


def test_content_that_ends_early() -> None:
    other = {**FILES, "app/b.class": b"b" * 2998}
    differences = found(layers_of(tar_of(FILES)), layers_of(tar_of(other)))
    place = "layer 'layer 0', entry app/b.class, byte 2998"
    assert told(differences[Level.BYTE]) == (place, "62 62", None)
    assert differences[Level.HEADER].place == "layer 'layer 0', entry app/b.class, size"


def test_contents_larger_than_a_chunk() -> None:
    data = bytearray(random.Random(1).randbytes(3_000_000))
    one = tar_of({"big": bytes(data)})
    data[2_345_678] ^= 1
    difference = found(layers_of(one), layers_of(tar_of({"big": bytes(data)})))[Level.BYTE]
    assert difference.place == "layer 'layer 0', entry big, byte 2345678"


def tar_with(change: Callable[[tarfile.TarInfo], None], **settings: Any) -> bytes:
    """Return a tar of one file whose entry was changed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **settings) as tar:
        entry = tarfile.TarInfo("app/x")
        entry.size = 3
        change(entry)
        tar.addfile(entry, io.BytesIO(b"abc"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("field", "attribute", "value", "shown"),
    [
        ("mode", "mode", 0o755, "'0000755'"),
        ("uid", "uid", 7, "'0000007'"),
        ("gid", "gid", 8, "'0000010'"),
        ("mtime", "mtime", 9, "'00000000011'"),
        ("user name", "uname", "me", "'me'"),
        ("group name", "gname", "us", "'us'"),
        ("link name", "linkname", "there", "'there'"),
        ("type", "type", tarfile.CONTTYPE, "'7'"),
    ],
)
def test_a_header_field(field: str, attribute: str, value: Any, shown: str) -> None:
    jib = tar_with(lambda entry: None)
    ours = tar_with(lambda entry: setattr(entry, attribute, value))
    differences = found(layers_of(jib), layers_of(ours))
    assert differences[Level.HEADER].place == f"layer 'layer 0', entry app/x, {field}"
    assert differences[Level.HEADER].ours == shown
    assert {Level.ENTRY, Level.BYTE}.isdisjoint(differences)


def test_how_a_number_is_padded() -> None:
    jib = bytearray(tar_with(lambda entry: None))
    jib[107:108] = b" "  # the end of the mode
    total = sum(jib[:148]) + 8 * 0x20 + sum(jib[156:512])
    jib[148:156] = b"%06o\0 " % total
    ours = tar_with(lambda entry: None)
    difference = found(layers_of(bytes(jib)), layers_of(ours))[Level.HEADER]
    place = "layer 'layer 0', entry app/x, mode"
    assert told(difference) == (place, "'0000644 '", r"'0000644'")


def records(**values: str) -> bytes:
    def change(entry: tarfile.TarInfo) -> None:
        entry.pax_headers = values

    return tar_with(change, format=tarfile.PAX_FORMAT)


@pytest.mark.parametrize(
    ("jib", "ours", "what"),
    [
        (records(), records(atime="1"), ("PAX record atime", None, "1")),
        (records(atime="1", ctime="2"), records(atime="1"), ("PAX record ctime", "2", None)),
        (records(atime="1"), records(atime="2"), ("PAX record atime", "1", "2")),
        (
            records(atime="1", ctime="1"),
            records(ctime="1", atime="1"),
            ("order of PAX records", "atime, ctime", "ctime, atime"),
        ),
    ],
)
def test_pax_records(jib: bytes, ours: bytes, what: tuple[str, str | None, str | None]) -> None:
    place, left, right = told(found(layers_of(jib), layers_of(ours))[Level.HEADER])
    assert (place, left, right) == (f"layer 'layer 0', entry app/x, {what[0]}", *what[1:])


@pytest.mark.parametrize("style", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names(style: int) -> None:
    name = f"{'directory/' * 12}file"

    def called(entry: tarfile.TarInfo) -> None:
        entry.name = name

    jib = tar_with(called, format=style)
    ours = tar_with(lambda entry: None)
    difference = found(layers_of(jib), layers_of(ours))[Level.ENTRY]
    assert told(difference) == ("layer 'layer 0'", None, "app/x")
    assert told(found(layers_of(ours), layers_of(jib))[Level.ENTRY])[1] == "app/x"
    other = layers_of(tar_with(called, format=tarfile.PAX_FORMAT, pax_headers={"comment": "1"}))
    header = found(layers_of(jib), other)[Level.HEADER]
    assert header.place == f"layer 'layer 0', entry {name}, PAX record comment"


def test_how_the_tar_ends() -> None:
    jib = tar_of(FILES).rstrip(b"\0")
    jib += bytes(-len(jib) % 512)
    differences = found(layers_of(jib + bytes(1024)), layers_of(jib + bytes(2048)))
    place = "layer 'layer 0', end of the tar"
    assert told(differences[Level.HEADER]) == (place, "1024 zeros", "2048 zeros")
    difference = found(layers_of(jib + bytes(1024)), layers_of(jib))[Level.HEADER]
    assert difference.ours == "0 zeros"
    differences = found(layers_of(jib + bytes(1024)), layers_of(jib + bytes(512) + b"x"))
    assert differences[Level.HEADER].ours == "513 bytes, not all of them zeros"


def gzipped(tar: bytes, data: bytes) -> Image:
    """Return an image of one layer, compressed as ``data``."""
    image = layers_of(tar)
    layer = Blob.of_bytes(data, types.DOCKER_LAYER_GZIP)
    return image_with(image.config, [layer], ImageFormat.DOCKER)


def test_gzip_headers() -> None:
    tar = tar_of(FILES)
    data = gzip.compress(tar, mtime=0)
    for offset, name in ((4, "time"), (8, "extra flags"), (9, "operating system")):
        other = bytearray(data)
        other[offset] ^= 0x55
        differences = found(gzipped(tar, data), gzipped(tar, bytes(other)))
        assert set(differences) == {Level.MANIFEST, Level.LAYER, Level.BYTE}
        assert told(differences[Level.BYTE]) == (
            f"layer 'layer 0', gzip header, {name}, byte {offset}",
            f"{data[offset]:02x}",
            f"{other[offset]:02x}",
        )


def test_compressed_in_another_way() -> None:
    tar = tar_of(FILES)
    jib = gzipped(tar, gzip.compress(tar, 6, mtime=0))
    best = gzipped(tar, gzip.compress(tar, 0, mtime=0))
    assert found(jib, best)[Level.BYTE].place.startswith("layer 'layer 0', gzip ")
    zstd = image_of([tar], compression=Compression.ZSTD, history=[{"comment": "layer 0"}])
    difference = found(jib, zstd)[Level.BYTE]
    assert told(difference) == ("layer 'layer 0', compression", "gzip", "zstd")


def test_where_there_is_no_manifest_compressed_bytes_do_not_matter() -> None:
    tar = tar_of(FILES)
    jib = gzipped(tar, gzip.compress(tar, 6, mtime=0))
    ours = gzipped(tar, gzip.compress(tar, 9, mtime=5))
    result = compare_images(jib, ours, has_manifest=False)
    assert result.is_equal
    assert result.jib_digest is None
    assert not compare_images(jib, ours).is_equal
    other = layers_of(tar_of({**FILES, "app/c": b""}))
    differences = found(jib, other, has_manifest=False)
    assert {Level.CONFIG, Level.LAYER, Level.ENTRY} <= set(differences)
    assert Level.MANIFEST not in differences


def test_the_first_of_each_level_is_found_wherever_it_is() -> None:
    jib = layers_of(tar_of({"a": b"1"}), tar_of({"b": b"", "c": b""}))
    ours = layers_of(tar_of({"a": b"2"}), tar_of({"b": b""}))
    differences = found(jib, ours)
    assert differences[Level.BYTE].place == "layer 'layer 0', entry a, byte 0"
    assert told(differences[Level.ENTRY]) == ("layer 'layer 1'", "c", None)


def test_indexes() -> None:
    jib, ours = random_index(1), random_index(2)
    differences = found(jib, ours)
    assert differences[Level.INDEX].place == "manifests[0].digest"
    assert differences[Level.CONFIG].place == "linux/amd64 config.Env[0]"


def test_an_index_and_an_image() -> None:
    index = random_index(1)
    differences = found(index, index.images[1])
    assert set(differences) == {Level.INDEX}
    assert told(differences[Level.INDEX]) == (
        "kind",
        "an index for linux/amd64, linux/arm64/v8",
        "one image for linux/arm64/v8",
    )
    assert set(found(index.images[0], index)) == {Level.INDEX}


def test_another_platform() -> None:
    jib, ours = random_image(1), random_image(1, platform=LINUX_ARM64)
    assert told(found(jib, ours)[Level.CONFIG]) == ("architecture", '"amd64"', '"arm64"')


@pytest.mark.parametrize(
    "damage",
    [
        lambda tar: tar[:700],
        lambda tar: tar[:1800],
        lambda tar: b"x" * 512 + tar,
        lambda tar: tar[:512] + b"\xff" * 512 + tar[1024:],
    ],
)
def test_what_is_no_tar(damage: Callable[[bytes], bytes]) -> None:
    tar = tar_of(FILES)
    with pytest.raises(ContentError, match="layer 'layer 0': "):
        compare_images(layers_of(tar), layers_of(damage(tar)))


def test_layers_are_verified() -> None:
    jib, ours = layers_of(tar_of(FILES)), layers_of(tar_of({**FILES, "z": b""}))
    data = gzip.compress(tar_of({**FILES, "z": b"1"}))
    descriptor = replace(ours.layers[0].descriptor, size=len(data))
    lying = Blob(descriptor=descriptor, opener=lambda: io.BytesIO(data))
    with pytest.raises(DigestMismatchError, match="layer 'layer 0': "):
        compare_images(jib, replace(ours, layers=(lying,)))


def test_it_can_be_cancelled() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(CancelledError):
        compare_images(random_image(1), random_image(2), cancellation=cancellation)
