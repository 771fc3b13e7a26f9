"""Calls: retries, redirects by hand, logins, and refusals as exceptions.

Redirects are followed here, for HTTP clients turn an upload into a GET and re-read a body from
where the last attempt left it. A login belongs to one origin and goes nowhere else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from pyjib.cancellation import Cancellation
from pyjib.errors import CancelledError, PyjibError, RegistryError, TransportError
from pyjib.events import Listener, RetryScheduled
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.asides import Asides
from pyjib.registry.endpoints import USER_AGENT, Endpoints
from pyjib.registry.login.auth import Authenticator, AuthTools
from pyjib.registry.login.challenge import Challenge, parse_challenges, wants_more
from pyjib.registry.login.credentials import Finder
from pyjib.registry.login.tokens import Tokens
from pyjib.registry.machine import Machine
from pyjib.registry.net.late import Late
from pyjib.registry.net.message import Call, Reply, Request
from pyjib.registry.net.reach import check_hop, check_scheme
from pyjib.registry.net.retry import LONGEST_CALL, Gates, Passing, delay_before
from pyjib.registry.net.urls import Url
from pyjib.registry.refusal import MAX_ERROR, LoginWords, describe, refusal, telling

if TYPE_CHECKING:
    from pyjib.registry.login.cloud.model import CloudTools
    from pyjib.registry.net.wire import Answer, Wire

_log = logging.getLogger(__name__)

MAX_HOPS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

T = TypeVar("T")


class Session:
    """Talks to all registries of one build; safe for threads.

    ``wait`` sleeps that many seconds between attempts, and may raise to give up.
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
        self.attempts = options.attempts
        self._options = options
        self._host = host
        self._lock = threading.Lock()
        self._namespace = ""
        self._late = Late(options, host, cancellation, listener)
        self._gates = Gates(wait=wait or cancellation.wait)
        self._endpoints = Endpoints(options, self._send_whole, listener, lambda: self.machine)
        self._authenticators: dict[str, Authenticator] = {}
        self._asides = Asides(listener)
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

    def hasty(self) -> Session:
        """Return this session for calls that could be made elsewhere: they are tried once."""
        other = copy(self)
        other.attempts = 1
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

    def pause(self, call: Call, attempt: int, failure: Passing, *, most: int) -> None:
        """Hold the host back before ``attempt``; raises the failure beyond ``most`` attempts."""
        if attempt > most:
            raise telling(call, failure.error) from None
        delay = delay_before(attempt, failure.after)
        reason = failure.error.message.removeprefix(f"cannot {call.action}: ")
        self.listener(
            RetryScheduled(action=call.action, attempt=attempt, delay=delay, reason=reason)
        )
        self._gates.close(call.registry, delay)

    def root(self, registry: str) -> Url:
        """Return the URL that a registry's paths are below."""
        return self._endpoints.of(registry).url

    def verifies(self, url: Url) -> bool:
        """Tell whether the certificate of a URL's server has to be good."""
        return self._endpoints.verifies(url)

    def resolve(self, registry: str, base: Url, location: str) -> Url:
        """Resolve what a server says of where to go on; raises ``TransportError`` if not allowed.

        Plain http on the host that was asked over https is a server behind a proxy that knows
        no better, and becomes https again.
        """
        target = base.join(location)
        lost = (base.scheme, target.scheme) == ("https", "http") and base.host == target.host
        if lost and target.port in (80, base.port):
            target = base.at(target.target)
        start = self.root(registry)
        check_scheme(start if start.scheme == "https" else base, target)
        if target.origin != start.origin:
            for server in (start,) if base.origin == start.origin else (start, base):
                self._check_hop(server, target)
        return target

    def close(self) -> None:
        """Close all connections."""
        self._late.close()

    def _repeat(self, call: Call, take: Callable[[Answer], T]) -> T:
        started, attempt = time.monotonic(), 1
        while True:
            try:
                return self._attempt(call, take)
            except Passing as failure:
                if time.monotonic() - started > LONGEST_CALL:
                    raise failure.error from None
                attempt += 1
                self.pause(call, attempt, failure, most=self.attempts)

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
            raise Passing(telling(call, failure.error), after=failure.after) from None

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
            fresh = authenticator.renew(challenges, call.scopes, used)
            if fresh is None or big:
                return answer
        except BaseException:
            answer.close()
            raise
        answer.finish()
        answer = self._follow(call, fresh or None)
        if answer.status == 401:
            authenticator.refused(fresh, call.scopes)
        return answer

    def _follow(self, call: Call, authorization: str | None) -> Answer:
        start = call.url if call.bare and call.url else self.root(call.registry)
        url = call.url or self._within(start.at(call.target))
        for _ in range(MAX_HOPS + 1):
            answer = self._send(call, url, authorization if _may_see(start, url) else None)
            self._asides.show(call.registry, answer.header_lines("warning"))
            if answer.status not in _REDIRECTS or answer.status in call.accepted or call.fleeting:
                return answer
            answer.finish()
            url = self._redirect(call, answer)
        raise RegistryError(
            f"cannot {call.action}: more than {MAX_HOPS} redirects, the last to {url}",
            action=call.action,
            hint="check the proxy in front of the registry: it seems to send requests in circles",
        )

    def _within(self, url: Url) -> Url:
        return url.with_query(f"ns={quote(self._namespace)}") if self._namespace else url

    def _redirect(self, call: Call, answer: Answer) -> Url:
        location = answer.headers.get("location")
        if not location:
            raise TransportError(f"cannot {call.action}: {answer.url} redirects to nowhere")
        base = answer.url
        if call.bare:
            target = base.join(location)
            self._check_hop(base, target)
        else:
            target = self.resolve(call.registry, base, location)
        upgraded = (base.host, base.scheme, target.scheme) == (target.host, "http", "https")
        if call.sealed and not _may_see(base, target):
            raise TransportError(
                f"cannot {call.action}: {base.authority} redirects to {target.authority}, which "
                "must not see the secret that is sent"
            )
        if call.method in ("GET", "HEAD") or answer.status in (307, 308):
            return target
        if answer.status in (301, 302) and upgraded:
            return target
        raise RegistryError(
            f"cannot {call.action}: {base.authority} answered {describe(answer.status)} to a "
            f"{call.method}, which would become a GET of {target}",
            action=call.action,
            status=answer.status,
            hint="check the registry's address, and the proxy in front of it",
        )

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
        return _may_see(self.root(registry), url)

    def _check_hop(self, start: Url, target: Url) -> None:
        resolve = not self._is_proxied(target)
        check_hop(start, target, resolve=resolve, check=self.cancellation.check)

    def _is_proxied(self, url: Url) -> bool:
        return self._wires().is_proxied(url)

    def _wires(self) -> Wire:
        return self._late.wire()


def _do_not_wait(seconds: float) -> None:
    raise Passing(TransportError(f"the registry has asked for a pause of {seconds:.0f} seconds"))


def _may_see(start: Url, url: Url) -> bool:
    """Tell whether a login for ``start``'s origin may go to ``url``: it, or its TLS twin."""
    if start.origin == url.origin:
        return True
    upgraded = (start.scheme, url.scheme) == ("http", "https") and start.host == url.host
    return upgraded and (start.port == url.port or (start.port, url.port) == (80, 443))
