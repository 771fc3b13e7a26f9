from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any, Literal

import pytest

from pyjib.cli import waiting
from pyjib.serve import RegistryServer, Rules
from tests.support.cli import HELLO, Cli
from tests.support.images import random_image
from tests.support.scripted import Reply, ScriptedServer, Seen, listening_nowhere
from tests.support.tls import Authority

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
    assert done.lines[-1] == "result     yes: pulling and pushing are allowed"
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
    assert report["ok"] is False
    assert report["result"].startswith("push is not allowed: cannot begin an upload to ")
    assert SECRET not in done.stdout
    pulled = cli("doctor", "--pull", f"{guarded.address}/team/app")
    assert (pulled.code, "there is no such repository yet" in pulled.stdout) == (1, True)


INDEX = "application/vnd.oci.image.index.v1+json"
NO_IMAGES = Reply(
    200,
    {"Content-Type": INDEX},
    json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode(),
)


def test_a_registry_that_does_not_tell_whether_one_may_push(
    cli: Cli, server: ScriptedServer
) -> None:
    """A CI that asks first must not go on to a push that may fail."""
    server.rule("HEAD", ".*", Reply(200))
    server.rule("POST", ".*", Reply(400, {}, b"not today"))
    server.rule("GET", ".*/manifests/.*", NO_IMAGES)
    done = cli("doctor", f"{server.address}/team/app")
    assert done.code == 3
    assert "pull       yes" in done.stdout
    assert "push       not known: cannot begin an upload" in done.stdout
    assert done.lines[-1].startswith("result     not known: whether push is allowed: cannot begin")
    assert cli("doctor", "--json", f"{server.address}/team/app").json["ok"] is None
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
    server.rule("GET", ".*/manifests/.*", Reply(403))
    done = cli("doctor", "--pull", "--mirror", f"docker.io={server.address}/hub", "hello:1")
    daemon, config = cli.home / ".config/docker/daemon.json", cli.home / ".docker/config.json"
    lines = done.stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("mirrors"))
    one, one_said, two, two_said, three, three_said, four, four_said = lines[start : start + 8]
    assert one == f"mirrors    1. {server.address}/hub/library/hello:1 (--mirror; no login)"
    assert "NO: cannot get the manifest of" in one_said
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
    server.rule("GET", "/v2/moved/app/manifests/1", NO_IMAGES)
    server.rule("HEAD", "/v2/moved/app/manifests/1", Reply(200))
    offline = Cli(home=cli.home, variables={"https_proxy": server.url})
    server.rule("CONNECT", ".*", Reply(200, {}))
    done = offline("doctor", "--pull", "r.example/app:1")
    assert f"1. {server.address}/app:1 ({conf}; no login, asked for digests only)" in done.stdout
    assert "yes: it answers\n" in done.stdout
    assert f"instead    pulled as {server.address}/moved/app:1 ({conf})" in done.stdout
    assert f"address    {server.url}/ (plain http)" in done.stdout
    assert done.lines[-1] == "result     yes: the image is there, and may be pulled"
    assert done.code == 0
    assert not server.seen("CONNECT"), "nobody asks r.example"
    report = offline("doctor", "--pull", "--json", "r.example/app:1").json
    assert (report["asked"], report["ok"]) == (server.address, True)
    assert offline("doctor", "r.example/app:1").code == 1, "pushes go to r.example all the same"
    assert server.seen("CONNECT")


