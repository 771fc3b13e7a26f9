"""One request, one answer, over httpcore's pools.

No retries, no redirects, no logins here. Failures of the connection leave as ``Passing`` where
repeating may help, and as ``TransportError`` where it cannot.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import TypeAlias, cast

import httpcore

from pyjib.errors import ContentError, OfflineError
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.net.certificates import HostCertificates
from pyjib.registry.net.failures import CONNECT_TIMEOUT, HTTP_ERRORS, mapped
from pyjib.registry.net.message import Headers, Reply, Request
from pyjib.registry.net.pools import make_pool
from pyjib.registry.net.proxies import Proxy, proxy_for
from pyjib.registry.net.reach import Reach, is_loopback, reach_of, reach_of_name, too_far_inside
from pyjib.registry.net.retry import Passing
from pyjib.registry.net.sockets import Network, TooFarInsideError
from pyjib.registry.net.tls import Contexts
from pyjib.registry.net.urls import Url

WRITE_TIMEOUT = 60.0
FEW = 64 * 1024
"""So many bytes are read for no other use than to keep their connection."""

_Key: TypeAlias = tuple[Proxy | None, ssl.SSLContext | None, Reach | None]


class Answer:
    """Status and headers of an answer whose body is still to be read; close it in any case."""

    def __init__(
        self,
        request: Request,
        response: httpcore.Response,
        proxy: Proxy | None = None,
        done: Callable[[], None] = lambda: None,
    ) -> None:
        self._response = response
        self._request = request
        self._proxy = proxy
        self._done = done
        self.url = request.url
        self.status = response.status
        self.headers: Mapping[str, str] = Headers.of(response.headers)
        stream = response.extensions.get("network_stream")
        secured = stream.get_extra_info("ssl_object") if stream is not None else None
        self.tls: str | None = secured.version() if secured is not None else None

    @property
    def authorization(self) -> str:
        """The header that the request had, empty if none."""
        return self._request.headers.get("Authorization", "")

    def header_lines(self, name: str) -> list[str]:
        """Return each header line of a name."""
        wanted = name.lower().encode()
        return [
            value.decode("latin-1")
            for found, value in self._response.headers
            if found.lower() == wanted
        ]

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it came, no content encoding undone. Raises ``Passing`` if cut."""
        try:
            yield from self._response.iter_stream()
        except HTTP_ERRORS as error:
            raise mapped(error, self._request, self._proxy) from None

    def read(self, limit: int) -> bytes:
        """Return the whole body and close; raises ``ContentError`` beyond ``limit`` bytes."""
        data = bytearray()
        coding = self.headers.get("content-encoding", "")
        try:
            for chunk in _decoded(self.chunks(), coding, limit + 1):
                data += chunk
                if len(data) > limit:
                    raise ContentError(f"{self.url} answered with more than {limit} bytes")
        except zlib.error:
            raise ContentError(f"{self.url} answered with a damaged content encoding") from None
        finally:
            self.close()
        return bytes(data)

    def reply(self, limit: int) -> Reply:
        """Return all of the answer and close; raises ``ContentError`` beyond ``limit`` bytes."""
        data = self.read(limit)
        return Reply(status=self.status, url=self.url, headers=self.headers, data=data)

    def finish(self) -> None:
        """Close without wanting the body; the connection is kept unless that has many bytes."""
        length = self.headers.get("content-length", "")
        if length.isdecimal() and int(length) > FEW and self._request.method != "HEAD":
            self.close()
            return
        with contextlib.suppress(ContentError, Passing):
            self.read(FEW)

    def close(self) -> None:
        """Give the connection back, or drop it if the body was not read to its end."""
        with contextlib.suppress(*HTTP_ERRORS):
            self._response.close()
        self._done()


