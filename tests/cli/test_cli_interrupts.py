"""Ctrl-C at any moment, on the program itself."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pyjib.cancellation import Cancellation
from pyjib.cli.interrupts import run_cancellable
from pyjib.errors import CancelledError, TransportError
from pyjib.serve import RegistryServer
from tests.support.cli import HELLO, Cli
from tests.support.scripted import Reply, ScriptedServer, Seen

posix = pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_registry_is_stopped_by_a_signal(cli: Cli, number: signal.Signals) -> None:
    with cli.start("registry", "serve", "--port", "0", "--root", cli.home / "images") as process:
        address = first_line(process)
        pushed = cli("build", HELLO, "--from", "scratch", "--to", f"{address}/team/app")
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
    assert (pushed.code, process.returncode, stdout) == (0, 0, "")
    assert "PUT /v2/team/app/manifests/latest 201" in stderr
    assert (cli.home / "images" / "team" / "app" / "oci-layout").is_file()


@posix
def test_read_only(cli: Cli) -> None:
    with cli.start("registry", "serve", "--port", "0", "--read-only", "-q") as process:
        target = f"{first_line(process)}/team/app"
        refused = cli("build", HELLO, "--from", "scratch", "--to", target)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert (refused.code, process.returncode, stderr) == (1, 0, "")


def test_serving_where_it_cannot(cli: Cli, registry: RegistryServer, tmp_path: Path) -> None:
    port = registry.address.rpartition(":")[2]
    taken = cli("registry", "serve", "--port", port)
    assert taken.code == 1
    assert "--port" in taken.stderr
    (tmp_path / "file").touch()
    assert cli("registry", "serve", "--port", "0", "--root", tmp_path / "file").code == 2
    assert cli("registry", "serve", "--port", "65536").code == 2
    open_to_all = cli("registry", "serve", "--port", "0", "--host", "192.0.2.1")
    assert open_to_all.code == 1
    assert open_to_all.stderr.startswith("warning: whoever reaches 192.0.2.1 can pull")


@posix
@pytest.mark.parametrize("times", [1, 2])
def test_a_build_is_cancelled(cli: Cli, times: int) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(seen: Seen) -> Reply:
        asked.set()
        go_on.wait(30)
        return Reply(404)

    with ScriptedServer() as server:
        server.rule("*", "/v2/x/.*", slow)
        target = cli.home / "x.tar"
        arguments = ("build", HELLO, "--from", "scratch", "--to", f"{server.address}/x")
        with cli.start(*arguments, "--to", f"tar://{target}") as process:
            assert asked.wait(30)
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            told = next(line for line in process.stderr if line.startswith("cancel"))
            if times == 1:
                go_on.set()
            else:
                process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=30)
            go_on.set()
    assert told == "cancel   stopping; press Ctrl-C again to stop at once\n"
    assert (process.returncode, stdout) == (130, "")
    assert stderr.endswith("cancelled\n") == (times == 1)
    assert not target.exists()
    assert list((cli.home / "cache").glob("tmp/*")) == []


HELPER = """#!{python}
import os, signal, socket, time
signal.signal(signal.SIGTERM, signal.{heeds})
told = socket.create_connection(("127.0.0.1", {port}))
told.sendall(b"%d\\n" % os.getpid())
time.sleep(60)
"""


@posix
@pytest.mark.parametrize("heeds", ["SIG_DFL", "SIG_IGN"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("command", "times"), [("build", 1), ("build", 2), ("logout", 1)])
def test_a_credential_helper_that_hangs(
    cli: Cli, command: str, times: int, number: signal.Signals, heeds: str
) -> None:
    config, helper = cli.home / ".docker" / "config.json", cli.home / "docker-credential-hangs"
    config.parent.mkdir(parents=True)
    config.write_text('{"credsStore": "hangs"}')
    with ScriptedServer() as server, socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        helper.write_text(HELPER.format(python=sys.executable, heeds=heeds, port=port))
        helper.chmod(0o755)
        server.rule("*", "/v2/.*", Reply(401, {"WWW-Authenticate": "Basic"}))
        arguments: tuple[str | Path, ...] = ("logout", server.address)
        if command == "build":
            arguments = ("build", HELLO, "--from", "scratch", "--to", f"{server.address}/x")
        cli.variables["PATH"] = str(cli.home)
        listening.settimeout(30)
        with cli.start(*arguments) as process:
            told, _ = listening.accept()
            with told:
                assert int(told.recv(99)) > 0
                process.send_signal(number)
                if times == 2:
                    assert process.stderr is not None
                    assert any(line.startswith("cancel") for line in process.stderr)
                    process.send_signal(number)
                stdout, stderr = process.communicate(timeout=30)
                assert told.recv(1) == b"", "the helper is gone"
    assert (process.returncode, stdout) == (130, "")
    assert times == 2 or stderr.splitlines()[-1].removeprefix("error: ") == "cancelled"
    assert list((cli.home / "cache").glob("tmp/*")) == []


def test_work_returns_and_raises_as_it_would() -> None:
    assert run_cancellable(lambda _: threading.current_thread().name) == "pyjib-work"
    with pytest.raises(TransportError, match="gone"):
        run_cancellable(_fail)


def _fail(_: Cancellation) -> None:
    raise TransportError("gone")


@posix
def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run_cancellable(lambda _: None)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@posix
def test_an_end_of_the_terminal_is_ignored_where_the_caller_ignores_it() -> None:
    def work(_: Cancellation) -> str:
        os.kill(os.getpid(), signal.SIGHUP)
        return "done"

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        assert run_cancellable(work) == "done"
    finally:
        signal.signal(signal.SIGHUP, before)


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_fails_after_a_signal_was_cancelled(number: signal.Signals) -> None:
    noticed = []

    def work(cancellation: Cancellation) -> None:
        os.kill(os.getpid(), number)
        while not cancellation.cancelled:
            pass
        raise TransportError("the connection broke")

    before = signal.signal(number, signal.SIG_DFL)  # under nohup the tests ignore SIGHUP
    try:
        with pytest.raises(CancelledError):
            run_cancellable(work, notice=lambda: noticed.append(1))
    finally:
        signal.signal(number, before)
    assert noticed == [1]


def test_work_in_another_thread_leaves_signals_alone() -> None:
    found = []
    thread = threading.Thread(target=lambda: found.append(run_cancellable(lambda _: 7)))
    thread.start()
    thread.join()
    assert found == [7]
