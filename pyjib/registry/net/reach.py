"""Where a registry's answers may lead: rules against being sent to places it cannot reach itself.

A public registry has no business in a private network, so a redirect, an upload's ``Location``
or a token realm may lead to an address of the same kind or a more public one, never to a more
inward one. A registry that is itself on the loopback interface or in a private network may
lead to its neighbours there: that is how storage and token servers on premises work.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from enum import IntEnum

from pyjib.errors import TransportError
from pyjib.registry.net.lookup import look_up
from pyjib.registry.net.urls import Url


def nothing() -> None:
    """Never give up."""


class Reach(IntEnum):
    """How far inside an address is; a hop may not go further inside than it started."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2
    NEVER = 3  # link-local (cloud metadata services) and unspecified addresses


def is_loopback(host: str) -> bool:
    """Tell whether ``HOST[:PORT]`` names this machine, by its text alone."""
    name = _bare(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return reach_of(name) is Reach.LOOPBACK


def reach_of(address: str) -> Reach | None:
    """Classify an IP address; ``None`` for text that is none."""
    try:
        parsed = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = mapped or parsed
    if parsed.is_loopback:
        return Reach.LOOPBACK
    if parsed.is_link_local or parsed.is_unspecified or parsed.is_multicast:
        return Reach.NEVER
    return Reach.PUBLIC if parsed.is_global else Reach.PRIVATE


def check_scheme(start: Url, target: Url) -> None:
    """Raise ``TransportError`` if a server of https sends us on to plain http."""
    if start.scheme == "https" and target.scheme == "http":
        raise TransportError(
            f"{start.authority} leads from https to plain http at {target}",
            hint="set the registry's own address to https in its configuration",
        )


def check_hop(
    start: Url, target: Url, *, resolve: bool, check: Callable[[], None] = nothing
) -> None:
    """Raise ``TransportError`` if ``start``'s server may not send us to ``target``.

    The target is judged by its text: what a name leads to is known when it is connected to, and
    judged then (``sockets.Network``). ``resolve`` false takes ``start`` by its text too: behind
    a proxy names mean something else. While a name is looked up, ``check`` is called about ten
    times a second and may raise to give up.
    """
    check_scheme(start, target)
    if (start.host, start.port) == (target.host, target.port):
        return
    inside = reach_of_name(target.host, resolve=False)
    resolve = resolve and inside > Reach.PUBLIC
    if inside > reach_of_name(start.host, resolve=resolve, check=check):
        raise too_far_inside(start, target)


def reach_of_name(host: str, *, resolve: bool, check: Callable[[], None] = nothing) -> Reach:
    """Classify a host by its text, and with ``resolve`` by the addresses that it has here.

    Of several the most public counts: that a name has another one too is soon said.
    ``check`` may raise to give up, as for ``check_hop``.
    """
    if is_loopback(host):
        return Reach.LOOPBACK
    literal = reach_of(host)
    if literal is not None or not resolve:
        return literal or Reach.PUBLIC
    try:
        found = look_up(host, None, check)
    except (OSError, UnicodeError):
        return Reach.PUBLIC  # connecting to it will say why it fails
    return min((reach_of(str(entry[4][0])) or Reach.PUBLIC for entry in found), default=Reach(0))


def too_far_inside(start: Url, target: Url) -> TransportError:
    """Return the error for a server that leads further inside than it is itself."""
    return TransportError(
        f"{start.authority} leads to an address inside a private network, {target}: not followed",
        hint="if the registry really is inside that network, reach it by its address there",
    )


def _bare(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() and "]" not in port else host).lower()
