from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pyjib.cancellation import Cancellation
from pyjib.destination.layout import LayoutDestination
from pyjib.destination.lock import locked
from pyjib.errors import (
    CancelledError,
    DestinationError,
    DigestMismatchError,
    MalformedDocumentError,
)
from pyjib.events import BlobPresent, Event, TransferFinished, Warned
from pyjib.oci.digest import Digest
from pyjib.oci.image import AnyImage, images_of
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.reference import Reference
from tests.support import peers
from tests.support.images import checked, random_image, random_index, temurin_image

OCI = ImageFormat.OCI


def write(path: Path, image: AnyImage, *tags: str, **fields: Any) -> list[Event]:
    events: list[Event] = []
    LayoutDestination(path=path, tags=tags or ("latest",), listener=events.append, **fields).write(
        checked(image)
    )
    return events


def entries(path: Path) -> list[dict[str, Any]]:
    manifests: list[dict[str, Any]] = json.loads((path / "index.json").read_bytes())["manifests"]
    return manifests


def tags(path: Path) -> dict[str, str]:
    name = "org.opencontainers.image.ref.name"
    return {entry["annotations"][name]: entry["digest"] for entry in entries(path)}


def files(path: Path) -> set[str]:
    return {child.relative_to(path).as_posix() for child in path.rglob("*") if not child.is_dir()}


def broken() -> AnyImage:
    image = random_image(9)
    size = image.layers[1].descriptor.size
    layer = replace(image.layers[1], opener=lambda: io.BytesIO(bytes(size)))
    return replace(image, layers=(image.layers[0], layer))


@pytest.mark.parametrize("image", [random_image(image_format=OCI), random_index(image_format=OCI)])
def test_a_new_layout_holds_the_image_and_nothing_else(tmp_path: Path, image: AnyImage) -> None:
    path = tmp_path / "new" / "layout"
    destination = LayoutDestination(path=path, tags=("1", "latest"))
    destination.check()
    published = destination.write(checked(image))
    assert (path / "oci-layout").read_bytes() == b'{"imageLayoutVersion":"1.0.0"}'
    digests = {image.digest}
    for one in images_of(image):
        digests |= {one.digest, one.image_id, *(layer.descriptor.digest for layer in one.layers)}
    blobs = {f"blobs/sha256/{digest.hex}" for digest in digests}
    assert files(path) == {"oci-layout", "index.json", *blobs}
    for name in blobs:
        assert Digest.of((path / name).read_bytes()).hex == name.rpartition("/")[2]
    assert tags(path) == {"1": str(image.digest), "latest": str(image.digest)}
    assert published.location == f"oci://{path}:1"
    assert published.digest == image.digest
    assert published.tags == ("1", "latest")


def test_an_image_of_the_same_tag_is_replaced_and_others_stay(tmp_path: Path) -> None:
    first, second, third = (random_image(seed, image_format=OCI) for seed in (1, 2, 3))
    write(tmp_path, first, "a")
    write(tmp_path, second, "b")
    write(tmp_path, third, "a", "c")
    expected = {"b": str(second.digest), "a": str(third.digest), "c": str(third.digest)}
    assert tags(tmp_path) == expected
    assert (tmp_path / "blobs" / "sha256" / first.digest.hex).exists()


def test_what_others_wrote_into_the_index_stays(tmp_path: Path) -> None:
    write(tmp_path, random_image(1, image_format=OCI), "a")
    path = tmp_path / "index.json"
    document = json.loads(path.read_bytes())
    foreign = {"mediaType": "x/y", "digest": "sha256:" + "0" * 64, "size": 1, "data": "eA=="}
    document["manifests"].append(foreign)
    document["annotations"] = {"by": "somebody"}
    path.write_text(json.dumps(document))
    write(tmp_path, random_image(2, image_format=OCI), "a")
    assert foreign in entries(tmp_path)
    assert json.loads(path.read_bytes())["annotations"] == {"by": "somebody"}


def test_without_tags_an_image_is_listed_once(tmp_path: Path) -> None:
    image = random_image(image_format=OCI)
    for _ in range(2):
        LayoutDestination(path=tmp_path, tags=()).write(image)
    assert entries(tmp_path) == [image.descriptor.to_json()]


def test_the_full_name_is_annotated_for_containerd(tmp_path: Path) -> None:
    write(tmp_path, random_image(image_format=OCI), "1", name=Reference.parse("me/app"))
    (entry,) = entries(tmp_path)
    assert entry["annotations"]["io.containerd.image.name"] == "docker.io/me/app:1"


def test_blobs_that_are_there_are_not_written_again(tmp_path: Path) -> None:
    image = random_image(image_format=OCI)
    write(tmp_path, image)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("blobs/sha256/*")}
    events = write(tmp_path, image, "other")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len([event for event in events if isinstance(event, BlobPresent)]) == 4
    assert not [event for event in events if isinstance(event, TransferFinished)]


def test_a_damaged_blob_of_the_same_size_is_written_again(tmp_path: Path) -> None:
    image = random_image(image_format=OCI)
    write(tmp_path, image)
    layer = image.layers[0].descriptor
    path = tmp_path / "blobs" / "sha256" / layer.digest.hex
    path.write_bytes(bytes(layer.size))
    write(tmp_path, image)
    assert Digest.of(path.read_bytes()) == layer.digest


