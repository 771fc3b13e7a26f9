"""Events as lines, and as a live view."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest
from rich.progress import ProgressColumn

from pyjib import events
from pyjib.cli.live import LiveView
from pyjib.cli.render import Level, Lines, Narrator, short, size
from pyjib.events import Direction, Event
from tests.support.cli import HELLO, Cli

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (18_240_000, "18.2 MB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (5_000_000_000, "5.0 GB"),
        (7_300_000_000_000, "7.3 TB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


def test_digests_are_cut_in_labels() -> None:
    assert short(f"layer {DIGEST} of x") == "layer sha256:abababababab of x"


def lines_of(*happened: Event) -> list[str]:
    narrator = Narrator()
    return [str(line) for line in map(narrator.line_of, happened) if line is not None]


def test_lines() -> None:
    push = Direction.PUSH
    assert lines_of(
        events.ProjectRead(kind="compiled classes", root="app", detail="two jars"),
        events.BaseResolved(name="r.io/jre:17", digest=DIGEST, platforms=("linux/amd64",)),
        events.BaseResolved(name=f"r.io/jre@{DIGEST}", digest=DIGEST),
        events.LayerPacking(name="classes", files=2, size=100),
        events.LayerPacked(name="classes", digest=DIGEST, size=18_200_000, cached=True),
        events.TransferStarted(direction=push, key=DIGEST, label=f"layer {DIGEST}", total=5),
        events.TransferProgress(direction=push, key=DIGEST, done=3),
        events.TransferFinished(direction=push, key=DIGEST, size=2000),
        events.BlobPresent(digest=DIGEST, size=7, where="r.io/app"),
        events.BlobMounted(digest=DIGEST, size=8, source="r.io/jre", where="r.io/app"),
        events.BlobMounted(digest=DIGEST, size=8, source="r.io/jre", where="r.io/app"),
        events.ManifestPushed(reference=f"r.io/app@{DIGEST}", digest=DIGEST),
        events.ManifestPushed(reference="r.io/app:1", digest=DIGEST),
        events.ImagePublished(destination="r.io/app", digest=DIGEST),
        events.ImagePublished(destination="tar://x", digest=DIGEST),
    ) == [
        "project  compiled classes in app (two jars)",
        f"base     r.io/jre:17@{DIGEST}  (linux/amd64)",
        f"base     r.io/jre@{DIGEST}",
        "layer    classes  18.2 MB (cached)",
        "push     layer sha256:abababababab  2.0 kB",
        "tag      r.io/app:1",
        "image    1 blob sent (2.0 kB), 1 blob there already (7 B), 2 blobs mounted (16 B)",
    ]


def test_a_blob_may_be_pulled_and_pushed_at_once() -> None:
    pull, push = Direction.PULL, Direction.PUSH
    assert lines_of(
        events.TransferStarted(direction=pull, key=DIGEST, label="from the base"),
        events.TransferStarted(direction=push, key=DIGEST, label="to the target", total=1),
        events.TransferFinished(direction=pull, key=DIGEST, size=1),
        events.TransferFinished(direction=push, key=DIGEST, size=1),
    ) == ["pull     from the base  1 B", "push     to the target  1 B"]


def test_a_transfer_that_begins_before_its_size_is_known() -> None:
    push, known = Direction.PUSH, f"layer {DIGEST}"
    assert lines_of(
        events.TransferStarted(direction=push, key="one", label="layer, while it is packed"),
        events.TransferStarted(direction=push, key="other", label="layer, while it is packed"),
        events.TransferNamed(direction=push, key="one", label=known, total=2000),
        events.TransferNamed(direction=push, key="never started", label=known, total=2000),
        events.TransferAbandoned(direction=push, key="other"),
        events.TransferAbandoned(direction=push, key="never started"),
        events.TransferFinished(direction=push, key="one", size=2000),
        events.ImagePublished(destination="r.io/app", digest=DIGEST),
    ) == [
        "push     sending layer, while it is packed",
        "push     sending layer, while it is packed",
        "push     layer, while it is packed: given up after 0 B, sent anew if it is missing",
        "push     layer sha256:abababababab  2.0 kB",
        "image    1 blob sent (2.0 kB)",
    ]


class Clock:
    """Tells the time that it is set to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def told_over_time(narrator: Narrator, clock: Clock, *happened: tuple[float, Event]) -> list[str]:
    """Return the lines of events that happen so many seconds after the beginning."""
    lines = []
    for seconds, event in happened:
        clock.now = 1000.0 + seconds
        line = narrator.line_of(event)
        if line is not None:
            lines.append(str(line).removeprefix("push     "))
    return lines


