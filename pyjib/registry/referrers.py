"""Referrers: manifests whose ``subject`` is another (Distribution 1.1, "Listing Referrers")."""

from __future__ import annotations

from urllib.parse import quote

from pyjib.errors import MalformedDocumentError
from pyjib.oci import media_type as types
from pyjib.oci.digest import Digest
from pyjib.oci.json import MAX_DOCUMENT, Json, dump, load
from pyjib.oci.manifest import Index
from pyjib.oci.reference import Reference
from pyjib.registry.message import Call, Reply
from pyjib.registry.paging import pages
from pyjib.registry.scope import Scopes
from pyjib.registry.session import Session

_NO_API = frozenset({400, 404, 406})
_ACCEPT = {"Accept": types.OCI_INDEX}


def list_all(
    session: Session, name: Reference, digest: Digest, artifact_type: str | None, scopes: Scopes
) -> Index:
    """Return an index of what refers to ``digest``, filtered by type here too.

    A registry without the API keeps it under the tag that the fallback scheme makes of the
    digest; nothing there is an empty index.
    """
    entries = _from_api(session, name, digest, artifact_type, scopes)
    if entries is None:
        entries = _from_tag(session, name, digest, scopes)
    kept: dict[str, Json] = {}
    for entry in entries:
        if artifact_type is None or entry.get("artifactType") == artifact_type:
            kept.setdefault(str(entry.get("digest")), entry)
    return Index.parse(
        dump({"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": list(kept.values())})
    )


def fallback_tag(digest: Digest) -> str:
    """Return the tag that stands for the referrers of a digest."""
    return f"{digest.algorithm[:32]}-{digest.hex[:64]}"


def _from_api(
    session: Session, name: Reference, digest: Digest, artifact_type: str | None, scopes: Scopes
) -> list[Json] | None:
    query = f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else ""
    call = Call(
        action=f"list what refers to {digest} in {name.name}",
        registry=name.registry,
        target=f"/v2/{name.repository}/referrers/{digest}{query}",
        scopes=scopes,
        headers=_ACCEPT,
        accepted=frozenset({200}) | _NO_API,
    )
    entries: list[Json] = []
    for page in pages(session, call):
        found = _entries(page) if page.status == 200 else None
        if found is None:
            return entries or None
        if not found:
            break
        entries += found
    return entries


def _from_tag(session: Session, name: Reference, digest: Digest, scopes: Scopes) -> list[Json]:
    tag = fallback_tag(digest)
    call = Call(
        action=f"get the referrers of {digest} in {name.name}",
        registry=name.registry,
        target=f"/v2/{name.repository}/manifests/{tag}",
        scopes=scopes,
        headers=_ACCEPT,
        accepted=frozenset({200, 404}),
    )
    reply = session.ask(call, MAX_DOCUMENT)
    if reply.status == 404:
        return []
    entries = _entries(reply)
    if entries is None:
        raise MalformedDocumentError(
            f"{name.name}:{tag} is not the index of referrers that its name stands for"
        )
    return entries


def _entries(reply: Reply) -> list[Json] | None:
    """Return an index's entries as they are, ``None`` if this is no index."""
    try:
        manifests = load(reply.data, "index of referrers").get("manifests")
        Index.parse(reply.data)
    except MalformedDocumentError:
        return None
    return list(manifests or ())
