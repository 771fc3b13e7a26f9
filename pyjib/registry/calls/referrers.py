"""Referrers: manifests whose ``subject`` is another (Distribution 1.1, "Listing Referrers").

A registry without the API does not notice subjects: there the client itself keeps the list,
under a tag made of the subject's digest. What pushes to one list within a process takes turns;
between processes an ETag helps, and looking again afterwards where there is none.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote
from weakref import WeakValueDictionary

from pyjib.errors import MalformedDocumentError, RegistryError
from pyjib.oci import media_type as types
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.json import MAX_DOCUMENT, Json, dump, load
from pyjib.oci.manifest import Index
from pyjib.oci.reference import Reference
from pyjib.patience import SLICE
from pyjib.registry.calls.paging import pages
from pyjib.registry.login.scope import Scopes
from pyjib.registry.net.message import Body, Call, Reply
from pyjib.registry.session import Session

MERGES = 5
"""So often a list that somebody else changes at the same time is read and written again."""
REMEMBERED = 300.0
_NO_API = frozenset({400, 404, 406})
_ACCEPT = {"Accept": types.OCI_INDEX}


@dataclass(slots=True)
class Support:
    """Which repositories have no referrers API, for five minutes; safe for threads."""

    _without: dict[str, float] = field(default_factory=dict)

    def lacks(self, name: Reference) -> bool:
        """Tell whether a repository was found to have no API a short while ago."""
        return self._without.get(name.name, 0.0) > time.monotonic()

    def found_none(self, name: Reference) -> None:
        """Note that a repository has no API."""
        self._without[name.name] = time.monotonic() + REMEMBERED


def list_all(
    session: Session,
    name: Reference,
    digest: Digest,
    artifact_type: str | None,
    scopes: Scopes,
    support: Support,
) -> Index:
    """Return an index of what refers to ``digest``, filtered by type here too.

    A registry without the API keeps it under the tag that the fallback scheme makes of the
    digest; nothing there is an empty index.
    """
    entries = None
    if not support.lacks(name):
        entries = _from_api(session, name, digest, artifact_type, scopes)
        if entries is None:
            support.found_none(name)
    if entries is None:
        entries, _ = _from_tag(session, name, digest, scopes)
    kept: dict[str, Json] = {}
    for entry in entries:
        if artifact_type is None or entry.get("artifactType") == artifact_type:
            kept.setdefault(str(entry.get("digest")), entry)
    return Index.parse(_index(kept.values()))


def fallback_tag(digest: Digest) -> str:
    """Return the tag that stands for the referrers of a digest."""
    text = f"{digest.algorithm[:32]}-{digest.hex[:64]}"
    return re.sub(r"[^a-zA-Z0-9._-]", "-", text, flags=re.ASCII)


def register(session: Session, name: Reference, data: bytes, put: Reply, scopes: Scopes) -> None:
    """See to it that a manifest that was just ``put`` is found by its subject.

    Nothing is done for one without a subject, or where the registry's answer says that it has
    noticed (``OCI-Subject``). Raises ``MalformedDocumentError`` if the fallback tag is something
    else, ``RegistryError`` if others keep changing it.
    """
    document = load(data, "manifest") if b'"subject"' in data else {}
    subject = document.get("subject")
    if subject is None:
        return
    digest = Descriptor.from_json(subject, "subject").digest
    if put.headers.get("oci-subject", "").strip() == str(digest):
        return
    entry = _entry(document, data)
    with _turn(name, digest, session.cancellation.check):
        _add(session, name, digest, entry, scopes)


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
    entries: dict[str, Json] = {}
    for page in pages(session, call):
        found = _entries(page) if page.status == 200 else None
        if found is None and not entries:
            return None
        if found is None:  # the pages before are not all there is
            raise MalformedDocumentError(
                f"cannot {call.action}: {name.registry} links to a page that is no index"
            )
        before = len(entries)
        for entry in found:
            entries.setdefault(str(entry.get("digest")), entry)
        if len(entries) == before:
            break
    return list(entries.values())


def _from_tag(
    session: Session, name: Reference, digest: Digest, scopes: Scopes
) -> tuple[list[Json], str | None]:
    """Return the entries under the fallback tag, and its ETag if it has one."""
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
        return [], None
    entries = _entries(reply)
    if entries is None:
        raise MalformedDocumentError(
            f"{name.name}:{tag} is not the index of referrers that its name stands for"
        )
    return entries, reply.headers.get("etag")


def _entries(reply: Reply) -> list[Json] | None:
    """Return an index's entries as they are, ``None`` if this is no index."""
    try:
        manifests = load(reply.data, "index of referrers").get("manifests")
        Index.parse(reply.data)
    except MalformedDocumentError:
        return None
    return list(manifests or ())


def _add(session: Session, name: Reference, digest: Digest, entry: Json, scopes: Scopes) -> None:
    """Add an entry to the list under the fallback tag, whoever else does so at the same time."""
    written = False
    for _ in range(MERGES):
        entries, etag = _from_tag(session, name, digest, scopes)
        if any(known.get("digest") == entry["digest"] for known in entries):
            return
        match = {"If-Match": etag} if etag else {}
        reply = _put_tag(session, name, digest, _index([*entries, entry]), match, scopes)
        written = reply.status != 412  # and the next look tells whether it stayed
    if not written:
        raise _contended(name, digest)


def _put_tag(
    session: Session,
    name: Reference,
    digest: Digest,
    data: bytes,
    match: Mapping[str, str],
    scopes: Scopes,
) -> Reply:
    call = Call(
        action=f"list what refers to {digest} under {name.name}:{fallback_tag(digest)}",
        registry=name.registry,
        method="PUT",
        target=f"/v2/{name.repository}/manifests/{fallback_tag(digest)}",
        scopes=scopes,
        headers={"Content-Type": types.OCI_INDEX, **match},
        body=Body.of(data),
        accepted=frozenset({200, 201, 202, 412}),
    )
    return session.ask(call)


def _contended(name: Reference, digest: Digest) -> RegistryError:
    action = f"list what refers to {digest} under {name.name}:{fallback_tag(digest)}"
    return RegistryError(
        f"cannot {action}: others changed it {MERGES} times meanwhile",
        action=action,
        status=412,
        hint="try again when nobody else pushes there",
    )


def _entry(document: Json, data: bytes) -> Json:
    """Return the descriptor that a list of referrers has of a manifest."""
    media_type = str(document.get("mediaType") or types.OCI_MANIFEST)
    entry = Descriptor.of(data, media_type).to_json()
    config = document.get("config")
    kind = document.get("artifactType")
    if not kind and isinstance(config, dict):
        kind = config.get("mediaType")
    if kind:
        entry["artifactType"] = kind
    if document.get("annotations"):
        entry["annotations"] = document["annotations"]
    return entry


def _index(entries: Iterable[Json]) -> bytes:
    return dump({"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": list(entries)})


class _Turn:
    """A lock that can be referred to weakly."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


# Two clients in one process must not overtake each other either: the locks are everybody's.
_turns: WeakValueDictionary[tuple[str, Digest], _Turn] = WeakValueDictionary()
_turns_lock = threading.Lock()


@contextmanager
def _turn(name: Reference, digest: Digest, check: Callable[[], None]) -> Iterator[None]:
    """Let one at a time change a list; who waits calls ``check``, which may raise to give up."""
    with _turns_lock:
        turn = _turns.setdefault((name.name, digest), _Turn())
    while not turn.lock.acquire(timeout=SLICE):
        check()
    try:
        yield
    finally:
        turn.lock.release()
