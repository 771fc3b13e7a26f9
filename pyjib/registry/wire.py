"""One request, one answer: the only module that knows httpx.

No retries, no redirects, no logins here. Failures of the connection leave as ``Passing`` where
repeating may help, and as ``TransportError`` where it cannot.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from threading import Lock

import httpx

from pyjib.errors import ConfigurationError, ContentError, PyjibError, TransportError
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry import tls
from pyjib.registry.message import Reply, Request
from pyjib.registry.proxies import proxy_for
from pyjib.registry.retry import NoTlsError, Passing
from pyjib.registry.urls import Url, redact

CONNECT_TIMEOUT = 10.0
WRITE_TIMEOUT = 60.0
KEEP_ALIVE = 60.0


class Answer:
    """Status and headers of an answer whose body is still to be read; close it in any case."""

    def __init__(self, request: Request, response: httpx.Response) -> None:
        self._response = response
        self._request = request
        self.url = request.url
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        stream = response.extensions.get("network_stream")
        peer = stream.get_extra_info("server_addr") if stream is not None else None
        self.peer: str | None = str(peer[0]) if isinstance(peer, tuple) else None

    def header_lines(self, name: str) -> list[str]:
        """Return each header line of a name."""
        return self._response.headers.get_list(name)

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it came, no content encoding undone. Raises ``Passing`` if cut."""
        try:
            yield from self._response.iter_raw()
        except httpx.HTTPError as error:
            raise _mapped(error, self._request) from None

    def read(self, limit: int) -> bytes:
        """Return the whole body and close; raises ``ContentError`` beyond ``limit`` bytes."""
        data = bytearray()
        try:
            for chunk in self._response.iter_bytes():
                data += chunk
                if len(data) > limit:
                    raise ContentError(f"{self.url} answered with more than {limit} bytes")
        except httpx.DecodingError:
            raise ContentError(f"{self.url} answered with a damaged content encoding") from None
        except httpx.HTTPError as error:
            raise _mapped(error, self._request) from None
        finally:
            self.close()
        return bytes(data)

    def reply(self, limit: int) -> Reply:
        """Return all of the answer and close; raises ``ContentError`` beyond ``limit`` bytes."""
        data = self.read(limit)
        return Reply(status=self.status, url=self.url, headers=self.headers, data=data)

    def close(self) -> None:
        """Give the connection back, or drop it if the body was not read to its end."""
        with contextlib.suppress(httpx.HTTPError):
            self._response.close()


