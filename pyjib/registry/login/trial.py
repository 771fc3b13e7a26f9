"""Trying what builds do with an image, as far as that leaves nothing behind: for a diagnosis.

All functions raise what the calls raise: ``RegistryError``, ``TransportError``, ``ContentError``.
What they return says in words what was possible.
"""

from __future__ import annotations

from dataclasses import replace

from pyjib.errors import CancelledError, ContentError, NotFoundError, PyjibError, RegistryError
from pyjib.oci import media_type as types
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.manifest import Index, Manifest, parse_document
from pyjib.oci.reference import Reference
from pyjib.registry.calls import manifests
from pyjib.registry.login.scope import Scope, Scopes
from pyjib.registry.net.message import NOTHING, Call, Reply
from pyjib.registry.net.retry import Passing
from pyjib.registry.session import Session

_ACCEPT = ", ".join(sorted(types.MANIFESTS | types.INDEXES))
_CANCEL_PATIENCE = 5.0
_MAX_TAGS = 1024 * 1024


def look(session: Session, reference: Reference) -> str:
    """Ask whether an image is there, as a push does; raises ``NotFoundError`` if not."""
    reply = session.ask(
        Call(
            action=f"pull {reference}",
            registry=reference.registry,
            target=f"/v2/{reference.repository}/manifests/{reference.selector}",
            headers={"Accept": _ACCEPT},
            scopes=_pulling(reference),
            method="HEAD",
            accepted=frozenset({200, 403, 405}),
        )
    )
    if reply.status != 200:
        manifests.get(session, reference, _pulling(reference))
    elif reply.headers.get("content-type", "").startswith("text/html"):
        raise ContentError(f"{reference.registry} answered with a web page, not with an image")
    return "the image is there"


def fetch(session: Session, reference: Reference) -> str:
    """Get an image's manifest, and the first byte of a layer; raises ``NotFoundError`` if not there.

    Of an index one image is taken, linux/amd64 if it is there. Layers often come from another host, which has to be
    within reach as well.
    """
    document = _document(session, reference)
    try:
        return _fetch_parts(session, reference, document)
    except NotFoundError as error:
        raise ContentError(f"{error.message}: its manifest names what is not there") from None


def _fetch_parts(session: Session, reference: Reference, document: Manifest | Index) -> str:
    if isinstance(document, Index):
        chosen = _choose(document)
        if chosen is None:
            return "its index can be got, and names no image"
        document = _document(session, reference.with_digest(chosen.digest))
    if not isinstance(document, Manifest):
        return "its index can be got, and one in it"
    blobs = [layer for layer in document.layers if not layer.urls] or [document.config]
    return f"its manifest and a layer can be got{_touch(session, reference, blobs[0])}"


def _document(session: Session, reference: Reference) -> Manifest | Index:
    return parse_document(manifests.get(session, reference, _pulling(reference))[0])


def _choose(index: Index) -> Descriptor | None:
    """Return the image for builds' own platform, else the first; what lies beside one is none."""
    platforms = [(entry, entry.platform) for entry in index.manifests]
    images = [
        entry for entry, platform in platforms if platform is None or platform.os != "unknown"
    ]
    usual = (
        entry
        for entry, platform in platforms
        if platform is not None and (platform.os, platform.architecture) == ("linux", "amd64")
    )
    return next(usual, images[0] if images else None)


def _touch(session: Session, reference: Reference, blob: Descriptor) -> str:
    """Get the first byte of a blob; return which other host it came from, if one did."""
    answer = session.open(
        Call(
            action=f"get the layer {blob.digest} of {reference}",
            registry=reference.registry,
            target=f"/v2/{reference.repository}/blobs/{blob.digest}",
            headers={"Range": "bytes=0-0"},
            scopes=_pulling(reference),
            accepted=frozenset({200, 206, 416}),  # an empty blob has no first byte
        )
    )
    answer.close()
    other = answer.url.authority != session.root(reference.registry).authority
    return f", that from {answer.url.authority}" if other else ""


def has_tags(session: Session, reference: Reference) -> bool | None:
    """Tell a missing tag from a missing repository, ``None`` if the registry does not tell."""
    try:
        session.ask(
            Call(
                action=f"list the tags of {reference.name}",
                registry=reference.registry,
                target=f"/v2/{reference.repository}/tags/list?n=1",
                scopes=_pulling(reference),
            ),
            _MAX_TAGS,
        )
    except NotFoundError:
        return False
    except (ContentError, RegistryError):
        return None
    return True


def begin_upload(session: Session, reference: Reference) -> str:
    """Begin an upload to a reference's repository, and cancel it."""
    call = Call(
        action=f"begin an upload to {reference.name}",
        registry=reference.registry,
        method="POST",
        target=f"/v2/{reference.repository}/blobs/uploads/",
        scopes=(Scope.of_repository(reference.repository, "pull", "push"),),
        body=NOTHING,
        accepted=frozenset({202}),
    )
    return _cancel(session, call, session.ask(call))


def _cancel(session: Session, call: Call, reply: Reply) -> str:
    location = reply.headers.get("location")
    if location is None:
        raise ContentError(
            f"cannot {call.action}: {call.registry} answered {reply.status} without saying where "
            "to send it (no Location header)"
        )
    url = session.resolve(call.registry, reply.url, location)  # where a push could not go on either
    try:
        session.once(
            replace(
                call,
                action="cancel the upload",
                method="DELETE",
                url=url,
                accepted=frozenset({202, 204, 404}),
                patience=_CANCEL_PATIENCE,
            )
        )
    except CancelledError:
        raise
    except (PyjibError, Passing):
        return "an upload was begun; the registry takes no cancellation and will drop it itself"
    return "an upload was begun, and cancelled"


def _pulling(reference: Reference) -> Scopes:
    return (Scope.of_repository(reference.repository, "pull"),)