def test_a_server_of_containerd_is_asked_in_the_registrys_place(
    cli: Cli, server: ScriptedServer
) -> None:
    hosts = cli.home / ".config" / "containerd" / "certs.d" / "r.example" / "hosts.toml"
    hosts.parent.mkdir(parents=True)
    hosts.write_text(f'server = "{server.url}"\n')
    challenge = {"WWW-Authenticate": "Basic"}
    server.rule("*", ".*", lambda seen: NO_IMAGES if seen.authorization else Reply(401, challenge))
    done = cli("doctor", "--pull", "r.example/app:1")
    said = f"result     NO: pull is not allowed: no login; run pyjib login {server.address}"
    assert (done.code, done.lines[-1]) == (1, said)
    log_in(cli, server.address, "me")
    assert cli("doctor", "--pull", "r.example/app:1").code == 0
    assert "/v2/app/manifests/1?ns=r.example" in [seen.target for seen in server.seen("GET")]


def test_a_wrong_password(cli: Cli, guarded: RegistryServer) -> None:
    log_in(cli, guarded.address, "me", "wr0ng")
    done = cli("doctor", f"{guarded.address}/team/app")
    assert done.code == 1
    assert "warning    " in done.stdout
    assert "does not accept the login" in done.stdout
    assert "token      NO: the login that was found is not accepted: " in done.stdout
    assert "401 Unauthorized" in done.stdout
    assert "wr0ng" not in done.stdout
    assert " is not accepted; log in anew with pyjib login " in done.lines[-1]
    check = cli("login", "--check", guarded.address)
    assert check.code == 1
    assert "token      NO: cannot get a token" in check.stdout
    config = cli.home / ".docker" / "config.json"
    help_ = f"log in anew with pyjib login {guarded.address}"
    said = f"the login from {config} (user me) is not accepted; {help_}"
    assert check.lines[-1] == f"result     NO: {said}"


@pytest.fixture
def basic() -> Iterator[RegistryServer]:
    """A registry that asks for user and password itself."""
    with RegistryServer(users={"me": SECRET}, auth="basic") as server:
        yield server


def test_a_wrong_password_where_no_token_is_asked_for(cli: Cli, basic: RegistryServer) -> None:
    nobody = cli("doctor", f"{basic.address}/team/app")
    assert "sends      NO: there is no login to send" in nobody.stdout
    assert "token  " not in nobody.stdout
    log_in(cli, basic.address, "me", "wr0ng")
    for done in (
        cli("doctor", f"{basic.address}/team/app"),
        cli("login", "--check", basic.address),
        cli("build", HELLO, "--from", "scratch", "--to", f"{basic.address}/team/app"),
    ):
        assert done.code == 1
        said = done.stdout + done.stderr
        assert f"{basic.address} answered 401 Unauthorized" in said
        assert "refused before" not in said
        assert "token  " not in said
        assert "wr0ng" not in said
    log_in(cli, basic.address, "me")
    assert "sends      yes: user and password will be sent" in (
        cli("login", "--check", basic.address).stdout
    )


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_the_check_is_of_the_login_that_is_given(cli: Cli, auth: Literal["basic", "token"]) -> None:
    with RegistryServer(users={"me": SECRET, "you": "y0urs"}, auth=auth) as server:
        log_in(cli, server.address, "me")
        arguments = ("login", "--check", server.address, "--password-stdin")
        wrong = cli(*arguments, "-u", "me", stdin="wr0ng")
        assert (wrong.code, "* 1. the options: has a login: user me" in wrong.stdout) == (1, True)
        said = "result     NO: the login from --username (user me) is not accepted; check user"
        assert wrong.lines[-1] == f"{said} and password"
        right = cli(*arguments, "-u", "you", stdin="y0urs\n")
        assert right.code == 0, right.stdout
        taken = f"{server.address} takes the login from --username (user you)"
        assert right.lines[-1] == f"result     yes: {taken}"
        assert "y0urs" not in right.stdout + right.stderr
        whose = cli(*arguments, stdin="x")
        assert (whose.code, "whose login is it?" in whose.stderr) == (2, True)
    kept = (cli.home / ".docker" / "config.json").read_text()
    assert "you" not in kept


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
        assert done.lines[-1] == f"result     yes: {server.address} asks for no login"
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


