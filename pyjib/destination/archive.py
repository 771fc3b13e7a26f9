"""The archive that every engine loads: an OCI layout and ``manifest.json`` over the same blobs.

Docker with containerd's store reads ``index.json`` and keeps the digest of the manifest; older
ones and Podman read ``manifest.json``. Names are fully qualified in both: Docker shows the short
form, while Podman would take a short one for ``localhost/…``.

An image for several platforms is there as a whole for readers of ``index.json``. In
``manifest.json`` every image wants the same tags, of which an old engine can give each to one
only; so that lists a single image, linux/amd64 if there is one, else the first.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import field
from pathlib import Path

from pyjib.cancellation import Cancellation
from pyjib.destination.files import blob_chunks, cannot_write, check_folder, made, replacing
from pyjib.destination.model import Published
from pyjib.errors import DestinationError
from pyjib.events import (
    Direction,
    Listener,
    TransferFinished,
    TransferProgress,
    TransferStarted,
    ignore,
)
from pyjib.frozen import frozen
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.image import AnyImage, Image, ImageIndex, images_of
from pyjib.oci.json import Json, dump
from pyjib.oci.layout import IMAGE_NAME, INDEX_FILE, LAYOUT_FILE, REF_NAME, VERSION, blob_path
from pyjib.oci.platform import LINUX_AMD64
from pyjib.oci.reference import Reference

LAYOUT_CONTENT = dump({"imageLayoutVersion": VERSION})
"""What ``oci-layout`` says."""

_BLOCK = 512
_END = bytes(2 * _BLOCK)


@frozen
class ArchiveDestination:
    """A tar file; ``names`` are what an engine that loads it calls the image."""

    path: Path
    names: tuple[Reference, ...]
    listener: Listener = ignore
    cancellation: Cancellation = field(default_factory=Cancellation)

    def check(self) -> None:
        """Raise ``DestinationError`` if no file can be there; directories are made later."""
        try:
            self._check(self._target)
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def write(self, image: AnyImage) -> Published:
        """Write the archive, or leave what was there before; its directory is made if need be."""
        self.check()
        key = str(self.path)
        total = archive_size(image, self.names)
        self.listener(TransferStarted(direction=Direction.WRITE, key=key, label=key, total=total))
        done = 0
        target = self._target
        with made(target.parent, self.path), replacing(target) as file:
            for chunk in archive_chunks(image, self.names):
                self.cancellation.check()
                file.write(chunk)
                done += len(chunk)
                self.listener(TransferProgress(direction=Direction.WRITE, key=key, done=done))
        self.listener(TransferFinished(direction=Direction.WRITE, key=key, size=done))
        return Published(
            location=f"tar://{self.path}",
            digest=image.digest,
            image_id=image.image_id,
            tags=tuple(name.tag for name in self.names if name.tag),
        )

    @property
    def _target(self) -> Path:
        """The file itself: a symbolic link to it stays, and so does one that leads nowhere."""
        return Path(os.path.realpath(self.path))

    def _check(self, target: Path) -> None:
        if target.exists() and not target.is_file():
            raise DestinationError(
                f"cannot write {self.path}: it exists and is no regular file",
                hint="name a file that is not there yet",
            )
        check_folder(target.parent, self.path)


def archive_chunks(image: AnyImage, names: Sequence[Reference]) -> Iterator[bytes]:
    """Yield the archive, of ``archive_size`` bytes, in pieces of 1 byte to 1 MiB.

    Equal images and names give equal bytes. Layers are read while they are yielded, and verified.
    """
    for path, blob in _members(image, names).items():
        size = blob.descriptor.size
        yield _header(path, size)
        yield from blob_chunks(blob)
        if size % _BLOCK:
            yield bytes(-size % _BLOCK)
    yield _END


def archive_size(image: AnyImage, names: Sequence[Reference]) -> int:
    """Return the size of the archive in bytes, without reading any layer."""
    sizes = (blob.descriptor.size for blob in _members(image, names).values())
    return sum(_BLOCK + size + -size % _BLOCK for size in sizes) + len(_END)


def image_blobs(image: AnyImage) -> list[Blob]:
    """Return all blobs of an image, each digest once: contents before what names them."""
    blobs = []
    for one in images_of(image):
        blobs += [
            *one.layers,
            one.config_blob,
            Blob.of_bytes(one.manifest.data, one.manifest.media_type),
        ]
    if isinstance(image, ImageIndex):
        blobs.append(Blob.of_bytes(image.index.data, image.index.media_type))
    return list({blob.descriptor.digest: blob for blob in blobs}.values())


def index_entry(image: AnyImage, annotations: dict[str, str]) -> Json:
    """Return the entry of ``index.json`` by which an image is found."""
    entry = image.descriptor.to_json()
    return {**entry, "annotations": annotations} if annotations else entry


def _members(image: AnyImage, names: Sequence[Reference]) -> dict[str, Blob]:
    """Return the archive's files by path. Documents go first: they say what is to come."""
    members = {
        LAYOUT_FILE: Blob.of_bytes(LAYOUT_CONTENT, "application/json"),
        INDEX_FILE: Blob.of_bytes(_index_json(image, names), types.OCI_INDEX),
        "manifest.json": Blob.of_bytes(_manifest_json(image, names), "application/json"),
    }
    return members | {blob_path(blob.descriptor.digest): blob for blob in image_blobs(image)}


def _index_json(image: AnyImage, names: Sequence[Reference]) -> bytes:
    annotations = [
        {IMAGE_NAME: _qualified(name), REF_NAME: name.tag or "latest"} for name in names
    ] or [{}]
    return dump(
        {
            "schemaVersion": 2,
            "mediaType": types.OCI_INDEX,
            "manifests": [index_entry(image, entry) for entry in annotations],
        }
    )


def _manifest_json(image: AnyImage, names: Sequence[Reference]) -> bytes:
    chosen = _favourite(images_of(image))
    return dump(
        [
            {
                "Config": blob_path(chosen.image_id),
                "RepoTags": [_qualified(name) for name in names],
                "Layers": [blob_path(layer.descriptor.digest) for layer in chosen.layers],
            }
        ]
    )


def _favourite(images: Sequence[Image]) -> Image:
    return next((image for image in images if image.platform == LINUX_AMD64), images[0])


def _qualified(name: Reference) -> str:
    return f"{name.name}:{name.tag or 'latest'}"


def _header(path: str, size: int) -> bytes:
    """Return a tar header for a file of mode 644, root's, from 1970; GNU form beyond 8 GiB."""
    entry = tarfile.TarInfo(path)
    entry.size = size
    entry.mode = 0o644
    return entry.tobuf(tarfile.GNU_FORMAT)