class Wire:
    """A pool of connections for all hosts; safe for threads."""

    def __init__(self, options: RegistryOptions, host: HostEnvironment) -> None:
        self._host = host
        self._client = httpx.Client(
            transport=_Router(options, host),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    def is_proxied(self, url: Url) -> bool:
        """Tell whether requests to this URL go through a proxy."""
        return proxy_for(url, self._host) is not None

    def send(self, request: Request) -> Answer:
        """Send, and return as soon as the answer's headers are there."""
        headers = dict(request.headers)
        content: Iterator[bytes] | None = None
        if request.body is not None:
            headers["Content-Length"] = str(request.body.size)
            content = request.body.chunks() if request.body.size else None
        timeout = httpx.Timeout(
            connect=CONNECT_TIMEOUT, read=request.patience, write=WRITE_TIMEOUT, pool=None
        )
        outgoing = httpx.Request(
            request.method,
            str(request.url),
            headers=headers,
            content=content,
            extensions={"timeout": timeout.as_dict(), "pyjib": (request.url, request.verify)},
        )
        outgoing.url = _ExactUrl(request.url)
        try:
            response = self._client.send(outgoing, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _mapped(error, request) from None
        return Answer(request, response)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


class _ExactUrl(httpx.URL):
    """A URL whose path and query go out byte for byte, and into httpx's log redacted.

    httpx would escape some of what a registry wrote, and a signed query no longer fit.
    """

    def __init__(self, url: Url) -> None:
        super().__init__(str(url))
        self._target = url.target.encode("ascii")

    @property
    def raw_path(self) -> bytes:
        return self._target


class _Router(httpx.BaseTransport):
    """Picks, and makes when first needed, the transport for a request.

    Plain HTTP needs no certificates, and a proxy or a host listed as insecure needs a transport
    of its own.
    """

    def __init__(self, options: RegistryOptions, host: HostEnvironment) -> None:
        self._options = options
        self._host = host
        self._transports: dict[tuple[str, str | None], httpx.HTTPTransport] = {}
        self._lock = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url, verify = request.extensions["pyjib"]
        kind = "plain" if url.scheme == "http" else "verified" if verify else "unverified"
        return self._transport(kind, proxy_for(url, self._host)).handle_request(request)

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()

    def _transport(self, kind: str, proxy: str | None) -> httpx.HTTPTransport:
        with self._lock:
            transport = self._transports.get((kind, proxy))
            if transport is None:
                transport = self._transports[kind, proxy] = self._make(kind, proxy)
            return transport

    def _make(self, kind: str, proxy: str | None) -> httpx.HTTPTransport:
        connections = 2 * self._options.jobs
        try:
            return httpx.HTTPTransport(
                verify=self._context(kind),
                limits=httpx.Limits(
                    max_connections=None,
                    max_keepalive_connections=connections,
                    keepalive_expiry=KEEP_ALIVE,
                ),
                trust_env=False,
                proxy=proxy,
            )
        except (ValueError, ImportError, httpx.InvalidURL):
            raise ConfigurationError(
                f"cannot use the proxy {redact(proxy or '')}",
                hint="http_proxy and https_proxy take http://HOST:PORT",
            ) from None

    def _context(self, kind: str) -> ssl.SSLContext:
        if kind == "plain":
            return tls.untrusting()
        if kind == "unverified":
            return tls.unverified()
        return tls.verified(self._host, self._options.ca_file)


def _mapped(error: Exception, request: Request) -> Passing | PyjibError:
    """Return what an error of httpx is to us, with the host and what to check."""
    where, causes = request.url.authority, _causes(error)
    lasting = _lasting(where, causes)
    if lasting is not None:
        return lasting
    if isinstance(error, (httpx.ConnectTimeout, httpx.ConnectError)):
        return Passing(_no_connection(where, error, causes))
    what = f"{request.method} {request.url}"
    if isinstance(error, httpx.TimeoutException):
        return Passing(TransportError(f"{what}: {where} stopped answering", hint=_OVERLOADED))
    if isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError)):
        reason = str(error) or type(error).__name__
        message = f"{what}: the connection to {where} broke ({reason})"
        return Passing(TransportError(message, hint=_CUT))
    return TransportError(f"cannot send {what}: {error}")


def _lasting(where: str, causes: list[BaseException]) -> TransportError | None:
    """Return the error for what repeating would not change."""
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _tls_failure(where, cause)
        if isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN:
            return _unknown_host(where)
        if isinstance(cause, httpx.ProxyError):
            return TransportError(f"cannot reach {where}: the proxy refused ({cause})", hint=_PROXY)
    return None


_OVERLOADED = "try again; if it stays so, the registry or the network is overloaded"
_CUT = "try again; if it stays so, something between here and there cuts connections"
_PROXY = "check https_proxy, and whether no_proxy should name this host"


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found


def _tls_failure(where: str, error: ssl.SSLError) -> TransportError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return TransportError(
            f"the certificate of {where} cannot be trusted: {error.verify_message}",
            hint=f"pass the authority that signed it with --ca-file FILE, or take any with "
            f"--insecure {where}",
        )
    reason = (error.reason or str(error)).replace("_", " ").lower()
    return NoTlsError(
        f"cannot speak TLS with {where}: {reason}",
        hint=f"if it speaks plain http, pass --insecure {where}",
    )


def _unknown_host(where: str) -> TransportError:
    return TransportError(
        f"cannot find the host {where}",
        hint="check the registry's name for typing errors, and this machine's DNS",
    )


def _no_connection(where: str, error: Exception, causes: list[BaseException]) -> TransportError:
    if isinstance(error, httpx.ConnectTimeout):
        reason = f"no answer within {CONNECT_TIMEOUT:.0f} seconds"
        hint = "check that this network reaches it; a proxy is set by https_proxy"
    elif any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        reason, hint = "connection refused", "check that the registry runs and listens there"
    else:
        reason, hint = str(error), "check the network, DNS and proxy of this machine"
    return TransportError(f"cannot connect to {where}: {reason}", hint=hint)
