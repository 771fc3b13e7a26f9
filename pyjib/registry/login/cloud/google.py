"""Google's Artifact Registry and Container Registry: an access token, found as Google's own do.

1. ``CLOUDSDK_AUTH_ACCESS_TOKEN`` or ``GOOGLE_OAUTH_ACCESS_TOKEN``: the token itself,
2. ``GOOGLE_APPLICATION_CREDENTIALS``, else gcloud's application default credentials: the key of a
   service account, a user's refresh token, workload identity federation, impersonation,
3. the metadata service, where ``GCE_METADATA_HOST``, Cloud Run's variables or the machine's maker
   tell that there is one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pyjib.errors import ConfigurationError
from pyjib.oci.json import Json
from pyjib.options import HostEnvironment
from pyjib.presence import is_file
from pyjib.registry.login.cloud.exchange import (
    Exchange,
    date_of,
    document_of,
    ends_after,
    text_in,
)
from pyjib.registry.login.cloud.model import (
    CloudTools,
    NotHere,
    Result,
    parse_endpoint,
    read_secret_file,
)
from pyjib.registry.login.credential import Credential, fits_header, is_unicode
from pyjib.registry.net.message import Reply
from pyjib.registry.net.urls import Url

_USER = "oauth2accesstoken"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TOKENS = "https://oauth2.googleapis.com/token"
_STS = "https://sts.googleapis.com/v1/token"
_METADATA = "169.254.169.254"
_METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_METADATA_HOSTS = frozenset({_METADATA, "metadata.google.internal"})
_HERE = ("GCE_METADATA_HOST", "K_SERVICE", "CLOUD_RUN_JOB", "GAE_SERVICE")
_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  (a type's name)
_LIFE = 3600
_DEEPEST = 2


class Google:
    """Logs in with an access token for a password."""

    name = "Google"
    helpers = ("gcr", "gcloud")

    def serves(self, registry: str) -> bool:
        """Tell whether a registry is of this kind, by its host alone."""
        return registry == "gcr.io" or registry.endswith((".gcr.io", "-docker.pkg.dev"))

    def login(self, registry: str, tools: CloudTools) -> Result:
        """Return a login, good for an hour."""
        exchange = Exchange(registry=registry, tools=tools)
        for name in ("CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"):
            token = tools.host.get(name)
            if token is not None:
                return Credential(source=f"Google by {name}", username=_USER, password=token)
        file = _file(tools.host)
        if file is not None:
            source, document = _read(*file)
            return _access(exchange, document, source, _DEEPEST)
        if tools.made_by("google") or any(map(tools.host.get, _HERE)):
            return _of_metadata(exchange)
        return NotHere(
            said=f"there is no access token, no {_VARIABLE}, no login of gcloud and no machine "
            "of Google's here"
        )


def _file(host: HostEnvironment) -> tuple[Path, str] | None:
    named = host.get(_VARIABLE)
    if named is not None:
        return Path(named), _VARIABLE
    folder, roaming = host.get("CLOUDSDK_CONFIG"), host.get("APPDATA")
    if folder is not None:
        directory = Path(folder)
    elif roaming is not None:
        directory = Path(roaming) / "gcloud"
    else:
        directory = host.home / ".config" / "gcloud"
    path = directory / "application_default_credentials.json"
    return (path, "gcloud") if is_file(path) else None


def _read(path: Path, variable: str) -> tuple[str, Json]:
    text = read_secret_file(path, variable)
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path}, which {variable} names, is not a JSON object")
    return str(path), document


def _access(exchange: Exchange, document: Json, source: str, depth: int) -> Credential:
    """Turn one of the kinds of credentials that Google has into an access token."""
    kind = document.get("type")
    if kind == "service_account":
        return _of_service_account(exchange, document, source)
    if kind == "authorized_user":
        return _of_user(exchange, document, source)
    if kind == "external_account":
        return _of_federation(exchange, document, source)
    inner = document.get("source_credentials")
    if kind == "impersonated_service_account" and isinstance(inner, dict) and depth:
        own = _access(exchange, inner, source, depth - 1)
        return _impersonate(exchange, document, own.password, source)
    raise ConfigurationError(
        f"{source}: credentials of the type {str(kind)[:60]!r} are not known here",
        hint="install docker-credential-gcr, and name it in credHelpers of Docker's config.json",
    )


def _member(document: Json, name: str, source: str, default: str | None = None) -> str:
    value = document.get(name, default)
    if not isinstance(value, str) or not value or not is_unicode(value):
        raise ConfigurationError(f"{source} has no {name}")
    return value


def _of_service_account(exchange: Exchange, document: Json, source: str) -> Credential:
    email = _member(document, "client_email", source)
    url = parse_endpoint(_member(document, "token_uri", source, _TOKENS), f"token_uri in {source}")
    now = int(exchange.time_of(url).timestamp())
    claims = {
        "iss": email,
        "scope": _SCOPE,
        "aud": url.full,
        "iat": now,
        "exp": now + _LIFE,
    }
    header = {"alg": "RS256", "typ": "JWT"}
    if isinstance(document.get("private_key_id"), str):
        header["kid"] = document["private_key_id"]
    assertion = _jwt(header, claims, _member(document, "private_key", source), source)
    action = f"get an access token for the service account {email}"
    form = {"grant_type": _JWT_BEARER, "assertion": assertion}
    reply = exchange.hiding(assertion).post_form(url, action, form)
    return _credential(reply, action, f"the service account {email} of {source}")


def _jwt(header: Mapping[str, object], claims: Mapping[str, object], pem: str, source: str) -> str:
    """Return a JSON Web Token signed by RS256 (RFC 7515 section 3.1)."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  seldom, slow to import
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigurationError(f"the private_key in {source} is no RSA key in PEM form")
    signed = f"{_base64(json.dumps(header).encode())}.{_base64(json.dumps(claims).encode())}"
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_base64(signature)}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _of_user(exchange: Exchange, document: Json, source: str) -> Credential:
    url = parse_endpoint(_member(document, "token_uri", source, _TOKENS), f"token_uri in {source}")
    form = {
        "grant_type": "refresh_token",
        "client_id": _member(document, "client_id", source),
        "client_secret": _member(document, "client_secret", source),
        "refresh_token": _member(document, "refresh_token", source),
    }
    hidden = exchange.hiding(form["client_secret"], form["refresh_token"])
    action = "get an access token for gcloud's user"
    return _credential(hidden.post_form(url, action, form), action, f"gcloud's user of {source}")


