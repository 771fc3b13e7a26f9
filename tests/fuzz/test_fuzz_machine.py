"""What this machine is set up with for logins and hosts, and what its programs answer."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyjib.engine.endpoint import probed_endpoints, stated_endpoint
from pyjib.engine.messages import loaded_names
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.containerd import read_namespaces
from pyjib.registry.login import helpers
from pyjib.registry.login.cloud.azure import Azure
from pyjib.registry.login.cloud.ecr import Ecr
from pyjib.registry.login.cloud.google import Google
from pyjib.registry.login.cloud.model import CloudTools, Provider
from pyjib.registry.login.cloud.process import run_process
from pyjib.registry.login.cloud.profiles import Profiles
from pyjib.registry.login.credential import Credential
from pyjib.registry.net.certificates import find_certificates
from pyjib.registry.net.message import Call, Headers, Reply
from pyjib.registry.net.tls import Contexts
from pyjib.registry.net.urls import Url
from tests.support.fuzzing import damaged, fuzz, odd_json_bytes, survives

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
NOON = "Tue, 24 Nov 2026 12:00:00 GMT"
HOSTS_TOML = (
    b"""
server = "https://r.example.org"

[host."https://mirror.example.org:5000/v2/proxy"]
capabilities = ["pull", "resolve"]
ca = "/etc/ca.pem"
client = [["/a.cert", "/a.key"]]
override_path = true
skip_verify = false

[host."http://localhost:5001"]
""",
)
TOML_TOKENS = (
    *(b'[host."', b'"]\n', b'ca = ["a\\u0000b"]\n', b"= [", b"a.b = 1\n", b"[[host]]\n", b"{a = "),
    *(b'server = "\\u0000"\n', b"1979-05-27T25:00:00Z", b"0x", b"'''", b"inf", b"[" * 3000),
)
AWS = (
    b"""[default]
region = eu-west-1
[profile team]
role_arn = arn:aws:iam::1:role/x
source_profile = keys
[keys]
aws_access_key_id = A
aws_secret_access_key = B
aws_session_token =
  C
  D
