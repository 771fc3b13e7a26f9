"""Who may do what: no login, Basic, or tokens (Distribution, "Token Authentication").

An action is ``pull``, ``push`` or ``delete`` on a repository, or ``catalog`` on the registry,
whose name is empty.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pyjib.frozen import frozen
from pyjib.serve.message import Code, Refusal, Request, Response

Policy: TypeAlias = Callable[[str | None, str, str], bool]
"""Tells whether a user, or nobody (``None``), may do an action: (user, repository, action)."""

CATALOG = ("", "catalog")


def users_only(user: str | None, repository: str, action: str) -> bool:  # noqa: ARG001  a Policy
    """Allow everything to every user and nothing to anybody else."""
    return user is not None


def everybody(user: str | None, repository: str, action: str) -> bool:  # noqa: ARG001  a Policy
    """Allow everything to everybody."""
    return True


@frozen
class Need:
    """What a request takes: all ``actions`` on a repository."""

    repository: str
    actions: tuple[str, ...]

    @property
    def scope(self) -> str:
        """The need as a scope of the token specification."""
        if (self.repository, *self.actions) == CATALOG:
            return "registry:catalog:*"
        return f"repository:{self.repository}:{','.join(self.actions)}"


class Caller(Protocol):
    """Whoever sent a request."""

    def may(self, repository: str, action: str) -> bool:
        """Tell whether this request may do an action on a repository."""
        ...


class Gate(Protocol):
    """Decides about requests before anything is done."""

    def admit(self, request: Request, need: Need | None) -> Caller:
        """Return who asks; refuse with 401 or 403 who may not. No need means: any login."""
        ...

    def issue(self, request: Request) -> Response | None:
        """Answer a request to the token endpoint; ``None`` if this registry has none."""


class OpenGate:
    """Admits everybody."""

    def admit(self, request: Request, need: Need | None) -> Caller:  # noqa: ARG002  a Gate
        """Return somebody who may do everything."""
        return _Anybody()

    def issue(self, request: Request) -> Response | None:  # noqa: ARG002  a Gate
        """Return ``None``."""
        return None


class _Anybody:
    def may(self, repository: str, action: str) -> bool:  # noqa: ARG002  a Caller
        return True


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whose name and password were right, or nobody."""

    name: str | None
    policy: Policy

    def may(self, repository: str, action: str) -> bool:
        """Ask the policy."""
        return self.policy(self.name, repository, action)


class BasicGate:
    """Wants name and password with every request."""

    def __init__(self, users: Mapping[str, str], policy: Policy) -> None:
        self._users = users
        self._policy = policy

    def admit(self, request: Request, need: Need | None) -> Caller:
        """Return the user; who sent no login is nobody, who may still do what the policy says."""
        user = User(basic_login(request, self._users, BASIC_CHALLENGE), self._policy)
        if need is None:
            permitted = user.name is not None
        else:
            permitted = all(user.may(need.repository, action) for action in need.actions)
        if permitted:
            return user
        if user.name is None:
            raise unauthorized("log in", BASIC_CHALLENGE)
        raise denied(user.name, need)

    def issue(self, request: Request) -> Response | None:  # noqa: ARG002  a Gate
        """Return ``None``."""
        return None


BASIC_CHALLENGE = 'Basic realm="pyjib"'


def basic_login(request: Request, users: Mapping[str, str], challenge: str) -> str | None:
    """Return the user of an ``Authorization: Basic`` header, ``None`` if there is no header."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    name, _, password = text.partition(":")
    if scheme.lower() != "basic" or not is_password(users, name, password):
        raise unauthorized("name or password is wrong", challenge)
    return name


def is_password(users: Mapping[str, str], name: str, password: str) -> bool:
    """Compare in a time that tells nothing of the right password."""
    right = users.get(name)
    same = hmac.compare_digest(password.encode(), (right or "").encode())
    return same and right is not None


def unauthorized(message: str, challenge: str) -> Refusal:
    """Return a 401 with its challenge."""
    headers = (("WWW-Authenticate", challenge),)
    return Refusal(401, Code.UNAUTHORIZED, message, headers=headers)


def denied(user: str | None, need: Need | None) -> Refusal:
    """Return a 403 that says what is missing."""
    what = need.scope if need else "log in"
    whom = f"for the user {user}" if user else "without a login"
    return Refusal(403, Code.DENIED, f"not allowed {whom}: {what}")
