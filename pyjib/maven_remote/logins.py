"""Who we are to a repository, and through which proxy we go, by settings.xml.

Passwords are opened when a repository is asked for the first time.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import quote

from pyjib.options import HostEnvironment
from pyjib.project.maven.secrets import Secrets
from pyjib.project.maven.settings import Proxy, Settings

_PROXY_VARIABLES = frozenset(("http_proxy", "https_proxy", "all_proxy", "no_proxy"))


class Logins:
    """The servers and proxies of one settings.xml."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings, self._secrets = settings, secrets
        self._headers: dict[str, Mapping[str, str]] = {}

    def headers(self, name: str) -> Mapping[str, str]:
        """Return what is sent to the repository, or mirror, of that id.

        Raises ``ConfigurationError`` for a password that cannot be opened.
        """
        found = self._headers.get(name)
        if found is None:
            found = self._headers[name] = MappingProxyType(self._of(name))
        return found

    def _of(self, name: str) -> dict[str, str]:
        server = self._settings.server(name)
        if server is None:
            return {}
        headers = dict(server.headers)
        if server.username:
            password = self._secrets.open(server.password or "", owner=f"server {name}")
            headers.setdefault("Authorization", basic(server.username, password))
        return headers

    def host_for(self, scheme: str, name: str, host: HostEnvironment) -> HostEnvironment:
        """Return ``host`` with the proxy variables that stand for settings.xml's proxies.

        Where it has none that is active, the variables that are set already count.
        """
        proxies = [proxy for proxy in self._settings.proxies if proxy.active and proxy.host]
        if not proxies:
            return host
        variables = {
            key: value
            for key, value in host.variables.items()
            if key.lower() not in _PROXY_VARIABLES
        }
        chosen = _choose(proxies, scheme, name)
        if chosen is not None:
            variables["all_proxy"] = self._url(chosen)
        return replace(host, variables=MappingProxyType(variables))

    def _url(self, proxy: Proxy) -> str:
        login = ""
        if proxy.username:
            password = self._secrets.open(proxy.password or "", owner=f"proxy {proxy.id}")
            login = f"{quote(proxy.username, safe='')}:{quote(password, safe='')}@"
        return f"http://{login}{proxy.host}:{proxy.port}"


def basic(username: str, password: str) -> str:
    """Return the value of ``Authorization``."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def _choose(proxies: list[Proxy], scheme: str, host: str) -> Proxy | None:
    """Return the first proxy for a scheme that has no rule against a host, as Maven does."""
    usable = [
        proxy for proxy in proxies if not any(_matches(pattern, host) for pattern in proxy.bypass)
    ]
    found = next((proxy for proxy in usable if proxy.protocol == scheme), None)
    if found is None and scheme == "https":
        found = next((proxy for proxy in usable if proxy.protocol == "http"), None)
    return found


def _matches(pattern: str, host: str) -> bool:
    """Tell whether a host is meant; all but ``.`` and ``*`` is as in regular expressions."""
    text = pattern.replace(".", r"\.").replace("*", ".*")
    try:
        return re.fullmatch(text, host, re.IGNORECASE) is not None
    except re.error:  # Maven gives up on it
        return False
