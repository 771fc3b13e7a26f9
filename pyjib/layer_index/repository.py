"""The repository that an image goes to, as a place where layers may be already."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from pyjib.errors import ContentError, NotFoundError, SizeMismatchError
from pyjib.events import Direction, Listener, TransferFinished, TransferStarted
from pyjib.frozen import frozen
from pyjib.layer.decompress import BeyondMeasureError, decompressed
from pyjib.layer.known import Sought
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.media_type import Compression, layer_compression
from pyjib.oci.reference import Reference
from pyjib.registry.client import RegistryClient
from pyjib.store.store import BlobWriter, Store

_CHUNK = 1 << 20


@frozen
class LayerRepository:
    """Looks at blobs of one repository, and downloads those that somebody wants to read.

    Methods raise what ``RegistryClient`` raises. ``store`` takes what is downloaded, and
    ``check`` is called while it is unpacked, and may raise.
    """

    name: Reference
    client: RegistryClient
    store: Store
    listener: Listener
    check: Callable[[], None]

    def has(self, descriptor: Descriptor) -> bool:
        """Tell whether a blob is there, of the described size."""
        return self.client.hasty().blob_head(self.name, descriptor.digest) == descriptor.size

    def looks_right(self, descriptor: Descriptor, sought: Sought) -> bool:
        """Tell whether a blob is there, of the described size, and has the ends that are sought."""
        head, tail, size = sought.head, sought.tail, descriptor.size
        if size < len(head) + len(tail) or descriptor.digest.algorithm != "sha256":
            return False
        hasty = self.client.hasty()
        if hasty.blob_part(self.name, descriptor, size - len(tail), len(tail)) != tail:
            return False
        return hasty.blob_part(self.name, descriptor, 0, len(head)) == head

    def blob(self, descriptor: Descriptor, diff_id: Digest) -> Blob:
        """Return a blob that is downloaded when it is opened, which pushing it here does not do.

        Opening raises ``ContentError`` if what is there unpacks to anything but ``diff_id``.
        """
        return Blob(
            descriptor=descriptor,
            opener=lambda: self._open(descriptor, diff_id),
            origin=self.name,
            discard=lambda: self.store.discard(descriptor.digest),
        )

    def _open(self, descriptor: Descriptor, diff_id: Digest) -> BinaryIO:
        blob = self.store.find(descriptor) or self._download(descriptor, diff_id)
        return blob.opener()

    def _download(self, descriptor: Descriptor, diff_id: Digest) -> Blob:
        key, size, pull = str(descriptor.digest), descriptor.size, Direction.PULL
        label = f"layer {descriptor.digest.short} of {self.name.familiar}"
        self.listener(TransferStarted(direction=pull, key=key, label=label, total=size))
        try:
            blob = self._fetch(descriptor, diff_id)
        except NotFoundError as error:
            raise NotFoundError(
                f"{label} was there when the build began, and is gone: {error.message}",
                action=error.action,
                status=error.status,
                hint="build again: what a registry does not have is packed",
            ) from None
        self.listener(TransferFinished(direction=pull, key=key, size=size))
        return blob

    def _fetch(self, descriptor: Descriptor, diff_id: Digest) -> Blob:
        """Download and unpack at once: what does not unpack to ``diff_id`` is never in the store.

        A later build would take what is there for what was packed here.
        """
        with self.store.writer() as writer:
            passing = _Passing(self.client.blob_chunks(self.name, descriptor), writer)
            compression = layer_compression(descriptor.media_type)
            right = _unpacks_to(diff_id, passing, compression, self.check)
            passing.read_on()
            if not right and writer.describe(descriptor.media_type) == descriptor:
                raise ContentError(
                    f"the layer {descriptor.digest} of {self.name.name} does not unpack to "
                    f"{diff_id}, as was said of it",
                    hint="pass --layer-index off, and find out who writes to that repository",
                )
            return writer.commit(descriptor.media_type, descriptor)


class _Passing(io.RawIOBase):
    """Reads a download, whose length the client looks after, and writes what it read."""

    def __init__(self, chunks: Iterator[bytes], writer: BlobWriter) -> None:
        super().__init__()
        self._chunks = chunks
        self._writer = writer
        self._rest = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = memoryview(chunk)
            self._writer.write(chunk)
        size = len(self._rest) if size < 0 else size
        data, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return data

    def read_on(self) -> None:
        """Read to the end."""
        while self.read():
            pass


def _unpacks_to(
    diff_id: Digest, passing: _Passing, compression: Compression, check: Callable[[], None]
) -> bool:
    state = diff_id.hasher()
    try:
        with decompressed(cast(BinaryIO, passing), compression) as unpacked:
            while chunk := unpacked.read(_CHUNK):
                check()  # a few bytes of somebody else's may unpack to gigabytes
                state.update(chunk)
    except SizeMismatchError:
        raise
    except BeyondMeasureError as error:  # it may well be right: nothing is said against anybody
        error.advise(f"{error.hint}; with --layer-index off the layer is packed here")
        raise
    except ContentError:
        return False
    return state.hexdigest() == diff_id.hex
