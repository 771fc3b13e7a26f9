from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.serve import RegistryServer
from tests.support.cli import HELLO, Cli
from tests.support.scripted import Reply, ScriptedServer

SECRET = "s3cr3t:with=signs"


@pytest.fixture
def guarded() -> Iterator[RegistryServer]:
    """A registry that wants a login."""
    with RegistryServer(users={"me": SECRET}) as server:
        yield server


def config_of(cli: Cli) -> dict[str, object]:
    document = json.loads((cli.home / ".docker" / "config.json").read_text())
    assert isinstance(document, dict)
    return document


def test_in_and_out(cli: Cli, guarded: RegistryServer) -> None:
    registry = guarded.address
    done = cli("login", registry, "-u", "me", "--password-stdin", stdin=f"{SECRET}\n")
    assert (done.code, done.stdout) == (0, "")
    assert f"{registry}: logged in as me, kept in {cli.home}" in done.stderr
    assert "warning: whoever can read that file can read the password\nhint: " in done.stderr
    assert SECRET not in done.stderr
    auth = base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert config_of(cli) == {"auths": {registry: {"auth": auth}}}
    build = ("build", HELLO, "--from", "scratch", "--to", f"{registry}/team/app")
    assert cli(*build).code == 0
    out = cli("logout", registry)
    assert (out.code, out.stdout) == (0, "")
    assert "forgot the login in" in out.stderr
    assert config_of(cli).get("auths", {}) == {}
    assert "there was no login" in cli("logout", registry).stderr
    assert cli(*build, "--tag", "2", "--env", "A=1").code == 1


@pytest.mark.parametrize("variable", ["DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE"])
def test_another_login_that_goes_before_is_told(
    cli: Cli, guarded: RegistryServer, variable: str
) -> None:
    """Else one would be logged in as somebody, and build as somebody else."""
    arguments = ("login", guarded.address, "-u", "me", "--password-stdin")
    for user, is_told in (("other", True), ("me", False)):
        auth = base64.b64encode(f"{user}:{SECRET}".encode()).decode()
        text = json.dumps({"auths": {guarded.address: {"auth": auth}}})
        (cli.home / "podmans.json").write_text(text)
        value = text if variable == "DOCKER_AUTH_CONFIG" else str(cli.home / "podmans.json")
        done = Cli(home=cli.home, variables={variable: value})(*arguments, stdin=SECRET)
        assert done.code == 0
        words = f"warning: builds will use another login to {guarded.address}, that of "
        assert (words in done.stderr) is is_told
        assert ("(user other)\nhint: it goes before" in done.stderr) is is_told
        assert SECRET not in done.stderr
    done = Cli(home=cli.home, variables={variable: "/no/file"})(*arguments, stdin=SECRET)
    assert (done.code, "builds will" in done.stderr) == (0, False)


def test_a_wrong_password_is_not_kept(cli: Cli, guarded: RegistryServer) -> None:
    done = cli("login", guarded.address, "-u", "me", "--password-stdin", stdin="wr0ng\n")
    assert done.code == 1
    assert done.stderr.startswith("error: ")
    assert "wr0ng" not in done.stderr
    assert "hint: check user name and password" in done.stderr
    assert not (cli.home / ".docker").exists()


def test_quiet(cli: Cli, guarded: RegistryServer) -> None:
    arguments = ("-u", "me", "--password-stdin", "--quiet")
    done = cli("login", guarded.address, *arguments, stdin=SECRET)
    assert (done.code, done.stdout, done.stderr) == (0, "", "")
    assert cli("logout", guarded.address, "-q").stderr == ""


def test_the_password_is_never_an_argument(cli: Cli) -> None:
    done = cli("login", "r.example.com", "-u", "me", "--password", SECRET)
    assert done.code == 2
    assert "no such option '--password'" in done.stderr
    short = cli("login", "r.example.com", "-u", "me", "-p", SECRET)
    assert short.code == 2
    for said in (done.stderr, short.stderr):
        assert "hint: arguments can be read by others: pipe the password in with" in said
        assert SECRET not in said
    assert "--password-stdin" not in cli("cache", "du", "-p", "x").stderr


def test_mistakes(cli: Cli) -> None:
    nobody = cli("login", "r.example.com", "--password-stdin", stdin="x")
    assert (nobody.code, nobody.stderr) == (2, "error: whose login is it?\nhint: add -u USER\n")
    # Nobody is asked for a name, and then told that it is all in vain.
    early = cli("login", "r.example.com", "--ca-file", cli.home / "none.pem")
    assert f"error: --ca-file: there is no file {cli.home / 'none.pem'}" in early.stderr
    nothing = cli("login", "r.example.com", "-u", "me", "--password-stdin")
    assert nothing.code == 2
    assert "is empty" in nothing.stderr
    assert "hint: check the variable or the file that it comes from" in nothing.stderr
    assert "pipe it in" in cli("login", "r.example.com", "-u", "me", stdin="x").stderr
    assert "REGISTRY" not in cli("login", "http://r.example.com").stdout
    assert cli("login", "http://r.example.com").code == 2