def streamed(key: str = "one") -> list[tuple[float, Event]]:
    """Return what is told of a large layer: a minute and more, of which little after its name."""
    push, million = Direction.PUSH, 1_000_000
    label = "layer dependencies, while it is packed"

    def progress(done: int) -> Event:
        return events.TransferProgress(direction=push, key=key, done=done * million)

    return [
        (0, events.TransferStarted(direction=push, key=key, label=label, about=900 * million)),
        (0.1, progress(8)),
        (29, progress(200)),
        (31, progress(310)),
        (32, progress(320)),
        (60.5, progress(600)),
        (62, progress(620)),
        (
            62,
            events.TransferNamed(
                direction=push, key=key, label=f"layer {DIGEST}", total=640 * million
            ),
        ),
        (62.1, progress(640)),
        (92.5, progress(640)),
    ]


def test_a_transfer_that_lasts_long() -> None:
    clock, push = Clock(), Direction.PUSH
    finished = events.TransferFinished(direction=push, key="one", size=640_000_000)
    assert told_over_time(Narrator(clock=clock), clock, *streamed(), (100, finished)) == [
        "sending layer dependencies, while it is packed",
        "layer dependencies, while it is packed  310.0 MB so far, 10.0 MB/s",
        "layer dependencies, while it is packed  620.0 MB so far, 10.0 MB/s",
        "layer sha256:abababababab  640.0 MB of 640.0 MB, 6.9 MB/s",
        "layer sha256:abababababab  640.0 MB, 6.4 MB/s",
    ]
    brief = Narrator(brief=True, clock=clock)
    assert told_over_time(brief, clock, *streamed(), (100, finished)) == [
        "layer sha256:abababababab  640.0 MB, 6.4 MB/s"
    ]


def test_a_transfer_that_is_given_up() -> None:
    clock, narrator = Clock(), Narrator(brief=True)
    gone = events.TransferAbandoned(direction=Direction.PUSH, key="one")
    assert told_over_time(narrator, clock, *streamed()[:4], (40, gone)) == [
        "layer dependencies, while it is packed: given up after 310.0 MB, sent anew if it is missing"
    ]
    assert told_over_time(narrator, clock, streamed()[4], (50, gone)) == []


def test_amounts_of_the_live_view() -> None:
    """A share of the files' size as long as no other is known, and the rate of all the time."""
    clock = Clock()
    with LiveView(forced=True, clock=clock) as view:
        amount = view._progress.columns[-1]
        shown = []
        for seconds, event in streamed():
            clock.now = 1000.0 + seconds
            view(event)
            (task,) = view._progress.tasks
            assert isinstance(amount, ProgressColumn)
            shown.append((str(amount(task)), round(task.percentage)))
    assert shown[0] == ("0 B of about 900.0 MB", 0)
    assert shown[1] == ("8.0 MB of about 900.0 MB", 1)
    assert shown[3] == ("310.0 MB of about 900.0 MB, 10.0 MB/s", 34)
    assert shown[8] == ("640.0 MB of 640.0 MB, 10.3 MB/s", 100)


def test_the_live_view_of_such_transfers(capsys: pytest.CaptureFixture[str]) -> None:
    push, known = Direction.PUSH, f"layer {DIGEST}"
    with LiveView(forced=True) as view:
        for key in ("one", "other"):
            view(events.TransferStarted(direction=push, key=key, label="layer"))
            view(events.TransferProgress(direction=push, key=key, done=1500))
        assert [(task.total, task.completed) for task in view._progress.tasks] == [
            (None, 1500),
            (None, 1500),
        ]
        view(events.TransferNamed(direction=push, key="one", label=known, total=2000))
        view(events.TransferAbandoned(direction=push, key="other"))
        (left,) = view._progress.tasks
        assert (left.description, left.percentage) == ("layer sha256:abababababab", 75)
        view(events.TransferFinished(direction=push, key="one", size=2000))
        assert view._progress.tasks == []
    assert "layer sha256:abababababab  2.0 kB\n" in capsys.readouterr().err


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_transfer_has_one_row_on_narrow_terminals(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    clock, push = Clock(), Direction.PUSH
    with LiveView(forced=True, clock=clock) as view:
        for number in range(2):
            key = f"sha256:{number:064x}"
            label = f"layer {key[7:19]}"
            view(events.TransferStarted(direction=push, key=key, label=label, total=150_000_000))
            view(events.TransferProgress(direction=push, key=key, done=103_000_000))
        clock.now += 10
        view._progress.refresh()
        capsys.readouterr()
        view._progress.refresh()
        shown = capsys.readouterr().err
    rows = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "").splitlines()
    assert [row[:1] for row in rows] == ["p", "p"]
    assert all(len(row) <= width for row in rows)
    if width == 80:
        assert all(row.rstrip().endswith(" 103.0 MB of 150.0 MB, 10.3 MB/s") for row in rows)


