"""Connections: given up on cancellation, broken off when they trickle, made only where allowed."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpcore
import pytest

from pyjib.cancellation import Cancellation
from pyjib.errors import CancelledError
from pyjib.registry.net import sockets
from pyjib.registry.net.reach import Reach
from pyjib.registry.net.sockets import Network, Stream, TooFarInsideError
from tests.support.clients import make_certificate
from tests.support.silence import ends_when_cancelled, silent_server

Pair = tuple[Stream, socket.socket]


def nothing() -> None:
    """Let everything go on."""


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Stream(ours, nothing), theirs


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def answering(names: dict[str, str]) -> Callable[..., list[Any]]:
    """Return a resolver that knows these names only."""

    def look_up(host: bytes, port: int, **more: Any) -> list[Any]:
        name = host.decode()
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (names.get(name, name), port))]

    return look_up


def test_bytes_go_both_ways(pair: Pair) -> None:
    stream, theirs = pair
    stream.write(b"there", timeout=60)
    assert theirs.recv(10) == b"there"
    assert stream.get_extra_info("is_readable") is False
    theirs.sendall(b"and back")
    assert stream.get_extra_info("is_readable") is True
    assert stream.read(100, timeout=60) == b"and back"
    theirs.close()
    assert stream.read(100, timeout=60) == b""
    stream.close()
    assert stream.get_extra_info("is_readable") is True


def test_time_outs(pair: Pair) -> None:
    stream = pair[0]
    with pytest.raises(httpcore.ReadTimeout):
        stream.read(1, timeout=0.01)
    with pytest.raises(httpcore.WriteTimeout):
        stream.write(b"x" * (64 << 20), timeout=0.01)


def test_a_cut(pair: Pair) -> None:
    stream, theirs = pair
    theirs.close()
    with pytest.raises(httpcore.WriteError):
        stream.write(b"x" * (64 << 20), timeout=60)


@pytest.mark.faults
@pytest.mark.parametrize("direction", ["read", "write"])
def test_a_silent_peer_does_not_hold_a_cancelled_build(direction: str) -> None:
    """Case 48: nothing comes, and still the thread ends."""
    cancellation, begun = Cancellation(), threading.Event()

    def check() -> None:
        begun.set()
        cancellation.check()

    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = Stream(ours, check)
        work = {
            "read": lambda: stream.read(1, timeout=600),
            "write": lambda: stream.write(b"x" * (64 << 20), timeout=600),
        }[direction]
        assert ends_when_cancelled(cancellation, work, begun)


@pytest.mark.faults
def test_a_silent_handshake_does_not_hold_a_cancelled_build() -> None:
    cancellation = Cancellation()
    context = ssl.create_default_context()
    with silent_server() as server:

        def work() -> None:
            stream = Network(cancellation.check).connect_tcp("127.0.0.1", port_of(server.address))
            stream.start_tls(context, "127.0.0.1", timeout=600)

        assert ends_when_cancelled(cancellation, work, server.heard)


@pytest.mark.faults
def test_a_slow_resolver_does_not_hold_a_cancelled_build(monkeypatch: pytest.MonkeyPatch) -> None:
    cancellation, asked, go = Cancellation(), threading.Event(), threading.Event()

    def look_up(*_: Any, **__: Any) -> list[Any]:
        asked.set()
        go.wait(600)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    network = Network(cancellation.check)
    try:
        assert ends_when_cancelled(
            cancellation, lambda: network.connect_tcp("r.example", 443, timeout=600), asked
        )
    finally:
        go.set()


def test_a_connection_that_nobody_takes() -> None:
    """A backlog that is full swallows what comes, as a firewall does."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        held = [socket.socket() for _ in range(4)]
        try:
            for sock in held:
                sock.setblocking(False)
                sock.connect_ex(address)
            with pytest.raises(httpcore.ConnectTimeout):
                Network(nothing).connect_tcp(*address, timeout=0.05)
            cancellation = Cancellation()
            cancellation.cancel()
            with pytest.raises(CancelledError):
                Network(cancellation.check).connect_tcp(*address, timeout=600)
        finally:
            for sock in held:
                sock.close()


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_server() as server:
        port = port_of(server.address)

        def look_up(host: str, port: int, **_: Any) -> list[Any]:
            both = ("127.0.0.2", "127.0.0.1")
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (one, port)) for one in both]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        stream = Network(nothing).connect_tcp("r.example", port, timeout=60)
        assert stream.get_extra_info("server_addr") == ("127.0.0.1", port)
        stream.close()


