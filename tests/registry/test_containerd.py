"""Containerd's ``hosts.toml``: which hosts stand in for a registry, and how they are asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyjib.base.places import Places
from pyjib.errors import ConfigurationError, NotFoundError, PyjibError
from pyjib.events import ignore
from pyjib.oci.digest import Digest
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, Mirror, RegistryOptions
from pyjib.registry.client import RegistryClient
from pyjib.registry.machine import Machine, read_machine
from pyjib.registry.mirrors import find_places
from pyjib.serve import RegistryServer
from tests.support.scripted import Reply, ScriptedServer
from tests.support.tls import Authority

MANIFEST = b'{"schemaVersion":2,"manifests":[]}'
DIGEST = Digest.of(MANIFEST)


class Containerd:
    """A machine with an ``/etc/containerd/certs.d`` in which a test writes what it likes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.host = HostEnvironment.of({}, root / "home", root / "etc")

    def write(self, registry: str, text: str, parent: str = "etc") -> Path:
        path = self.root / parent / "containerd" / "certs.d" / registry / "hosts.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def machine(self) -> Machine:
        return read_machine(self.host)

    def places(self, text: str, options: RegistryOptions | None = None) -> list[str]:
        found = find_places(Reference.parse(text), options or RegistryOptions(), self.machine)
        assert [place.is_mirror for place in found] == [True] * (len(found) - 1) + [False]
        return [str(place.reference) for place in found]

    def client(self) -> RegistryClient:
        return RegistryClient(RegistryOptions(attempts=1), self.host)


@pytest.fixture
def containerd(tmp_path: Path) -> Containerd:
    return Containerd(tmp_path)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


def test_hosts_in_the_order_of_the_file(containerd: Containerd) -> None:
    file = containerd.write(
        "docker.io",
        'server = "https://registry-1.docker.io"\n[host."https://z.io"]\n'
        'capabilities = ["pull"]\n[host."http://a.io:5000"]\n[host."https://z.io".header]\n'
        'x = "y"\n[host."https://docker.io"]\n[host."b.io"]\ncapabilities = ["push"]\n',
    )
    assert containerd.places("ubuntu:1") == [
        "z.io/library/ubuntu:1",
        "a.io:5000/library/ubuntu:1",
        "docker.io/library/ubuntu:1",
    ]
    assert containerd.places("r.io/app:1") == ["r.io/app:1"]
    places = find_places(Reference.parse("ubuntu:1"), RegistryOptions(), containerd.machine)
    assert [(place.tags, place.digests) for place in places] == [
        (False, True),
        (True, True),
        (True, True),
    ]
    assert [place.namespace for place in places] == ["docker.io", "docker.io", ""]
    assert [place.source for place in places] == [str(file), str(file), ""]


@pytest.mark.parametrize(
    ("address", "override", "location"),
    [
        ("https://m.io", False, "m.io/app:1"),
        ("https://m.io/", False, "m.io/app:1"),
        ("https://M.io:5000/v2", False, "m.io:5000/app:1"),
        ("m.io", False, "m.io/app:1"),
        ("https://m.io/v2/proxy/hub", True, "m.io/proxy/hub/app:1"),
        ("https://m.io/v2/proxy/", True, "m.io/proxy/app:1"),
        ("https://m.io/v2/a/v2", False, "m.io/a/v2/app:1"),
        ("https://m.io/api/docker", False, None),
        ("https://m.io", True, None),
        ("https://m.io/elsewhere", True, None),
    ],
)
def test_where_names_begin(
    containerd: Containerd, address: str, override: bool, location: str | None
) -> None:
    text = f'[host."{address}"]\noverride_path = {str(override).lower()}\n'
    file = containerd.write("r.io", text)
    if location is not None:
        assert containerd.places("r.io/app:1") == [location, "r.io/app:1"]
    else:
        with pytest.raises(ConfigurationError) as caught:
            containerd.places("r.io/app:1")
        assert str(file) in caught.value.message
    assert containerd.places("other.io/app:1") == ["other.io/app:1"]


def test_a_server_in_the_registrys_place(containerd: Containerd) -> None:
    containerd.write("r.io", 'server = "https://m.io/v2/r"\noverride_path = true\n')
    containerd.write("r.io_5000_", '[host."https://n.io"]\n')
    containerd.write("_default", 'server = "https://all.io"\n[host."https://first.io"]\n')
    assert containerd.places("r.io/app:1") == ["m.io/r/app:1"]
    assert containerd.places("r.io:5000/app:1") == ["n.io/app:1", "r.io:5000/app:1"]
    assert containerd.places("other.io/app:1") == ["first.io/app:1", "all.io/app:1"]
    (place,) = find_places(Reference.parse("r.io/app:1"), RegistryOptions(), containerd.machine)
    assert place.namespace == "r.io"


