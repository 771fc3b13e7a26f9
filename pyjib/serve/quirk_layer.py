"""Quirks at work: between a client and a registry that keeps to the rule."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import replace

from pyjib.errors import MalformedDocumentError
from pyjib.oci.json import load
from pyjib.serve.documents import MAX_MANIFEST
from pyjib.serve.interjected import Replayed
from pyjib.serve.message import Answerer, Code, Headers, Refusal, Request, Response, read_body
from pyjib.serve.quirks import Places, Quirks
from pyjib.serve.repositories import Repositories

_OPAQUE = "/artifacts-uploads/namespaces/pyjib/"
_STORAGE = "/_storage/"
_STATE = "_state=A+b%2f%2F=%3D&z="  # sorted, or escaped otherwise, it means the same
_STATE_MEANS = ("A b//==", "")
_SIGNED = "X-Signature=a%2Fb+c=&X-Hash="  # what no client may decode, sort or escape anew
_NAMES = ("localhost", "127.0.0.1", "[::1]")
_UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/([^/]*)")
_BLOB = re.compile(r"/v2/(.+)/blobs/([^/]+:[^/]+)")
_MANIFEST = re.compile(r"/v2/(.+)/manifests/([^/]+)")


class QuirkLayer:
    """Answers as a registry with quirks would; safe for threads.

    ``inner`` is the registry that keeps to the rule, ``unguarded`` the same without logins;
    ``may_push`` tells whether a request's login may push to a repository. ``url`` is where all of
    it is reached.
    """

    def __init__(
        self,
        quirks: Quirks,
        repositories: Repositories,
        inner: Answerer,
        unguarded: Answerer,
        may_push: Callable[[Request, str], bool],
        *,
        url: str,
    ) -> None:
        self._quirks = quirks
        self._repositories = repositories
        self._inner = inner
        self._unguarded = unguarded
        self._may_push = may_push
        self._scheme, _, self._address = url.partition("://")
        self._key = secrets.token_bytes(16)
        self._spoiled: set[str] = set()

    def answer(self, request: Request) -> Response:
        """Answer; raises only ``BodyInterrupted``."""
        try:
            if request.path.startswith(_STORAGE):
                return self._stored(request)
            request = self._placed(request)
            request = self._checked(request)
            response = self._kept(request) or self._inner(request)
        except Refusal as refusal:
            response = refusal.response()
        return self._changed(request, response)

    def _stored(self, request: Request) -> Response:
        """Answer for the place where blobs lie, which knows signatures and no logins."""
        host = self._host(request)
        if "authorization" in request.headers and _other_name(host) != host:
            raise Refusal(400, Code.UNSUPPORTED, "only one way to log in at a time is allowed")
        signature = self._signature(request.path)
        signed = hmac.compare_digest(request.raw_query, signature)
        if not signed or request.method not in ("GET", "HEAD"):
            raise Refusal(403, Code.DENIED, "the signature is broken")
        return self._unguarded(replace(request, path=f"/v2/{request.path[len(_STORAGE) :]}"))

    def _signature(self, path: str) -> str:
        """Return the query that lets anybody read what is at a path, and at no other."""
        return _SIGNED + hmac.new(self._key, path.encode(), "sha256").hexdigest()

    def _placed(self, request: Request) -> Request:
        """Return a request with the address that the rule has for it."""
        if request.path.startswith(_OPAQUE):
            token = request.path[len(_OPAQUE) :]
            try:
                path = base64.urlsafe_b64decode(token.encode()).decode()
            except (binascii.Error, ValueError):
                raise Refusal(404, Code.BLOB_UPLOAD_UNKNOWN, "there is no such upload") from None
            return replace(request, path=path)
        session = _UPLOAD.fullmatch(request.path)
        signed = self._quirks.places is Places.SIGNED and session and session[2]
        state = request.parameter("_state"), request.parameter("z")
        if signed and state != _STATE_MEANS:
            raise Refusal(400, Code.BLOB_UPLOAD_INVALID, "the signature is broken")
        return request

    def _checked(self, request: Request) -> Request:
        """Refuse what this registry does not take, and return what it makes of the rest."""
        quirks = self._quirks
        if request.path == "/token":
            self._check_token(request)
        length = request.body.length
        if length is None and not quirks.coded_bodies:
            raise Refusal(500, Code.UNKNOWN, "cannot read the body")
        if quirks.body_most is not None and (length or 0) > quirks.body_most:
            raise Refusal(413, Code.SIZE_INVALID, "Request Entity Too Large")
        if not quirks.referrers and "/referrers/" in request.path:
            raise Refusal(404, Code.UNSUPPORTED, "there is nothing at this address")
        session = _UPLOAD.fullmatch(request.path)
        if session is not None and session[2]:
            self._check_session(request, length)
        elif session is not None and request.method == "POST":
            return self._begun(request, session[1])
        if request.method == "PUT" and _MANIFEST.fullmatch(request.path):
            return self._manifest(request)
        return request

    def _check_token(self, request: Request) -> None:
        most, post = self._quirks.most_scopes, self._quirks.post_token
        if most is not None and len(request.query.get("scope", ())) > most:
            raise Refusal(400, Code.DENIED, "a scope names a foreign repository")
        if post is not None and request.method == "POST":
            raise Refusal(post, Code.UNSUPPORTED, "tokens are to be had by GET")

    def _check_session(self, request: Request, length: int | None) -> None:
        quirks = self._quirks
        if request.method == "DELETE" and not quirks.cancel:
            raise Refusal(405, Code.UNSUPPORTED, "uploads cannot be cancelled")
        if request.method == "PUT" and not quirks.put_bodies and length != 0:
            raise Refusal(405, Code.UNSUPPORTED, "send the blob with PATCH")
        if request.method != "PATCH":
            return
        if not quirks.patch_ranges and "content-range" in request.headers:
            raise Refusal(400, Code.BLOB_UPLOAD_INVALID, "chunks are not supported")
        if quirks.patch_most is not None and (length or 0) > quirks.patch_most:
            raise Refusal(416, Code.BLOB_UPLOAD_INVALID, "the chunk is too large")

    def _begun(self, request: Request, name: str) -> Request:
        quirks = self._quirks
        if quirks.must_exist and self._repositories.catalogue(name) is None:
            message = f"the repository with name '{name}' does not exist"
            raise Refusal(404, Code.NAME_UNKNOWN, message)
        if request.parameter("mount") is None:
            return request
        status = quirks.mount_status
        if request.parameter("from") is None:
            status = quirks.anonymous_mount
        if status is None:
            return request
        if status != 202:
            raise Refusal(status, Code.UNAUTHORIZED, "this blob cannot be mounted")
        left = {key: value for key, value in request.query.items() if key not in _MOUNT}
        return replace(request, query=left)

    def _manifest(self, request: Request) -> Request:
        if self._quirks.empty_config:
            return request
        data = read_body(request.body, MAX_MANIFEST, "the manifest")
        try:
            config = load(data, "manifest", limit=MAX_MANIFEST).get("config")
        except MalformedDocumentError:
            config = None
        if isinstance(config, dict) and config.get("size") == 0:
            raise Refusal(400, Code.MANIFEST_INVALID, "the config is empty")
        return request.with_body(Replayed(data))

    def _kept(self, request: Request) -> Response | None:
        """Lose a chunk that follows one that was too small; tell where the upload still is."""
        if request.path not in self._spoiled or not _is_chunk(request):
            return None
        status = self._inner(replace(request, method="GET", body=Replayed(b"")))
        if status.status != 204:
            return status
        for _ in request.body.chunks():
            pass
        return Response(status=202, headers=status.headers)

    def _spoil(self, request: Request) -> None:
        """Remember the upload of a chunk that was too small, until it ends."""
        if request.method in ("PUT", "DELETE"):
            self._spoiled.discard(request.path)
        elif _is_chunk(request) and (request.body.length or 0) < self._quirks.chunk_least:
            self._spoiled.add(request.path)

    def _changed(self, request: Request, response: Response) -> Response:
        """Return an answer as this registry gives it."""
        response = self._moved(request, response)
        if request.method in ("GET", "HEAD"):
            response = self._read(request, response)
        if 200 <= response.status < 300:
            self._spoil(request)
        if request.method == "PATCH" and response.status == 202:
            response = replace(response, status=self._quirks.patch_status)
            if self._quirks.range_lags:
                response = _with(response, "Range", "0-0")
        if not self._quirks.referrers:
            response = _without(response, "oci-subject")
        if response.status == 401 and (self._quirks.plain_realm or self._quirks.scope_pair):
            response = self._challenging(response)
        return response

    def _moved(self, request: Request, response: Response) -> Response:
        location = _header(response.headers, "location")
        if not location or not _UPLOAD.fullmatch(location):
            return response
        host = self._host(request)
        place = {
            Places.USUAL: location,
            Places.SIGNED: f"{location}?{_STATE}",
            Places.OPAQUE: _OPAQUE + base64.urlsafe_b64encode(location.encode()).decode(),
            Places.ABSOLUTE: f"{self._scheme}://{host}{location}",
            Places.PLAIN: f"http://{host}{location}",
        }[self._quirks.places]
        return _with(response, "Location", place)

    def _host(self, request: Request) -> str:
        """Return ``HOST:PORT`` as the client calls this registry."""
        return request.headers.get("host") or self._address

    def _read(self, request: Request, response: Response) -> Response:
        quirks = self._quirks
        manifest, blob = _MANIFEST.fullmatch(request.path), _BLOB.fullmatch(request.path)
        if manifest and response.status == 404:
            return self._missing(request, response, manifest[1])
        if manifest and response.status == 200:
            if quirks.manifest_type:
                response = _with(response, "Content-Type", quirks.manifest_type)
            if quirks.rate_limit:
                response = _with(response, "ratelimit-limit", "100;w=21600")
                response = _with(response, "ratelimit-remaining", "98;w=21600")
        redirects = quirks.storage if request.method == "GET" else quirks.storage_heads
        if blob and redirects and response.status in (200, 206):
            path = _STORAGE + request.path.removeprefix("/v2/")
            host = _other_name(self._host(request))
            target = f"{self._scheme}://{host}{path}?{self._signature(path)}"
            return Response(status=307, headers=(("Location", target),))
        return response

    def _missing(self, request: Request, response: Response, name: str) -> Response:
        hidden = self._quirks.hides_missing and self._repositories.catalogue(name) is None
        if hidden and not self._may_push(request, name):
            return Refusal(401, Code.UNAUTHORIZED, "authentication required").response()
        if self._quirks.missing == response.status:
            return response
        return Refusal(self._quirks.missing, Code.DENIED, "denied").response()

    def _challenging(self, response: Response) -> Response:
        challenge = _header(response.headers, "www-authenticate")
        if not challenge or not challenge.startswith("Bearer"):
            return response
        if self._quirks.plain_realm:
            challenge = challenge.replace('realm="https://', 'realm="http://')
        if self._quirks.scope_pair and 'scope="' in challenge:
            challenge = challenge.replace('scope="', 'scope="repository:pyjib/cache:pull ')
        return _with(response, "WWW-Authenticate", challenge)


_MOUNT = frozenset({"mount", "from"})


def _other_name(host: str) -> str:
    """Return what this machine is called too, with the port; the same where nobody knows."""
    for place, name in enumerate(_NAMES):
        if host == name or host.startswith(f"{name}:"):
            return _NAMES[0 if place else 1] + host[len(name) :]
    return host


def _is_chunk(request: Request) -> bool:
    return request.method == "PATCH" and "content-range" in request.headers


def _header(headers: Headers, name: str) -> str:
    return next((value for found, value in headers if found.lower() == name), "")


def _without(response: Response, name: str) -> Response:
    kept = tuple(pair for pair in response.headers if pair[0].lower() != name)
    return replace(response, headers=kept)


def _with(response: Response, name: str, value: str) -> Response:
    bare = _without(response, name.lower())
    return replace(bare, headers=(*bare.headers, (name, value)))