def test_an_upload_that_no_push_could_go_on_with(cli: Cli, server: ScriptedServer) -> None:
    server.rule("HEAD", ".*", Reply(200))
    server.rule("POST", ".*", Reply(202, {"Location": "http://169.254.169.254/up/1"}))
    done = cli("doctor", f"{server.address}/team/app")
    assert done.code == 1
    assert "leads to an address inside a private network" in " ".join(done.stdout.split())


def test_an_image_that_is_not_told_of_by_head(cli: Cli, server: ScriptedServer) -> None:
    """Some answer 403 to HEAD alone, after which builds ask by GET."""
    image = random_image(1)
    server.rule("HEAD", ".*/manifests/.*", Reply(403))
    kind = {"Content-Type": image.manifest.media_type}
    server.rule("GET", ".*/manifests/.*", Reply(200, kind, image.manifest.data))
    server.rule("POST", ".*", Reply(202, {"Location": "/up/1"}))
    server.rule("DELETE", ".*", Reply(202))
    done = cli("doctor", f"{server.address}/team/app")
    assert done.code == 0, done.stdout
    assert "pull       yes: the image is there" in done.stdout


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
    assert done.json["result"] == done.json["trouble"]["message"]
    assert (done.json["ok"], done.json["verified"]) == (False, False)
    assert done.json["sources"]


def test_a_file_of_ones_own(cli: Cli, guarded: RegistryServer) -> None:
    file = cli.home / "new" / "mine.json"
    arguments = ("-u", "me", "--password-stdin", "--auth-file", file)
    done = cli("login", guarded.address, *arguments, stdin=SECRET)
    assert (done.code, f"kept in {file}" in done.stderr) == (0, True)
    assert not (cli.home / ".docker").exists()
    assert cli("login", "--check", guarded.address).code == 1
    assert cli("login", "--check", guarded.address, "--auth-file", file).code == 0
    assert cli("doctor", "a/b", "--auth-file", cli.home / "none").code == 2
    done = cli("login", guarded.address, *arguments[:-1], cli.home / ("x" * 300), stdin=SECRET)
    assert (done.code, "please report" in done.stderr) == (2, False)


def test_a_named_file_that_is_not_there_is_told(cli: Cli, guarded: RegistryServer) -> None:
    log_in(cli, guarded.address, "me")
    lost = Cli(home=cli.home, variables={"REGISTRY_AUTH_FILE": str(cli.home / "lost.json")})
    done = lost("doctor", f"{guarded.address}/team/app")
    words = f"{cli.home / 'lost.json'}{{}} does not exist, though REGISTRY_AUTH_FILE named it"
    assert words.format(":") in done.stdout
    assert f"warning    {words.format('')}" in done.stdout
    assert done.code == 0
    built = lost("build", HELLO, "--from", "scratch", "--to", f"{guarded.address}/team/app")
    assert f"warning: {words.format('')}\nhint: going on without; correct" in built.stderr
    assert built.code == 0


def test_a_login_without_the_right_to_a_repository(cli: Cli, server: ScriptedServer) -> None:
    """GHCR's token server answers 403 to a good login for what that may not see."""
    log_in(cli, server.address, "me")
    granted = Reply(200, {}, b'{"token":"tt"}')
    challenge = Reply(401, {"WWW-Authenticate": f'Bearer realm="{server.url}/token"'})

    def give(seen: Seen) -> Reply:
        return Reply(403) if seen.authorization and "scope=" in seen.target else granted

    def answer(seen: Seen) -> Reply:
        is_ping = seen.path == "/v2/" and seen.authorization is not None
        return Reply(200, {}, b"{}") if is_ping else challenge

    server.rule("GET", "/token", give)
    server.rule("*", "/v2/.*", answer)
    done = cli("doctor", f"{server.address}/team/app")
    config = cli.home / ".docker" / "config.json"
    said = f"the login from {config} (user me) has no right to {server.address}/team/app"
    assert said in done.lines[-1]
    assert "login      yes" in done.stdout
    assert done.code == 1


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
    said = f"* 1. the options: has a login: user me, of <to><auth> in {project / 'pom.xml'}"
    assert said in done.stdout
    assert SECRET not in done.stdout


