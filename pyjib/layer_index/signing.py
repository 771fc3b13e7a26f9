"""Signing entries of an index, and telling who signed them. The one door for ``cryptography``.

It is imported where a signature is made or looked at: that takes 7 ms, and a signature 0.06.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from pyjib.layer_index.keys import key_id
from pyjib.layer_index.model import Entry, Signature
from pyjib.options import LayerIndexKeys


class KeyRing:
    """The keys of a build."""

    def __init__(self, keys: LayerIndexKeys) -> None:
        self._private = keys.private
        self._public = keys.public

    @property
    def can_sign(self) -> bool:
        """Whether there is a private key."""
        return self._private is not None

    @cached_property
    def _trusted(self) -> dict[str, bytes]:
        own = () if self._private is None else (public_key(self._private),)
        return {key_id(public): public for public in (*self._public, *own)}

    def sign(self, entry: Entry) -> Entry:
        """Return an entry with a signature, always the same for the same claim and key."""
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  see above

        if self._private is None:
            raise ValueError("a public key signs nothing")
        key = ed25519.Ed25519PrivateKey.from_private_bytes(self._private)
        value = key.sign(entry.message)
        return replace(
            entry, signature=Signature(key=key_id(public_key(self._private)), value=value)
        )

    def vouches_for(self, entry: Entry) -> bool:
        """Tell whether an entry was signed by a key that is trusted."""
        signature = entry.signature
        public = None if signature is None else self._trusted.get(signature.key)
        if signature is None or public is None:
            return False
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  see above
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  see above

        try:
            ed25519.Ed25519PublicKey.from_public_bytes(public).verify(
                signature.value, entry.message
            )
        except (InvalidSignature, ValueError):
            return False
        return True


def make_private_key() -> bytes:
    """Return a new private key."""
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  see above

    return ed25519.Ed25519PrivateKey.generate().private_bytes_raw()


def public_key(private: bytes) -> bytes:
    """Return the public key that belongs to a private one."""
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  see above

    return ed25519.Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
