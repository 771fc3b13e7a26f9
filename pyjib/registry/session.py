"""Calls: attempts at them, redirects, logins, and refusals as exceptions.

A login belongs to one origin and goes nowhere else.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from pyjib.cancellation import Cancellation
from pyjib.errors import CancelledError, PyjibError, RegistryError, TransportError
from pyjib.events import Listener
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.asides import Asides
from pyjib.registry.attempts import Attempts
from pyjib.registry.endpoints import USER_AGENT, Endpoints
from pyjib.registry.login.auth import Authenticator, AuthTools
from pyjib.registry.login.challenge import Challenge, parse_challenges, wants_more
from pyjib.registry.login.credentials import Finder
from pyjib.registry.login.tokens import Tokens
from pyjib.registry.machine import Machine
from pyjib.registry.net.late import Late
from pyjib.registry.net.message import Call, Reply, Request
from pyjib.registry.net.retry import LONGEST_CALL, Gates, Passing
from pyjib.registry.net.urls import Url
from pyjib.registry.pushed import Pushed
from pyjib.registry.redirects import MAX_HOPS, Redirects, leads_on, may_see, too_many
from pyjib.registry.refusal import MAX_ERROR, LoginWords, refusal, telling

if TYPE_CHECKING:
    from pyjib.registry.login.cloud.model import CloudTools
    from pyjib.registry.net.wire import Answer, Wire

_log = logging.getLogger(__name__)

_HASTE = 10.0

T = TypeVar("T")


class Session:
    """Talks to all registries of one build; safe for threads.

    ``wait`` sleeps that many seconds between attempts, and may raise to give up. ``pushed`` is
    what registries took by it.
    """

    def __init__(
        self,
        options: RegistryOptions,
        host: HostEnvironment,
        *,
        listener: Listener,
        cancellation: Cancellation,
        wait: Callable[[float], None] | None = None,
    ) -> None:
        self.listener = listener
        self.cancellation = cancellation
        self._most = options.attempts
        self._limit = math.inf
        self._options = options
        self._host = host
        self._lock = threading.Lock()
        self._namespace = ""
        self._late = Late(options, host, cancellation, listener)
        self._gates = Gates(wait=wait or cancellation.wait)
        self._endpoints = Endpoints(options, self._send_whole, listener, lambda: self.machine)
        self._authenticators: dict[str, Authenticator] = {}
        self._asides = Asides(listener)
        self.pushed = Pushed()
        self._redirects = Redirects(self.root, self._is_proxied, cancellation.check)
        self.finder = Finder(options, host, self._cloud_tools, cancellation, listener)
        self._tools = AuthTools(
            finder=self.finder,
            tokens=Tokens(self.ask),
            listener=listener,
            ping=self._challenges,
            is_proxied=self._is_proxied,
            check=cancellation.check,
            trusted_realms=options.trusted_realms,
            over_http=options.credentials_over_http,
        )

    @property
    def machine(self) -> Machine:
        """What this machine is set up with about registries; ``ConfigurationError`` if it is bad.

        Nothing if no mirrors are to be used.
        """
        return self._late.machine()

    def at(self, namespace: str) -> Session:
        """Return this session for reading what stands in for a registry, which each call names."""
        other = copy(self)
        other._namespace = namespace
        return other

    def hasty(self, attempts: int = 1) -> Session:
        """Return this session for calls that could be made elsewhere: they are tried once.

        Of more ``attempts`` none is made that would begin ten seconds after the first.
        """
        other = copy(self)
        other._most = min(attempts, self._most)
        other._limit = _HASTE
        return other

    def unless_busy(self) -> Session:
        """Return this session for calls that nobody needs: made now and once, or not at all.

        While a registry has asked for a pause, they raise ``Passing``.
        """
        other = self.hasty()
        other._gates = replace(self._gates, wait=_do_not_wait)
        return other

    def ask(self, call: Call, limit: int = MAX_ERROR) -> Reply:
        """Make a call and return its whole reply of at most ``limit`` bytes.

        Raises ``RegistryError``, ``TransportError`` and, for a longer reply, ``ContentError``.
        """
        return self._repeat(call, lambda answer: answer.reply(limit))

    def open(self, call: Call) -> Answer:
        """Make a call and return the answer with its body unread, to be closed."""
        return self._repeat(call, lambda answer: answer)

    def once(self, call: Call, limit: int = MAX_ERROR) -> Reply:
        """Make a single attempt; raises ``Passing`` where another might succeed."""
        return self._attempt(call, lambda answer: answer.reply(limit))

    def last_word(self, call: Call) -> None:
        """Send a call after a cancellation too, once, whatever the answer.

        All of it takes ``call.patience`` seconds at most; it goes without a login where none is
        at hand, and to where ``call.url`` says without being led on.
        """
        url = call.url or self.root(call.registry).at(call.target)
        own = self._is_own(call.registry, url)
        used = self.authenticator(call.registry).authorization(call.scopes) if own else None
        self._send(call, url, used, last_word=call.patience).close()

    def attempts(self, call: Call, *, most: int | None = None, limit: float = math.inf) -> Attempts:
        """Return what counts the attempts at a call, ``most`` or as many as were asked for.

        After ``limit`` seconds there are no more.
        """
        return Attempts(
            call=call,
            most=most or self._most,
            limit=min(limit, self._limit),
            gates=self._gates,
            listener=self.listener,
        )

    def root(self, registry: str) -> Url:
        """Return the URL that a registry's paths are below."""
        return self._endpoints.of(registry).url

    def verifies(self, url: Url) -> bool:
        """Tell whether the certificate of a URL's server has to be good."""
        return self._endpoints.verifies(url)

    def resolve(self, registry: str, base: Url, location: str) -> Url:
        """Resolve what a server says of where to go on; raises ``TransportError`` if not allowed."""
        return self._redirects.resolve(registry, base, location)

    def close(self) -> None:
        """Close all connections."""
        self._late.close()

    def _repeat(self, call: Call, take: Callable[[Answer], T]) -> T:
        attempts = self.attempts(call, limit=LONGEST_CALL)
        while True:
            try:
                return self._attempt(call, take)
            except Passing as failure:
                attempts.again(failure)

    def _attempt(self, call: Call, take: Callable[[Answer], T]) -> T:
        self.cancellation.check()
        self._gates.pass_through(call.registry)
        try:
            answer = self._follow(call, call.authorization) if call.bare else self._authorised(call)
            if answer.status not in call.accepted:
                raise self._refusal(call, answer)
            return take(answer)
        except TransportError as error:
            raise telling(call, error) from None
        except Passing as failure:
            raise failure.of(telling(call, failure.error)) from None

    def _authorised(self, call: Call) -> Answer:
        authenticator = self.authenticator(call.registry)
        big = call.body is not None and not call.repeatable
        used = authenticator.authorization(call.scopes, for_body=big)
        answer = self._follow(call, used)
        if answer.status not in (401, 403) or not self._is_own(call.registry, answer.url):
            return answer
        try:
            challenges = parse_challenges(answer.header_lines("www-authenticate"))
            if answer.status == 403 and not wants_more(challenges):
                return answer
            fresh = authenticator.renew(challenges, call.scopes, used, base=answer.url)
            if fresh is None or big:
                return answer
        except BaseException:
            answer.close()
            raise
        answer.finish()
        answer = self._follow(call, fresh or None)
        if answer.status == 401:
            other = authenticator.refused(fresh, call.scopes)
            if other is not None:
                answer.finish()
                answer = self._follow(call, other)
        return answer

    def _follow(self, call: Call, authorization: str | None) -> Answer:
        start = call.url if call.bare and call.url else self.root(call.registry)
        url = call.url or self._within(start.at(call.target))
        for _ in range(MAX_HOPS + 1):
            answer = self._send(call, url, authorization if may_see(start, url) else None)
            self._asides.show(call.registry, answer.header_lines("warning"))
            if not leads_on(call, answer):
                return answer
            answer.finish()
            url = self._redirects.after(call, answer)
        raise too_many(call, url)

    def _within(self, url: Url) -> Url:
        return url.with_query(f"ns={quote(self._namespace)}") if self._namespace else url

    def _send(
        self,
        call: Call,
        url: Url,
        authorization: str | None,
        *,
        last_word: float | None = None,
    ) -> Answer:
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        headers |= call.headers
        if authorization is not None:
            headers["Authorization"] = authorization
        request = Request(
            method=call.method,
            url=url,
            headers=headers,
            body=call.body,
            patience=call.patience,
            verify=self._endpoints.verifies(url),
            led_by=self._led_by(call, url),
            last_word=last_word,
        )
        answer = self._wires().send(request)
        _log.debug("%s %s: %s", call.method, url, answer.status)
        return answer

    def _send_whole(self, request: Request) -> Reply:
        reply = self._wires().send(request).reply(MAX_ERROR)
        _log.debug("%s %s: %s", request.method, request.url, reply.status)
        return reply

    def _led_by(self, call: Call, url: Url) -> Url | None:
        """Return the registry that named a URL, a token server's too; none for its own."""
        if call.chosen and call.url == url:
            return None
        start = self.root(call.registry)
        return None if start.host == url.host else start

    def _refusal(self, call: Call, answer: Answer) -> PyjibError | Passing:
        login = LoginWords()
        if answer.status in (401, 403, 429):
            login = self.authenticator(call.registry).words(call.scopes)
        try:
            data = answer.read(MAX_ERROR)
        except CancelledError:
            raise
        except (PyjibError, Passing):
            data = b""  # the status says enough
        own = not call.bare and self._is_own(call.registry, answer.url)
        where = None if own else answer.url.authority
        secrets = self._tools.secrets(call, answer.authorization)
        error = refusal(
            call, answer.status, answer.headers, data, login, secrets=secrets, where=where
        )
        if own and isinstance(error, RegistryError):
            self.authenticator(call.registry).explain(call.scopes, error)
        return error

    def _challenges(self, registry: str) -> Sequence[Challenge]:
        call = Call(
            action=f"reach the registry {registry}",
            registry=registry,
            accepted=frozenset({200, 401, 403, 404}),
            bare=True,
            url=self.root(registry).at("/v2/"),
        )
        answer = self.open(call)
        answer.finish()
        return parse_challenges(answer.header_lines("www-authenticate"))

    def authenticator(self, registry: str) -> Authenticator:
        """Return what knows how a registry wants to be spoken to."""
        endpoint = self.root(registry)
        with self._lock:
            known = self._authenticators.get(registry)
            if known is None:
                known = Authenticator(registry, endpoint, self._tools)
                self._authenticators[registry] = known
            return known

    def _cloud_tools(self) -> CloudTools:
        from pyjib.registry.login.cloud import model  # noqa: PLC0415  only who needs it

        dmi = model.DMI if self._host.system is not None else None
        return model.CloudTools(
            host=self._host,
            ask=self.ask,
            once=self.once,
            root=self.root,
            dmi=dmi,
            cancellation=self.cancellation,
        )

    def _is_own(self, registry: str, url: Url) -> bool:
        return may_see(self.root(registry), url)

    def _is_proxied(self, url: Url) -> bool:
        return self._wires().is_proxied(url)

    def _wires(self) -> Wire:
        return self._late.wire()


def _do_not_wait(seconds: float) -> None:
    raise Passing(TransportError(f"the registry has asked for a pause of {seconds:.0f} seconds"))
