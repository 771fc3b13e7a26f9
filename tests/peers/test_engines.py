"""pyjib against a real Docker Engine, with and without containerd's store, and a real Podman."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from pyjib.base import engine as base_engine
from pyjib.base.model import BaseTools
from pyjib.destination.archive import archive_chunks
from pyjib.destination.engine import EngineDestination
from pyjib.engine.client import EngineClient
from pyjib.errors import EngineError, PlatformError
from pyjib.events import (
    BlobPresent,
    Event,
    Listener,
    TransferFinished,
    TransferProgress,
    TransferStarted,
    Warned,
    ignore,
)
from pyjib.oci.image import AnyImage
from pyjib.oci.location import EngineLocation
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import LINUX_AMD64
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment
from pyjib.store.store import Store
from tests.support.images import LINUX_ARM64, checked, random_image, random_index
from tests.support.peers import Engine

pytestmark = pytest.mark.peers


@pytest.fixture(params=["docker_engine", "podman_service"])
def peer(request: pytest.FixtureRequest) -> Engine:
    return cast(Engine, request.getfixturevalue(request.param))


@pytest.fixture
def connect(peer: Engine) -> Iterator[Callable[[], EngineClient]]:
    host = HostEnvironment(variables=peer.variables, home=peer.home)
    with EngineClient.connect(host) as client:
        yield lambda: client


@pytest.fixture
def heard() -> list[Event]:
    return []


def tools(
    root: Path, connect: Callable[[], EngineClient], listener: Listener = ignore
) -> BaseTools:
    nobody = cast(Any, None)  # no registry has a part in this
    return BaseTools(store=Store(root), registry=nobody, engine=connect, listener=listener)


def test_info(peer: Engine, connect: Callable[[], EngineClient]) -> None:
    info = connect().info()
    assert info.name == ("Docker" if peer.program == "docker" else "Podman")
    assert (info.os, info.architecture) == ("linux", LINUX_AMD64.architecture)
    assert info.containerd_store is False
    assert info.api_version == "1.41"


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.NONE])
@pytest.mark.parametrize("image_format", list(ImageFormat))
def test_load(
    peer: Engine,
    connect: Callable[[], EngineClient],
    heard: list[Event],
    image_format: ImageFormat,
    compression: Compression,
) -> None:
    seed = sum(f"{image_format} {compression}".encode())
    image = random_image(seed, image_format=image_format, compression=compression)
    name = f"objectworld/load-{image_format}-{compression}"
    destination = EngineDestination(
        reference=Reference.parse(f"{name}:1"),
        tags=("1.0", "latest"),
        engine=connect,
        listener=heard.append,
    )
    destination.check()
    published = destination.write(checked(image))

    assert published.location == f"docker://{name}:1"
    assert (published.digest, published.image_id) == (image.digest, image.image_id)
    assert published.tags == ("1", "1.0", "latest")
    assert not published.pushed
    for tag in published.tags:
        found = peer.inspect(f"docker.io/{name}:{tag}")
        assert found["Id"].removeprefix("sha256:") == image.image_id.hex
        assert found["RootFS"]["Layers"] == [str(diff_id) for diff_id in image.config.diff_ids]
        assert found["Config"]["Env"] == [f"SEED={seed}"]
    done = [event.done for event in heard if isinstance(event, TransferProgress)]
    (finished,) = [event for event in heard if isinstance(event, TransferFinished)]
    assert done == sorted(done)
    assert done[-1] == finished.size


def test_an_image_that_is_there_is_only_named(
    peer: Engine, connect: Callable[[], EngineClient], heard: list[Event]
) -> None:
    image = random_image(200)
    first = EngineDestination(reference=Reference.parse("objectworld/once:1"), engine=connect)
    first.write(image)
    second = EngineDestination(
        reference=Reference.parse("objectworld/once:2"),
        tags=("3",),
        engine=connect,
        listener=heard.append,
    )
    published = second.write(image)
    assert published.tags == ("2", "3")
    assert not [event for event in heard if isinstance(event, TransferProgress)]
    assert [event.digest for event in heard if isinstance(event, BlobPresent)] == [
        str(image.image_id)
    ]
    for tag in ("1", "2", "3"):
        found = peer.inspect(f"docker.io/objectworld/once:{tag}")
        assert found["Id"].removeprefix("sha256:") == image.image_id.hex


def test_a_name_moves_to_the_new_image(peer: Engine, connect: Callable[[], EngineClient]) -> None:
    destination = EngineDestination(
        reference=Reference.parse("registry.example:5000/team/moves"), engine=connect
    )
    destination.write(random_image(210))
    published = destination.write(random_image(211))
    found = peer.inspect("registry.example:5000/team/moves:latest")
    assert found["Id"].removeprefix("sha256:") == published.image_id.hex
    assert published.location == "docker://registry.example:5000/team/moves:latest"


def test_of_several_platforms_the_engine_s_own_is_loaded(
    peer: Engine, connect: Callable[[], EngineClient], heard: list[Event]
) -> None:
    index = random_index(220, platforms=(LINUX_ARM64, LINUX_AMD64))
    destination = EngineDestination(
        reference=Reference.parse("objectworld/several"), engine=connect, listener=heard.append
    )
    published = destination.write(checked(index))
    own = index.images[1]
    assert (published.digest, published.image_id) == (own.digest, own.image_id)
    assert peer.inspect("docker.io/objectworld/several")["Architecture"] == "amd64"
    (warning,) = [event for event in heard if isinstance(event, Warned)]
    assert "only linux/amd64 is loaded" in warning.message


def test_several_platforms_of_others(connect: Callable[[], EngineClient]) -> None:
    index = random_index(230, platforms=(LINUX_ARM64,))
    destination = EngineDestination(reference=Reference.parse("objectworld/none"), engine=connect)
    with pytest.raises(PlatformError, match="this one is for linux/arm64/v8"):
        destination.write(index)


def test_the_engine_s_own_words_reach_the_user(
    peer: Engine, connect: Callable[[], EngineClient]
) -> None:
    """An image that lies about a layer: Docker says so with status 200, Podman with 500."""
    image, other = random_image(240), random_image(241)
    name = Reference.parse("objectworld/liar")
    honest = b"".join(archive_chunks(image, (name,)))
    lie = honest.replace(
        image.config.diff_ids[0].hex.encode(), other.config.diff_ids[0].hex.encode()
    )
    assert lie != honest
    with pytest.raises(EngineError, match=f"load the image into {peer.program.title()}") as error:
        connect().load([lie])
    assert error.value.message.count("load the image") == 1
    assert connect().image_inspect(name) is None


def test_an_archive_that_breaks_off_loads_nothing(connect: Callable[[], EngineClient]) -> None:
    image, name = random_image(250), Reference.parse("objectworld/cut")
    chunks = list(archive_chunks(image, (name,)))
    with pytest.raises(EngineError):
        connect().load(chunks[: len(chunks) // 2])
    assert connect().image_inspect(name) is None


def test_an_error_of_the_maker_passes_through(connect: Callable[[], EngineClient]) -> None:
    def breaking() -> object:
        yield b"x" * 512
        raise PlatformError("of the maker")

    with pytest.raises(PlatformError, match="of the maker"):
        connect().load(breaking())  # type: ignore[arg-type]
    assert connect().info().os == "linux"  # the client goes on


@pytest.mark.parametrize("image_format", list(ImageFormat))
def test_base_from_engine(
    peer: Engine,
    connect: Callable[[], EngineClient],
    tmp_path: Path,
    image_format: ImageFormat,
) -> None:
    image = random_image(300 + len(image_format.value), image_format=image_format, layers=3)
    reference = Reference.parse(f"objectworld/base-{image_format}:17")
    EngineDestination(reference=reference, engine=connect).write(image)

    location = EngineLocation(reference=reference)
    base = base_engine.pull(location, (), tools(tmp_path, connect))
    (read,) = base.images
    assert base.name == f"docker://objectworld/base-{image_format}:17"
    assert base.digest is None
    assert read.config.data == image.config.data
    checked(read)
    names = [entry.name for entry in tmp_path.rglob("*") if entry.is_file()]
    assert not [name for name in names if "tar" in name]


def test_base_is_exported_once(
    connect: Callable[[], EngineClient], heard: list[Event], tmp_path: Path
) -> None:
    reference = Reference.parse("objectworld/base-once:17")
    EngineDestination(reference=reference, engine=connect).write(random_image(310))
    location = EngineLocation(reference=reference)
    first = base_engine.pull(location, (), tools(tmp_path, connect, heard.append))
    assert [event for event in heard if isinstance(event, TransferStarted)]
    heard.clear()
    again = base_engine.pull(location, (), tools(tmp_path, connect, heard.append))
    assert heard == []
    assert again.images[0].manifest == first.images[0].manifest
    checked(cast(AnyImage, again.images[0]))


def test_base_for_another_platform(connect: Callable[[], EngineClient], tmp_path: Path) -> None:
    reference = Reference.parse("objectworld/base-amd64")
    EngineDestination(reference=reference, engine=connect).write(random_image(320))
    location = EngineLocation(reference=reference)
    with pytest.raises(PlatformError, match="is for linux/amd64 only"):
        base_engine.pull(location, (LINUX_ARM64,), tools(tmp_path, connect))
    with_platform = base_engine.pull(location, (LINUX_AMD64,), tools(tmp_path, connect))
    assert with_platform.images[0].platform == LINUX_AMD64


def test_base_that_is_not_there(connect: Callable[[], EngineClient], tmp_path: Path) -> None:
    location = EngineLocation(reference=Reference.parse("objectworld/absent"))
    with pytest.raises(EngineError, match="has no image objectworld/absent:latest"):
        base_engine.pull(location, (), tools(tmp_path, connect))


def test_an_image_of_the_engine_s_own_making_is_a_base(
    peer: Engine, connect: Callable[[], EngineClient], tmp_path: Path
) -> None:
    """Made by ``docker import``: nothing in it is pyjib's."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("etc/hostname")
        entry.size = 4
        tar.addfile(entry, io.BytesIO(b"host"))
    peer.run("import", "-", "docker.io/objectworld/imported:1", stdin=buffer.getvalue())
    location = EngineLocation(reference=Reference.parse("objectworld/imported:1"))
    base = base_engine.pull(location, (), tools(tmp_path, connect))
    checked(base.images[0])
    layers = peer.inspect("docker.io/objectworld/imported:1")["RootFS"]["Layers"]
    assert [str(diff_id) for diff_id in base.images[0].config.diff_ids] == layers


@pytest.mark.parametrize("image_format", list(ImageFormat))
def test_containerd_keeps_the_manifest_s_digest(
    docker_engine: Engine, image_format: ImageFormat
) -> None:
    """What Docker does with an archive where it uses containerd's store."""
    index = random_index(400 + len(image_format.value), image_format=image_format)
    name = Reference.parse(f"objectworld/containerd-{image_format}:1")
    archive = b"".join(archive_chunks(index, (name, name.with_tag("2"))))
    docker_engine.ctr("images", "import", "--no-unpack", "--all-platforms", "-", stdin=archive)
    listed = docker_engine.ctr("images", "list")
    for tag in ("1", "2"):
        (line,) = [line for line in listed.splitlines() if line.startswith(f"{name.name}:{tag} ")]
        assert str(index.digest) in line
    stored = json.loads(docker_engine.ctr("content", "get", str(index.digest)))
    assert len(stored["manifests"]) == 2
