"""The registry behind a cache, reached by pyjib's own client: the only place that knows it."""

from __future__ import annotations

from collections.abc import Iterator

from pyjib.errors import NotFoundError
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.reference import Reference
from pyjib.registry.client import RegistryClient


class RegistryUpstream:
    """See ``Upstream``. ``registry`` is ``HOST[:PORT]``; whoever gives the client closes it."""

    def __init__(self, client: RegistryClient, registry: str) -> None:
        self._client = client
        self._registry = registry

    def resolve(self, name: str, tag: str) -> Digest:
        """Return the digest of the manifest that a tag leads to."""
        reference = Reference.parse(f"{self._registry}/{name}:{tag}")
        found = self._client.manifest_head(reference)
        if found is None:
            raise NotFoundError(f"{reference} is not there", status=404)
        return found.digest

    def manifest(self, name: str, digest: Digest) -> bytes:
        """Return a manifest's bytes, verified."""
        return self._client.manifest_get(self._at(name, digest))[0]

    def blob(self, name: str, digest: Digest) -> Iterator[bytes]:
        """Return a blob's bytes as they come; the taker verifies them."""
        reference = self._at(name, digest)
        size = self._client.blob_head(reference, digest)
        if size is None:
            raise NotFoundError(f"there is no blob {reference}", status=404)
        descriptor = Descriptor(media_type="application/octet-stream", digest=digest, size=size)
        return self._client.blob_chunks(reference, descriptor)

    def _at(self, name: str, digest: Digest) -> Reference:
        return Reference.parse(f"{self._registry}/{name}@{digest}")