def test_a_wrong_login_of_a_project_names_where_it_is(cli: Cli, guarded: RegistryServer) -> None:
    """What `pyjib login` keeps would not go before it."""
    project = cli.home / "project"
    project.mkdir()
    pom = POM.replace("REGISTRY", guarded.address)
    (project / "pom.xml").write_text(pom.replace("PASSWORD", "wr0ng"))
    name = f"{guarded.address}/team/app"
    done = cli("doctor", "--project", project, name)
    where = f"<to><auth> in {project / 'pom.xml'}"
    assert done.lines[-1].endswith(
        f"the login from {where} (user me) is not accepted; check user and password"
    )


@pytest.mark.parametrize("text", ["localhost:5000", "ghcr.io", "r.example.com:5000"])
def test_a_registry_without_an_image(cli: Cli, text: str) -> None:
    done = cli("doctor", text)
    assert (done.code, done.stdout) == (2, "")
    assert f"{text} is a registry, not an image in it" in done.stderr
    assert f"hint: name an image, as {text}/team/app: the repository's name is missing" in (
        done.stderr
    )


def test_a_web_page_in_the_place_of_a_registry(cli: Cli, server: ScriptedServer) -> None:
    for method in ("HEAD", "GET", "POST"):
        server.rule(method, ".*", Reply(200, {"Content-Type": "text/html"}, b"<html>"))
    done = cli("doctor", f"{server.address}/app")
    assert done.code == 1
    assert f"pull       NO: {server.address} answered with a web page" in done.stdout
    said = f"{server.address} seems to be no registry: it answered GET /v2/ with a web page"
    assert done.lines[-1] == f"result     NO: {said}"
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


def test_a_web_server_that_is_no_registry(cli: Cli, server: ScriptedServer) -> None:
    page = b"<!DOCTYPE HTML>\n<html><head><title>Error response</title></head><p>Sorry</p></html>"
    for method in ("HEAD", "GET"):
        server.rule(method, ".*", Reply(404, {"Content-Type": "text/html"}, page))
    server.rule("*", ".*", Reply(501, {"Content-Type": "text/html"}, page))
    done = cli("doctor", f"{server.address}/app")
    assert done.code == 1
    assert "stranger   GET /v2/ was answered with 404 Not Found, as by no registry" in done.stdout
    assert "<" not in done.stdout
    said = f"{server.address} seems to be no registry: it answered GET /v2/ with 404 Not Found"
    assert done.lines[-1] == f"result     NO: {said}"
    built = cli("build", HELLO, "--from", "scratch", "--to", f"{server.address}/app")
    assert built.code == 1
    assert "answered 501 Not Implemented (a web page: Error response)" in built.stderr
    assert "hint: what answers there seems to be no registry" in built.stderr
    assert "in trouble" not in built.stderr


def test_a_quota_is_no_matter_of_a_login(cli: Cli, server: ScriptedServer) -> None:
    full = b'{"errors": [{"code": "DENIED", "message": "quota exceeded"}]}'
    server.rule("POST", ".*", Reply(403, {}, full))
    done = cli("build", HELLO, "--from", "scratch", "--to", f"{server.address}/app")
    assert done.code == 1
    assert "DENIED: quota exceeded" in done.stderr
    assert f"hint: free some space at {server.address}, or have its quota raised" in done.stderr
    assert "pyjib login" not in done.stderr


