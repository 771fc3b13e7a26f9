"""Layers of archives: plain tars are compressed, once; compressed ones are identified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from pyjib.base.model import BaseTools
from pyjib.errors import DigestMismatchError
from pyjib.events import Direction, TransferFinished, TransferProgress, TransferStarted
from pyjib.layer.compress import compressor, recipe_text
from pyjib.layer.decompress import decompressed
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest, Hash
from pyjib.oci.media_type import Compression, ImageFormat
from pyjib.store.model import LayerRecord

_CHUNK = 1 << 20
_GZIP_OS = 0xFF  # as Jib on a current JDK


def gzip_layer(
    opener: Callable[[], BinaryIO], diff_id: Digest, family: ImageFormat, tools: BaseTools
) -> Blob:
    """Return the layer whose plain tar ``opener`` opens, compressed with the bytes of Jib's.

    It is compressed at most once into a store, which finds it again by its diff id. Raises
    ``DigestMismatchError`` if the tar has another digest than that.
    """
    key = f"base layer {diff_id} {recipe_text(Compression.GZIP, None, _GZIP_OS)}"
    media_type = types.layer_type(family, Compression.GZIP)
    record = tools.store.get_layer(key)
    if record is not None:
        known = record.descriptor
        found = tools.store.find(
            Descriptor(media_type=media_type, digest=known.digest, size=known.size)
        )
        if found is not None:
            return found
    method = compressor(Compression.GZIP, None, _GZIP_OS)
    state = diff_id.hasher()
    with opener() as source, tools.store.writer() as writer:
        for chunk in _chunks(source, diff_id, tools):
            state.update(chunk)
            writer.write(method.compress(chunk))
        writer.write(method.flush())
        _check(state, diff_id)
        blob = writer.commit(media_type)
    tools.store.put_layer(key, LayerRecord(descriptor=blob.descriptor, diff_id=diff_id))
    return blob


def identify_layer(
    opener: Callable[[], BinaryIO], compression: Compression, diff_id: Digest, tools: BaseTools
) -> tuple[Digest, int]:
    """Return digest and size of a compressed layer that nothing but its place describes.

    Raises ``ContentError`` if it cannot be decompressed, or to something else than ``diff_id``.
    """
    stored = Digest.of(b"").hasher()
    size = 0
    with opener() as source:
        for chunk in _chunks(source, diff_id, tools):
            stored.update(chunk)
            size += len(chunk)
    digest = Digest.finish(stored)
    state = diff_id.hasher()
    with opener() as source:
        tar = decompressed(source, compression)
        while chunk := tar.read(_CHUNK):
            tools.cancellation.check()
            state.update(chunk)
    _check(state, diff_id)
    return digest, size


def _chunks(source: BinaryIO, diff_id: Digest, tools: BaseTools) -> Iterator[bytes]:
    """Yield a layer's bytes and report how many have passed."""
    key, done = str(diff_id), 0
    tools.listener(TransferStarted(direction=Direction.PULL, key=key, label="base layer"))
    while chunk := source.read(_CHUNK):
        tools.cancellation.check()
        yield chunk
        done += len(chunk)
        tools.listener(TransferProgress(direction=Direction.PULL, key=key, done=done))
    tools.listener(TransferFinished(direction=Direction.PULL, key=key, size=done))


def _check(state: Hash, diff_id: Digest) -> None:
    if state.hexdigest() != diff_id.hex:
        raise DigestMismatchError(
            f"a layer of the base image is not the one that its config lists as {diff_id}",
            hint="save or copy the base image again: it is damaged",
        )
