"""Amazon's registries: ECR of an account and region, and ECR Public."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from pyjib.errors import RegistryError
from pyjib.registry.login.cloud.aws import find_keys, post_signed
from pyjib.registry.login.cloud.exchange import Exchange, date_of, document_of, ends_after
from pyjib.registry.login.cloud.model import CloudTools, NotHere, Result
from pyjib.registry.login.cloud.services import domain_of, endpoint_of
from pyjib.registry.login.cloud.signature import AwsKeys
from pyjib.registry.login.credential import Credential
from pyjib.registry.net.message import Reply
from pyjib.registry.net.urls import Url

PUBLIC = "public.ecr.aws"
_PUBLIC_REGION = "us-east-1"
_PRIVATE = re.compile(
    r"[0-9]{12}\.dkr[.-]ecr(?P<fips>-fips)?\.(?P<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})\."
    r"(?P<domain>amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|on\.aws"
    r"|on\.amazonwebservices\.com\.cn)",
    re.ASCII,
)
_NOT_HERE = NotHere(
    said="AWS has no keys, web identity, profile, container or instance role set up here"
)


class Ecr:
    """Logs in by ``GetAuthorizationToken``, signed with the keys that ``aws`` finds."""

    name = "Amazon ECR"
    helpers = ("ecr-login",)

    def serves(self, registry: str) -> bool:
        """Tell whether a registry is of this kind, by its host alone."""
        return registry == PUBLIC or _PRIVATE.fullmatch(registry) is not None

    def login(self, registry: str, tools: CloudTools) -> Result:
        """Return a login, good for twelve hours."""
        exchange = Exchange(registry=registry, tools=tools)
        private = _PRIVATE.fullmatch(registry)
        keys = find_keys(exchange, private["region"] if private else _PUBLIC_REGION)
        if keys is None:
            return _NOT_HERE
        return self._private(exchange, keys, private) if private else self._public(exchange, keys)

    def _private(self, exchange: Exchange, keys: AwsKeys, parts: re.Match[str]) -> Credential:
        url = endpoint_of("ECR", _api_of(parts), exchange.tools.host)
        return self._token(
            exchange,
            url,
            keys,
            region=parts["region"],
            service="ecr",
            target="AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
        )

    def _public(self, exchange: Exchange, keys: AwsKeys) -> Credential:
        default = f"https://api.ecr-public.{_PUBLIC_REGION}.amazonaws.com/"
        url = endpoint_of("ECR_PUBLIC", default, exchange.tools.host)
        return self._token(
            exchange,
            url,
            keys,
            region=_PUBLIC_REGION,
            service="ecr-public",
            target="SpencerFrontendService.GetAuthorizationToken",
        )

    def _token(
        self,
        exchange: Exchange,
        url: Url,
        keys: AwsKeys,
        *,
        region: str,
        service: str,
        target: str,
    ) -> Credential:
        action = f"get a token from {self.name} by {keys.source}"
        reply = post_signed(
            exchange,
            url,
            action,
            keys=keys,
            headers={"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target},
            body=b"{}",
            region=region,
            service=service,
        )
        return _credential(reply, f"{self.name} by {keys.source}", action)


def _api_of(parts: re.Match[str]) -> str:
    region, fips = parts["region"], parts["fips"]
    if parts["domain"] == "on.aws":
        return f"https://{'ecr-fips' if fips else 'ecr'}.{region}.api.aws/"
    if parts["domain"] == "on.amazonwebservices.com.cn":
        return f"https://ecr.{region}.api.amazonwebservices.com.cn/"
    return f"https://{'ecr-fips' if fips else 'api.ecr'}.{region}.{domain_of(region)}/"


def _credential(reply: Reply, source: str, action: str) -> Credential:
    found: Any = document_of(reply, action).get("authorizationData")
    entry = found[0] if isinstance(found, list) and found else found
    entry = entry if isinstance(entry, dict) else {}
    try:
        pair = base64.b64decode(str(entry.get("authorizationToken") or ""), validate=True).decode()
    except (binascii.Error, ValueError):
        pair = ""
    user, _, password = pair.partition(":")
    if not user or not password:
        raise RegistryError(f"cannot {action}: the answer of {reply.url.authority} holds no token")
    expires, now = entry.get("expiresAt"), date_of(reply.headers)
    life = None
    if isinstance(expires, (int, float)) and now is not None:
        life = expires - now.timestamp()
    return Credential(
        source=source, username=user, password=password, renewable=True, ends=ends_after(life)
    )