def test_who_goes_before_whom(containerd: Containerd) -> None:
    containerd.write("docker.io", '[host."https://machine.io"]\n')
    containerd.write("docker.io", '[host."https://own.io"]\n', "home/.config")
    daemon = containerd.root / "etc" / "docker" / "daemon.json"
    daemon.parent.mkdir()
    daemon.write_text('{"registry-mirrors": ["https://docker.example"]}')
    options = RegistryOptions(mirrors=(Mirror(registry="docker.io", location="option.io"),))
    assert containerd.places("hub/app:1", options) == [
        "option.io/hub/app:1",
        "docker.example/hub/app:1",
        "own.io/hub/app:1",
        "docker.io/hub/app:1",
    ]


def test_hosts_without_good_certificates(containerd: Containerd) -> None:
    file = containerd.write(
        "r.io",
        'skip_verify = true\n[host."http://a.io"]\n[host."https://b.io:5000"]\nskip_verify = true\n'
        '[host."https://c.io"]\n',
    )
    why = containerd.machine.why_insecure
    assert [why("a.io", 80), why("a.io", 443), why("b.io", 5000), why("r.io", 443)] == [file] * 4
    assert not any([why("a.io", 5000), why("b.io", 443), why("c.io", 443), why("r.io", 5000)])


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "host = 1",
        "host.a = 1",
        "server = 1",
        'server = "https://u:p@x"',
        '[host."ftp://x/"]',
        '[host."https://x"]\ncapabilities = ["fly"]',
        '[host."https://x"]\ncapabilities = "pull"',
        '[host."https://x"]\nskip_verify = 1',
        '[host."https://x"]\nca = 1',
        '[host."https://x"]\nca = [1]',
        '[host."https://x"]\nclient = [["a"]]',
        '[host."https://x"]\nclient = [1]',
        '[host."https://x"]\nclient = {a = 1}',
    ],
)
def test_files_that_cannot_be_used(containerd: Containerd, text: str) -> None:
    file = containerd.write("r.io", text)
    with pytest.raises(ConfigurationError) as caught:
        containerd.places("r.io/app:1")
    assert str(file) in caught.value.message
    assert "--no-mirrors" in (caught.value.hint or "")
    with pytest.raises(ConfigurationError):
        containerd.machine.why_insecure("r.io", 443)
    with pytest.raises(ConfigurationError):
        containerd.machine.certificates_for("r.io", 443)


def test_a_broken_file_is_none_to_who_asks_for_other_registries(containerd: Containerd) -> None:
    file = containerd.write("r.io", "x")
    good = containerd.write("other.io", 'server = "http://m.io"\n')
    containerd.write("_default", "y")
    machine = containerd.machine
    assert containerd.places("other.io/app:1") == ["m.io/app:1"]
    assert machine.why_insecure("m.io", 80) == good
    assert machine.why_insecure("r.io", 5000) is None
    assert machine.certificates_for("other.io", 443) is None
    with pytest.raises(ConfigurationError, match="_default"):
        containerd.places("third.io/app:1")
    file.unlink()
    assert containerd.machine.why_insecure("r.io", 443) is None


def test_hosts_are_told_whom_they_stand_in_for(
    containerd: Containerd, server: ScriptedServer
) -> None:
    """One mirror may do for many registries: it has no other way to know which is meant."""
    server.rule("GET", "/v2/app/manifests/1", Reply(404))
    server.rule("GET", "/v2/app/manifests/.*", Reply(200, {}, MANIFEST))
    containerd.write("_default", f'server = "{server.url}"\n')
    with containerd.client() as client:
        places = Places(client, Reference.parse("localhost:5000/app:1"), ignore)
        with pytest.raises(NotFoundError):
            places.by_tag(lambda asked, name: asked.manifest_get(name))
        data, _ = places.by_digest(DIGEST, lambda asked, name: asked.manifest_get(name))
        client.ping(server.address)
    assert data == MANIFEST
    assert [seen.target for seen in server.journal if "manifests" in seen.target] == [
        "/v2/app/manifests/1?ns=localhost%3A5000",
        f"/v2/app/manifests/{DIGEST}?ns=localhost%3A5000",
    ]
    assert server.journal[-1].target == "/v2/"