@pytest.mark.faults
def test_an_address_that_keeps_silent_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where IPv6 leads nowhere, a name's first address takes no answer to be an answer."""
    with silent_server() as server:
        address = ("127.0.0.1", port_of(server.address))
        silent = ("127.0.0.2", 1)
        connect = sockets._connect

        def connect_or_wait(sock: socket.socket, place: Any, clock: Any) -> None:
            while place == silent:
                clock.slice()  # until its time is up
            connect(sock, place, clock)

        def look_up(host: str, port: int, **_: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", one) for one in (silent, address)]

        monkeypatch.setattr(sockets, "_connect", connect_or_wait)
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        stream = Network(nothing).connect_tcp("r.example", 1, timeout=0.1)
        assert stream.get_extra_info("server_addr") == address
        stream.close()


@pytest.mark.advisories
@pytest.mark.parametrize("limit", [Reach.PUBLIC, Reach.PRIVATE])
def test_no_connection_further_inside_than_allowed(
    monkeypatch: pytest.MonkeyPatch, limit: Reach
) -> None:
    """The address counts that is connected to, whatever the name (ggcr#2440)."""
    monkeypatch.setattr(socket, "getaddrinfo", answering({"cdn.example": "127.0.0.1"}))
    with silent_server() as server:
        port = port_of(server.address)
        with pytest.raises(TooFarInsideError):
            Network(nothing, limit).connect_tcp("cdn.example", port, timeout=60)
        Network(nothing, Reach.LOOPBACK).connect_tcp("cdn.example", port, timeout=60).close()
        with pytest.raises(TooFarInsideError):
            Network(nothing, Reach.LOOPBACK).connect_tcp("169.254.169.254", port, timeout=60)


@pytest.mark.faults
def test_a_trickle_is_broken_off(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute at less than 1 KiB a second; the minute is shortened here."""
    monkeypatch.setattr(sockets, "STALL", 1e-9)
    stream, theirs = pair

    def read() -> None:
        threading.Timer(0.005, theirs.send, (b"x",)).start()
        stream.read(1, timeout=None)

    with pytest.raises(httpcore.ReadTimeout, match="almost nothing"):
        [read() for _ in range(200)]  # on a busy machine a byte may come before it is waited for


def test_what_comes_fast_enough_is_no_trickle(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "STALL", 0)
    stream, theirs = pair
    for _ in range(20):
        theirs.sendall(b"x" * 32768)
        stream.read(65536, timeout=60)


def test_waiting_for_the_first_byte_is_no_trickle() -> None:
    pace = sockets._Pace()
    pace.turn("write")
    assert pace.keeps(1 << 20, 1, 60)
    pace.turn("read")
    assert pace.keeps(1, 299, 300)
    assert pace.keeps(1, 59, 60)
    assert not pace.keeps(1, 2, 60)
    pace.turn("write")
    assert pace.keeps(100_000, 61, 60)


def test_tls_within_tls(certificate: tuple[Path, ssl.SSLContext]) -> None:
    """As through a proxy that is itself spoken to by TLS."""
    path, context = certificate
    trusting = ssl.create_default_context(cafile=path)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with context.wrap_socket(theirs, server_side=True) as outer:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            inner = context.wrap_bio(incoming, outgoing, server_side=True)

            def do(act: Callable[[], Any]) -> Any:
                while True:
                    try:
                        result = act()
                    except ssl.SSLWantReadError:
                        outer.sendall(outgoing.read())
                        incoming.write(outer.recv(65536))
                    else:
                        outer.sendall(outgoing.read())
                        return result

            do(inner.do_handshake)
            data = do(lambda: inner.read(5))
            do(lambda: inner.write(data[::-1]))

    thread = threading.Thread(target=serve)
    thread.start()
    stream: httpcore.NetworkStream = Stream(ours, nothing)
    try:
        stream = stream.start_tls(trusting, "127.0.0.1", timeout=60)
        stream = stream.start_tls(trusting, "localhost", timeout=60)
        stream.write(b"hello", timeout=60)
        assert stream.read(10, timeout=60) == b"olleh"
        assert stream.get_extra_info("ssl_object").version() == "TLSv1.3"
    finally:
        stream.close()
        thread.join()
