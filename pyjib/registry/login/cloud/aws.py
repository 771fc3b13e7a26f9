"""Who this machine is to AWS: keys, in the order in which AWS's own programs look for them.

1. ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``,
2. ``AWS_WEB_IDENTITY_TOKEN_FILE`` and ``AWS_ROLE_ARN`` (Kubernetes, OpenID Connect of a CI),
3. a profile of ``~/.aws``: a role by web identity or by another profile's keys, keys of its own,
   single sign-on, or a program that tells them,
4. ``AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`` or ``_FULL_URI`` (ECS, CodeBuild, EKS),
5. the instance's metadata service, version 2, on machines made by Amazon.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

from pyjib.errors import ConfigurationError, RegistryError
from pyjib.registry.login.cloud.exchange import (
    FORM,
    METADATA_PATIENCE,
    Exchange,
    document_of,
    text_in,
)
from pyjib.registry.login.cloud.model import parse_endpoint, read_secret_file
from pyjib.registry.login.cloud.process import run_process
from pyjib.registry.login.cloud.profiles import Profiles
from pyjib.registry.login.cloud.services import REGION, domain_of, endpoint_of
from pyjib.registry.login.cloud.signature import AwsKeys, signed_headers
from pyjib.registry.login.cloud.single_sign_on import sign_on
from pyjib.registry.net.message import NOTHING, Call, Reply
from pyjib.registry.net.urls import Url

_CONTAINER = "http://169.254.170.2"
_INNER = frozenset({"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"})
_METADATA = "http://169.254.169.254"
_METADATA_HOSTS = frozenset({"169.254.169.254", "[fd00:ec2::254]"})
_ROLE_PATH = "/latest/meta-data/iam/security-credentials/"
_ROLE_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_SESSION = "pyjib"
_DEEPEST = 5


def find_keys(exchange: Exchange, region: str) -> AwsKeys | None:
    """Return the first keys there are; ``None`` if AWS has nothing set up here.

    Raises ``PyjibError`` where what is set up does not work. ``region`` is the registry's.
    """
    for way in (_of_variables, _of_web_identity, _of_profile, _of_container, _of_instance):
        found = way(exchange, region)
        if found is not None:
            return found
    return None


def _of_variables(exchange: Exchange, _: str) -> AwsKeys | None:
    host = exchange.tools.host
    access, secret = host.get("AWS_ACCESS_KEY_ID"), host.get("AWS_SECRET_ACCESS_KEY")
    if access is None or secret is None:
        return None
    token = host.get("AWS_SESSION_TOKEN") or host.get("AWS_SECURITY_TOKEN") or ""
    return AwsKeys(
        source="AWS_ACCESS_KEY_ID", access_key=access, secret_key=secret, session_token=token
    )


def _of_web_identity(exchange: Exchange, region: str) -> AwsKeys | None:
    host = exchange.tools.host
    file, role = host.get("AWS_WEB_IDENTITY_TOKEN_FILE"), host.get("AWS_ROLE_ARN")
    if file is None or role is None:
        return None
    profile = {"role_arn": role, "web_identity_token_file": file}
    return _by_web_identity(exchange, region, profile, "AWS_WEB_IDENTITY_TOKEN_FILE")


def _by_web_identity(
    exchange: Exchange, region: str, profile: Mapping[str, str], source: str
) -> AwsKeys:
    role, file = profile["role_arn"], profile["web_identity_token_file"]
    token = read_secret_file(Path(file), source).strip()
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": _session_name(exchange, profile),
        "WebIdentityToken": token,
    }
    action = f"take the role {role} by web identity"
    reply = exchange.hiding(token).post_form(_sts(exchange, region), action, form)
    return _role_keys(reply, source, action)


def _session_name(exchange: Exchange, profile: Mapping[str, str]) -> str:
    """Return what a role is taken as, which AWS's logs and the role's conditions see."""
    own = profile.get("role_session_name")
    return own or exchange.tools.host.get("AWS_ROLE_SESSION_NAME") or _SESSION


def _sts(exchange: Exchange, region: str) -> Url:
    host = exchange.tools.host
    own = host.get("AWS_REGION") or host.get("AWS_DEFAULT_REGION") or region
    if not REGION.fullmatch(own):
        raise ConfigurationError(f"AWS_REGION is {own[:40]!r}, which is no region of AWS")
    return endpoint_of("STS", f"https://sts.{own}.{domain_of(own)}/", host)


def _role_keys(reply: Reply, source: str, action: str) -> AwsKeys:
    """Read the XML in which the Security Token Service answers; only three texts matter in it."""
    text = reply.data.decode("utf-8", "replace")

    def member(name: str) -> str:
        match = re.search(rf"<{name}>\s*([!-~]{{1,8192}}?)\s*</{name}>", text)
        if match is None:
            raise RegistryError(
                f"cannot {action}: the answer of {reply.url.authority} has no {name}"
            )
        return unescape(match[1])

    return AwsKeys(
        source=source,
        access_key=member("AccessKeyId"),
        secret_key=member("SecretAccessKey"),
        session_token=member("SessionToken"),
    )


def _of_profile(exchange: Exchange, region: str) -> AwsKeys | None:
    host = exchange.tools.host
    chosen = host.get("AWS_PROFILE") or host.get("AWS_DEFAULT_PROFILE")
    profiles = Profiles.read(host)
    if chosen is None and "default" not in profiles.found:
        return None
    return _profile_keys(exchange, region, profiles, chosen or "default", _DEEPEST, chosen is None)


def _profile_keys(
    exchange: Exchange, region: str, profiles: Profiles, name: str, depth: int, optional: bool
) -> AwsKeys | None:
    profile, source = profiles.named(name), f"AWS's profile {name}"
    role = profile.get("role_arn")
    if role and profile.get("web_identity_token_file"):
        return _by_web_identity(exchange, region, profile, source)
    other = profile.get("source_profile")
    if role and (other or profile.get("credential_source")) and depth:
        lender = (
            _profile_keys(exchange, region, profiles, other, depth - 1, optional=False)
            if other and other != name
            else _static(profile, source) or _by_source(exchange, region, profile)
        )
        if lender is not None:
            return _assume(exchange, region, lender, profile, source)
    own = _static(profile, source) or sign_on(exchange, profiles, name, source)
    if own is None and profile.get("credential_process"):
        own = run_process(exchange.tools, profile["credential_process"], source)
    if own is None and not optional:
        raise ConfigurationError(
            f"{source} has no keys, and nothing by which to get any",
            hint="give it keys, a role, single sign-on (`aws configure sso`) or a "
            "credential_process, or install docker-credential-ecr-login",
        )
    return own


def _static(profile: Mapping[str, str], source: str) -> AwsKeys | None:
    access, secret = profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")
    if not access or not secret:
        return None
    token = profile.get("aws_session_token", "")
    return AwsKeys(source=source, access_key=access, secret_key=secret, session_token=token)


def _by_source(exchange: Exchange, region: str, profile: Mapping[str, str]) -> AwsKeys | None:
    ways = {
        "Environment": _of_variables,
        "EcsContainer": _of_container,
        "Ec2InstanceMetadata": _of_instance,
    }
    way = ways.get(profile.get("credential_source", ""))
    return way(exchange, region) if way is not None else None


def _assume(
    exchange: Exchange, region: str, keys: AwsKeys, profile: Mapping[str, str], source: str
) -> AwsKeys:
    role = profile["role_arn"]
    action = f"take the role {role}"
    url = _sts(exchange, region)
    form = {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": _session_name(exchange, profile),
    }
    if profile.get("external_id"):
        form["ExternalId"] = profile["external_id"]
    own = url.host.removeprefix("sts.").partition(".")[0]
    try:
        reply = post_signed(
            exchange,
            url,
            action,
            keys=keys,
            headers={"Content-Type": FORM},
            body=urlencode(form).encode(),
            region=own if REGION.fullmatch(own) else region,
            service="sts",
        )
    except RegistryError as error:
        if error.status != 403 or not profile.get("mfa_serial"):
            raise
        raise ConfigurationError(
            f"{error.message}; {source} has an mfa_serial, and nobody is asked for a code here",
            hint="run `aws configure export-credentials --format env` first, which asks, and set "
            "what it prints",
        ) from None
    return _role_keys(reply, source, action)


def post_signed(
    exchange: Exchange,
    url: Url,
    action: str,
    *,
    keys: AwsKeys,
    headers: Mapping[str, str],
    body: bytes,
    region: str,
    service: str,
) -> Reply:
    """POST with a signature, dated by the service's own clock."""
    hidden = exchange.hiding(keys.secret_key, keys.session_token)
    signed = signed_headers(
        url, headers, body, keys, region=region, service=service, at=hidden.time_of(url)
    )
    return hidden.send(hidden.call(url, action, method="POST", headers=signed, body=body))


