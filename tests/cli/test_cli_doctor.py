from __future__ import annotations

import json
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest

from pyjib.serve import RegistryServer, Rules
from tests.support.cli import HELLO, Cli
from tests.support.scripted import Reply, ScriptedServer, Seen

SECRET = "s3cr3t-password"


@pytest.fixture
def guarded() -> Iterator[RegistryServer]:
    """A registry that hands out tokens, and lets only ``me`` push."""
    with RegistryServer(users={"me": SECRET, "reader": SECRET}, auth="token", policy=may) as server:
        yield server


def may(user: str | None, repository: str, action: str) -> bool:
    return user == "me" or (user == "reader" and action == "pull")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


def log_in(cli: Cli, registry: str, user: str, password: str = SECRET, **entry: str) -> None:
    path = cli.home / ".docker" / "config.json"
    path.parent.mkdir(exist_ok=True)
    login = entry or {"username": user, "password": password}
    path.write_text(json.dumps({"auths": {registry: login}}))


def sources(report: dict[str, Any]) -> dict[str, str]:
    return {step["source"]: step["outcome"] for step in report["sources"]}


def test_all_is_well(cli: Cli, guarded: RegistryServer) -> None:
    log_in(cli, guarded.address, "me")
    built = cli("build", HELLO, "--from", "scratch", "--to", f"{guarded.address}/team/app:1")
    assert built.code == 0, built.stderr
    done = cli("doctor", f"{guarded.address}/team/app:1")
    assert done.code == 0, done.stdout
    assert done.stderr == ""
    assert SECRET not in done.stdout
    config = cli.home / ".docker" / "config.json"
    for words in (
        f"registry   {guarded.address}/team/app",
        f"address    http://{guarded.address}/ (plain http)",
        "proxy      none",
        'asks for   Bearer realm="',
        "logins       1. the options: no login was given",
        f"* 4. {config}: has a login: user me",
        "token      yes: a token was granted",
        "login      yes: the registry answered",
        "pull       yes: the image is there",
        "push       yes: an upload was begun, and cancelled",
    ):
        assert words in done.stdout
    assert "auth.json: not asked" in done.stdout


def test_nothing_is_left_behind(cli: Cli, guarded: RegistryServer) -> None:
    log_in(cli, guarded.address, "me")
    done = cli("doctor", f"{guarded.address}/new/app")
    assert "allowed, but" in done.stdout
    assert "push       yes" in done.stdout
    assert done.code == 0
    calls = [(exchange.method, exchange.status) for exchange in guarded.journal]
    assert ("DELETE", 204) in calls or ("DELETE", 202) in calls
    assert not [exchange for exchange in guarded.journal if exchange.method == "PUT"]


def test_a_login_that_may_not_push(cli: Cli, guarded: RegistryServer) -> None:
    log_in(cli, guarded.address, "reader")
    done = cli("doctor", "--json", f"{guarded.address}/team/app")
    assert done.code == 1
    report = done.json
    assert report["pull"]["allowed"] is True
    assert report["push"]["allowed"] is False
    assert report["login"].endswith("(user reader)")
    assert report["trouble"] is None
    assert SECRET not in done.stdout
    pulled = cli("doctor", "--pull", f"{guarded.address}/team/app")
    assert (pulled.code, "there is no such repository yet" in pulled.stdout) == (1, True)


def test_a_registry_that_does_not_tell_whether_one_may_push(
    cli: Cli, server: ScriptedServer
) -> None:
    """A CI that asks first must not go on to a push that may fail."""
    server.rule("HEAD", ".*", Reply(200))
    server.rule("POST", ".*", Reply(400, {}, b"not today"))
    done = cli("doctor", f"{server.address}/team/app")
    assert done.code == 1
    assert "pull       yes" in done.stdout
    assert "push       not known: cannot begin an upload" in done.stdout
    assert cli("doctor", "--pull", f"{server.address}/team/app").code == 0


def test_a_registry_that_refuses_without_asking_for_a_login(
    cli: Cli, server: ScriptedServer
) -> None:
    server.rule("GET", "/v2/", Reply(200), times=1)  # to see how it is reached
    server.rule("GET", "/v2/", Reply(403))
    done = cli("login", "--check", server.address)
    assert done.code == 1
    assert "login      NO: cannot log in" in done.stdout


