"""Bearer tokens: fetched once for what they allow, kept in memory until shortly before they end.

Distribution's token authentication, by GET with a user's password, and by POST with an identity
token (OAuth2). A token is opaque: nothing looks into it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import field
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

from pyjib.errors import RegistryError
from pyjib.frozen import frozen
from pyjib.registry.flight import SingleFlight
from pyjib.registry.login.credential import Credential
from pyjib.registry.login.scope import Scopes, covers
from pyjib.registry.net.message import Body, Call, Reply
from pyjib.registry.net.urls import Url

CLIENT = "pyjib"
MAX_TOKEN = 64 * 1024
TOKEN_TIMEOUT = 30.0
SHORTEST_LIFE = 60.0
_LONGEST_LIFE = 10**9  # a server may claim more seconds than fit into a float
_EARLY = 10.0
_EARLY_FOR_BODY = 60.0
_NO_POST = frozenset({400, 401, 404, 405})
_NO_SECOND_SCOPE = frozenset({400, 403, 404})

Ask: TypeAlias = Callable[[Call, int], Reply]
"""Makes a call, with retries, and returns its reply of at most so many bytes."""


@frozen
class Realm:
    """Where tokens for a registry come from."""

    registry: str
    url: Url
    service: str


@frozen
class _Token:
    text: str = field(repr=False)
    scopes: Scopes
    ends: float
    lifetime: float

    def lasts(self, early: float) -> bool:
        # A token that lives a minute must still be good for an upload when it is new.
        return time.monotonic() + min(early, self.lifetime / 2) < self.ends


_Account: TypeAlias = tuple[Realm, Credential | None]


class Tokens:
    """A cache of tokens that lets one thread fetch what several need."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._held: dict[_Account, list[_Token]] = {}
        self._flights: SingleFlight[tuple[_Account, frozenset[str], float], _Token] = SingleFlight()

    def get(
        self, realm: Realm, credential: Credential | None, scopes: Scopes, *, for_body: bool
    ) -> str:
        """Return a token that allows at least ``scopes``, fetched if none is at hand.

        ``for_body`` wants one that lasts through an upload. Raises ``RegistryError``.
        """
        account = (realm, credential)
        early = _EARLY_FOR_BODY if for_body else _EARLY
        # Who needs a token for long does not take one that was found for something short.
        key = (account, frozenset(map(str, scopes)), early)
        held = self._find(account, scopes, early)
        token = held or self._flights.do(
            key, lambda: self._find(account, scopes, early) or self._fetch(account, scopes)
        )
        return token.text

    def drop(self, text: str) -> None:
        """Forget a token that a registry did not accept."""
        with self._lock:
            for tokens in self._held.values():
                tokens[:] = [token for token in tokens if token.text != text]

    def _find(self, account: _Account, scopes: Scopes, early: float) -> _Token | None:
        with self._lock:
            for token in self._held.get(account, ()):
                if covers(token.scopes, scopes) and token.lasts(early):
                    return token
        return None

    def _fetch(self, account: _Account, scopes: Scopes) -> _Token:
        try:
            reply = self._request(account, scopes)
        except RegistryError as error:
            # The scope for a mount's source may name what this login cannot see. The token
            # counts for both all the same: the mount fails, and the blob is uploaded.
            if len(scopes) < 2 or error.status not in _NO_SECOND_SCOPE:
                raise
            reply = self._request(account, scopes[:1])
        token = _parse(reply, scopes, account[0])
        with self._lock:
            held = self._held.get(account, ())
            self._held[account] = [*(old for old in held if old.lasts(0)), token]
        return token

    def _request(self, account: _Account, scopes: Scopes) -> Reply:
        realm, credential = account
        if credential is None or not credential.identity_token:
            return self._ask(_get(realm, credential, scopes), MAX_TOKEN)
        try:
            return self._ask(_post(realm, credential, scopes), MAX_TOKEN)
        except RegistryError as error:
            # Google's and some of Artifactory's servers know no POST.
            if error.status not in _NO_POST or not (credential.username and credential.password):
                raise
            return self._ask(_get(realm, credential, scopes), MAX_TOKEN)


def _get(realm: Realm, credential: Credential | None, scopes: Scopes) -> Call:
    pairs = [("service", realm.service)] if realm.service else []
    pairs += [("scope", str(scope)) for scope in scopes]
    pairs.append(("client_id", CLIENT))
    if credential is not None:
        pairs.append(("account", credential.username))
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    return Call(
        action=_action(realm, scopes),
        registry=realm.registry,
        url=realm.url.with_query(query),
        scopes=scopes,
        headers={"Accept": "application/json"},
        bare=True,
        authorization=credential.basic if credential is not None else None,
        patience=TOKEN_TIMEOUT,
    )


def _post(realm: Realm, credential: Credential, scopes: Scopes) -> Call:
    form = {
        "grant_type": "refresh_token",
        "service": realm.service,
        "client_id": CLIENT,
        "scope": " ".join(map(str, scopes)),
        "refresh_token": credential.identity_token,
    }
    return Call(
        action=_action(realm, scopes),
        registry=realm.registry,
        method="POST",
        url=realm.url,
        scopes=scopes,
        headers={
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        },
        body=Body.of(urlencode(form).encode()),
        bare=True,
        sealed=True,
        patience=TOKEN_TIMEOUT,
    )


def _action(realm: Realm, scopes: Scopes) -> str:
    wanted = " ".join(map(str, scopes)) or "a login"
    return f"get a token from {realm.url.authority} for {wanted}"


def _parse(reply: Reply, scopes: Scopes, realm: Realm) -> _Token:
    try:
        document: Any = json.loads(reply.data)
        text = document.get("token") or document.get("access_token")
        lifetime = document.get("expires_in")
    except (ValueError, AttributeError, RecursionError):
        text = lifetime = None
    if not isinstance(text, str) or not text or not text.isascii() or not text.isprintable():
        raise RegistryError(
            f"cannot {_action(realm, scopes)}: the answer holds no token",
            action=_action(realm, scopes),
            status=reply.status,
            hint="check the registry's address: something else seems to answer there",
        )
    valid = isinstance(lifetime, (int, float)) and not isinstance(lifetime, bool)
    seconds = float(max(SHORTEST_LIFE, min(lifetime, _LONGEST_LIFE))) if valid else SHORTEST_LIFE
    return _Token(text=text, scopes=scopes, ends=time.monotonic() + seconds, lifetime=seconds)
