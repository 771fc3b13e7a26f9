"""From a request to its handler (Distribution 1.1, "Endpoints")."""

from __future__ import annotations

import logging
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

from pyjib.errors import PyjibError
from pyjib.serve import pull, push, remove
from pyjib.serve.access import CATALOG, Gate, Need
from pyjib.serve.context import Call, Context, Handler
from pyjib.serve.message import Code, Refusal, Request, Response, storage_failed
from pyjib.serve.names import is_name

_log = logging.getLogger(__name__)

_ACTIONS = {
    "GET": ("pull",),
    "HEAD": ("pull",),
    "POST": ("pull", "push"),
    "PATCH": ("pull", "push"),
    "PUT": ("pull", "push"),
    "DELETE": ("delete",),
}


@dataclass(frozen=True, slots=True)
class _Route:
    """An endpoint: its path, after ``/v2/``, and a handler for each method.

    The groups of the path are the repository and the reference, both still encoded.
    """

    path: re.Pattern[str]
    handlers: Mapping[str, Handler]
    need: tuple[str, ...] | None = None  # instead of what the method implies


# The first that matches counts; a name may well end in what is an endpoint further up.
_ROUTES = (
    _Route(re.compile(r"_catalog"), {"GET": pull.list_repositories}),
    _Route(re.compile(r"(.+)/tags/list"), {"GET": pull.list_tags}),
    _Route(re.compile(r"(.+)/blobs/uploads/?"), {"POST": push.start_upload}),
    _Route(
        re.compile(r"(.+)/blobs/uploads/([^/]+)"),
        {
            "GET": push.upload_status,
            "PATCH": push.append_chunk,
            "PUT": push.finish_upload,
            "DELETE": push.cancel_upload,
        },
        need=("pull", "push"),
    ),
    _Route(
        re.compile(r"(.+)/blobs/([^/]+)"),
        {"GET": pull.get_blob, "HEAD": pull.get_blob, "DELETE": remove.delete_blob},
    ),
    _Route(
        re.compile(r"(.+)/manifests/([^/]+)"),
        {
            "GET": pull.get_manifest,
            "HEAD": pull.get_manifest,
            "PUT": push.put_manifest,
            "DELETE": remove.delete_manifest,
        },
    ),
    _Route(re.compile(r"(.+)/referrers/([^/]+)"), {"GET": pull.list_referrers}),
)


class Protocol:
    """Answers requests; safe for many threads."""

    def __init__(self, context: Context, gate: Gate) -> None:
        self.context = context
        self._gate = gate

    def answer(self, request: Request) -> Response:
        """Return the answer; raises only ``BodyInterrupted``."""
        try:
            response = self._answer(request)
        except Refusal as refusal:
            response = refusal.response()
        except (OSError, PyjibError) as error:
            _log.error("%s %s failed: %s", request.method, request.path, error)
            _log.debug("where it failed", exc_info=True)
            response = storage_failed(error).response()
        return Response(
            status=response.status,
            headers=(("Docker-Distribution-Api-Version", "registry/2.0"), *response.headers),
            body=response.body,
        )

    def _answer(self, request: Request) -> Response:
        if request.path == "/token" and request.method in ("GET", "POST"):
            issued = self._gate.issue(request)
            if issued is not None:
                return issued
        if request.path in ("/v2", "/v2/"):
            _check_method(request, {"GET": pull.ping, "HEAD": pull.ping})
            return pull.ping(self.context, self._call(request, None))
        for route in _ROUTES:
            match = route.path.fullmatch(request.path.removeprefix("/v2/"))
            if match and request.path.startswith("/v2/"):
                return self._follow(route, request, match.groups())
        raise Refusal(404, Code.UNSUPPORTED, "there is nothing at this address")

    def _follow(self, route: _Route, request: Request, groups: tuple[str | None, ...]) -> Response:
        name, reference = (*(_decode(part) for part in groups), "", "")[:2]
        if groups and not is_name(name):
            raise Refusal(400, Code.NAME_INVALID, f"not a repository's name: {name[:300]!r}")
        handler = _check_method(request, route.handlers)
        self._check_rules(request, route)
        need = Need(repository=name, actions=route.need or _ACTIONS[request.method])
        if not groups:
            need = Need(repository=CATALOG[0], actions=CATALOG[1:])
        return handler(self.context, self._call(request, need, name, reference))

    def _call(
        self, request: Request, need: Need | None, name: str = "", reference: str = ""
    ) -> Call:
        caller = self._gate.admit(request, need)
        return Call(request=request, caller=caller, name=name, reference=reference)

    def _check_rules(self, request: Request, route: _Route) -> None:
        rules = self.context.rules
        changes = request.method not in ("GET", "HEAD")
        if rules.read_only and changes:
            raise Refusal(405, Code.UNSUPPORTED, "this registry is read-only")
        if self.context.source is not None and changes:
            raise Refusal(405, Code.UNSUPPORTED, "this registry is a cache: push to the original")
        if rules.no_delete and request.method == "DELETE" and route.need is None:
            raise Refusal(405, Code.UNSUPPORTED, "this registry deletes nothing")


def _check_method(request: Request, handlers: Mapping[str, Handler]) -> Handler:
    handler = handlers.get(request.method)
    if handler is None:
        allowed = (("Allow", ", ".join(sorted(handlers))),)
        message = f"{request.method[:20]} does not work here"
        raise Refusal(405, Code.UNSUPPORTED, message, headers=allowed)
    return handler


def _decode(part: str | None) -> str:
    """Decode a part of a path once; an encoded slash stays, and then makes the name invalid."""
    text = part or ""
    return text if "%2f" in text.lower() else urllib.parse.unquote(text)
