"""What the image that a tag names at present tells about its layers."""

from __future__ import annotations

from collections.abc import Iterator

from pyjib.errors import MalformedDocumentError
from pyjib.layer_index.model import Entry
from pyjib.oci import media_type as types
from pyjib.oci.config import ImageConfig
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.json import MAX_DOCUMENT, Json
from pyjib.oci.manifest import Index, Manifest, parse_document
from pyjib.oci.reference import Reference
from pyjib.registry.client import RegistryClient


def entries_of_image(
    client: RegistryClient, reference: Reference, created_by: str
) -> tuple[Entry, ...]:
    """Return the layers of the image that whoever ``created_by`` names has made, by its history.

    Of an index the first image is taken: our layers are the same in all of them. Raises what
    ``RegistryClient`` raises, and ``MalformedDocumentError``.
    """
    manifest = _manifest(client, reference)
    if manifest is None or manifest.config.media_type not in types.CONFIGS:
        return ()
    if manifest.config.size > MAX_DOCUMENT:
        raise MalformedDocumentError(f"the config has {manifest.config.size} bytes")
    config = ImageConfig.parse(_verified(client, reference, manifest))
    makers = list(_makers(config))
    if not len(makers) == len(config.diff_ids) == len(manifest.layers):
        return ()
    return tuple(
        Entry(diff_id=diff_id, descriptor=descriptor)
        for maker, diff_id, descriptor in zip(makers, config.diff_ids, manifest.layers, strict=True)
        if maker == created_by
    )


def _manifest(client: RegistryClient, reference: Reference) -> Manifest | None:
    data, _ = client.manifest_get(reference)
    document = parse_document(data)
    if isinstance(document, Index):
        first = next(filter(_runs, document.manifests), None)
        if first is None:
            return None
        data, _ = client.manifest_get(reference.with_digest(first.digest))
        document = parse_document(data)
    return document if isinstance(document, Manifest) else None


def _runs(entry: Descriptor) -> bool:
    # Attestations sit in indexes as manifests for the platform unknown/unknown.
    return entry.platform is None or entry.platform.os != "unknown"


def _verified(client: RegistryClient, reference: Reference, manifest: Manifest) -> bytes:
    data = b"".join(client.blob_chunks(reference, manifest.config))
    state = manifest.config.digest.hasher()
    state.update(data)
    if state.hexdigest() != manifest.config.digest.hex:
        raise MalformedDocumentError("the config does not match its digest")
    return data


def _makers(config: ImageConfig) -> Iterator[str]:
    """Yield who made each layer, as history has it."""
    history: object = config.document.get("history")
    for entry in history if isinstance(history, list) else ():
        step: Json = entry if isinstance(entry, dict) else {}
        if not step.get("empty_layer"):
            yield str(step.get("created_by", ""))
