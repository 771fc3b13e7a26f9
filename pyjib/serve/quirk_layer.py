"""Quirks at work: between a client and a registry that keeps to the rule."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Callable
from dataclasses import replace

from pyjib.errors import MalformedDocumentError
from pyjib.oci.json import load
from pyjib.serve.interjected import Replayed
from pyjib.serve.message import Code, Headers, Refusal, Request, Response, read_body
from pyjib.serve.quirks import Places, Quirks
from pyjib.serve.repositories import Repositories

Answerer = Callable[[Request], Response]

_OPAQUE = "/artifacts-uploads/namespaces/pyjib/"
_STORAGE = "/_storage/"
_STATE = "_state=A+b%2f%2F=%3D&z="  # what no client may decode, sort or escape anew
_UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/([^/]*)")
_BLOB = re.compile(r"/v2/(.+)/blobs/([^/]+:[^/]+)")
_MANIFEST = re.compile(r"/v2/(.+)/manifests/([^/]+)")
_MANIFEST_LIMIT = 8 << 20


class QuirkLayer:
    """Answers as a registry with quirks would; safe for threads.

    ``inner`` is the registry that keeps to the rule, ``unguarded`` the same without logins;
    ``may_push`` tells whether a request's login may push to a repository. ``url`` is where all of
    it is reached, ``storage`` the same place by another name.
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
        storage: str,
    ) -> None:
        self._quirks = quirks
        self._repositories = repositories
        self._inner = inner
        self._unguarded = unguarded
        self._may_push = may_push
        self._url = url
        self._storage = storage
        self._lock = threading.Lock()
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
        if "authorization" in request.headers:
            raise Refusal(400, Code.UNSUPPORTED, "only one way to log in at a time is allowed")
        return self._unguarded(replace(request, path=f"/v2/{request.path[len(_STORAGE) :]}"))

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
        if signed and not request.raw_query.startswith(_STATE):
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
        data = read_body(request.body, _MANIFEST_LIMIT, "the manifest")
        try:
            config = load(data, "manifest").get("config")
        except MalformedDocumentError:
            config = None
        if isinstance(config, dict) and config.get("size") == 0:
            raise Refusal(400, Code.MANIFEST_INVALID, "the config is empty")
        return request.with_body(Replayed(data))

    def _kept(self, request: Request) -> Response | None:
        """Lose a chunk that follows one that was too small; tell where the upload still is."""
        least = self._quirks.chunk_least
        if not least or request.method != "PATCH" or "content-range" not in request.headers:
            return None
        with self._lock:
            spoiled = request.path in self._spoiled
            if (request.body.length or 0) < least:
                self._spoiled.add(request.path)
        if not spoiled:
            return None
        for _ in request.body.chunks():
            pass
        status = self._inner(replace(request, method="GET", body=Replayed(b"")))
        return Response(status=202, headers=status.headers)

    def _changed(self, request: Request, response: Response) -> Response:
        """Return an answer as this registry gives it."""
        response = self._moved(request, response)
        if request.method in ("GET", "HEAD"):
            response = self._read(request, response)
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
        scheme, _, address = self._url.partition("://")
        host = request.headers.get("host") or address  # as the client calls it
        place = {
            Places.USUAL: location,
            Places.SIGNED: f"{location}?{_STATE}",
            Places.OPAQUE: _OPAQUE + base64.urlsafe_b64encode(location.encode()).decode(),
            Places.ABSOLUTE: f"{scheme}://{host}{location}",
            Places.PLAIN: f"http://{host}{location}",
        }[self._quirks.places]
        return _with(response, "Location", place)

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
            path = request.path.removeprefix("/v2/")
            target = f"{self._storage}{_STORAGE}{path}?X-Signature=a%2Fb+c="
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


def _header(headers: Headers, name: str) -> str:
    return next((value for found, value in headers if found.lower() == name), "")


def _without(response: Response, name: str) -> Response:
    kept = tuple(pair for pair in response.headers if pair[0].lower() != name)
    return replace(response, headers=kept)


def _with(response: Response, name: str, value: str) -> Response:
    bare = _without(response, name.lower())
    return replace(bare, headers=(*bare.headers, (name, value)))
