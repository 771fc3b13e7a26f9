"""Calls, requests and replies as values; nothing here knows how they travel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pyjib.registry.scope import Scopes
from pyjib.registry.urls import Url

PATIENCE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What is sent: its exact ``size``, and a way to read it from the start once more."""

    size: int
    chunks: Callable[[], Iterator[bytes]] = field(repr=False)

    @classmethod
    def of(cls, data: bytes) -> Body:
        """Make a body of bytes in memory."""
        return cls(size=len(data), chunks=lambda: iter([data] if data else []))


NOTHING = Body.of(b"")
"""The empty body, sent with ``Content-Length: 0``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Something wanted of a registry, and the statuses that mean it was done.

    ``action`` says it in words that follow "cannot": "push blob …". It goes to ``target``, a
    path of the registry, or to ``url``, which the registry handed out. A ``bare`` call brings
    its own ``authorization`` or none, for token servers. A body that is not ``repeatable`` is
    sent once: a 401 then renews the login but comes back as an error.
    """

    action: str
    registry: str
    method: str = "GET"
    target: str = "/v2/"
    url: Url | None = None
    scopes: Scopes = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    accepted: frozenset[int] = frozenset({200})
    body: Body | None = None
    repeatable: bool = True
    patience: float = PATIENCE
    bare: bool = False
    authorization: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One attempt at a call. ``patience`` is how long one read may take, in seconds."""

    method: str
    url: Url
    headers: Mapping[str, str] = field(repr=False)
    body: Body | None = None
    patience: float = PATIENCE
    verify: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer. ``url`` is where it came from; header names are in any case."""

    status: int
    url: Url
    headers: Mapping[str, str] = field(repr=False)
    data: bytes = field(repr=False)
