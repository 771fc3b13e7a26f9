from __future__ import annotations

import io
import json
import os
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pyjib.cancellation import Cancellation
from pyjib.destination.archive import ArchiveDestination, archive_chunks, archive_size
from pyjib.errors import CacheError, CancelledError, DestinationError, DigestMismatchError
from pyjib.events import Event, TransferFinished, TransferProgress, TransferStarted
from pyjib.oci.config import ImageConfig
from pyjib.oci.digest import Digest
from pyjib.oci.image import AnyImage, ImageIndex, images_of
from pyjib.oci.json import dump
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.reference import Reference
from tests.support import peers
from tests.support.images import LINUX_ARM64, checked, image_with, random_image, random_index

NAMES = (Reference.parse("app:1"), Reference.parse("ghcr.io/me/app:latest"))


def archive(image: AnyImage, names: Sequence[Reference] = NAMES) -> bytes:
    return b"".join(archive_chunks(checked(image), names))


def members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        found = {}
        for entry in tar:
            assert entry.name not in found
            assert (entry.mode, entry.uid, entry.gid, entry.mtime) == (0o644, 0, 0, 0)
            assert (entry.uname, entry.gname, entry.isreg()) == ("", "", True)
            content = tar.extractfile(entry)
            assert content is not None
            found[entry.name] = content.read()
        return found


@pytest.mark.parametrize("image_format", ImageFormat)
@pytest.mark.parametrize("compression", Compression)
def test_an_archive_is_a_layout_and_a_docker_archive_over_the_same_blobs(
    image_format: ImageFormat, compression: Compression
) -> None:
    image = random_image(image_format=image_format, compression=compression)
    found = members(archive(image))
    assert list(found)[:3] == ["oci-layout", "index.json", "manifest.json"]
    assert found["oci-layout"] == b'{"imageLayoutVersion":"1.0.0"}'
    assert json.loads(found["index.json"]) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {
                **image.descriptor.to_json(),
                "annotations": {
                    "io.containerd.image.name": name,
                    "org.opencontainers.image.ref.name": tag,
                },
            }
            for name, tag in (
                ("docker.io/library/app:1", "1"),
                ("ghcr.io/me/app:latest", "latest"),
            )
        ],
    }
    layers = [f"blobs/sha256/{layer.descriptor.digest.hex}" for layer in image.layers]
    assert json.loads(found["manifest.json"]) == [
        {
            "Config": f"blobs/sha256/{image.image_id.hex}",
            "RepoTags": ["docker.io/library/app:1", "ghcr.io/me/app:latest"],
            "Layers": layers,
        }
    ]
    blobs = {name: data for name, data in found.items() if name.startswith("blobs/")}
    assert list(blobs) == [
        *layers,
        f"blobs/sha256/{image.image_id.hex}",
        f"blobs/sha256/{image.digest.hex}",
    ]
    for name, data in blobs.items():
        assert name == f"blobs/sha256/{Digest.of(data).hex}"


def test_several_platforms_are_all_there_and_old_engines_get_linux_amd64() -> None:
    index = random_index(platforms=(LINUX_ARM64, random_image().platform))
    found = members(archive(index))
    assert json.loads(found["index.json"])["manifests"][0]["digest"] == str(index.digest)
    amd64 = index.images[1]
    (listed,) = json.loads(found["manifest.json"])
    assert listed["Config"] == f"blobs/sha256/{amd64.image_id.hex}"
    for image in images_of(index):
        layers = [layer.descriptor.digest for layer in image.layers]
        for digest in (image.digest, image.image_id, *layers):
            assert f"blobs/sha256/{digest.hex}" in found


def test_without_linux_amd64_old_engines_get_the_first_platform() -> None:
    index = random_index(platforms=(LINUX_ARM64,))
    (listed,) = json.loads(members(archive(index))["manifest.json"])
    assert listed["Config"] == f"blobs/sha256/{index.images[0].image_id.hex}"


def test_a_layer_that_occurs_twice_is_stored_once_and_listed_twice() -> None:
    image = random_image(layers=1)
    diff_ids = [str(image.config.diff_ids[0])] * 2
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    config = ImageConfig.parse(dump({**image.config.document, "history": [], "rootfs": rootfs}))
    found = members(archive(image_with(config, image.layers * 2, ImageFormat.DOCKER)))
    (listed,) = json.loads(found["manifest.json"])
    assert len(listed["Layers"]) == 2
    assert len(set(listed["Layers"])) == 1


