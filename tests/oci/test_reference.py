"""The reference vectors of the registry specification, and laws that hold for all references."""

from __future__ import annotations

import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import ConfigurationError, InvalidReferenceError
from pyjib.oci.digest import Digest
from pyjib.oci.location import RegistryLocation, Scratch, parse_location
from pyjib.oci.reference import Reference

A = "sha256:" + "a" * 64
B512 = "sha512:" + "b" * 128
LONG = "/".join(["abcdefg"] * 32)  # 255 characters

ACCEPTED = [
    ("ubuntu", "docker.io", "library/ubuntu", "latest", None),
    ("foo/bar:1", "docker.io", "foo/bar", "1", None),
    ("docker.io/ubuntu", "docker.io", "library/ubuntu", "latest", None),
    ("index.docker.io/ubuntu", "docker.io", "library/ubuntu", "latest", None),
    ("registry-1.docker.io/ubuntu", "docker.io", "library/ubuntu", "latest", None),
    ("registry.hub.docker.com/a/b", "docker.io", "a/b", "latest", None),
    ("Docker.IO/a/b", "docker.io", "a/b", "latest", None),
    ("localhost/app", "localhost", "app", "latest", None),
    ("localhost:5000/app:1", "localhost:5000", "app", "1", None),
    ("myhost:5000/app", "myhost:5000", "app", "latest", None),
    ("127.0.0.1:5000/a/b/c:t", "127.0.0.1:5000", "a/b/c", "t", None),
    ("localhost", "docker.io", "library/localhost", "latest", None),
    ("myhost:5000", "docker.io", "library/myhost", "5000", None),
    ("myhost/app", "docker.io", "myhost/app", "latest", None),
    ("R.IO/app", "r.io", "app", "latest", None),
    ("[::1]:5000/app", "[::1]:5000", "app", "latest", None),
    ("[fe80::A]/app", "[fe80::a]", "app", "latest", None),
    (f"ubuntu@{A}", "docker.io", "library/ubuntu", None, A),
    (f"ubuntu:24.04@{A}", "docker.io", "library/ubuntu", "24.04", A),
    (f"r.io/a@{B512}", "r.io", "a", None, B512),
    (f"r.io/a:{'t' * 128}", "r.io", "a", "t" * 128, None),
    ("r.io/a:_x", "r.io", "a", "_x", None),
    ("r.io/a__b/c--d/e.f_g", "r.io", "a__b/c--d/e.f_g", "latest", None),
    ("r.io:65535/a", "r.io:65535", "a", "latest", None),
    (f"r.io/{LONG}", "r.io", LONG, "latest", None),
    (f"{'0' * 64}/a", "docker.io", f"{'0' * 64}/a", "latest", None),
    ("xn--mnchen-3ya.de/a", "xn--mnchen-3ya.de", "a", "latest", None),
]

REJECTED = [
    "MyHost/app",
    "::1/app",
    "[::1%25eth0]:5000/app",
    "[::g]/app",
    "[1.2.3.4]/app",
    "[::1]x/app",
    "[:::]/app",
    "r.io/a@sha256:" + "A" * 64,
    "r.io/a@md5:" + "0" * 32,
    "r.io/App",
    "r.io/a:",
    "r.io/a:1:2",
    "r.io:port/a",
    "r.io/a@sha256:abc",
    "r.io/a@",
    "r.io/a:-x",
    "r.io/a:.x",
    f"r.io/a:{'t' * 129}",
    "r.io/a..b",
    "r.io/a___b",
    "r.io/a._b",
    "r.io/-a",
    "r.io/a-",
    "r.io//a",
    "r.io/a/",
    "/a",
    "r.io/",
    "r.io/../a",
    "https://r.io/a",
    "r.io:99999/a",
    "r.io:0/a",
    "r.io:/a",
    "-r.io/a",
    "r-.io/a",
    "r..io/a",
    "münchen.de/a",
    "reg_io.com/a",
    "r.io./a",
    "0123456789abcdef" * 4,
    f"r.io/{LONG}x",
    "x" * 248,  # with library/ one character too many
    "r.io/a:t\n",
    "r.io/a\n",
    f"r.io/a@{A}\n",
    "r.io:5000\n/a",
    "",
    " ",
    f"@{A}",
    "r.io/a b",
    " r.io/a",
    f"r.io/a@{A}@{A}",
    f"r.io/@{A}",
    "user@r.io/a",
    "user:pw@r.io/a",
    "$(x)",
    "r.io/$(x)",
    "r.io/a:$(x)",
    "r.io/a:\u0661",  # an Arabic digit is no ASCII word character
    "r.io:\u0661/a",
    "r.io/é",
]


