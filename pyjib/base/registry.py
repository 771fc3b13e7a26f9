"""Base images from a registry: documents now, layers when somebody opens them.

What the store has is not asked for again: a base given by digest whose manifest and config are
there needs no network. Layers that the target has, or can link from the base's repository, are
never downloaded. Mirrors are asked before the registry, and everything is verified, wherever it
came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from typing import BinaryIO

from pyjib.base.model import BaseImages, BaseTools, check_single, choose
from pyjib.base.places import Places
from pyjib.errors import (
    ContentError,
    DigestMismatchError,
    MalformedDocumentError,
    NotFoundError,
    OfflineError,
    RegistryError,
    TransportError,
)
from pyjib.events import Direction, TransferFinished, TransferProgress, TransferStarted, Warned
from pyjib.frozen import frozen
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.config import ImageConfig
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.image import Image
from pyjib.oci.json import MAX_DOCUMENT
from pyjib.oci.location import RegistryLocation
from pyjib.oci.manifest import Document, Index, Manifest, parse_document
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference
from pyjib.registry.client import RegistryClient
from pyjib.registry.flight import SingleFlight

_MAX_DEPTH = 2
"""How deep indexes may lie in each other."""


def pull(location: RegistryLocation, platforms: Sequence[Platform], tools: BaseTools) -> BaseImages:
    """Resolve the reference and read each platform's manifest and config, verified.

    Raises ``NotFoundError``, ``PlatformError`` and what ``RegistryClient`` raises.
    """
    reference = location.reference
    places = Places(tools.registry, reference, tools.listener)
    source = _Source(reference=reference, name=str(location), tools=tools, places=places)
    digest = source.resolve()
    images = source.images(digest, platforms)
    document = source.read(digest)
    return BaseImages(
        name=source.name,
        digest=digest,
        images=images,
        index=document if isinstance(document, Index) else None,
        mirror=places.mirror,
    )


@frozen
class _Source:
    """A repository to read from, through the store."""

    reference: Reference
    name: str
    tools: BaseTools
    places: Places
    flights: SingleFlight[Digest, Blob] = field(default_factory=SingleFlight)

    def resolve(self) -> Digest:
        """Return the digest that the reference leads to."""
        if self.reference.digest is not None:
            return self.reference.digest
        name = str(self.reference)
        try:
            found = self.places.by_tag(self._resolve_at)
        except (TransportError, RegistryError) as error:
            return self._remembered(name, error)
        self.tools.store.remember_tag(name, found)
        return found

    def _remembered(self, name: str, error: TransportError | RegistryError) -> Digest:
        """Return what a tag was last, if that will do where it cannot be looked up; or raise."""
        known = self.tools.store.tag(name)
        if self.tools.registry.options.offline and isinstance(error, TransportError) and known:
            return known
        if isinstance(error, OfflineError):
            raise self._offline(f"{name} has not been looked up by any build") from None
        if known is not None and self.tools.store.get_document(known) is not None:
            _advise_offline(error, known)
        raise error

    def _offline(self, lack: str) -> OfflineError:
        return OfflineError(
            f"{lack}, and no network is to be used (--offline)",
            hint="build once without --offline, for a tar:// target: that keeps all of a base in "
            f"the cache ({self.tools.store.root})",
        )

    def _resolve_at(self, client: RegistryClient, reference: Reference) -> Digest:
        found = client.manifest_head(reference)
        if found is not None:
            return found.digest
        data, _ = client.manifest_get(reference)  # raises what is wrong
        return self.tools.store.put_document(data)

    def images(
        self, digest: Digest, platforms: Sequence[Platform], depth: int = _MAX_DEPTH
    ) -> tuple[Image, ...]:
        """Return the images of a manifest or an index."""
        document = self.read(digest)
        if isinstance(document, Manifest):
            image = self._image(document)
            check_single(image, platforms, name=self.name)
            return (image,)
        if not depth:
            raise ContentError(f"image {self.name} has indexes within indexes within indexes")
        return tuple(
            image
            for entry in choose(document.manifests, platforms, name=self.name)
            for image in self._images_of_entry(entry, depth - 1)
        )

    def read(self, digest: Digest) -> Document:
        """Return a manifest or an index, from the store if it was read before."""
        return parse_document(self._document(digest))

    def _images_of_entry(self, entry: Descriptor, depth: int) -> tuple[Image, ...]:
        data = self._document(entry.digest)
        document = parse_document(data)
        if document.media_type != entry.media_type or len(data) != entry.size:
            raise MalformedDocumentError(
                f"the index of {self.name} tells another size or media type of {entry.digest} "
                "than it has"
            )
        if isinstance(document, Index):
            wanted = (entry.platform,) if entry.platform else ()
            return self.images(entry.digest, wanted, depth)
        image = self._image(document)
        self._compare(entry, image)
        return (image,)

    def _compare(self, entry: Descriptor, image: Image) -> None:
        """Tell of an image whose config says another platform than the index does.

        Such an image may run nevertheless: there are builders that write their own machine's
        platform into every config. What is made of it says what the config says.
        """
        listed = entry.platform
        if listed is None or not (listed.os and listed.architecture):
            return
        stated = image.platform
        if (listed.os, listed.architecture) != (stated.os, stated.architecture):
            self.tools.listener(
                Warned(
                    message=f"{self.name} lists {entry.digest.short} as {listed}, but its config "
                    f"says {stated}",
                    hint="the base image was built wrongly: the program may not start",
                )
            )

    def _image(self, manifest: Manifest) -> Image:
        if manifest.config.media_type not in types.CONFIGS:
            raise ContentError(
                f"image {self.name} is no container image: its config is of the type "
                f"{manifest.config.media_type}"
            )
        return Image(
            manifest=manifest,
            config=ImageConfig.parse(self._config(manifest.config)),
            layers=tuple(self._layer(layer) for layer in manifest.layers),
        )

    def _document(self, digest: Digest) -> bytes:
        store = self.tools.store
        data = store.get_document(digest)
        if data is not None:
            return data

        def ask(client: RegistryClient, reference: Reference) -> bytes:
            found, _ = client.manifest_get(reference)
            store.put_document(found, digest)
            return found

        return self._by_digest(digest, ask, "manifest")

    def _config(self, descriptor: Descriptor) -> bytes:
        if descriptor.size > MAX_DOCUMENT:
            raise MalformedDocumentError(
                f"the config of {self.name} has {descriptor.size} bytes, more than {MAX_DOCUMENT}"
            )
        store = self.tools.store
        data = store.get_document(descriptor.digest)
        if data is not None:
            return data

        def ask(client: RegistryClient, reference: Reference) -> bytes:
            found = b"".join(client.blob_chunks(reference, descriptor))
            with _sender_named(reference, descriptor.digest):
                store.put_document(found, descriptor.digest)
            return found

        return self._by_digest(descriptor.digest, ask, "config")

    def _by_digest(
        self, digest: Digest, ask: Callable[[RegistryClient, Reference], bytes], what: str
    ) -> bytes:
        try:
            return self.places.by_digest(digest, ask)
        except OfflineError:
            raise self._offline(
                f"the {what} {digest.short} of {self.name} is not in the cache"
            ) from None

    def _layer(self, descriptor: Descriptor) -> Blob:
        return Blob(
            descriptor=descriptor,
            opener=lambda: self._open(descriptor),
            origin=self.reference,
            discard=lambda: self.tools.store.discard(descriptor.digest),
        )

    def _open(self, descriptor: Descriptor) -> BinaryIO:
        """Open a layer's bytes in the store, downloaded first if they are not there."""
        blob = self.tools.store.find(descriptor)
        if blob is None:
            blob = self.flights.do(descriptor.digest, lambda: self._download(descriptor))
        return blob.opener()

    def _download(self, descriptor: Descriptor) -> Blob:
        listener, key, size = self.tools.listener, str(descriptor.digest), descriptor.size
        label = f"layer {descriptor.digest.short} of {self.reference.familiar}"
        listener(TransferStarted(direction=Direction.PULL, key=key, label=label, total=size))
        try:
            blob = self.places.by_digest(descriptor.digest, self._fetcher(descriptor), patient=True)
        except OfflineError:
            raise self._offline(f"{label} is not in the cache") from None
        except NotFoundError as error:
            if not types.is_foreign(descriptor.media_type):
                raise
            raise ContentError(
                f"{label} is a foreign layer, and its registry does not keep it",
                hint="push to a registry, where it needs not be sent; other places that it may be "
                "downloaded from are not asked",
            ) from error
        listener(TransferFinished(direction=Direction.PULL, key=key, size=size))
        return blob

    def _fetcher(self, descriptor: Descriptor) -> Callable[[RegistryClient, Reference], Blob]:
        def fetch(client: RegistryClient, reference: Reference) -> Blob:
            try:
                return self._fetch(client, reference, descriptor)
            except DigestMismatchError:
                # Once more, whole: a download that went on after a break may have met two
                # servers.
                return self._fetch(client, reference, descriptor)

        return fetch

    def _fetch(self, client: RegistryClient, reference: Reference, descriptor: Descriptor) -> Blob:
        listener, key = self.tools.listener, str(descriptor.digest)

        def chunks() -> Iterator[bytes]:
            done = 0
            for chunk in client.blob_chunks(reference, descriptor):
                yield chunk
                done += len(chunk)
                listener(TransferProgress(direction=Direction.PULL, key=key, done=done))

        with _sender_named(reference, descriptor.digest):
            return self.tools.store.fetch(descriptor, chunks())


def _advise_offline(error: TransportError | RegistryError, known: Digest) -> None:
    """Tell of ``--offline`` where it would do: the base was there before, and may be again."""
    status = error.status if isinstance(error, RegistryError) else None
    if status is None or status == 429 or status >= 500:
        way = (
            f"--offline builds on {known.short}, which it was when it was last looked up, for "
            "targets on this machine"
        )
        error.advise(f"{error.hint}; {way}" if error.hint else way)


@contextmanager
def _sender_named(reference: Reference, digest: Digest) -> Iterator[None]:
    """Tell of bytes with another digest who sent them."""
    try:
        yield
    except DigestMismatchError:
        raise DigestMismatchError(
            f"{reference.registry} sent other bytes for blob {digest} of {reference.name}",
            hint="check the registry, and mirrors and proxies in front of it",
        ) from None