def test_a_login_that_is_not_sent_is_not_taken_for_good(cli: Cli, server: ScriptedServer) -> None:
    """Whoever hands out tokens to anybody says nothing of a login that it did not see."""
    challenge = 'Bearer realm="http://auth.other.example/token"'
    server.rule("GET", "http://auth.*", Reply(200, {}, b'{"token":"t"}'))
    server.rule(
        "GET",
        "/v2/",
        lambda seen: Reply(200 if seen.authorization else 401, {"WWW-Authenticate": challenge}),
    )
    log_in(cli, server.address, "me")
    proxied = Cli(home=cli.home, variables={"http_proxy": server.url, "no_proxy": ""})
    done = proxied("login", "--check", server.address)
    assert done.code == 1
    assert "token      NO: the login that was found is not sent: if both belong" in done.stdout
    assert "login      yes" in done.stdout
    arguments = (server.address, "-u", "me", "--password-stdin", "--auth-file")
    (cli.home / "mine.json").write_text("{}")
    kept = proxied("login", *arguments, cli.home / "mine.json", stdin=SECRET)
    assert kept.code == 1
    assert "the login would not be sent" in kept.stderr
    assert "--trust-realm auth.other.example" in kept.stderr
    assert (cli.home / "mine.json").read_text() == "{}"
    assert not [seen for seen in server.journal if "basic" in (seen.authorization or "").lower()]


@pytest.fixture
def mirrored(cli: Cli, server: ScriptedServer) -> Iterator[tuple[Cli, RegistryServer]]:
    """A machine whose daemon has mirrors of Docker Hub; nothing goes to Docker Hub itself."""
    with RegistryServer(users={"me": SECRET}) as mirror:
        daemon = cli.home / ".config" / "docker" / "daemon.json"
        daemon.parent.mkdir(parents=True)
        mirrors = [f"http://{mirror.address}", server.url, "http://127.0.0.1:1"]
        daemon.write_text(json.dumps({"registry-mirrors": mirrors}))
        proxy = {"https_proxy": "http://127.0.0.1:1"}
        yield Cli(home=cli.home, variables=proxy), mirror


def test_mirrors_are_asked_in_their_order(
    mirrored: tuple[Cli, RegistryServer], server: ScriptedServer
) -> None:
    cli, mirror = mirrored
    log_in(cli, mirror.address, "me")
    target = f"{mirror.address}/library/hello:1"
    assert cli("build", HELLO, "--from", "scratch", "--to", target).code == 0
    server.rule("HEAD", ".*", Reply(403))
    done = cli("doctor", "--pull", "--mirror", f"docker.io={server.address}/hub", "hello:1")
    daemon, config = cli.home / ".config/docker/daemon.json", cli.home / ".docker/config.json"
    lines = done.stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("mirrors"))
    one, one_said, two, two_said, three, three_said, four, four_said = lines[start : start + 8]
    assert one == f"mirrors    1. {server.address}/hub/library/hello:1 (--mirror; no login)"
    assert "NO: cannot pull" in one_said
    assert two == f"           2. {target} ({daemon}; login: {config} (user me))"
    assert two_said == "              yes: it has the image"
    assert three.startswith(f"           3. {server.address}/library/hello:1 ({daemon}; no login")
    assert "403" in three_said
    assert "4. 127.0.0.1:1/library/hello:1" in four
    assert "not known: " in four_said
    assert "connection refused" in four_said
    assert SECRET not in done.stdout
    assert "trouble" in done.stdout
    assert done.code == 0, "Docker Hub is out of reach, and a build would go on with a mirror"
    assert cli("doctor", "hello:1").code == 1, "nothing can be pushed to a mirror"


def test_a_mirror_that_has_not_got_the_image(
    mirrored: tuple[Cli, RegistryServer], server: ScriptedServer
) -> None:
    cli, mirror = mirrored
    server.rule("HEAD", ".*", Reply(404))
    done = cli("doctor", "--pull", "--json", "hello:1")
    assert done.code == 1
    first, second, _ = done.json["mirrors"]
    assert first["reference"] == f"{mirror.address}/library/hello:1"
    assert (first["has_image"], first["answer"]["allowed"]) == (False, False)
    assert second["answer"]["said"] == "it answers, and has not got the image"
    assert second["asked_for"] == ["tags", "digests"]


