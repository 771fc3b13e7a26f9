"""Logins by jib-cli's flags: for both registries, or for either (``jib-plugins-and-cli`` §4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pyjib.cli import jib_cli_options as flags
from pyjib.cli.environment import read_password
from pyjib.errors import ConfigurationError
from pyjib.events import Warned
from pyjib.oci.location import Location, RegistryLocation
from pyjib.oci.reference import DOCKER_HUB
from pyjib.options import CredentialHelper, Login, RegistryOptions

_SIDES = ("to", "from")
_WHAT = {"to": "the target", "from": "the base"}


def registry_options(given: Mapping[str, Any]) -> RegistryOptions:
    """Return logins and what may be insecure; asks for passwords that are left open.

    Raises ``ConfigurationError`` for flags that jib-cli does not take together.
    """
    registries = _registries(given)
    _check_logins(given)
    logins: dict[str, Login] = {}
    helpers: dict[str, CredentialHelper] = {}
    asked: dict[str, str] = {}
    for side in _SIDES:
        registry = registries[side]
        if registry is None:
            continue
        for prefix in ("", f"{side}_"):
            username, helper = given[f"{prefix}username"], given[f"{prefix}credential_helper"]
            if username:
                if prefix not in asked:
                    asked[prefix] = _password(given[f"{prefix}password"], username, registry)
                login = Login(
                    registry=registry,
                    username=username,
                    password=asked[prefix],
                    source=_flag(prefix, "username"),
                )
                logins.setdefault(registry, login)
            if helper:
                chosen = CredentialHelper(
                    registry=registry, program=helper, source=_flag(prefix, "credential_helper")
                )
                helpers.setdefault(registry, chosen)
    insecure = {registry for registry in registries.values() if registry and registry != DOCKER_HUB}
    return RegistryOptions(
        logins=tuple(logins.values()),
        helpers=tuple(helpers.values()),
        insecure=frozenset(insecure if given["allow_insecure_registries"] else ()),
        credentials_over_http=given["send_credentials_over_http"],
    )


def login_warnings(given: Mapping[str, Any]) -> Iterator[Warned]:
    """Yield what flags about registries have no effect, and why."""
    registries = _registries(given)
    shared = registries["to"] is not None and registries["to"] == registries["from"]
    for side in _SIDES:
        other = "from" if side == "to" else "to"
        for flag in _login_flags(given, f"{side}_"):
            if registries[side] is None:
                yield Warned(message=f"{flag} has no effect: {_WHAT[side]} is in no registry")
            elif shared and side == "from" and any(_login_flags(given, f"{other}_")):
                yield Warned(
                    message=f"{flag} has no effect: both images are in {registries[side]}, and "
                    "the login of the target counts there"
                )
    if registries == dict.fromkeys(_SIDES):
        for flag in (*_login_flags(given, ""), *_reach_flags(given)):
            yield Warned(message=f"{flag} has no effect: neither image is in a registry")


def _login_flags(given: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for word in ("username", "credential_helper"):
        if given[f"{prefix}{word}"] is not None:
            yield _flag(prefix, word)


def _flag(prefix: str, word: str) -> str:
    return f"--{prefix}{word}".replace("_", "-")


def _reach_flags(given: Mapping[str, Any]) -> Iterator[str]:
    for word in ("allow_insecure_registries", "send_credentials_over_http"):
        if given[word]:
            yield f"--{word}".replace("_", "-")


def _registries(given: Mapping[str, Any]) -> dict[str, str | None]:
    return {
        "to": _registry_of(given["target"]),
        "from": _registry_of(given["from"]) if given["from"] else DOCKER_HUB,
    }


def _registry_of(location: Location) -> str | None:
    return location.reference.registry if isinstance(location, RegistryLocation) else None


def _check_logins(given: Mapping[str, Any]) -> None:
    for prefix in ("", "to_", "from_"):
        has = {word: given[f"{prefix}{word}"] is not None for word in ("username", "password")}
        flag = f"--{prefix.replace('_', '-')}"
        if has["username"] is not has["password"]:
            raise ConfigurationError(
                f"{flag}username and {flag}password belong together",
                hint=f"add {flag}{'password' if has['username'] else 'username'}",
            )
        if has["username"] and given[f"{prefix}credential_helper"] is not None:
            raise ConfigurationError(
                f"{flag}username and {flag}credential-helper exclude each other",
                hint="leave one of them out",
            )
    split = any(True for side in _SIDES for _ in _login_flags(given, f"{side}_"))
    if split and any(True for _ in _login_flags(given, "")):
        raise ConfigurationError(
            "a login for both registries and one for either exclude each other",
            hint="give --to-username or --to-credential-helper, and the same with --from",
        )


def _password(given: str, username: str, registry: str) -> str:
    if given != flags.ASK:
        return given
    return read_password(from_stdin=False, prompt=f"Password of {username} at {registry}")
