"""Whether a layer's bytes are what its descriptor, its media type and its diff id say."""

from __future__ import annotations

import io
from typing import BinaryIO, cast

from pyjib.errors import ContentError
from pyjib.image.tar_headers import entries, tar_errors
from pyjib.layer.decompress import decompressed, sniff
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.digest import Digest

_CHUNK = 1 << 20


def validate_layer(layer: Blob, diff_id: Digest, where: str) -> None:
    """Read a layer to its end and check it; ``where`` names it in the ``ContentError``.

    Memory does not grow with the layer.
    """
    try:
        _validate(layer, diff_id)
    except ContentError as error:
        raise type(error)(f"{where}: {error.message}", hint=error.hint) from None


def _validate(layer: Blob, diff_id: Digest) -> None:
    stated = types.layer_compression(layer.descriptor.media_type)
    with layer.open() as reader:
        found = sniff(reader.read(16))
    if found is not stated:
        raise ContentError(f"the media type says {stated}, the bytes are {found}")
    with layer.open() as reader:
        tar = _ForwardReader(decompressed(reader, stated), diff_id)
        _check_entries(tar)
        tar.drain()
        while reader.read(_CHUNK):
            pass  # to the end, where the reader compares size and digest
    if tar.digest != diff_id:
        raise ContentError(f"the tar in it is {tar.digest}, the config says {diff_id}")


class _ForwardReader(io.RawIOBase):
    """Hashes what passes, and skips forward by reading, so that ``tarfile`` can do without seek.

    ``tarfile``'s own streaming mode takes a damaged header for the end of the archive; here one
    can look at what it stopped at.
    """

    def __init__(self, source: BinaryIO, wanted: Digest) -> None:
        super().__init__()
        self._source = source
        self._hash = wanted.hasher()
        self._algorithm = wanted.algorithm
        self._position = 0
        self.last = b""

    @property
    def digest(self) -> Digest:
        """The digest of all bytes so far."""
        return Digest(self._algorithm, self._hash.hexdigest())

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = _CHUNK if size is None or size < 0 else size
        parts = []
        while wanted and (data := self._source.read(min(wanted, _CHUNK))):
            self._hash.update(data)
            parts.append(data)
            wanted -= len(data)
        self.last = b"".join(parts)
        self._position += len(self.last)
        return self.last

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if whence != 0 or offset < self._position:
            raise ContentError("the tar has an entry that cannot be read in one pass")
        while self._position < offset and self.read(min(_CHUNK, offset - self._position)):
            pass
        return self._position

    def drain(self) -> None:
        """Read what follows the last entry: nothing but zeros may."""
        while not self.last.strip(b"\0"):
            if not self.read(_CHUNK):
                return
        raise ContentError("the tar has something after its last entry that is no entry")


def _check_entries(source: _ForwardReader) -> None:
    with tar_errors(lambda reason: ContentError(f"the tar cannot be read: {reason}")):
        for entry in entries(cast(BinaryIO, source)):
            _check_name(entry.name)
            if entry.islnk():
                _check_name(entry.linkname)


def _check_name(name: str) -> None:
    if name.startswith("/"):
        raise ContentError(f"the name {name!r} is not relative")
    if ".." in name.split("/"):
        raise ContentError(f"the name {name!r} leads out of the image")
