"""Keys of a signed index: how they are read, made, and what they sign."""

from __future__ import annotations

import os
import stat
import subprocess
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import ConfigurationError, MalformedDocumentError
from pyjib.layer_index.keys import KeyText, is_key, is_private, private_pem, public_pem, read_keys
from pyjib.layer_index.model import Entry, Signature, dump_entries, parse_entries
from pyjib.layer_index.signing import KeyRing, make_private_key, public_key
from pyjib.oci import media_type as types
from pyjib.oci.descriptor import Descriptor
from pyjib.oci.digest import Digest
from pyjib.oci.json import dump
from pyjib.options import LayerIndexKeys
from tests.support.cli import Cli
from tests.support.peers import require

# RFC 8032 §7.1, test 1, and what `openssl pkey` writes for it.
SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
PRIVATE_LINE = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"
PUBLIC_LINE = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
PRIVATE_PEM = f"-----BEGIN PRIVATE KEY-----\n{PRIVATE_LINE}\n-----END PRIVATE KEY-----\n"
PUBLIC_PEM = f"-----BEGIN PUBLIC KEY-----\n{PUBLIC_LINE}\n-----END PUBLIC KEY-----\n"
OTHER = bytes(range(32))


def read(*texts: str) -> LayerIndexKeys:
    return read_keys(*(KeyText(text=text, source=f"file {n}") for n, text in enumerate(texts)))


def test_the_encodings_are_openssls() -> None:
    assert public_key(SECRET) == PUBLIC
    assert private_pem(SECRET) == PRIVATE_PEM
    assert public_pem(PUBLIC) == PUBLIC_PEM


