from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import example, given

from pyjib.jib.global_config import parse_global_config
from pyjib.oci.reference import Reference
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.login import docker_config
from pyjib.registry.machine import read_machine
from pyjib.registry.mirrors import find_places
from tests.support.fuzzing import damaged, fuzz, odd_json_bytes, survives

PAIR = base64.b64encode(b"user:password").decode()
CONFIGS = [
    {
        "auths": {
            "r.example.org": {"auth": PAIR},
            "https://index.docker.io/v1/": {"username": "u", "password": "p"},
            "*.example.org": {"identitytoken": "t"},
            "r.example.org/team": {"registrytoken": "t"},
        },
        "credHelpers": {"other.example.org": "ecr-login"},
        "HttpHeaders": {"a": "b"},
        "detachKeys": "ctrl-e",
    },
    {"credsStore": "desktop"},
]
DAEMONS = [
    {
        "registry-mirrors": ["https://mirror.example.org", "http://10.0.0.1:5000/"],
        "insecure-registries": ["10.0.0.0/8", "r.example.org:5000", "http://a.example.org"],
    }
]
GLOBALS = [
    {
        "disableUpdateCheck": False,
        "registryMirrors": [{"registry": "docker.io", "mirrors": ["mirror.gcr.io", "localhost:1"]}],
    }
]
TOML = (
    b"""
unqualified-search-registries = ["docker.io"]
short-name-mode = "enforcing"

[[registry]]
prefix = "*.example.org"
location = "r.example.org/team"
insecure = true
blocked = false

[[registry.mirror]]
location = "mirror.example.org:5000/proxy"
pull-from-mirror = "digest-only"

[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "localhost:5001"
insecure = true
""",
)
TOKENS = (b"[[registry]]\n", b'prefix = "*."\n', b'location = "a:b:c"\n', b"= [", b"a.b.c = 1\n")
MANY_STARS = json.dumps({"auths": {"*a" * 30 + "b.example.org": {"auth": PAIR}}}).encode()
DEEP_LISTS = b'{"auths": {}, "x": [' + b",".join([b"[" * 400 + b"]" * 400] * 200) + b"]}"
"""Each bracket on a line of its own, indented, was 32 MB of text."""
MANY_LISTS = b'{"auths": {}, "x": [' + b"[]," * 1_000_000 + b"0]}"
USER_OF_HALVES = json.dumps({"auths": {"r.example.org": {"username": "\ud800"}}}).encode()
LONE_SURROGATE = json.dumps({"HttpHeaders": {"a": "\ud800"}}).encode()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home")
    (path / ".docker").mkdir()
    (path / ".config" / "containers").mkdir(parents=True)
    return path


@given(data=odd_json_bytes(CONFIGS))
@example(data=MANY_STARS)
@example(data=LONE_SURROGATE)
@example(data=USER_OF_HALVES)
@example(data=DEEP_LISTS)
@example(data=MANY_LISTS)
@fuzz
def test_logins(data: bytes, home: Path) -> None:
    survives(use_logins, data, home)


def use_logins(data: bytes, home: Path) -> None:
    path = home / ".docker" / "written.json"
    path.write_bytes(data)
    config = docker_config.read(path)
    assert config is not None
    for registry in ("r.example.org", "docker.io", "a" * 40 + ".example.org", "localhost:5000"):
        found = survives(config.find, registry, "team/app")
        assert found is None or ("password" not in repr(found) and found.basic.isascii())
    docker_config.write(config.with_login("r.example.org", "u", "p").without_login("x.org"), path)
    again = docker_config.read(path)
    assert again is not None
    assert again.find("r.example.org", "x") is not None or again.helper_for("r.example.org")


@given(data=odd_json_bytes(DAEMONS))
@fuzz
def test_daemon_json(data: bytes, home: Path) -> None:
    use_machine(home, home / ".docker" / "daemon.json", data)


@given(data=damaged(TOML, TOKENS))
@fuzz
def test_registries_conf(data: bytes, home: Path) -> None:
    use_machine(home, home / ".config" / "containers" / "registries.conf", data)


def use_machine(home: Path, path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        survives(find_all, HostEnvironment(home=home))
    finally:
        path.unlink()


def find_all(host: HostEnvironment) -> None:
    machine = read_machine(host)
    for name in ("busybox", "r.example.org/team/app:1", "a.b.example.org:5000/x"):
        reference = Reference.parse(name)
        machine.rule_for(reference.name)
        machine.why_insecure("r.example.org", 5000)
        survives(find_places, reference, RegistryOptions(), machine)


@given(data=odd_json_bytes(GLOBALS))
@example(data=MANY_LISTS)
@example(data=b'{"x": [' + b"{}," * 300_000 + b"0]}")
@fuzz
def test_global_config_of_jib(data: bytes) -> None:
    survives(parse_global_config, data, Path("config.json"))
