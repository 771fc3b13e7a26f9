"""A package registry that does not answer is gone on without; one that says no stops the run.

What the registries of Go, Maven and Debian do is acted by servers on loopback.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support import downloads, programs
from tests.support.daemons import free_port
from tests.support.downloads import Findings, ask_go, ask_maven
from tests.support.go_modules import OLAREG, PROGRAMS, Answer, classify, fetch
from tests.support.silence import silent_server

ROOT = Path(__file__).parent.parent.parent
NAMES = [program.name for program in PROGRAMS]
SILENT = ["no answer", "hangs up", "nobody there", "503", "429"]
NO = ["403", "404", "410"]


class _Handler(BaseHTTPRequestHandler):
    status: int | None = None

    def do_GET(self) -> None:
        if self.status is not None:
            self.send_response(self.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
        self.close_connection = True

    do_HEAD = do_GET  # noqa: N815  by the name of the method

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  inherited
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


@contextmanager
def registry(kind: str) -> Iterator[str]:
    """Run a package registry that does one thing whatever it is asked; yield its URL."""
    if kind == "nobody there":
        yield f"http://127.0.0.1:{free_port()}"
        return
    if kind == "no answer":
        with silent_server() as server:
            yield f"http://{server.address}"
        return

    class Handler(_Handler):
        status = int(kind) if kind.isdigit() else None

    with _Server(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join()


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that Go has not fetched anything to, with little patience."""
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("GOSUMDB", "off")
    monkeypatch.setenv("PYJIB_PATIENCE", "0.3")
    monkeypatch.delenv("PYJIB_PEERS_UNREACHABLE", raising=False)
    return tmp_path