@pytest.mark.parametrize(
    ("texts", "public", "private"),
    [
        ((PUBLIC_PEM,), (PUBLIC,), None),
        ((PRIVATE_PEM,), (), SECRET),
        ((PUBLIC_LINE,), (PUBLIC,), None),
        ((f"  {PRIVATE_LINE}\n",), (), SECRET),
        ((PUBLIC_PEM.replace("\n", "\r\n"),), (PUBLIC,), None),
        ((PRIVATE_PEM.replace("\n", " "),), (), SECRET),
        ((f"# ours\n{PUBLIC_PEM}and\n{PRIVATE_PEM}{PUBLIC_PEM}",), (PUBLIC,), SECRET),
        ((PUBLIC_PEM, public_pem(OTHER), PRIVATE_PEM), (PUBLIC, OTHER), SECRET),
        ((PRIVATE_PEM, PRIVATE_LINE), (), SECRET),
    ],
)
def test_keys_are_read(
    texts: tuple[str, ...], public: tuple[bytes, ...], private: bytes | None
) -> None:
    assert read(*texts) == LayerIndexKeys(public=public, private=private)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "file 0 has no key in PEM form"),
        ("secret", "file 0 has no key in PEM form"),
        (PRIVATE_LINE[:-4], "file 0 has no key in PEM form"),
        (
            PRIVATE_PEM.replace(PRIVATE_LINE, PRIVATE_LINE[:-4]),
            "other than an Ed25519 key: PRIVATE KEY",
        ),
        (PRIVATE_PEM.replace("MC4C", "????"), "other than an Ed25519 key: PRIVATE KEY"),
        (PRIVATE_PEM.replace("PRIVATE", "ENCRYPTED PRIVATE"), "is locked by a password"),
        (PRIVATE_PEM.replace("PRIVATE", "OPENSSH PRIVATE").replace("MC4C", "b3Bl"), "OPENSSH"),
        (PRIVATE_PEM.removesuffix("-----END PRIVATE KEY-----\n"), "no key in PEM form"),
        (
            PRIVATE_PEM.replace("BQYDK2Vw", "BQYDK2Vu"),
            "other than an Ed25519 key: PRIVATE KEY",
        ),  # X25519
        (PRIVATE_PEM + private_pem(OTHER), "file 0 has several private keys"),
    ],
)
def test_keys_that_are_none(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        read(text)
    assert caught.value.hint
    assert PRIVATE_LINE[30:40] not in f"{caught.value} {caught.value.hint} {caught.value!r}"


def test_two_private_keys() -> None:
    with pytest.raises(ConfigurationError, match="file 0 and file 1 have different private keys"):
        read(PRIVATE_PEM, private_pem(OTHER))


def test_what_is_a_key_and_what_a_path() -> None:
    assert all(map(is_key, (PUBLIC_PEM, PUBLIC_LINE, PRIVATE_PEM, PRIVATE_LINE)))
    assert all(map(is_private, (PRIVATE_PEM, PRIVATE_LINE, "-----BEGIN EC PRIVATE KEY-----")))
    for text in ("layer-index.pub", ".ci/keys/layer-index.pub", "KEY", "keys1234", "", "MCow"):
        assert not is_key(text)
        assert not is_private(text)
    assert not is_private(PUBLIC_LINE)
    assert not is_private(PUBLIC_PEM)


def test_a_private_key_in_other_clothes() -> None:
    """As an argument it is refused, not used, and not named as a file that is missing."""
    mislabelled = PRIVATE_PEM.replace("PRIVATE", "PUBLIC")
    assert read(mislabelled).private == SECRET
    assert is_private(mislabelled)
    assert is_private(b64encode(PRIVATE_PEM.encode()).decode())  # as secrets are often stored
    assert not is_private(b64encode(PUBLIC_PEM.encode()).decode())


@pytest.mark.peers
def test_openssls_keys(tmp_path: Path) -> None:
    """The commands of the guide."""
    openssl = require("openssl")
    private, public = tmp_path / "layer-index.key", tmp_path / "layer-index.pub"
    for arguments in (
        ("genpkey", "-algorithm", "ed25519", "-out", private),
        ("pkey", "-in", private, "-pubout", "-out", public),
    ):
        subprocess.run([openssl, *arguments], check=True, capture_output=True)
    keys = read(private.read_text(), public.read_text())
    assert keys.private is not None
    assert keys.public == (public_key(keys.private),)
    assert private.read_text() == private_pem(keys.private)
    assert public.read_text() == public_pem(keys.public[0])


def test_no_secret_is_shown() -> None:
    keys, text = read(PRIVATE_PEM), KeyText(text=PRIVATE_PEM, source="file")
    for shown in (repr(keys), repr(text), repr(KeyRing(keys))):
        assert not any(part in shown for part in (PRIVATE_LINE, SECRET.hex(), repr(SECRET)[2:20]))


# What is signed.


def entry(number: int = 1) -> Entry:
    digest = Digest.of(str(number).encode())
    return Entry(
        key=f"key {number}",
        diff_id=Digest.of(b"tar"),
        recipe="gzip level 6",
        descriptor=Descriptor(media_type=types.DOCKER_LAYER_GZIP, digest=digest, size=number),
    )


RING = KeyRing(LayerIndexKeys(private=SECRET))
READER = KeyRing(LayerIndexKeys(public=(PUBLIC,)))
STRANGER = KeyRing(LayerIndexKeys(private=OTHER))

CHANGES: dict[str, Callable[[Entry], Entry]] = {
    "key": lambda one: replace(one, key="key 2"),
    "diff ID": lambda one: replace(one, diff_id=Digest.of(b"another tar")),
    "recipe": lambda one: replace(one, recipe="gzip level 9"),
    "digest": lambda one: described(one, digest=Digest.of(b"another blob")),
    "size": lambda one: described(one, size=2),
    "media type": lambda one: described(one, media_type=types.OCI_LAYER_ZSTD),
    "no signature": lambda one: one.claim,
    "empty signature": lambda one: signed_by(one, value=b""),
    "long signature": lambda one: signed_by(one, value=bytes(64) + b"x"),
    "another's name": lambda one: signed_by(one, key="0" * 16),
    "a stranger": lambda one: STRANGER.sign(one.claim),
    "a stranger under our name": lambda one: signed_by(one, value=value_of(STRANGER.sign(one))),
}


def described(one: Entry, **changes: object) -> Entry:
    return replace(one, descriptor=replace(one.descriptor, **changes))  # type: ignore[arg-type]


def signed_by(one: Entry, **changes: object) -> Entry:
    assert one.signature is not None
    return replace(one, signature=replace(one.signature, **changes))  # type: ignore[arg-type]


def value_of(one: Entry) -> bytes:
    assert one.signature is not None
    return one.signature.value


def test_what_is_signed_is_vouched_for() -> None:
    signed = RING.sign(entry())
    assert READER.vouches_for(signed)
    assert RING.vouches_for(signed)
    assert not READER.can_sign
    assert signed.claim == entry()
    assert RING.sign(signed) == signed  # always the same bytes


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_signed_is_not(change: str) -> None:
    assert not READER.vouches_for(CHANGES[change](RING.sign(entry())))


@given(st.integers(0, 63), st.integers(0, 7))
def test_every_bit_of_a_signature_counts(place: int, bit: int) -> None:
    signed = RING.sign(entry())
    value = bytearray(value_of(signed))
    value[place] ^= 1 << bit
    assert not READER.vouches_for(signed_by(signed, value=bytes(value)))


def test_no_two_claims_have_one_message() -> None:
    one, other = entry(), entry()
    one = replace(one, key='a","b', recipe="c")
    other = replace(other, key="a", recipe='b","c')
    assert one.message != other.message


def test_a_signature_is_written_and_read() -> None:
    mine, theirs, none = RING.sign(entry()), STRANGER.sign(entry()), entry()
    # Of each signer one, the newest.
    older = RING.sign(replace(entry(), diff_id=Digest.of(b"older")))
    written = dump_entries([mine, theirs, none, older])
    assert parse_entries(written) == (mine, theirs, none)


@pytest.mark.parametrize(
    "signature", [5, {}, {"key": "k", "ed25519": "*"}, {"key": 1, "ed25519": "AA=="}]
)
def test_signatures_that_make_no_sense(signature: object) -> None:
    with pytest.raises(MalformedDocumentError, match="signature"):
        parse_entries(dump({"entries": [entry().to_json() | {"signature": signature}]}))


# pyjib init layer-index-key


def test_init_makes_a_pair(tmp_path: Path) -> None:
    made = Cli(home=tmp_path)("init", "layer-index-key", tmp_path)
    private, public = tmp_path / "layer-index.key", tmp_path / "layer-index.pub"
    assert (made.code, made.lines) == (0, [str(public)])
    keys = read(private.read_text(), public.read_text())
    assert keys.private is not None
    assert keys.public == (public_key(keys.private),)
    if os.name != "nt":
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
    line = private.read_text().splitlines()[1]
    assert line not in made.stdout + made.stderr
    assert make_private_key() != make_private_key()


@pytest.mark.parametrize("name", ["layer-index.key", "layer-index.pub"])
def test_init_writes_over_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    refused = Cli(home=tmp_path)("init", "layer-index-key", tmp_path)
    assert refused.code == 2
    assert f"{tmp_path / name} is there already" in refused.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.glob("layer*")] == [(name, "mine")]


def test_init_in_no_directory(tmp_path: Path) -> None:
    refused = Cli(home=tmp_path)("init", "layer-index-key", tmp_path / "no")
    assert refused.code == 1
    assert "create its directory first" in refused.stderr


def test_a_signature_names_its_key() -> None:
    signature = RING.sign(entry()).signature
    assert isinstance(signature, Signature)
    assert len(signature.key) == 16
