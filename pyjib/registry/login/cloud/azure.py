"""Azure Container Registry: a token of Entra ID, exchanged for one of the registry's own.

1. ``AZURE_TENANT_ID``, ``AZURE_CLIENT_ID`` and ``AZURE_CLIENT_SECRET``: a service principal,
2. the same two with ``AZURE_FEDERATED_TOKEN_FILE``: workload identity of Kubernetes and CIs,
3. ``IDENTITY_ENDPOINT`` and ``IDENTITY_HEADER``: managed identity of App Service and Container
   Apps,
4. the metadata service, on machines of Azure: managed identity of virtual machines.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

from pyjib.errors import ConfigurationError
from pyjib.registry.login.cloud.exchange import Exchange, document_of, ends_after, text_in
from pyjib.registry.login.cloud.model import (
    CloudTools,
    NotHere,
    Result,
    parse_endpoint,
    parse_neighbour,
    read_secret_file,
)
from pyjib.registry.login.credential import Credential
from pyjib.registry.net.message import Reply
from pyjib.registry.net.urls import Url

_USER = "00000000-0000-0000-0000-000000000000"
_CLOUDS = {
    "io": ("https://login.microsoftonline.com", "https://containerregistry.azure.net"),
    "cn": ("https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
    "us": ("https://login.microsoftonline.us", "https://management.usgovcloudapi.net"),
}
"""By a registry's top-level domain: who vouches for identities, and for what audience."""
_REGISTRY = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)?\.azurecr\.(io|cn|us)", re.ASCII)
_TENANT = re.compile(r"[A-Za-z0-9.-]+", re.ASCII)
_METADATA = "http://169.254.169.254"
_METADATA_HOSTS = frozenset({"169.254.169.254"})
_MAKER = "7783-7084-3265-9085-8269-3286-77"
"""What Azure writes into the firmware of its machines."""
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE = 3 * 3600


class Azure:
    """Logs in with a refresh token of the registry, got for one of Entra ID."""

    name = "Azure"
    helpers = ("acr-env",)

    def serves(self, registry: str) -> bool:
        """Tell whether a registry is of this kind, by its host alone."""
        return _REGISTRY.fullmatch(registry) is not None

    def login(self, registry: str, tools: CloudTools) -> Result:
        """Return a login, good for three hours."""
        exchange = Exchange(registry=registry, tools=tools)
        found = _principal(exchange) or _of_app(exchange) or _of_machine(exchange)
        if found is None:
            return NotHere(
                said="there is no AZURE_CLIENT_ID with a secret or a federated token, and no "
                "managed identity here"
            )
        source, token = found
        return _exchanged(exchange, token, f"{self.name} by {source}")


def _cloud(exchange: Exchange) -> tuple[str, str]:
    return _CLOUDS[exchange.registry.rpartition(".")[2]]


def _principal(exchange: Exchange) -> tuple[str, str] | None:
    host = exchange.tools.host
    client, tenant = host.get("AZURE_CLIENT_ID"), host.get("AZURE_TENANT_ID")
    secret, file = host.get("AZURE_CLIENT_SECRET"), host.get("AZURE_FEDERATED_TOKEN_FILE")
    if client is None or tenant is None or (secret is None and file is None):
        return None
    if not _TENANT.fullmatch(tenant):
        raise ConfigurationError("AZURE_TENANT_ID is no tenant's ID")
    proof, source = {"client_secret": secret or ""}, "AZURE_CLIENT_SECRET"
    if secret is None:
        source = "AZURE_FEDERATED_TOKEN_FILE"
        assertion = read_secret_file(Path(file or ""), source).strip()
        proof = {"client_assertion_type": _ASSERTION, "client_assertion": assertion}
    authority, audience = _cloud(exchange)
    root = parse_endpoint(host.get("AZURE_AUTHORITY_HOST") or authority, "AZURE_AUTHORITY_HOST")
    form = {
        "grant_type": "client_credentials",
        "client_id": client,
        "scope": f"{audience}/.default",
        **proof,
    }
    action = f"get a token of Entra ID for the client {client}"
    reply = exchange.hiding(*proof.values()).post_form(
        root.at(f"/{tenant}/oauth2/v2.0/token"), action, form
    )
    return source, _token(reply, action)


def _of_app(exchange: Exchange) -> tuple[str, str] | None:
    host = exchange.tools.host
    endpoint, header = host.get("IDENTITY_ENDPOINT"), host.get("IDENTITY_HEADER")
    if endpoint is None or header is None:
        return None
    url = _with_query(parse_neighbour(endpoint, "IDENTITY_ENDPOINT"), "2019-08-01", exchange)
    action = "get a token of Entra ID for the app's managed identity"
    headers = {"X-IDENTITY-HEADER": header}
    reply = exchange.hiding(header).get(url, action, headers, metadata=True)
    return "the app's managed identity", _token(reply, action)


def _of_machine(exchange: Exchange) -> tuple[str, str] | None:
    named = exchange.tools.host.get("AZURE_POD_IDENTITY_AUTHORITY_HOST")
    if named is None and not exchange.tools.made_by(_MAKER):
        return None
    root = parse_endpoint(
        named or _METADATA, "AZURE_POD_IDENTITY_AUTHORITY_HOST", inner=_METADATA_HOSTS
    )
    url = _with_query(root.at("/metadata/identity/oauth2/token"), "2018-02-01", exchange)
    action = "get a token of Entra ID for the machine's managed identity"
    reply = exchange.get(url, action, {"Metadata": "true"}, metadata=True)
    return "the machine's managed identity", _token(reply, action)


def _with_query(url: Url, version: str, exchange: Exchange) -> Url:
    audience = quote(f"{_cloud(exchange)[1]}", safe="")
    url = url.with_query(f"api-version={version}").with_query(f"resource={audience}")
    client = exchange.tools.host.get("AZURE_CLIENT_ID")
    return url.with_query(f"client_id={quote(client, safe='')}") if client else url


def _token(reply: Reply, action: str) -> str:
    return text_in(document_of(reply, action), "access_token", reply, action)


def _exchanged(exchange: Exchange, token: str, source: str) -> Credential:
    """Exchange Entra ID's token for a refresh token, which is sent as an identity token."""
    action = f"exchange a token of Entra ID for one of {exchange.registry}"
    form = {
        "grant_type": "access_token",
        "service": exchange.registry,
        "access_token": token,
    }
    tenant = exchange.tools.host.get("AZURE_TENANT_ID")
    if tenant is not None:
        form["tenant"] = tenant
    url = exchange.tools.root(exchange.registry).at("/oauth2/exchange")
    reply = exchange.hiding(token).post_form(url, action, form)
    refresh = text_in(document_of(reply, action), "refresh_token", reply, action)
    return Credential(
        source=source,
        username=_USER,
        password=refresh,
        identity_token=refresh,
        renewable=True,
        ends=ends_after(_LIFE),
    )