def test_a_mirror_for_digests_and_a_name_put_in_anothers_place(
    cli: Cli, server: ScriptedServer
) -> None:
    conf = cli.home / ".config" / "containers" / "registries.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(
        f'[[registry]]\nprefix = "r.example"\nlocation = "{server.address}/moved"\n'
        f'[[registry.mirror]]\nlocation = "{server.address}"\n'
        'pull-from-mirror = "digest-only"\n'
    )
    server.rule("HEAD", "/v2/moved/app/manifests/1", Reply(200))
    offline = Cli(home=cli.home, variables={"https_proxy": server.url})
    server.rule("CONNECT", ".*", Reply(200, {}))
    done = offline("doctor", "--pull", "r.example/app:1")
    assert f"1. {server.address}/app:1 ({conf}; no login, asked for digests only)" in done.stdout
    assert "yes: it answers\n" in done.stdout
    assert f"instead    pulled as {server.address}/moved/app:1 ({conf})" in done.stdout


def test_a_wrong_password(cli: Cli, guarded: RegistryServer) -> None:
    log_in(cli, guarded.address, "me", "wr0ng")
    done = cli("doctor", f"{guarded.address}/team/app")
    assert done.code == 1
    assert "warning    " in done.stdout
    assert "does not accept the login" in done.stdout
    assert "wr0ng" not in done.stdout
    check = cli("login", "--check", guarded.address)
    assert check.code == 1
    assert "token      NO: cannot get a token" in check.stdout


def test_a_push_points_to_it(cli: Cli, guarded: RegistryServer) -> None:
    """What fails at two in the morning names the command that tells more, and that command works."""
    log_in(cli, guarded.address, "reader")
    done = cli("build", HELLO, "--from", "scratch", "--to", f"{guarded.address}/team/app:1")
    assert done.code == 1
    hint = done.stderr.partition("hint: ")[2]
    command = f"pyjib doctor {guarded.address}/team/app"
    assert command in hint
    assert cli(*command.split()[1:]).code == 1


def test_the_check_of_a_login(cli: Cli, guarded: RegistryServer) -> None:
    nobody = cli("login", "--check", guarded.address)
    assert nobody.code == 1
    log_in(cli, guarded.address, "me")
    done = cli("login", "--check", guarded.address)
    assert done.code == 0, done.stdout
    assert "login      yes" in done.stdout
    assert "push" not in done.stdout
    report = cli("login", "--check", "--json", guarded.address).json
    assert report["accepted"] == {"allowed": True, "said": "the registry answered"}
    assert set(sources(report).values()) == {"unset", "found", "unasked"}
    assert cli("login", "--json", guarded.address).code == 2


def test_a_registry_that_asks_for_no_login(cli: Cli) -> None:
    with RegistryServer() as server:
        done = cli("login", "--check", server.address)
        assert done.code == 0
        assert "asks for   no login" in done.stdout
        assert cli("doctor", f"{server.address}/a/b").code == 0


def test_basic_over_several_lines_and_a_clock_that_is_wrong(
    cli: Cli, server: ScriptedServer
) -> None:
    def answer(seen: Seen) -> Reply:
        headers: dict[str, str | list[str]] = {
            "WWW-Authenticate": ["Negotiate", 'Basic realm="The \x1b[31mRegistry"'],
            "Date": formatdate(1_500_000_000, usegmt=True),
        }
        return Reply(200 if seen.authorization else 401, headers)

    server.rule("GET", "/v2/", answer)
    log_in(cli, server.address, "me")
    done = cli("login", "--check", server.address)
    assert done.code == 0
    assert "asks for   Negotiate\n           Basic realm=" in done.stdout
    assert "\x1b" not in done.stdout
    assert "ahead of the registry's: certificates and tokens" in done.stdout
    assert "user and password will be sent" in done.stdout