def _of_container(exchange: Exchange, _: str) -> AwsKeys | None:
    host = exchange.tools.host
    relative = host.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    full = host.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if relative is not None:
        source, text = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", f"{_CONTAINER}{relative}"
    elif full is not None:
        source, text = "AWS_CONTAINER_CREDENTIALS_FULL_URI", full
    else:
        return None
    url = parse_endpoint(text, source, inner=_INNER)
    file = host.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    token = (
        read_secret_file(Path(file), "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").strip()
        if file
        else host.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    )
    headers = {"Authorization": token} if token else {}
    action = "get the container's keys"
    reply = exchange.hiding(token or "").get(url, action, headers, metadata=True)
    return _document_keys(reply, source, action)


def _document_keys(reply: Reply, source: str, action: str) -> AwsKeys:
    document = document_of(reply, action)
    return AwsKeys(
        source=source,
        access_key=text_in(document, "AccessKeyId", reply, action),
        secret_key=text_in(document, "SecretAccessKey", reply, action),
        session_token=text_in(document, "Token", reply, action),
    )


def _of_instance(exchange: Exchange, _: str) -> AwsKeys | None:
    host = exchange.tools.host
    named = host.get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
    disabled = (host.get("AWS_EC2_METADATA_DISABLED") or "").lower() == "true"
    if disabled or not (named or exchange.tools.made_by("amazon")):
        return None
    root = parse_endpoint(
        named or _METADATA, "AWS_EC2_METADATA_SERVICE_ENDPOINT", inner=_METADATA_HOSTS
    )
    token = _instance_token(exchange, root)
    headers = {"X-aws-ec2-metadata-token": token}
    action = "get the instance's keys"
    role = exchange.get(root.at(_ROLE_PATH), action, headers, metadata=True)
    name = role.data.decode("ascii", "replace").strip().partition("\n")[0]
    if not _ROLE_NAME.fullmatch(name):
        raise RegistryError(f"cannot {action}: the instance has no role")
    reply = exchange.get(root.at(_ROLE_PATH + name), action, headers, metadata=True)
    return _document_keys(reply, f"the instance's role {name}", action)


def _instance_token(exchange: Exchange, root: Url) -> str:
    action = "get a token from the instance's metadata service"
    call = Call(
        action=action,
        registry=exchange.registry,
        method="PUT",
        url=root.at("/latest/api/token"),
        headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"},
        body=NOTHING,
        patience=METADATA_PATIENCE,
        bare=True,
        sealed=True,
    )
    token = exchange.send(call, metadata=True).data.decode("ascii", "replace").strip()
    if not token.isascii() or not token.isprintable() or not token:
        raise RegistryError(f"cannot {action}: {root.authority} sent none")
    return token
