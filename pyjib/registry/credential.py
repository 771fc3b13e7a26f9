"""Logins as values, and the names that they are filed under."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from pyjib.oci.reference import DOCKER_HUB, HUB_ALIASES

GIVEN = "the options"
"""The source of a login that was given for one build."""

HUB_KEY = "https://index.docker.io/v1/"
"""What Docker files logins to Docker Hub under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A login: user and password, or an identity token, or a ready bearer token.

    ``source`` is where it was found, for messages.
    """

    source: str = field(compare=False)
    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an ``Authorization`` header with user and password."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    @property
    def words(self) -> str:
        """What messages call it: the source, and the user where there is one."""
        return f"{self.source} (user {self.username})" if self.username else self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search came to: ``tried`` lists the places that had no login, in order."""

    credential: Credential | None
    tried: tuple[str, ...] = ()


def names_of(registry: str) -> tuple[str, ...]:
    """Return the names that logins to a registry go by, Docker's own first."""
    if registry.lower() in HUB_ALIASES:
        return (HUB_KEY, DOCKER_HUB, *sorted(HUB_ALIASES - {DOCKER_HUB}))
    return (registry.lower(),)


def server_of(registry: str) -> str:
    """Return the name that Docker files a login to ``registry`` under, and tells helpers."""
    return names_of(registry)[0]
