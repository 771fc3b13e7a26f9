"""Pools of connections: straight to a host, or by a proxy."""

from __future__ import annotations

import ssl
from importlib.util import find_spec

import httpcore

from pyjib.errors import ConfigurationError
from pyjib.registry.net.proxies import Proxy
from pyjib.registry.net.sockets import Network

KEEP_ALIVE = 60.0
"""Seconds that an idle connection is kept."""


def make_pool(
    network: Network,
    context: ssl.SSLContext | None,
    *,
    idle: int,
    proxy: Proxy | None = None,
    proxy_context: ssl.SSLContext | None = None,
) -> httpcore.ConnectionPool:
    """Make a pool that keeps up to ``idle`` unused connections.

    ``context`` is for TLS with hosts, ``proxy_context`` for TLS with the proxy itself. Raises
    ``ConfigurationError`` for a proxy that cannot be spoken to.
    """
    if proxy is None:
        return httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=None,
            max_keepalive_connections=idle,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=network,
        )
    place = httpcore.URL(scheme=proxy.scheme, host=proxy.host, port=proxy.port, target=b"/")
    login = (proxy.username.encode(), proxy.password.encode()) if proxy.username else None
    if proxy.scheme.startswith("socks"):
        _check_socks(proxy)
        return httpcore.SOCKSProxy(
            place,
            proxy_auth=login,
            ssl_context=context,
            max_connections=None,
            max_keepalive_connections=idle,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=network,
        )
    return httpcore.HTTPProxy(
        place,
        proxy_auth=login,
        ssl_context=context,
        proxy_ssl_context=proxy_context,
        max_connections=None,
        max_keepalive_connections=idle,
        keepalive_expiry=KEEP_ALIVE,
        network_backend=network,
    )


def _check_socks(proxy: Proxy) -> None:
    if find_spec("socksio") is None:
        raise ConfigurationError(
            f"cannot use the proxy {proxy}: the package socksio is not installed",
            hint="install it with pip install httpcore[socks], or name an http proxy",
        )
