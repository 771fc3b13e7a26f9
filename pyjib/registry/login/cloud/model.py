"""What the providers of logins have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Protocol, TypeAlias

from pyjib.cancellation import Cancellation
from pyjib.errors import ConfigurationError, TransportError
from pyjib.frozen import frozen
from pyjib.options import HostEnvironment
from pyjib.registry.login.credential import Credential
from pyjib.registry.net.message import Call, Reply
from pyjib.registry.net.reach import Reach, is_loopback, reach_of
from pyjib.registry.net.urls import Url

DMI = Path("/sys/class/dmi/id")
"""Where Linux tells who made the machine."""

_MAX_FILE = 256 * 1024


@frozen
class CloudTools:
    """What a provider may use.

    ``ask`` makes a call with retries, ``once`` without; both take the largest reply in bytes that
    is wanted. ``root`` gives the address of a registry. ``dmi`` is the directory in which the
    machine tells who made it, ``None`` if that is not to be looked at. ``cancellation`` ends
    programs that are run.
    """

    host: HostEnvironment
    ask: Callable[[Call, int], Reply]
    once: Callable[[Call, int], Reply]
    root: Callable[[str], Url]
    dmi: Path | None = None
    cancellation: Cancellation = field(default_factory=Cancellation)

    def made_by(self, *makers: str) -> bool:
        """Tell whether the machine's firmware names one of these makers."""
        told = (
            "sys_vendor",
            "bios_vendor",
            "product_name",
            "product_version",
            "chassis_asset_tag",
        )
        if self.dmi is None:
            return False
        found = " ".join(_first_line(self.dmi / name) for name in told).lower()
        return any(maker.lower() in found for maker in makers)


@frozen
class NotHere:
    """Nothing on this machine lets a provider log in; ``said`` tells what was looked for."""

    said: str


Result: TypeAlias = Credential | NotHere


class Provider(Protocol):
    """A kind of registry that machines can log in to."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def helpers(self) -> tuple[str, ...]:
        """What follows ``docker-credential-`` in its own programs' names; they go first."""

    def serves(self, registry: str) -> bool:
        """Tell whether a registry is of this kind, by its host alone."""

    def login(self, registry: str, tools: CloudTools) -> Result:
        """Return a login; raises ``PyjibError`` where something that is set up does not work."""


def parse_endpoint(text: str, variable: str, *, inner: frozenset[str] = frozenset()) -> Url:
    """Parse the address of a service that secrets are sent to.

    It must be https, or on this machine, or one of ``inner``, addresses that no network routes.
    Raises ``ConfigurationError`` naming ``variable``.
    """
    try:
        url = Url.parse(text)
    except TransportError:
        raise ConfigurationError(f"{variable} is no http or https address") from None
    if url.scheme != "https" and not is_loopback(url.host) and url.host not in inner:
        raise ConfigurationError(
            f"{variable} leads to {url.authority} over plain http, where a login would be seen",
            hint=f"set {variable} to an https address",
        )
    return url


def parse_neighbour(text: str, variable: str) -> Url:
    """Parse the address of a service on this machine or beside it, where http is usual.

    It must be https if it is anywhere else. Raises ``ConfigurationError`` naming ``variable``.
    """
    try:
        host = Url.parse(text).host
    except TransportError:
        host = ""
    near = reach_of(host) in (Reach.PRIVATE, Reach.NEVER)
    return parse_endpoint(text, variable, inner=frozenset({host} if near else ()))


def read_secret_file(path: Path, variable: str) -> str:
    """Return the text of a small file; raises ``ConfigurationError`` naming path and variable."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE)
        return data.decode()
    except OSError as error:
        reason = error.strerror or "it cannot be read"
    except UnicodeDecodeError:
        reason = "it is not text"
    except ValueError:
        reason = "its name is none"
    raise ConfigurationError(f"cannot read {path}, which {variable} names: {reason}")


def _first_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(200).decode("utf-8", "replace").strip()
    except OSError:
        return ""
