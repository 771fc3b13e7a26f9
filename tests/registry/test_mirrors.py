"""Which places are asked for an image, by options and by Docker's and Podman's set-up."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pyjib.errors import ConfigurationError
from pyjib.events import Event, Warned
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, Mirror, RegistryOptions
from pyjib.registry.client import RegistryClient
from pyjib.registry.machine import Machine, read_machine
from pyjib.registry.mirrors import find_places

HUB = Reference.parse("ubuntu:24.04")
DIGEST = "sha256:" + "a" * 64


class Files:
    """A home and an ``/etc`` in which a test writes what it likes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.variables: dict[str, str] = {}

    def write(self, path: str, text: object) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
        return target

    @property
    def machine(self) -> Machine:
        host = HostEnvironment.of(self.variables, self.root / "home", self.root / "etc")
        return read_machine(host)

    def places(self, text: str, *mirrors: tuple[str, str], use: bool = True) -> list[str]:
        options = RegistryOptions(
            mirrors=tuple(Mirror(registry=name, location=place) for name, place in mirrors),
            use_mirrors=use,
        )
        found = find_places(Reference.parse(text), options, self.machine)
        assert [place.is_mirror for place in found] == [True] * (len(found) - 1) + [False]
        return [str(place.reference) for place in found]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_nothing_set_up(files: Files) -> None:
    assert files.places("r.io/app:1") == ["r.io/app:1"]
    assert files.machine == Machine()


def test_files_that_may_not_be_looked_at_are_not_there(files: Files) -> None:
    """As a home that is another user's; a name that is too long is refused to root as well."""
    files.variables["CONTAINERS_REGISTRIES_CONF"] = str(files.root / ("x" * 300))
    assert files.machine == Machine()


def test_folders_that_may_not_be_entered_are_passed_over_with_a_warning(files: Files) -> None:
    files.write("etc/docker/daemon.json", {"registry-mirrors": ["https://m.io"]})
    files.variables["XDG_CONFIG_HOME"] = str(files.root / ("x" * 300))
    assert files.places("ubuntu:1") == ["m.io/library/ubuntu:1", "docker.io/library/ubuntu:1"]
    (closed,) = files.machine.closed
    assert closed.startswith(f"cannot read how registries are set up in {files.root}")
    host = HostEnvironment.of(files.variables, files.root / "home", files.root / "etc")
    events: list[Event] = []
    with RegistryClient(RegistryOptions(), host, listener=events.append) as client:
        client.places(HUB)
        client.places(HUB)
    (warning,) = events
    assert isinstance(warning, Warned)
    assert warning.message == closed
    assert "--no-mirrors" in (warning.hint or "")


@pytest.mark.parametrize("path", ["docker/daemon.json", "containers/registries.conf"])
def test_files_that_may_not_be_read_are_passed_over(files: Files, path: str) -> None:
    closed = files.write(f"etc/{path}", "no matter what")
    closed.chmod(0)
    if os.access(closed, os.R_OK):
        pytest.skip("no mode closes a file to root, nor on Windows")
    assert files.machine == Machine()
    assert len(files.machine.closed) == 1
    files.variables["CONTAINERS_REGISTRIES_CONF"] = str(closed)
    if closed.suffix == ".conf":
        with pytest.raises(ConfigurationError, match="cannot read"):
            _ = files.machine