def _of_federation(exchange: Exchange, document: Json, source: str) -> Credential:
    subject = _subject(exchange, document, source)
    url = parse_endpoint(_member(document, "token_url", source, _STS), f"token_url in {source}")
    action = "exchange this machine's identity for an access token"
    form = {
        "grant_type": _EXCHANGE,
        "audience": _member(document, "audience", source),
        "scope": _SCOPE,
        "requested_token_type": _ACCESS_TOKEN,
        "subject_token_type": _member(document, "subject_token_type", source),
        "subject_token": subject,
    }
    reply = exchange.hiding(subject).post_form(url, action, form)
    federated = _credential(reply, action, f"workload identity of {source}")
    if document.get("service_account_impersonation_url"):
        return _impersonate(exchange, document, federated.password, source)
    return federated


def _subject(exchange: Exchange, document: Json, source: str) -> str:
    """Return the token by which another identity provider vouches for this machine."""
    place: Any = document.get("credential_source")
    place = place if isinstance(place, dict) else {}
    kind = place.get("format")
    kind = kind if isinstance(kind, dict) else {}
    where = f"credential_source in {source}"
    if isinstance(place.get("file"), str):
        text = read_secret_file(Path(place["file"]), where)
    elif isinstance(place.get("url"), str):
        headers = place.get("headers")
        given = headers if isinstance(headers, dict) else {}
        sent = {str(name): str(value) for name, value in given.items()}
        if not all(name and fits_header(name + value) for name, value in sent.items()):
            raise ConfigurationError(f"{where} has headers that cannot be sent")
        url = parse_endpoint(place["url"], where)
        action = "get the token that vouches for this machine"
        text = (
            exchange.hiding(*sent.values()).get(url, action, sent).data.decode("utf-8", "replace")
        )
    else:
        raise ConfigurationError(
            f"{where} is neither a file nor a url",
            hint="install docker-credential-gcr, which knows the others",
        )
    found: Any = text
    if kind.get("type") == "json":
        try:
            found = json.loads(text)[kind.get("subject_token_field_name", "access_token")]
        except (ValueError, TypeError, LookupError, RecursionError):
            found = None
    if not isinstance(found, str) or not found.strip() or not is_unicode(found):
        raise ConfigurationError(f"{where} holds no token")
    return found.strip()


def _impersonate(exchange: Exchange, document: Json, token: str, source: str) -> Credential:
    url = parse_endpoint(
        _member(document, "service_account_impersonation_url", source),
        f"service_account_impersonation_url in {source}",
    )
    action = "get an access token for the service account that is impersonated"
    call = exchange.call(
        url,
        action,
        method="POST",
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        body=json.dumps({"scope": [_SCOPE], "lifetime": f"{_LIFE}s"}).encode(),
    )
    reply = exchange.hiding(token).send(call)
    answer = document_of(reply, action)
    return Credential(
        source=f"Google by impersonation, of {source}",
        username=_USER,
        password=text_in(answer, "accessToken", reply, action),
        renewable=True,
        ends=ends_after(_seconds_until(answer.get("expireTime"), reply)),
    )


def _seconds_until(text: object, reply: Reply) -> float | None:
    now = date_of(reply.headers)
    if not isinstance(text, str) or now is None:
        return None
    try:
        return (datetime.fromisoformat(text) - now).total_seconds()
    except (ValueError, TypeError):
        return None


def _of_metadata(exchange: Exchange) -> Credential:
    name = exchange.tools.host.get("GCE_METADATA_HOST") or _METADATA
    host = f"http://{name}"
    url: Url = parse_endpoint(host, "GCE_METADATA_HOST", inner=_METADATA_HOSTS)
    action = "get an access token from Google's metadata service"
    headers = {"Metadata-Flavor": "Google"}
    reply = exchange.get(url.at(_METADATA_PATH), action, headers, metadata=True)
    return _credential(reply, action, "the metadata service")


def _credential(reply: Reply, action: str, source: str) -> Credential:
    document = document_of(reply, action)
    return Credential(
        source=f"Google by {source}",
        username=_USER,
        password=text_in(document, "access_token", reply, action),
        renewable=True,
        ends=ends_after(document.get("expires_in")),
    )
