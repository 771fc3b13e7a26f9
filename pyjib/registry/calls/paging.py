"""Lists that come in pages, linked by ``Link: <…>; rel="next"`` (RFC 8288)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from pyjib.errors import ContentError, TransportError
from pyjib.patterns import late
from pyjib.registry.net.message import Call, Reply
from pyjib.registry.net.urls import Url
from pyjib.registry.redirects import over_tls
from pyjib.registry.refusal import telling
from pyjib.registry.session import Session

MAX_PAGE = 8 * 1024 * 1024
MAX_PAGES = 10_000
MAX_LIST = 64 * 1024 * 1024
"""Bytes of all pages of a list together."""
_PARAMETER = late(
    r'\s*;\s*([^\s;,="]*)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?', re.ASCII | re.DOTALL
)


def pages(
    session: Session, call: Call, further: Callable[[], str | None] = lambda: None
) -> Iterator[Reply]:
    """Yield pages for as long as they link to another on the same origin that is new.

    Plain http on the host that was asked over https is taken for that origin. Where a page links
    to none, ``further`` may name the target of another. A taker that finds nothing new in a page
    should stop. Raises ``ContentError`` beyond ``MAX_LIST`` bytes in all.
    """
    seen: set[str] = set()
    left = MAX_LIST
    for _ in range(MAX_PAGES):
        reply = session.ask(call, MAX_PAGE)
        left -= len(reply.data)
        if left < 0:
            raise ContentError(
                f"cannot {call.action}: {call.registry} sends more than {MAX_LIST} bytes of them"
            )
        yield reply
        root = session.root(call.registry)
        try:
            url = _next(reply, root)
        except TransportError as error:
            raise telling(call, error) from None
        if url is None and (target := further()):
            url = root.at(target)
        if url is None or url.full in seen:
            return
        seen.add(url.full)
        call = replace(call, url=url)


def next_of(header: str) -> str | None:
    """Return where a ``Link`` leads that is to the next page; in time that its length bounds."""
    place = 0
    while (start := header.find("<", place)) >= 0:
        end = header.find(">", start)
        if end < 0:
            break
        place, is_next = end + 1, False
        while (found := _PARAMETER.match(header, place)) is not None:
            value = found[2] if found[2] is not None else found[3] or ""
            is_next = is_next or (found[1].lower() == "rel" and "next" in value.lower().split())
            place = found.end()
        if is_next:
            return header[start + 1 : end]
        place = (header.find(",", place) + 1) or len(header)
    return None


def _next(reply: Reply, root: Url) -> Url | None:
    location = next_of(reply.headers.get("link", ""))
    if location is None:
        return None
    url = over_tls(root, reply.url.join(location))
    return url if url.origin == root.origin else None
