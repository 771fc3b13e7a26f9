"""Reading: blobs, manifests, and lists of tags, repositories and referrers."""

from __future__ import annotations

from pyjib.oci.json import dump
from pyjib.oci.media_type import OCI_INDEX
from pyjib.serve.context import Call, Context, digest_header, unknown_repository
from pyjib.serve.documents import Document
from pyjib.serve.message import Code, Headers, Refusal, Response, Slice, answer_json
from pyjib.serve.paging import cut_page, next_link
from pyjib.serve.ranges import UnsatisfiableRange, asked_range

_REFERRERS_BYTES = 4 << 20
"""The most bytes of descriptors in one list of referrers: a larger index nobody has to take."""


def ping(context: Context, call: Call) -> Response:  # noqa: ARG001  a Handler
    """Answer that this is a registry ("Determining Support")."""
    return answer_json(200, {})


def get_blob(context: Context, call: Call) -> Response:
    """Send a blob or a range of it ("Pulling blobs"); HEAD tells of the whole."""
    digest = call.digest
    if context.source is not None:
        context.source.want_blob(call.name, digest)
    looks = call.request.method == "HEAD"
    find = context.repositories.promise if looks else context.repositories.blob
    content = find(call.name, digest)
    if content is None:
        raise Refusal(404, Code.BLOB_UNKNOWN, f"{call.name} has no blob {digest}")
    headers: Headers = (
        ("Content-Type", "application/octet-stream"),
        ("Accept-Ranges", "bytes"),
        ("ETag", f'"{digest}"'),
        *digest_header(digest),
    )
    wanted = None
    same = call.request.headers.get("if-range", f'"{digest}"') == f'"{digest}"'
    if not looks and same:
        try:
            wanted = asked_range(call.request.headers.get("range"), content.size)
        except UnsatisfiableRange:
            size = (("Content-Range", f"bytes */{content.size}"),)
            message = f"the blob has {content.size} bytes"
            raise Refusal(416, Code.SIZE_INVALID, message, headers=size) from None
    if wanted is None:
        body = Slice(content=content, start=0, length=content.size)
        return Response(status=200, headers=headers, body=body)
    start, length = wanted
    sent = ("Content-Range", f"bytes {start}-{start + length - 1}/{content.size}")
    body = Slice(content=content, start=start, length=length)
    return Response(status=206, headers=(*headers, sent), body=body)


def get_manifest(context: Context, call: Call) -> Response:
    """Send a manifest by tag or digest ("Pulling manifests")."""
    if context.source is not None:
        context.source.want_manifest(call.name, call.target)
    found = context.repositories.manifest(call.name, call.target)
    if found is None:
        message = f"{call.name} has no manifest {call.reference}"
        raise Refusal(404, Code.MANIFEST_UNKNOWN, message)
    manifest, content = found
    if not _is_accepted(manifest.media_type, call.request.headers.get("accept")):
        # As Distribution answers who does not know indexes; a client that forgets one type
        # of the four finds out.
        message = f"{call.reference} is {manifest.media_type}, which the request does not accept"
        raise Refusal(404, Code.MANIFEST_UNKNOWN, message)
    return Response(
        status=200,
        headers=(
            ("Content-Type", manifest.media_type),
            ("ETag", f'"{manifest.digest}"'),
            *digest_header(manifest.digest),
        ),
        body=Slice(content=content, start=0, length=content.size),
    )


def list_tags(context: Context, call: Call) -> Response:
    """List tags in the order of their bytes ("Listing Tags")."""
    catalogue = context.repositories.catalogue(call.name)
    if catalogue is None:
        raise unknown_repository(call.name)
    page, link = cut_page(sorted(catalogue.tags), str, call.request, context.rules.limits.page)
    return answer_json(200, {"name": call.name, "tags": page}, link)


def list_repositories(context: Context, call: Call) -> Response:
    """List repositories: Distribution's ``_catalog``, which the specification only reserves."""
    names = context.repositories.names()
    page, link = cut_page(names, str, call.request, context.rules.limits.page)
    return answer_json(200, {"repositories": page}, link)


def list_referrers(context: Context, call: Call) -> Response:
    """List the manifests with a subject, as an index; unknown subjects have none."""
    digest = call.digest
    catalogue = context.repositories.catalogue(call.name)
    found = catalogue.referrers(digest) if catalogue else []
    wanted = call.request.parameter("artifactType")
    headers: Headers = ()
    if wanted:
        found = [manifest for manifest in found if manifest.artifact_type == wanted]
        headers = (("OCI-Filters-Applied", "artifactType"),)
    page, link = cut_page(
        found, lambda manifest: str(manifest.digest), call.request, context.rules.limits.page
    )
    fitting = _fitting(page)
    if len(fitting) < len(page):
        link = (next_link(call.request, None, str(page[len(fitting) - 1].digest)),)
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": fitting}
    headers = (("Content-Type", OCI_INDEX), *headers, *link)
    return Response(status=200, headers=headers, body=dump(document))


def _fitting(page: list[Document]) -> list[object]:
    result: list[object] = []
    room = _REFERRERS_BYTES
    for manifest in page:
        descriptor = manifest.to_referrer()
        room -= len(dump(descriptor))
        if room < 0 and result:
            break
        result.append(descriptor)
    return result


def _is_accepted(media_type: str, header: str | None) -> bool:
    if not header:
        return True
    accepted = {part.partition(";")[0].strip().lower() for part in header.split(",")}
    return bool(accepted & {media_type, "*/*", "application/*", "application/json"})
