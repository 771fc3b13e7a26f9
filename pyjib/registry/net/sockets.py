"""Sockets that give up when the build does, and never connect to where they may not.

httpcore asks for a connection, and for its bytes; what blocks here is done in slices, so that a
cancelled build has not to wait for a server that keeps silent. A server that trickles is broken
off too: a time-out alone would never meet it.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeAlias, TypeVar

import httpcore

from pyjib.registry.net.lookup import addresses, look_up
from pyjib.registry.net.reach import Reach, reach_of

SLICE = 0.1
"""Seconds between two looks at whether the build was cancelled."""
STALL = 60.0
SLOWEST = 1024
"""Bytes a second that a stream has to make over ``STALL`` seconds."""

T = TypeVar("T")
_Address: TypeAlias = tuple[int, int, int, tuple[Any, ...]]


class TooFarInsideError(Exception):
    """A name led to an address further inside a network than is allowed."""


class Network(httpcore.NetworkBackend):
    """Makes connections. ``check`` is called about ten times a second and may raise to give up.

    No address further inside than ``limit`` is connected to, whatever name led there: raises
    ``TooFarInsideError`` before the first byte. ``connected`` is told the host and its address.
    """

    def __init__(
        self,
        check: Callable[[], None],
        limit: Reach | None = None,
        connected: Callable[[str, str], None] | None = None,
    ) -> None:
        self._check = check
        self._limit = limit
        self._connected = connected

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002  httpcore's signature
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a name that answers.

        Each is given its share of the time that is left: one that keeps silent, as those of
        IPv6 do where a network has none, does not take it from the others.
        """
        clock = _Clock(timeout, self._check)
        failure: OSError | None = None
        addresses = self._addresses(host.strip("[]"), port, clock)
        for place, (family, kind, protocol, address) in enumerate(addresses):
            sock: socket.socket | None = None
            try:
                sock = socket.socket(family, kind, protocol)
                _connect(sock, address, clock.share(len(addresses) - place))
            except OSError as error:
                if sock is not None:
                    sock.close()
                failure = error
            except BaseException:
                if sock is not None:
                    sock.close()
                raise
            else:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._connected is not None:
                    self._connected(host, str(address[0]))
                return Stream(sock, self._check)
        raise _connect_error(failure or OSError("no address"))

    def _addresses(self, host: str, port: int, clock: _Clock) -> list[_Address]:
        try:
            found = _resolve(host, port, clock)
        except (OSError, UnicodeError) as error:
            raise _connect_error(error) from error
        if self._limit is not None:
            for *_, address in found:
                reach = reach_of(str(address[0]))
                if reach is not None and reach > self._limit:
                    raise TooFarInsideError(str(address[0]))
        return found


