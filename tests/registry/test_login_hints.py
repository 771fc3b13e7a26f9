"""Each login that is not taken names what its user has to change, and not a file somewhere."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyjib.errors import ConfigurationError, DeniedError, UnauthorizedError
from pyjib.oci.reference import Reference
from pyjib.options import CredentialHelper, HostEnvironment, Login, RegistryOptions
from pyjib.registry.client import RegistryClient
from pyjib.registry.login.credential import Search
from pyjib.registry.login.credentials import Finder
from tests.support.scripted import Reply, ScriptedServer

posix = pytest.mark.skipif(os.name != "posix", reason="the fake helper is a script with #!")

R = "r.io"
HELPER = """#!{python}
import sys
sys.stdin.read()
print('{{"Username": "me", "Secret": "stale"}}')
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    return tmp_path


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


def auths(*keys: str) -> dict[str, Any]:
    auth = base64.b64encode(b"me:stale").decode()
    return {"auths": {key: {"auth": auth} for key in keys}}


def write(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def host_of(home: Path, **variables: str) -> HostEnvironment:
    return HostEnvironment(variables={"PATH": str(home / "bin"), **variables}, home=home)


def renewal(
    home: Path,
    options: RegistryOptions | None = None,
    registry: str = R,
    repository: str = "",
    **variables: str,
) -> str:
    """Return how the login that is found is renewed."""
    finder = Finder(options or RegistryOptions(), host_of(home, **variables))
    found: Search = finder.find(registry, repository)
    assert found.credential is not None
    return found.credential.renewal


def helper(home: Path, name: str) -> None:
    program = home / "bin" / f"docker-credential-{name}"
    program.write_text(HELPER.format(python=sys.executable))
    program.chmod(0o755)


def test_dockers_file(home: Path) -> None:
    write(home / ".docker" / "config.json", auths(R))
    assert renewal(home) == "log in anew with pyjib login r.io"


def test_an_entry_for_a_part_of_a_registry_is_not_hidden_by_a_new_login(home: Path) -> None:
    config = write(home / ".docker" / "config.json", auths(R, f"{R}/team"))
    assert renewal(home, repository="team/app") == f"correct the entry r.io/team in {config}"
    assert renewal(home, repository="other/app") == "log in anew with pyjib login r.io"


def test_an_entry_for_many_hosts_is_hidden_by_a_new_login(home: Path) -> None:
    write(home / ".docker" / "config.json", auths("*.ci.r.io"))
    assert renewal(home, registry="a.ci.r.io") == "log in anew with pyjib login a.ci.r.io"


def test_a_variable(home: Path) -> None:
    text = json.dumps(auths(R, f"{R}/team"))
    for repository in ("", "team/app"):
        found = renewal(home, repository=repository, DOCKER_AUTH_CONFIG=text)
        assert found == "correct the variable DOCKER_AUTH_CONFIG"


def test_files_that_are_named(home: Path) -> None:
    mine = write(home / "mine.json", auths(R))
    expected = f"log in anew with pyjib login r.io --auth-file {mine}"
    assert renewal(home, RegistryOptions(auth_file=mine)) == expected
    assert renewal(home, REGISTRY_AUTH_FILE=str(mine)) == expected


def test_podmans_file(home: Path) -> None:
    write(home / ".config" / "containers" / "auth.json", auths(R))
    assert renewal(home).startswith("log in anew with podman login r.io, or with pyjib login r.io")


def test_a_secret_of_kubernetes(home: Path) -> None:
    secret = write(home / ".docker" / ".dockerconfigjson", auths(R))
    assert renewal(home) == f"renew the secret that is mounted as {secret}"


def test_what_was_given(home: Path) -> None:
    login = Login(registry=R, username="me", password="x", source="<server> r.io in settings.xml")
    found = Finder(RegistryOptions(logins=(login,)), host_of(home)).find(R)
    assert found.credential is not None
    assert found.credential.words == "<server> r.io in settings.xml (user me)"
    assert found.credential.renewal == "check user and password"
    assert found.steps[0].said == "has a login: user me, of <server> r.io in settings.xml"


@posix
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("osxkeychain", "log in anew with pyjib login r.io"),
        ("ecr-login", "renew the login to AWS that it uses"),
        ("gcloud", "log in anew with gcloud auth login"),
        ("acr-env", "correct the AZURE_ variables"),
    ],
)
def test_helpers(home: Path, name: str, words: str) -> None:
    helper(home, name)
    write(home / ".docker" / "config.json", {"credsStore": name})
    assert renewal(home).startswith(words)


@posix
def test_helpers_by_who_names_them(home: Path) -> None:
    helper(home, "memo")
    text = json.dumps({"credHelpers": {R: "memo"}})
    mine = write(home / "mine.json", text)
    assert renewal(home, RegistryOptions(auth_file=mine)).endswith(f"r.io --auth-file {mine}")
    assert renewal(home, DOCKER_AUTH_CONFIG=text) == (
        "have docker-credential-memo keep another, or correct DOCKER_AUTH_CONFIG"
    )
    chosen = CredentialHelper(registry=R, program="memo", source="--credential-helper")
    assert renewal(home, RegistryOptions(helpers=(chosen,))) == (
        "have memo keep another login, or name another in --credential-helper"
    )


@posix
def test_a_clouds_helper_that_nobody_named(home: Path) -> None:
    helper(home, "gcloud")
    assert renewal(home, registry="gcr.io") == "log in anew with gcloud auth login"


