"""Bearer tokens, issued at ``/token`` of the registry itself.

Tokens are random and live in this process's memory. A token carries what its user was granted
when it was issued, and no more.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from pyjib.serve.access import (
    BASIC_CHALLENGE,
    CATALOG,
    Caller,
    Need,
    Policy,
    basic_login,
    denied,
    is_password,
    unauthorized,
)
from pyjib.serve.message import Code, Refusal, Request, Response, answer_json, read_body
from pyjib.serve.names import is_name

SERVICE = "pyjib-registry"
_ACTIONS = frozenset({"pull", "push", "delete"})
_FORM_LIMIT = 64 << 10
_MOST_FIELDS = 200
_MOST = 10_000
"""So many tokens are good at a time."""
_LOOKED_AT = 100
"""So many of the oldest tokens are looked at when another is issued: they all last as long."""
_HOST = re.compile(r"[A-Za-z0-9.\-:\[\]]{1,260}")


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Token:
    user: str | None
    access: frozenset[tuple[str, str]]
    expires: float

    def may(self, repository: str, action: str) -> bool:
        return (repository, action) in self.access


class TokenGate:
    """Wants a Bearer token with every request, and issues them; ``lifetime`` is in seconds."""

    def __init__(
        self, users: Mapping[str, str], policy: Policy, *, lifetime: float, scheme: str, host: str
    ) -> None:
        self._users = users
        self._policy = policy
        self._lifetime = lifetime
        self._scheme = scheme
        self._host = host
        self._lock = threading.Lock()
        self._tokens: dict[str, _Token] = {}
        self._refresh: dict[str, str] = {}

    def admit(self, request: Request, need: Need | None) -> Caller:
        """Return the bearer, if the token is good for what the request needs."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        token = self._tokens.get(text.strip()) if scheme.lower() == "bearer" else None
        if token is None or token.expires < time.monotonic():
            error = "invalid_token" if text else ""
            raise unauthorized("a token is needed", self._challenge(request, need, error))
        missing = (
            [one for one in need.actions if not token.may(need.repository, one)] if need else []
        )
        if need is None or not missing:
            return token
        if all(self._policy(token.user, need.repository, action) for action in missing):
            error = "insufficient_scope"
            raise unauthorized(
                "the token is for something else", self._challenge(request, need, error)
            )
        raise denied(token.user, need)

    def issue(self, request: Request) -> Response | None:
        """Answer a request for a token, by GET with Basic or by POST with a form."""
        if request.method == "POST":
            return self._issue_by_form(request)
        user = basic_login(request, self._users, BASIC_CHALLENGE)
        return self._grant(user, request.query, request.parameter("offline_token") == "true")

    def revoke(self) -> None:
        """Make all tokens invalid, as if their time were up."""
        with self._lock:
            self._tokens.clear()

    def _issue_by_form(self, request: Request) -> Response:
        body = read_body(request.body, _FORM_LIMIT, "the form")
        try:
            form = urllib.parse.parse_qs(body.decode(errors="replace"), max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise Refusal(400, Code.UNSUPPORTED, "too many fields in the form") from None
        fields = {name: values[0] for name, values in form.items()}
        offline = fields.get("access_type") == "offline"
        match fields.get("grant_type"):
            case "password":
                name = fields.get("username", "")
                if is_password(self._users, name, fields.get("password", "")):
                    return self._grant(name, form, offline)
            case "refresh_token":
                name = self._refresh.get(fields.get("refresh_token", ""), "")
                if name in self._users:
                    return self._grant(name, form, offline)
            case other:
                shown = other and other[:40]
                raise Refusal(400, Code.UNSUPPORTED, f"unknown grant_type {shown!r}")
        raise unauthorized("the login is wrong", BASIC_CHALLENGE)

    def _grant(
        self, user: str | None, form: Mapping[str, list[str] | tuple[str, ...]], offline: bool
    ) -> Response:
        wanted = parse_scopes(form.get("scope", ()))
        access = frozenset(pair for pair in wanted if self._policy(user, *pair))
        now = time.monotonic()
        text = secrets.token_urlsafe(32)
        answer: dict[str, object] = {
            "token": text,
            "access_token": text,
            "expires_in": max(1, int(self._lifetime)),
        }
        with self._lock:
            _make_room(self._tokens, lambda token: token.expires < now)
            self._tokens[text] = _Token(user, access, now + self._lifetime)
            if offline and user is not None:
                answer["refresh_token"] = secrets.token_urlsafe(32)
                _make_room(self._refresh, lambda _: False)
                self._refresh[str(answer["refresh_token"])] = user
        return answer_json(200, answer, (("Cache-Control", "no-store"),))

    def _challenge(self, request: Request, need: Need | None, error: str) -> str:
        host = request.headers.get("host", "")
        if not _HOST.fullmatch(host):
            host = self._host
        parts = [f'realm="{self._scheme}://{host}/token"', f'service="{SERVICE}"']
        if need:
            parts.append(f'scope="{need.scope}"')
        if error:
            parts.append(f'error="{error}"')
        return f"Bearer {','.join(parts)}"


def _make_room(held: dict[str, T], is_over: Callable[[T], bool]) -> None:
    """Forget what is over, and the oldest where there are too many: anybody may ask for more."""
    for key in [key for key, value in islice(held.items(), _LOOKED_AT) if is_over(value)]:
        del held[key]
    while len(held) >= _MOST:
        del held[next(iter(held))]


def parse_scopes(texts: list[str] | tuple[str, ...]) -> set[tuple[str, str]]:
    """Return the pairs of repository and action that scopes ask for.

    Each text has one or several scopes with spaces between them; what is no scope is left out.
    """
    found = set()
    for scope in (scope for text in texts for scope in text.split(" ")):
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        if kind == "repository" and is_name(name):
            wanted = set(actions.split(","))
            found |= {
                (name, action) for action in (_ACTIONS if "*" in wanted else wanted & _ACTIONS)
            }
        elif scope == "registry:catalog:*":
            found.add(CATALOG)
    return found
