from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import TransportError
from pyjib.registry.login.sites import are_related
from pyjib.registry.net.reach import Reach, check_hop, is_loopback, reach_of
from pyjib.registry.net.urls import Url, redact

BASE = Url.parse("https://r.io/v2/a/blobs/uploads/?x=1")


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://r.io/v2/up?_state=a+b%2f%2F==&y", "https://r.io/v2/up?_state=a+b%2f%2F==&y"),
        ("HTTPS://R.IO/UP", "https://r.io/UP"),
        ("https://r.io", "https://r.io/"),
        ("https://r.io?x", "https://r.io/?x"),
        ("https://r.io:443/up", "https://r.io/up"),
        ("https://r.io:5000/up", "https://r.io:5000/up"),
        ("https://[::1]:5000/up", "https://[::1]:5000/up"),
        ("//cdn.io/up?z", "https://cdn.io/up?z"),
        ("/up/load?_state=%2f", "https://r.io/up/load?_state=%2f"),
        ("uuid-1?s", "https://r.io/v2/a/blobs/uploads/uuid-1?s"),
        ("../other/./x", "https://r.io/v2/a/blobs/other/x"),
        ("../../../../../x", "https://r.io/x"),
        ("?s=1", "https://r.io/v2/a/blobs/uploads/?s=1"),
        ("/up#fragment", "https://r.io/up"),
        ("/a//b/../c", "https://r.io/a//b/../c"),  # rooted: opaque, byte for byte
    ],
)
def test_join(location: str, expected: str) -> None:
    assert BASE.join(location).full == expected


@pytest.mark.parametrize(
    "text",
    [
        "ftp://r.io/",
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "https://user:pw@r.io/",
        "https://r.io:0/",
        "https://r.io:99999/",
        "https://r.io/a b",
        "https://r.io/\r\nX: y",
        "https://r.io/é",
        "https://r io/",
        "https://[::1/",
    ],
)
def test_what_is_no_url(text: str) -> None:
    with pytest.raises(TransportError) as caught:
        Url.parse(text)
    assert "pw" not in caught.value.message
    with pytest.raises(TransportError):
        BASE.join(text)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/up", "/up?digest=d"),
        ("/up?", "/up?digest=d"),
        ("/up?_state=b%2fa+=&a=", "/up?_state=b%2fa+=&a=&digest=d"),
        ("/up?a&", "/up?a&digest=d"),
    ],
)
def test_queries_are_only_added_to(target: str, expected: str) -> None:
    assert BASE.at(target).with_query("digest=d").target == expected


def test_text_of_a_url_hides_secrets() -> None:
    url = Url.parse("https://r.io/up?_state=secret&digest=sha256:aa&scope=repository:a&k&n=1&tok=")
    shown = "https://r.io/up?_state=***&digest=sha256:aa&scope=repository:a&***&n=1&tok="
    assert str(url) == shown
    assert "secret" not in repr(url)
    assert redact("http://u:p@proxy:1/x?y=z") == "http://***@proxy:1/x?y=***"


targets = st.text(
    alphabet=string.ascii_letters + string.digits + "/?&=%+-._~:@!$'()*,;", max_size=30
).map(lambda text: f"/{text}")


@given(targets)
def test_targets_stay_byte_for_byte(target: str) -> None:
    url = Url.parse(f"http://r.io{target}")
    assert url.target == target
    assert Url.parse(url.full) == url
    if not target.startswith("//"):
        assert BASE.join(target).target == target


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("app.localhost:80", True),
        ("127.0.0.1:5000", True),
        ("127.9.9.9", True),
        ("[::1]:5000", True),
        ("[::ffff:127.0.0.1]", True),
        ("localhost.evil.com", False),
        ("notlocalhost", False),
        ("10.0.0.1", False),
        ("r.io:5000", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("8.8.8.8", Reach.PUBLIC),
        ("2001:4860:4860::8888", Reach.PUBLIC),
        ("10.1.2.3", Reach.PRIVATE),
        ("192.168.0.1", Reach.PRIVATE),
        ("fd00::1", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE),
        ("127.0.0.1", Reach.LOOPBACK),
        ("169.254.169.254", Reach.NEVER),
        ("::ffff:169.254.169.254", Reach.NEVER),
        ("fe80::1%eth0", Reach.NEVER),
        ("0.0.0.0", Reach.NEVER),
        ("[::]", Reach.NEVER),
        ("r.io", None),
    ],
)
def test_reach(address: str, reach: Reach | None) -> None:
    assert reach_of(address) is reach


ALLOWED = [
    ("https://8.8.8.8/", "https://8.8.4.4/"),
    ("https://10.0.0.1/", "https://10.0.0.2/"),
    ("https://10.0.0.1/", "https://8.8.8.8/"),
    ("http://127.0.0.1:1/", "http://127.0.0.1:2/"),
    ("http://localhost:1/", "http://10.0.0.1/"),
    ("http://r.invalid/", "https://r.invalid/"),
    ("https://169.254.1.1/", "https://169.254.1.1/x"),
]
REFUSED = [
    ("https://8.8.8.8/", "https://10.0.0.1/"),
    ("https://8.8.8.8/", "https://127.0.0.1/"),
    ("https://8.8.8.8/", "https://localhost/"),
    ("https://8.8.8.8/", "https://[::ffff:10.0.0.1]/"),
    ("https://10.0.0.1/", "https://127.0.0.1/"),
    ("http://127.0.0.1:1/", "http://169.254.169.254/latest"),
    ("http://127.0.0.1:1/", "http://0.0.0.0:1/"),
    ("https://8.8.8.8/", "http://8.8.8.8/"),
]


@pytest.mark.parametrize(("start", "target"), ALLOWED)
def test_hops_that_are_followed(start: str, target: str) -> None:
    check_hop(Url.parse(start), Url.parse(target), resolve=False)


@pytest.mark.advisories
@pytest.mark.parametrize(("start", "target"), REFUSED)
def test_hops_that_are_not(start: str, target: str) -> None:
    """CVE-2026-48978: a server must not send its clients into networks it cannot see."""
    with pytest.raises(TransportError):
        check_hop(Url.parse(start), Url.parse(target), resolve=False)


@pytest.mark.parametrize(
    ("registry", "realm", "related"),
    [
        ("r.io", "r.io", True),
        ("registry-1.docker.io", "auth.docker.io", True),
        ("registry.gitlab.com", "gitlab.com", True),
        ("example.com", "auth.example.com", True),
        ("127.0.0.1", "localhost", True),
        ("r.io", "evil.io", False),
        ("r.io", "evilr.io", False),
        ("a.io", "b.io", False),
        ("10.0.0.1", "11.0.0.1", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("r.io", "10.0.0.1", False),
        ("ghcr.io", "ghcr.io.evil.com", False),
        ("r.co.uk", "evil.co.uk", False),
        ("me.github.io", "evil.github.io", False),
        ("team.azurecr.io", "evil.azurecr.io", False),
        ("1.dkr.ecr.eu-west-1.amazonaws.com", "evil.s3.eu-west-1.amazonaws.com", False),
        ("1.dkr.ecr.eusc-de-east-1.amazonaws.eu", "2.dkr.ecr.eusc-de-east-1.amazonaws.eu", False),
        ("r.team.co.uk", "auth.team.co.uk", True),
        ("team.azurecr.io", "team.azurecr.io", True),
    ],
)
def test_related(registry: str, realm: str, related: bool) -> None:
    assert are_related(registry, realm) is related
