"""What bases are pulled with in tests, and archives as engines of several ages save them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pyjib.base.model import BaseTools
from pyjib.events import Listener, ignore
from pyjib.layer.decompress import decompressed
from pyjib.oci import media_type as types
from pyjib.oci.image import Image
from pyjib.store.store import Store


def base_tools(root: Path, listener: Listener = ignore) -> BaseTools:
    """Return tools with a store at ``root``, and no registry or engine at all."""
    return BaseTools(
        store=Store(root), registry=cast(Any, None), engine=cast(Any, None), listener=listener
    )


def plain_tars(image: Image) -> list[bytes]:
    """Return the layers of an image, decompressed."""
    tars = []
    for layer in image.layers:
        with layer.open() as reader:
            compression = types.layer_compression(layer.descriptor.media_type)
            tars.append(decompressed(reader, compression).read())
    return tars


def tar_file(members: Mapping[str, bytes | str]) -> bytes:
    """Return a tar; text as content makes a symbolic link to it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                tar.addfile(entry)
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def docker_save(image: Image, names: Sequence[str] = ("app:1",)) -> dict[str, bytes | str]:
    """Return what ``docker save`` wrote until version 24: a directory a layer, plain tars."""
    tars = plain_tars(image)
    layers = [f"{place:064x}/layer.tar" for place in range(len(tars))]
    config = f"{image.image_id.hex}.json"
    manifest = [{"Config": config, "RepoTags": list(names), "Layers": layers}]
    return {
        config: image.config.data,
        **dict(zip(layers, tars, strict=True)),
        "manifest.json": json.dumps(manifest).encode(),
        "repositories": b"{}",
    }
