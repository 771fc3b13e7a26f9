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
        (
            RuntimeError("can't start new thread"),
            1,
            (
                "error: the system gives no more threads\nhint: see what limits memory and "
                "processes: ulimit -a, or the limits of the container\n"
            ),
        ),
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
        _, stderr = process.communicate(timeout=240)
    assert (process.returncode, stderr) == (1, "")


@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise there")
def test_a_reader_that_goes_away_before_it_has_the_image(cli: Cli) -> None:
    target = f"tar://{cli.home / 'x.tar'}"
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ("build", HELLO, "--from", "scratch", "--to", target, "--quiet")
    with os.fdopen(writing, "wb") as broken, cli.start(*arguments, stdout=broken) as process:
        _, stderr = process.communicate(timeout=240)
    assert process.returncode == 1
    assert stderr == (
        "error: cannot write to standard output: nobody reads it any more\n"
        f"hint: the image is written all the same: {target}\n"
    )
    assert (cli.home / "x.tar").is_file()


CLOSING = """
import os, sys
os.close({descriptor})
os.execv(sys.executable, [sys.executable, "-m", "pyjib", *sys.argv[1:]])
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows opens streams anew")
@pytest.mark.parametrize(
    "arguments", [["--version"], ["build", "--help"], ["plan", str(HELLO)], ["cache", "dir"]]
)
def test_there_is_no_stdout(cli: Cli, arguments: list[str]) -> None:
    with cli.start(*arguments, code=CLOSING.format(descriptor=1)) as process:
        _, stderr = process.communicate(timeout=240)
    assert process.returncode == 1
    assert stderr == (
        "error: cannot write to standard output: it is closed\n"
        "hint: send it to a file, or to /dev/null\n"
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows opens streams anew")
@pytest.mark.parametrize("descriptor", [0, 1, 2])
def test_nothing_is_built_that_cannot_be_told(cli: Cli, descriptor: int) -> None:
    target = cli.home / "x.tar"
    arguments = ("build", HELLO, "--from", "scratch", "--to", f"tar://{target}", "--progress")
    closing = CLOSING.format(descriptor=descriptor)
    with cli.start(*arguments, "live", code=closing) as process:
        stdout, stderr = process.communicate(timeout=240)
    if descriptor == 1:
        assert (process.returncode, target.exists()) == (1, False)
        assert "error: cannot write to standard output: it is closed\n" in stderr
    else:
        assert (process.returncode, stdout) == (0, f"tar://{target}\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["build", "-h"]])
def test_help_and_a_full_disk(cli: Cli, arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full, cli.start(*arguments, stdout=full) as process:
        _, stderr = process.communicate(timeout=240)
    assert process.returncode == 1
    assert stderr == "error: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize(
    ("cause", "code", "text"),
    [
        (EOFError(), 1, "error: standard input ended before there was an answer\n"),
        (KeyboardInterrupt(), 130, "cancelled\n"),
    ],
)
def test_no_answer(
    capsys: pytest.CaptureFixture[str], cause: BaseException, code: int, text: str
) -> None:
    def ask(text: str) -> str:
        raise cause

    with pytest.MonkeyPatch.context() as patch:  # click's own asks a terminal
        patch.setattr("click.termui.hidden_prompt_func", ask)
        with pytest.raises(click.Abort) as raised:
            click.prompt("Password", hide_input=True, err=True)
    capsys.readouterr()
    assert report(raised.value) == code
    assert capsys.readouterr() == ("", text)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout(cli: Cli) -> None:
    with Path("/dev/full").open("wb") as full, cli.start("plan", HELLO, stdout=full) as process:
        _, stderr = process.communicate(timeout=240)
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
        stdout, _ = process.communicate(timeout=240)
    assert (process.returncode, stdout) == (0, f"{target}\n")


def test_results_are_utf_8_whatever_the_locale(cli: Cli) -> None:
    target = f"tar://{cli.home / 'größe.tar'}"
    environment = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = cli.program("build", HELLO, "--from", "scratch", "--to", target, environment=environment)
    assert done.code == 0, done.stderr
    assert done.stdout == f"{target}\n"


ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.skipif(os.name == "nt", reason="arguments are no bytes there")
def test_texts_are_utf_8_whatever_the_locale(cli: Cli) -> None:
    arguments = ("plan", HELLO, "--json", "-q", "--env", "CITY=Köln")
    done = cli.program(*arguments, environment=ASCII)
    assert done.json["config"]["env"]["CITY"] == "Köln"


@pytest.mark.skipif(os.name == "nt", reason="arguments are no bytes there")
@pytest.mark.parametrize(
    "flag", ["--arg", "--jvm-flag", "--env", "--label", "--user", "--entrypoint", "--main-class"]
)
def test_texts_that_are_not_utf_8(cli: Cli, flag: str) -> None:
    done = cli("plan", HELLO, flag, os.fsdecode(b"a=b\xff"))
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {flag}: 'a=b\\udcff' is not UTF-8\nhint: ") or (
        flag in ("--env", "--label") and f"{flag}: 'b\\udcff' is not UTF-8" in done.stderr
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names are Unicode elsewhere")
def test_names_of_files_may_be_any_bytes(cli: Cli) -> None:
    name = os.fsdecode(b"x\xff.tar")
    target = f"tar://{cli.home / name}"
    done = cli("build", HELLO, "--from", "scratch", "--to", target, "--json")
    assert done.json["published"][0]["location"] == target
    assert (cli.home / name).is_file()
    assert cli("inspect", target, "--json").json["name"] == target
    assert cli("plan", HELLO, "--to", target, "--json").json["targets"] == [target]


@pytest.mark.skipif(os.name == "nt", reason="a directory that is in use stays there")
@pytest.mark.parametrize("arguments", [["plan"], ["build", "--to", "tar://x.tar"]])
def test_the_working_directory_is_gone(cli: Cli, tmp_path: Path, arguments: list[str]) -> None:
    code = """
import os, sys
from pyjib.cli import main
os.rmdir(os.getcwd())
main()
"""
    (tmp_path / "gone").mkdir()
    with cli.start(*arguments, code=code, cwd=tmp_path / "gone") as process:
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (1, "")
    assert stderr == (
        "error: the working directory is gone\nhint: change to a directory that is there\n"
    )


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["bulid"], "(Did you mean build?)"),
        (["cache", "prunes"], "(Did you mean prune?)"),
        (["dockerBuild"], "(Did you mean build --to docker://NAME?)"),
    ],
)
def test_a_command_that_is_nearly_one(cli: Cli, arguments: list[str], meant: str) -> None:
    done = cli(*arguments)
    assert (done.code, done.stdout) == (2, "")
    assert f"no such command '{arguments[-1]}' {meant}" in done.stderr
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
