"""How a registry is reached: schemes, certificates, proxies, and what fails before an answer."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.errors import ConfigurationError, TransportError, UnauthorizedError
from pyjib.events import Warned
from pyjib.oci.blob import Blob
from pyjib.oci.reference import Reference
from pyjib.registry.calls.uploads import Outcome
from pyjib.serve import RegistryServer
from tests.support.clients import make_certificate, watched
from tests.support.scripted import Reply, ScriptedServer

BLOB = Blob.of_bytes(b"layer", "application/vnd.oci.image.layer.v1.tar")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def tls(certificate: tuple[Path, ssl.SSLContext]) -> Iterator[RegistryServer]:
    with RegistryServer(tls=certificate[1]) as server:
        yield server


def app(address: str) -> Reference:
    return Reference.parse(f"{address}/app:1")


def test_a_loopback_registry_of_tls(
    tls: RegistryServer, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    with watched(ca_file=certificate[0]) as it:
        assert it.client.blob_push(app(tls.address), BLOB) is Outcome.UPLOADED
    assert it.of(Warned) == []


def test_ssl_cert_file(tls: RegistryServer, certificate: tuple[Path, ssl.SSLContext]) -> None:
    with watched(variables={"SSL_CERT_FILE": str(certificate[0])}) as it:
        assert it.client.manifest_head(app(tls.address)) is None


def test_an_unknown_authority(tls: RegistryServer) -> None:
    with watched() as it:
        with pytest.raises(TransportError) as caught:
            it.client.manifest_head(app(tls.address))
        assert f"the certificate of {tls.address} cannot be trusted" in caught.value.message
        assert "--ca-file" in (caught.value.hint or "")
        assert f"--insecure {tls.address}" in (caught.value.hint or "")
        assert it.waits == []


def test_insecure_takes_any_certificate(tls: RegistryServer) -> None:
    with watched(insecure=frozenset({tls.address})) as it:
        assert it.client.manifest_head(app(tls.address)) is None


@pytest.mark.parametrize(
    ("listed", "is_taken"), [("{host}", True), ("{host}:{port}", True), ("{host}:1", False)]
)
def test_a_host_without_a_port_stands_for_all_its_ports(
    tls: RegistryServer, listed: str, is_taken: bool
) -> None:
    host, _, port = tls.address.partition(":")
    insecure = frozenset({listed.format(host=host, port=port)})
    with watched(insecure=insecure, attempts=1) as it:
        if is_taken:
            assert it.client.manifest_head(app(tls.address)) is None
        else:
            with pytest.raises(TransportError, match="cannot be trusted"):
                it.client.manifest_head(app(tls.address))


def test_a_server_that_says_it_wants_https() -> None:
    """As those of Go and nginx do to plain http."""
    with ScriptedServer() as server:
        text = b"Client sent an HTTP request to an HTTPS server.\n"
        server.rule("GET", "/v2/", Reply(400, {}, text))
        with watched(attempts=1) as it, pytest.raises(TransportError):
            it.client.manifest_head(app(server.address))
        assert [str(seen) for seen in server.journal] == ["GET /v2/"]


@pytest.fixture
def proxy() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def test_anything_else_is_asked_over_https_only(proxy: ScriptedServer) -> None:
    proxy.rule("CONNECT", "r.example:443", Reply(403))
    with watched(variables={"all_proxy": proxy.url}, login=("r.example", "me", "pw")) as it:
        with pytest.raises(TransportError) as caught:
            it.client.manifest_head(app("r.example"))
        assert "the proxy refused (403 Forbidden)" in caught.value.message
        assert "https_proxy" in (caught.value.hint or "")
    assert [seen.target for seen in proxy.journal] == ["r.example:443"]


def test_docker_hub_is_asked_at_its_api(proxy: ScriptedServer) -> None:
    with watched(variables={"https_proxy": proxy.url}) as it, pytest.raises(TransportError):
        it.client.manifest_head(Reference.parse("ubuntu"))
    assert [seen.target for seen in proxy.journal] == ["registry-1.docker.io:443"]


def test_an_insecure_registry_of_plain_http_gets_no_login(proxy: ScriptedServer) -> None:
    """Over the wire of others a login is not shown; loopback is nobody else's."""
    proxy.rule("GET", "http://r.example:5000/v2/", Reply())
    proxy.rule("*", "http://.*", Reply(401, {"WWW-Authenticate": "Basic"}))
    with (
        watched(
            variables={"all_proxy": proxy.url},
            login=("r.example:5000", "me", "pw"),
            insecure=frozenset({"r.example:5000"}),
        ) as it,
        pytest.raises(UnauthorizedError) as caught,
    ):
        it.client.manifest_get(app("r.example:5000"))
    assert "plain http" in (caught.value.hint or "")
    assert all(seen.authorization is None for seen in proxy.journal)
    assert "talking to r.example:5000 over plain http" in [event.message for event in it.of(Warned)]


def test_a_proxys_login_is_not_told(proxy: ScriptedServer) -> None:
    address = proxy.address
    proxy.rule("CONNECT", ".*", Reply(407))
    variables = {"https_proxy": f"http://user:s3cret@{address}"}
    with watched(variables=variables) as it, pytest.raises(TransportError) as caught:
        it.client.manifest_head(app("r.example"))
    assert "proxy-authorization" in proxy.journal[0].headers
    assert "s3cret" not in caught.value.message + str(caught.value.hint)


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_ca_file_that_is_none(tls: RegistryServer, tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with watched(ca_file=path) as it, pytest.raises(ConfigurationError) as caught:
        it.client.manifest_head(app(tls.address))
    assert str(path) in caught.value.message
    assert "--ca-file" in (caught.value.hint or "")
    variables = {"SSL_CERT_FILE": str(path)}
    with watched(variables=variables) as it, pytest.raises(ConfigurationError):
        it.client.manifest_head(app(tls.address))


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:  # asking for real would leave this machine
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with watched(attempts=2) as it, pytest.raises(TransportError) as caught:
        it.client.manifest_head(app("no-such-host.invalid"))
    assert "no-such-host.invalid" in caught.value.message
    assert "DNS" in (caught.value.hint or "")


def test_a_client_costs_nothing_until_it_asks() -> None:
    """Importing httpcore takes longer than all the rest, and so does reading certificates."""
    program = (
        "import sys\n"
        "from pyjib.registry.client import RegistryClient\n"
        "from pyjib.options import HostEnvironment, RegistryOptions\n"
        "RegistryClient(RegistryOptions(), HostEnvironment()).close()\n"
        "print([name for name in ('httpx', 'httpcore', 'certifi') if name in sys.modules])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
