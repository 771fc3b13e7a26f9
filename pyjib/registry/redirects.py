"""Where an answer may lead: redirects, and the places that a registry names.

HTTP clients turn an upload into a GET when they are redirected, and re-read a body from where the
last attempt left it. So redirects are followed by hand, and only where the request stays what it
is. What may be connected to is judged by ``net.reach``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyjib.errors import RegistryError, TransportError
from pyjib.registry.net.message import Call
from pyjib.registry.net.reach import check_hop, check_scheme
from pyjib.registry.net.urls import Url
from pyjib.registry.refusal import describe

if TYPE_CHECKING:
    from pyjib.registry.net.wire import Answer

MAX_HOPS = 5
_STATUSES = frozenset({301, 302, 303, 307, 308})


class Redirects:
    """Resolves where servers lead.

    ``root`` returns the URL that a registry's paths are below; ``is_proxied`` tells whether a URL
    is reached through a proxy; ``check`` may raise to give up.
    """

    def __init__(
        self,
        root: Callable[[str], Url],
        is_proxied: Callable[[Url], bool],
        check: Callable[[], None],
    ) -> None:
        self._root = root
        self._is_proxied = is_proxied
        self._check = check

    def resolve(self, registry: str, base: Url, location: str) -> Url:
        """Resolve what a server says of where to go on; raises ``TransportError`` if not allowed.

        Plain http on the host that was asked over https becomes https: see ``over_tls``.
        """
        target = over_tls(base, base.join(location))
        start = self._root(registry)
        check_scheme(start if start.scheme == "https" else base, target)
        if target.origin != start.origin:
            for server in (start,) if base.origin == start.origin else (start, base):
                self._check_hop(server, target)
        return target

    def after(self, call: Call, answer: Answer) -> Url:
        """Return where a redirect leads; raises where it must not be followed.

        A body is sent again by 307 and 308, and where a host merely insists on https.
        """
        location = answer.headers.get("location")
        if not location:
            raise TransportError(f"cannot {call.action}: {answer.url} redirects to nowhere")
        base = answer.url
        if call.bare:
            target = base.join(location)
            self._check_hop(base, target)
        else:
            target = self.resolve(call.registry, base, location)
        if call.sealed and not may_see(base, target):
            raise TransportError(
                f"cannot {call.action}: {base.authority} redirects to {target.authority}, which "
                "must not see the secret that is sent"
            )
        if call.method in ("GET", "HEAD") or answer.status in (307, 308):
            return target
        upgraded = (base.host, base.scheme, target.scheme) == (target.host, "http", "https")
        if answer.status in (301, 302) and upgraded:
            return target
        raise RegistryError(
            f"cannot {call.action}: {base.authority} answered {describe(answer.status)} to a "
            f"{call.method}, which would become a GET of {target}",
            action=call.action,
            status=answer.status,
            hint="check the registry's address, and the proxy in front of it",
        )

    def _check_hop(self, start: Url, target: Url) -> None:
        check_hop(start, target, resolve=not self._is_proxied(target), check=self._check)


def leads_on(call: Call, answer: Answer) -> bool:
    """Tell whether an answer is a redirect, and one that this call could follow."""
    return answer.status in _STATUSES and answer.status not in call.accepted and not call.fleeting


def too_many(call: Call, last: Url) -> RegistryError:
    """Return the error for redirects that do not end."""
    return RegistryError(
        f"cannot {call.action}: more than {MAX_HOPS} redirects, the last to {last}",
        action=call.action,
        hint="check the proxy in front of the registry: it seems to send requests in circles",
    )


def over_tls(base: Url, target: Url) -> Url:
    """Return ``target`` by ``base``'s origin if it is that but for TLS, else as it is.

    So names itself who is behind a proxy that speaks TLS in its place, and knows nothing of it.
    """
    lost = (base.scheme, target.scheme) == ("https", "http") and base.host == target.host
    return base.at(target.target) if lost and target.port in (80, base.port) else target


def may_see(start: Url, url: Url) -> bool:
    """Tell whether a login for ``start``'s origin may go to ``url``: it, or its TLS twin."""
    if start.origin == url.origin:
        return True
    upgraded = (start.scheme, url.scheme) == ("http", "https") and start.host == url.host
    return upgraded and (start.port == url.port or (start.port, url.port) == (80, 443))
