"""Which proxy a request goes through, by the usual variables and no others."""

from __future__ import annotations

import ipaddress
from dataclasses import field
from typing import TypeAlias
from urllib.parse import unquote

from pyjib.errors import ConfigurationError
from pyjib.frozen import frozen
from pyjib.options import HostEnvironment
from pyjib.registry.net.reach import Reach, is_loopback, reach_of
from pyjib.registry.net.urls import Url

SCHEMES = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
"""How proxies are spoken to, with the usual ports."""

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@frozen
class Proxy:
    """Where a proxy is, and the login that is sent to it and to nobody else."""

    scheme: str
    host: str
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> Proxy:
        """Parse ``[SCHEME://][USER[:PASSWORD]@]HOST[:PORT]``; http is the usual scheme.

        Raises ``ConfigurationError``, which tells no password.
        """
        scheme, divider, rest = text.partition("://")
        if not divider or not scheme.isalnum():  # a password may have "://" in it as well
            scheme, rest = "http", text
        login, _, place = rest.rpartition("@")
        username, _, password = login.partition(":")
        try:
            default = SCHEMES[scheme.lower()]
            host, port = _host_and_port(place.partition("/")[0])
        except (KeyError, ValueError):
            raise ConfigurationError(
                f"cannot use the proxy {scheme}://{'***@' if login else ''}{place}",
                hint="http_proxy and https_proxy take http://[USER:PASSWORD@]HOST:PORT",
            ) from None
        return cls(
            scheme=scheme.lower(),
            host=host,
            port=default if port is None else port,
            username=unquote(username),
            password=unquote(password),
        )

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def proxy_for(url: Url, host: HostEnvironment) -> Proxy | None:
    """Return the proxy for a URL, or ``None`` to connect directly.

    ``https_proxy`` or ``http_proxy`` by scheme, else ``all_proxy``, each in lower case first;
    never for loopback hosts and link-local addresses, which no proxy can reach for us, nor for
    hosts in ``no_proxy``. Raises ``ConfigurationError``.
    """
    proxy = _variable(host, f"{url.scheme}_proxy") or _variable(host, "all_proxy")
    if proxy is None or is_loopback(url.host) or reach_of(url.host) is Reach.NEVER:
        return None
    if is_exempt(url, _variable(host, "no_proxy") or ""):
        return None
    return Proxy.parse(proxy)


def is_exempt(url: Url, no_proxy: str) -> bool:
    """Tell whether ``no_proxy`` names a URL's host.

    Its entries, divided by commas or white space: ``*`` for all; an address or a network
    (``10.0.0.0/8``); a name, with its subdomains, whether or not it starts with ``.`` or
    ``*.``. A name or an address may have a port, and then holds for that alone.
    """
    return any(_names(entry, url) for entry in no_proxy.lower().replace(",", " ").split())


def _names(entry: str, url: Url) -> bool:
    if entry == "*":
        return True
    network = _network(entry)
    if network is not None:
        return _is_within(url.host, network)
    try:
        name, port = _host_and_port(entry)
    except ValueError:
        return False
    if port not in (None, url.port):
        return False
    network = _network(name)
    if network is not None:
        return _is_within(url.host, network)
    domain = name.removeprefix("*").removeprefix(".").rstrip(".")
    return bool(domain) and (url.host == domain or url.host.endswith(f".{domain}"))


def _network(text: str) -> _Network | None:
    try:
        return ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None


def _is_within(host: str, network: _Network) -> bool:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address) in network


def _host_and_port(text: str) -> tuple[str, int | None]:
    """Divide ``HOST[:PORT]``; raises ``ValueError``."""
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port:
        host, port = text, ""
    if not host or (":" in host and not host.startswith("[")) or set(host) & set(" \t\r\n/?#@"):
        raise ValueError(text)
    if not port:
        return host, None
    if not (port.isascii() and port.isdecimal() and 1 <= int(port[:6]) <= 65535):
        raise ValueError(text)
    return host, int(port)


def _variable(host: HostEnvironment, name: str) -> str | None:
    # Where REQUEST_METHOD is set, HTTP_PROXY is a header that somebody sent to a web server.
    found = host.get(name)
    if found is None and not (name == "http_proxy" and host.get("REQUEST_METHOD")):
        found = host.get(name.upper())
    return found