def test_a_certificate_is_checked_in_a_handshake_only(cli: Cli, tmp_path: Path) -> None:
    offline = Cli(home=cli.home, variables={"https_proxy": "http://127.0.0.1:1"})
    done = offline("doctor", "r.example/app")
    assert "address    https://r.example/\n" in done.stdout
    assert "certificate checked" not in done.stdout
    authority = Authority(tmp_path)
    with RegistryServer(tls=authority.serve(authority.sign())) as server:
        name = f"{server.address}/app"
        done = cli("doctor", name, "--ca-file", authority.certificate)
        insecure = cli("doctor", name, "--insecure", server.address)
    assert ", certificate checked)\n" in done.stdout
    assert ", ANY certificate is taken)\n" in insecure.stdout


def test_a_login_that_does_not_go_over_plain_http(cli: Cli, server: ScriptedServer) -> None:
    challenge = {"WWW-Authenticate": "Basic"}
    server.rule("*", ".*", lambda seen: Reply(200 if seen.authorization else 401, challenge))
    proxied = Cli(home=cli.home, variables={"http_proxy": server.url, "https_proxy": server.url})
    log_in(cli, "r.example", "me")
    done = proxied("login", "--check", "--insecure", "r.example", "r.example")
    assert done.code == 1
    assert "--credentials-over-http" in done.lines[-1]
    arguments = ("--insecure", "r.example", "--credentials-over-http")
    assert proxied("login", "--check", *arguments, "r.example").code == 0


@pytest.mark.parametrize("challenge", [None, "Negotiate"])
def test_a_401_that_does_not_say_how_to_log_in(
    cli: Cli, server: ScriptedServer, challenge: str | None
) -> None:
    server.rule("*", ".*", Reply(401, {"WWW-Authenticate": challenge} if challenge else {}))
    log_in(cli, server.address, "me")
    said = "asks for Negotiate" if challenge else "did not say how to log in (no WWW-Authenticate"
    for command in (("doctor", f"{server.address}/team/app"), ("login", "--check", server.address)):
        done = cli(*command)
        assert done.code == 1
        assert "has a login: user me" in done.stdout
        assert "asks for   no login" not in done.stdout
        assert f"sends      NO: no login is sent: {server.address} {said}" in done.stdout
        assert f"{server.address} {said}" in done.lines[-1]
        assert ("see whether a proxy" in done.lines[-1]) is (challenge is None)
        assert "pyjib login" not in done.lines[-1]
    assert not [seen for seen in server.journal if seen.authorization]