class Stream(httpcore.NetworkStream):
    """A connection, plain or with TLS."""

    def __init__(self, sock: socket.socket, check: Callable[[], None]) -> None:
        self._sock = sock
        self._check = check
        self._pace = _Pace()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what is there, at least a byte; none at the end."""
        clock = _Clock(timeout, self._check)
        self._pace.turn("read")
        try:
            data = _sliced(self._sock, clock, lambda: self._sock.recv(max_bytes))
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError) as error:
            raise httpcore.ReadError("it ended without saying so") from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error
        if not self._pace.keeps(len(data), clock.passed, timeout):
            raise httpcore.ReadTimeout(_TRICKLE)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send everything."""
        left = memoryview(buffer)
        self._pace.turn("write")
        while left:
            clock = _Clock(timeout, self._check)
            try:
                count = _sliced(self._sock, clock, partial(self._sock.send, left))
            except TimeoutError as error:
                raise httpcore.WriteTimeout(str(error)) from error
            except OSError as error:
                raise httpcore.WriteError(str(error)) from error
            if not self._pace.keeps(count, clock.passed, timeout):
                raise httpcore.WriteTimeout(_TRICKLE)
            left = left[count:]

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Speak TLS from here on; within TLS again where a proxy is spoken to by it."""
        name = server_hostname.strip("[]") if server_hostname else None
        clock = _Clock(timeout, self._check)
        try:
            if isinstance(self._sock, ssl.SSLSocket):
                return _Tunnelled(self, ssl_context, name, timeout)
            self._sock = ssl_context.wrap_socket(
                self._sock, server_hostname=name, do_handshake_on_connect=False
            )
            _sliced(self._sock, clock, self._sock.do_handshake)
        except OSError as error:
            self.close()
            raise _connect_error(error) from error
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def get_extra_info(self, info: str) -> Any:
        """Answer what httpcore asks: whether an idle connection has something to say."""
        if info == "is_readable":
            return self._sock.fileno() < 0 or _ready(self._sock, 0, read=True)
        if info == "ssl_object":
            return self._sock if isinstance(self._sock, ssl.SSLSocket) else None
        return self._sock.getpeername() if info == "server_addr" else None


class _Tunnelled(httpcore.NetworkStream):
    """TLS within a stream that is TLS itself."""

    def __init__(
        self, inner: Stream, context: ssl.SSLContext, name: str | None, timeout: float | None
    ) -> None:
        self._inner = inner
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._do(self._tls.do_handshake, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what is there, at least a byte; none at the end."""
        try:
            return self._do(lambda: self._tls.read(max_bytes), timeout)
        except ssl.SSLError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send everything."""
        left = memoryview(buffer)
        while left:
            try:
                count = self._do(partial(self._tls.write, left), timeout)
            except ssl.SSLError as error:
                raise httpcore.WriteError(str(error)) from error
            left = left[count:]

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        """Answer as the stream below does."""
        return self._tls if info == "ssl_object" else self._inner.get_extra_info(info)

    def _do(self, act: Callable[[], T], timeout: float | None) -> T:
        while True:
            try:
                result = act()
            except ssl.SSLWantReadError:
                self._flush(timeout)
                data = self._inner.read(1 << 16, timeout)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            else:
                self._flush(timeout)
                return result

    def _flush(self, timeout: float | None) -> None:
        if self._outgoing.pending:
            self._inner.write(self._outgoing.read(), timeout)


class _Clock:
    """What is left of a time-out, a slice at a time."""

    def __init__(self, timeout: float | None, check: Callable[[], None]) -> None:
        self._start = time.monotonic()
        self._timeout = timeout
        self._check = check

    @property
    def passed(self) -> float:
        return time.monotonic() - self._start

    def share(self, parts: int) -> _Clock:
        """Return a clock for one of so many equal parts of what is left."""
        if self._timeout is None:
            return self
        return _Clock(max(0.0, self._timeout - self.passed) / parts, self._check)

    def slice(self) -> float:
        """Return how long to block now; raises ``TimeoutError`` when the time is up."""
        self._check()
        if self._timeout is None:
            return SLICE
        left = self._timeout - self.passed
        if left <= 0:
            raise TimeoutError("timed out")
        return min(SLICE, left)


class _Pace:
    """Bytes against seconds spent waiting for them, in one direction at a time.

    Reading starts with the first byte: how long a server may think is another matter.
    """

    def __init__(self) -> None:
        self._direction = ""
        self._begin()

    def turn(self, direction: str) -> None:
        if direction != self._direction:
            self._direction = direction
            self._begin()
            self._started = direction == "write"

    def keeps(self, count: int, seconds: float, timeout: float | None) -> bool:
        """Count bytes that took so long; false if there were too few for too long."""
        if not self._started:
            self._started = True
            return True
        self._bytes += count
        self._seconds += seconds
        if self._seconds <= max(STALL, timeout or 0):
            return True
        enough = self._bytes >= SLOWEST * self._seconds
        self._begin()
        self._started = True
        return enough

    def _begin(self) -> None:
        self._bytes, self._seconds, self._started = 0, 0.0, False


_TRICKLE = "almost nothing came through for a minute"


def _resolve(host: str, port: int, clock: _Clock) -> list[_Address]:
    if reach_of(host) is not None:  # an address is read, and nobody is asked
        found = addresses(host, port)
    else:
        found = look_up(host, port, clock.slice)
    return [(entry[0], entry[1], entry[2], entry[4]) for entry in found]


def _connect(sock: socket.socket, address: tuple[Any, ...], clock: _Clock) -> None:
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        sock.connect(address)
        return
    while not _ready(sock, clock.slice(), read=False):
        pass
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _sliced(sock: socket.socket, clock: _Clock, act: Callable[[], T]) -> T:
    """Do what may block for as long as the clock lets it."""
    while True:
        sock.settimeout(clock.slice())
        try:
            return act()
        except TimeoutError:
            continue


def _ready(sock: socket.socket, seconds: float, *, read: bool) -> bool:
    """Tell whether a socket can be read or written without waiting."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN if read else select.POLLOUT)
        return bool(poll.poll(seconds * 1000))
    # Windows tells of a connection that failed by the third list.
    return any(select.select([sock] if read else [], [] if read else [sock], [sock], seconds))


def _connect_error(error: BaseException) -> httpcore.ConnectError | httpcore.ConnectTimeout:
    kind = httpcore.ConnectTimeout if isinstance(error, TimeoutError) else httpcore.ConnectError
    made = kind(str(error))
    made.__context__ = error  # httpcore's pool raises it again "from None"
    return made
