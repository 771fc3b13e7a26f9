from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from pyjib.engine.endpoint import (
    DEFAULT_PIPE,
    Endpoint,
    EngineTls,
    TcpAddress,
    UnixAddress,
    probed_endpoints,
    stated_endpoint,
)
from pyjib.errors import EngineError
from pyjib.options import HostEnvironment


def write_context(home: Path, name: str, url: str, *, skip: bool = False, tls: bool = False) -> str:
    identifier = hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker" / "contexts" / "meta" / identifier
    meta.mkdir(parents=True)
    endpoint = {"Host": url, "SkipTLSVerify": skip}
    (meta / "meta.json").write_text(
        json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}})
    )
    if tls:
        (home / ".docker" / "contexts" / "tls" / identifier / "docker").mkdir(parents=True)
    return identifier


def write_config(home: Path, text: str) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker" / "config.json").write_text(text)


ORDER = [
    # variables, currentContext, the URL expected and where it comes from
    ({}, None, None, None),
    ({"DOCKER_HOST": ""}, None, None, None),
    ({"DOCKER_HOST": "unix:///h"}, "office", "unix:///h", "DOCKER_HOST"),
    ({"DOCKER_HOST": "tcp://h:1", "DOCKER_CONTEXT": "office"}, None, "tcp://h:1", "DOCKER_HOST"),
    ({"DOCKER_HOST": "", "DOCKER_CONTEXT": "office"}, None, "unix:///office", "DOCKER_CONTEXT"),
    ({"DOCKER_CONTEXT": "office"}, "home", "unix:///office", "DOCKER_CONTEXT"),
    ({}, "home", "unix:///home", "currentContext"),
    ({}, "default", None, None),
    ({"DOCKER_CONTEXT": "default"}, "home", None, None),
]


@pytest.mark.parametrize(("variables", "current", "url", "source"), ORDER)
def test_order(
    tmp_path: Path,
    variables: dict[str, str],
    current: str | None,
    url: str | None,
    source: str | None,
) -> None:
    write_context(tmp_path, "office", "unix:///office")
    write_context(tmp_path, "home", "unix:///home")
    write_config(
        tmp_path, json.dumps({"auths": {}, **({"currentContext": current} if current else {})})
    )
    endpoint = stated_endpoint(HostEnvironment(variables=variables, home=tmp_path))
    if url is None or source is None:
        assert endpoint is None
    else:
        assert endpoint is not None
        assert endpoint.url == url
        assert source in endpoint.source


def test_no_configuration_at_all(tmp_path: Path) -> None:
    assert stated_endpoint(HostEnvironment(home=tmp_path)) is None


def test_docker_config_moves_contexts(tmp_path: Path) -> None:
    write_context(tmp_path, "far", "tcp://far:1")
    variables = {"DOCKER_CONFIG": str(tmp_path / ".docker"), "DOCKER_CONTEXT": "far"}
    endpoint = stated_endpoint(HostEnvironment(variables=variables, home=tmp_path / "none"))
    assert endpoint is not None
    assert endpoint.url == "tcp://far:1"


def test_context_with_certificates(tmp_path: Path) -> None:
    identifier = write_context(tmp_path, "far", "tcp://far", tls=True)
    write_context(tmp_path, "lax", "tcp://lax", tls=True, skip=True)
    host = HostEnvironment(variables={"DOCKER_CONTEXT": "far"}, home=tmp_path)
    endpoint = stated_endpoint(host)
    assert endpoint is not None
    below = tmp_path / ".docker" / "contexts" / "tls" / identifier / "docker"
    assert endpoint.tls == EngineTls.below(below, verify=True)
    assert str(endpoint.address()) == "tcp://far:2376"
    lax = stated_endpoint(HostEnvironment(variables={"DOCKER_CONTEXT": "lax"}, home=tmp_path))
    assert lax is not None
    assert lax.tls is not None
    assert not lax.tls.verify


