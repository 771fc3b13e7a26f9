"""Which proxy a request goes through, by the usual variables and no others."""

from __future__ import annotations

from pyjib.options import HostEnvironment
from pyjib.registry.reach import is_loopback
from pyjib.registry.urls import Url


def proxy_for(url: Url, host: HostEnvironment) -> str | None:
    """Return the proxy's URL, or ``None`` to connect directly.

    ``https_proxy`` or ``http_proxy`` by scheme, else ``all_proxy``, each in lower case first;
    never for loopback hosts, nor for those in ``no_proxy``.
    """
    proxy = _variable(host, f"{url.scheme}_proxy") or _variable(host, "all_proxy")
    if proxy is None or is_loopback(url.host) or _is_exempt(url, _variable(host, "no_proxy") or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _variable(host: HostEnvironment, name: str) -> str | None:
    return host.get(name) or host.get(name.upper())


def _is_exempt(url: Url, no_proxy: str) -> bool:
    """Match names and their subdomains, with or without a leading dot, and an optional port."""
    for entry in no_proxy.lower().replace(",", " ").split():
        if entry == "*" or entry.strip("[]") == url.host.strip("[]"):
            return True
        name, colon, port = entry.rpartition(":")
        if colon and port.isdecimal() and "]" not in port and ":" not in name.strip("[]"):
            if int(port) != url.port:
                continue
            entry = name  # noqa: PLW2901  (the port is dealt with)
        domain = entry.removeprefix("*").removeprefix(".")
        if domain and (url.host == domain or url.host.endswith(f".{domain}")):
            return True
    return False
