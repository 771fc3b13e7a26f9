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
_NEXT = re.compile(r"<([^>]*)>\s*;[^,]*\brel\s*=\s*\"?next\"?", re.IGNORECASE)


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


def _next(reply: Reply, root: Url) -> Url | None:
    match = _NEXT.search(reply.headers.get("link", ""))
    if match is None:
        return None
    url = reply.url.join(match[1])
    return url if url.origin == root.origin else None
