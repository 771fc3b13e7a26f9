"""Passwords that ``mvn --encrypt-password`` made: opened with the master password.

A password's text holds ``{…}``: base64 of an 8-byte salt, the length of a pad, the ciphertext
and the pad. SHA-256 of password and salt is an AES-128 key and an initialisation vector. The
master password lies in settings-security.xml, closed the same way with a word that everybody
knows. Specification: ``maven-and-gradle-projects`` §4. The one door for ``cryptography`` here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from pathlib import Path

from pyjib.errors import ConfigurationError, ProjectError
from pyjib.patterns import late
from pyjib.project.maven import seen
from pyjib.project.maven.xml_tree import parse_xml, read_bytes, trim

_CLOSED = late(r"(?<!\\)\{(.*?[^\\])\}", re.DOTALL)
_MASTER_KEY = "settings.security"  # no secret: Maven has it in its source
_SALT = 8
_RELOCATIONS = 5


class Secrets:
    """Opens passwords with the master password of one settings-security.xml, read when needed."""

    def __init__(self, security_file: Path) -> None:
        self._file = security_file
        self._master: str | None = None

    def open(self, password: str, *, owner: str) -> str:
        """Return a password in the clear; one without ``{…}`` is in the clear already.

        ``owner`` names it in messages, which never show it. Raises ``ConfigurationError`` if it
        cannot be opened.
        """
        closed = closed_part(password)
        if closed is None:
            return password
        if self._master is None:
            self._master = _read_master(self._file, _RELOCATIONS)
        return _open(closed, self._master, f"the encrypted password of {owner}")


def closed_part(password: str) -> str | None:
    """Return what stands between braces, if anything does; text around them is comment."""
    found = _CLOSED.search(password)
    return None if found is None else found[1]


def decrypt(closed: str, key: str) -> str:
    """Return what was closed with ``key``; raises ``ValueError`` if it was not."""
    # Imported here, for it takes longer than reading a whole project.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415
    from cryptography.hazmat.primitives.padding import PKCS7  # noqa: PLC0415

    data = base64.b64decode("".join(closed.split()), validate=True)
    salt, rest = data[:_SALT], data[_SALT:]
    if not rest or len(rest) - 1 - rest[0] < 16:
        raise ValueError("too short")
    ciphertext = rest[1 : len(rest) - rest[0]]
    digest = hashlib.sha256(key.encode() + salt).digest()
    decryptor = Cipher(algorithms.AES(digest[:16]), modes.CBC(digest[16:])).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    unpadder = PKCS7(128).unpadder()
    return (unpadder.update(padded) + unpadder.finalize()).decode()


def _open(closed: str, key: str, what: str) -> str:
    try:
        return decrypt(closed, key)
    except (ValueError, binascii.Error):
        raise ConfigurationError(
            f"cannot decrypt {what}: it was not made with this master password",
            hint="encrypt it anew with: mvn --encrypt-password",
        ) from None


def _read_master(path: Path, relocations: int) -> str:
    if not seen.is_file(path):
        raise ConfigurationError(
            f"cannot decrypt a password: {path}, which holds the master password, is not there",
            hint="make one with: mvn --encrypt-master-password",
        )
    try:
        root = parse_xml(read_bytes(path), path)
    except ProjectError as error:
        raise ConfigurationError(error.message) from None
    elsewhere = trim(root.findtext("relocation") or "")
    if elsewhere and relocations:
        return _read_master(path.parent / elsewhere, relocations - 1)
    closed = closed_part(trim(root.findtext("master") or ""))
    if closed is None:
        raise ConfigurationError(f"cannot read {path}: it holds no encrypted master password")
    return _open(closed, _MASTER_KEY, f"the master password in {path}")