def test_an_archive_without_names_has_one_entry() -> None:
    image = random_image()
    found = members(archive(image, ()))
    assert json.loads(found["index.json"])["manifests"] == [image.descriptor.to_json()]
    assert json.loads(found["manifest.json"])[0]["RepoTags"] == []


def test_archives_are_reproducible_and_their_size_is_known() -> None:
    for image in (random_image(3), random_index(3)):
        data = archive(image)
        assert data == archive(image)
        assert len(data) == archive_size(image, NAMES)
        assert data.endswith(bytes(1024))
        assert all(archive_chunks(image, NAMES))


def test_sizes_beyond_8_gib_fit_into_a_header() -> None:
    image = random_image(layers=1)
    descriptor = replace(image.layers[0].descriptor, size=(8 << 30) + 5)
    large = replace(image, layers=(replace(image.layers[0], descriptor=descriptor),))
    header = next(
        chunk
        for chunk in archive_chunks(large, NAMES)
        if chunk.startswith(f"blobs/sha256/{descriptor.digest.hex}".encode())
    )
    assert tarfile.TarInfo.frombuf(header, "utf-8", "strict").size == descriptor.size
    assert archive_size(large, NAMES) > 8 << 30


def test_a_file_is_written_as_a_whole_with_progress(tmp_path: Path) -> None:
    events: list[Event] = []
    path = tmp_path / "app.tar"
    image = random_image()
    destination = ArchiveDestination(path=path, names=NAMES, listener=events.append)
    destination.check()
    published = destination.write(checked(image))
    assert path.read_bytes() == archive(image)
    assert [child.name for child in tmp_path.iterdir()] == ["app.tar"]
    assert published.location == f"tar://{path}"
    assert (published.digest, published.image_id) == (image.digest, image.image_id)
    assert published.tags == ("1", "latest")
    assert not published.pushed
    first, *between, last = events
    size = path.stat().st_size
    assert isinstance(first, TransferStarted)
    assert first.total == size
    assert isinstance(last, TransferFinished)
    assert last.size == size
    done = [event.done for event in between if isinstance(event, TransferProgress)]
    assert done == sorted(done)
    assert done[-1] == size


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.tar", tmp_path / "link.tar"
    real.write_bytes(b"old")
    link.symlink_to(real)
    ArchiveDestination(path=link, names=NAMES).write(checked(random_image()))
    assert link.is_symlink()
    assert real.stat().st_size > 3


def test_missing_directories_are_made(tmp_path: Path) -> None:
    """As Jib's ``buildTar`` does, and as a layout's are."""
    path = tmp_path / "new" / "deep" / "app.tar"
    destination = ArchiveDestination(path=path, names=NAMES)
    destination.check()
    assert not list(tmp_path.iterdir())
    destination.write(checked(random_image()))
    assert [entry.name for entry in path.parent.iterdir()] == ["app.tar"]


def test_directories_that_were_made_in_vain_are_gone_again(tmp_path: Path) -> None:
    stopped = Cancellation()
    stopped.cancel()
    (tmp_path / "old").mkdir()
    path = tmp_path / "old" / "new" / "deep" / "app.tar"
    with pytest.raises(CancelledError):
        ArchiveDestination(path=path, names=NAMES, cancellation=stopped).write(random_image())
    assert [entry.name for entry in tmp_path.rglob("*")] == ["old"]


def test_directories_above_one_that_cannot_be_made_are_gone_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / ("x" * 300) / "app.tar"
    with pytest.raises(DestinationError, match="cannot write"):
        ArchiveDestination(path=path, names=NAMES).write(random_image())
    assert not list(tmp_path.iterdir())


