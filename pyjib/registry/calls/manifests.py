"""Manifests and indexes: asking for, getting and putting documents by tag or digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyjib.errors import (
    DigestMismatchError,
    InvalidReferenceError,
    MalformedDocumentError,
    NotFoundError,
)
from pyjib.events import ManifestPushed, Warned
from pyjib.oci import media_type as types
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.json import MAX_DOCUMENT
from pyjib.oci.manifest import parse_document
from pyjib.oci.reference import Reference
from pyjib.registry.login.scope import Scopes
from pyjib.registry.net.message import Body, Call, Reply
from pyjib.registry.session import Session

_ACCEPT = {"Accept": ", ".join(types.ACCEPTED)}
_KNOWN = types.MANIFESTS | types.INDEXES
_SPECIFIC = ("application/vnd.oci.", "application/vnd.docker.")
"""What a ``Content-Type`` begins with that says more than that this is text or JSON."""
_COMMIT_PATIENCE = 300.0


def head(session: Session, reference: Reference, scopes: Scopes) -> Descriptor | None:
    """Describe what a reference leads to; ``None`` if there is nothing.

    Where HEAD is not served, is refused, or leaves something out, GET is asked.
    """
    call = Call(
        action=f"look up {reference}",
        registry=reference.registry,
        method="HEAD",
        target=_target(reference),
        scopes=scopes,
        headers=_ACCEPT,
        accepted=frozenset({200, 403, 404, 405}),
    )
    reply = session.ask(call)
    if reply.status == 404:
        return None
    described = _described(reply.headers) if reply.status == 200 else None
    if described is not None and reference.digest in (None, described.digest):
        return described
    try:
        data, media_type = get(session, reference, scopes)
    except NotFoundError:
        return None
    return Descriptor.of(data, media_type)


def get(session: Session, reference: Reference, scopes: Scopes) -> tuple[bytes, str]:
    """Return a document's bytes, verified, and the media type that they state: see ``read``."""
    data, media_type, _ = read(session, reference, scopes)
    return data, media_type


def read(session: Session, reference: Reference, scopes: Scopes) -> tuple[bytes, str, str | None]:
    """Return a document's bytes, verified, the media type that they state, and its ETag if any.

    Raises ``NotFoundError``; ``DigestMismatchError`` if a digest was asked for and these are
    other bytes; ``MalformedDocumentError`` if they could be read as two kinds of document.
    """
    call = Call(
        action=f"get the manifest of {reference}",
        registry=reference.registry,
        target=_target(reference),
        scopes=scopes,
        headers=_ACCEPT,
    )
    reply = session.ask(call, MAX_DOCUMENT)
    _check_digest(session, reference, reply.data, reply.headers)
    stated = _media_type(reply.headers)
    try:
        media_type = parse_document(reply.data).media_type
    except MalformedDocumentError as error:
        raise _no_manifest(reference, stated, error) from None
    if stated.startswith(_SPECIFIC) and stated != media_type:
        raise MalformedDocumentError(
            f"{reference.registry} sent {reference} as {stated}, but it says it is {media_type}",
            hint="push the image again: what the registry has of it is damaged",
        )
    return reply.data, media_type, reply.headers.get("etag")


def _no_manifest(
    reference: Reference, stated: str, error: MalformedDocumentError
) -> MalformedDocumentError:
    """Name the place; a page for people tells more of what went wrong than its first character."""
    if stated.startswith("text/html"):
        return MalformedDocumentError(
            f"cannot get the manifest of {reference}: {reference.registry} answered with a web page",
            hint="open that address in a browser: a proxy or a login page may answer in the "
            "registry's place, or the name be that of its website",
        )
    return MalformedDocumentError(
        f"cannot get the manifest of {reference}: {error.message}",
        hint=error.hint or "check the registry, and mirrors and proxies in front of it",
    )


def put(
    session: Session,
    reference: Reference,
    data: bytes,
    media_type: str,
    scopes: Scopes,
    tags: Sequence[str] = (),
    if_match: str | None = None,
) -> Reply:
    """Store a document under the reference's tag or digest, and tell what the registry said.

    Raises ``DigestMismatchError`` if the registry says that it stored other bytes. ``tags`` are
    asked for in the same request, which registries know only since after 1.1.1: see
    ``tagged``. Registries that know ETags refuse with 412 if the reference leads to anything
    but ``if_match`` by now.
    """
    digest = Digest.of(data)
    if reference.digest not in (None, digest):
        raise InvalidReferenceError(f"cannot push {digest} as {reference}")
    query = "&".join(f"tag={tag}" for tag in tags)
    call = Call(
        action=f"push the manifest of {reference}",
        registry=reference.registry,
        method="PUT",
        target=_target(reference) + (f"?{query}" if query else ""),
        scopes=scopes,
        headers={"Content-Type": media_type} | ({"If-Match": if_match} if if_match else {}),
        body=Body.of(data),
        accepted=frozenset({200, 201, 202}),
        patience=_COMMIT_PATIENCE,
        taken=session.pushed.before(reference, digest),
    )
    reply = session.ask(call)
    stored = _digest(reply.headers)
    if stored is not None and stored.algorithm == digest.algorithm and stored != digest:
        raise DigestMismatchError(
            f"{reference.registry} stored {stored} as {reference} instead of {digest}",
            hint="something between here and the registry changes what is sent: check proxies",
        )
    session.pushed.manifest(reference, digest)
    set_too = tagged(reply)
    named = (reference, *(reference.with_tag(tag) for tag in tags if tag in set_too))
    for name in named:
        session.listener(ManifestPushed(reference=str(name), digest=str(digest)))
    return reply


def tagged(reply: Reply) -> frozenset[str]:
    """Return the tags that a registry says it has put on a manifest (``OCI-Tag``)."""
    return frozenset(tag.strip() for tag in reply.headers.get("oci-tag", "").split(","))


def _target(reference: Reference) -> str:
    return f"/v2/{reference.repository}/manifests/{reference.selector}"


def _check_digest(
    session: Session, reference: Reference, data: bytes, headers: Mapping[str, str]
) -> None:
    wanted, stated = reference.digest, _digest(headers)
    if wanted is not None:
        state = wanted.hasher()
        state.update(data)
        if state.hexdigest() != wanted.hex:
            raise DigestMismatchError(
                f"{reference.registry} sent other bytes for {reference}",
                hint="check the registry, and mirrors and proxies in front of it",
            )
    elif stated is not None and stated.algorithm == "sha256" and stated != Digest.of(data):
        message = f"{reference.registry} states {stated} for {reference} but sent {Digest.of(data)}"
        session.listener(Warned(message=message))


def _described(headers: Mapping[str, str]) -> Descriptor | None:
    digest, size = _digest(headers), headers.get("content-length", "")
    media_type = _media_type(headers)
    if digest is None or not size.isdecimal() or media_type not in _KNOWN:
        return None
    return Descriptor(media_type=media_type, digest=digest, size=int(size))


def _digest(headers: Mapping[str, str]) -> Digest | None:
    try:
        return Digest.parse(headers.get("docker-content-digest", ""))
    except InvalidReferenceError:
        return None


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
