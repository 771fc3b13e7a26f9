"""Running another program, for as long as it takes or until the build is cancelled.

The program gets a process group of its own, so that what it starts ends with it, and a thread
waits in the caller's place for whatever its pipes do: the caller looks at the cancellation ten
times a second. Who is left with a pipe that never ends, because somebody outside of the group
holds it, leaves that thread behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar

from pyjib.cancellation import Cancellation
from pyjib.patience import SLICE, apart

FAREWELL = 0.5
"""Seconds that a program is given to end after it was asked to."""

_GLANCE = 0.02

T = TypeVar("T")


class TooLongError(Exception):
    """A program did not end in the time that it was given."""


class AsksError(TooLongError):
    """A program would never end: it wants to ask at the terminal, where only our group can."""


class Program:
    """A running program: a context, after which it has ended, and all that it started if it had to.

    ``stdin`` and ``stdout`` are files, or ``subprocess.PIPE`` for ``send`` and ``receive``;
    ``stderr`` is a file, as nothing would empty a pipe. Entering raises ``OSError`` if it cannot be
    started. All methods raise ``CancelledError`` once the build is cancelled, ``TooLongError``
    after ``patience`` seconds, and ``AsksError``. Leaving the context by any error ends the program.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        cancellation: Cancellation,
        patience: float | None = None,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.DEVNULL,
        stderr: int | IO[bytes] = subprocess.DEVNULL,
    ) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._cancellation = cancellation
        self._end = None if patience is None else time.monotonic() + patience
        self._pipes = stdin, stdout, stderr
        self._pipes_free = threading.Event()
        self._pipes_free.set()

    def __enter__(self) -> Self:
        self._cancellation.check()
        stdin, stdout, stderr = self._pipes
        self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603  no shell
            self._command,
            env=self._environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            bufsize=0,
            **_own_group(),
        )
        _running.add(self._process)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self.wait()
        finally:
            self.stop()
            _running.discard(self._process)
            self._close()

    def send(self, data: bytes) -> bool:
        """Write to its stdin; false if it listens no more."""

        def write() -> bool:
            left = memoryview(data)
            try:
                while left:
                    left = left[self._stdin.write(left) or 0 :]
            except OSError:
                return False
            return True

        return self._patiently(write)

    def finish_sending(self) -> None:
        """Close its stdin."""
        with contextlib.suppress(OSError):
            self._stdin.close()

    def receive(self, most: int) -> bytes:
        """Return what it writes to its stdout, ``most`` bytes unless it ends before."""

        def read() -> bytes:
            parts, left = [], most
            while left > 0 and (part := self._stdout.read(left)):
                parts.append(part)
                left -= len(part)
            return b"".join(parts)

        return self._patiently(read)

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        while True:
            self._look()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._process.wait(SLICE)

    def stop(self) -> None:
        """End it and all that it started, unless it has ended: asked first, then killed."""
        if self._process.returncode is not None:
            return
        _end_group(self._process, hard=False)
        end = time.monotonic() + FAREWELL
        while self._process.poll() is None or _has_group(self._process):
            if time.monotonic() > end:
                break
            time.sleep(_GLANCE)
        _end_group(self._process, hard=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(FAREWELL)

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None  # noqa: S101  it was asked to be a pipe
        return self._process.stdin

    @property
    def _stdout(self) -> IO[bytes]:
        assert self._process.stdout is not None  # noqa: S101  it was asked to be a pipe
        return self._process.stdout

    def _patiently(self, act: Callable[[], T]) -> T:
        """Do what may block for as long as the program is let run."""
        free = self._pipes_free = threading.Event()

        def tracked() -> T:
            try:
                return act()
            finally:
                free.set()

        return apart(tracked, self._look, name="pyjib-program")

    def _look(self) -> None:
        self._cancellation.check()
        if self._end is not None and time.monotonic() > self._end:
            raise TooLongError("it did not end in time")
        if _is_stopped(self._process):
            raise AsksError("it wants to ask something at the terminal")

    def _close(self) -> None:
        """Close the pipes; one that a thread still waits for is closed when it waits no more."""
        if self._pipes_free.wait(SLICE):
            _close(self._process)
            return

        def close_later() -> None:
            self._pipes_free.wait()
            _close(self._process)

        threading.Thread(target=close_later, name="pyjib-program", daemon=True).start()


def end_all() -> None:
    """Kill all programs that run, and what they started: this process ends at once."""
    for process in list(_running):
        _end_group(process, hard=True)


_running: set[subprocess.Popen[bytes]] = set()


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    else:  # noqa: RET505  mypy follows one branch for each system
        return {"process_group": 0}


def _end_group(process: subprocess.Popen[bytes], *, hard: bool) -> None:
    """Ask a program and all that it started to end, or make them; Windows cannot ask."""
    if sys.platform == "win32":
        _end_tree(process)
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # all of it has ended
            os.killpg(process.pid, signal.SIGKILL if hard else signal.SIGTERM)


def _has_group(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether anything is left of what a program started; not known on Windows."""
    if sys.platform == "win32":
        return False
    else:  # noqa: RET505  as above
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def _is_stopped(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether the system stopped a program for using the terminal, if the system tells."""
    if sys.platform == "win32" or not hasattr(os, "waitid"):  # macOS has it since Python 3.13
        return False
    else:  # noqa: RET505  as above
        try:
            found = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG)
        except ChildProcessError:  # it has ended
            return False
        return found is not None and found.si_status in (signal.SIGTTIN, signal.SIGTTOU)


def _end_tree(process: subprocess.Popen[bytes]) -> None:
    """Let the tool that Windows has for it walk from parents to children."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415  only there, and slow to import

        place = ctypes.create_unicode_buffer(260)
        ctypes.windll.kernel32.GetSystemDirectoryW(place, len(place))
        tool = Path(place.value) / "taskkill.exe"
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(  # noqa: S603  a path of the system's own
                [tool, "/T", "/F", "/PID", str(process.pid)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                creationflags=subprocess.CREATE_NO_WINDOW,
                timeout=FAREWELL,
                check=False,
            )


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