[sso-session s]
sso_start_url = https://example.org/start
[profile s]
sso_session = s
sso_account_id = 1
sso_role_name = r
sso_region = eu-west-1
credential_process = "/bin/x y" --z
""",
)
INI = (b"[", b"]", b"=", b"\n ", b"[profile ", b"key\n  more\n", b"%(a)s", b"\0", b";", b"[\0]\n")
GOOGLE = [
    {
        "type": "authorized_user",
        "client_id": "id",
        "client_secret": "secret",
        "refresh_token": "token",
        "token_uri": "https://oauth2.example.org/token",
    },
    {
        "type": "external_account",
        "audience": "//iam/x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.example.org/v1/token",
        "service_account_impersonation_url": "https://iam.example.org/v1/x:generateAccessToken",
        "credential_source": {
            "url": "https://idp.example.org/token",
            "headers": {"Authorization": "bearer x"},
            "format": {"type": "json", "subject_token_field_name": "value"},
        },
    },
    {
        "type": "service_account",
        "client_email": "a@b",
        "private_key": "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "private_key_id": "k",
    },
    {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": "https://iam.example.org/v1/x:generateAccessToken",
        "source_credentials": {"type": "authorized_user", "client_id": "a", "client_secret": "b"},
    },
]
ANSWERS = [
    {"access_token": "abc", "expires_in": 3599, "value": "x", "refresh_token": "y"},
    {"accessToken": "abc", "expireTime": "2026-11-24T13:00:00Z"},
    {
        "authorizationData": [
            {
                "authorizationToken": base64.b64encode(b"AWS:password").decode(),
                "expiresAt": 1_800_000_000.5,
            }
        ],
        "roleCredentials": {"accessKeyId": "A", "secretAccessKey": "B", "sessionToken": "C"},
    },
    {"AccessKeyId": "A", "SecretAccessKey": "B", "Token": "C"},
]
PROCESS = [{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "B", "SessionToken": "C"}]
HELPER = [{"ServerURL": "r.example.org", "Username": "u", "Secret": "s"}]
STREAM = (
    b'{"stream":"Loaded image: app:1\\n"}\r\n{"status":"x","progressDetail":{"current":1}}\n',
    b'{"errorDetail":{"message":"no space left on device"},"error":"no space"}\n',
)
OBJECTS = (b"{}", b"{}" * 3000, b"[]", b'{"stream":', b'"Loaded image ID: sha256:a"}', b"\xe2\x82")
CONTEXTS = [
    {
        "Name": "far",
        "Endpoints": {"docker": {"Host": "tcp://10.0.0.1:2376", "SkipTLSVerify": False}},
        "TLSMaterial": {},
    }
]
FAR = hashlib.sha256(b"far").hexdigest()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home")
    for name in (".docker", ".aws", ".config/gcloud", "bin"):
        (path / name).mkdir(parents=True)
    (path / ".config/containerd/certs.d/r.example.org").mkdir(parents=True)
    return path


def program(home: Path, name: str) -> Path:
    """Make a program that prints the file beside it."""
    path = home / "bin" / name
    path.write_text(f'#!/bin/sh\nexec cat "{path}.out"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Path(f"{path}.out")


def usable(found: object) -> None:
    """A login that was found can be sent."""
    if isinstance(found, Credential):
        assert found.basic.isascii()


@given(data=damaged(HOSTS_TOML, TOML_TOKENS))
@example(data=b'[host."https://a.example.org"]\nca = "a\\u0000b"\n')
@fuzz
def test_hosts_toml(data: bytes, home: Path) -> None:
    certs = home / ".config/containerd/certs.d"
    (certs / "r.example.org" / "hosts.toml").write_bytes(data)
    found = survives(read_namespaces, [certs], lambda *_: None)
    for host in () if found is None else found["r.example.org"].hosts:
        survives(use_certificates, host.certificates, home)


def use_certificates(certificates: object, home: Path) -> None:
    url = Url.of_host("https", "mirror.example.org:5000")
    host, options = HostEnvironment(home=home), RegistryOptions()
    find_certificates(url, options, host, certificates)  # type: ignore[arg-type]
    Contexts(options, host, lambda _: certificates).of(url, verify=True)  # type: ignore[arg-type,return-value]


@given(data=damaged(AWS, INI))
@fuzz
def test_profiles_of_aws(data: bytes, home: Path) -> None:
    for name in ("config", "credentials"):
        (home / ".aws" / name).write_bytes(data)
    survives(Profiles.read, HostEnvironment(home=home))


@given(data=odd_json_bytes(ANSWERS), profiles=st.sampled_from(AWS) | damaged(AWS, INI))
@fuzz
def test_answers_of_clouds(data: bytes, profiles: bytes, home: Path) -> None:
    (home / ".aws" / "config").write_bytes(profiles)
    token = home / "token"
    token.write_bytes(data[:2000])
    adc = home / ".config/gcloud/application_default_credentials.json"
    adc.write_text(json.dumps(GOOGLE[len(data) % len(GOOGLE)]))
    variables = {
        "AZURE_CLIENT_ID": "c",
        "AZURE_TENANT_ID": "t",
        "AZURE_FEDERATED_TOKEN_FILE": str(token),
        "AWS_PROFILE": ("default", "team", "s", "keys")[len(data) % 4],
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1",
    }
    for provider, registry in ((Azure(), "a.azurecr.io"), (Ecr(), ECR), (Google(), "gcr.io")):
        use_cloud(provider, registry, HostEnvironment(variables=variables, home=home), data)


def use_cloud(provider: Provider, registry: str, host: HostEnvironment, data: bytes) -> None:
    def told(call: Call, limit: int) -> Reply:
        url = call.url or Url.of_host("https", registry)
        return Reply(status=200, url=url, headers=Headers({"Date": NOON}), data=data)

    tools = CloudTools(host=host, ask=told, once=told, root=lambda name: Url.of_host("https", name))
    usable(survives(provider.login, registry, tools))


@given(data=odd_json_bytes(GOOGLE), told=odd_json_bytes(ANSWERS[:2]))
@example(data=json.dumps({**GOOGLE[0], "client_id": "\ud800"}).encode(), told=b"{}")
@example(data=json.dumps({**GOOGLE[1], "credential_source": {"file": "a\0b"}}).encode(), told=b"{}")
@example(
    data=json.dumps(
        {**GOOGLE[1], "credential_source": {"url": "https://a.org", "headers": {"a": "\ud800"}}}
    ).encode(),
    told=b"[]",
)
@fuzz
def test_credentials_of_google(data: bytes, told: bytes, home: Path) -> None:
    path = home / "google.json"
    path.write_bytes(data)
    host = HostEnvironment(variables={"GOOGLE_APPLICATION_CREDENTIALS": str(path)}, home=home)
    use_cloud(Google(), "gcr.io", host, told)


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell's script")
@given(data=odd_json_bytes(HELPER))
@example(data=json.dumps({"Username": "\ud800", "Secret": "s"}).encode())
@example(data=b"[" * 200_000)
@fuzz
def test_helpers(data: bytes, home: Path) -> None:
    program(home, "docker-credential-fuzz").write_bytes(data)
    host = HostEnvironment(variables={"PATH": f"{home / 'bin'}:/bin:/usr/bin"}, home=home)
    usable(survives(helpers.get, "fuzz", "r.example.org", host))


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell's script")
@given(data=odd_json_bytes(PROCESS))
@fuzz
def test_credential_processes(data: bytes, home: Path) -> None:
    output = program(home, "process")
    output.write_bytes(data)
    host = HostEnvironment(variables={"PATH": "/bin:/usr/bin"}, home=home)

    def told(call: Call, limit: int) -> Reply:
        raise AssertionError(call)

    tools = CloudTools(host=host, ask=told, once=told, root=lambda _: Url.of_host("https", "a"))
    survives(run_process, tools, str(output.with_suffix("")), "a test")


@given(data=damaged(STREAM, OBJECTS), size=st.sampled_from((7, 4096)))
@example(data=b'{"a":' * 100_000, size=4096)
@fuzz
def test_words_of_daemons(data: bytes, size: int) -> None:
    chunks = [data[start : start + size] for start in range(0, min(len(data), 20_000 * size), size)]
    survives(loaded_names, chunks)


@given(data=odd_json_bytes(CONTEXTS))
@fuzz
def test_contexts_of_docker(data: bytes, home: Path) -> None:
    (home / ".docker" / "config.json").write_bytes(data)
    survives(endpoint_of, HostEnvironment(home=home))
    (home / ".docker" / "config.json").write_text('{"currentContext": "far"}')
    folder = home / ".docker/contexts/meta" / FAR
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meta.json").write_bytes(data)
    survives(endpoint_of, HostEnvironment(home=home))


def endpoint_of(host: HostEnvironment) -> None:
    found = stated_endpoint(host)
    if found is not None:
        str(found.address())
    probed_endpoints(host)