@pytest.mark.parametrize(("text", "registry", "repository", "tag", "digest"), ACCEPTED)
def test_accepted(
    text: str, registry: str, repository: str, tag: str | None, digest: str | None
) -> None:
    parsed = Reference.parse(text)
    assert (parsed.registry, parsed.repository, parsed.tag) == (registry, repository, tag)
    assert parsed.digest == (Digest.parse(digest) if digest else None)


@pytest.mark.parametrize("text", REJECTED)
def test_rejected(text: str) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        Reference.parse(text)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("MyHost/app", "lower case"),
        ("https://r.io/a", "://"),
        ("r.io/App", "r.io/app"),
        ("0123456789abcdef" * 4, "tag"),
        ("r.io/a:-x", "128"),
    ],
)
def test_hints(text: str, hint: str) -> None:
    with pytest.raises(InvalidReferenceError) as caught:
        Reference.parse(text)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ci:s3cr3t@localhost:5000/app:1", "***@localhost:5000/app:1"),
        ("https://ci:s3cr3t@r.example/app", "https://***@r.example/app"),
        ("ci:s3c/r3t@x@r.example:1/app@sha256:abc", "***@r.example:1/app@sha256:abc"),
        ("ci:s3cr3t@localhost:1", "***@localhost:1"),
        ("s3cr3t@r.example/app", "***@r.example/app"),
    ],
)
@pytest.mark.parametrize("parse", [Reference.parse, parse_location])
def test_a_login_is_refused_and_not_shown(
    text: str, shown: str, parse: Callable[[str], object]
) -> None:
    with pytest.raises(InvalidReferenceError, match="a name has no login in it") as caught:
        parse(text)
    assert f"reference {shown!r}: a name" in caught.value.message
    assert "pyjib login" in str(caught.value.hint)


def test_a_login_is_not_shown_whatever_the_scheme_or_the_length() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_location("ftp://ci:s3cr3t@r.example/app")
    assert "s3cr3t" not in caught.value.message
    with pytest.raises(ConfigurationError) as caught:
        Reference.parse("ci:s3cr3t" + "x" * 2000 + "@r.example/app")
    assert "s3cr3t" not in caught.value.message


def test_digest_decides() -> None:
    both = Reference.parse(f"r.io/a:1@{A}")
    assert both.selector == A
    assert both.with_tag("2") == Reference.parse("r.io/a:2")
    assert both.with_digest(Digest.parse(A)) == Reference.parse(f"r.io/a@{A}")


@pytest.mark.parametrize(
    ("text", "familiar"),
    [
        ("ubuntu", "ubuntu:latest"),
        ("docker.io/foo/bar:1", "foo/bar:1"),
        ("r.io/a", "r.io/a:latest"),
    ],
)
def test_familiar(text: str, familiar: str) -> None:
    assert Reference.parse(text).familiar == familiar


def test_with_tag_takes_only_tags() -> None:
    with pytest.raises(InvalidReferenceError):
        Reference.parse("a").with_tag("a b")


def test_scratch_needs_no_registry() -> None:
    assert parse_location("scratch") == Scratch()
    assert isinstance(parse_location("registry://scratch"), RegistryLocation)


words = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=6)
paths = st.lists(words, min_size=1, max_size=4).map("/".join)
hosts = st.one_of(
    st.just("docker.io"),
    st.just("localhost"),
    st.lists(words, min_size=2, max_size=3).map(".".join),
    st.tuples(words, st.integers(1, 65535)).map(lambda pair: f"{pair[0]}:{pair[1]}"),
)
tags = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=20)
digests = st.binary(max_size=4).map(Digest.of)


@given(hosts, paths, st.one_of(st.none(), tags), st.one_of(st.none(), digests))
def test_text_round_trip(host: str, path: str, tag: str | None, digest: Digest | None) -> None:
    text = f"{host}/{path}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    parsed = Reference.parse(text)
    assert Reference.parse(str(parsed)) == parsed
    assert Reference.parse(parsed.familiar) == parsed
    assert parsed.tag or parsed.digest


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_an_error(text: str) -> None:
    try:
        parsed = Reference.parse(text)
    except InvalidReferenceError:
        return
    assert Reference.parse(str(parsed)) == parsed
    assert str(parsed).isascii()
    assert not set(str(parsed)) & set(" \t\r\n%?#\\$")
