"""HTTP/1.1 framing of requests (RFC 9112): heads and bodies from a stream of bytes.

Strict where two readers could disagree about where a message ends.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from io import BufferedReader

from pyjib.frozen import frozen
from pyjib.serve.message import BodyInterrupted, Code, Refusal
from pyjib.serve.storage import CHUNK

_MAX_LINE = 16 << 10
_MAX_FIELDS = 100
_MAX_HEAD = 64 << 10
"""The most bytes of all header lines together: the journal keeps them for a while."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_VERSION = re.compile(r"HTTP/1\.[01]", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


@frozen
class Head:
    """A request up to its body. ``path`` and ``query`` are as sent."""

    method: str
    path: str
    query: str
    version: str
    headers: Mapping[str, str] = field(repr=False)

    @property
    def keeps_alive(self) -> bool:
        """Tell whether the client wants to send another request on this connection."""
        options = self.headers.get("connection", "").lower()
        return self.version == "HTTP/1.1" and "close" not in options

    @property
    def expects_continue(self) -> bool:
        """Tell whether the client waits for a word before it sends the body."""
        return self.headers.get("expect", "").lower() == "100-continue"

    def parameters(self) -> dict[str, tuple[str, ...]]:
        """Return the query's parameters, decoded."""
        try:
            pairs = urllib.parse.parse_qs(self.query, keep_blank_values=True, max_num_fields=200)
        except ValueError:
            raise _bad("too many parameters") from None
        return {name: tuple(values) for name, values in pairs.items()}


def read_head(stream: BufferedReader) -> Head | None:
    """Read a request's line and headers; ``None`` if the client has closed the connection.

    Raises ``Refusal`` for what is no HTTP/1.1, after which the connection is of no use.
    """
    line = _read_line(stream)
    if line == "":
        line = _read_line(stream)  # RFC 9112, 2.2: an empty line before a request is ignored
    if line is None:
        return None
    parts = line.split(" ")
    if len(parts) != 3 or not _TOKEN.fullmatch(parts[0]) or not _VERSION.fullmatch(parts[2]):
        raise _bad("not a request of HTTP/1.1")
    method, target, version = parts
    path, _, query = _origin_form(target).partition("?")
    return Head(
        method=method,
        path=path,
        query=query,
        version=version,
        headers=_read_fields(stream),
    )


def _origin_form(target: str) -> str:
    if not target.isascii() or not target.isprintable():
        raise _bad("not an address")
    if target.startswith(("http://", "https://")):  # as a proxy is asked
        rest = target.partition("://")[2]
        return f"/{rest.partition('/')[2]}"
    if not target.startswith("/"):
        raise _bad("not an address")
    return target.partition("#")[0]


def _read_fields(stream: BufferedReader) -> dict[str, str]:
    fields: dict[str, str] = {}
    room = _MAX_HEAD
    for _ in range(_MAX_FIELDS + 1):
        line = _read_line(stream)
        if line is None:
            raise _bad("the headers have no end")
        room -= len(line)
        if room < 0:
            raise Refusal(431, Code.UNSUPPORTED, f"more than {_MAX_HEAD} bytes of headers")
        if line == "":
            return fields
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name):
            raise _bad("a header is malformed")
        name, value = name.lower(), value.strip(" \t")
        if name in fields and name in ("content-length", "transfer-encoding", "host"):
            raise _bad(f"{name} appears twice")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    raise Refusal(431, Code.UNSUPPORTED, f"more than {_MAX_FIELDS} headers")


def _read_line(stream: BufferedReader) -> str | None:
    data = stream.readline(_MAX_LINE + 1)
    if len(data) > _MAX_LINE:
        raise Refusal(431, Code.UNSUPPORTED, "a line of the head is too long")
    if not data.endswith(b"\n"):
        return None
    text = data.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1")
    if "\r" in text or "\0" in text:
        raise _bad("a control character in the head")
    return text


class MessageBody:
    """The body that follows a head; see ``Body``.

    ``before_reading`` is called once, before the first byte is waited for.
    """

    def __init__(
        self, stream: BufferedReader, head: Head, before_reading: Callable[[], None]
    ) -> None:
        self._stream = stream
        self._before_reading = before_reading
        self.length = _length(head)
        self.received = 0
        self.started = False
        self.finished = self.length == 0

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes, at most 1 MiB at a time, as they come."""
        if self.finished:
            return
        if not self.started:
            self.started = True
            self._before_reading()
        try:
            yield from self._fixed() if self.length is not None else self._coded()
        except OSError as error:
            raise BodyInterrupted(str(error)) from None

    def _fixed(self) -> Iterator[bytes]:
        assert self.length is not None  # noqa: S101  told apart in chunks()
        while self.received < self.length:
            yield self._some(self.length - self.received)
        self.finished = True

    def _coded(self) -> Iterator[bytes]:
        while True:
            match = _CHUNK_SIZE.fullmatch(self._stream.readline(_MAX_LINE))
            if match is None:
                raise BodyInterrupted("no chunk where one should be")
            left = int(match[1], 16)
            if left == 0:
                break
            while left > 0:
                data = self._some(left)
                left -= len(data)
                yield data
            if self._stream.readline(3) not in (b"\r\n", b"\n"):
                raise BodyInterrupted("a chunk does not end where it should")
        _read_fields(self._stream)  # trailers
        self.finished = True

    def _some(self, most: int) -> bytes:
        data = self._stream.read1(min(most, CHUNK))
        if not data:
            raise BodyInterrupted("the connection was closed")
        self.received += len(data)
        return data


def _length(head: Head) -> int | None:
    coding = head.headers.get("transfer-encoding")
    length = head.headers.get("content-length")
    if coding is None:
        if length is not None and not _DIGITS.fullmatch(length):
            raise _bad("Content-Length is no number")
        return int(length or 0)
    if length is not None or head.version != "HTTP/1.1":
        raise _bad("two ways to tell where the body ends")
    if coding.lower() != "chunked":
        raise Refusal(501, Code.UNSUPPORTED, f"no transfer coding but chunked: {coding[:40]}")
    return None


def _bad(message: str) -> Refusal:
    return Refusal(400, Code.UNSUPPORTED, message)
