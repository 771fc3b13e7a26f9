"""An index of layers kept in a registry, as an artifact under a tag of its own.

Several builds may write it at once. Where the registry knows ETags, one that comes too late is
told so. Elsewhere the index is read once more afterwards, and what was lost by then is added
again; what is lost even so is packed once more by some later build.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyjib.errors import (
    ContentError,
    DigestMismatchError,
    MalformedDocumentError,
    NotFoundError,
    RegistryError,
)
from pyjib.frozen import frozen
from pyjib.layer_index.model import MEDIA_TYPE, MOST_BYTES, Entry, dump_entries, parse_entries
from pyjib.oci import media_type as types
from pyjib.oci.blob import Blob
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.json import dump, load
from pyjib.oci.manifest import Manifest
from pyjib.oci.reference import Reference
from pyjib.registry.client import RegistryClient

ROUNDS = 4
"""How often an index is merged before giving up."""


class OtherContentError(MalformedDocumentError):
    """The reference names something that is no index of layers, and must not be overwritten."""


@frozen
class Stored:
    """An index as it was found, with the manifest's ETag if the registry gives one."""

    entries: tuple[Entry, ...] = ()
    etag: str | None = None


def read_artifact(client: RegistryClient, reference: Reference) -> Stored:
    """Return the index under a reference; an empty one if there is nothing.

    Raises ``OtherContentError`` for what is no index, ``ContentError`` for one that is damaged,
    and what ``RegistryClient`` raises.
    """
    manifest, etag = _manifest(client, reference)
    entries = () if manifest is None else _entries(client, reference, manifest)
    return Stored(entries=entries, etag=etag)


def add_to_artifact(client: RegistryClient, reference: Reference, added: Sequence[Entry]) -> None:
    """Add entries to the index, before those that are there.

    Raises what ``read_artifact`` raises, but for a damaged index, which is written anew. What
    cannot be read as a manifest is not known to be an index, and stays.
    """
    written = False
    for _ in range(ROUNDS):
        found = _found(client, reference)
        if all(entry in found.entries for entry in added):
            return
        written = _put(client, reference, (*added, *found.entries), found.etag) or written
    if not written:
        action = f"add to the layer index {reference}"
        raise RegistryError(
            f"cannot {action}: others changed it {ROUNDS} times meanwhile",
            action=action,
            status=412,
        )


def _found(client: RegistryClient, reference: Reference) -> Stored:
    manifest, etag = _manifest(client, reference)
    try:
        entries = () if manifest is None else _entries(client, reference, manifest)
    except OtherContentError:
        raise
    except ContentError:
        entries = ()
    return Stored(entries=entries, etag=etag)


def _manifest(client: RegistryClient, reference: Reference) -> tuple[bytes | None, str | None]:
    try:
        data, etag = client.manifest_read(reference)
    except NotFoundError:
        return None, None
    return data, etag if etag and etag.isascii() else None  # else no request can say it


def _entries(client: RegistryClient, reference: Reference, data: bytes) -> tuple[Entry, ...]:
    if load(data, "manifest").get("artifactType") != MEDIA_TYPE:
        raise OtherContentError(
            f"{reference} is no layer index",
            hint="give --layer-index a tag of its own, which nothing else uses",
        )
    layers = Manifest.parse(data).layers
    if len(layers) != 1 or layers[0].size > MOST_BYTES:
        raise MalformedDocumentError(f"{reference} is not one index of at most {MOST_BYTES} bytes")
    return parse_entries(_content(client, reference, layers[0]))


def _content(client: RegistryClient, reference: Reference, descriptor: Descriptor) -> bytes:
    try:
        content = b"".join(client.blob_chunks(reference, descriptor))
    except NotFoundError as error:
        raise ContentError(f"its content is gone: {error.message}") from None
    if Digest.of(content) != descriptor.digest:
        raise DigestMismatchError(f"{reference} does not match its digest {descriptor.digest}")
    return content


def _put(
    client: RegistryClient, reference: Reference, entries: Sequence[Entry], etag: str | None
) -> bool:
    """Write an index; false if somebody else was faster, by what the registry says."""
    content = Blob.of_bytes(dump_entries(entries), MEDIA_TYPE)
    empty = Blob.of_bytes(b"{}", types.OCI_EMPTY)
    for blob in (content, empty):
        client.blob_push(reference, blob)
    manifest = dump(
        {
            "schemaVersion": 2,
            "mediaType": types.OCI_MANIFEST,
            "artifactType": MEDIA_TYPE,
            "config": empty.descriptor.to_json(),
            "layers": [content.descriptor.to_json()],
        }
    )
    try:
        client.manifest_put(reference, manifest, types.OCI_MANIFEST, if_match=etag)
    except RegistryError as error:
        if error.status == 412:
            return False
        raise
    return True
