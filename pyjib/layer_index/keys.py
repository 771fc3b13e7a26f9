"""Keys of a signed index as text: PEM, as ``openssl genpkey -algorithm ed25519`` writes it.

Or the one line of base64 that is within, for variables that hold one line. An Ed25519 key has one
encoding (RFC 8410 §4 and §7), 32 bytes behind a fixed beginning, so that nothing has to be imported
to read it.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode, b64encode
from dataclasses import field

from pyjib.errors import ConfigurationError
from pyjib.frozen import frozen
from pyjib.options import LayerIndexKeys

_PRIVATE = bytes.fromhex("302e020100300506032b657004220420")
_PUBLIC = bytes.fromhex("302a300506032b6570032100")
_BYTES = 32
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----")
_HINT = (
    "pyjib init layer-index-key makes a pair of keys; so does openssl genpkey -algorithm ed25519"
)


@frozen
class KeyText:
    """Text that holds keys; ``source`` names it in messages, which never show the text."""

    text: str = field(repr=False)
    source: str


def read_keys(*texts: KeyText) -> LayerIndexKeys:
    """Return all keys of some texts; raises ``ConfigurationError``."""
    public: list[bytes] = []
    private: dict[bytes, str] = {}
    for given in texts:
        for encoded in _encoded(given):
            if encoded.startswith(_PUBLIC):
                public.append(encoded[len(_PUBLIC) :])
            else:
                private.setdefault(encoded[len(_PRIVATE) :], given.source)
    if len(private) > 1:
        first, second = list(private.values())[:2]
        raise ConfigurationError(
            f"{first} and {second} have different private keys, and a layer is signed by one"
            if first != second
            else f"{first} has several private keys, and a layer is signed by one",
            hint="keep the newest, and give the others' public keys as long as they are trusted",
        )
    return LayerIndexKeys(public=tuple(dict.fromkeys(public)), private=next(iter(private), None))


def is_key(text: str) -> bool:
    """Tell whether a text is a key itself, and no path."""
    return "-----BEGIN" in text or _fits(_decoded(text))


def is_private(text: str) -> bool:
    """Tell whether a text is a private key itself, or looks like some secret key's encoding."""
    bodies = (text, *(body for _, body in _BLOCK.findall(text)))
    return "PRIVATE KEY" in text or any(map(_looks_secret, bodies))


def private_pem(private: bytes) -> str:
    """Return a private key as PEM (PKCS #8)."""
    return _pem("PRIVATE KEY", _PRIVATE + private)


def public_pem(public: bytes) -> str:
    """Return a public key as PEM."""
    return _pem("PUBLIC KEY", _PUBLIC + public)


def key_id(public: bytes) -> str:
    """Return what signatures call a key by; that it is the right one shows in verifying."""
    return hashlib.sha256(public).hexdigest()[:16]


def _pem(label: str, encoded: bytes) -> str:
    return f"-----BEGIN {label}-----\n{b64encode(encoded).decode()}\n-----END {label}-----\n"


def _encoded(given: KeyText) -> list[bytes]:
    blocks = _BLOCK.findall(given.text) or [("", given.text)]
    return [_one(label, body, given.source) for label, body in blocks]


def _one(label: str, body: str, source: str) -> bytes:
    if "ENCRYPTED" in label:
        raise ConfigurationError(
            f"{source} has a private key that is locked by a password",
            hint="unlock it where secrets are kept: openssl pkey -in FILE -out UNLOCKED",
        )
    encoded = _decoded(body)
    if encoded is None or not _fits(encoded):
        what = f"something other than an Ed25519 key: {label}" if label else "no key in PEM form"
        raise ConfigurationError(f"{source} has {what}", hint=_HINT)
    return encoded


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _looks_secret(text: str) -> bool:
    encoded = _decoded(text) or b""
    is_sequence = len(encoded) > _BYTES and encoded[:1] == _PRIVATE[:1]
    return b"PRIVATE KEY" in encoded or (is_sequence and not encoded.startswith(_PUBLIC))


def _fits(encoded: bytes | None) -> bool:
    return encoded is not None and any(
        encoded.startswith(beginning) and len(encoded) == len(beginning) + _BYTES
        for beginning in (_PRIVATE, _PUBLIC)
    )
