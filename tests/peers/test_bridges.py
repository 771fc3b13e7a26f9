"""The bridges of engines under test: none takes what another has, and dead ones go.

In a network namespace of the test's own, so that no other run meets what is made here.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.support.bridges import gateway, give_subnet, subnets, sweep
from tests.support.daemons import as_root
from tests.support.leavings import held_name
from tests.support.programs import require

pytestmark = pytest.mark.peers

NOBODYS = "pj-00000000"
TABLE = ("iptables", "-w", "-t", "nat")


@pytest.fixture
def root() -> Iterator[list[str]]:
    """What to put before a command: it runs as root in a network of its own."""
    prefix = as_root("dockerd")
    shell = ["sh", "-c", "echo $$; exec cat"]
    with subprocess.Popen(
        [*prefix, require("unshare"), "--net", *shell],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        number = holder.stdout.readline().strip()
        assert number, "there is no new network namespace"
        yield [*prefix, "nsenter", f"--net=/proc/{number}/ns/net"]
        holder.stdin.close()


def add(root: list[str], *names: str) -> None:
    for name in names:
        did(root, "ip", "link", "add", name, "type", "bridge")


def did(root: list[str], *command: str, given: str = "") -> str:
    program, *arguments = command
    whole = [*root, str(require(program)), *arguments]
    return subprocess.run(whole, input=given, capture_output=True, text=True, check=True).stdout


def test_a_bridge_takes_the_subnet_that_nobody_has(root: list[str]) -> None:
    others = [number for number in range(1, 255) if number != 77]
    lines = [f"address add 10.213.{number}.1/24 dev crowd" for number in others]
    add(root, "crowd", "test")
    did(root, "ip", "-batch", "-", given="\n".join(lines))
    give_subnet(root, "test")
    assert "inet 10.213.77.1/24" in did(root, "ip", "-4", "address", "show", "dev", "test")
    assert len(subnets(root)) == 254


@pytest.mark.parametrize("name", [NOBODYS, gateway(NOBODYS)])
def test_a_bridge_and_rules_of_a_run_that_was_killed_go(root: list[str], name: str) -> None:
    with held_name("pj-") as living:
        add(root, living, name)
        for one in (living, name):
            did(root, *TABLE, "-A", *f"POSTROUTING ! -o {one} -j MASQUERADE".split())
        sweep(root)
        for told in (did(root, "ip", "link"), did(root, *TABLE, "-S")):
            assert name not in told
            assert living in told


def test_rules_go_whose_bridge_has_gone(root: list[str]) -> None:
    did(root, *TABLE, "-A", *f"POSTROUTING ! -o {NOBODYS} -j MASQUERADE".split())
    sweep(root)
    assert f" {NOBODYS} " not in did(root, *TABLE, "-S")