@pytest.mark.parametrize("existed", [False, True])
def test_a_failure_leaves_no_new_layout(tmp_path: Path, existed: bool) -> None:
    path = tmp_path / "layout"
    if existed:
        path.mkdir()
    with pytest.raises(DigestMismatchError):
        LayoutDestination(path=path).write(broken())
    assert list(tmp_path.rglob("*")) == ([path] if existed else [])


def test_a_failure_leaves_the_index_of_an_old_layout(tmp_path: Path) -> None:
    image = random_image(image_format=OCI)
    write(tmp_path, image)
    before = (tmp_path / "index.json").read_bytes()
    with pytest.raises(DigestMismatchError):
        LayoutDestination(path=tmp_path).write(broken())
    assert (tmp_path / "index.json").read_bytes() == before
    assert not [name for name in files(tmp_path) if name.endswith(".partial")]


def test_a_directory_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    destination = LayoutDestination(path=tmp_path)
    for action in (destination.check, lambda: destination.write(random_image())):
        with pytest.raises(DestinationError) as caught:
            action()
        assert "no OCI layout" in caught.value.message
        assert caught.value.hint
    assert files(tmp_path) == {"notes.txt"}


def test_a_file_and_an_unknown_version_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(DestinationError, match="no directory"):
        LayoutDestination(path=file).check()
    destination = LayoutDestination(path=file / "below" / "layout")
    for action in (destination.check, lambda: destination.write(random_image())):
        with pytest.raises(DestinationError, match=f"{file} is no directory"):
            action()
    layout = tmp_path / "layout"
    layout.mkdir()
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "2.0.0"}')
    with pytest.raises(DestinationError, match=r"2\.0\.0"):
        LayoutDestination(path=layout).check()
    (layout / "oci-layout").write_text("[]")
    with pytest.raises(MalformedDocumentError):
        LayoutDestination(path=layout).check()


def test_an_index_that_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    write(tmp_path, random_image(image_format=OCI))
    (tmp_path / "index.json").write_text('{"manifests": 1}')
    with pytest.raises(MalformedDocumentError):
        LayoutDestination(path=tmp_path).write(random_image(2))
    assert (tmp_path / "index.json").read_text() == '{"manifests": 1}'


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "layout"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(DestinationError, match="cannot write") as caught:
            LayoutDestination(path=path).write(random_image())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.hint is not None
    assert "space" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_docker_s_media_types_are_warned_of(tmp_path: Path) -> None:
    events = write(tmp_path, random_image(image_format=ImageFormat.DOCKER))
    (warning,) = [event for event in events if isinstance(event, Warned)]
    assert warning.hint == "pass --format oci"
    assert not [
        event
        for event in write(tmp_path, random_image(image_format=OCI))
        if isinstance(event, Warned)
    ]


def test_threads_do_not_lose_each_other_s_entries(tmp_path: Path) -> None:
    write(tmp_path, random_image(0, image_format=OCI), "0")
    threads = [
        Thread(target=write, args=(tmp_path, random_image(seed, image_format=OCI), str(seed)))
        for seed in range(1, 6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(tags(tmp_path)) == [str(seed) for seed in range(6)]


_WRITER = """
import sys
from pathlib import Path
from pyjib.destination.layout import LayoutDestination
from tests.support.images import ImageFormat, random_image

for seed in sys.argv[2:]:
    image = random_image(int(seed), image_format=ImageFormat.OCI)
    LayoutDestination(path=Path(sys.argv[1]), tags=(seed,)).write(image)
"""


@pytest.mark.skipif(os.name == "nt", reason="no locks of directories")
def test_processes_do_not_lose_each_other_s_entries(tmp_path: Path) -> None:
    layout, root = tmp_path / "new" / "layout", Path(__file__).parent.parent.parent
    seeds = [[str(10 * process + step) for step in range(5)] for process in range(3)]
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, layout, *few], cwd=root) for few in seeds
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert sorted(tags(layout)) == sorted(seed for few in seeds for seed in few)


@pytest.mark.skipif(os.name == "nt", reason="no locks of directories")
def test_waiting_for_another_writer_can_be_given_up(tmp_path: Path) -> None:
    given_up = Cancellation()
    given_up.cancel()
    layout = tmp_path / "layout"
    with locked(layout, Cancellation()), pytest.raises(CancelledError):
        LayoutDestination(path=layout, cancellation=given_up).write(random_image())
    assert list(layout.iterdir()) == []


def test_what_another_writer_has_begun_is_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / ".oci-layout.0123456789ab.pyjib.partial").touch()
    LayoutDestination(path=tmp_path).check()


@pytest.mark.peers
def test_skopeo_copies_from_a_layout(tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    index = random_index(image_format=OCI)
    write(layout, index, "1")
    write(layout, random_image(5, image_format=OCI), "2")
    peers.skopeo("copy", "--all", f"oci:{layout}:1", f"dir:{tmp_path / 'copy'}")
    assert (tmp_path / "copy" / "manifest.json").read_bytes() == index.index.data


@pytest.mark.peers
def test_umoci_unpacks_from_a_layout(tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    write(layout, temurin_image(image_format=OCI), "17-jre")
    peers.umoci("unpack", "--rootless", "--image", f"{layout}:17-jre", tmp_path / "bundle")
    release = tmp_path / "bundle" / "rootfs" / "opt" / "java" / "openjdk" / "release"
    assert release.read_text() == 'JAVA_VERSION="17.0.9"\n'
