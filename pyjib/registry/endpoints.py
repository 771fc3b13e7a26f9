"""How a registry is reached: over https, unless it is on this machine or listed as insecure."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pyjib.errors import TransportError
from pyjib.events import Listener, Warned
from pyjib.frozen import frozen
from pyjib.oci.reference import DOCKER_HUB
from pyjib.options import RegistryOptions
from pyjib.registry.flight import SingleFlight
from pyjib.registry.machine import Machine
from pyjib.registry.net.message import Reply, Request
from pyjib.registry.net.reach import is_loopback
from pyjib.registry.net.retry import NoTlsError, Passing
from pyjib.registry.net.urls import Url

_HUB_API = "registry-1.docker.io"
USER_AGENT = "pyjib"


@frozen
class Endpoint:
    """The root of a registry's API, and whether its certificate has to be good."""

    url: Url
    verify: bool = True


class Endpoints:
    """Finds out once for each registry; safe for threads.

    =========  ===========================================================================
    loopback   http, but https if the server there speaks TLS
    insecure   https whatever the certificate; if that fails, http
    all else   https with a good certificate
    =========  ===========================================================================

    ``send`` makes one attempt at a request and returns the whole reply. ``options`` list hosts that
    are insecure; ``machine`` tells which others are, and is called when that is first asked.
    """

    def __init__(
        self,
        options: RegistryOptions,
        send: Callable[[Request], Reply],
        listener: Listener,
        machine: Callable[[], Machine] = Machine,
    ) -> None:
        self._machine = machine
        self._options = options
        self._send = send
        self._listener = listener
        self._lock = threading.Lock()
        self._known: dict[str, Endpoint] = {}
        self._flights: SingleFlight[str, Endpoint] = SingleFlight()

    def of(self, registry: str) -> Endpoint:
        """Return a registry's endpoint; asks it only where there is a choice.

        Raises ``Passing`` or ``TransportError`` if no way in is open.
        """
        host = _HUB_API if registry == DOCKER_HUB else registry
        known = self._known.get(host)
        if known is None:
            choices = self._choices(host)
            if len(choices) == 1:
                known = choices[0]
            else:
                known = self._flights.do(
                    host, lambda: self._known.get(host) or self._probe(choices)
                )
            with self._lock:
                self._known[host] = known
        return known

    def verifies(self, url: Url) -> bool:
        """Tell whether the certificate of this URL's server has to be good."""
        return not self._is_insecure(url)

    def _choices(self, host: str) -> list[Endpoint]:
        https = Endpoint(url=Url.of_host("https", host))
        http = Endpoint(url=Url.of_host("http", host))
        if self._is_insecure(https.url):
            https = Endpoint(url=https.url, verify=False)
        if is_loopback(host):
            return [http, https]
        return [https] if https.verify else [https, http]

    def _is_insecure(self, url: Url) -> bool:
        if self._options.lists_insecure(url.host, url.port):
            return True
        return self._machine().why_insecure(url.host, url.port) is not None

    def _probe(self, choices: list[Endpoint]) -> Endpoint:
        failures: list[Passing | TransportError] = []
        for choice in choices:
            try:
                reply = self._ask(choice)
            except (Passing, TransportError) as error:
                failures.append(error)
                continue
            if not _wants_tls(choice, reply):
                self._warn(choice)
                return choice
        raise _most_telling(failures) or TransportError(
            f"{choices[0].url.authority} speaks neither http nor TLS"
        )

    def _ask(self, choice: Endpoint) -> Reply:
        request = Request(
            method="GET",
            url=choice.url.at("/v2/"),
            headers={"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"},
            verify=choice.verify,
        )
        return self._send(request)

    def _warn(self, choice: Endpoint) -> None:
        where = choice.url
        if is_loopback(where.host):
            return
        how = "over plain http" if where.scheme == "http" else "without checking its certificate"
        file = self._machine().why_insecure(where.host, where.port)
        if file is not None and not self._options.lists_insecure(where.host, where.port):
            how += f", as {file} has it"
        self._listener(
            Warned(
                message=f"talking to {where.authority} {how}",
                hint="anybody on the way can read and change what is sent",
            )
        )


def _most_telling(failures: list[Passing | TransportError]) -> Passing | TransportError | None:
    """Return a bad certificate rather than a broken connection, and that rather than no TLS."""

    def rank(failure: Passing | TransportError) -> int:
        return 2 if isinstance(failure, NoTlsError) else int(isinstance(failure, Passing))

    return min(failures, key=rank, default=None)


def _wants_tls(choice: Endpoint, reply: Reply) -> bool:
    """Tell whether a server of TLS answered to plain HTTP, as those of Go and nginx do."""
    return (
        choice.url.scheme == "http"
        and reply.status == 400
        and b"https" in reply.data[:4096].lower()
    )
