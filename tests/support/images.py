"""Images made of seeds: small, valid, different in every way that an image can be."""

from __future__ import annotations

import io
import random
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import zstandard

from pyjib.image.validate import validate
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.config import ImageConfig
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.image import AnyImage, Image, ImageIndex
from pyjib.oci.json import dump
from pyjib.oci.manifest import Index, Manifest
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.oci.platform import LINUX_AMD64, Platform

LINUX_ARM64 = Platform(os="linux", architecture="arm64", variant="v8")
SomeImage = TypeVar("SomeImage", Image, ImageIndex, AnyImage)

TEMURIN_RUN: dict[str, Any] = {
    "User": "",
    "Env": [
        "PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "JAVA_HOME=/opt/java/openjdk",
        "LANG=en_US.UTF-8",
        "LANGUAGE=en_US:en",
        "LC_ALL=en_US.UTF-8",
        "JAVA_VERSION=jdk-17.0.9+9",
    ],
    "Entrypoint": ["/__cacert_entrypoint.sh"],
    "Cmd": ["jshell"],
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30000000000, "StartInterval": 5000000},
    "ExposedPorts": {"9000": {}, "8778/tcp": {}},
    "Volumes": {"/var/log": {}},
    "WorkingDir": "",
    "Labels": {"org.opencontainers.image.version": "22.04", "maintainer": "nobody"},
    "StopSignal": "SIGTERM",
    "ArgsEscaped": True,
    "OnBuild": None,
}


def checked(image: SomeImage) -> SomeImage:
    """Return an image that is valid to its last byte; every image that a test makes goes here."""
    validate(image)
    return image


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """Return a tar of files by name; a name that ends in a slash is a directory."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.mtime = 1
            entry.size = len(content)
            entry.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            entry.mode = 0o755 if name.endswith("/") else 0o644
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def compress(data: bytes, compression: Compression) -> bytes:
    """Compress by means that are not pyjib's own."""
    if compression is Compression.GZIP:
        method = zlib.compressobj(6, zlib.DEFLATED, 31)
        return method.compress(data) + method.flush()
    if compression is Compression.ZSTD:
        return zstandard.ZstdCompressor(level=1).compress(data)
    return data


def random_tar(seed: int, size: int = 2000) -> bytes:
    """Return a tar with one file of ``size`` bytes, different for every seed."""
    source = random.Random(seed)
    name = f"data/{source.randrange(1 << 32):08x}.bin"
    return tar_of({"data/": b"", name: source.randbytes(size)})


def image_of(
    tars: Sequence[bytes],
    *,
    platform: Platform = LINUX_AMD64,
    image_format: ImageFormat = ImageFormat.DOCKER,
    compression: Compression = Compression.GZIP,
    run: Mapping[str, Any] | None = None,
    **members: Any,
) -> Image:
    """Return an image of these layers; ``members`` go into the config as they are."""
    config = ImageConfig.parse(
        dump(
            {
                "architecture": platform.architecture,
                "os": platform.os,
                **({"variant": platform.variant} if platform.variant else {}),
                "config": dict(run or {}),
                "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(tar)) for tar in tars]},
                **members,
            }
        )
    )
    media_type = types.layer_type(image_format, compression)
    layers = tuple(Blob.of_bytes(compress(tar, compression), media_type) for tar in tars)
    return image_with(config, layers, image_format)


def image_with(config: ImageConfig, layers: Sequence[Blob], image_format: ImageFormat) -> Image:
    """Put a manifest before a config and layers, whether they fit or not."""
    manifest = Manifest.of(
        types.manifest_type(image_format),
        Descriptor.of(config.data, types.config_type(image_format)),
        tuple(layer.descriptor for layer in layers),
    )
    return Image(manifest=manifest, config=config, layers=tuple(layers))


def random_image(
    seed: int = 0,
    *,
    platform: Platform = LINUX_AMD64,
    image_format: ImageFormat = ImageFormat.DOCKER,
    compression: Compression = Compression.GZIP,
    layers: int = 2,
    size: int = 2000,
) -> Image:
    """Return an image for one platform, equal for equal arguments."""
    history: list[dict[str, Any]] = [
        {"created": "2024-05-01T12:00:00.123456789Z", "created_by": f"layer {place}"}
        for place in range(layers)
    ]
    history.insert(0, {"created_by": f"ENV SEED={seed}", "empty_layer": True})
    tars = [random_tar(seed * 1000 + place, size) for place in range(layers)]
    return image_of(
        tars,
        platform=platform,
        image_format=image_format,
        compression=compression,
        run={"Env": [f"SEED={seed}"], "Labels": {"platform": str(platform)}},
        created="2024-05-01T12:00:00Z",
        history=history,
    )


def index_of(images: Sequence[Image], image_format: ImageFormat = ImageFormat.DOCKER) -> ImageIndex:
    """List images in an index."""
    entries = tuple(replace(image.descriptor, platform=image.platform) for image in images)
    index = Index.of(types.index_type(image_format), entries)
    return ImageIndex(index=index, images=tuple(images))


def random_index(
    seed: int = 0,
    *,
    platforms: Sequence[Platform] = (LINUX_AMD64, LINUX_ARM64),
    image_format: ImageFormat = ImageFormat.DOCKER,
    compression: Compression = Compression.GZIP,
) -> ImageIndex:
    """Return an index of random images that share a first layer, as real ones may."""
    images = [
        random_image(
            seed + place, platform=platform, image_format=image_format, compression=compression
        )
        for place, platform in enumerate(platforms)
    ]
    return index_of(images, image_format)


def temurin_image(
    *,
    platform: Platform = LINUX_AMD64,
    image_format: ImageFormat = ImageFormat.DOCKER,
    compression: Compression = Compression.GZIP,
    run: Mapping[str, Any] | None = None,
) -> Image:
    """Return a base as Eclipse Temurin's are, plus all that such a config may have besides.

    ``run`` replaces members of ``config``.
    """
    tars = [
        tar_of({"etc/": b"", "etc/os-release": f"ID={platform}\n".encode()}),
        tar_of({"opt/java/openjdk/": b"", "opt/java/openjdk/release": b'JAVA_VERSION="17.0.9"\n'}),
    ]
    return image_of(
        tars,
        platform=platform,
        image_format=image_format,
        compression=compression,
        run={**TEMURIN_RUN, **(run or {})},
        created="2023-11-03T01:02:03.000000004Z",
        author="Adoptium",
        history=[
            {"created": "2023-10-16T22:22:12Z", "created_by": "ADD file:abc in / ", "x": 1},
            {"created": "2023-10-16T22:22:12Z", "created_by": "CMD bash", "empty_layer": True},
            {"created": "2023-11-03T01:02:03Z", "comment": "jdk", "empty_layer": False},
        ],
        **{"os.version": "1.2.3", "moby.buildkit.buildinfo.v1": "eyJ9"},
    )


def temurin_index(
    *,
    platforms: Sequence[Platform] = (LINUX_AMD64, LINUX_ARM64),
    image_format: ImageFormat = ImageFormat.DOCKER,
) -> ImageIndex:
    """Return the same base for several platforms."""
    images = [temurin_image(platform=one, image_format=image_format) for one in platforms]
    return index_of(images, image_format)
