"""Calls, requests and replies as values; nothing here knows how they travel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum

from pyjib.frozen import frozen
from pyjib.registry.login.scope import Scopes
from pyjib.registry.net.urls import Url

PATIENCE = 60.0


class Taken(StrEnum):
    """What a registry took of a push already, by the same login; in words for an error."""

    NOTHING = ""
    BLOBS = "the blobs"
    MANIFEST = "the same manifest by its digest"


@frozen
class Body:
    """What is sent: its exact ``size``, and a way to read it from the start once more.

    Where the size is ``None``, it is sent in HTTP's chunked coding, and can be read but once.
    """

    size: int | None
    chunks: Callable[[], Iterator[bytes | memoryview]] = field(repr=False)

    @classmethod
    def of(cls, data: bytes) -> Body:
        """Make a body of bytes in memory."""
        return cls(size=len(data), chunks=lambda: iter([data] if data else []))


NOTHING = Body.of(b"")
"""The empty body, sent with ``Content-Length: 0``."""


@frozen
class Call:
    """Something wanted of a registry, and the statuses that mean it was done.

    ``action`` says it in words that follow "cannot": "push blob …". It goes to ``target``, a
    path of the registry, or to ``url``, which the registry handed out. A ``bare`` call brings
    its own ``authorization`` or none, for token servers. A body that is not ``repeatable`` is
    sent once: a 401 then renews the login but comes back as an error. A ``sealed`` call has a
    secret in its body or other headers: it is never sent on to another origin. A ``chosen``
    call goes to an address that was set up here, and not told by a server, however far inside
    a network that is. ``taken`` is what the registry took of the same push before.
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
    sealed: bool = False
    chosen: bool = False
    taken: Taken = Taken.NOTHING
    authorization: str | None = field(default=None, repr=False)

    @property
    def fleeting(self) -> bool:
        """Tell whether the body can be read but once: nobody can be led on with it."""
        return self.body is not None and self.body.size is None


@frozen
class Request:
    """One attempt at a call. ``patience`` is how long one read may take, in seconds.

    ``led_by`` is the server that sent us to this URL, if it is not the one that was meant: then
    no address further inside a network than its own is connected to. A request that is to be
    sent although the build was cancelled has ``last_word``, the seconds that all of it may take.
    """

    method: str
    url: Url
    headers: Mapping[str, str] = field(repr=False)
    body: Body | None = None
    patience: float = PATIENCE
    verify: bool = True
    led_by: Url | None = None
    last_word: float | None = None


class Headers(Mapping[str, str]):
    """Headers by names in any case; lines of one name are joined by commas."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in values.items()}

    @classmethod
    def of(cls, lines: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Take lines as they came."""
        found: dict[str, str] = {}
        for raw_name, raw_value in lines:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            found[name] = f"{found[name]}, {value}" if name in found else value
        return cls(found)

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@frozen
class Reply:
    """A whole answer. ``url`` is where it came from; header names are in any case."""

    status: int
    url: Url
    headers: Mapping[str, str] = field(repr=False)
    data: bytes = field(repr=False)
