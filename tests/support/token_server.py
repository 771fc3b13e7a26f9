"""A token server for registries that have none of their own: Distribution's "Token
Authentication", with tokens that are signed by RS256.

It vouches for itself: registries trust the certificate that ``certificate`` names. A token tells
which key has signed it by ``x5c``, the certificate itself, or by ``kid``, the key's fingerprint
in the form that Docker's libtrust gave it.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

ISSUER = "pyjib test tokens"
SERVICE = "registry.test"

Allowed = Callable[[str | None, str, str], bool]
"""Tells whether a user, or nobody, may do an action: (user, repository, action)."""


class TokenServer:
    """Hands out tokens on loopback for what ``allowed`` lets a user do of what is asked for.

    ``asked`` holds each request for a token as its user, ``None`` for nobody, and its scopes.
    """

    def __init__(
        self,
        directory: Path,
        users: Mapping[str, str],
        allowed: Allowed,
        named_by: Literal["x5c", "kid"],
    ) -> None:
        self.asked: list[tuple[str | None, tuple[str, ...]]] = []
        self.certificate = directory / "tokens.crt"
        self._users = users
        self._allowed = allowed
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        own = _vouch(self._key)
        self.certificate.write_bytes(own.public_bytes(serialization.Encoding.PEM))
        name = (
            [_base64(own.public_bytes(serialization.Encoding.DER))]
            if named_by == "x5c"
            else _fingerprint(self._key)
        )
        self._head: Mapping[str, Any] = {"typ": "JWT", "alg": "RS256", named_by: name}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server._answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  inherited
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def settings(self) -> dict[str, Any]:
        """Return the section ``auth`` of Distribution's configuration."""
        return {
            "token": {
                "realm": f"http://127.0.0.1:{self._server.server_port}/token",
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": str(self.certificate),
            }
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(request.path).query)
        scopes = tuple(query.get("scope", ()))
        user, known = self._user(request.headers.get("Authorization"))
        self.asked.append((user, scopes))
        status, document = 200, {"token": self._token(user, scopes), "expires_in": 300}
        if not known:
            status, document = 401, {"details": "incorrect username or password"}
        data = json.dumps(document).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _user(self, header: str | None) -> tuple[str | None, bool]:
        """Return who asks, and whether that is so."""
        if header is None:
            return None, True
        try:
            text = base64.b64decode(header.removeprefix("Basic "), validate=True).decode()
        except (binascii.Error, ValueError):
            return None, False
        name, _, password = text.partition(":")
        return name, self._users.get(name) == password

    def _token(self, user: str | None, scopes: tuple[str, ...]) -> str:
        now = int(dt.datetime.now(dt.UTC).timestamp())
        claims = {
            "iss": ISSUER,
            "sub": user or "",
            "aud": SERVICE,
            "iat": now,
            "nbf": now - 10,
            "exp": now + 300,
            "jti": f"{len(self.asked)}",
            "access": [self._access(user, scope) for text in scopes for scope in text.split()],
        }
        signed = f"{_part(self._head)}.{_part(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_url_base64(signature)}"

    def _access(self, user: str | None, scope: str) -> dict[str, Any]:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        granted = [one for one in actions.split(",") if self._allowed(user, name, one)]
        return {"type": kind, "name": name, "actions": granted}


def _vouch(key: rsa.RSAPrivateKey) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _fingerprint(key: rsa.RSAPrivateKey) -> str:
    """Return 240 bits of the public key's hash in twelve groups of base32."""
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = base64.b32encode(hashlib.sha256(public).digest()[:30]).decode()
    return ":".join(text[start : start + 4] for start in range(0, len(text), 4))


def _part(document: Mapping[str, Any]) -> str:
    return _url_base64(json.dumps(document).encode())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _url_base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
