"""Lists that come in pages, linked by ``Link: <…>; rel="next"`` (RFC 8288)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from pyjib.registry.net.message import Call, Reply
from pyjib.registry.net.urls import Url
from pyjib.registry.session import Session

MAX_PAGE = 8 * 1024 * 1024
MAX_PAGES = 10_000
_IS_NEXT = re.compile(r";\s*rel\s*=\s*\"?next\b", re.ASCII | re.IGNORECASE)


def pages(session: Session, call: Call) -> Iterator[Reply]:
    """Yield pages for as long as they link to another on the same origin that is new.

    A taker that finds nothing new in a page should stop.
    """
    seen: set[str] = set()
    for _ in range(MAX_PAGES):
        reply = session.ask(call, MAX_PAGE)
        yield reply
        url = _next(reply, session.root(call.registry))
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
        place = (header.find(",", end) + 1) or len(header)
        if _IS_NEXT.search(header, end, place):
            return header[start + 1 : end]
    return None


def _next(reply: Reply, root: Url) -> Url | None:
    location = next_of(reply.headers.get("link", ""))
    if location is None:
        return None
    url = reply.url.join(location)
    return url if url.origin == root.origin else None
