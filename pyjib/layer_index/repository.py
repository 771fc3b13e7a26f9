"""The repository that an image goes to, as a place where layers may be already."""

from __future__ import annotations

from typing import BinaryIO

from pyjib.errors import ContentError, NotFoundError
from pyjib.events import Direction, Listener, TransferFinished, TransferStarted
from pyjib.frozen import frozen
from pyjib.layer.decompress import decompressed
from pyjib.layer.known import Sought
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.media_type import layer_compression
from pyjib.oci.reference import Reference
from pyjib.registry.client import RegistryClient
from pyjib.store.store import Store

_CHUNK = 1 << 20


@frozen
class LayerRepository:
    """Looks at blobs of one repository, and downloads those that somebody wants to read.

    Methods raise what ``RegistryClient`` raises. ``store`` takes what is downloaded.
    """

    name: Reference
    client: RegistryClient
    store: Store
    listener: Listener

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
        blob = self.store.find(descriptor)
        if blob is None:
            blob = self._download(descriptor)
            self._check(blob, diff_id)
        return blob.opener()

    def _download(self, descriptor: Descriptor) -> Blob:
        key, size, pull = str(descriptor.digest), descriptor.size, Direction.PULL
        label = f"layer {descriptor.digest.short} of {self.name.familiar}"
        self.listener(TransferStarted(direction=pull, key=key, label=label, total=size))
        try:
            blob = self.store.fetch(descriptor, self.client.blob_chunks(self.name, descriptor))
        except NotFoundError as error:
            raise NotFoundError(
                f"{label} was there when the build began, and is gone: {error.message}",
                action=error.action,
                status=error.status,
                hint="build again: what a registry does not have is packed",
            ) from None
        self.listener(TransferFinished(direction=pull, key=key, size=size))
        return blob

    def _check(self, blob: Blob, diff_id: Digest) -> None:
        state = diff_id.hasher()
        with blob.open() as packed:
            unpacked = decompressed(packed, layer_compression(blob.descriptor.media_type))
            with unpacked:
                while chunk := unpacked.read(_CHUNK):
                    state.update(chunk)
        if state.hexdigest() != diff_id.hex:
            self.store.discard(blob.descriptor.digest)
            raise ContentError(
                f"the layer {blob.descriptor.digest} of {self.name.name} does not unpack to "
                f"{diff_id}, as was said of it",
                hint="pass --layer-index off, and find out who writes to that repository",
            )
