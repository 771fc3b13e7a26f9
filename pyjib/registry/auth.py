"""Answering challenges: which login is used, where it may go, and what is tried when it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyjib.errors import DeniedError, RegistryError, TransportError, UnauthorizedError
from pyjib.events import Listener, Warned
from pyjib.registry.challenge import Challenge
from pyjib.registry.credential import Credential, Search
from pyjib.registry.credentials import Finder
from pyjib.registry.reach import check_hop, is_loopback, reach_of
from pyjib.registry.refusal import LoginWords, login_hint
from pyjib.registry.scope import Scopes, is_reading, parse_scopes, union
from pyjib.registry.tokens import Realm, Tokens
from pyjib.registry.urls import Url


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bearer:
    realm: Realm
    trusted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Basic:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthTools:
    """What authenticators share.

    ``ping`` asks a registry's ``/v2/`` without a login for its challenges; ``is_proxied`` tells
    whether a URL is reached through a proxy.
    """

    finder: Finder
    tokens: Tokens
    listener: Listener
    ping: Callable[[str], Sequence[Challenge]]
    is_proxied: Callable[[Url], bool]


class Authenticator:
    """Knows how one registry wants to be spoken to; safe for threads."""

    def __init__(self, registry: str, endpoint: Url, tools: AuthTools) -> None:
        self._registry = registry
        self._endpoint = endpoint
        self._tools = tools
        self._lock = threading.Lock()
        self._way: _Bearer | _Basic | None = None
        self._refused: set[Credential] = set()
        self._warned: set[str] = set()

    def authorization(self, scopes: Scopes, *, for_body: bool = False) -> str | None:
        """Return the header for a call, ``None`` before the registry ever asked for a login.

        Raises ``RegistryError`` if a token is needed and cannot be had.
        """
        if self._way is None:
            return None
        return self._answer(self._way, scopes, for_body=for_body)

    def renew(
        self, challenges: Sequence[Challenge], scopes: Scopes, used: str | None
    ) -> str | None:
        """Return a header that is worth another try after a 401, ``None`` if there is none.

        ``used`` is the header that was refused.
        """
        chosen = _choose(challenges) or _choose(self._tools.ping(self._registry))
        if chosen is None:
            return None
        way, wanted = self._way_of(chosen), scopes
        if isinstance(way, _Bearer):
            wanted = union((*scopes, *parse_scopes(chosen.get("scope"))))
            if used and used.startswith("Bearer "):
                self._tools.tokens.drop(used.removeprefix("Bearer "))
        self._way = way
        header = self._answer(way, wanted, for_body=False)
        return None if header == used else header

    def words(self, scopes: Scopes) -> LoginWords:
        """Return what an error may say of the login, without looking for one."""
        search = self._tools.finder.known(self._registry, _repository(scopes))
        if search is None:
            return LoginWords()
        credential = search.credential
        return LoginWords(
            used=credential.words if credential else None,
            tried=search.tried,
            withheld=self._why_withheld() if credential else None,
        )

    def _answer(self, way: _Bearer | _Basic, scopes: Scopes, *, for_body: bool) -> str | None:
        credential = self._credential(scopes)
        if credential is not None and credential.registry_token:
            return f"Bearer {credential.registry_token}"
        if isinstance(way, _Basic):
            return credential.basic if credential is not None and credential.username else None
        if credential is not None and not way.trusted:
            self._warn(
                f"the login to {self._registry} is not sent to {way.realm.url.authority}, which "
                "hands out its tokens: it is another site"
            )
            credential = None
        return f"Bearer {self._token(way.realm, credential, scopes, for_body=for_body)}"

    def _token(
        self, realm: Realm, credential: Credential | None, scopes: Scopes, *, for_body: bool
    ) -> str:
        tokens = self._tools.tokens
        if credential is None:
            return tokens.get(realm, None, scopes, for_body=for_body)
        if credential not in self._refused:
            try:
                return tokens.get(realm, credential, scopes, for_body=for_body)
            except (UnauthorizedError, DeniedError) as error:
                # Docker Hub locks an account after a few wrong passwords: never ask twice.
                self._refused.add(credential)
                if not is_reading(scopes) or not scopes:
                    raise self._refusal(credential, error) from None
        elif not is_reading(scopes) or not scopes:
            raise self._refusal(credential, None)
        self._warn(
            f"{self._registry} does not accept the login from {credential.words}; "
            "going on without one, which is enough for public images"
        )
        return tokens.get(realm, None, scopes, for_body=for_body)

    def _refusal(self, credential: Credential, error: RegistryError | None) -> UnauthorizedError:
        action = error.action if error else f"log in to {self._registry}"
        message = error.message if error else f"cannot {action}: its login was refused before"
        return UnauthorizedError(
            message,
            action=action,
            status=error.status if error else 401,
            diagnostics=error.diagnostics if error else (),
            hint=login_hint(self._registry, LoginWords(used=credential.words)),
        )

    def _credential(self, scopes: Scopes) -> Credential | None:
        search: Search = self._tools.finder.find(self._registry, _repository(scopes))
        if search.credential is None or self._why_withheld() is None:
            return search.credential
        self._warn(f"the login to {self._registry} is not sent over plain http")
        return None

    def _why_withheld(self) -> str | None:
        if self._endpoint.scheme == "https" or is_loopback(self._endpoint.host):
            return None
        return f"logins are not sent over plain http: give {self._registry} a certificate"

    def _way_of(self, challenge: Challenge) -> _Bearer | _Basic:
        if challenge.scheme == "basic":
            return _Basic()
        url = self._realm(challenge.get("realm"))
        realm = Realm(registry=self._registry, url=url, service=challenge.get("service"))
        return _Bearer(realm=realm, trusted=are_related(self._endpoint.host, url.host))

    def _realm(self, text: str) -> Url:
        """Resolve a realm and check that it is no way into a private network or out of TLS."""
        url = self._endpoint.join(text)
        if self._endpoint.scheme == "https" and url.scheme == "http":
            if url.host != self._endpoint.host:
                raise TransportError(
                    f"{self._registry} wants logins to be sent over plain http to {url.authority}",
                    hint="set its token realm to https in the registry's configuration",
                )
            self._warn(f"{self._registry} names a token realm with http: asked over https")
            url = self._endpoint.at(url.target)
        resolve = not self._tools.is_proxied(url)
        check_hop(self._endpoint, url, resolve=resolve)
        return url

    def _warn(self, message: str) -> None:
        with self._lock:
            known = message in self._warned
            self._warned.add(message)
        if not known:
            self._tools.listener(Warned(message=message))


def are_related(registry: str, realm: str) -> bool:
    """Tell whether a realm's host may see a registry's logins: one site, by their names."""
    if registry == realm or (is_loopback(registry) and is_loopback(realm)):
        return True
    if reach_of(registry) is not None or reach_of(realm) is not None:
        return False
    parent = registry.partition(".")[2]
    roots = [name for name in (registry, parent) if "." in name]
    return any(realm == root or realm.endswith(f".{root}") for root in roots)


def _choose(challenges: Sequence[Challenge]) -> Challenge | None:
    for challenge in challenges:
        if challenge.scheme == "bearer" and challenge.get("realm"):
            return challenge
    return next((challenge for challenge in challenges if challenge.scheme == "basic"), None)


def _repository(scopes: Scopes) -> str:
    """Return the repository that a call is about: the first scope's."""
    if scopes and scopes[0].resource.startswith("repository:"):
        return scopes[0].resource.removeprefix("repository:")
    return ""
