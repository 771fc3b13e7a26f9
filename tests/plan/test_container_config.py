from __future__ import annotations

from typing import Any

import pytest

from pyjib.errors import ConfigurationError
from pyjib.options import BuildOptions
from pyjib.plan.container_config import make_config, parse_ports
from pyjib.plan.model import ContainerConfig


def config(**options: Any) -> ContainerConfig:
    return make_config(BuildOptions(**options), None)


def test_nothing_asked_inherits_everything() -> None:
    assert config() == ContainerConfig()


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("8080", ("8080/tcp",)),
        ("53/udp", ("53/udp",)),
        ("1-3", ("1/tcp", "2/tcp", "3/tcp")),
        ("65534-65535/udp", ("65534/udp", "65535/udp")),
        ("7-7/tcp", ("7/tcp",)),
        ("08080", ("8080/tcp",)),
    ],
)
def test_ports(text: str, ports: tuple[str, ...]) -> None:
    assert parse_ports(text) == ports


@pytest.mark.parametrize(
    "text",
    ["", "0", "65536", "99999", "999999", "-1", "1-", "9-1", "80/TCP", "80/sctp", "80 ", "a", "٣"],
)
def test_no_ports(text: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_ports(text)
    assert repr(text) in raised.value.message
    assert "--port" in (raised.value.hint or "")


def test_ports_and_volumes_are_listed_once_in_the_order_given() -> None:
    made = config(ports=("81", "80-81", "80/udp"), volumes=("/b", "/a//b/", "/b/"))
    assert made.ports == ("81/tcp", "80/tcp", "80/udp")
    assert made.volumes == ("/b", "/a/b")


@pytest.mark.parametrize(
    ("option", "value", "flag"),
    [
        ("volumes", ("data",), "--volume"),
        ("volumes", ("/data/../etc",), "--volume"),
        ("volumes", ("C:\\data",), "--volume"),
        ("working_directory", "work", "--workdir"),
        ("working_directory", "", "--workdir"),
        ("user", "", "--user"),
        ("user", "a:b:c", "--user"),
        ("user", ":", "--user"),
        ("user", "a b", "--user"),
        ("environment", (("", "x"),), "--env"),
        ("environment", (("A=B", "x"),), "--env"),
        ("environment", (("A", "\0"),), "--env"),
        ("labels", (("", "x"),), "--label"),
    ],
)
def test_bad_values_name_the_flag(option: str, value: object, flag: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        config(**{option: value})
    assert flag in (raised.value.hint or "")


@pytest.mark.parametrize("user", ["app", "1000", "1000:1000", "www-data:users", "DOMAIN\\user"])
def test_users(user: str) -> None:
    assert config(user=user).user == user


def test_the_later_of_two_values_counts_at_the_place_of_the_earlier() -> None:
    made = config(environment=(("A", "1"), ("B", "="), ("A", "2")), labels=(("x", ""),))
    assert made.environment == (("A", "2"), ("B", "="))
    assert made.labels == (("x", ""),)


def test_working_directory_loses_needless_slashes() -> None:
    assert config(working_directory="/srv//app/").working_directory == "/srv/app"
    assert config(working_directory="/").working_directory == "/"


def test_no_arguments_and_empty_arguments_differ() -> None:
    assert config(arguments=None).arguments is None
    assert config(arguments=()).arguments == ()