@pytest.mark.parametrize("level", list(Level))
def test_levels(capsys: pytest.CaptureFixture[str], level: Level) -> None:
    with Lines(level) as output:
        output(events.ProjectRead(kind="jar", root="app.jar"))
        output(events.Warned(message="this is odd", hint="do that"))
        output(events.RetryScheduled(action="push x", attempt=2, delay=1.5, reason="503"))
        action = f"push blob sha256:{'0123456789abcdef' * 4} to r.io/app"
        output(events.RetryScheduled(action=action, attempt=2, most=5, delay=0.51, reason="503"))
    progress = "project  jar in app.jar\n"
    warnings = "warning: this is odd\nhint: do that\n"
    notices = (
        f"{warnings}retry    push x: 503; attempt 2 in 1.5 s\n"
        "retry    push blob sha256:0123456789ab to r.io/app: 503; attempt 2 of 5 in 0.5 s\n"
    )
    told = {Level.ERRORS: "", Level.WARNINGS: warnings, Level.NOTICES: notices}
    assert capsys.readouterr() == ("", told.get(level, progress + notices))


def storm(number: int) -> list[Event]:
    """What one of several threads tells, layers of one name among it."""
    key, push = f"sha256:{number:064x}", Direction.PUSH
    return [
        events.LayerPacking(name="extra files", files=1, size=100),
        events.TransferStarted(direction=push, key=key, label=f"[red]{key}\x1b[2J", total=1000),
        *(
            events.TransferProgress(direction=push, key=key, done=done)
            for done in (0, 500, 100, 1000)
        ),
        events.TransferFinished(direction=push, key=key, size=1000),
        events.LayerPacked(name="extra files", digest=key, size=50, cached=False),
        events.TransferStarted(direction=push, key=key, label="again, of unknown size"),
        events.TransferProgress(direction=push, key="never started", done=1),
        events.TransferFinished(direction=push, key="never started", size=1),
    ]


def test_the_live_view_takes_events_from_many_threads(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveView(forced=True) as view:
        threads = [
            threading.Thread(target=lambda number=number: list(map(view, storm(number))))
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        view(events.Warned(message="look", hint="here"))
        view.abandon()
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert stderr.count("extra files  50 B") == 8
    assert "[red]sha256:000000000000\\x1b[2J" in stderr
    assert "warning:\x1b[0m look" in stderr
    assert "\x1b[?25h" in stderr[stderr.rindex("\x1b[?25l") :], "the cursor stayed hidden"


def on_a_terminal(cli: Cli, *arguments: str | Path, **variables: str) -> tuple[int, str]:
    pty = pytest.importorskip("pty")
    parent, child = pty.openpty()
    shown = b""
    other = Cli(home=cli.home, variables={"TERM": "xterm-256color", **variables})
    with other.start(*arguments, stdin=child, stderr=child) as process:
        os.close(child)
        while True:
            try:
                chunk = os.read(parent, 65536)
            except OSError:  # what Linux says when the other side is closed
                break
            if not chunk:
                break
            shown += chunk
        stdout, _ = process.communicate(timeout=240)
    os.close(parent)
    assert "\x1b" not in stdout
    return process.returncode, shown.decode()


def test_on_a_terminal(cli: Cli) -> None:
    arguments = ("build", HELLO, "--from", "scratch", "--to", f"tar://{cli.home / 'x.tar'}")
    code, live = on_a_terminal(cli, *arguments)
    assert code == 0
    assert live.startswith("\x1b[?25l")
    assert "\x1b[?25h" in live[live.rindex("done") :], "the cursor stayed hidden"
    assert "done" in live
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        code, plain = on_a_terminal(cli, *arguments, **variables)
        assert code == 0
        assert "\x1b" not in plain
    code, colourful = on_a_terminal(cli, *arguments, CI="true")
    assert "\x1b[?25l" not in colourful
    assert "\x1b[1mlayer" in colourful
    code, failed = on_a_terminal(cli, "build", HELLO)
    assert code == 2
    assert "\x1b[31m\x1b[1merror:\x1b[0m nowhere to write" in failed
