"""AWS's profiles that get their keys by single sign-on or from a program."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from pyjib.errors import CancelledError
from pyjib.registry.login.cloud import process
from tests.support.aws import ACCOUNT, ROLE, SECRET, ecr, profiles, sts
from tests.support.clouds import Machine, dated, is_signed
from tests.support.scripted import Reply, ScriptedServer

TOKEN = "the-sign-on-token"
START = "https://corp.awsapps.com/start"
SESSION = f"""
[profile dev]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = Read Only
[sso-session corp]
sso_region = eu-central-1
sso_start_url = {START}
"""
OLD = f"""
[profile dev]
sso_start_url = {START}
sso_region = eu-central-1
sso_account_id = 111122223333
sso_role_name = Read Only
"""


@pytest.fixture
def aws() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def machine(tmp_path: Path, aws: ScriptedServer) -> Machine:
    machine = Machine(tmp_path)
    machine.variables["AWS_PROFILE"] = "dev"
    for service in ("ECR", "STS", "SSO"):
        machine.variables[f"AWS_ENDPOINT_URL_{service}"] = aws.url
    return machine


def sign_on(machine: Machine, key: str, document: Any) -> Path:
    """Leave behind what ``aws sso login`` does."""
    name = hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()
    path = machine.home / ".aws" / "sso" / "cache" / f"{name}.json"
    path.parent.mkdir(parents=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def portal(aws: ScriptedServer) -> None:
    found = {
        "accessKeyId": "ASIA",
        "secretAccessKey": SECRET,
        "sessionToken": "tt",
        "expiration": 1,
    }
    body = json.dumps({"roleCredentials": found}).encode()
    aws.rule("GET", "/federation/credentials", Reply(200, {}, body))


@pytest.mark.parametrize(("config", "key"), [(SESSION, "corp"), (OLD, START)])
def test_by_single_sign_on(machine: Machine, aws: ScriptedServer, config: str, key: str) -> None:
    profiles(machine, config)
    sign_on(machine, key, {"accessToken": TOKEN, "expiresAt": "2026-01-01T00:00:00Z"})
    portal(aws)
    ecr(aws)
    assert machine.login(ACCOUNT).source == "Amazon ECR by AWS's profile dev"
    asked = aws.journal[0]
    assert asked.headers["x-amz-sso_bearer_token"] == TOKEN
    assert asked.authorization is None
    query = parse_qs(asked.target.partition("?")[2])
    assert query == {"account_id": ["111122223333"], "role_name": ["Read Only"]}
    assert aws.seen("POST")[0].headers["x-amz-security-token"] == "tt"


def test_a_role_that_is_taken_by_single_sign_on(machine: Machine, aws: ScriptedServer) -> None:
    profiles(machine, f"{SESSION}[profile prod]\nrole_arn = {ROLE}\nsource_profile = dev\n")
    machine.variables["AWS_PROFILE"] = "prod"
    sign_on(machine, "corp", {"accessToken": TOKEN})
    portal(aws)
    aws.rule("GET", "/", dated(Reply(404)), times=1)
    sts(aws)
    ecr(aws)
    assert machine.login(ACCOUNT).password == "the-token"
    assert is_signed(aws.seen("POST")[0], SECRET, region="eu-west-1", service="sts")


def test_a_sign_on_that_has_ended(machine: Machine, aws: ScriptedServer) -> None:
    profiles(machine, SESSION)
    sign_on(machine, "corp", {"accessToken": TOKEN})
    words = f'{{"message":"Session token not found or invalid: {TOKEN}"}}'
    aws.rule("GET", "/federation/credentials", Reply(401, {}, words.encode()), times=1)
    said = machine.said(ACCOUNT)
    assert said == (
        "the single sign-on of AWS's profile dev has ended: run `aws sso login --profile dev`"
    )
    aws.rule("GET", "/federation/credentials", Reply(403, {}, words.encode()))
    said = machine.said(ACCOUNT)
    assert "cannot get keys for the role Read Only by single sign-on" in said
    assert TOKEN not in said


@pytest.mark.parametrize(
    "text", [None, "{", "[]", "{}", '{"accessToken": 1}', '{"accessToken":"a\\n"}']
)
def test_nobody_signed_on(machine: Machine, aws: ScriptedServer, text: str | None) -> None:
    profiles(machine, SESSION)
    if text is not None:
        sign_on(machine, "corp", text)
    said = machine.said(ACCOUNT)
    assert "AWS's profile dev is not signed on" in said
    assert said.endswith("run `aws sso login --profile dev`")
    assert aws.journal == []


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (SESSION.replace("[sso-session corp]", "[services corp]"), "which is not there"),
        (SESSION.replace("eu-central-1", "x.evil.com/#"), "no region of AWS"),
        (SESSION.replace("sso_region", "region"), "no region of AWS"),
    ],
)
def test_a_sign_on_that_is_set_up_by_half(
    machine: Machine, aws: ScriptedServer, config: str, words: str
) -> None:
    profiles(machine, config)
    sign_on(machine, "corp", {"accessToken": TOKEN})
    assert words in machine.said(ACCOUNT)
    assert aws.journal == []


def test_the_portals_address_is_the_regions(machine: Machine) -> None:
    """Asked by a proxy that lets nobody through, which sees the name of the host and no more."""
    profiles(machine, SESSION)
    sign_on(machine, "corp", {"accessToken": TOKEN})
    del machine.variables["AWS_ENDPOINT_URL_SSO"]
    with ScriptedServer() as proxy:
        machine.variables["https_proxy"] = proxy.url
        proxy.rule("CONNECT", ".*", Reply(403))
        assert TOKEN not in machine.said(ACCOUNT)
        assert [seen.target for seen in proxy.journal] == [
            "portal.sso.eu-central-1.amazonaws.com:443"
        ]


def test_the_tokens_request_is_not_redirected_elsewhere(
    machine: Machine, aws: ScriptedServer
) -> None:
    profiles(machine, SESSION)
    sign_on(machine, "corp", {"accessToken": TOKEN})
    with ScriptedServer() as spy:
        aws.rule("GET", "/federation/.*", Reply(302, {"Location": f"{spy.url}/"}))
        assert "must not see the secret" in machine.said(ACCOUNT)
        assert spy.journal == []


def program(machine: Machine, code: str, *arguments: str) -> None:
    """Set up a profile whose keys a program tells."""
    script = machine.home / "with space" / "tell.py"
    script.parent.mkdir()
    script.write_text(code)
    words = " ".join(f'"{word}"' for word in (sys.executable, str(script), *arguments))
    profiles(machine, f"[profile dev]\ncredential_process = {words}\n")


def telling(**more: object) -> str:
    document = {"Version": 1, "AccessKeyId": "ASIA", "SecretAccessKey": SECRET, **more}
    return f"print({json.dumps(json.dumps(document))})"


def test_by_a_program(machine: Machine, aws: ScriptedServer) -> None:
    code = f"import sys\nassert sys.argv[1:] == ['a b', '$HOME;']\n{telling(SessionToken='tt')}"
    program(machine, code, "a b", "$HOME;")
    ecr(aws)
    assert machine.login(ACCOUNT).source == "Amazon ECR by AWS's profile dev"
    assert aws.seen("POST")[0].headers["x-amz-security-token"] == "tt"


def test_a_program_without_a_session(machine: Machine, aws: ScriptedServer) -> None:
    program(machine, telling())
    ecr(aws)
    assert machine.login(ACCOUNT).password == "the-token"
    assert "x-amz-security-token" not in aws.seen("POST")[0].headers


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (f"import sys; print('{SECRET}'); print('{SECRET}', file=sys.stderr); sys.exit(3)", "3"),
        (f"print('{SECRET}')", "did not answer with JSON"),
        (f"print('[\"{SECRET}\"]')", "did not answer with JSON"),
        (telling(Version=2), "the Version 1"),
        (telling(AccessKeyId=""), "did not answer with keys"),
        (telling(AccessKeyId=7), "did not answer with keys"),
        (telling(SessionToken="a\r\nb: c"), "did not answer with keys"),
        ("print('x' * 200_000)", "failed"),
    ],
)
def test_programs_that_tell_no_keys(machine: Machine, code: str, words: str) -> None:
    program(machine, code)
    said = machine.said(ACCOUNT)
    assert said.startswith("the credential_process of AWS's profile dev")
    assert words in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("line", "words"),
    [('"x', "quotes do not match"), ("/nowhere/tell", "cannot start"), ("''", "cannot start")],
)
def test_what_is_no_program(machine: Machine, line: str, words: str) -> None:
    profiles(machine, f"[profile dev]\ncredential_process = {line}\n")
    assert words in machine.said(ACCOUNT)


def test_a_program_that_hangs(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    program(machine, "import time; time.sleep(600)")
    monkeypatch.setattr(process, "TIMEOUT", 0.3)
    assert "did not end within" in machine.said(ACCOUNT)


def test_a_program_ends_with_the_build(machine: Machine) -> None:
    started = machine.home / "started"
    program(machine, f"open({str(started)!r}, 'w').close()\nimport time; time.sleep(600)")

    def cancel() -> None:
        while not started.exists():
            time.sleep(0.01)
        machine.cancellation.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(CancelledError):
        machine.search(ACCOUNT)
    thread.join()


@pytest.mark.skipif(os.name == "nt", reason="sh is needed")
def test_keys_of_the_profile_go_before_its_program(machine: Machine, aws: ScriptedServer) -> None:
    lines = f"[dev]\naws_access_key_id = AKID\naws_secret_access_key = {SECRET}\n"
    profiles(machine, "[profile dev]\ncredential_process = sh -c 'touch ran'\n", lines)
    ecr(aws)
    assert machine.login(ACCOUNT).password == "the-token"