def test_a_clouds_own_login(home: Path, server: ScriptedServer) -> None:
    """It is renewed where it was got, or hidden by a login of one's own."""
    server.rule("GET", ".*/1", Reply(401, {"WWW-Authenticate": "Basic"}))
    variables = {
        "CI_REGISTRY": server.address,
        "CI_REGISTRY_USER": "ci",
        "CI_REGISTRY_PASSWORD": "over",
    }
    hint = hint_of(server, RegistryOptions(), host_of(home, **variables))
    assert "the login from CI_REGISTRY_PASSWORD (user ci) was not accepted: renew what it" in hint
    assert f"or log in with pyjib login {server.address}, which goes before it" in hint


def hint_of(server: ScriptedServer, options: RegistryOptions, host: HostEnvironment) -> str:
    with (
        RegistryClient(options, host) as client,
        pytest.raises((UnauthorizedError, DeniedError)) as caught,
    ):
        client.manifest_get(Reference.parse(f"{server.address}/team/app:1"))
    return caught.value.hint or ""


@pytest.mark.parametrize("status", [401, 403])
def test_the_hint_of_a_refusal(home: Path, server: ScriptedServer, status: int) -> None:
    server.rule(
        "GET",
        ".*/1",
        lambda seen: Reply(status if seen.authorization else 401, {"WWW-Authenticate": "Basic"}),
    )
    text = json.dumps(auths(server.address))
    hint = hint_of(server, RegistryOptions(), host_of(home, DOCKER_AUTH_CONFIG=text))
    assert "the login from DOCKER_AUTH_CONFIG (user me)" in hint
    assert "correct the variable DOCKER_AUTH_CONFIG" in hint
    assert "pyjib login" not in hint
    given = Login(registry=server.address, username="me", password="x", source="--username")
    hint = hint_of(server, RegistryOptions(logins=(given,)), host_of(home))
    assert "the login from --username (user me)" in hint
    assert ("check user and password" in hint) is (status == 401)


def test_broken_texts(home: Path) -> None:
    """A variable cannot be moved away, and a file that an option names need not be Docker's."""
    mine = write(home / "mine.json", "{")
    hints = {
        "correct the variable DOCKER_AUTH_CONFIG, or unset it": failure(
            home, DOCKER_AUTH_CONFIG="{"
        ),
        "name another file in REGISTRY_AUTH_FILE": failure(home, REGISTRY_AUTH_FILE=str(mine)),
        "name another file with --auth-file": failure(home, RegistryOptions(auth_file=mine)),
    }
    for words, hint in hints.items():
        assert words in hint
        assert "pyjib login" not in hint


def test_a_broken_entry(home: Path) -> None:
    document = {"auths": {R: {"auth": "nothing"}}}
    mine = write(home / "mine.json", document)
    renewed = f"log in anew with pyjib login r.io --auth-file {mine}"
    assert failure(home, REGISTRY_AUTH_FILE=str(mine)) == renewed
    assert failure(home, RegistryOptions(auth_file=mine)) == renewed
    text = json.dumps(document)
    assert failure(home, DOCKER_AUTH_CONFIG=text) == "correct the variable DOCKER_AUTH_CONFIG"


def failure(home: Path, options: RegistryOptions | None = None, **variables: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Finder(options or RegistryOptions(), host_of(home, **variables)).find(R)
    return caught.value.hint or ""


@pytest.mark.parametrize("kind", ["auth_file", "REGISTRY_AUTH_FILE", "DOCKER_CONFIG"])
def test_files_that_cannot_be_read(home: Path, kind: str) -> None:
    path = home / "x" / "config.json"
    path.mkdir(parents=True)
    if kind == "auth_file":
        hint = failure(home, RegistryOptions(auth_file=path))
        assert "or name another file with --auth-file" in hint
    elif kind == "REGISTRY_AUTH_FILE":
        assert "or name another file in REGISTRY_AUTH_FILE" in failure(
            home, None, **{kind: str(path)}
        )
    else:
        hint = failure(home, None, **{kind: str(path.parent)})
        assert "or name another directory in DOCKER_CONFIG" in hint


def test_a_variable_with_a_path_in_it(home: Path) -> None:
    """GitLab sets variables of the type File to a path."""
    mine = write(home / "mine.json", auths(R))
    with pytest.raises(ConfigurationError, match="holds the path of a file") as caught:
        Finder(RegistryOptions(), host_of(home, DOCKER_AUTH_CONFIG=f"{mine}\n")).find(R)
    assert "REGISTRY_AUTH_FILE" in (caught.value.hint or "")
    assert "type Variable, not File" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"credsStore": "gone"}, "credsStore in {}"),
        ({"credHelpers": {R: "gone"}}, "the entry r.io of credHelpers in {}"),
    ],
)
def test_a_helper_that_is_missing_names_who_asks_for_it(
    home: Path, document: dict[str, Any], named: str
) -> None:
    config = write(home / ".docker" / "config.json", document)
    text = json.dumps(document)
    for variables, source in (
        ({}, str(config)),
        ({"DOCKER_AUTH_CONFIG": text}, "DOCKER_AUTH_CONFIG"),
    ):
        by = named.format(source)
        with pytest.raises(ConfigurationError, match="is not on the PATH") as caught:
            Finder(RegistryOptions(), host_of(home, **variables)).find(R)
        assert (
            caught.value.message == f"docker-credential-gone, which {by} names, is not on the PATH"
        )
        assert caught.value.hint == f"install it, or remove {by}"


def test_a_helper_that_an_option_names_and_that_is_missing(home: Path) -> None:
    for program, words in (("gone", "leave --credential-helper out"), ("./gone", "its path in")):
        chosen = CredentialHelper(registry=R, program=program, source="--credential-helper")
        assert words in failure(home, RegistryOptions(helpers=(chosen,)))
