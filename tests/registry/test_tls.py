"""Certificates: which are trusted, which are shown, and what is said of those that are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyjib.errors import ConfigurationError, PyjibError, TransportError
from pyjib.oci.reference import Reference
from pyjib.options import ClientCertificate, HostEnvironment, RegistryOptions
from pyjib.registry.client import RegistryClient
from pyjib.registry.net.certificates import HostCertificates, check_pem, find_certificates
from pyjib.registry.net.urls import Url
from pyjib.serve import RegistryServer
from tests.support.tls import Authority, Pair


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    return authority.sign()


def folder(parent: Path, server: RegistryServer) -> Path:
    made = parent / "certs.d" / server.address
    made.mkdir(parents=True)
    return made


def ask(server: RegistryServer, home: Path, **options: Any) -> None:
    """Ask a server for something that it has not."""
    system = options.pop("system", None)
    host = HostEnvironment.of(options.pop("variables", {}), home, system)
    reference = Reference.parse(f"{server.address}/app:1")
    with RegistryClient(RegistryOptions(**{"attempts": 1, **options}), host) as client:
        assert client.manifest_head(reference) is None


def refusal(server: RegistryServer, home: Path, **options: Any) -> PyjibError:
    with pytest.raises((TransportError, ConfigurationError)) as caught:
        ask(server, home, **options)
    return caught.value


def test_folders_that_may_not_be_looked_at_are_not_there(tmp_path: Path) -> None:
    host = HostEnvironment.of({"XDG_CONFIG_HOME": str(tmp_path / ("x" * 300))}, tmp_path)
    found = find_certificates(Url.of_host("https", "r.example"), RegistryOptions(), host)
    assert found == HostCertificates()


@pytest.mark.parametrize(
    "place",
    [
        "home/.docker",
        "home/.config/docker",
        "home/.config/containers",
        "config/docker",
        "config/containers",
        "etc/docker",
        "etc/containers",
    ],
)
def test_authorities_of_one_host(
    authority: Authority, pair: Pair, tmp_path: Path, place: str
) -> None:
    variables = {"XDG_CONFIG_HOME": str(tmp_path / "config")} if place[0] == "c" else {}
    with RegistryServer(tls=authority.serve(pair)) as server:
        refusal(server, tmp_path / "home", variables=variables, system=tmp_path / "etc")
        made = folder(tmp_path / place, server)
        (made / "ca.crt").write_bytes(authority.certificate.read_bytes())
        ask(server, tmp_path / "home", variables=variables, system=tmp_path / "etc")
        refusal(server, tmp_path / "elsewhere")


def test_an_authority_is_trusted_for_its_host_alone(
    authority: Authority, pair: Pair, tmp_path: Path
) -> None:
    with (
        RegistryServer(tls=authority.serve(pair)) as one,
        RegistryServer(tls=authority.serve(pair)) as other,
    ):
        made = folder(tmp_path / ".docker", one)
        (made / "ca.crt").write_bytes(authority.certificate.read_bytes())
        host = HostEnvironment.of({}, tmp_path)
        with RegistryClient(RegistryOptions(attempts=1), host) as client:
            assert client.manifest_head(Reference.parse(f"{one.address}/app:1")) is None
            with pytest.raises(TransportError) as caught:
                client.manifest_head(Reference.parse(f"{other.address}/app:1"))
    error = caught.value
    assert f"the certificate of {other.address} cannot be trusted" in error.message
    assert f"~/.docker/certs.d/{other.address}" in (error.hint or "")
    assert "--ca-file" in (error.hint or "")


def test_a_client_certificate_in_a_folder(authority: Authority, pair: Pair, tmp_path: Path) -> None:
    own = authority.sign(name="client")
    with RegistryServer(tls=authority.serve(pair, clients=True)) as server:
        made = folder(tmp_path / ".docker", server)
        (made / "client.cert").write_bytes(own.certificate.read_bytes())
        (made / "client.key").write_bytes(own.key.read_bytes())
        ask(server, tmp_path, ca_file=authority.certificate)
        (made / "client.key").unlink()
        error = refusal(server, tmp_path, ca_file=authority.certificate)
        assert "client.cert has no key beside it" in error.message
        assert ".crt" in (error.hint or "")


@pytest.mark.parametrize("in_one_file", [False, True])
def test_a_client_certificate_by_option(
    authority: Authority, pair: Pair, tmp_path: Path, *, in_one_file: bool
) -> None:
    own = authority.sign(name="client")
    certificate, key = own.certificate, own.key
    if in_one_file:
        certificate = tmp_path / "both.pem"
        certificate.write_bytes(own.certificate.read_bytes() + own.key.read_bytes())
    with RegistryServer(tls=authority.serve(pair, clients=True)) as server:
        given = ClientCertificate(
            registry=server.address, certificate=certificate, key=None if in_one_file else key
        )
        ask(server, tmp_path, ca_file=authority.certificate, client_certificates=(given,))
        ask(server, tmp_path, insecure=frozenset({server.address}), client_certificates=(given,))


def test_a_registry_that_wants_a_client_certificate(
    authority: Authority, pair: Pair, tmp_path: Path
) -> None:
    with RegistryServer(tls=authority.serve(pair, clients=True)) as server:
        error = refusal(server, tmp_path, ca_file=authority.certificate)
        assert "client certificate" in error.message
        assert f"--client-cert {server.address}=" in (error.hint or "")
        stranger = Authority(tmp_path, "stranger").sign(name="client")
        given = ClientCertificate(
            registry=server.address, certificate=stranger.certificate, key=stranger.key
        )
        error = refusal(
            server, tmp_path, ca_file=authority.certificate, client_certificates=(given,)
        )
        assert "client certificate" in error.message


@pytest.mark.parametrize("damage", ["missing", "not PEM", "another's key", "password"])
def test_a_client_certificate_that_cannot_be_shown(
    authority: Authority, pair: Pair, tmp_path: Path, damage: str
) -> None:
    own = authority.sign(name="client", password=b"s3cret" if damage == "password" else None)
    certificate, key = own.certificate, own.key
    if damage == "missing":
        key = tmp_path / "no-such.key"
    elif damage == "not PEM":
        certificate = tmp_path / "text.cert"
        certificate.write_text("not a certificate")
    elif damage == "another's key":
        key = authority.sign(name="other").key
    with RegistryServer(tls=authority.serve(pair)) as server:
        given = ClientCertificate(registry=server.address, certificate=certificate, key=key)
        error = refusal(
            server, tmp_path, ca_file=authority.certificate, client_certificates=(given,)
        )
    assert isinstance(error, ConfigurationError)
    assert str(certificate) in error.message
    assert "--client-cert" in (error.hint or "")


@pytest.mark.parametrize(
    ("names", "days", "message", "hint"),
    [
        (("127.0.0.1",), -1, "has expired", "renewed"),
        (("other.example",), 1, "IP address mismatch", "name the server as its certificate does"),
    ],
)
def test_certificates_that_do_not_do(
    authority: Authority,
    tmp_path: Path,
    names: tuple[str, ...],
    days: int,
    message: str,
    hint: str,
) -> None:
    with RegistryServer(tls=authority.serve(authority.sign(*names, days=days))) as server:
        error = refusal(server, tmp_path, ca_file=authority.certificate)
    assert message in error.message
    assert hint in (error.hint or "")


def test_a_damaged_authority_is_named(authority: Authority, pair: Pair, tmp_path: Path) -> None:
    with RegistryServer(tls=authority.serve(pair)) as server:
        made = folder(tmp_path / ".docker", server)
        (made / "bad.crt").write_text("not a certificate")
        error = refusal(server, tmp_path)
    assert str(made / "bad.crt") in error.message
    assert str(made) in (error.hint or "")


def test_names_of_folders(tmp_path: Path) -> None:
    parent = tmp_path / ".docker" / "certs.d"
    for name in ("r.io", "r.io:443", "r.io:5000", "docker.io", "[fd00::1]:5000"):
        (parent / name).mkdir(parents=True)
        (parent / name / "ca.crt").touch()

    def found(url: str) -> list[str]:
        host = HostEnvironment.of({}, tmp_path)
        certificates = find_certificates(Url.parse(url), RegistryOptions(), host)
        return [path.parent.name for path in certificates.authorities]

    assert found("https://r.io/") == ["r.io", "r.io:443"]
    assert found("https://r.io:5000/") == ["r.io:5000"]
    assert found("https://r.io:6000/") == []
    assert found("https://registry-1.docker.io/") == ["docker.io"]
    assert found("https://[fd00::1]:5000/") == ["[fd00::1]:5000"]


def test_files_in_pem_form(authority: Authority, tmp_path: Path) -> None:
    check_pem(authority.certificate, "--ca-file")
    der = tmp_path / "ca.der"
    der.write_bytes(b"\x30\x82\x01\x0a")
    with pytest.raises(ConfigurationError, match="no certificates in PEM form"):
        check_pem(der, "--ca-file")
    with pytest.raises(ConfigurationError, match="No such file"):
        check_pem(tmp_path / "none", "--ca-file")