@pytest.mark.peers
@pytest.mark.parametrize("kind", SILENT)
def test_silence_of_the_module_proxy(
    kind: str, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.require("go")
    findings = Findings()
    with registry(kind) as url:
        monkeypatch.setenv("GOPROXY", f"{url},direct")
        ask_go(findings, fresh)
    assert findings.without == NAMES
    assert not findings.refused


@pytest.mark.peers
@pytest.mark.parametrize("kind", NO)
def test_a_module_proxy_that_says_no(
    kind: str, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the modules come from is not asked then, though Go would."""
    programs.require("go")
    monkeypatch.setenv("PYJIB_PATIENCE", "120")
    with registry(kind) as url:
        monkeypatch.setenv("GOPROXY", f"{url},direct")
        answer, said = fetch(OLAREG, fresh / "olareg")
    assert answer is Answer.NO
    assert kind in said
    assert url not in said


@pytest.mark.peers
def test_what_go_has_got_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.require("go")
    for program in PROGRAMS:
        answer, said = fetch(program, tmp_path / program.name)
        if answer is not Answer.YES:
            programs.missing(program.name, said)
    findings = Findings()
    with registry("404") as url:
        monkeypatch.setenv("GOPROXY", url)
        ask_go(findings, tmp_path)
    assert not findings.without
    assert not findings.refused


@pytest.mark.peers
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("no answer", Answer.SILENCE),
        ("nobody there", Answer.SILENCE),
        ("503", Answer.SILENCE),
        ("404", Answer.NO),
        ("403", Answer.NO),
    ],
)
def test_mavens_registry(
    kind: str, expected: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.require("mvn")
    quick = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    monkeypatch.setenv("MAVEN_OPTS", f"{quick} -Duser.home={tmp_path}")
    monkeypatch.setenv("PYJIB_PATIENCE", "1" if kind == "no answer" else "240")
    findings = Findings()
    with registry(kind) as url:
        mirror = f"<mirror><id>m</id><mirrorOf>*</mirrorOf><url>{url}</url></mirror>"
        settings = tmp_path / ".m2" / "settings.xml"
        settings.parent.mkdir()
        settings.write_text(f"<settings><mirrors>{mirror}</mirrors></settings>")
        ask_maven(findings, tmp_path)
    assert findings.without == (["mvn"] if expected is Answer.SILENCE else [])
    assert bool(findings.refused) is (expected is Answer.NO)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("reading https://x/a/@v/v1.mod: 502 Bad Gateway", Answer.SILENCE),
        ("dial tcp: lookup x on 127.0.0.1:53: no such host", Answer.SILENCE),
        ("dial tcp 127.0.0.1:1: i/o timeout", Answer.SILENCE),
        ('Get "https://x/a": EOF', Answer.SILENCE),
        ("reading https://x/a: 404 Not Found\n reading https://x/b: 503 Busy", Answer.NO),
        ("verifying x@v1: checksum mismatch", Answer.NO),
        ("main.go:3: syntax error", Answer.NO),
        ("go: x@v1 requires go >= 1.30 (running go 1.26; GOTOOLCHAIN=local)", Answer.OLD_GO),
        ("go: errors parsing go.mod:\ngo.mod:3: invalid go version '1.26.0'", Answer.OLD_GO),
    ],
)
def test_what_go_says(said: str, answer: Answer) -> None:
    assert classify(subprocess.CompletedProcess([], 1, "", said)) is answer


def test_what_is_gone_on_without_skips_and_the_rest_is_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYJIB_REQUIRE_PEERS", "1")
    monkeypatch.setenv("PYJIB_PEERS_UNREACHABLE", "olareg,python3")
    for name in ("olareg", "python3"):
        with pytest.raises(pytest.skip.Exception, match=name.upper()):
            programs.require(name)
    with pytest.raises(pytest.fail.Exception):
        programs.require("no-such-program")


@pytest.mark.peers
@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
@pytest.mark.parametrize("kind", ["no answer", "503", "404"])
def test_ci(kind: str, fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``.ci/run`` as it is, with scripts that do nothing but fetch Go's modules."""
    _write_stubs(fresh, _fetching(fresh, programs.require("go")))
    monkeypatch.setenv("PYJIB_PATIENCE", "120" if kind == "404" else "0.3")
    with registry(kind) as url:
        done = subprocess.run(
            ["bash", fresh / ".ci" / "run"],
            env={**os.environ, "GOPROXY": url},
            capture_output=True,
            text=True,
            check=False,
        )
    if kind == "404":
        assert done.returncode == 1
        assert "404 Not Found" in done.stderr
        assert "== lint" not in done.stdout
        return
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"GOING ON WITHOUT: {','.join(NAMES).upper()}" in done.stdout
    for name in NAMES:
        assert f"GOING ON WITHOUT {name.upper()}" in done.stdout
    assert f"required=1 without={','.join(NAMES)}" in done.stdout


@pytest.mark.skipif(not shutil.which("flock"), reason="there is no flock")
def test_ci_removes_what_a_killed_run_left(tmp_path: Path) -> None:
    import fcntl  # noqa: PLC0415  not on Windows

    _write_stubs(tmp_path)
    left, living, other = (
        Path(tempfile.mkdtemp(prefix=f"pyjib-{kind}-", dir="/tmp"))
        for kind in ("ci", "ci", "other")
    )
    try:
        for place in (left, living, other):
            (place / "t" / "deep").mkdir(parents=True)
            (place / "lock").touch()
        with (living / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            command = ["bash", tmp_path / ".ci" / "run"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")
        assert [place.exists() for place in (left, living, other)] == [False, True, True]
    finally:
        for place in (left, living, other):
            shutil.rmtree(place, ignore_errors=True)


@pytest.mark.skipif(not shutil.which("flock"), reason="there is no flock")
@pytest.mark.parametrize("has_home", [True, False])
def test_ci_without_a_home(has_home: bool, tmp_path: Path) -> None:
    _write_stubs(tmp_path)
    (tmp_path / "scripts" / "lint").write_text('echo "at home: $HOME"; touch "$TMPDIR/x"\n')
    home, nowhere = tmp_path / "home", tmp_path / "nowhere"
    home.mkdir()
    variables = {"PATH": os.environ["PATH"], "HOME": str(home if has_home else nowhere)}
    command = ["bash", tmp_path / ".ci" / "run"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (f"at home: {home}\n" in done.stdout) is has_home
    assert (f"NOTHING CAN BE WRITTEN TO {nowhere}: WHAT IS" in done.stdout) is not has_home
    assert "at home: \n" not in done.stdout


def _fetching(root: Path, go: Path) -> str:
    """Return a script that fetches Go's modules alone."""
    only_go = root / "only-go"
    only_go.mkdir()
    (only_go / "go").symlink_to(go.resolve())
    module = downloads.__spec__.name
    return f"PATH={only_go} PYTHONPATH={ROOT} exec {sys.executable} -m {module}\n"


def _write_stubs(root: Path, fetching: str = "") -> None:
    stubs = {
        "demo": "",
        "peers": "",
        "downloads": fetching,
        "lint": "",
        "test": 'echo "required=$PYJIB_REQUIRE_PEERS without=$PYJIB_PEERS_UNREACHABLE"\n',
    }
    (root / "scripts").mkdir()
    for name, text in stubs.items():
        script = root / "scripts" / name
        script.write_text(f"#!/usr/bin/env bash\n{text}")
        script.chmod(0o755)
    (root / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", root / ".ci" / "run")


@pytest.mark.peers
@pytest.mark.parametrize("kind", ["nobody there", "503", "404"])
def test_debians_registry(kind: str, tmp_path: Path) -> None:
    """``scripts/peers`` as it is, on a machine that lacks umoci and a JDK's compiler."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        pytest.skip("needs Debian's apt-get and root")
    listed = tmp_path / "unreachable"
    with registry(kind) as url:
        done = subprocess.run(
            ["bash", ROOT / "scripts" / "peers"],
            env={
                **_apt_of(url, tmp_path),
                "PATH": str(_programs_without(tmp_path, "umoci", "javac")),
                "PYJIB_UNREACHABLE_FILE": str(listed),
                "PYJIB_PATIENCE": "60" if kind == "404" else "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    if kind == "404":
        assert done.returncode == 1, done.stdout + done.stderr
        assert "apt-get update failed" in done.stderr
        assert not listed.exists()
        return
    assert done.returncode == 0, done.stdout + done.stderr
    assert "GOING ON WITHOUT: UMOCI JAVAC JAVA-17" in done.stdout
    assert listed.read_text().split() == ["umoci", "javac", "java-17"]
    assert url not in done.stdout + done.stderr


@pytest.mark.peers
def test_another_apt_get_is_waited_for(tmp_path: Path) -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        pytest.skip("needs Debian's apt-get and root")
    import fcntl  # noqa: PLC0415  not on Windows

    with registry("503") as url:
        variables = {
            **_apt_of(url, tmp_path),
            "PATH": str(_programs_without(tmp_path, "umoci")),
            "PYJIB_PATIENCE": "1",
        }
        with (tmp_path / "lists" / "lock").open("w") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            with subprocess.Popen(
                ["bash", ROOT / "scripts" / "peers"],
                env=variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as script:
                assert script.stderr is not None
                heard = list(itertools.takewhile(lambda line: "another" not in line, script.stderr))
                assert script.poll() is None, heard
                fcntl.lockf(lock, fcntl.LOCK_UN)
                told, _ = script.communicate()
    assert script.returncode == 0
    assert "GOING ON WITHOUT: UMOCI" in told


@pytest.mark.peers
def test_an_interrupted_installation_is_ended(tmp_path: Path) -> None:
    """All programs are there, and one of the packages is unpacked only."""
    if shutil.which("dpkg") is None or os.geteuid() != 0:
        pytest.skip("needs Debian's dpkg and root")
    status = tmp_path / "status"
    status.write_text(
        "Package: half\nStatus: install ok unpacked\nPriority: optional\nSection: misc\n"
        "Maintainer: us <us@r.example>\nArchitecture: all\nVersion: 1\nDescription: half\n\n"
    )
    for name in ("info", "updates", "triggers", "parts"):
        (tmp_path / name).mkdir()
    (tmp_path / "apt").mkdir()
    (tmp_path / "info" / "half.list").touch()
    (tmp_path / "info" / "half.md5sums").touch()
    done = subprocess.run(
        ["bash", ROOT / "scripts" / "peers"],
        env={
            **os.environ,
            **_apt_of(f"http://127.0.0.1:{free_port()}", tmp_path / "apt"),
            "DPKG_ADMINDIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "an installation was interrupted here; dpkg ends it" in done.stderr
    assert "Status: install ok installed" in status.read_text()
    assert "it cannot" not in done.stderr


def _apt_of(url: str, root: Path) -> Mapping[str, str]:
    """Give apt a state of its own, and one source."""
    (root / "sources.list").write_text(f"deb [trusted=yes] {url}/debian stable main\n")
    for name in ("lists/partial", "cache/archives/partial", "parts"):
        (root / name).mkdir(parents=True)
    (root / "apt.conf").write_text(
        f'Dir::State::lists "{root}/lists"; Dir::Cache "{root}/cache";'
        f'Dir::Etc::sourcelist "{root}/sources.list"; Dir::Etc::sourceparts "{root}/parts";'
        'Acquire::http::Proxy "DIRECT"; APT::Sandbox::User "root";'
        'APT::Update::Post-Invoke-Success ""; APT::Update::Post-Invoke "";'
    )
    return {"APT_CONFIG": str(root / "apt.conf"), "HOME": str(root)}


def _programs_without(root: Path, *names: str) -> Path:
    """Make a directory that has what is on PATH under its names, but for some."""
    directory = root / "programs"
    directory.mkdir()
    where = [*os.environ["PATH"].split(os.pathsep), "/usr/sbin", "/sbin"]
    for place in where:
        for found in Path(place).glob("*"):
            if found.name not in names and not (directory / found.name).exists():
                (directory / found.name).symlink_to(found)
    return directory