def test_what_somebody_else_put_into_a_new_directory_stays(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "app.tar"

    def put(event: Event) -> None:
        if isinstance(event, TransferProgress):
            (tmp_path / "new" / "theirs").touch()
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        ArchiveDestination(path=path, names=NAMES, listener=put).write(random_image())
    assert [entry.name for entry in sorted(tmp_path.rglob("*"))] == ["new", "theirs"]


def test_a_file_where_a_directory_would_be(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    destination = ArchiveDestination(path=file / "deep" / "app.tar", names=NAMES)
    for action in (destination.check, lambda: destination.write(random_image())):
        with pytest.raises(DestinationError) as caught:
            action()
        assert caught.value.message.endswith(f"app.tar: {file} is no directory")
        assert caught.value.hint


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_closed_directory_is_told_before_anything_is_built(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    for path in (closed / "app.tar", closed / "deep" / "app.tar"):
        with pytest.raises(DestinationError, match=f"no permission to write in {closed}"):
            ArchiveDestination(path=path, names=NAMES).check()


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="no regular file"):
        ArchiveDestination(path=tmp_path, names=NAMES).check()
    if os.path.exists(os.devnull):  # noqa: PTH110  (a device on every system)
        with pytest.raises(DestinationError):
            ArchiveDestination(path=Path(os.devnull), names=NAMES).check()


def test_a_name_that_is_too_long_is_named(tmp_path: Path) -> None:
    destination = ArchiveDestination(path=tmp_path / ("x" * 300), names=NAMES)
    for action in (destination.check, lambda: destination.write(random_image())):
        with pytest.raises(DestinationError, match="cannot write"):
            action()
    assert not list(tmp_path.iterdir())


def test_a_link_in_a_circle_is_replaced_or_refused(tmp_path: Path) -> None:
    link = tmp_path / "link.tar"
    link.symlink_to(link)
    with suppress(DestinationError):
        ArchiveDestination(path=link, names=NAMES).write(checked(random_image()))
    assert [child.name for child in tmp_path.iterdir()] == ["link.tar"]


def test_damage_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "app.tar"
    path.write_bytes(b"old")
    image = random_image()
    broken = replace(image.layers[1], opener=lambda: io.BytesIO(bytes(broken_size)))
    broken_size = image.layers[1].descriptor.size
    with pytest.raises(DigestMismatchError):
        ArchiveDestination(path=path, names=NAMES).write(
            replace(image, layers=(image.layers[0], broken))
        )
    _assert_untouched(path)


def test_a_layer_that_vanished_from_disk_is_no_fault_of_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "app.tar"
    path.write_bytes(b"old")
    image = random_image(layers=1)
    gone = replace(image.layers[0], opener=lambda: (tmp_path / "gone").open("rb"))
    with pytest.raises(CacheError, match=str(gone.descriptor.digest)):
        ArchiveDestination(path=path, names=NAMES).write(replace(image, layers=(gone,)))
    _assert_untouched(path)


def test_cancelling_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "app.tar"
    path.write_bytes(b"old")
    cancellation = Cancellation()

    def listen(event: Event) -> None:
        if isinstance(event, TransferProgress) and event.done > 2000:
            cancellation.cancel()

    destination = ArchiveDestination(
        path=path, names=NAMES, listener=listen, cancellation=cancellation
    )
    with pytest.raises(CancelledError):
        destination.write(random_image())
    _assert_untouched(path)


def test_ctrl_c_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "app.tar"
    path.write_bytes(b"old")

    def listen(event: Event) -> None:
        if isinstance(event, TransferProgress):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ArchiveDestination(path=path, names=NAMES, listener=listen).write(random_image())
    _assert_untouched(path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "app.tar"
    path.write_bytes(b"old")
    with _file_size_limit(3000), pytest.raises(DestinationError) as caught:
        ArchiveDestination(path=path, names=NAMES).write(random_image())
    assert f"cannot write {path}" in caught.value.message
    assert caught.value.hint is not None
    assert "space" in caught.value.hint
    _assert_untouched(path)


@pytest.mark.peers
@pytest.mark.parametrize("image_format", ImageFormat)
def test_skopeo_reads_an_archive_as_docker_s(tmp_path: Path, image_format: ImageFormat) -> None:
    path = tmp_path / "app.tar"
    image = checked(random_image(image_format=image_format))
    ArchiveDestination(path=path, names=NAMES[:1]).write(image)
    config = peers.skopeo("inspect", "--config", "--raw", f"docker-archive:{path}")
    assert json.loads(config) == image.config.document
    peers.skopeo("copy", f"docker-archive:{path}:docker.io/library/app:1", f"dir:{tmp_path / 'it'}")
    manifest = json.loads((tmp_path / "it" / "manifest.json").read_bytes())
    assert manifest["config"]["digest"] == str(image.image_id)


@pytest.mark.peers
def test_skopeo_reads_an_archive_as_oci_s(tmp_path: Path) -> None:
    for image in (
        random_image(image_format=ImageFormat.OCI),
        random_index(image_format=ImageFormat.OCI),
    ):
        path = tmp_path / f"{image.digest.short}.tar"
        ArchiveDestination(path=path, names=NAMES[:1]).write(checked(image))
        copy = tmp_path / image.digest.short
        peers.skopeo("copy", "--all", f"oci-archive:{path}:1", f"dir:{copy}")
        document = image.index if isinstance(image, ImageIndex) else image.manifest
        assert (copy / "manifest.json").read_bytes() == document.data


def _assert_untouched(path: Path) -> None:
    assert [child.name for child in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


@contextmanager
def _file_size_limit(size: int) -> Iterator[None]:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
