from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.cli import HELLO, Cli


def fill(cli: Cli) -> None:
    target = f"tar://{cli.home / 'x.tar'}"
    assert cli("build", HELLO, "--from", "scratch", "--to", target).code == 0


def test_where_it_is(cli: Cli, tmp_path: Path) -> None:
    assert cli("cache", "dir").stdout == f"{cli.home / 'cache'}\n"
    assert cli("cache", "dir", "--cache", tmp_path / "other").stdout == f"{tmp_path / 'other'}\n"
    usual = Cli(home=cli.home, variables={"PYJIB_CACHE": ""})
    assert usual("cache", "dir").stdout == f"{cli.home / '.cache' / 'pyjib'}\n"


def test_du_and_prune(cli: Cli) -> None:
    nothing = cli("cache", "du", "--json").json
    assert nothing["total"] == {"files": 0, "bytes": 0}
    assert not (cli.home / "cache").exists()
    fill(cli)
    document = cli("cache", "du", "--json").json
    assert document["directory"] == str(cli.home / "cache")
    assert document["blobs"]["files"] == 3
    assert document["blobs"]["bytes"] > 1000
    text = cli("cache", "du")
    assert text.lines[0].startswith("blobs ")
    assert text.lines[-1].startswith("total ")
    kept = cli("cache", "prune")
    assert (kept.code, kept.stdout, kept.stderr) == (0, "", "removed 0 files, 0 B\n")
    everything = cli("cache", "prune", "--all")
    assert everything.stderr.startswith(f"removed {document['total']['files']} files, ")
    assert cli("cache", "du", "--json").json["total"]["files"] == 0


def test_what_killed_builds_left_is_told(cli: Cli) -> None:
    fill(cli)
    left = [cli.home / "cache" / "tmp" / f".blob.{digit * 12}.pyjib.partial" for digit in "ab"]
    for path, size in zip(left, (2_000_000, 500_000), strict=True):
        path.write_bytes(bytes(size))
    an_hour_ago = left[0].stat().st_mtime - 3601
    os.utime(left[0], (an_hour_ago, an_hour_ago))
    young = 0 if os.name == "nt" else 1  # there nobody can know whether it is being written
    document = cli("cache", "du", "--json").json
    assert document["temporary"] == {"files": 2, "bytes": 2_500_000}
    assert document["abandoned"] == {"files": 1 + young, "bytes": 2_000_000 + young * 500_000}
    assert document["total"]["files"] == document["blobs"]["files"] + document["index"]["files"] + 2
    told = cli("cache", "du")
    assert told.lines[2].split() == ["temporary", "2.5", "MB", "2", "files"]
    if young:
        assert told.stderr == (
            "hint: 2 of the temporary files (2.5 MB) were left by killed builds: `pyjib cache "
            "prune` removes them an hour after the last writing, with --all at once\n"
        )
    assert cli("cache", "prune").stderr == "removed 1 file, 2.0 MB\n"
    assert [path.exists() for path in left] == [False, True]
    assert cli("cache", "prune", "--all").code == 0
    assert left[1].exists() is not bool(young)
    assert "hint" not in cli("cache", "du").stderr or not young


def test_what_is_old_goes(cli: Cli) -> None:
    fill(cli)
    blobs = [path for path in (cli.home / "cache" / "blobs").rglob("*") if path.is_file()]
    old = blobs[0].stat().st_mtime - 40 * 86_400
    os.utime(blobs[0], (old, old))
    assert cli("cache", "prune", "--older-than", "50", "--quiet").stderr == ""
    assert blobs[0].exists()
    assert cli("cache", "prune").code == 0
    assert [blob.exists() for blob in blobs] == [False, *[True] * (len(blobs) - 1)]


def test_what_is_too_much_goes(cli: Cli) -> None:
    fill(cli)
    assert cli("cache", "prune", "--max-size", "2.6kB").code == 0
    assert cli("cache", "du", "--json").json["blobs"]["bytes"] <= 2600


def test_mistakes(cli: Cli) -> None:
    assert cli("cache", "prune", "--max-size", "much").code == 2
    assert cli("cache", "prune", "--older-than", "-1").code == 2
    both = cli("cache", "prune", "--all", "--older-than", "3")
    assert both.code == 2
    assert both.stderr.startswith("error: --all leaves nothing")


@pytest.mark.parametrize("days", ["nan", "1e400", "-1", "1e300", "inf", "a"])
def test_days_are_a_number_of_use(cli: Cli, days: str) -> None:
    done = cli("cache", "prune", "--older-than", days)
    assert done.code == 2
    assert f"--older-than: '{days}' is not a number from 0 to" in done.stderr


def test_a_cache_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "none"
    for command in (["du"], ["prune"], ["prune", "--all"]):
        done = cli("cache", *command, "--cache", place)
        assert (done.code, done.stderr) == (0, f"there is no cache at {place}\n")
    assert cli("cache", "prune", "--quiet", "--cache", place).stderr == ""
    assert not place.exists()


def test_a_cache_that_is_a_file(cli: Cli, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("x")
    for command in ("du", "prune"):
        done = cli("cache", command, "--cache", place)
        assert done.code == 2
        assert "it is not a directory" in done.stderr


def test_files_that_may_not_be_removed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system says no here in the place of another user's directory: root may do all."""
    fill(cli)
    count = cli("cache", "du", "--json").json["total"]["files"]

    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.parent.name != "tmp":
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        done = cli("cache", "prune", "--all")
    assert done.code == 1
    assert "removed 0 files" in done.stderr
    assert f"error: {count} files of the cache in {cli.home / 'cache'} could not be" in done.stderr
    assert "\nhint: " in done.stderr