def test_an_upload_that_cannot_be_cancelled(cli: Cli, server: ScriptedServer) -> None:
    server.rule("HEAD", ".*", Reply(200))
    server.rule("POST", ".*", Reply(202, {"Location": "/up/1"}))
    server.rule("DELETE", ".*", Reply(405))
    done = cli("doctor", f"{server.address}/team/app")
    assert done.code == 0
    assert "takes no cancellation and will drop it itself" in done.stdout


@pytest.mark.parametrize("text", ["{", '{"auths": {"REGISTRY": {"auth": "s3cr3t"}}}'])
def test_a_source_that_is_broken(cli: Cli, guarded: RegistryServer, text: str) -> None:
    log_in(cli, guarded.address, "me")
    path = cli.home / ".docker" / "config.json"
    path.write_text(text.replace("REGISTRY", guarded.address))
    done = cli("login", "--check", guarded.address)
    assert done.code == 1
    assert f"! 4. {path}: " in done.stdout
    assert "trouble    " in done.stdout
    assert "s3cr3t" not in done.stdout


def test_what_cannot_be_reached(cli: Cli) -> None:
    done = cli("doctor", "127.0.0.1:1/team/app", "--json")
    assert done.code == 1
    assert "connection refused" in done.json["trouble"]["message"]
    assert done.json["sources"]


def test_a_file_of_ones_own(cli: Cli, guarded: RegistryServer) -> None:
    file = cli.home / "mine.json"
    file.write_text("{}")
    arguments = ("-u", "me", "--password-stdin", "--auth-file", file)
    done = cli("login", guarded.address, *arguments, stdin=SECRET)
    assert (done.code, f"kept in {file}" in done.stderr) == (0, True)
    assert not (cli.home / ".docker").exists()
    assert cli("login", "--check", guarded.address).code == 1
    assert cli("login", "--check", guarded.address, "--auth-file", file).code == 0
    assert cli("doctor", "a/b", "--auth-file", cli.home / "none").code == 2


POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>g</groupId><artifactId>a</artifactId><version>1</version>
<build><plugins><plugin><groupId>com.google.cloud.tools</groupId>
<artifactId>jib-maven-plugin</artifactId><version>3.5.2</version><configuration>
<to><image>REGISTRY/team/app</image>
<auth><username>me</username><password>PASSWORD</password></auth></to>
</configuration></plugin></plugins></build></project>
"""


def test_the_login_of_a_project(cli: Cli, guarded: RegistryServer) -> None:
    project = cli.home / "project"
    project.mkdir()
    pom = POM.replace("REGISTRY", guarded.address).replace("PASSWORD", SECRET)
    (project / "pom.xml").write_text(pom)
    name = f"{guarded.address}/team/app"
    assert cli("doctor", name).code == 1
    done = cli("doctor", "--project", project, name)
    assert done.code == 0, done.stdout + done.stderr
    assert "* 1. the options: has a login: user me" in done.stdout
    assert SECRET not in done.stdout


@pytest.mark.parametrize("text", ["localhost:5000", "ghcr.io", "r.example.com:5000"])
def test_a_registry_without_an_image(cli: Cli, text: str) -> None:
    done = cli("doctor", text)
    assert (done.code, done.stdout) == (2, "")
    assert f"{text} is a registry, not an image in it" in done.stderr
    assert f"hint: name an image, as {text}/team/app" in done.stderr


def test_a_web_page_in_the_place_of_a_registry(cli: Cli, server: ScriptedServer) -> None:
    for method in ("HEAD", "GET", "POST"):
        server.rule(method, ".*", Reply(200, {"Content-Type": "text/html"}, b"<html>"))
    done = cli("doctor", f"{server.address}/app")
    assert done.code == 1
    assert f"pull       not known: {server.address} answered with a web page" in done.stdout
    inspected = cli("inspect", f"{server.address}/app")
    assert inspected.code == 1
    assert (
        f"get the manifest of {server.address}/app:latest: {server.address} answered with a web"
        in (inspected.stderr)
    )


def test_a_registry_that_takes_no_pushes(cli: Cli) -> None:
    with RegistryServer(rules=Rules(read_only=True)) as server:
        done = cli("doctor", f"{server.address}/app")
    assert done.code == 1
    assert "push       NO: cannot begin an upload" in done.stdout
