"""Lists in pages: ``n``, ``last`` and ``Link`` (Distribution 1.1, "Listing Tags")."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Sequence
from typing import TypeVar

from pyjib.serve.message import Code, Headers, Refusal, Request

Entry = TypeVar("Entry")


def cut_page(
    entries: Sequence[Entry], key: Callable[[Entry], str], request: Request, limit: int
) -> tuple[list[Entry], Headers]:
    """Return the entries, sorted by ``key``, that a request wants, and the ``Link`` to the next.

    They come after the one that ``last`` names, and are as many as ``n`` says, at most
    ``limit``.
    """
    wanted = _number(request)
    last = request.parameter("last")
    rest = [entry for entry in entries if last is None or key(entry) > last]
    page = rest[: limit if wanted is None else min(wanted, limit)]
    if not page or len(page) == len(rest):
        return page, ()
    return page, (next_link(request, wanted, key(page[-1])),)


def next_link(request: Request, wanted: int | None, last: str) -> tuple[str, str]:
    """Return the header that leads on after ``last``."""
    query = [
        (name, value)
        for name, values in request.query.items()
        for value in values
        if name not in ("n", "last")
    ]
    if wanted is not None:
        query.append(("n", str(wanted)))
    query.append(("last", last))
    return "Link", f'<{request.path}?{urllib.parse.urlencode(query)}>; rel="next"'


def _number(request: Request) -> int | None:
    text = request.parameter("n")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refusal(400, Code.UNSUPPORTED, f"not a number of entries: n={text[:40]}")
    return int(text)
