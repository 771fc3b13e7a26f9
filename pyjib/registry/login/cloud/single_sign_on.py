"""AWS's single sign-on (IAM Identity Center): keys for what ``aws sso login`` left behind.

That keeps a token in ``~/.aws/sso/cache``, in a file named by the SHA-1 of the session's name, or
of the address that one signs on at. The token is only read here: it is renewed by AWS's own
program, which has the browser for it. Whether it is still good is the service's to say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pyjib.errors import ConfigurationError, RegistryError
from pyjib.presence import is_file
from pyjib.registry.login.cloud.exchange import Exchange, document_of, text_in
from pyjib.registry.login.cloud.model import read_secret_file
from pyjib.registry.login.cloud.profiles import Profiles
from pyjib.registry.login.cloud.services import REGION, domain_of, endpoint_of
from pyjib.registry.login.cloud.signature import AwsKeys

_HEADER = "x-amz-sso_bearer_token"


def sign_on(exchange: Exchange, profiles: Profiles, name: str, source: str) -> AwsKeys | None:
    """Return the keys of a profile's role; ``None`` if it has no account and role to sign on to.

    Raises ``PyjibError``, with what to run where there is no login or it has ended.
    """
    profile = profiles.named(name)
    account, role = profile.get("sso_account_id"), profile.get("sso_role_name")
    session = profile.get("sso_session")
    if not account or not role or not (session or profile.get("sso_start_url")):
        return None
    settings = _session(profiles, session, source) if session else profile
    region = settings.get("sso_region", "")
    if not REGION.fullmatch(region):
        raise ConfigurationError(f"{source} signs on in {region[:40]!r}, which is no region of AWS")
    again = f"run `aws sso login --profile {name}`"
    token = _token(exchange, session or settings.get("sso_start_url", ""), source, again)
    return _role_keys(exchange, region, (account, role), token, source, again)


def _session(profiles: Profiles, session: str, source: str) -> Mapping[str, str]:
    found = profiles.sessions.get(session)
    if found is None:
        raise ConfigurationError(
            f"{source} has the sso_session {session}, which is not there",
            hint=f"add [sso-session {session}] to ~/.aws/config: `aws configure sso` does",
        )
    return found


def _token(exchange: Exchange, key: str, source: str, again: str) -> str:
    name = hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()
    path = exchange.tools.host.home / ".aws" / "sso" / "cache" / f"{name}.json"
    if not is_file(path):
        raise ConfigurationError(f"{source} is not signed on: there is no {path}", hint=again)
    try:
        document: Any = json.loads(read_secret_file(path, source))
        token: Any = document["accessToken"]
    except (ValueError, TypeError, KeyError, RecursionError):
        token = None
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise ConfigurationError(f"{source} is not signed on: {path} holds no token", hint=again)
    return token


def _role_keys(
    exchange: Exchange, region: str, role: tuple[str, str], token: str, source: str, again: str
) -> AwsKeys:
    account, name = role
    default = f"https://portal.sso.{region}.{domain_of(region)}/"
    query = f"account_id={quote(account, safe='')}&role_name={quote(name, safe='')}"
    url = endpoint_of("SSO", default, exchange.tools.host).at(f"/federation/credentials?{query}")
    action = f"get keys for the role {name} by single sign-on"
    try:
        reply = exchange.hiding(token).get(url, action, {_HEADER: token})
    except RegistryError as error:
        if error.status != 401:
            raise
        raise ConfigurationError(f"the single sign-on of {source} has ended", hint=again) from None
    found: Any = document_of(reply, action).get("roleCredentials")
    found = found if isinstance(found, dict) else {}
    return AwsKeys(
        source=source,
        access_key=text_in(found, "accessKeyId", reply, action),
        secret_key=text_in(found, "secretAccessKey", reply, action),
        session_token=text_in(found, "sessionToken", reply, action),
    )
