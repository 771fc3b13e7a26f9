"""The guard that keeps the tests on this machine: what it lets be, refuses, and fails."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support import loopback
from tests.support.children.sitecustomize import OutsideError, is_here

ROOT = Path(__file__).parent.parent
SOMEWHERE = ("192.0.2.1", 9)  # an address of documents (RFC 5737), which nobody has
CONNECT = f"import socket; socket.create_connection({SOMEWHERE}, timeout=5)"


@pytest.mark.parametrize(
    "host",
    [
        *("", "localhost", "LOCALHOST.", "a.b.localhost", "127.0.0.1", "127.9.9.9", "0.0.0.0"),
        *("::", "::1", "::1%lo", "::ffff:127.0.0.1"),
    ],
)
def test_this_machine(host: str) -> None:
    assert is_here(host)


@pytest.mark.parametrize(
    "host",
    [
        *("example.org", "localhost.example", "notlocalhost", "127.example.org", "127.1"),
        *("127.0.0.1.nip.io", "10.0.0.1", "8.8.8.8", "128.0.0.1", "fe80::1", "::ffff:8.8.8.8"),
    ],
)
def test_another_host(host: str) -> None:
    assert not is_here(host)


def test_what_leaves_is_refused_and_noted() -> None:
    def send(family: socket.AddressFamily, act: str, *arguments: object) -> None:
        with socket.socket(family, socket.SOCK_DGRAM) as sock, pytest.raises(OutsideError):
            getattr(sock, act)(*arguments)

    with loopback.tried() as found:
        send(socket.AF_INET, "connect", SOMEWHERE)
        send(socket.AF_INET, "connect_ex", SOMEWHERE)
        send(socket.AF_INET, "sendto", b"x", SOMEWHERE)
        send(socket.AF_INET, "sendmsg", [b"x"], [], 0, SOMEWHERE)
        send(socket.AF_INET6, "connect", ("2001:db8::1", 9))
        for look_up in (socket.gethostbyname, socket.gethostbyaddr):
            with pytest.raises(OutsideError):
                look_up("name.invalid")
        for name in ("name.invalid", b"name.invalid"):
            with pytest.raises(OutsideError):
                socket.getaddrinfo(name, 80)
        with pytest.raises(OutsideError):
            socket.gethostbyaddr(SOMEWHERE[0])
    told = [line.partition(", from ")[0].removeprefix("socket.") for line in found]
    assert told == [
        *("connect 192.0.2.1", "connect 192.0.2.1", "sendto 192.0.2.1", "sendmsg 192.0.2.1"),
        *("connect 2001:db8::1", "gethostbyname name.invalid", "gethostbyaddr name.invalid"),
        *("getaddrinfo name.invalid", "getaddrinfo name.invalid", "gethostbyaddr 192.0.2.1"),
    ]
    assert all(f", from {__file__}:" in line for line in found)


def test_what_stays_is_let_be(tmp_path: Path) -> None:
    with loopback.tried() as found:
        for address in (SOMEWHERE[0], "2001:db8::1"):  # nobody is asked for what is known
            socket.getaddrinfo(address, 80)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            socket.create_connection(("localhost", port)).close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", ("127.0.0.1", port))
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendmsg([b"x"])
        if hasattr(socket, "AF_UNIX"):
            with socket.socket(socket.AF_UNIX) as sock, contextlib.suppress(FileNotFoundError):
                sock.connect(str(tmp_path / "nobody"))
    assert found == []


def test_other_threads_are_watched() -> None:
    def ask() -> None:
        with contextlib.suppress(OSError):
            socket.getaddrinfo("name.invalid", 80)

    with loopback.tried() as found:
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert len(found) == 1


@pytest.mark.parametrize("inherits", [True, False], ids=["environment", "variables"])
def test_programs_are_watched(inherits: bool) -> None:
    with loopback.tried() as found:
        done = subprocess.run(
            [sys.executable, "-c", CONNECT],
            env=None if inherits else loopback.variables(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert "OutsideError: tests do not leave this machine" in done.stderr
    assert found == ["socket.connect 192.0.2.1, from <string>:1 (in a program that it started)"]


CASES = f"""
import contextlib, socket, subprocess, sys
import pytest

def leave():
    with contextlib.suppress(OSError):
        socket.create_connection({SOMEWHERE})

@pytest.fixture
def before():
    leave()

@pytest.fixture
def after():
    yield
    leave()

def test_fixture_before(before): pass
def test_itself(): leave()
def test_fixture_after(after): pass
def test_program(): subprocess.run([sys.executable, "-c", {CONNECT!r}], stderr=subprocess.DEVNULL)
def test_good(): pass
"""


def test_who_leaves_fails(tmp_path: Path) -> None:
    (tmp_path / "test_cases.py").write_text(CASES)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider"),
            *("-p", "tests.support.loopback", "test_cases.py"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.partition(" - ")[0] for line in done.stdout.splitlines()]
    assert {line for line in lines if line.startswith(("FAILED ", "ERROR "))} == {
        "ERROR test_cases.py::test_fixture_before",
        "FAILED test_cases.py::test_itself",
        "ERROR test_cases.py::test_fixture_after",
        "FAILED test_cases.py::test_program",
    }
    assert "PASSED test_cases.py::test_good" in lines
    assert "left this machine: socket.connect 192.0.2.1, from " in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="kills the POSIX way")
def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    kills_itself = "import os, signal\ndef test(): os.kill(os.getpid(), signal.SIGKILL)\n"
    (tmp_path / "test_killed.py").write_text(kills_itself)
    (tmp_path / "test_good.py").write_text("def test(): pass\n")
    place = tmp_path / "temporary"
    place.mkdir()
    left = []
    for name in ("killed", "good"):
        subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *("-p", "tests.support.loopback", f"test_{name}.py"),
            ],
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(place)},
            capture_output=True,
            check=False,
        )
        left.append([path.name for path in place.iterdir() if loopback.NOTES in path.name])
    assert [len(names) for names in left] == [1, 0]