@pytest.mark.parametrize(
    ("variables", "directory", "verify"),
    [
        ({"DOCKER_TLS_VERIFY": "1"}, ".docker", True),
        ({"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "certs"}, "certs", True),
        ({"DOCKER_CERT_PATH": "certs"}, "certs", False),
    ],
)
def test_certificates_of_the_environment(
    tmp_path: Path, variables: dict[str, str], directory: str, verify: bool
) -> None:
    if "DOCKER_CERT_PATH" in variables:
        variables = {**variables, "DOCKER_CERT_PATH": str(tmp_path / "certs")}
    variables = {**variables, "DOCKER_HOST": "tcp://far"}
    endpoint = stated_endpoint(HostEnvironment(variables=variables, home=tmp_path))
    assert endpoint is not None
    assert endpoint.tls == EngineTls.below(tmp_path / directory, verify=verify)


@pytest.mark.parametrize("empty", [{"DOCKER_TLS_VERIFY": "", "DOCKER_CERT_PATH": ""}, {}])
def test_no_certificates(tmp_path: Path, empty: dict[str, str]) -> None:
    variables = {**empty, "DOCKER_HOST": "tcp://far"}
    endpoint = stated_endpoint(HostEnvironment(variables=variables, home=tmp_path))
    assert endpoint is not None
    assert endpoint.address() == TcpAddress(host="far", port=2375)


def test_unknown_context(tmp_path: Path) -> None:
    host = HostEnvironment(variables={"DOCKER_CONTEXT": "gone"}, home=tmp_path)
    with pytest.raises(EngineError, match=r"no Docker context 'gone' \(DOCKER_CONTEXT\)") as error:
        stated_endpoint(host)
    assert "docker context ls" in str(error.value.hint)


@pytest.mark.parametrize("content", ["{", "[]", '{"a":1,"a":2}', "\x00"])
def test_broken_configuration(tmp_path: Path, content: str) -> None:
    write_config(tmp_path, content)
    with pytest.raises(EngineError, match=r"config\.json"):
        stated_endpoint(HostEnvironment(home=tmp_path))


def test_empty_configuration(tmp_path: Path) -> None:
    write_config(tmp_path, "")
    assert stated_endpoint(HostEnvironment(home=tmp_path)) is None


@pytest.mark.parametrize(
    "document", ["{}", '{"Endpoints": []}', '{"Endpoints": {"docker": {"Host": ""}}}']
)
def test_context_without_a_host(tmp_path: Path, document: str) -> None:
    identifier = write_context(tmp_path, "odd", "unix:///x")
    meta = tmp_path / ".docker" / "contexts" / "meta" / identifier / "meta.json"
    meta.write_text(document)
    host = HostEnvironment(variables={"DOCKER_CONTEXT": "odd"}, home=tmp_path)
    with pytest.raises(EngineError, match="names no host"):
        stated_endpoint(host)


def test_probed() -> None:
    variables = {"XDG_RUNTIME_DIR": "/run/user/1"}
    host = HostEnvironment(variables=variables, home=Path("/home/u"))
    assert [endpoint.url for endpoint in probed_endpoints(host, windows=False)] == [
        "unix:///var/run/docker.sock",
        "unix:///run/user/1/docker.sock",
        "unix:///home/u/.docker/run/docker.sock",
        "unix:///home/u/.docker/desktop/docker.sock",
        "unix:///home/u/.colima/default/docker.sock",
        "unix:///home/u/.orbstack/run/docker.sock",
        "unix:///home/u/.rd/docker.sock",
        "unix:///run/user/1/podman/podman.sock",
        "unix:///run/podman/podman.sock",
    ]
    (windows,) = probed_endpoints(host, windows=True)
    assert windows.url == DEFAULT_PIPE


def test_probed_without_a_runtime_directory() -> None:
    urls = [endpoint.url for endpoint in probed_endpoints(HostEnvironment(), windows=False)]
    assert len(urls) == 7


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("unix:///run/d.sock", UnixAddress(path=Path("/run/d.sock"))),
        ("tcp://host", TcpAddress(host="host", port=2375)),
        ("tcp://host:9/", TcpAddress(host="host", port=9)),
        ("http://host:9", TcpAddress(host="host", port=9)),
        ("127.0.0.1:9", TcpAddress(host="127.0.0.1", port=9)),
        ("tcp://[::1]:9", TcpAddress(host="::1", port=9)),
    ],
)
def test_address(url: str, address: object) -> None:
    assert Endpoint(url=url, source="").address() == address


def test_https_is_verified() -> None:
    address = Endpoint(url="https://host", source="").address()
    assert isinstance(address, TcpAddress)
    assert address.port == 2376
    assert address.tls is not None
    assert address.tls.verify


def test_ipv6_authority() -> None:
    assert str(TcpAddress(host="::1", port=9)) == "tcp://[::1]:9"


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("npipe:////./pipe/docker_engine", "DOCKER_HOST=tcp://localhost:2375"),
        ("ssh://me@host", "ssh -L"),
        ("fd://", "tcp://HOST:PORT"),
        ("tcp://", "tcp://HOST:PORT"),
        ("tcp://host:none", "tcp://HOST:PORT"),
        ("tcp://host:99999", "tcp://HOST:PORT"),
        ("tcp://host/path", "tcp://HOST:PORT"),
        ("tcp://me@host", "tcp://HOST:PORT"),
    ],
)
def test_addresses_of_no_use(url: str, hint: str) -> None:
    with pytest.raises(EngineError) as error:
        Endpoint(url=url, source="").address()
    assert hint in str(error.value.hint)
