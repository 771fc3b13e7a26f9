"""How commands end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pyjib import errors
from pyjib.cli.exits import report
from pyjib.cli.messages import OutputClosedError, visible
from tests.support.cli import HELLO, Cli


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (errors.ConfigurationError("bad", hint="better"), 2, "error: bad\nhint: better\n"),
        (errors.InvalidReferenceError("bad"), 2, "error: bad\n"),
        (errors.TransportError("gone"), 1, "error: gone\n"),
        (errors.CancelledError("cancelled"), 130, "cancelled\n"),
        (KeyboardInterrupt(), 130, "cancelled\n"),
        (click.Abort(), 130, "cancelled\n"),
        (OutputClosedError(), 1, ""),
        (click.UsageError("No such thing."), 2, "error: no such thing\n"),
        (click.ClickException("It broke."), 1, "error: it broke\n"),
        (MemoryError(), 1, "error: there is not enough memory\n"),
    ],
)
def test_errors_have_their_own_codes(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, text: str
) -> None:
    assert report(error) == code
    assert capsys.readouterr() == ("", text)


def test_what_should_not_happen(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(KeyError("x")) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: this should not have happened: KeyError: 'x'\nhint: run it")
    assert report(OSError(28, "No space left on device", "/x")) == 1
    told = capsys.readouterr().err
    assert (
        told == "error: /x: No space left on device\nhint: --debug tells what it was wanted for\n"
    )


def test_debug_tells_where(cli: Cli) -> None:
    quiet = cli("build", HELLO)
    loud = cli("build", HELLO, "--debug")
    assert "Traceback" not in quiet.stderr
    assert "Traceback (most recent call last)" in loud.stderr
    assert "pyjib.errors.ConfigurationError: nowhere to write" in loud.stderr
    assert (quiet.code, loud.code) == (2, 2)
    assert "Traceback" not in cli("build", HELLO).stderr, "--debug outlived its command"


def test_control_characters_are_shown() -> None:
    assert visible("a\x1b[2Jb\rc\x9bd\u202ee\tf\ng") == ("a\\x1b[2Jb\\rc\\x9bd\\u202ee\tf\ng")
    assert visible("Grüße, 世界 🚀") == "Grüße, 世界 🚀"


@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise there")
def test_a_reader_that_goes_away(cli: Cli) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as broken, cli.start("plan", HELLO, stdout=broken) as process:
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout(cli: Cli) -> None:
    with Path("/dev/full").open("wb") as full, cli.start("plan", HELLO, stdout=full) as process:
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert stderr == "error: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize("progress", ["plain", "live"])
def test_nobody_to_tell(cli: Cli, progress: str) -> None:
    # A closed stderr must not stop a build, nor a terminal that goes away.
    target = f"tar://{cli.home / 'x.tar'}"
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ("build", HELLO, "--from", "scratch", "--to", target, "--progress", progress)
    with os.fdopen(writing, "wb") as broken, cli.start(*arguments, stderr=broken) as process:
        stdout, _ = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (0, f"{target}\n")


def test_results_are_utf_8_whatever_the_locale(cli: Cli) -> None:
    target = f"tar://{cli.home / 'größe.tar'}"
    environment = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = cli.program("build", HELLO, "--from", "scratch", "--to", target, environment=environment)
    assert done.code == 0, done.stderr
    assert done.stdout == f"{target}\n"


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["bulid"], "(Did you mean build?)"), (["cache", "prunes"], "(Did you mean prune?)")],
)
def test_a_command_that_is_nearly_one(cli: Cli, arguments: list[str], meant: str) -> None:
    done = cli(*arguments)
    assert (done.code, done.stdout) == (2, "")
    assert f"no such command '{arguments[-1]}'. {meant}" in done.stderr
    assert "Did you mean" not in cli("xyzzy").stderr


@pytest.mark.parametrize("arguments", [["build", "--to"], ["jar", "-t"], ["jar", "--user=a"]])
def test_the_help_is_named_for_mistakes(cli: Cli, arguments: list[str]) -> None:
    done = cli(*arguments)
    assert done.code == 2
    assert done.stderr.endswith(f"hint: see `pyjib {arguments[0]} --help`\n")


def test_an_option_before_the_command(cli: Cli) -> None:
    done = cli("--debug", "build")
    assert done.code == 2
    assert "hint: options follow the command: `pyjib build --debug`" in done.stderr


@pytest.mark.parametrize(
    ("options", "before", "is_taken_down"),
    [
        ([], "", False),
        (["-X", "dev"], "", True),
        ([], "sys.setprofile(lambda *_: None)", True),
        ([], "threading.Thread(target=threading.main_thread().join).start()", True),
        ([], "threading.Thread(target=time.sleep, args=[9], daemon=True).start()", False),
    ],
)
def test_the_process_ends_at_once_unless_somebody_waits(
    options: list[str], before: str, *, is_taken_down: bool
) -> None:
    code = f"""
import atexit, sys, threading, time
from pyjib.cli import main
atexit.register(print, "taken down")
{before}
sys.argv = ["pyjib", "--version"]
main()
"""
    done = subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, check=True
    )
    version, *rest = done.stdout.splitlines()
    assert version.startswith("pyjib ")
    assert rest == ["taken down"] * is_taken_down
