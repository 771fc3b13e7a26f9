"""Programs that are run: they end with the build, and so does all that they start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pyjib.cancellation import Cancellation
from pyjib.errors import CancelledError
from pyjib.presence import find_program
from pyjib.programs import Program, TooLongError

posix = pytest.mark.skipif(os.name == "nt", reason="looks at processes as POSIX has them")
PIPE = subprocess.PIPE

TELLS = "import os, sys; print(os.getpid(), flush=True); "
SLEEPS = TELLS + "import time; time.sleep(600)"
IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPS
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
GONE_PARENT = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}])"


def python(
    code: str,
    cancellation: Cancellation | None = None,
    *,
    patience: float | None = None,
    stdin: int = subprocess.DEVNULL,
) -> Program:
    return Program(
        [sys.executable, "-c", code],
        environment=dict(os.environ),
        cancellation=cancellation or Cancellation(),
        patience=patience,
        stdin=stdin,
        stdout=PIPE,
    )


def told_by(program: Program) -> int:
    """Return the number that it writes first: its own, or that of its child."""
    return int(b"".join(iter(lambda: program.receive(1).strip(), b"")))


def is_running(pid: int) -> bool:
    """Tell whether a process goes on; one that was killed takes a moment to go."""
    for _ in range(6000):
        if not _is_there(pid):
            return False
        time.sleep(0.01)
    return True


def _is_there(pid: int) -> bool:
    """Tell whether there is such a process, unless it only waits for a parent to take note."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc/self").exists()
    return state not in "ZX"


def descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_what_goes_in_and_out() -> None:
    code = "import sys; sys.stdout.write(sys.stdin.read().upper()); sys.exit(3)"
    with python(code, stdin=PIPE) as program:
        assert program.send(b"abc")
        assert program.send(b"def")
        program.finish_sending()
        assert program.receive(4) == b"ABCD"
        assert program.receive(4) == b"EF"
        assert program.receive(4) == b""
        assert program.wait() == 3


def test_one_that_does_not_listen() -> None:
    with python("import sys; sys.stdin.close()", stdin=PIPE) as program:
        assert program.wait() == 0
        assert not program.send(b"x" * (1 << 20))


def test_one_that_is_not_there(tmp_path: Path) -> None:
    program = Program([str(tmp_path / "none")], environment={}, cancellation=Cancellation())
    with pytest.raises(FileNotFoundError), program:
        pytest.fail("it started")


@posix
def test_programs_are_looked_for_in_whole_paths_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that was checked out may have a ``docker-credential-gcr`` of its own."""
    monkeypatch.chdir(tmp_path)
    for folder, mode in (("", 0o755), ("bin", 0o755), ("dull", 0o644)):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "tool").touch(mode)
    lost = ["", ".", "bin", str(tmp_path / "dull"), str(tmp_path / "no" / "such")]
    for path in (*lost, os.pathsep.join(lost)):
        assert find_program("tool", {"PATH": path}) is None
    path = os.pathsep.join((*lost, str(tmp_path / "bin"), str(tmp_path)))
    assert find_program("tool", {"PATH": path}) == str(tmp_path / "bin" / "tool")
    assert find_program("bin", {"PATH": str(tmp_path)}) is None
    assert find_program("tool", {}) is None


def test_none_is_started_once_cancelled() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(CancelledError), python(SLEEPS, cancellation):
        pytest.fail("it started")


def test_one_that_takes_too_long() -> None:
    with pytest.raises(TooLongError), python(SLEEPS, patience=0.05) as program:
        program.wait()


def _wait(program: Program) -> None:
    program.wait()


def _read(program: Program) -> None:
    program.receive(1 << 20)


def _write(program: Program) -> None:
    program.send(b"x" * (8 << 20))


@posix
@pytest.mark.parametrize("blocks", [_wait, _read, _write])
@pytest.mark.parametrize(
    "code",
    [SLEEPS, IGNORES, PARENT.format(child=SLEEPS), PARENT.format(child=IGNORES)],
    ids=["sleeps", "ignores", "has a child", "has a child that ignores"],
)
def test_cancelling_ends_it_and_all_that_it_started(
    code: str, blocks: Callable[[Program], None]
) -> None:
    cancellation, before, threads = Cancellation(), descriptors(), threading.active_count()
    pids = []
    program = python(code, cancellation, stdin=PIPE)

    def work() -> None:
        with program:
            pids.append(told_by(program))
            threading.Timer(0.05, cancellation.cancel).start()
            blocks(program)

    with pytest.raises(CancelledError):
        work()
    assert not is_running(pids[0])
    assert descriptors() == before
    assert threading.active_count() <= threads + 1
    with pytest.raises(ChildProcessError):
        os.waitpid(program._process.pid, os.WNOHANG)  # no zombie is left


@posix
def test_a_child_that_outlives_its_parent_is_ended_too() -> None:
    """A helper that ended, but left somebody with its pipe: reading would go on for ever."""
    pids = []

    def work() -> None:
        with python(GONE_PARENT.format(child=SLEEPS), patience=1) as program:
            pids.append(told_by(program))
            program.receive(1)

    with pytest.raises(TooLongError):
        work()
    assert not is_running(pids[0])


@posix
def test_one_who_left_the_group_does_not_hold_the_caller() -> None:
    child = "import os; os.setsid(); " + SLEEPS
    cancellation, pids = Cancellation(), []

    def work() -> None:
        with python(PARENT.format(child=child), cancellation) as program:
            pids.append(told_by(program))
            threading.Timer(0.05, cancellation.cancel).start()
            program.receive(1)

    with pytest.raises(CancelledError):
        work()
    assert _is_there(pids[0]), "it is none of ours any more"
    os.kill(pids[0], signal.SIGKILL)
    for thread in threading.enumerate():
        if thread.name == "pyjib-program":
            thread.join(60)


@posix
def test_an_error_within_ends_it() -> None:
    pids = []

    def work() -> None:
        with python(SLEEPS) as program:
            pids.append(told_by(program))
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert not is_running(pids[0])


AT_A_TERMINAL = """
import fcntl, os, sys, termios
from pyjib.cancellation import Cancellation
from pyjib.programs import AsksError, Program

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.tcsetpgrp(0, os.getpgrp())
command = [sys.executable, "-c", "open('/dev/tty').read()"]
try:
    with Program(command, environment={}, cancellation=Cancellation()) as program:
        program.wait()
except AsksError as error:
    print(error)
"""


@posix
@pytest.mark.skipif(not hasattr(os, "waitid"), reason="the system does not tell")
def test_one_that_asks_at_the_terminal() -> None:
    """The terminal is ours: the system stops it, and nobody would ever wake it."""
    import pty  # noqa: PLC0415  not on Windows

    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", AT_A_TERMINAL],
            stdin=theirs,
            capture_output=True,
            text=True,
            start_new_session=True,
            timeout=240,
            cwd=Path(__file__).parents[1],
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.stdout == "it wants to ask something at the terminal\n", done.stderr
