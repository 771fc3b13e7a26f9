"""What the figures were taken on and with, and the command lines, for whoever repeats them."""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.peers import Build, Peer

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# Programs of the system are called by name: where they lie is the machine's own affair.
_SYSTEM_BIN = re.compile(r"(?<![\w/])(?:/[\w.+-]+)*/s?bin/(?=[\w+-])")


def machine() -> dict[str, object]:
    """Tell what the figures were taken on."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "processor": _line_of("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory": _line_of("/proc/meminfo", "MemTotal"),
    }


def _line_of(file: str, name: str) -> str:
    path = Path(file)
    lines = path.read_text().splitlines() if path.is_file() else []
    found = next((line for line in lines if line.startswith(name)), "")
    return found.partition(":")[2].strip()


def versions(peers: Iterable[Peer], registry: Path) -> list[str]:
    """Ask the builders, the registry and tar, which makes crane's layers, what they are."""
    found = [_first_line(peer.version_command(), peer.environment) for peer in peers]
    found.append("Distribution: " + _SYSTEM_BIN.sub("", _first_line([registry, "--version"])))
    found.append(_first_line(["tar", "--version"]))
    return [line for line in dict.fromkeys(found) if line]


def _first_line(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    lines = _COLOURS.sub("", done.stdout).strip().splitlines()
    if done.returncode or not lines:
        return ""
    # "v0.22.1" alone says nothing.
    is_bare = re.fullmatch(r"v?[\d.]+\S*", lines[0])
    return f"{Path(command[0]).name} {lines[0]}" if is_bare else lines[0]


def shown(peer: Peer, build: Build, places: Mapping[str, str]) -> str:
    """Return the command line of a build as a reader would repeat it.

    ``places`` has the words for what differs from run to run, such as directories.
    """
    words = [f"{name}={shlex.quote(value)}" for name, value in peer.environment.items() if value]
    text = " ".join([*words, shlex.join(map(str, peer.command(build)))])
    for place in sorted(places, key=len, reverse=True):
        text = text.replace(place, places[place])
    return _SYSTEM_BIN.sub("", text)
