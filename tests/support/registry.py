"""The embedded registry as the registry of tests, and ways to look into it.

``registry`` is fresh for each test and in memory; when the test ends, every image that has a
tag in it is validated. A test that leaves something else there takes ``registry_unchecked``.
``disk_registry`` is checked too, and keeps its repositories below ``tmp_path``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from pyjib.image.validate import validate
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.config import ImageConfig
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.image import AnyImage, Image, ImageIndex, images_of
from pyjib.oci.manifest import Index, Manifest, parse_document
from pyjib.serve import RegistryServer
from pyjib.serve.documents import Document


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    """An empty registry in memory."""
    with RegistryServer() as server:
        yield server
    validate_all(server)


@pytest.fixture
def registry_unchecked() -> Iterator[RegistryServer]:
    """An empty registry in memory in which a test may leave anything."""
    with RegistryServer() as server:
        yield server


@pytest.fixture
def disk_registry(tmp_path: Path) -> Iterator[RegistryServer]:
    """An empty registry below ``tmp_path``."""
    with RegistryServer(tmp_path / "registry") as server:
        yield server
    validate_all(server)


@pytest.fixture(params=["memory", "disk"])
def either_registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RegistryServer]:
    """An empty registry of each kind in turn, in which a test may leave anything."""
    root = tmp_path / "registry" if request.param == "disk" else None
    with RegistryServer(root) as server:
        yield server


def validate_all(server: RegistryServer) -> None:
    """Validate every image that has a tag; artifacts and nested indexes are left alone."""
    for _, image in images_in(server):
        validate(image)


def images_in(server: RegistryServer) -> Iterator[tuple[str, AnyImage]]:
    """Yield every image that has a tag, with its ``REPOSITORY:TAG``."""
    for name in server.repositories.names():
        for tag in tags_in(server, name):
            image = image_in(server, name, tag)
            if image is not None:
                yield f"{name}:{tag}", image


def tags_in(server: RegistryServer, name: str) -> list[str]:
    """Return a repository's tags, sorted; none if there is no such repository."""
    catalogue = server.repositories.catalogue(name)
    return sorted(catalogue.tags) if catalogue else []


def image_in(server: RegistryServer, name: str, reference: Digest | str) -> AnyImage | None:
    """Return the image with a tag or digest; ``None`` if that is an artifact."""
    document = parse_document(manifest_in(server, name, reference))
    if isinstance(document, Manifest):
        return _image(server, name, document)
    images = [_member(server, name, entry) for entry in document.manifests if _runs(entry)]
    if any(image is None for image in images):
        return None
    return ImageIndex(index=document, images=tuple(image for image in images if image))


def manifest_in(server: RegistryServer, name: str, reference: Digest | str) -> bytes:
    """Return a manifest's bytes; fail the test if there is none."""
    found = server.repositories.manifest(name, reference)
    assert found is not None, f"no manifest {name} {reference}"
    return blob_in(server, name, found[0].digest)


def blob_in(server: RegistryServer, name: str, digest: Digest) -> bytes:
    """Return a blob's bytes; fail the test if there is none."""
    content = server.repositories.blob(name, digest)
    assert content is not None, f"no blob {name} {digest}"
    return b"".join(content.chunks(0, content.size))


def blobs_in(server: RegistryServer, name: str) -> dict[Digest, int]:
    """Return the sizes of the blobs that a repository's manifests name and that are there."""
    catalogue = server.repositories.catalogue(name)
    manifests = catalogue.manifests.values() if catalogue else ()
    wanted = {blob.digest for manifest in manifests for blob in manifest.blobs}
    found = {digest: server.repositories.blob(name, digest) for digest in wanted}
    return {digest: content.size for digest, content in found.items() if content}


def put_image(server: RegistryServer, name: str, image: AnyImage, *tags: str) -> None:
    """Put an image with all its blobs into a registry, without its HTTP."""
    for one in images_of(image):
        for blob in (one.config_blob, *one.layers):
            put_blob(server, name, blob)
        _put_manifest(server, name, one.manifest, () if isinstance(image, ImageIndex) else tags)
    if isinstance(image, ImageIndex):
        _put_manifest(server, name, image.index, tags)


def put_blob(server: RegistryServer, name: str, blob: Blob) -> None:
    """Put a blob into a registry, without its HTTP."""
    staging = server.repositories.storage.stage(name)
    try:
        with blob.open() as reader:
            for chunk in iter(lambda: reader.read(1 << 20), b""):
                staging.write(chunk)
        staging.commit(blob.descriptor.digest)
    finally:
        staging.discard()


def _put_manifest(
    server: RegistryServer, name: str, manifest: Manifest | Index, tags: tuple[str, ...]
) -> None:
    document = Document.parse(manifest.data, manifest.descriptor.digest)
    server.repositories.put_manifest(name, manifest.data, document, tags, sparse=False)


def _runs(entry: Descriptor) -> bool:
    return entry.platform is None or entry.platform.os != "unknown"


def _member(server: RegistryServer, name: str, entry: Descriptor) -> Image | None:
    document = parse_document(manifest_in(server, name, entry.digest))
    return _image(server, name, document) if isinstance(document, Manifest) else None


def _image(server: RegistryServer, name: str, manifest: Manifest) -> Image | None:
    if manifest.config.media_type not in types.CONFIGS:
        return None
    return Image(
        manifest=manifest,
        config=ImageConfig.parse(blob_in(server, name, manifest.config.digest)),
        layers=tuple(_blob(server, name, layer) for layer in manifest.layers),
    )


def _blob(server: RegistryServer, name: str, descriptor: Descriptor) -> Blob:
    def opened() -> BinaryIO:
        return io.BytesIO(blob_in(server, name, descriptor.digest))

    return Blob(descriptor=descriptor, opener=opened)
