"""HTTP to a daemon: over a Unix socket or TCP, with errors in words and calls that can be ended.

The door of httpx in this package. ``client`` imports it when there is a daemon to speak to:
httpx takes longer to import than an absent daemon takes to be noticed.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from pyjib.cancellation import Cancellation
from pyjib.engine.endpoint import Address, EngineTls, TcpAddress, UnixAddress
from pyjib.errors import EngineError, MalformedDocumentError
from pyjib.oci.json import Json, load
from pyjib.patience import SLICE, apart

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
"""How long a daemon may think about a small question, in seconds. Loads and exports take as
long as they take: only a cancellation ends those."""

_FAREWELL = 0.5
"""Seconds that a cancelled call is given to notice that its connection was cut."""
_CHUNK = 1 << 20


class Wire:
    """A connection pool to one daemon; safe for threads. ``close`` ends it."""

    def __init__(self, address: Address, cancellation: Cancellation) -> None:
        self.address = address
        self._cancellation = cancellation
        self._client = _client(address)
        self._sockets = _Sockets()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def ask(self, method: str, path: str, action: str) -> httpx.Response:
        """Send a request without a body and return the whole answer, whatever its status.

        ``action`` is what to call this in errors; without one they tell the reason alone.
        """
        request = self._client.build_request(
            method, path, extensions={"trace": self._sockets.trace}
        )
        return self._send(lambda: self._client.send(request), self._sockets, action)

    @contextmanager
    def stream(
        self, method: str, path: str, action: str, body: Iterable[bytes] | None = None
    ) -> Iterator[httpx.Response]:
        """Send a request, with a body of unknown length if there is one; yield the answer.

        The answer's body is yet to be read, by ``chunks``. There is no limit in time: what ends
        it early is a cancellation, even while the daemon is silent.
        """
        self._cancellation.check()
        # A connection of its own: what a cancellation cuts is this call and no other.
        client, sockets = _client(self.address), _Sockets()
        with _ended_by(self._cancellation, sockets), client:
            request = client.build_request(
                method,
                path,
                content=self._checked(body) if body is not None else None,
                headers={"Content-Type": "application/x-tar"} if body is not None else None,
                timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT),
                extensions={"trace": sockets.trace},
            )

            def send() -> httpx.Response:
                response = client.send(request, stream=True)
                if self._cancellation.cancelled:  # nobody waits for it any more
                    response.close()
                return response

            response = self._send(send, sockets, action)
            with contextlib.closing(response):
                yield response

    def _send(
        self, send: Callable[[], httpx.Response], sockets: _Sockets, action: str
    ) -> httpx.Response:
        """Send, and hear a cancellation meanwhile, also while a name is looked up."""

        def look() -> None:
            if self._cancellation.cancelled:
                sockets.cut()
            self._cancellation.check()

        self._cancellation.check()
        try:
            return apart(send, look, name="pyjib-engine", grace=_FAREWELL)
        except httpx.HTTPError as error:
            raise self._mapped(error, action) from None

    def chunks(self, response: httpx.Response, action: str) -> Generator[bytes, None, None]:
        """Yield the body of an answer."""
        try:
            for chunk in response.iter_bytes(_CHUNK):
                self._cancellation.check()
                yield chunk
        except httpx.HTTPError as error:
            raise self._mapped(error, action) from None

    def json(self, response: httpx.Response, action: str) -> Json:
        """Return the object that an answer read as a whole holds."""
        try:
            return load(response.content, "the daemon's answer")
        except MalformedDocumentError as error:
            raise EngineError(f"{action}: {error.message}") from None

    def refusal(self, response: httpx.Response, action: str) -> EngineError:
        """Say that a daemon refused, with the reason that it gives."""
        message = _message(response)
        hint = None
        if "client version" in message and "API version" in message:
            hint = "unset DOCKER_API_VERSION, or set it to a version that this daemon speaks"
        return EngineError(f"{action}: status {response.status_code}: {message}", hint=hint)

    def _checked(self, body: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in body:
            self._cancellation.check()
            yield chunk

    def _mapped(self, error: httpx.HTTPError, action: str) -> EngineError:
        self._cancellation.check()  # our own cut is no error of the daemon's
        return EngineError(f"{action}: {reason_of(error)}" if action else reason_of(error))


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "nobody listens there"),
    (socket.gaierror, "the host is not known"),
    (httpx.ConnectTimeout, f"no connection within {CONNECT_TIMEOUT:.0f} seconds"),
    (httpx.TimeoutException, f"no answer within {READ_TIMEOUT:.0f} seconds"),
)


def reason_of(error: httpx.HTTPError) -> str:
    """Return in words why nothing came back."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate cannot be trusted: {cause.verify_message}"
        for kind, reason in _REASONS:
            if isinstance(cause, kind):
                return reason
    return f"the connection broke: {str(error) or type(error).__name__}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _message(response: httpx.Response) -> str:
    """Return the ``message`` of an error body, or the start of a body that is something else."""
    try:
        said: Any = load(response.content, "error").get("message")
    except MalformedDocumentError:
        said = None
    text = said if isinstance(said, str) and said else response.text.strip()
    return text[:2000] or response.reason_phrase


def _client(address: Address) -> httpx.Client:
    timeout = httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT)
    match address:
        case UnixAddress(path=path):
            # No certificates are read for a socket: that would take longer than all else here.
            transport = httpx.HTTPTransport(uds=str(path), verify=_no_tls(), trust_env=False)
            base = "http://docker"
        case TcpAddress(tls=tls):
            transport = httpx.HTTPTransport(verify=_context(tls), trust_env=False)
            base = f"{'https' if tls else 'http'}://{address.authority}"
    return httpx.Client(transport=transport, base_url=base, timeout=timeout, trust_env=False)


def _no_tls() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody


def _context(tls: EngineTls | None) -> ssl.SSLContext:
    if tls is None:
        return _no_tls()
    try:
        if tls.ca.is_file():
            context = ssl.create_default_context(cafile=tls.ca)
        else:
            context = ssl.create_default_context()
        if tls.cert.is_file():
            context.load_cert_chain(tls.cert, tls.key)
    except OSError as error:  # ssl.SSLError is one
        raise EngineError(
            f"cannot use the certificates in {tls.cert.parent}: {error}",
            hint="Docker's are named ca.pem, cert.pem and key.pem; see DOCKER_CERT_PATH",
        ) from None
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _Sockets:
    """The sockets of some calls, to cut them from another thread."""

    def __init__(self) -> None:
        self._all: list[socket.socket] = []

    def trace(self, event: str, details: Mapping[str, Any]) -> None:
        """Take note of a connection that was made: a trace function of httpx's."""
        if event.startswith("connection.") and event.endswith(".complete"):
            get = getattr(details.get("return_value"), "get_extra_info", None)
            if get is not None and (connected := get("socket")) is not None:
                self._all.append(connected)

    def cut(self) -> None:
        """Let nothing come or go any more."""
        for connected in list(self._all):
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)


@contextmanager
def _ended_by(cancellation: Cancellation, sockets: _Sockets) -> Iterator[None]:
    """Cut the connection of a call once it is cancelled, even while nothing comes or goes."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(SLICE):
            if cancellation.cancelled:
                sockets.cut()

    watcher = threading.Thread(target=watch, name="pyjib-engine-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