class Wire:
    """Pools of connections for all hosts; safe for threads.

    ``check`` is called whenever something takes long, and may raise to give up. ``further`` tells
    of certificates that the machine is set up with besides folders of them.
    """

    def __init__(
        self,
        options: RegistryOptions,
        host: HostEnvironment,
        check: Callable[[], None],
        further: Callable[[Url], HostCertificates | None] = lambda _: None,
    ) -> None:
        self._options = options
        self._host = host
        self._check = check
        self._contexts = Contexts(options, host, further)
        self._pools: dict[_Key, httpcore.ConnectionPool] = {}
        self._reaches: dict[str, Reach] = {}
        self._known: set[str] = set()
        self._lock = Lock()
        _hide_headers()

    def is_proxied(self, url: Url) -> bool:
        """Tell whether requests to this URL go through a proxy."""
        return proxy_for(url, self._host) is not None

    def send(self, request: Request) -> Answer:
        """Send, and return as soon as the answer's headers are there.

        Raises ``TransportError`` without connecting if ``request.led_by`` may not lead there, and
        ``OfflineError`` for other machines where none may be asked.
        """
        if self._options.offline and not is_loopback(request.url.host):
            raise OfflineError(
                f"{request.url.authority} is not asked: no network is to be used (--offline)",
                hint="leave --offline out",
            )
        proxy = proxy_for(request.url, self._host)
        if request.last_word is None:
            return self._send(self._pool(request, proxy), request, proxy)
        check = _deadline(request.last_word)
        network = Network(check, None if proxy else self._limit(request))
        pool = self._make(self._context(request), proxy, network)
        try:
            return self._send(pool, request, proxy, pool.close)
        except BaseException:
            pool.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()

    def _send(
        self,
        pool: httpcore.ConnectionPool,
        request: Request,
        proxy: Proxy | None,
        done: Callable[[], None] = lambda: None,
    ) -> Answer:
        where = request.url.authority
        try:
            response = pool.handle_request(_outgoing(request))
        except HTTP_ERRORS as error:
            raise mapped(error, request, proxy, known=where in self._known) from None
        except TooFarInsideError:
            raise too_far_inside(request.led_by or request.url, request.url) from None
        if proxy is not None and response.status == 407:
            response.close()
            raise mapped(httpcore.ProxyError("407"), request, proxy) from None
        self._known.add(where)
        return Answer(request, response, proxy, done)

    def _pool(self, request: Request, proxy: Proxy | None) -> httpcore.ConnectionPool:
        """Return the pool for a request.

        A connection that was made where any address would do is never used for a request that
        somebody led us to, for those have pools of their own.
        """
        limit = None if proxy else self._limit(request)
        context = self._context(request)
        with self._lock:
            pool = self._pools.get((proxy, context, limit))
            if pool is None:
                network = Network(self._check, limit, None if proxy else self._note)
                pool = self._make(context, proxy, network)
                self._pools[proxy, context, limit] = pool
            return pool

    def _context(self, request: Request) -> ssl.SSLContext | None:
        if request.url.scheme == "http":
            return None
        return self._contexts.of(request.url, verify=request.verify)

    def _make(
        self, context: ssl.SSLContext | None, proxy: Proxy | None, network: Network
    ) -> httpcore.ConnectionPool:
        own = None
        if proxy is not None and proxy.scheme == "https":
            place = Url(scheme="https", host=proxy.host, port=proxy.port)
            own = self._contexts.of(place, verify=True)
        idle = 2 * self._options.jobs
        return make_pool(network, context, idle=idle, proxy=proxy, proxy_context=own)

    def _limit(self, request: Request) -> Reach | None:
        """Return how far inside an address may be; anywhere if nobody led us there.

        Who leads us is where its connections went: a name may lead elsewhere when asked again.
        """
        start = request.led_by
        if start is None or (start.host, start.port) == (request.url.host, request.url.port):
            return None
        known = self._reaches.get(start.host)
        return reach_of_name(start.host, resolve=False) if known is None else known

    def _note(self, host: str, address: str) -> None:
        reach = reach_of(address) or Reach.PUBLIC
        with self._lock:
            self._reaches[host] = min(reach, self._reaches.get(host, reach))


def _outgoing(request: Request) -> httpcore.Request:
    url = request.url
    headers: dict[bytes | str, bytes | str] = {"Host": url.authority}
    headers.update(request.headers.items())
    content: Iterator[bytes] | None = None
    body = request.body
    if body is not None and body.size is None:
        headers["Transfer-Encoding"] = "chunked"
    elif body is not None:
        headers["Content-Length"] = str(body.size)
    if body is not None and body.size != 0:
        content = cast("Iterator[bytes]", body.chunks())  # h11 joins whatever has bytes
    timeout = {
        "connect": min(CONNECT_TIMEOUT, request.patience),
        "read": request.patience,
        "write": WRITE_TIMEOUT,
    }
    return httpcore.Request(
        request.method,
        # The host keeps its brackets, for a proxy is told it as it is here.
        httpcore.URL(
            scheme=url.scheme,
            host=url.host,
            port=None if url.authority == url.host else url.port,
            target=url.target,
        ),
        headers=headers,
        content=content,
        extensions={"timeout": timeout},
    )


def _decoded(source: Iterator[bytes], coding: str, most: int) -> Iterator[bytes]:
    """Undo a content encoding, ``most`` bytes at a time; raises ``zlib.error``."""
    if coding.strip().lower() in ("", "identity"):
        yield from source
        return
    if coding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        raise zlib.error(coding)
    state, begun = zlib.decompressobj(32 + zlib.MAX_WBITS), False
    for chunk in source:
        begun = True
        yield state.decompress(chunk, most)
        while state.unconsumed_tail:
            yield state.decompress(state.unconsumed_tail, most)
    if begun and not state.eof:
        raise zlib.error("it ends early")


def _deadline(seconds: float) -> Callable[[], None]:
    end = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > end:
            raise TimeoutError("no time is left")

    return check


def _hide_headers() -> None:
    """Keep answers' headers out of httpcore's own log: a ``Location`` may be signed."""
    logger = logging.getLogger("httpcore.http11")
    if _says_no_headers not in logger.filters:
        logger.addFilter(_says_no_headers)


def _says_no_headers(record: logging.LogRecord) -> bool:
    return "receive_response_headers.complete" not in record.getMessage()
