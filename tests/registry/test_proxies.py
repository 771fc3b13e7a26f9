"""Which proxy is used, and what is said when it does not do."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from pyjib.errors import ConfigurationError, TransportError
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment
from pyjib.registry.net.proxies import Proxy, is_exempt, proxy_for
from pyjib.registry.net.urls import Url
from tests.support.clients import watched
from tests.support.scripted import Reply, ScriptedServer, listening_nowhere

PROXY = {"https_proxy": "http://proxy:3128", "HTTP_PROXY": "proxy:80"}
IMAGE = Reference.parse("r.example/app:1")


@pytest.fixture
def proxy() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.mark.parametrize(
    ("url", "variables", "proxy"),
    [
        ("https://r.io/", {}, None),
        ("https://r.io/", PROXY, "http://proxy:3128"),
        ("http://r.io/", PROXY, "http://proxy:80"),
        ("http://r.io/", PROXY | {"REQUEST_METHOD": "GET"}, None),
        ("http://r.io/", PROXY | {"http_proxy": "http://other"}, "http://other:80"),
        ("https://r.io/", {"https_proxy": "", "HTTPS_PROXY": "https://x"}, "https://x:443"),
        ("https://r.io/", {"ALL_PROXY": "http://all:1"}, "http://all:1"),
        ("https://r.io/", {"all_proxy": "socks5://all"}, "socks5://all:1080"),
        ("https://r.io/", {"https_proxy": "http://[fd00::1]:8080/"}, "http://[fd00::1]:8080"),
        ("http://localhost:5000/", PROXY, None),
        ("http://127.0.0.1:5000/", PROXY, None),
        ("https://[::1]:5000/", PROXY, None),
        ("https://r.io/", PROXY | {"NO_PROXY": "r.io"}, None),
        ("https://r.io/", PROXY | {"NO_PROXY": "r.io", "no_proxy": "x"}, "http://proxy:3128"),
    ],
)
def test_proxies(url: str, variables: dict[str, str], proxy: str | None) -> None:
    found = proxy_for(Url.parse(url), HostEnvironment(variables=variables))
    assert (found and str(found)) == proxy


@pytest.mark.parametrize(
    ("url", "no_proxy", "exempt"),
    [
        ("https://r.io/", "*", True),
        ("https://r.io/", "R.IO", True),
        ("https://a.r.io/", "x, .r.io", True),
        ("https://a.r.io/", "r.io", True),
        ("https://r.corp/", ".corp", True),
        ("https://corp/", ".corp", True),
        ("https://r.io/", "*.r.io", True),
        ("https://r.io/", "r.io.", True),
        ("https://r.io/", "r.io:443", True),
        ("https://r.io/", "r.io:5000", False),
        ("https://r.io/", ".r.io:443", True),
        ("https://evilr.io/", "r.io", False),
        ("https://r.io.evil/", "r.io", False),
        ("https://r.io/", "", False),
        ("https://r.io/", ", ,", False),
        ("https://r.io/", ".", False),
        ("https://r.io/", "r.io:x", False),
        ("https://r.io/", "10.0.0.0/8", False),
        ("https://10.0.0.1/", "10.0.0.1", True),
        ("https://10.1.2.3/", "10.0.0.0/8", True),
        ("https://10.1.2.3/", "10.0.0.7/8", True),
        ("https://11.1.2.3/", "10.0.0.0/8", False),
        ("https://10.1.2.3:5000/", "10.1.2.3:5000", True),
        ("https://10.1.2.3/", "10.1.2.3:5000", False),
        ("https://10.1.2.3:5000/", "10.0.0.0/8:5000", False),
        ("https://110.0.0.1/", "10.0.0.1", False),
        ("https://[fd00::1]/", "fd00::1", True),
        ("https://[fd00::1]/", "[fd00::1]", True),
        ("https://[fd00::1]/", "fd00::/8", True),
        ("https://[fd00::1]:5000/", "[fd00::1]:5000", True),
        ("https://[fd00::1]:5000/", "[fd00::1]:6000", False),
        ("https://[fd00:0::1]/", "fd00::1", True),
        ("https://[::ffff:10.0.0.1]/", "10.0.0.0/8", True),
    ],
)
def test_no_proxy(url: str, no_proxy: str, *, exempt: bool) -> None:
    assert is_exempt(Url.parse(url), no_proxy) is exempt


def test_a_login_in_a_proxys_address() -> None:
    proxy = Proxy.parse("http://me:p%40ss%2Fw@h:1/")
    assert (proxy.username, proxy.password, str(proxy)) == ("me", "p@ss/w", "http://h:1")
    assert "p@ss" not in repr(proxy)
    assert Proxy.parse("me:a/b@h").password == "a/b"
    assert Proxy.parse("me:a://b@h").password == "a://b"


@pytest.mark.parametrize(
    "text",
    [
        "ftp://u:s3cret@x",
        "http://u:s3cret@x:y",
        "u:s3cret@x:99999",
        "http://u:s3cret@",
        "u:s3cret://x@h:y",
    ],
)
def test_a_proxy_that_cannot_be(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Proxy.parse(text)
    assert "s3cret" not in caught.value.message
    assert "http://[USER:PASSWORD@]HOST:PORT" in (caught.value.hint or "")


def test_the_login_is_the_proxys_alone(proxy: ScriptedServer) -> None:
    proxy.rule("*", ".*/v2/", Reply())
    with ScriptedServer() as registry:
        registry.rule("GET", ".*/manifests/.*", Reply(404))
        variables = {"all_proxy": f"http://me:pw@{proxy.address}"}
        with watched(variables=variables, insecure=frozenset({"r.example:5000"})) as it:
            it.client.manifest_head(Reference.parse("r.example:5000/app:1"))
            it.client.manifest_head(Reference.parse(f"{registry.address}/app:1"))
    assert all("proxy-authorization" in seen.headers for seen in proxy.journal)
    assert all("proxy-authorization" not in seen.headers for seen in registry.journal)
    assert proxy.journal[-1].target.startswith("http://r.example:5000/v2/")
    assert proxy.journal[-1].headers["host"] == "r.example:5000"


@pytest.mark.faults
def test_a_proxy_that_wants_a_login(proxy: ScriptedServer) -> None:
    proxy.rule("CONNECT", ".*", Reply(407))
    with watched(variables={"https_proxy": f"http://u:s3cret@{proxy.address}"}) as it:
        with pytest.raises(TransportError) as caught:
            it.client.manifest_head(IMAGE)
        assert it.waits == []
    assert f"the proxy http://{proxy.address} wants a login" in caught.value.message
    assert "USER:PASSWORD@" in (caught.value.hint or "")
    assert "s3cret" not in caught.value.message + (caught.value.hint or "")
    assert len(proxy.journal) == 1


@pytest.mark.faults
def test_a_proxy_that_wants_a_login_for_plain_http(proxy: ScriptedServer) -> None:
    proxy.rule("*", ".*", Reply(407, {"Proxy-Authenticate": "Basic"}))
    variables = {"http_proxy": proxy.url, "https_proxy": proxy.url}
    with watched(variables=variables, insecure=frozenset({"r.example"})) as it:
        with pytest.raises(TransportError, match="wants a login"):
            it.client.manifest_head(IMAGE)
        assert it.waits == []


def test_a_proxy_that_is_not_there() -> None:
    with (
        listening_nowhere() as address,
        watched(variables={"https_proxy": address}, attempts=2) as it,
    ):
        with pytest.raises(TransportError) as caught:
            it.client.manifest_head(IMAGE)
        assert len(it.waits) == 1
    assert f"cannot reach r.example by the proxy http://{address}: connection refused" in (
        caught.value.message
    )
    assert "https_proxy" in (caught.value.hint or "")


def test_a_proxy_whose_name_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:  # asking for real would leave this machine
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    variables = {"https_proxy": "http://no-such-host.invalid:1"}
    with watched(variables=variables) as it, pytest.raises(TransportError) as caught:
        it.client.manifest_head(IMAGE)
    assert "cannot find the host of the proxy http://no-such-host.invalid:1" in caught.value.message


def test_socks_needs_a_package() -> None:
    variables = {"all_proxy": "socks5://127.0.0.1:1"}
    with watched(variables=variables) as it, pytest.raises(ConfigurationError, match="socksio"):
        it.client.manifest_head(IMAGE)