def test_a_hosts_toml_that_may_not_be_read_is_passed_over(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = files.write("etc/containerd/certs.d/docker.io/hosts.toml", '[host."https://m.io"]')
    usual = Path.open

    def opened(path: Path, *more: Any, **rest: Any) -> Any:
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return usual(path, *more, **rest)

    assert files.places("ubuntu:1") == ["m.io/library/ubuntu:1", "docker.io/library/ubuntu:1"]
    monkeypatch.setattr(Path, "open", opened)
    assert files.places("ubuntu:1") == ["docker.io/library/ubuntu:1"]
    (told,) = files.machine.closed
    assert told == f"cannot read how registries are set up in {closed}: Permission denied"


def test_mirrors_by_option(files: Files) -> None:
    given = [("registry-1.docker.io", "m.io"), ("r.io:5000", "x"), ("docker.io", "M.io:1/hub/a")]
    assert files.places("ubuntu:24.04", *given) == [
        "m.io/library/ubuntu:24.04",
        "m.io:1/hub/a/library/ubuntu:24.04",
        "docker.io/library/ubuntu:24.04",
    ]
    assert files.places(f"r.io:5000/app@{DIGEST}", *given) == [
        f"x/app@{DIGEST}",
        f"r.io:5000/app@{DIGEST}",
    ]
    assert files.places("r.io/app:1", *given) == ["r.io/app:1"]
    assert files.places("r.io/app:1", ("r.io", "r.io"), ("r.io", "m"), ("r.io", "m")) == [
        "m/app:1",
        "r.io/app:1",
    ]


@pytest.mark.parametrize("location", ["", "m.io/UPPER", "m io", "m.io/a//b", "m.io:99999", "u@m"])
def test_mirrors_that_are_no_place(files: Files, location: str) -> None:
    with pytest.raises(ConfigurationError, match="--mirror names the mirror"):
        files.places("ubuntu", ("docker.io", location))


def test_dockers_mirrors_are_for_docker_hub(files: Files) -> None:
    files.write(
        "etc/docker/daemon.json",
        {"registry-mirrors": ["https://m.io/", "http://plain:5000", "bare.io"], "debug": True},
    )
    assert files.places("ubuntu:24.04") == [
        "m.io/library/ubuntu:24.04",
        "plain:5000/library/ubuntu:24.04",
        "bare.io/library/ubuntu:24.04",
        "docker.io/library/ubuntu:24.04",
    ]
    assert files.places("r.io/app:1") == ["r.io/app:1"]
    assert files.places("ubuntu:24.04", use=False) == ["docker.io/library/ubuntu:24.04"]
    assert files.machine.why_insecure("plain", 5000)
    assert not files.machine.why_insecure("m.io", 443)


@pytest.mark.parametrize("path", ["home/.config/docker", "home/.docker", "config/docker"])
def test_a_users_daemon_goes_before_the_machines(files: Files, path: str) -> None:
    if path.startswith("config"):
        files.variables["XDG_CONFIG_HOME"] = str(files.root / "config")
    files.write("etc/docker/daemon.json", {"registry-mirrors": ["https://machine.io"]})
    files.write(f"{path}/daemon.json", {"registry-mirrors": ["https://own.io"]})
    assert files.places("ubuntu:1")[:-1] == ["own.io/library/ubuntu:1"]


def test_dockers_insecure_registries(files: Files) -> None:
    path = files.write(
        "etc/docker/daemon.json",
        {"insecure-registries": ["R.corp:5000", "http://b.corp", "10.0.0.0/8", "[fd00::1]:5000"]},
    )
    machine = files.machine
    assert machine.why_insecure("r.corp", 5000) == path
    assert machine.why_insecure("r.corp", 443) is None
    assert machine.why_insecure("b.corp", 80) == path
    assert machine.why_insecure("b.corp", 443) == path
    assert machine.why_insecure("b.corp", 5000) is None
    assert machine.why_insecure("10.1.2.3", 443) == path
    assert machine.why_insecure("11.1.2.3", 443) is None
    assert machine.why_insecure("[fd00::1]", 5000) == path


@pytest.mark.parametrize(
    ("entry", "host"),
    [("192.0.2.2", "192.0.2.2"), ("fd00::1", "[fd00::1]"), ("[fd00::1]", "[fd00::1]")],
)
def test_an_address_alone_is_a_host_and_no_network(files: Files, entry: str, host: str) -> None:
    path = files.write("etc/docker/daemon.json", {"insecure-registries": [entry]})
    why = files.machine.why_insecure
    assert [why(host, 443), why(host, 80)] == [path] * 2
    assert not any([why(host, 5000), why("192.0.2.3", 443)])
    files.write("etc/docker/daemon.json", {"insecure-registries": ["192.0.2.2/32"]})
    assert files.machine.why_insecure("192.0.2.2", 5000) == path


PODMAN = """
unqualified-search-registries = ["docker.io"]

[aliases]
"x" = "y/x"

[[registry]]
prefix = "docker.io"
location = "corp.io/hub"
[[registry.mirror]]
location = "m1.io"
insecure = true
[[registry.mirror]]
location = "m2.io/deep"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "m3.io"
pull-from-mirror = "tag-only"

[[registry]]
location = "docker.io/library"
mirror-by-digest-only = true
[[registry.mirror]]
location = "lib.io"

[[registry]]
prefix = "*.corp"
insecure = true
[[registry.mirror]]
location = "all.corp.io"

[[registry]]
prefix = "bad.io/team"
blocked = true
"""


def test_podmans_rules(files: Files) -> None:
    path = files.write("etc/containers/registries.conf", PODMAN)
    assert files.places("docker.io/team/app:1") == [
        "m1.io/team/app:1",
        "m2.io/deep/team/app:1",
        "m3.io/team/app:1",
        "corp.io/hub/team/app:1",
    ]
    assert files.places("ubuntu:1") == ["lib.io/ubuntu:1", "docker.io/library/ubuntu:1"]
    assert files.places("r.corp/a/b:1") == ["all.corp.io/a/b:1", "r.corp/a/b:1"]
    assert files.places("bad.io/teams/app:1") == ["bad.io/teams/app:1"]
    with pytest.raises(ConfigurationError, match=r"registries\.conf blocks bad\.io/team") as caught:
        files.places("bad.io/team/app:1")
    assert "--no-mirrors" in (caught.value.hint or "")
    assert files.places("bad.io/team/app:1", use=False) == ["bad.io/team/app:1"]
    machine = files.machine
    assert machine.why_insecure("m1.io", 443) == path
    assert machine.why_insecure("x.y.corp", 5000) == path
    assert machine.why_insecure("corp", 443) is None
    assert machine.why_insecure("m1.io", 5000) == path


def test_what_podmans_mirrors_are_asked_by(files: Files) -> None:
    files.write("etc/containers/registries.conf", PODMAN)

    def how(text: str) -> list[tuple[bool, bool]]:
        found = find_places(Reference.parse(text), RegistryOptions(), files.machine)
        return [(place.tags, place.digests) for place in found]

    assert how("docker.io/team/app:1") == [(True, True), (False, True), (True, False), (True, True)]
    assert how("ubuntu:1") == [(False, True), (True, True)]


def test_podmans_files_in_order(files: Files) -> None:
    rule = '[[registry]]\nlocation = "r.io"\n[[registry.mirror]]\nlocation = "{}"\n'
    for path in (
        "etc/containers/registries.conf",
        "home/.config/containers/registries.conf",
        "etc/containers/registries.conf.d/1.conf",
        "etc/containers/registries.conf.d/2.conf",
        "home/.config/containers/registries.conf.d/0.conf",
        "elsewhere.conf",
    ):
        files.write(path, rule.format(f"{path.replace('/', '-').replace('.', '-').strip('-')}.io"))
    last = "home--config-containers-registries-conf-d-0-conf.io"
    assert files.places("r.io/app:1")[0] == f"{last}/app:1"
    for path in ("home/.config/containers/registries.conf.d", "etc/containers/registries.conf.d"):
        for file in (files.root / path).iterdir():
            file.unlink()
    assert files.places("r.io/app:1")[0].startswith("home--config-containers-registries-conf.io")
    files.variables["CONTAINERS_REGISTRIES_CONF"] = str(files.root / "elsewhere.conf")
    assert files.places("r.io/app:1")[0] == "elsewhere-conf.io/app:1"


def test_the_order_of_sources(files: Files) -> None:
    files.write("etc/docker/daemon.json", {"registry-mirrors": ["https://docker.example"]})
    files.write("etc/containers/registries.conf", PODMAN)
    assert files.places("ubuntu:1", ("docker.io", "option.io")) == [
        "option.io/library/ubuntu:1",
        "lib.io/ubuntu:1",
        "docker.example/library/ubuntu:1",
        "docker.io/library/ubuntu:1",
    ]


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("docker/daemon.json", "{", "it is not JSON"),
        ("docker/daemon.json", "[]", "it is not an object"),
        ("docker/daemon.json", '{"registry-mirrors": "x"}', "registry-mirrors is not a list"),
        ("docker/daemon.json", '{"insecure-registries": [1]}', "insecure-registries is not a list"),
        ("docker/daemon.json", '{"registry-mirrors": ["ftp://x"]}', "which is no http address"),
        ("containers/registries.conf", "x", "it is not TOML"),
        ("containers/registries.conf", "registry = 1", "registry is not written as"),
        ("containers/registries.conf", "[[registry]]\n", "neither prefix nor location"),
        ("containers/registries.conf", "[[registry]]\nlocation = 1", "location is not text"),
        (
            "containers/registries.conf",
            '[[registry]]\nlocation = "x"\ninsecure = 1',
            "insecure is neither true nor false",
        ),
        (
            "containers/registries.conf",
            '[[registry]]\nlocation = "x"\n[[registry.mirror]]\ninsecure = true',
            "a mirror of x has no location",
        ),
        (
            "containers/registries.conf",
            (
                '[[registry]]\nlocation = "x"\n[[registry.mirror]]\nlocation = "y"\n'
                'pull-from-mirror = "never"'
            ),
            "pull-from-mirror is 'never'",
        ),
    ],
)
def test_files_that_cannot_be_used(files: Files, path: str, text: str, reason: str) -> None:
    written = files.write(f"etc/{path}", text)
    with pytest.raises(ConfigurationError, match=reason) as caught:
        _ = files.machine
    assert str(written) in caught.value.message
    assert "--no-mirrors" in (caught.value.hint or "")


def test_an_old_registries_conf_says_nothing(files: Files) -> None:
    files.write("etc/containers/registries.conf", "[registries.search]\nregistries = ['x']\n")
    assert files.machine == Machine()
