"""Network bridges for each Docker Engine that a run starts, and nothing left of them.

A run that is killed leaves its bridges, and the rules that dockerd made for them. Were the subnet of
such a bridge given out again, the kernel would send packets for new containers to the old one, and
published ports would answer with resets: so the subnet is one that no interface has.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.daemons import pings
from tests.support.leavings import is_held
from tests.support.programs import missing, require

_OURS = re.compile(r"(?<![\w-])(pj-[0-9a-f]{8})g?(?![\w-])")
_SUBNET = re.compile(r"\binet 10\.213\.(\d+)\.")


@contextmanager
def bridge(root: Sequence[str], name: str) -> Iterator[list[str]]:
    """Make a network bridge, so that engines that run at the same time do not share one.

    ``name`` is one that the run holds. Yields options for dockerd. Its firewall rules are left out
    where another engine runs on this machine, for setting up the ones would drop the others';
    ports published on the loopback interface go through Docker's proxy program and work in either
    case.
    """
    sweep(root)
    options = ["--iptables=false"] if pings(Path("/var/run/docker.sock")) else []
    added = _attempt(root, "ip", "link", "add", name, "type", "bridge")
    if added.returncode != 0:
        missing("dockerd", f"dockerd needs a network bridge: {added.stderr.strip()}")
    try:
        give_subnet(root, name)
        _run(root, "ip", "link", "set", name, "up")
        yield ["--bridge", name, *options]
    finally:
        for one in (name, gateway(name)):
            _remove(root, one)


def gateway(name: str) -> str:
    """Return the name for the bridge that an engine of a swarm has besides."""
    return f"{name}g"


def sweep(root: Sequence[str]) -> None:
    """Remove the bridges, and the rules for them, of runs that were killed."""
    rules = "".join(_rules(root, table) for table in ("filter", "nat"))
    links = _run(root, "ip", "-oneline", "link", "show")
    named = {(found[0], found[1]) for found in _OURS.finditer(f"{rules}{links}")}
    for name, holder in named:
        if not is_held(holder):
            _remove(root, name)


def give_subnet(root: Sequence[str], name: str) -> None:
    """Give the bridge a subnet that is nobody's, also where another run chooses just now."""
    for number in random.sample(range(1, 255), 254):
        if number in subnets(root):
            continue
        address = f"10.213.{number}.1/24"
        _run(root, "ip", "address", "add", address, "dev", name)
        if subnets(root).count(number) == 1:
            return
        _run(root, "ip", "address", "delete", address, "dev", name)
    missing("dockerd", "dockerd needs a subnet for its bridge: all of 10.213.0.0/16 are taken")


def subnets(root: Sequence[str]) -> list[int]:
    listed = _run(root, "ip", "-oneline", "-4", "address", "show")
    return [int(found[1]) for found in _SUBNET.finditer(listed)]


def _remove(root: Sequence[str], name: str) -> None:
    _attempt(root, "ip", "link", "delete", name)
    for table in ("filter", "nat"):
        for rule in _rules(root, table).splitlines():
            if rule.startswith("-A ") and name in rule.split():
                _attempt(root, "iptables", "-w", "-t", table, "-D", *rule.split()[1:])


def _rules(root: Sequence[str], table: str) -> str:
    """Return the rules of a table, or nothing where the kernel or the user may have none."""
    return _attempt(root, "iptables", "-w", "-t", table, "-S").stdout


def _run(root: Sequence[str], program: str, *arguments: str) -> str:
    done = _attempt(root, program, *arguments)
    assert done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def _attempt(
    root: Sequence[str], program: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    command = [*root, str(require(program)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
