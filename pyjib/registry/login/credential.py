"""Logins as values, and the names that they are filed under."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import field
from enum import StrEnum
from urllib.parse import quote, quote_plus

from pyjib.errors import ConfigurationError, PyjibError
from pyjib.frozen import frozen
from pyjib.oci.reference import DOCKER_HUB, HUB_ALIASES

GIVEN = "the options"
"""The source of a login that was given for one build."""

_SHORTEST_SECRET = 6
"""Shorter ones would be found in words that are none."""

HUB_KEY = "https://index.docker.io/v1/"
"""What Docker files logins to Docker Hub under."""


@frozen
class Credential:
    """A login: user and password, or an identity token, or a ready bearer token.

    ``source`` is where it was found, for messages, and ``renewal`` what its user does to have a
    better one, empty if it is for the caller to know. One that is ``renewable`` may be another
    when its source is asked again; ``ends`` is when it is known to end, by the monotonic clock.
    One that cannot be sent, with halves of characters in it, raises ``ConfigurationError``.
    """

    source: str = field(compare=False)
    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    renewable: bool = field(default=False, compare=False)
    ends: float | None = field(default=None, compare=False)
    renewal: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        texts = (self.username, self.password, self.identity_token)
        if not all(map(is_unicode, texts)) or not fits_header(self.registry_token):
            raise ConfigurationError(
                f"the login from {self.source} has characters that cannot be sent",
                hint=self.renewal or "log in anew, or correct it where it was set",
            )

    @property
    def basic(self) -> str:
        """The value of an ``Authorization`` header with user and password."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    @property
    def bearer(self) -> str:
        """The same with the token that is ready, empty if there is none."""
        return f"Bearer {self.registry_token}" if self.registry_token else ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be seen, in the forms in which it is sent."""
        basic = self.basic.removeprefix("Basic ")
        return self.password, basic, self.identity_token, self.registry_token

    @property
    def words(self) -> str:
        """What messages call it: the source, and the user where there is one."""
        return f"{self.source} (user {self.username})" if self.username else self.source


class Outcome(StrEnum):
    """What came of asking one source for a login."""

    FOUND = "found"
    NONE = "none"
    """It is there and has no login to this registry."""
    MISSING = "missing"
    """A file that would be read does not exist."""
    UNSET = "unset"
    """Nobody set it up."""
    FAILED = "failed"
    UNREADABLE = "unreadable"
    """A file that nobody named is there and may not be read; it is passed over."""
    UNASKED = "unasked"
    """One before it had a login, or failed."""


@frozen
class Step:
    """A source that was asked, and what it ``said`` in words that hold no secret.

    ``hint`` is what would help where users have to be warned of that, else empty.
    """

    source: str
    outcome: Outcome
    said: str
    hint: str = ""

    def __str__(self) -> str:
        return self.source if self.outcome is Outcome.NONE else f"{self.source} ({self.said})"

    @property
    def sentence(self) -> str:
        """What it said, for who does not see the source's name beside it."""
        return self.said if self.source in self.said else f"{self.source} {self.said}"


@frozen
class Search:
    """What a search came to: its ``steps`` in order, and why it ended early, if it did."""

    credential: Credential | None
    steps: tuple[Step, ...] = ()
    failure: PyjibError | None = None

    @property
    def tried(self) -> tuple[str, ...]:
        """The sources that were asked and had no login, in order, for messages."""
        told = (Outcome.NONE, Outcome.MISSING, Outcome.FAILED, Outcome.UNREADABLE)
        return tuple(str(step) for step in self.steps if step.outcome in told)


def conceal(text: str, secrets: Iterable[str]) -> str:
    """Return what a server said without secrets, which some repeat when they refuse them."""
    for secret in secrets:
        forms = (
            quote(secret, safe=""),
            quote(secret),
            quote_plus(secret),
            json.dumps(secret)[1:-1],
        )
        for form in (secret, *forms):
            if len(form) >= _SHORTEST_SECRET:
                text = text.replace(form, "***")
    return text


def is_unicode(text: str) -> bool:
    """Tell whether text has bytes: JSON can spell halves of characters, which have none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def fits_header(text: str) -> bool:
    """Tell whether text can stand in a header, alone or after a word."""
    return text.isascii() and (text.isprintable() or not text)


def names_of(registry: str) -> tuple[str, ...]:
    """Return the names that logins to a registry go by, Docker's own first."""
    if registry.lower() in HUB_ALIASES:
        return (HUB_KEY, DOCKER_HUB, *sorted(HUB_ALIASES - {DOCKER_HUB}))
    return (registry.lower(),)


def server_of(registry: str) -> str:
    """Return the name that Docker files a login to ``registry`` under, and tells helpers."""
    return names_of(registry)[0]
