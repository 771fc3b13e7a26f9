"""The ways in which a registry asks for a login, and where a login does not go by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from pyjib.frozen import frozen
from pyjib.registry.login.challenge import Challenge
from pyjib.registry.login.credential import Credential
from pyjib.registry.login.tokens import Realm
from pyjib.registry.net.reach import is_loopback
from pyjib.registry.net.urls import Url


@frozen
class Bearer:
    """By tokens of a realm, which sees the login if it is ``trusted``."""

    realm: Realm
    trusted: bool


@frozen
class Basic:
    """By user and password in each request."""


Way: TypeAlias = Bearer | Basic


@frozen
class Withheld:
    """Why a login is not sent, for a warning, and what would help."""

    message: str
    hint: str


@frozen
class Unasked:
    """A 401 that asks for no login that could be sent: in what words, and what would help.

    Nothing is sent to see whether it does: what takes Basic might be the wrong server, and Docker
    Hub counts each wrong password. docker and containerd keep to that as well.
    """

    said: str
    hint: str

    @classmethod
    def of(cls, registry: str, challenges: Sequence[Challenge]) -> Unasked:
        """Say what is wrong with challenges of which ``choose`` took none."""
        schemes = dict.fromkeys(map(_name_of, challenges))
        if not schemes:
            return cls(
                said="did not say how to log in (no WWW-Authenticate header)",
                hint=f"see whether a proxy in front of {registry} drops the header "
                "WWW-Authenticate, without which no login is sent",
            )
        return cls(
            said=f"asks for {' or '.join(schemes)}, by which pyjib cannot log in",
            hint=f"have {registry}, or the proxy in front of it, ask for Basic or for Bearer with "
            "a realm too",
        )


def _name_of(challenge: Challenge) -> str:
    name = challenge.scheme.capitalize()[:40]
    return f"{name} without a realm" if challenge.scheme == "bearer" else name


def choose(challenges: Sequence[Challenge]) -> Challenge | None:
    """Return the challenge to answer, if any can be: tokens go before passwords."""
    for challenge in challenges:
        if challenge.scheme == "bearer" and challenge.get("realm"):
            return challenge
    return next((challenge for challenge in challenges if challenge.scheme == "basic"), None)


def withholding(
    registry: str, endpoint: Url, way: Way, credential: Credential, *, over_http: bool
) -> Withheld | None:
    """Tell why a login does not go where it would have to, if that is so.

    The registry itself, at ``endpoint``, sees a password or what was got for it; the host that
    hands out its tokens sees all but a ready token. ``over_http`` lets either go over plain http.
    """
    if not over_http and _is_exposed(endpoint):
        return Withheld(
            message=f"the login to {registry} is not sent over plain http",
            hint=f"logins are not sent over plain http: give {registry} a certificate, or "
            "pass --credentials-over-http",
        )
    if isinstance(way, Basic) or credential.registry_token:
        return None
    url = way.realm.url
    told = f"the login to {registry} is not sent to {url.authority}, which hands out its"
    if not way.trusted:
        return Withheld(
            message=f"{told} tokens: it is another site",
            hint=f"if both belong together, pass --trust-realm {url.host}",
        )
    if not over_http and _is_exposed(url):
        return Withheld(
            message=f"{told} tokens over plain http",
            hint=f"logins are not sent over plain http: give {url.authority} a certificate, "
            "and name it by https as the registry's token realm, or pass "
            "--credentials-over-http",
        )
    return None


def _is_exposed(url: Url) -> bool:
    """Tell whether others could read a login on its way to a URL."""
    return url.scheme != "https" and not is_loopback(url.host)
