"""Amazon's logins, against an imitation of each of its services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from pyjib.registry.login.cloud.ecr import Ecr
from pyjib.registry.login.cloud.signature import AwsKeys, signed_headers
from pyjib.registry.login.credential import Credential, Outcome
from pyjib.registry.net.urls import Url
from tests.support.aws import ACCOUNT, ROLE, SECRET, ecr, profiles, sts
from tests.support.clouds import Machine, dated, is_signed
from tests.support.scripted import Reply, ScriptedServer


@pytest.fixture
def aws() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def machine(tmp_path: Path, aws: ScriptedServer) -> Machine:
    machine = Machine(tmp_path)
    machine.variables["AWS_ENDPOINT_URL_ECR"] = aws.url
    machine.variables["AWS_ENDPOINT_URL_STS"] = aws.url
    return machine


def keys(machine: Machine) -> None:
    machine.variables |= {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": SECRET}


def test_the_signature_is_that_of_amazons_own_test_suite() -> None:
    signed = signed_headers(
        Url.parse("https://example.amazonaws.com/"),
        {},
        b"",
        AwsKeys(source="", access_key="AKIDEXAMPLE", secret_key=SECRET),
        region="us-east-1",
        service="service",
        at=datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
    )
    assert signed["authorization"].endswith(
        "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )


def test_by_keys_of_the_environment(machine: Machine, aws: ScriptedServer) -> None:
    keys(machine)
    machine.variables["AWS_SESSION_TOKEN"] = "session"
    ecr(aws)
    found = machine.login(ACCOUNT)
    assert found == Credential(source="", username="AWS", password="the-token")
    assert found.source == "Amazon ECR by AWS_ACCESS_KEY_ID"
    assert found.ends is not None
    (asked,) = aws.seen("POST")
    target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
    assert asked.headers["x-amz-target"] == target
    assert asked.headers["x-amz-security-token"] == "session"
    assert asked.body == b"{}"
    assert SECRET not in repr(asked)


def test_the_public_registry(machine: Machine, aws: ScriptedServer) -> None:
    keys(machine)
    machine.variables["AWS_ENDPOINT_URL_ECR_PUBLIC"] = aws.url
    ecr(aws, region="us-east-1", service="ecr-public")
    assert machine.login("public.ecr.aws").password == "the-token"
    target = "SpencerFrontendService.GetAuthorizationToken"
    assert aws.seen("POST")[0].headers["x-amz-target"] == target


def test_by_web_identity(machine: Machine, aws: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "jwt").write_text("web.identity\n")
    machine.variables |= {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "jwt"),
        "AWS_ROLE_ARN": ROLE,
    }
    sts(aws)
    ecr(aws)
    assert machine.login(ACCOUNT).source == "Amazon ECR by AWS_WEB_IDENTITY_TOKEN_FILE"
    first, second = aws.seen("POST")
    assert parse_qs(first.body.decode()) == {
        "Action": ["AssumeRoleWithWebIdentity"],
        "Version": ["2011-06-15"],
        "RoleArn": [ROLE],
        "RoleSessionName": ["pyjib"],
        "WebIdentityToken": ["web.identity"],
    }
    assert first.authorization is None
    assert second.headers["x-amz-security-token"] == "se/ss=="


def test_by_a_profile(machine: Machine, aws: ScriptedServer) -> None:
    lines = f"[work]\naws_access_key_id = AKID\naws_secret_access_key = {SECRET}\n"
    profiles(machine, "[profile work]\nregion = eu-west-1\n[sso-session x]\na=b\n", lines)
    ecr(aws)
    assert machine.said(ACCOUNT).startswith("AWS has no keys")
    machine.variables["AWS_PROFILE"] = "work"
    assert machine.login(ACCOUNT).source == "Amazon ECR by AWS's profile work"


def test_by_a_profile_that_takes_a_role(machine: Machine, aws: ScriptedServer) -> None:
    other = "other%secret"
    profiles(
        machine,
        f"[default]\nrole_arn = {ROLE}\nsource_profile = base\n",
        f"[base]\naws_access_key_id=AK\naws_secret_access_key={other}\n",
    )
    aws.rule("GET", "/", dated(Reply(302, {"Location": "/elsewhere"})), times=1)
    sts(aws)
    ecr(aws)
    assert machine.login(ACCOUNT).password == "the-token"
    first = aws.seen("POST")[0]
    assert parse_qs(first.body.decode())["Action"] == ["AssumeRole"]
    assert is_signed(first, other, region="eu-west-1", service="sts")


def test_a_role_of_another_account(machine: Machine, aws: ScriptedServer) -> None:
    """It asks for the ``external_id`` that was agreed on."""
    profiles(
        machine,
        f"[default]\nrole_arn={ROLE}\nsource_profile=base\nexternal_id=agreed\n"
        "role_session_name=nightly\n",
        f"[base]\naws_access_key_id=AK\naws_secret_access_key={SECRET}\n",
    )
    aws.rule("GET", "/", dated(Reply(404)), times=1)
    sts(aws)
    ecr(aws)
    assert machine.login(ACCOUNT).password == "the-token"
    form = parse_qs(aws.seen("POST")[0].body.decode())
    assert (form["ExternalId"], form["RoleSessionName"]) == (["agreed"], ["nightly"])


def test_a_role_that_wants_a_second_factor(machine: Machine, aws: ScriptedServer) -> None:
    profiles(
        machine,
        f"[default]\nrole_arn={ROLE}\nsource_profile=base\nmfa_serial=arn:aws:iam::1:mfa/me\n",
        f"[base]\naws_access_key_id=AK\naws_secret_access_key={SECRET}\n",
    )
    aws.rule("GET", "/", dated(Reply(404)))
    aws.rule("POST", "/", dated(Reply(403)))
    said = machine.said(ACCOUNT)
    assert "403 Forbidden; AWS's profile default has an mfa_serial, and nobody is asked" in said
    assert "aws configure export-credentials" in said


@pytest.mark.parametrize(
    ("region", "domain"),
    [
        ("eu-west-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
        ("eusc-de-east-1", "amazonaws.eu"),
    ],
)
def test_services_are_in_the_domain_of_their_region(
    machine: Machine, region: str, domain: str
) -> None:
    """Asked by a proxy that lets nobody through, which sees the names of hosts and no more."""
    keys(machine)
    for name in ("AWS_ENDPOINT_URL_ECR", "AWS_ENDPOINT_URL_STS"):
        del machine.variables[name]
    with ScriptedServer() as proxy:
        machine.variables["https_proxy"] = proxy.url
        proxy.rule("CONNECT", ".*", Reply(403))
        machine.said(f"123456789012.dkr.ecr.{region}.{domain}")
        del machine.variables["AWS_ACCESS_KEY_ID"]
        machine.variables |= {"AWS_WEB_IDENTITY_TOKEN_FILE": __file__, "AWS_ROLE_ARN": ROLE}
        machine.said(f"123456789012.dkr.ecr.{region}.{domain}")
        asked = {seen.target for seen in proxy.journal}
    assert asked == {f"api.ecr.{region}.{domain}:443", f"sts.{region}.{domain}:443"}


def test_profiles_that_lead_nowhere(machine: Machine, aws: ScriptedServer) -> None:
    profiles(machine, "[default]\nsource_profile=default\n[profile half]\nsso_session = x\n")
    assert machine.said(ACCOUNT).startswith("AWS has no keys")
    for name, words in (
        ("half", "has no keys, and nothing by which to get any: give it keys"),
        ("none", "has no profile none: correct AWS_PROFILE"),
    ):
        machine.variables["AWS_PROFILE"] = name
        assert words in machine.said(ACCOUNT)
    (machine.home / ".aws" / "config").write_text("no section\n")
    assert "cannot read AWS's profiles" in machine.said(ACCOUNT)
    assert aws.journal == []


@pytest.mark.parametrize("by_file", [True, False])
def test_by_a_container(machine: Machine, aws: ScriptedServer, by_file: bool) -> None:
    machine.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{aws.url}/creds?a=b"
    if by_file:
        (machine.home / "token").write_text("Bearer t\n")
        machine.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(machine.home / "token")
    else:
        machine.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "Bearer t"
    document = {"AccessKeyId": "A", "SecretAccessKey": SECRET, "Token": "tt"}
    aws.rule("GET", "/creds", Reply(200, {}, json.dumps(document).encode()))
    ecr(aws)
    assert machine.login(ACCOUNT).password == "the-token"
    assert aws.journal[0].authorization == "Bearer t"


@pytest.mark.parametrize("url", ["http://10.0.0.1/c", "http://example.com/c", "ftp://x", "x"])
def test_a_containers_address_elsewhere_is_not_asked(machine: Machine, url: str) -> None:
    machine.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url
    machine.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "s3cret"
    said = machine.said(ACCOUNT)
    assert said.startswith("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    assert "s3cret" not in said


def instance(aws: ScriptedServer) -> None:
    aws.rule("PUT", "/latest/api/token", Reply(200, {}, b"imds-token"))
    role = "/latest/meta-data/iam/security-credentials/"
    aws.rule("GET", role, Reply(200, {}, b"my-role\n"))
    document = {"AccessKeyId": "A", "SecretAccessKey": SECRET, "Token": "tt"}
    aws.rule("GET", f"{role}my-role", Reply(200, {}, json.dumps(document).encode()))


def test_by_the_instances_role(machine: Machine, aws: ScriptedServer) -> None:
    machine.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = aws.url
    instance(aws)
    ecr(aws)
    assert machine.login(ACCOUNT).source == "Amazon ECR by the instance's role my-role"
    token, first, second = aws.journal[:3]
    assert token.headers["x-aws-ec2-metadata-token-ttl-seconds"] == "60"
    assert first.headers["x-aws-ec2-metadata-token"] == "imds-token"
    assert second.headers["x-aws-ec2-metadata-token"] == "imds-token"
    machine.variables["AWS_EC2_METADATA_DISABLED"] = "true"
    assert machine.said(ACCOUNT).startswith("AWS has no keys")


def test_a_metadata_service_is_asked_once(machine: Machine, aws: ScriptedServer) -> None:
    machine.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = aws.url
    aws.rule("PUT", ".*", Reply(503))
    assert "answered 503" in machine.said(ACCOUNT)
    assert len(aws.journal) == 1
    assert machine.waits == []


def test_nothing_set_up_asks_nobody(machine: Machine, aws: ScriptedServer) -> None:
    machine.made_by("sys_vendor", "Somebody's Workshop")
    search = machine.search(ACCOUNT)
    assert search.credential is None
    assert search.steps[-1].outcome is Outcome.UNSET
    assert aws.journal == []


def test_what_amazon_refuses_is_told_without_secrets(machine: Machine, aws: ScriptedServer) -> None:
    keys(machine)
    aws.rule("GET", "/", dated(Reply(404)))
    aws.rule("POST", "/", Reply(400, {}, f'{{"message":"no: {SECRET}"}}'.encode()))
    said = machine.said(ACCOUNT)
    assert "cannot get a token from Amazon ECR by AWS_ACCESS_KEY_ID" in said
    assert "400" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"authorizationData":[]}', b'{"authorizationData":[{"a":1}]}']
)
def test_odd_answers(machine: Machine, aws: ScriptedServer, body: bytes) -> None:
    keys(machine)
    aws.rule("GET", "/", dated(Reply(404)))
    aws.rule("POST", "/", Reply(200, {}, body))
    assert "cannot get a token" in machine.said(ACCOUNT)


def test_a_service_without_a_clock(machine: Machine, aws: ScriptedServer) -> None:
    keys(machine)
    aws.rule("GET", "/", Reply(404))
    assert "has no date" in machine.said(ACCOUNT)


def test_the_signed_request_is_not_redirected_elsewhere(
    machine: Machine, aws: ScriptedServer
) -> None:
    keys(machine)
    with ScriptedServer() as spy:
        aws.rule("GET", "/", dated(Reply(404)))
        aws.rule("POST", "/", Reply(307, {"Location": f"{spy.url}/"}))
        assert "must not see the secret" in machine.said(ACCOUNT)
        assert spy.journal == []


@pytest.mark.parametrize(
    ("registry", "serves"),
    [
        (ACCOUNT, True),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", True),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", True),
        ("123456789012.dkr-ecr.us-east-1.on.aws", True),
        ("public.ecr.aws", True),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.com", False),
        ("evil.com/123456789012.dkr.ecr.eu-west-1.amazonaws.com", False),
        ("12345.dkr.ecr.eu-west-1.amazonaws.com", False),
        ("123456789012.dkr.ecr.evil.com#.amazonaws.com", False),
        ("amazonaws.com", False),
        ("xpublic.ecr.aws", False),
    ],
)
def test_whom_amazon_serves(registry: str, serves: bool) -> None:
    assert Ecr().serves(registry) is serves