def test_a_host_that_does_not_resolve_is_not_asked_for_tags(
    containerd: Containerd, server: ScriptedServer
) -> None:
    with RegistryServer() as registry:
        name = Reference.parse(f"{registry.address}/app:1")
        server.rule("GET", ".*", Reply(200, {}, MANIFEST))
        file = containerd.write(
            registry.address.replace(":", "_") + "_",
            f'[host."{server.url}"]\ncapabilities = ["pull"]\n',
        )
        with containerd.client() as client:
            client.manifest_put(name, MANIFEST, "application/vnd.oci.image.index.v1+json")
            places = Places(client, name, ignore)
            places.by_tag(lambda asked, name: asked.manifest_get(name))
            assert server.requests == []
            places.by_digest(DIGEST, lambda asked, name: asked.manifest_get(name))
    assert server.requests == [f"GET /v2/app/manifests/{DIGEST}"], file


def asked_by_tls(containerd: Containerd, registry: RegistryServer) -> None:
    with containerd.client() as client:
        (place, _) = client.places(Reference.parse("r.example/app:1"))
        assert place.reference.registry == registry.address
        assert client.at(place).manifest_head(place.reference) is None


def refused(containerd: Containerd, registry: RegistryServer) -> str:
    with pytest.raises(PyjibError) as caught:
        asked_by_tls(containerd, registry)
    return caught.value.message


def test_certificates_of_a_host(containerd: Containerd, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.sign(name="client")
    with RegistryServer(tls=authority.serve(authority.sign(), clients=True)) as registry:
        begin = f'[host."https://{registry.address}"]\n'
        file = containerd.write("r.example", begin)
        assert "cannot be trusted" in refused(containerd, registry)
        (file.parent / "ca.pem").write_bytes(authority.certificate.read_bytes())
        trusting = f'{begin}ca = "ca.pem"\n'
        containerd.write("r.example", trusting)
        assert "client certificate" in refused(containerd, registry)
        both = tmp_path / "both.pem"
        both.write_bytes(own.certificate.read_bytes() + own.key.read_bytes())
        pair = f"['{own.certificate}', '{own.key}']"
        for client in (f"[{pair}]", f"'{both}'", f"['{both}']", f"[['{both}', '']]"):
            containerd.write("r.example", f"{trusting}client = {client}\n")
            asked_by_tls(containerd, registry)
        containerd.write("r.example", f"{begin}skip_verify = true\nclient = '{both}'\n")
        asked_by_tls(containerd, registry)


@pytest.mark.parametrize("name", ["{host}:{port}", "{host}_{port}_"])
def test_certificates_in_a_folder_without_hosts(
    containerd: Containerd, tmp_path: Path, name: str
) -> None:
    """With a ``hosts.toml`` beside it a certificate is for whom that says, and for nobody else."""
    authority = Authority(tmp_path)
    with RegistryServer(tls=authority.serve(authority.sign())) as registry:
        host, _, port = registry.address.partition(":")
        file = containerd.write(name.format(host=host, port=port), '[host."https://m.io"]\n')
        (file.parent / "ca.crt").write_bytes(authority.certificate.read_bytes())
        reference = Reference.parse(f"{registry.address}/app:1")
        with containerd.client() as client, pytest.raises(PyjibError, match="cannot be trusted"):
            client.manifest_head(reference)
        file.unlink()
        with containerd.client() as client:
            assert client.manifest_head(reference) is None


def test_without_mirrors_nothing_of_it_is_read(containerd: Containerd) -> None:
    containerd.write("r.io", "x")
    options = RegistryOptions(use_mirrors=False)
    with RegistryClient(options, containerd.host) as client:
        (place,) = client.places(Reference.parse("r.io/app:1"))
    assert str(place.reference) == "r.io/app:1"


@pytest.mark.parametrize("address", ["https://m.io", "m.io", "", "://", "https://[::1]:5000/v2/x"])
@given(damage=st.binary(max_size=8), place=st.integers(min_value=0, max_value=200))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_the_file(
    containerd: Containerd, address: str, damage: bytes, place: int
) -> None:
    text = f'server = "{address}"\nca = "x"\n[host."{address}"]\nclient = [["a", "b"]]\n'.encode()
    file = containerd.write("r.io", "")
    file.write_bytes(text[:place] + damage + text[place:])
    try:
        places = containerd.places("r.io/app:1")
    except ConfigurationError:
        return  # nothing else is ever raised
    assert all(name.endswith("app:1") for name in places), file
