"""Writing: blobs in one request or many, mounts, and manifests."""

from __future__ import annotations

from pyjib.errors import MalformedDocumentError
from pyjib.oci.digest import Digest
from pyjib.oci.reference import is_tag
from pyjib.serve.context import Call, Context, digest_header, parse_digest
from pyjib.serve.documents import Document
from pyjib.serve.message import Code, Headers, Refusal, Request, Response, read_body
from pyjib.serve.names import is_name
from pyjib.serve.ranges import sent_range
from pyjib.serve.uploads import Session

_ALGORITHMS = ("sha256", "sha512")
_UNTYPED = frozenset({"", "application/json", "application/octet-stream", "text/plain"})
_MAX_TAGS = 100


def start_upload(context: Context, call: Call) -> Response:
    """Mount a blob, take one in whole, or open a session ("Pushing blobs")."""
    request = call.request
    if request.parameter("mount") is not None:
        digest = parse_digest(request.parameter("mount"))
        if _mount(context, call, digest):
            return _created(call.name, digest)
    elif request.parameter("digest") is not None:
        digest = parse_digest(request.parameter("digest"))
        with context.uploads.single(call.name, digest.algorithm) as upload:
            upload.receive(request.body)
            upload.commit(digest)
        return _created(call.name, digest)
    algorithm = request.parameter("digest-algorithm") or _ALGORITHMS[0]
    if algorithm not in _ALGORITHMS:
        message = f"digests are {' or '.join(_ALGORITHMS)} here, not {algorithm[:40]}"
        raise Refusal(400, Code.DIGEST_INVALID, message)
    session = context.uploads.begin(call.name, algorithm)
    return Response(status=202, headers=_progress(session))


def _mount(context: Context, call: Call, digest: Digest) -> bool:
    """Link a blob of another repository; who may not read it there must not learn of it.

    Without ``from`` nothing is mounted: which repository would be asked for permission?
    """
    source = call.request.parameter("from")
    if source is None or not is_name(source) or not call.caller.may(source, "pull"):
        return False
    return context.repositories.storage.link_blob(source, call.name, digest)


def upload_status(context: Context, call: Call) -> Response:
    """Tell how far an upload has come ("Pushing a blob in chunks")."""
    session = context.uploads.status(call.name, call.reference)
    return Response(status=204, headers=_progress(session))


def append_chunk(context: Context, call: Call) -> Response:
    """Add to an upload: the next chunk, or a stream."""
    with context.uploads.using(call.name, call.reference) as session:
        _receive(session, call.request)
        return Response(status=202, headers=_progress(session))


def finish_upload(context: Context, call: Call) -> Response:
    """Add what is left, if anything, and make it a blob."""
    digest = parse_digest(call.request.parameter("digest"))
    with context.uploads.using(call.name, call.reference) as session:
        _receive(session, call.request)
        session.upload.commit(digest)
        context.uploads.end(session)
    return _created(call.name, digest)


def cancel_upload(context: Context, call: Call) -> Response:
    """Give an upload up ("Cancel a blob upload")."""
    with context.uploads.using(call.name, call.reference) as session:
        context.uploads.end(session)
    return Response(status=204)


def put_manifest(context: Context, call: Call) -> Response:
    """Store a manifest under a digest, a tag, or a digest and the tags in the query."""
    target = call.target
    tags = _tags(call.request, target)
    data = read_body(call.request.body, context.rules.limits.manifest, "the manifest")
    digest = target if isinstance(target, Digest) else Digest.of(data)
    if not _has_digest(data, digest):
        message = f"the {len(data)} bytes received do not have the digest {digest}"
        raise Refusal(400, Code.DIGEST_INVALID, message)
    manifest = _parse(data, digest, call.request.headers.get("content-type", ""))
    with context.repositories.alone_with(call.name):
        _check_match(context, call, target)
        context.repositories.put_manifest(
            call.name, data, manifest, tags, sparse=context.rules.sparse
        )
    headers: Headers = (
        ("Location", f"/v2/{call.name}/manifests/{digest}"),
        *digest_header(digest),
    )
    if isinstance(target, Digest) and tags:
        headers += (("OCI-Tag", ", ".join(tags)),)
    if manifest.subject:
        headers += (("OCI-Subject", str(manifest.subject)),)
    return Response(status=201, headers=headers)


def _check_match(context: Context, call: Call, target: Digest | str) -> None:
    """Refuse with 412 if the tag is no longer on what ``If-Match`` names (RFC 9110, 13.1.1)."""
    wanted = call.request.headers.get("if-match")
    if wanted is None:
        return
    found = context.repositories.manifest(call.name, target)
    tags = {text.strip() for text in wanted.split(",")}
    if found is None or not tags & {"*", f'"{found[0].digest}"'}:
        raise Refusal(412, Code.MANIFEST_INVALID, "something else is there by now")


def _receive(session: Session, request: Request) -> None:
    header = request.headers.get("content-range")
    if header is None:
        session.upload.receive(request.body)
        return
    wanted = sent_range(header)
    length = request.body.length
    if wanted is None or (length is not None and length != wanted[1]):
        message = f"Content-Range {header[:80]!r} is malformed, or not as long as the body"
        raise Refusal(400, Code.BLOB_UPLOAD_INVALID, message)
    start, length = wanted
    size = session.upload.size
    if start != size:
        message = f"the next chunk begins at {size}, not at {start}"
        raise Refusal(416, Code.BLOB_UPLOAD_INVALID, message, headers=_progress(session))
    session.upload.receive(request.body)
    if session.upload.size - size != length:
        message = f"the chunk has {session.upload.size - size} bytes, not {length}"
        raise Refusal(400, Code.SIZE_INVALID, message)


def _progress(session: Session) -> Headers:
    # Distribution says 0-0 for one byte and for none, and clients have learnt to live with it.
    last = max(0, session.upload.size - 1)
    return (
        ("Location", f"/v2/{session.repository}/blobs/uploads/{session.id}"),
        ("Range", f"0-{last}"),
        ("Docker-Upload-UUID", session.id),
    )


def _created(name: str, digest: Digest) -> Response:
    location = ("Location", f"/v2/{name}/blobs/{digest}")
    return Response(status=201, headers=(location, *digest_header(digest)))


def _tags(request: Request, target: Digest | str) -> tuple[str, ...]:
    if isinstance(target, str):
        return (target,)
    tags = tuple(dict.fromkeys(request.query.get("tag", ())))
    if len(tags) > _MAX_TAGS:
        raise Refusal(414, Code.UNSUPPORTED, f"at most {_MAX_TAGS} tags in one request")
    for tag in tags:
        if not is_tag(tag):
            raise Refusal(400, Code.MANIFEST_INVALID, f"not a tag: {tag[:140]!r}")
    return tags


def _has_digest(data: bytes, digest: Digest) -> bool:
    state = digest.hasher()
    state.update(data)
    return state.hexdigest() == digest.hex


def _parse(data: bytes, digest: Digest, content_type: str) -> Document:
    try:
        manifest = Document.parse(data, digest)
    except MalformedDocumentError as error:
        raise Refusal(400, Code.MANIFEST_INVALID, error.message) from None
    stated = content_type.partition(";")[0].strip().lower()
    if stated not in _UNTYPED and stated != manifest.media_type:
        message = f"sent as {stated[:140]}, but its content is {manifest.media_type}"
        raise Refusal(400, Code.MANIFEST_INVALID, message)
    return manifest
