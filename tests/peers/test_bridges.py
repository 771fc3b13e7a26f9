"""The bridges of engines under test: none takes what another has, and dead ones go."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.bridges import give_subnet, subnets, sweep
from tests.support.daemons import as_root
from tests.support.programs import require

pytestmark = pytest.mark.peers

NOBODY = 4_194_305
"""A process number beyond the largest that Linux gives."""


@pytest.fixture
def root() -> list[str]:
    return as_root("dockerd")


@pytest.fixture
def crowded(root: list[str]) -> Iterator[int]:
    """Have an interface take all subnets but one, which no interface has; the one is given."""
    sweep(root)
    name, taken = "pyjib-crowd", subnets(root)
    free = next(number for number in range(200, 255) if number not in taken)
    others = [number for number in range(1, 255) if number != free]
    lines = [f"address add 10.213.{number}.1/24 dev {name}" for number in others]
    with interface(root, name):
        command = [*root, str(require("ip")), "-batch", "-"]
        subprocess.run(command, input="\n".join(lines), text=True, check=True)
        yield free


@contextmanager
def interface(root: list[str], name: str) -> Iterator[str]:
    ip = [*root, str(require("ip")), "link"]
    subprocess.run([*ip, "add", name, "type", "bridge"], check=True)
    try:
        yield name
    finally:
        subprocess.run([*ip, "delete", name], capture_output=True, check=False)


def addresses(root: list[str], name: str) -> str:
    command = [*root, str(require("ip")), "-oneline", "-4", "address", "show", "dev", name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def rules(root: list[str]) -> str:
    command = [*root, str(require("iptables")), "-w", "-t", "nat", "-S"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_bridge_takes_the_subnet_that_nobody_has(root: list[str], crowded: int) -> None:
    with interface(root, "pyjib-test") as name:
        give_subnet(root, name)
        assert f"inet 10.213.{crowded}.1/24" in addresses(root, name)


def test_a_bridge_and_rules_of_a_run_that_was_killed_go(root: list[str]) -> None:
    name = f"pj{NOBODY}"
    rule = f"POSTROUTING -s 10.213.7.0/24 ! -o {name} -j MASQUERADE"
    table = [*root, str(require("iptables")), "-w", "-t", "nat"]
    with interface(root, name):
        subprocess.run([*table, "-A", *rule.split()], check=True)
        assert name in rules(root)
        sweep(root)
        assert not Path("/sys/class/net", name).exists()
        assert name not in rules(root)
