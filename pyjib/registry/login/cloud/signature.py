"""AWS Signature Version 4: who sends a request, proved without sending the secret."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime

from pyjib.errors import ConfigurationError
from pyjib.frozen import frozen
from pyjib.registry.login.credential import fits_header, is_unicode
from pyjib.registry.net.urls import Url

_ALGORITHM = "AWS4-HMAC-SHA256"


@frozen
class AwsKeys:
    """An access key; ``source`` is where it was found.

    Raises ``ConfigurationError`` for one that cannot be sent.
    """

    source: str = field(compare=False)
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        sent = fits_header(self.access_key) and fits_header(self.session_token)
        if not sent or not is_unicode(self.secret_key):
            raise ConfigurationError(f"the keys from {self.source} are none that AWS gives")


def signed_headers(
    url: Url,
    headers: Mapping[str, str],
    body: bytes,
    keys: AwsKeys,
    *,
    region: str,
    service: str,
    at: datetime,
) -> dict[str, str]:
    """Return ``headers`` for a POST of ``body`` to ``url``, with what signs them.

    Only for a URL without a query ("Create a signed AWS API request").
    """
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    signed = {name.lower(): value for name, value in headers.items()}
    signed |= {"host": url.authority, "x-amz-date": stamp}
    if keys.session_token:
        signed["x-amz-security-token"] = keys.session_token
    names = sorted(signed)
    canonical = "\n".join(
        [
            "POST",
            url.target,
            "",
            *(f"{name}:{' '.join(signed[name].split())}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{keys.secret_key}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    signature = _hmac(key, to_sign).hex()
    credential = f"Credential={keys.access_key}/{scope}"
    names_text = f"SignedHeaders={';'.join(names)}"
    del signed["host"]
    return {
        **signed,
        "authorization": f"{_ALGORITHM} {credential}, {names_text}, Signature={signature}",
    }


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
