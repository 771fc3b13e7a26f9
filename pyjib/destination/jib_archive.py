"""The archives that Jib's ``buildTar`` writes, byte for byte.

Headers are those of its layers (octal fields that end in a space, file type in the mode), with
time 0 and without extended headers. The Docker form holds no manifest; the OCI form records the
first name only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyjib.destination.files import blob_chunks
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.image import Image
from pyjib.oci.json import dump
from pyjib.oci.layout import REF_NAME, blob_path
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.reference import Reference

_BLOCK = 512
_LAYOUT_FILE = b'{"imageLayoutVersion": "1.0.0"}'  # the only space in all of Jib's JSON


def jib_archive_chunks(
    image: Image, names: Sequence[Reference], image_format: ImageFormat
) -> Iterator[bytes]:
    """Yield Jib's archive of an image that was assembled in ``image_format``.

    ``names`` start with the main one; the others are in Jib's order (``java_hash_map.set_order``
    of their tags). There is at least one.
    """
    members = _oci(image, names[0]) if image_format is ImageFormat.OCI else _docker(image, names)
    for path, blob in members.items():
        size = blob.descriptor.size
        yield _header(path, size)
        yield from blob_chunks(blob)
        if size % _BLOCK:
            yield bytes(-size % _BLOCK)
    yield bytes(2 * _BLOCK)


def _docker(image: Image, names: Sequence[Reference]) -> dict[str, Blob]:
    layers = {f"{layer.descriptor.digest.hex}.tar.gz": layer for layer in image.layers}
    manifest = [
        {
            "Config": "config.json",
            "RepoTags": [name.familiar for name in names],
            # A layer that occurs twice is stored once and listed twice.
            "Layers": [f"{layer.descriptor.digest.hex}.tar.gz" for layer in image.layers],
        }
    ]
    return {
        **layers,
        "config.json": image.config_blob,
        "manifest.json": Blob.of_bytes(dump(manifest), "application/json"),
    }


def _oci(image: Image, name: Reference) -> dict[str, Blob]:
    manifest = Blob.of_bytes(image.manifest.data, image.manifest.media_type)
    entry = {
        **image.descriptor.to_json(),
        "annotations": {REF_NAME: name.familiar},
    }
    index = {"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": [entry]}
    blobs = (*image.layers, image.config_blob, manifest)
    return {
        **{blob_path(blob.descriptor.digest): blob for blob in blobs},
        "oci-layout": Blob.of_bytes(_LAYOUT_FILE, "application/json"),
        "index.json": Blob.of_bytes(dump(index), types.OCI_INDEX),
    }


def _header(path: str, size: int) -> bytes:
    fields = [
        path.encode().ljust(100, b"\0"),
        b"0100644 ",
        b"0000000 " * 2,
        b"%011o " % size,
        b"%011o " % 0,
        b" " * 8,
        b"0".ljust(101, b"\0"),
        b"ustar\00000".ljust(72, b"\0"),
        b"0000000 " * 2,
    ]
    header = b"".join(fields).ljust(_BLOCK, b"\0")
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]
