from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import ConfigurationError
from pyjib.project.maven.secrets import Secrets, closed_part, decrypt

# Made by Maven 3.8.7: mvn --encrypt-master-password 'master pass'; mvn --encrypt-password …
MASTER = "{/Mh9UMjzXVEHQZ8FdTtJBps3AuTp7bYxK0VOvKl87Ic=}"
SECRET = "{b/PFItZDLr4HlqisOoMCZBUzQBcwZktNMkTlyrJZB+g=}"
LETTER = "{u/FGpQcBrsEH7ehHbed7s/KBQYxADUdIKxAXY3dy1pI=}"


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    path = tmp_path / "settings-security.xml"
    path.write_text(f"<settingsSecurity><master>{MASTER}</master></settingsSecurity>")
    return Secrets(path)


@pytest.mark.parametrize(
    ("password", "clear"),
    [
        (SECRET, "secret {x}"),
        (LETTER, "a"),
        (f"reset {LETTER} by me", "a"),
        ("plain", "plain"),
        ("\\{plain}", "\\{plain}"),
    ],
)
def test_passwords_that_maven_closed(secrets: Secrets, password: str, clear: str) -> None:
    assert secrets.open(password, owner="server x") == clear


def test_the_master_password_may_lie_elsewhere(tmp_path: Path, secrets: Secrets) -> None:
    path = tmp_path / "here.xml"
    path.write_text(
        "<settingsSecurity><relocation>settings-security.xml</relocation></settingsSecurity>"
    )
    assert Secrets(path).open(LETTER, owner="server x") == "a"


@pytest.mark.parametrize(
    "password", ["{bm9uZQ==}", "{not base64}", f"{{{'A' * 44}}}", LETTER.replace("u/F", "v/F")]
)
def test_what_was_not_closed_with_it(secrets: Secrets, password: str) -> None:
    with pytest.raises(ConfigurationError, match="the encrypted password of server x") as caught:
        secrets.open(password, owner="server x")
    assert password not in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "which holds the master password, is not there"),
        ("<settingsSecurity/>", "it holds no encrypted master password"),
        ("<settingsSecurity><master>plain</master></settingsSecurity>", "no encrypted master"),
        ("<settingsSecurity>", "Non-parseable XML"),
        (f"<settingsSecurity><master>{LETTER}</master></settingsSecurity>", "the master password"),
    ],
)
def test_no_use_without_a_master_password(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "settings-security.xml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        Secrets(path).open(SECRET, owner="server x")


@given(st.text(max_size=40), st.binary(min_size=8, max_size=8), st.integers(0, 15))
def test_what_is_closed_can_be_opened(clear: str, salt: bytes, pad: int) -> None:
    digest = hashlib.sha256(b"key" + salt).digest()
    padder = PKCS7(128).padder()
    padded = padder.update(clear.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(digest[:16]), modes.CBC(digest[16:])).encryptor()
    data = salt + bytes([pad]) + encryptor.update(padded) + encryptor.finalize() + bytes(pad)
    closed = base64.b64encode(data).decode()
    assert closed_part(f"{{{closed}}}") == closed
    assert decrypt(closed, "key") == clear
