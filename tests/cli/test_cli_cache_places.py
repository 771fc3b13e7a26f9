"""Caches that cannot be written: a temporary one in their place, or a mistake that is named."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import HELLO, Cli
from tests.support.powerless import Powerless, without_power
from tests.support.scripted import Reply, ScriptedServer, Seen


def build(target: Path, *more: str | Path) -> list[str | Path]:
    return ["build", HELLO, "--from", "scratch", "--to", f"tar://{target}", *more]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "x.tar"


@pytest.fixture
def wanted(cli: Cli, tmp_path: Path) -> bytes:
    """The image as it is built with a usual cache, which is ``filled`` then."""
    path = tmp_path / "wanted.tar"
    assert cli(*build(path, "--cache", tmp_path / "filled")).code == 0
    return path.read_bytes()


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where temporary files go."""
    place = tmp_path / "temporary"
    place.mkdir()
    return place


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"")
    return path


@pytest.fixture
def powerless(cli: Cli, temporary: Path) -> Powerless:
    """Run the program as a user for whom the modes of files count."""
    return without_power(cli, temporary)


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A directory in which nothing can be made."""
    place = tmp_path / "closed"
    place.mkdir(mode=0o500)
    yield place
    place.chmod(0o700)


@pytest.fixture
def lent(tmp_path: Path, wanted: bytes) -> Iterator[Path]:
    """A cache that was filled, and can be read only."""
    root = tmp_path / "filled"
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    yield root
    for folder in folders:
        folder.chmod(0o700)


def files_below(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "HOME"])
def test_no_usual_place(
    cli: Cli, file: Path, temporary: Path, target: Path, wanted: bytes, variable: str
) -> None:
    place = file / ("pyjib" if variable == "XDG_CACHE_HOME" else ".cache/pyjib")
    variables = {"PYJIB_CACHE": "", "XDG_CACHE_HOME": "", variable: str(file)}
    variables |= {"USERPROFILE": str(file)} if variable == "HOME" else {}
    variables |= {"TMPDIR": str(temporary), "TEMP": str(temporary), "TMP": str(temporary)}
    done = cli.program(*build(target), environment=variables)
    assert done.code == 0, done.stderr
    assert done.stderr.count("warning: ") == 1
    assert (
        f"warning: cannot write to the cache in {place}: {file} is a file, not a directory; this "
        "build has a temporary one\n"
        "hint: to find packed layers again the next time, pass --cache DIR or set PYJIB_CACHE\n"
    ) in done.stderr
    assert target.read_bytes() == wanted
    assert list(temporary.iterdir()) == []


def test_a_usual_place_that_is_closed(
    powerless: Powerless, closed: Path, temporary: Path, target: Path, wanted: bytes
) -> None:
    done = powerless(*build(target), PYJIB_CACHE="", XDG_CACHE_HOME=str(closed))
    assert done.code == 0, done.stderr
    assert (
        f"warning: cannot write to the cache in {closed / 'pyjib'}: it cannot be made in {closed}: "
        "Permission denied; this build has a temporary one\n"
    ) in done.stderr
    assert done.stderr.count("warning: ") == 1
    assert target.read_bytes() == wanted
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("variables", "flags", "hint"),
    [
        ({}, ["--cache", "{}"], "--cache names it: name a directory that can be written"),
        ({"PYJIB_CACHE": "{}"}, [], "PYJIB_CACHE names it: let it be a directory that can be "),
        ({"PYJIB_CACHE": "/a"}, ["--cache", "{}"], "--cache names it: name a directory that can "),
    ],
)
def test_a_place_that_was_named_must_do(
    cli: Cli,
    file: Path,
    target: Path,
    variables: dict[str, str],
    flags: list[str],
    hint: str,
) -> None:
    for place, reason in ((file, "it"), (file / "a" / "b", f"{file}")):
        named = Cli(
            home=cli.home,
            variables={name: text.format(place) for name, text in variables.items()},
        )
        done = named(*build(target, *(flag.format(place) for flag in flags)))
        assert done.code == 1
        assert (
            f"error: cannot write to the cache in {place}: {reason} is a file, not a directory\n"
            f"hint: {hint}"
        ) in done.stderr
        assert "partial" not in done.stderr
        assert not target.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_place_where_nothing_can_be_made(cli: Cli, target: Path) -> None:
    done = cli(*build(target, "--cache", "/proc/foo"))
    assert done.code == 1
    assert (
        "error: cannot write to the cache in /proc/foo: it cannot be made in /proc: No such file or "
        "directory\nhint: --cache names it: "
    ) in done.stderr
    assert "prune" not in done.stderr


def test_a_closed_place_that_was_named(powerless: Powerless, closed: Path, target: Path) -> None:
    done = powerless(*build(target, "--cache", closed))
    assert done.code == 1
    assert f"error: cannot write to the cache in {closed}: Permission denied\n" in done.stderr
    assert "hint: --cache names it: " in done.stderr


def test_nothing_is_to_be_written(
    powerless: Powerless, lent: Path, target: Path, wanted: bytes
) -> None:
    done = powerless(*build(target, "--cache", lent))
    assert done.code == 0, done.stderr
    assert "warning" not in done.stderr
    layers = [line for line in done.stderr.splitlines() if line.startswith("layer ")]
    assert layers
    assert all(line.endswith("(cached)") for line in layers)
    assert target.read_bytes() == wanted


@pytest.mark.parametrize("is_named", [True, False])
def test_what_is_new_is_kept_aside(
    powerless: Powerless, lent: Path, temporary: Path, target: Path, tmp_path: Path, is_named: bool
) -> None:
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "new").write_text("new")
    before = files_below(lent)
    place = lent
    if not is_named:
        place = tmp_path / "pyjib"
        place.symlink_to(lent)
    flags = ["--cache", place] if is_named else []
    usual = {} if is_named else {"PYJIB_CACHE": "", "XDG_CACHE_HOME": str(tmp_path)}
    done = powerless(*build(target, "--extra-dir", extra, *flags), **usual)
    assert done.code == 0, done.stderr
    assert (
        f"warning: cannot write to the cache in {place}: Permission denied; it is read, and what "
        "is new is kept in a temporary one\n"
    ) in done.stderr
    assert done.stderr.count("warning: ") == 1
    cached = {
        line[9:].split("  ")[0]: line.endswith("(cached)")
        for line in done.stderr.splitlines()
        if line.startswith("layer ")
    }
    assert cached.pop("extra files") is False
    assert set(cached.values()) == {True}
    assert files_below(lent) == before
    assert list(temporary.iterdir()) == []


def test_a_part_that_is_another_users(
    powerless: Powerless, tmp_path: Path, target: Path, wanted: bytes
) -> None:
    """As ``sudo pyjib`` leaves it."""
    root = tmp_path / "filled"
    blobs = root / "blobs" / "sha256"
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "new").write_text("new")
    blobs.chmod(0o500)
    try:
        done = powerless(*build(target, "--extra-dir", extra, "--cache", root))
    finally:
        blobs.chmod(0o700)
    assert done.code == 0, done.stderr
    assert f"cannot write to the cache in {root}: there is no leave to write in {blobs}; it is" in (
        done.stderr
    )


def test_one_that_cannot_be_read_is_not_there(
    powerless: Powerless, tmp_path: Path, target: Path, wanted: bytes
) -> None:
    root = tmp_path / "filled"
    root.rename(tmp_path / "pyjib")
    root = tmp_path / "pyjib"
    root.chmod(0)
    try:
        usual = powerless(*build(target), PYJIB_CACHE="", XDG_CACHE_HOME=str(tmp_path))
        named = powerless(*build(target, "--cache", root))
        looks = [powerless("cache", what, "--cache", root) for what in ("du", "prune")]
        there = powerless("cache", "du", PYJIB_CACHE="", XDG_CACHE_HOME=str(tmp_path))
    finally:
        root.chmod(0o700)
    assert usual.code == 0, usual.stderr
    assert "Permission denied; this build has a temporary one" in usual.stderr
    assert target.read_bytes() == wanted
    assert there.code == 1
    assert f"error: cannot list {root / 'blobs'} in the cache: Permission denied\nhint: " in (
        there.stderr
    )
    for done in (named, *looks):
        *_, error, hint = done.stderr.splitlines()
        assert done.code == 1
        assert error.startswith("error: cannot ")
        assert str(root) in error
        assert error.endswith(": Permission denied")
        assert hint.startswith("hint: ")


@pytest.mark.skipif(os.name == "nt", reason="signals the POSIX way")
def test_a_cancelled_build_leaves_none(cli: Cli, file: Path, temporary: Path) -> None:
    asked, go_on = threading.Event(), threading.Event()
    there: list[int] = []

    def slow(seen: Seen) -> Reply:
        there.append(sum(path.is_file() for path in temporary.rglob("*")))
        asked.set()
        go_on.wait(30)
        return Reply(404)

    variables = {"PYJIB_CACHE": "", "XDG_CACHE_HOME": str(file), "TMPDIR": str(temporary)}
    with ScriptedServer() as server:
        server.rule("POST", "/v2/x/.*", slow)
        arguments = ("build", HELLO, "--from", "scratch", "--to", f"{server.address}/x")
        with Cli(home=cli.home, variables=variables).start(*arguments) as process:
            assert asked.wait(30)
            process.send_signal(signal.SIGINT)
            go_on.set()
            _, stderr = process.communicate(timeout=30)
    assert stderr.endswith("cancelled\n")
    assert there[0] > 3
    assert list(temporary.iterdir()) == []


def test_no_room_in_the_temporary_one(cli: Cli, file: Path, temporary: Path, target: Path) -> None:
    if os.name == "nt":
        pytest.skip("limits the size of files the POSIX way")
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)); "
        "from pyjib.cli import main; main()"
    )
    variables = {"PYJIB_CACHE": "", "XDG_CACHE_HOME": str(file), "TMPDIR": str(temporary)}
    with Cli(home=cli.home, variables=variables).start(*build(target), code=code) as process:
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    hint = stderr.splitlines()[-1]
    assert hint.startswith(f"hint: the cache of this build was {temporary / 'pyjib-cache-'}")
    assert "--cache DIR" in hint
    assert "TMPDIR" in hint
    assert list(temporary.iterdir()) == []


def test_pruning_one_that_is_closed(powerless: Powerless, lent: Path) -> None:
    assert powerless("cache", "du", "--cache", lent).code == 0
    for how in ([], ["--all"], ["--max-size", "0MB"]):
        done = powerless("cache", "prune", *how, "--cache", lent)
        assert done.code == 1
        assert done.stderr == (
            f"error: cannot write to the cache in {lent}: Permission denied\n"
            "hint: run it as the user that the cache belongs to, where it can be written\n"
        )
