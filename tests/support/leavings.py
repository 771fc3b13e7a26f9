"""What a run that was killed has left, told from what a run that lives has.

Directories, network bridges and firewall rules carry a name that their run holds: it has bound an
abstract Unix socket to it, which the kernel gives up with the process, however that ends. Neither
process numbers nor the age of files come into it, for both mislead. Linux alone has such sockets.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PLACE = Path("/tmp")
"""Not ``TMPDIR``: the paths of sockets have room for 107 bytes."""
_ENGINES = re.compile(r"dockerd|containerd(-shim.*)?|docker-proxy|podman|conmon|pasta|slirp4netns")


@contextmanager
def held_name(prefix: str) -> Iterator[str]:
    """Yield a new name, of ``prefix`` and eight hexadecimal digits, that is held for the block."""
    while True:
        name = f"{prefix}{secrets.token_hex(4)}"
        with socket.socket(socket.AF_UNIX) as holder:
            try:
                holder.bind(_address(name))
            except OSError:
                continue
            yield name
            return


def is_held(name: str) -> bool:
    """Tell whether a process that lives holds a name."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.bind(_address(name))
        except OSError:
            return True
        return False


def sweep_directories(prefix: str, root: Sequence[str]) -> None:
    """Remove the directories below ``PLACE`` of runs that were killed, and what goes on there.

    What this user may not remove stays.
    """
    for directory in PLACE.glob(f"{prefix}*"):
        name = directory.name.removeprefix(prefix)
        if re.fullmatch(r"[0-9a-f]{8}", name) and not is_held(directory.name):
            remove(directory, root)


def remove(directory: Path, root: Sequence[str]) -> bool:
    """End an engine's processes, take its mounts down, and remove its directory.

    ``root`` is put before the commands that end or remove what is not this user's.
    """
    end_engine(directory, root)
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        if line.split()[1].startswith(f"{directory}/"):
            _attempt(root, "umount", "--lazy", line.split()[1])
    return _attempt(root, "rm", "-rf", "--", str(directory)).returncode == 0


def end_engine(directory: Path, root: Sequence[str]) -> None:
    """Kill the engine whose files are in a directory, if it still runs, and its containers."""
    for _ in range(100):
        found = _processes(f"{directory}/")
        if not found:
            return
        _attempt(root, "kill", "-KILL", *map(str, found))
        time.sleep(0.05)


def _processes(text: str) -> list[int]:
    """Return the programs of engines that have ``text`` in a word, and all that they started."""
    parents: dict[int, int] = {}
    found: set[int] = set()
    for path in Path("/proc").glob("[0-9]*"):
        number = int(path.name)
        try:
            words = (path / "cmdline").read_text(errors="replace").split("\0")
            state, parent = (
                (path / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
            )
        except OSError:
            continue  # it has ended
        if state == "Z":
            continue
        parents[number] = int(parent)
        is_engine = _ENGINES.fullmatch(Path(words[0]).name) is not None
        if is_engine and any(text in word for word in words):
            found.add(number)
    while more := {number for number, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found - {os.getpid()})


def _address(name: str) -> str:
    return f"\0pyjib-tests/{name}"


def _attempt(root: Sequence[str], *command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*root, *command], capture_output=True, check=False)
