"""Ctrl-C and other signals at any moment, on the program itself."""

from __future__ import annotations

import os
import shlex
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
        stdout, stderr = process.communicate(timeout=240)
    assert (pushed.code, process.returncode, stdout) == (0, 0, "")
    assert "PUT /v2/team/app/manifests/latest 201" in stderr
    assert (cli.home / "images" / "team" / "app" / "oci-layout").is_file()


@posix
def test_read_only(cli: Cli) -> None:
    with cli.start("registry", "serve", "--port", "0", "--read-only", "-q") as process:
        target = f"{first_line(process)}/team/app"
        refused = cli("build", HELLO, "--from", "scratch", "--to", target)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=240)
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


CTRL_C = "stopping; press Ctrl-C again to stop at once"


@posix
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    ("number", "first", "last"),
    [
        (signal.SIGINT, CTRL_C, "cancelled"),
        (
            signal.SIGTERM,
            "stopping, as SIGTERM asks; a second one stops at once",
            "ended by SIGTERM",
        ),
        (signal.SIGHUP, "stopping, as SIGHUP asks; a second one stops at once", "ended by SIGHUP"),
    ],
)
def test_a_build_dies_by_the_signal(
    cli: Cli, number: signal.Signals, first: str, last: str, times: int
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(seen: Seen) -> Reply:
        asked.set()
        go_on.wait(600)
        return Reply(404)

    with ScriptedServer() as server:
        server.rule("*", "/v2/x/.*", slow)
        target = cli.home / "x.tar"
        arguments = ("build", HELLO, "--from", "scratch", "--to", f"{server.address}/x")
        before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # it may be ignored, as by nohup
        with cli.start(*arguments, "--to", f"tar://{target}") as process:
            signal.signal(signal.SIGHUP, before)
            assert asked.wait(240)
            process.send_signal(number)
            assert process.stderr is not None
            told = next(line for line in process.stderr if line.startswith("cancel"))
            if times == 1:
                go_on.set()
            else:
                process.send_signal(number)
            stdout, stderr = process.communicate(timeout=240)
            go_on.set()
    assert told == f"cancel   {first}\n"
    assert (process.returncode, stdout) == (-number, "")
    assert stderr.endswith(f"{last}\n") == (times == 1)
    assert not target.exists()
    assert list((cli.home / "cache").glob("tmp/*")) == []


@posix
def test_a_script_ends_with_its_build(cli: Cli) -> None:
    # A shell goes on after an exit code of 130: it was the command that took care of Ctrl-C.
    with ScriptedServer() as server:
        asked, go_on = threading.Event(), threading.Event()

        def slow(seen: Seen) -> Reply:
            asked.set()
            go_on.wait(600)
            return Reply(404)

        server.rule("*", "/v2/x/.*", slow)
        command = [sys.executable, "-m", "pyjib", "build", str(HELLO), "--from", "scratch"]
        script = f"{shlex.join([*command, '--to', f'{server.address}/x'])}; echo went on"
        # A run in the background may have Ctrl-C ignored, and no shell changes that.
        code = (
            "import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); "
            f"os.execvp('bash', ['bash', '-c', {script!r}])"
        )
        started = cli.start(code=code, start_new_session=True)
        with started as process:
            assert asked.wait(240)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            stdout, stderr = process.communicate(timeout=240)
            go_on.set()
    assert (process.returncode, stdout) == (-signal.SIGINT, "")
    assert stderr.endswith("cancelled\n")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs namespaces of Linux")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_process_1_of_a_container_cannot_die_by_a_signal(number: int, code: int) -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]
    try:
        allowed = subprocess.run([*unshare, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if allowed.returncode:
        pytest.skip("a user may not make namespaces here")
    program = (
        f"import os; from pyjib.cli.interrupts import die; assert os.getpid() == 1; die({code})"
    )
    done = subprocess.run([*unshare, sys.executable, "-c", program], check=False)
    assert done.returncode == code
    done = subprocess.run([sys.executable, "-c", program.replace("== 1", "> 1")], check=False)
    assert done.returncode == -number


HELPER = """#!{python}
import os, signal, socket, time
signal.signal(signal.SIGTERM, signal.{heeds})
told = socket.create_connection(("127.0.0.1", {port}))
told.sendall(b"%d\\n" % os.getpid())
time.sleep(600)
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
                stdout, stderr = process.communicate(timeout=240)
                assert told.recv(1) == b"", "the helper is gone"
    assert (process.returncode, stdout) == (-number, "")
    said = "cancelled" if number == signal.SIGINT else "ended by SIGTERM"
    assert times == 2 or stderr.splitlines()[-1] == said
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
    noticed: list[str] = []

    def work(cancellation: Cancellation) -> None:
        os.kill(os.getpid(), number)
        while not cancellation.cancelled:
            pass
        raise TransportError("the connection broke")

    before = signal.signal(number, signal.SIG_DFL)  # under nohup the tests ignore SIGHUP
    try:
        with pytest.raises(CancelledError) as raised:
            run_cancellable(work, notice=noticed.append)
    finally:
        signal.signal(number, before)
    assert len(noticed) == 1
    assert raised.value.exit_code == 128 + number


def test_work_in_another_thread_leaves_signals_alone() -> None:
    found = []
    thread = threading.Thread(target=lambda: found.append(run_cancellable(lambda _: 7)))
    thread.start()
    thread.join()
    assert found == [7]
