"""Deleting: tags, manifests and blobs ("Content Management")."""

from __future__ import annotations

from pyjib.oci.digest import Digest
from pyjib.serve.context import Call, Context, unknown_repository
from pyjib.serve.message import Code, Refusal, Response


def delete_manifest(context: Context, call: Call) -> Response:
    """Delete a tag, or a manifest with all tags on it."""
    target = call.target
    if context.repositories.catalogue(call.name) is None:
        raise unknown_repository(call.name)
    if isinstance(target, Digest):
        found = context.repositories.delete_manifest(call.name, target)
    else:
        found = context.repositories.delete_tag(call.name, target)
    if not found:
        message = f"{call.name} has no manifest {call.reference}"
        raise Refusal(404, Code.MANIFEST_UNKNOWN, message)
    return Response(status=202)


def delete_blob(context: Context, call: Call) -> Response:
    """Delete a blob, whether a manifest names it or not."""
    digest = call.digest
    catalogue = context.repositories.catalogue(call.name)
    if catalogue and digest in catalogue.manifests:
        raise Refusal(405, Code.UNSUPPORTED, f"{digest} is a manifest: delete it as one")
    if not context.repositories.delete_blob(call.name, digest):
        raise Refusal(404, Code.BLOB_UNKNOWN, f"{call.name} has no blob {digest}")
    return Response(status=202)
