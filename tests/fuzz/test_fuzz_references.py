from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyjib.errors import PyjibError
from pyjib.oci.digest import Digest
from pyjib.oci.location import parse_location
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference, check_tag
from pyjib.registry.login.challenge import parse_challenges
from pyjib.registry.login.scope import parse_scopes
from tests.support.fuzzing import damaged, fuzz, survives

MIB = 1 << 20
DIGEST = "sha256:" + "0123456789abcdef" * 4
NAMES = (
    "busybox",
    "ghcr.io/objectworld/docker-hello:1.0.0",
    "[::1]:5000/a__b/c-d.e:v1",
    f"localhost:5000/app@{DIGEST}",
    f"index.docker.io/library/eclipse-temurin:17-jre@{DIGEST}",
    "linux/arm64/v8",
    "docker://app:1",
    "tar://out/app.tar",
    "oci://layout:latest",
)
PARTS = (b":", b"@", b"[", b"]", b"--", b"__", b".", b":65536", b"a-" * 3000, b"a/" * 3000)
CHALLENGES = (
    'Bearer realm="https://auth.example.org/token",service="r.io",scope="repository:a/b:pull"',
    'Basic realm="a \\"b\\"", Negotiate YII=, Bearer realm=x , error="insufficient_scope"',
    "Negotiate, NTLM, Basic",
)
MARKS = (
    b'="',
    b'"',
    b"\\",
    b",",
    b" ",
    b"= ",
    b'a="' * 3000,
    b",," * 3000,
    b"a " * 3000,
    b"\\" * 6000,
)


@given(data=damaged([name.encode() for name in NAMES], PARTS))
@example(data=b"ghc" + b"r." * 150_000 + b"io/a/b")
@example(data=b"h" * 1000 + b".io/a/b")
@fuzz
def test_names(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for parse in (Reference.parse, parse_location, Digest.parse, Platform.parse):
        survives(parse, text)
    reference = survives(Reference.parse, text)
    if reference is not None:
        assert Reference.parse(str(reference)) == reference
        assert str(reference).isascii()


@pytest.mark.parametrize(
    "text", ["a" * MIB + "!", "A" * MIB, "A" * MIB + "/b/", "x://" + "a" * MIB]
)
def test_long_names_make_short_messages(text: str) -> None:
    for parse in (Reference.parse, parse_location, Digest.parse, Platform.parse, check_tag):
        with pytest.raises(PyjibError) as caught:
            parse(text)
        assert len(f"{caught.value.message}{caught.value.hint}") < 3000


@given(text=st.text())
@fuzz
def test_any_text(text: str) -> None:
    for parse in (Reference.parse, parse_location, Digest.parse, Platform.parse):
        survives(parse, text)
    parse_challenges([text])


@given(data=damaged([challenge.encode() for challenge in CHALLENGES], MARKS))
@fuzz
def test_challenges(data: bytes) -> None:
    found = survives(read_challenges, data)
    assert found is not None
    assert all(scheme == scheme.lower() for scheme in found)


def read_challenges(data: bytes) -> list[str]:
    found = parse_challenges([data.decode("latin-1"), data.decode("utf-8", "replace")])
    for challenge in found:
        parse_scopes(challenge.get("scope"))
    return [challenge.scheme for challenge in found]
