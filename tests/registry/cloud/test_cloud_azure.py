"""Azure's and the forges' logins, against imitations; and clouds among the other sources."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from pyjib.options import Login, RegistryOptions
from pyjib.registry.login.cloud.azure import Azure
from pyjib.registry.login.credential import Credential, Outcome
from tests.support.clouds import Machine, helper_on_path
from tests.support.scripted import Reply, ScriptedServer

REGISTRY = "team.azurecr.io"
LOGIN = Credential(
    source="",
    username="00000000-0000-0000-0000-000000000000",
    password="acr-refresh",
    identity_token="acr-refresh",
)
ENTRA = b'{"access_token":"entra-token","expires_in":3599}'


@pytest.fixture
def azure() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.rule("POST", "/oauth2/exchange", Reply(200, {}, b'{"refresh_token":"acr-refresh"}'))
        yield server


@pytest.fixture
def machine(tmp_path: Path, azure: ScriptedServer) -> Machine:
    machine = Machine(tmp_path, root=azure.url)
    machine.variables["AZURE_AUTHORITY_HOST"] = azure.url
    return machine


def exchanged(azure: ScriptedServer) -> dict[str, list[str]]:
    (seen,) = azure.seen("POST", "/oauth2/exchange")
    return parse_qs(seen.body.decode())


@pytest.mark.parametrize("by_secret", [True, False])
def test_a_service_principal_and_workload_identity(
    machine: Machine, azure: ScriptedServer, by_secret: bool
) -> None:
    machine.variables |= {"AZURE_TENANT_ID": "tenant-1", "AZURE_CLIENT_ID": "client-1"}
    if by_secret:
        machine.variables["AZURE_CLIENT_SECRET"] = "s3cret"
    else:
        (machine.home / "jwt").write_text("federated\n")
        machine.variables["AZURE_FEDERATED_TOKEN_FILE"] = str(machine.home / "jwt")
    azure.rule("POST", "/tenant-1/oauth2/v2.0/token", Reply(200, {}, ENTRA))
    found = machine.login(REGISTRY)
    assert found == LOGIN
    assert found.ends is not None
    form = parse_qs(azure.seen("POST", "/tenant-1/.*")[0].body.decode())
    assert form["scope"] == ["https://containerregistry.azure.net/.default"]
    assert form["grant_type"] == ["client_credentials"]
    assert form.get("client_secret") == (["s3cret"] if by_secret else None)
    assert form.get("client_assertion") == (None if by_secret else ["federated"])
    assert exchanged(azure) == {
        "grant_type": ["access_token"],
        "service": [REGISTRY],
        "access_token": ["entra-token"],
        "tenant": ["tenant-1"],
    }


def test_an_apps_managed_identity(machine: Machine, azure: ScriptedServer) -> None:
    machine.variables |= {
        "IDENTITY_ENDPOINT": f"{azure.url}/msi/token",
        "IDENTITY_HEADER": "header-s3cret",
        "AZURE_CLIENT_ID": "user assigned",
    }
    azure.rule("GET", "/msi/token", Reply(200, {}, ENTRA))
    assert machine.login(REGISTRY) == LOGIN
    (asked,) = azure.seen("GET")
    assert asked.headers["x-identity-header"] == "header-s3cret"
    assert parse_qs(asked.target.partition("?")[2]) == {
        "api-version": ["2019-08-01"],
        "resource": ["https://containerregistry.azure.net"],
        "client_id": ["user assigned"],
    }


def test_a_machines_managed_identity(machine: Machine, azure: ScriptedServer) -> None:
    machine.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = azure.url
    azure.rule("GET", "/metadata/identity/oauth2/token", Reply(200, {}, ENTRA))
    assert machine.login(REGISTRY) == LOGIN
    assert azure.seen("GET")[0].headers["metadata"] == "true"
    assert exchanged(azure).get("tenant") is None


def test_nothing_set_up_asks_nobody(machine: Machine, azure: ScriptedServer) -> None:
    assert machine.said(REGISTRY).startswith("there is no AZURE_CLIENT_ID")
    assert azure.journal == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AZURE_TENANT_ID", "../evil", "is no tenant's ID"),
        ("AZURE_AUTHORITY_HOST", "http://login.evil.example", "over plain http"),
        ("IDENTITY_ENDPOINT", "http://8.8.8.8/token", "over plain http"),
    ],
)
def test_settings_that_would_give_the_secret_away(
    machine: Machine, azure: ScriptedServer, name: str, value: str, words: str
) -> None:
    if name == "IDENTITY_ENDPOINT":
        machine.variables["IDENTITY_HEADER"] = "s3cret"
    else:
        machine.variables |= {"AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s3cret"}
        machine.variables["AZURE_TENANT_ID"] = "t"
    machine.variables[name] = value
    said = machine.said(REGISTRY)
    assert words in said
    assert "s3cret" not in said
    assert azure.journal == []


def test_what_azure_refuses_is_told(machine: Machine, azure: ScriptedServer) -> None:
    machine.variables |= {
        "AZURE_TENANT_ID": "t",
        "AZURE_CLIENT_ID": "c",
        "AZURE_CLIENT_SECRET": "s3cret+x/y",
    }
    body = b'{"error":"invalid_client","error_description":"s3cret+x/y is s3cret%2Bx%2Fy"}'
    azure.rule("POST", "/t/.*", Reply(401, {}, body))
    said = machine.said(REGISTRY)
    assert "cannot get a token of Entra ID for the client c" in said
    assert "invalid_client" in said
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("registry", "serves"),
    [
        (REGISTRY, True),
        ("team.azurecr.cn", True),
        ("team.eastus.data.azurecr.io", False),
        ("azurecr.io", False),
        ("team.azurecr.io.evil.com", False),
    ],
)
def test_whom_azure_serves(registry: str, serves: bool) -> None:
    assert Azure().serves(registry) is serves


def test_github(machine: Machine) -> None:
    assert machine.said("ghcr.io") == "GITHUB_TOKEN is not set"
    machine.variables["GH_TOKEN"] = "gh"
    assert machine.login("ghcr.io") == Credential(source="", username="token", password="gh")
    machine.variables |= {"GITHUB_TOKEN": "ghs", "GITHUB_ACTOR": "octocat"}
    found = machine.login("ghcr.io")
    assert found == Credential(source="", username="octocat", password="ghs")
    assert found.source == "GITHUB_TOKEN"
    assert machine.search("ghcr.io.evil.com").credential is None
    assert machine.search("docker.io").credential is None


def test_gitlab(machine: Machine) -> None:
    job = {"CI_REGISTRY": "registry.example.com", "CI_REGISTRY_USER": "gitlab-ci-token"}
    machine.variables |= job
    assert "are not set" in machine.said("registry.example.com")
    machine.variables["CI_REGISTRY_PASSWORD"] = "jwt"
    found = machine.login("registry.example.com")
    assert (found.username, found.password) == ("gitlab-ci-token", "jwt")
    assert machine.search("registry.other.com").credential is None


def test_every_other_source_goes_first(machine: Machine) -> None:
    machine.variables["GITHUB_TOKEN"] = "ghs"
    given = Login(registry="ghcr.io", username="given", password="x")
    search = machine.search("ghcr.io", RegistryOptions(logins=(given,)))
    assert search.credential is not None
    assert search.credential.username == "given"
    assert search.steps[-1].outcome is Outcome.UNASKED
    config = machine.home / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"auths": {"ghcr.io": {"username": "file", "password": "x"}}}))
    assert machine.login("ghcr.io").username == "file"


HELPER = """#!{python}
import sys
open({log!r}, "a").write(sys.argv[1] + " " + sys.stdin.read() + chr(10))
{code}
"""


@pytest.mark.skipif(os.name != "posix", reason="the fake helper is a script with #!")
def test_a_clouds_own_helper_goes_before_its_built_in_login(machine: Machine) -> None:
    machine.variables["CLOUDSDK_AUTH_ACCESS_TOKEN"] = "built-in"
    log = machine.home / "gcr.log"
    gives = """print('{"Username":"helped","Secret":"x"}')"""
    script = HELPER.format(python=sys.executable, log=str(log), code=gives)
    with helper_on_path(machine.home, "gcr", script):
        assert machine.login("gcr.io").username == "helped"
        assert machine.search("r.io").credential is None
    assert log.read_text() == "get gcr.io\n"
    fails = HELPER.format(python=sys.executable, log=str(log), code="print('bad'); sys.exit(1)")
    with helper_on_path(machine.home, "gcr", fails):
        search = machine.search("gcr.io")
    assert search.credential is not None
    assert search.credential.password == "built-in"
    steps = [step for step in search.steps if step.outcome is Outcome.FAILED]
    assert [str(step) for step in steps] == [
        "docker-credential-gcr (docker-credential-gcr get failed: bad)"
    ]