@pytest.mark.skipif(os.name == "nt", reason="the helper is a script with a #! line")
def test_a_helper_keeps_it(cli: Cli, guarded: RegistryServer, tmp_path: Path) -> None:
    helper, kept = tmp_path / "bin" / "docker-credential-memo", tmp_path / "kept"
    helper.parent.mkdir()
    helper.write_text(
        f"#!{sys.executable}\n"
        "import sys, pathlib\n"
        f"kept = pathlib.Path({str(kept)!r})\n"
        "kept.write_text(sys.stdin.read()) if sys.argv[1] == 'store' else kept.unlink()\n"
    )
    helper.chmod(0o755)
    (cli.home / ".docker").mkdir()
    (cli.home / ".docker" / "config.json").write_text('{"credsStore": "memo"}')
    path = f"{helper.parent}{os.pathsep}{os.environ['PATH']}"
    helped = Cli(home=cli.home, variables={"PATH": path})
    done = helped("login", guarded.address, "-u", "me", "--password-stdin", stdin=SECRET)
    assert done.code == 0, done.stderr
    assert "kept in docker-credential-memo" in done.stderr
    assert "warning" not in done.stderr
    assert json.loads(kept.read_text())["Secret"] == SECRET
    assert SECRET not in (cli.home / ".docker" / "config.json").read_text()
    assert helped("logout", guarded.address).code == 0
    assert not kept.exists()


@pytest.mark.parametrize("text", ["", "\n", "\r\n"])
def test_a_password_that_is_not_there(cli: Cli, guarded: RegistryServer, text: str) -> None:
    """As where a CI leaves a secret out: nothing is tried, and nothing kept."""
    name = f"{guarded.address}/team/app"
    for command in (
        ("login", guarded.address),
        ("login", "--check", guarded.address),
        ("build", HELLO, "--from", "scratch", "--to", name),
    ):
        done = cli(*command, "--username", "me", "--password-stdin", stdin=text)
        assert done.code == 2
        assert "error: --password-stdin: what came from standard input is empty\n" in done.stderr
        assert "hint: check the variable or the file that it comes from" in done.stderr
    assert not guarded.journal
    assert not (cli.home / ".docker").exists()


def test_a_byte_order_mark_is_no_part_of_it(cli: Cli, guarded: RegistryServer) -> None:
    """PowerShell pipes one in, and Windows' editors write one."""
    (cli.home / ".docker").mkdir()
    config = cli.home / ".docker" / "config.json"
    config.write_text('{"auths": {}}', encoding="utf-8-sig")
    text = f"\ufeff{SECRET}\r\n"
    done = cli("login", guarded.address, "-u", "me", "--password-stdin", stdin=text)
    assert done.code == 0, done.stderr
    assert guarded.address in json.loads(config.read_text("utf-8"))["auths"]
    assert cli("login", "--check", guarded.address).code == 0


def test_a_password_of_two_lines(cli: Cli, guarded: RegistryServer) -> None:
    done = cli("login", guarded.address, "-u", "me", "--password-stdin", stdin="me\npassword\n")
    assert (done.code, "not one line" in done.stderr) == (2, True)
    assert "hint: pipe in the password or token alone" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")
def test_nothing_is_piped_in(cli: Cli) -> None:
    """Nobody types a password at a prompt that is not shown."""
    ours, theirs = os.openpty()
    try:
        arguments = ("login", "r.example.com", "-u", "me", "--password-stdin")
        with cli.start(*arguments, stdin=theirs) as process:
            _, stderr = process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 2
    assert stderr == (
        "error: --password-stdin, and nothing is piped into standard input\n"
        "hint: write for example: pyjib login -u USER --password-stdin < password.txt\n"
    )


def test_a_registry_that_does_not_say_how_to_log_in(cli: Cli) -> None:
    with ScriptedServer() as server:
        server.rule("*", ".*", Reply(401))
        arguments = (server.address, "-u", "me", "--password-stdin")
        done = cli("login", *arguments, stdin=SECRET)
    assert done.code == 1
    assert "answered 401 Unauthorized, and did not say how to log in" in done.stderr
    assert "hint: the login from the options (user me) was not sent: see whether a proxy" in (
        done.stderr
    )
    assert not (cli.home / ".docker").exists()