def test_a_token_server_in_trouble_is_asked_once(cli: Cli, server: ScriptedServer) -> None:
    """It would say the same five times over, in half a minute for each question."""
    challenge = {"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}
    server.rule("GET", "/token", Reply(500))
    server.rule("*", ".*", Reply(401, challenge))
    log_in(cli, server.address, "me")
    done = cli("doctor", f"{server.address}/team/app")
    assert done.code == 3
    assert len(server.seen("GET", "/token")) == 1
    assert "token      not known: cannot get a token from" in done.stdout
    assert "push       not known: not asked: there is no token for it" in done.stdout
    assert done.lines[-1].startswith("result     not known: whether pull is allowed: cannot get a")
    assert "answered 500 Internal Server Error" in done.lines[-1]
    assert "token      not known" in cli("login", "--check", server.address).stdout


def test_a_token_server_that_is_not_there(cli: Cli, server: ScriptedServer) -> None:
    with listening_nowhere() as nowhere:
        challenge = {"WWW-Authenticate": f'Bearer realm="http://{nowhere}/token"'}
        server.rule("*", ".*", Reply(401, challenge))
        done = cli("doctor", f"{server.address}/team/app")
    assert "token      NO: cannot get a token from" in done.stdout
    assert "connection refused" in done.lines[-1]
    assert done.code == 1


def answers(server: ScriptedServer, reply: Reply) -> None:
    server.rule("HEAD", ".*", Reply(200))
    server.rule("POST", ".*", reply)


@pytest.mark.parametrize(
    ("reply", "code", "said"),
    [
        (Reply(202), 1, "NO: cannot begin an upload"),  # and does not say where to send it
        (Reply(403), 1, "NO: cannot begin an upload"),
        (Reply(404), 1, "create the repository in the registry first"),
        (Reply(405), 1, "NO: cannot begin an upload"),
        (Reply(429, {"Retry-After": "60"}), 3, "try again in 60 seconds"),
        (Reply(500), 3, "not known: cannot begin an upload"),
        (Reply(200), 3, "not known: cannot begin an upload"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Reply) else None,
)
def test_a_push_that_is_not_allowed_or_not_known_to_be(
    cli: Cli, server: ScriptedServer, reply: Reply, code: int, said: str
) -> None:
    answers(server, reply)
    done = cli("doctor", f"{server.address}/team/app")
    assert done.code == code
    assert said in done.stdout
    assert ("result     not known: " in done.lines[-1]) is (code == 3)
    assert len(server.seen("POST")) == 1
    assert "not tried" not in done.stdout


def test_a_registry_in_trouble(cli: Cli, server: ScriptedServer) -> None:
    server.rule("*", ".*", Reply(503))
    for command in (
        ("doctor", f"{server.address}/a/b"),
        ("doctor", "--pull", f"{server.address}/a/b"),
        ("login", "--check", server.address),
    ):
        done = cli(*command)
        assert done.code == 3
        assert "answered 503 Service Unavailable" in done.lines[-1]


def test_what_a_push_alone_would_tell(cli: Cli) -> None:
    """Whether a tag may be moved is known to the registry, which says so to a push."""
    with RegistryServer() as server:
        name = f"{server.address}/team/app:1"
        before = cli("doctor", name)
        assert "not tried  setting the tag 1: rules for tags and manifests" in before.stdout
        assert cli("build", HELLO, "--from", "scratch", "--to", name).code == 0
        after = cli("doctor", name)
        said = "not tried  replacing the tag 1, which is there: a registry with immutable tags"
        assert said in after.stdout
        assert (before.code, after.code) == (0, 0)
        assert "immutable tags" in cli("doctor", "--json", name).json["untried"]
        assert "not tried" not in cli("doctor", "--pull", name).stdout


def test_a_pull_is_tried(cli: Cli) -> None:
    with RegistryServer() as server:
        name = f"{server.address}/team/app:1"
        platforms = ("--platform", "linux/arm64,linux/amd64")
        assert cli("build", HELLO, "--from", "scratch", *platforms, "--to", name).code == 0
        start = len(server.journal)
        done = cli("doctor", "--pull", name)
        asked = [(one.method, one.status, one.path) for one in server.journal[start:]]
    assert done.code == 0
    assert "pull       yes: its manifest and a layer can be got\n" in done.stdout
    index, image, layer = [one for one in asked if one[2] != "/v2/"]
    assert index == ("GET", 200, "/v2/team/app/manifests/1")
    assert image[:2] == ("GET", 200)
    assert image[2].startswith("/v2/team/app/manifests/sha256:")
    assert layer[:2] == ("GET", 206)
    assert layer[2].startswith("/v2/team/app/blobs/sha256:")


def an_image(server: ScriptedServer) -> None:
    """Serve a manifest with a layer that is not of the registry, and one that is elsewhere."""
    media_type = "application/vnd.oci.image.manifest.v1+json"

    def blob(kind: str, digit: str, **more: Any) -> dict[str, Any]:
        name = f"application/vnd.oci.image.{kind}"
        return {"mediaType": name, "digest": f"sha256:{digit * 64}", "size": 1, **more}

    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": blob("config.v1+json", "a"),
        "layers": [
            blob("layer.v1.tar+gzip", "b", urls=["https://foreign.example/b"]),
            blob("layer.v1.tar+gzip", "c"),
        ],
    }
    headers = {"Content-Type": media_type}
    server.rule("GET", ".*/manifests/.*", Reply(200, headers, json.dumps(manifest).encode()))


@pytest.mark.parametrize(("status", "code"), [(200, 0), (403, 1), (404, 1), (500, 3)])
def test_layers_that_come_from_elsewhere(
    cli: Cli, server: ScriptedServer, status: int, code: int
) -> None:
    """A company's proxy may let the registry through, and not the storage behind it."""
    an_image(server)
    with ScriptedServer() as storage:
        storage.rule("GET", "/c", Reply(status, {}, b"x"))
        server.rule(
            "GET", f".*/blobs/sha256:{'c' * 64}", Reply(307, {"Location": f"{storage.url}/c"})
        )
        done = cli("doctor", "--pull", f"{server.address}/team/app:1")
        assert done.code == code
        if code == 0:
            assert f"a layer can be got, that from {storage.address}" in done.stdout
        else:
            assert f"get the layer sha256:{'c' * 64}" in done.stdout
            assert f"{storage.address} answered {status}" in done.lines[-1]
        assert [seen.headers.get("range") for seen in storage.journal] == ["bytes=0-0"]


def test_layers_that_are_out_of_reach(cli: Cli, server: ScriptedServer) -> None:
    an_image(server)
    with listening_nowhere() as nowhere:
        server.rule("GET", ".*/blobs/.*", Reply(307, {"Location": f"http://{nowhere}/c"}))
        done = cli("doctor", "--pull", f"{server.address}/team/app:1")
    assert done.code == 1
    assert "pull       NO: cannot get the layer" in done.stdout
    assert "connection refused" in done.lines[-1]


def test_a_ready_token_that_ended(cli: Cli, server: ScriptedServer) -> None:
    challenge = {"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}
    server.rule("GET", "/token", Reply(200, {}, b'{"token":"anonymous"}'))
    server.rule(
        "*",
        ".*",
        lambda seen: NO_IMAGES if "anonymous" in str(seen.authorization) else Reply(401, challenge),
    )
    log_in(cli, server.address, "", registrytoken="r3ady-token")
    check = cli("login", "--check", server.address)
    assert check.code == 1
    assert "token      yes: a ready token will be sent" in check.stdout
    assert f"is not accepted; log in anew with pyjib login {server.address}" in check.lines[-1]
    done = cli("doctor", "--pull", f"{server.address}/team/app:1")
    assert done.code == 0
    assert "going on without one, which is enough for public images" in done.stdout
    assert "r3ady" not in check.stdout + done.stdout


def test_who_waits_long_is_told_what_for(
    cli: Cli, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    said: list[str] = []

    def tell(text: str) -> None:
        said.append(text)
        told.set()

    monkeypatch.setattr(waiting, "LONG", 0.01)
    monkeypatch.setattr(waiting, "tell", tell)

    def answer(_: Seen) -> Reply:
        told.wait(60)
        return Reply(200)

    server.rule("HEAD", ".*/manifests/.*", answer)
    cli("doctor", f"{server.address}/team/app:1")
    assert f"waiting for what {server.address} says of {server.address}/team/app:1" in said


def test_who_does_not_wait_long_is_told_nothing(cli: Cli, server: ScriptedServer) -> None:
    assert cli("doctor", f"{server.address}/team/app:1").stderr == ""


def test_a_registry_without_head(cli: Cli, server: ScriptedServer) -> None:
    server.rule("HEAD", ".*", Reply(405))
    server.rule("POST", ".*", Reply(202, {"Location": "/up/1"}))
    server.rule("GET", ".*/manifests/1", NO_IMAGES)
    there = cli("doctor", f"{server.address}/team/app:1")
    assert "pull       yes: the image is there\n" in there.stdout
    absent = cli("doctor", f"{server.address}/team/app:2")
    assert "pull       yes: allowed, but there is no such repository yet" in absent.stdout
    assert (there.code, absent.code) == (0, 0)
