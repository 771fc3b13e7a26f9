"""Deleting manifests, tags and blobs (Distribution 1.1, "Content Management")."""

from __future__ import annotations

from pyjib.oci.digest import Digest
from pyjib.oci.reference import Reference
from pyjib.registry.login.scope import Scope
from pyjib.registry.net.message import NOTHING, Call
from pyjib.registry.session import Session


def manifest(session: Session, reference: Reference) -> bool:
    """Delete a tag or, by digest, a manifest with its tags; false if it was not there."""
    return _delete(session, reference, f"manifests/{reference.selector}", str(reference))


def blob(session: Session, name: Reference, digest: Digest) -> bool:
    """Delete a blob; false if it was not there."""
    return _delete(session, name, f"blobs/{digest}", f"blob {digest} of {name.name}")


def _delete(session: Session, name: Reference, place: str, what: str) -> bool:
    # 404 counts as done: an answer that was lost is asked for again, and the thing is gone then.
    call = Call(
        action=f"delete {what}",
        registry=name.registry,
        method="DELETE",
        target=f"/v2/{name.repository}/{place}",
        scopes=(Scope.of_repository(name.repository, "pull", "push", "delete"),),
        body=NOTHING,
        accepted=frozenset({200, 202, 204, 404}),
    )
    return session.ask(call).status != 404
