"""Keeps a Python process within this machine: nothing else is looked up or connected to.

``tests.support.loopback`` guards the tests' own process by it. Every Python program that tests
start imports it first, since its folder is on their ``PYTHONPATH``: hence its name, and that it
imports nothing that is not there already. What is tried is refused, and told: by a child in the
file that ``PYJIB_TESTS_OUTSIDE`` names.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing is not there already
if TYPE_CHECKING:
    from collections.abc import Callable

_ASKS_FOR_NAMES = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
_ASKS_FOR_ADDRESSES = frozenset({"socket.gethostbyaddr"})
_SENDS = frozenset({"socket.connect", "socket.getnameinfo", "socket.sendmsg", "socket.sendto"})
_HERE = frozenset({"", "localhost", "0.0.0.0", "::", "::1"})


class OutsideError(OSError):
    """A test, or what it started, was about to leave this machine."""


def is_here(host: str) -> bool:
    """Tell whether a host's name or address is this machine's, by its text alone."""
    name = host.lower().rstrip(".").partition("%")[0]
    if name in _HERE or name.endswith(".localhost"):
        return True
    parts = name.removeprefix("::ffff:").split(".")
    return len(parts) == 4 and parts[0] == "127" and all(map(str.isdecimal, parts))


def is_address(host: str) -> bool:
    """Tell whether a host is an address already, so that nobody has to be asked for it."""
    return ":" in host or host.replace(".", "").isdecimal()


def guard(tell: Callable[[str], object]) -> None:
    """Refuse from now on what leads beyond this machine, and ``tell`` what it was in a line."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in _SENDS:
            address = arguments[-1]  # a text for Unix sockets, nothing for what is connected
            host = address[0] if isinstance(address, tuple) and address else None
        elif event in _ASKS_FOR_NAMES or event in _ASKS_FOR_ADDRESSES:
            host = arguments[0]
        else:
            return
        if isinstance(host, (bytes, bytearray)):
            host = host.decode("latin-1")
        if not isinstance(host, str) or is_here(host):
            return
        if not (event in _ASKS_FOR_NAMES and is_address(host)):
            tell(f"{event} {host}, from {_caller()}")
            raise OutsideError(f"tests do not leave this machine: {event} {host}")

    sys.addaudithook(hook)


def _caller() -> str:
    """Return file and line of the innermost call that is not in a library."""
    frame = sys._getframe(2)
    while frame.f_back and f"{os.sep}lib{os.sep}python" in frame.f_code.co_filename:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _note(line: str) -> None:
    with open(os.environ["PYJIB_TESTS_OUTSIDE"], "a", encoding="utf-8") as file:  # noqa: PTH123  nothing is imported
        file.write(f"{line} (in a program that it started)\n")


if __name__ == "sitecustomize" and os.environ.get("PYJIB_TESTS_OUTSIDE"):
    guard(_note)
