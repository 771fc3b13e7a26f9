"""Requests and responses as the registry's rules see them: no sockets, no framing.

What goes wrong on the caller's side is raised as ``Refusal`` and answered with the JSON body of
Distribution 1.1, "Error Codes".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import Protocol, TypeAlias

from pyjib.frozen import frozen
from pyjib.serve.storage import Content

Headers: TypeAlias = tuple[tuple[str, str], ...]


class Body(Protocol):
    """What a client sends after its headers; read once, in chunks of at most 1 MiB."""

    @property
    def length(self) -> int | None:
        """The bytes announced; ``None`` if the client does not know (chunked coding)."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes; raises ``BodyInterrupted`` if they stop before their end."""
        ...


class BodyInterrupted(Exception):  # noqa: N818  not a failure of ours: the client went away
    """A body ended early, broke its framing, or came too slowly; or a ``fault`` hangs up."""

    def __init__(self, reason: str = "", *, fault: str = "") -> None:
        super().__init__(reason)
        self.fault = fault


@frozen
class Request:
    """One request. ``path`` and ``raw_query`` are as sent; header names are lower-case."""

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str] = field(repr=False)
    body: Body = field(repr=False)
    raw_query: str = ""

    def with_body(self, body: Body) -> Request:
        """Return this with another body."""
        return replace(self, body=body)

    def without(self, names: frozenset[str]) -> Request:
        """Return this without some headers."""
        gone = {name.lower() for name in names}
        kept = {name: value for name, value in self.headers.items() if name not in gone}
        return replace(self, headers=kept)

    def parameter(self, name: str) -> str | None:
        """Return the first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else None


@frozen
class Slice:
    """``length`` bytes of stored content from ``start`` on."""

    content: Content
    start: int
    length: int


@frozen
class Flow:
    """How an answer goes out that does not go out as it should.

    After ``cut`` bytes of the body the connection ends; after ``stall_at`` bytes nothing is
    sent for ``stall`` seconds; an ``endless`` body has no length and goes on for ever.
    ``unframed`` leaves it to the answer's headers to tell its length, or to nothing.
    """

    cut: int | None = None
    stall_at: int = 0
    stall: float = 0.0
    endless: bool = False
    unframed: bool = False


@frozen
class Response:
    """One answer. The body of an answer to HEAD is measured and not sent.

    ``fault`` is the name of the one that had a hand in it.
    """

    status: int
    headers: Headers = ()
    body: bytes | Slice = b""
    flow: Flow | None = None
    fault: str = ""

    @property
    def length(self) -> int:
        """The bytes of the body."""
        return self.body.length if isinstance(self.body, Slice) else len(self.body)


Answerer: TypeAlias = Callable[[Request], Response]


class Code(StrEnum):
    """The identifiers of Distribution 1.1, "Error Codes", and one for what is our own fault."""

    BLOB_UNKNOWN = "BLOB_UNKNOWN"
    BLOB_UPLOAD_INVALID = "BLOB_UPLOAD_INVALID"
    BLOB_UPLOAD_UNKNOWN = "BLOB_UPLOAD_UNKNOWN"
    DIGEST_INVALID = "DIGEST_INVALID"
    MANIFEST_BLOB_UNKNOWN = "MANIFEST_BLOB_UNKNOWN"
    MANIFEST_INVALID = "MANIFEST_INVALID"
    MANIFEST_UNKNOWN = "MANIFEST_UNKNOWN"
    NAME_INVALID = "NAME_INVALID"
    NAME_UNKNOWN = "NAME_UNKNOWN"
    SIZE_INVALID = "SIZE_INVALID"
    UNAUTHORIZED = "UNAUTHORIZED"
    DENIED = "DENIED"
    UNSUPPORTED = "UNSUPPORTED"
    TOOMANYREQUESTS = "TOOMANYREQUESTS"
    UNKNOWN = "UNKNOWN"


class Refusal(Exception):  # noqa: N818  an answer like any other, only found out deep inside
    """A request that is answered with an error; ``details`` become one entry each."""

    def __init__(
        self,
        status: int,
        code: Code,
        message: str,
        *,
        details: tuple[object, ...] = (),
        headers: Headers = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers

    def response(self) -> Response:
        """Return the answer."""
        entry: dict[str, object] = {"code": str(self.code), "message": self.message}
        errors = [{**entry, "detail": detail} for detail in self.details] or [entry]
        return answer_json(self.status, {"errors": errors}, self.headers)


def storage_failed(error: Exception) -> Refusal:
    """Return a 500 that tells why what is kept here cannot be had; no path is in it."""
    reason = getattr(error, "strerror", None) or getattr(error, "message", type(error).__name__)
    return Refusal(500, Code.UNKNOWN, f"the registry's storage failed: {reason}")


def answer_json(
    status: int,
    value: object,
    headers: Headers = (),
    media_type: str = "application/json",
) -> Response:
    """Return an answer whose body is a JSON document."""
    return Response(
        status=status,
        headers=(("Content-Type", media_type), *headers),
        body=json.dumps(value, separators=(",", ":")).encode(),
    )


def read_body(body: Body, limit: int, what: str) -> bytes:
    """Return a whole body; one of more than ``limit`` bytes is refused with 413."""
    too_large = Refusal(413, Code.SIZE_INVALID, f"{what} is larger than {limit} bytes")
    if (body.length or 0) > limit:
        raise too_large
    data = bytearray()  # not a list: of chunks of two bytes each would take thirty times as much
    for chunk in body.chunks():
        data += chunk
        if len(data) > limit:
            raise too_large
    return bytes(data)
