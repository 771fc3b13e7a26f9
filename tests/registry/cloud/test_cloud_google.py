"""Google's logins, against an imitation of each of its services."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from pyjib.registry.login.cloud.google import Google
from pyjib.registry.login.credential import Credential
from tests.support.clouds import NOON, Machine, dated
from tests.support.scripted import Reply, ScriptedServer

REGISTRY = "europe-docker.pkg.dev"
ACCESS = b'{"access_token":"ya29.token","expires_in":3599,"token_type":"Bearer"}'
LOGIN = Credential(source="", username="oauth2accesstoken", password="ya29.token")


@pytest.fixture
def google() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def credentials(machine: Machine, document: Any, name: str = "key.json") -> Path:
    path = machine.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    if name == "key.json":
        machine.variables["GOOGLE_APPLICATION_CREDENTIALS"] = str(path)
    return path


def account(google: ScriptedServer, **changes: Any) -> dict[str, Any]:
    return {
        "type": "service_account",
        "client_email": "robot@project.iam.gserviceaccount.com",
        "private_key_id": "kid1",
        "private_key": pem(key()),
        "token_uri": f"{google.url}/token",
        **changes,
    }


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=="))


@pytest.mark.parametrize("name", ["CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"])
def test_an_access_token_of_the_environment(machine: Machine, name: str) -> None:
    machine.variables[name] = "ya29.token"
    found = machine.login(REGISTRY)
    assert found == LOGIN
    assert found.source == f"Google by {name}"


def test_the_key_of_a_service_account(machine: Machine, google: ScriptedServer) -> None:
    path = credentials(machine, account(google))
    google.rule("GET", "/", dated(Reply(404)))
    google.rule("POST", "/token", Reply(200, {}, ACCESS))
    found = machine.login(REGISTRY)
    assert found == LOGIN
    assert found.ends is not None
    assert str(path) in found.source
    form = parse_qs(google.seen("POST")[0].body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    header, claims, signature = form["assertion"][0].split(".")
    key().public_key().verify(
        base64.urlsafe_b64decode(signature + "=="),
        f"{header}.{claims}".encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    assert decoded(header) == {"alg": "RS256", "typ": "JWT", "kid": "kid1"}
    assert decoded(claims) == {
        "iss": "robot@project.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": f"{google.url}/token",
        "iat": NOON,
        "exp": NOON + 3600,
    }


def test_gclouds_user(machine: Machine, google: ScriptedServer) -> None:
    user = {
        "type": "authorized_user",
        "client_id": "c",
        "client_secret": "cs3cret",
        "refresh_token": "r3fresh",
        "token_uri": f"{google.url}/token",
    }
    credentials(machine, user, ".config/gcloud/application_default_credentials.json")
    google.rule("POST", "/token", Reply(400, {}, b'{"error":"invalid_grant r3fresh"}'), times=1)
    google.rule("POST", "/token", Reply(200, {}, ACCESS))
    said = machine.said(REGISTRY)
    assert "invalid_grant ***" in said
    assert machine.login("gcr.io") == LOGIN
    assert parse_qs(google.seen("POST")[0].body.decode()) == {
        "grant_type": ["refresh_token"],
        "client_id": ["c"],
        "client_secret": ["cs3cret"],
        "refresh_token": ["r3fresh"],
    }


@pytest.mark.parametrize("by_file", [True, False])
@pytest.mark.parametrize("impersonates", [True, False])
def test_workload_identity_federation(
    machine: Machine, google: ScriptedServer, by_file: bool, impersonates: bool
) -> None:
    """As the action google-github-actions/auth sets it up."""
    place: dict[str, Any] = {
        "url": f"{google.url}/oidc?a=b",
        "headers": {"Authorization": "Bearer actions"},
        "format": {"type": "json", "subject_token_field_name": "value"},
    }
    if by_file:
        (machine.home / "subject").write_text("subject-token\n")
        place = {"file": str(machine.home / "subject")}
    document = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{google.url}/sts",
        "credential_source": place,
    }
    if impersonates:
        document["service_account_impersonation_url"] = f"{google.url}/sa:generateAccessToken"
    credentials(machine, document)
    google.rule("GET", "/oidc", Reply(200, {}, b'{"value":"subject-token"}'))
    first = b'{"access_token":"federated"}' if impersonates else ACCESS
    google.rule("POST", "/sts", Reply(200, {}, first))
    google.rule(
        "POST",
        "/sa:generateAccessToken",
        dated(Reply(200, {}, b'{"accessToken":"ya29.token","expireTime":"2023-11-14T23:13:20Z"}')),
    )
    found = machine.login(REGISTRY)
    assert found == LOGIN
    form = parse_qs(google.seen("POST", "/sts")[0].body.decode())
    assert form["subject_token"] == ["subject-token"]
    assert form["audience"] == ["//iam.googleapis.com/projects/1/x"]
    if not by_file:
        assert google.seen("GET", "/oidc")[0].authorization == "Bearer actions"
    if impersonates:
        assert google.seen("POST", "/sa.*")[0].authorization == "Bearer federated"
        assert found.ends is not None


def test_impersonation(machine: Machine, google: ScriptedServer) -> None:
    credentials(
        machine,
        {
            "type": "impersonated_service_account",
            "service_account_impersonation_url": f"{google.url}/sa",
            "source_credentials": account(google),
        },
    )
    google.rule("GET", "/", dated(Reply()))
    google.rule("POST", "/token", Reply(200, {}, b'{"access_token":"first"}'))
    google.rule("POST", "/sa", Reply(200, {}, b'{"accessToken":"ya29.token"}'))
    assert machine.login(REGISTRY) == LOGIN
    assert google.seen("POST", "/sa")[0].authorization == "Bearer first"


def test_the_metadata_service(machine: Machine, google: ScriptedServer) -> None:
    machine.variables["GCE_METADATA_HOST"] = google.address
    path = "/computeMetadata/v1/instance/service-accounts/default/token"
    google.rule("GET", path, Reply(503), times=1)
    google.rule("GET", path, Reply(200, {}, ACCESS))
    assert "answered 503" in machine.said(REGISTRY)
    assert len(google.journal) == 1
    assert machine.login(REGISTRY) == LOGIN
    assert google.journal[-1].headers["metadata-flavor"] == "Google"


def test_nothing_set_up_asks_nobody(machine: Machine) -> None:
    assert machine.said(REGISTRY).startswith("there is no access token")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"private_key": "s3cret"}, "is no RSA key"),
        ({"private_key": "EC"}, "is no RSA key"),
        ({"private_key": None}, "has no private_key"),
        ({"client_email": 3}, "has no client_email"),
        ({"token_uri": "http://evil.example/t"}, "over plain http"),
        ({"token_uri": "x"}, "is no http or https address"),
        ({"type": "gdch_service_account"}, "are not known here"),
        ({"type": "external_account"}, "neither a file nor a url"),
        ({"type": "external_account", "credential_source": {"file": "/nowhere/x"}}, "cannot read"),
    ],
)
def test_credentials_that_cannot_be_used(
    machine: Machine, google: ScriptedServer, changes: dict[str, Any], words: str
) -> None:
    if changes.get("private_key") == "EC":
        changes = {"private_key": pem(ec.generate_private_key(ec.SECP256R1()))}
    google.rule("GET", "/", dated(Reply()))
    credentials(machine, account(google, **changes))
    said = machine.said(REGISTRY)
    assert words in said
    assert "s3cret" not in said
    assert google.seen("POST") == []


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 90_000])
def test_files_that_are_no_credentials(machine: Machine, text: str) -> None:
    path = credentials(machine, {})
    path.write_text(text)
    assert "is not a JSON object" in machine.said(REGISTRY)
    path.unlink()
    assert "which GOOGLE_APPLICATION_CREDENTIALS names" in machine.said(REGISTRY)


@pytest.mark.parametrize(
    ("registry", "serves"),
    [
        ("gcr.io", True),
        ("eu.gcr.io", True),
        ("europe-docker.pkg.dev", True),
        ("europe-west1-docker.pkg.dev", True),
        ("evilgcr.io", False),
        ("gcr.io.evil.com", False),
        ("pkg.dev", False),
        ("gcr.io:5000", False),
    ],
)
def test_whom_google_serves(registry: str, serves: bool) -> None:
    assert Google().serves(registry) is serves
