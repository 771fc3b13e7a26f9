"""Answering challenges: which login is used, where it may go, and what is tried when it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from pyjib.errors import (
    DeniedError,
    RegistryDiagnostic,
    RegistryError,
    TransportError,
    UnauthorizedError,
)
from pyjib.events import Listener, Warned
from pyjib.frozen import frozen
from pyjib.registry.login.challenge import Challenge
from pyjib.registry.login.credential import Credential
from pyjib.registry.login.credentials import Finder
from pyjib.registry.login.scope import Scopes, is_reading, parse_scopes, repository_of, union
from pyjib.registry.login.sites import are_related
from pyjib.registry.login.tokens import Realm, Tokens
from pyjib.registry.login.ways import Basic, Bearer, Unasked, Way, Withheld, choose, withholding
from pyjib.registry.net.message import Call
from pyjib.registry.net.reach import check_hop
from pyjib.registry.net.urls import Url
from pyjib.registry.refusal import LoginWords, login_hint


@frozen
class _Refusal:
    """What was said when a login was refused; empty if nothing is known but that it was."""

    said: str = ""
    diagnostics: tuple[RegistryDiagnostic, ...] = ()

    @property
    def words(self) -> str:
        return self.said or "its login was refused before (401 Unauthorized)"

    @classmethod
    def of(cls, error: RegistryError) -> _Refusal:
        # Not the error itself, which would keep alive all that was under way when it was raised.
        said = error.message.removeprefix(f"cannot {error.action}: ")
        return cls(said=said, diagnostics=error.diagnostics)


@frozen
class AuthTools:
    """What authenticators share.

    ``ping`` asks a registry's ``/v2/`` without a login for its challenges; ``is_proxied`` tells
    whether a URL is reached through a proxy; ``check`` may raise to give up. ``trusted_realms``
    are hosts that may see any registry's login; ``over_http`` lets logins go over plain http.
    """

    finder: Finder
    tokens: Tokens
    listener: Listener
    ping: Callable[[str], Sequence[Challenge]]
    is_proxied: Callable[[Url], bool]
    check: Callable[[], None]
    trusted_realms: frozenset[str] = frozenset()
    over_http: bool = False

    def secrets(self, call: Call, authorization: str) -> tuple[str, ...]:
        """Return what an answer to a call with such a header may repeat, and nobody may see."""
        search = self.finder.known(call.registry, repository_of(call.scopes))
        own = search.credential.secrets if search and search.credential else ()
        return (*own, authorization.partition(" ")[2])


class Authenticator:
    """Knows how one registry wants to be spoken to; safe for threads."""

    def __init__(self, registry: str, endpoint: Url, tools: AuthTools) -> None:
        self._registry = registry
        self._endpoint = endpoint
        self._tools = tools
        self._lock = threading.Lock()
        self._way: Way | None = None
        self._unasked: Unasked | None = None
        self._refused: dict[tuple[Credential, str | None], _Refusal] = {}
        self._warned: set[str] = set()

    def authorization(self, scopes: Scopes, *, for_body: bool = False) -> str | None:
        """Return the header for a call, ``None`` before the registry ever asked for a login.

        Raises ``RegistryError`` if a token is needed and cannot be had, and for a login that was
        refused before: nothing is repeated with it.
        """
        if self._way is None:
            return None
        return self._answer(self._way, scopes, for_body=for_body)

    def renew(
        self, challenges: Sequence[Challenge], scopes: Scopes, used: str | None, *, base: Url
    ) -> str | None:
        """Return a header that is worth another try after a 401, ``None`` if there is none.

        ``used`` is the header that was refused, and ``base`` the URL that was asked for. An empty
        header means trying without one.
        """
        chosen = choose(challenges)
        if chosen is None:
            base = self._endpoint.at("/v2/")
            challenges = (*challenges, *self._tools.ping(self._registry))
            chosen = choose(challenges)
        if chosen is None:
            if used is None:
                self._unasked = Unasked.of(self._registry, challenges)
                # For messages: whoever logged in wonders why that does not help.
                self._tools.finder.search(self._registry, repository_of(scopes))
            return None
        way, wanted = self._way_of(chosen, base), scopes
        self._way = way
        if isinstance(way, Bearer):
            wanted = union((*scopes, *parse_scopes(chosen.get("scope"))))
            if used and used.startswith("Bearer "):
                self._tools.tokens.drop(used.removeprefix("Bearer "))
        held = self._remember(used, scopes)
        try:
            header = self._answer(way, wanted, for_body=False)
        except UnauthorizedError:
            if held is not None or (isinstance(way, Basic) and used is not None):
                return None  # the answer at hand tells more than that there was one
            raise
        if header is None and used is not None:
            return ""  # what is public may be had without the login that is not accepted
        return None if header == used else header

    def refused(self, header: str | None, scopes: Scopes) -> str | None:
        """Remember that a header was answered by a 401; return one to try in its place, if any.

        What a ready token was refused may be public, for which a token for nobody will do.
        """
        held = self._remember(header, scopes)
        way = self._way
        if held is None or not held.registry_token or not isinstance(way, Bearer):
            return None
        try:
            return self._answer(way, scopes, for_body=False) if _may_do_without(scopes) else None
        except RegistryError:
            return None  # the answer at hand tells more

    def _remember(self, header: str | None, scopes: Scopes) -> Credential | None:
        """Remember a login that was refused itself, and not a token that was got for it."""
        search = self._tools.finder.known(self._registry, repository_of(scopes))
        held = search.credential if search is not None else None
        if held is None or not header or header not in (held.basic, held.bearer):
            return None
        self._refuse(held, scopes)
        return held

    def explain(self, scopes: Scopes, error: RegistryError) -> None:
        """Remember what was said to a login that was refused, for who would send it again."""
        if error.status != 401:
            return
        search = self._tools.finder.known(self._registry, repository_of(scopes))
        if search is None or search.credential is None:
            return
        with self._lock:
            for key in _keys(search.credential, scopes):
                if self._refused.get(key) == _Refusal():
                    self._refused[key] = _Refusal.of(error)

    def why_refused(self, scopes: Scopes) -> str | None:
        """Return what was said to the login that there is, ``None`` if it was not refused."""
        search = self._tools.finder.known(self._registry, repository_of(scopes))
        if search is None or search.credential is None:
            return None
        refusal = self._known_refusal(search.credential, scopes)
        return refusal.words if refusal is not None else None

    def words(self, scopes: Scopes) -> LoginWords:
        """Return what an error may say of the login, without looking for one."""
        search = self._tools.finder.known(self._registry, repository_of(scopes))
        credential = search.credential if search is not None else None
        withheld, unasked = self._why_withheld(credential), None
        if self._way is None and self._unasked is not None:
            unasked = self._unasked
            of_ = f"the login from {credential.words} was not sent: " if credential else ""
            withheld = f"{of_}{unasked.hint}"
        return LoginWords(
            asked=self._way is not None,
            used=credential.words if credential else None,
            renewal=credential.renewal if credential else "",
            refused=bool(credential and self._known_refusal(credential, scopes)),
            tried=search.tried if search is not None else (),
            withheld=withheld,
            unasked=unasked.said if unasked else "",
        )

    def _answer(self, way: Way, scopes: Scopes, *, for_body: bool) -> str | None:
        search = self._tools.finder.find(self._registry, repository_of(scopes))
        credential = search.credential
        withheld = self._withholding(way, credential) if credential is not None else None
        if withheld is not None:
            self._warn(withheld.message, hint=withheld.hint)
            credential = None
        if credential is not None and credential.registry_token:
            if self._known_refusal(credential, scopes) is None:
                return credential.bearer
            if not _may_do_without(scopes):
                raise self._refusal(credential, None, scopes)
            self._warn_of(credential)
            credential = None
        if isinstance(way, Basic):
            return self._basic(credential, scopes)
        return f"Bearer {self._token(way.realm, credential, scopes, for_body=for_body)}"

    def _basic(self, credential: Credential | None, scopes: Scopes) -> str | None:
        if credential is None or not credential.username:
            return None
        if self._known_refusal(credential, scopes) is None:
            return credential.basic
        fresh = self._again(credential, scopes)
        if fresh is not None and fresh.username:
            return fresh.basic
        if _may_do_without(scopes):
            return None
        raise self._refusal(credential, None, scopes)

    def _token(
        self, realm: Realm, credential: Credential | None, scopes: Scopes, *, for_body: bool
    ) -> str:
        tokens, error = self._tools.tokens, None
        while credential is not None:
            if self._known_refusal(credential, scopes) is None:
                try:
                    return tokens.get(realm, credential, scopes, for_body=for_body)
                except RegistryError as refused:
                    if not _is_refusal(refused, credential):
                        raise
                    # Docker Hub locks an account after a few wrong passwords: never ask twice.
                    self._refuse(credential, scopes, refused)
                    error = refused
            fresh = self._again(credential, scopes)
            if fresh is not None:
                credential = fresh
                continue
            if not _may_do_without(scopes):
                raise self._refusal(credential, error, scopes)
            self._warn_of(credential)
            credential = None
        return tokens.get(realm, None, scopes, for_body=for_body)

    def _again(self, refused: Credential, scopes: Scopes) -> Credential | None:
        """Return what the source of a refused login has by now, if that is another login."""
        fresh = self._tools.finder.again(self._registry, repository_of(scopes), refused)
        if fresh is None or self._known_refusal(fresh, scopes) is not None:
            return None
        return fresh

    def _refuse(
        self, credential: Credential, scopes: Scopes, error: RegistryError | None = None
    ) -> None:
        # A token server's 401 is about the login alone. Its 403 may be about what was asked for,
        # and a registry that sees the login itself may judge by repository too.
        is_servers = isinstance(self._way, Bearer) and not credential.registry_token
        alone = is_servers and not isinstance(error, DeniedError)
        key = (credential, None if alone else repository_of(scopes))
        with self._lock:
            if error is not None:
                self._refused[key] = _Refusal.of(error)
            else:
                self._refused.setdefault(key, _Refusal())

    def _known_refusal(self, credential: Credential, scopes: Scopes) -> _Refusal | None:
        with self._lock:
            found = (self._refused.get(key) for key in _keys(credential, scopes))
            return next((refusal for refusal in found if refusal is not None), None)

    def _refusal(
        self, credential: Credential, error: RegistryError | None, scopes: Scopes
    ) -> UnauthorizedError:
        action = error.action if error else f"log in to {self._registry}"
        before = self._known_refusal(credential, scopes) or _Refusal()
        words = LoginWords(used=credential.words, renewal=credential.renewal)
        return UnauthorizedError(
            error.message if error else f"cannot {action}: {before.words}",
            action=action,
            status=error.status if error else 401,
            diagnostics=error.diagnostics if error else before.diagnostics,
            hint=login_hint(self._registry, words, repository=repository_of(scopes)),
        )

    def _why_withheld(self, credential: Credential | None) -> str | None:
        if credential is None or self._way is None:
            return None
        withheld = self._withholding(self._way, credential)
        return withheld.hint if withheld is not None else None

    def _withholding(self, way: Way, credential: Credential) -> Withheld | None:
        return withholding(
            self._registry, self._endpoint, way, credential, over_http=self._tools.over_http
        )

    def _way_of(self, challenge: Challenge, base: Url) -> Way:
        if challenge.scheme == "basic":
            return Basic()
        url = self._realm(base.join(challenge.get("realm")))
        realm = Realm(registry=self._registry, url=url, service=challenge.get("service"))
        named = {url.host, url.authority} & self._tools.trusted_realms
        return Bearer(
            realm=realm, trusted=bool(named) or are_related(self._endpoint.host, url.host)
        )

    def _realm(self, url: Url) -> Url:
        """Check that a realm is no way into a private network or out of TLS."""
        if self._endpoint.scheme == "https" and url.scheme == "http":
            if url.host != self._endpoint.host:
                raise TransportError(
                    f"{self._registry} wants logins to be sent over plain http to {url.authority}",
                    hint="set its token realm to https in the registry's configuration",
                )
            self._warn(f"{self._registry} names a token realm with http: asked over https")
            url = self._endpoint.at(url.target)
        resolve = not self._tools.is_proxied(url)
        check_hop(self._endpoint, url, resolve=resolve, check=self._tools.check)
        return url

    def _warn_of(self, refused: Credential) -> None:
        look = f"see what pyjib login --check {self._registry} says"
        self._warn(
            f"{self._registry} does not accept the login from {refused.words}; "
            "going on without one, which is enough for public images",
            hint=f"{refused.renewal}; {look}" if refused.renewal else look,
        )

    def _warn(self, message: str, hint: str | None = None) -> None:
        with self._lock:
            known = message in self._warned
            self._warned.add(message)
        if not known:
            self._tools.listener(Warned(message=message, hint=hint))


def _keys(credential: Credential, scopes: Scopes) -> tuple[tuple[Credential, str | None], ...]:
    """Return what refusals of a login are kept by: for everything, and for a call's repository."""
    return (credential, None), (credential, repository_of(scopes))


def _is_refusal(error: RegistryError, credential: Credential) -> bool:
    """Tell whether a token server's answer is about the login.

    OAuth2 answers 400 to a refresh token that ended (RFC 6749 section 5.2).
    """
    if isinstance(error, UnauthorizedError | DeniedError):
        return True
    return error.status == 400 and bool(credential.identity_token)


def _may_do_without(scopes: Scopes) -> bool:
    """Tell whether a call may be allowed to nobody in particular: pulling what is public."""
    return bool(scopes) and is_reading(scopes)
