"""settings.xml: the user's and Maven's own, merged. ``maven-and-gradle-projects`` §4.

Passwords are kept as they are written; ``secrets`` opens those that are encrypted, when one is
needed. Nothing secret is shown by ``repr``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from pathlib import Path
from typing import Protocol, TypeVar

from pyjib.errors import ConfigurationError, ProjectError
from pyjib.frozen import frozen
from pyjib.project.maven import seen
from pyjib.project.maven.interpolation import Interpolator
from pyjib.project.maven.model import Body, Profile
from pyjib.project.maven.pom import activation, profile_id, properties, repositories
from pyjib.project.maven.xml_tree import Element, parse_xml, read_bytes, trim


@frozen
class Mirror:
    """A repository that stands in for others.

    ``mirror_of`` is Maven's pattern of their ids, ``layouts`` that of their layouts.
    """

    id: str
    url: str = field(repr=False)  # may hold a login
    mirror_of: str
    layouts: str = "default,legacy"
    blocked: bool = False


# Maven before 3.9 took those of httpConfiguration too.
_HEADERS = (
    "configuration/httpConfiguration/all/headers",
    "configuration/httpConfiguration/get/headers",
    "configuration/httpHeaders",
)

HTTP_BLOCKER = Mirror(
    id="maven-default-http-blocker",
    url="http://0.0.0.0/",
    mirror_of="external:http:*",
    blocked=True,
)
"""What the settings.xml that comes with Maven has since 3.8.1."""


@frozen
class Server:
    """The login for a repository or mirror of that id; ``headers`` are sent with each request."""

    id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@frozen
class Proxy:
    """An HTTP proxy; ``bypass`` are patterns of hosts that go without, as they are written."""

    id: str
    active: bool = True
    protocol: str = "http"
    host: str = ""
    port: int = 8080
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    bypass: tuple[str, ...] = ()


@frozen
class Settings:
    """What settings.xml files say; each list has the user's entries first."""

    local_repository: str | None = None
    offline: bool = False
    active_profiles: tuple[str, ...] = ()
    profiles: tuple[Profile, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    servers: tuple[Server, ...] = ()
    proxies: tuple[Proxy, ...] = ()

    def server(self, name: str) -> Server | None:
        """Return the login for a repository or mirror."""
        return next((server for server in self.servers if server.id == name), None)


def read_settings(user: Path | None, installation: Path | None, text: Interpolator) -> Settings:
    """Return both files as one; one that is ``None`` or missing counts as empty.

    ``text`` replaces expressions by user properties, system properties and the environment.
    Raises ``ConfigurationError`` for a file that is not XML.
    """
    own, shared = (_read(path, text) for path in (user, installation))
    return Settings(
        local_repository=own.local_repository or shared.local_repository,
        offline=own.offline,
        active_profiles=tuple(dict.fromkeys((*own.active_profiles, *shared.active_profiles))),
        profiles=_by_id(own.profiles, shared.profiles),
        mirrors=_by_id(own.mirrors, shared.mirrors),
        servers=_by_id(own.servers, shared.servers),
        proxies=_by_id(own.proxies, shared.proxies),
    )


def parse_settings(data: bytes, path: Path, text: Interpolator) -> Settings:
    """Return what one file says; raises ``ConfigurationError`` if it is not XML."""
    try:
        root = parse_xml(data, path, "settings")
    except ProjectError as error:
        raise ConfigurationError(error.message, hint=error.hint) from None
    for element in root.iter():
        if element.text is not None and "${" in element.text:
            element.text = text(element.text)
    _reject(root, path)
    return Settings(
        local_repository=_text(root, "localRepository"),
        offline=_flag(root, "offline", default=False),
        active_profiles=_strings(root, "activeProfiles", "activeProfile"),
        profiles=_entries(root, "profiles/profile", _profile),
        mirrors=_entries(root, "mirrors/mirror", _mirror),
        servers=_entries(root, "servers/server", _server),
        proxies=_entries(root, "proxies/proxy", _proxy),
    )


def _reject(root: Element, path: Path) -> None:
    """Raise ``ConfigurationError`` for what Maven does not accept, in its words."""
    wanted = (
        ("mirrors/mirror", "mirrors.mirror", "url"),
        ("mirrors/mirror", "mirrors.mirror", "mirrorOf"),
        ("proxies/proxy", "proxies.proxy", "host"),
    )
    for place, where, name in wanted:
        for element in root.findall(place):
            if _text(element, name) is None:
                owner = _text(element, "id") or "default"
                raise ConfigurationError(f"{path}: '{where}.{name}' for {owner} is missing")
    for profile in root.findall("profiles/profile"):
        for repository in profile.findall("repositories/repository"):
            if _text(repository, "url") is None:
                owner = _text(repository, "id") or "null"
                raise ConfigurationError(
                    f"{path}: 'profiles.profile[{_text(profile, 'id') or 'null'}].repositories."
                    f"repository.url' for {owner} is missing"
                )


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


_T = TypeVar("_T")
_WithId = TypeVar("_WithId", bound=_HasId)


def _read(path: Path | None, text: Interpolator) -> Settings:
    try:
        if path is None or not seen.is_file(path):
            return Settings()
    except OSError:  # in a home that is another user's, and closed: none to Java
        return Settings()
    try:
        data = read_bytes(path)
    except ProjectError as error:
        raise ConfigurationError(
            error.message,
            hint="make it readable for the user who runs pyjib",
        ) from None
    return parse_settings(data, path, text)


def _by_id(first: Sequence[_WithId], second: Iterable[_WithId]) -> tuple[_WithId, ...]:
    known = {entry.id for entry in first}
    return (*first, *(entry for entry in second if entry.id not in known))


def _entries(root: Element, path: str, make: Callable[[Element], _T]) -> tuple[_T, ...]:
    return tuple(map(make, root.findall(path)))


def _strings(root: Element, plural: str, singular: str) -> tuple[str, ...]:
    texts = (found.text for found in root.findall(f"{plural}/{singular}"))
    return tuple(filter(None, (trim(text or "") for text in texts)))


def _text(element: Element, name: str) -> str | None:
    found = element.findtext(name)
    return (trim(found) or None) if found else None


def _flag(element: Element, name: str, *, default: bool) -> bool:
    found = _text(element, name)
    return default if found is None else found.lower() == "true"


def _profile(element: Element) -> Profile:
    body = Body(properties=properties(element), repositories=repositories(element))
    return Profile(id=profile_id(element), activation=activation(element), body=body)


def _mirror(element: Element) -> Mirror:
    return Mirror(
        id=_text(element, "id") or "default",
        url=_text(element, "url") or "",
        mirror_of=_text(element, "mirrorOf") or "",
        layouts=_text(element, "mirrorOfLayouts") or "default,legacy",
        blocked=_flag(element, "blocked", default=False),
    )


def _server(element: Element) -> Server:
    return Server(
        id=_text(element, "id") or "default",
        username=_text(element, "username"),
        password=_text(element, "password"),
        headers=tuple(header for path in _HEADERS for header in _headers(element.findall(path))),
    )


def _headers(found: Iterable[Element]) -> Iterator[tuple[str, str]]:
    """Yield headers: ``<property>`` with name and value, or an element of the header's name."""
    for element in (header for headers in found for header in headers):
        name = _text(element, "name") if element.tag == "property" else element.tag
        value = _text(element, "value") if element.tag == "property" else trim(element.text or "")
        if name is not None:
            yield name, value or ""


def _proxy(element: Element) -> Proxy:
    port = _text(element, "port") or "8080"
    if not port.isdecimal() or len(port) > 9:
        port = "0"  # as Maven, which fails when it comes to use it
    return Proxy(
        id=_text(element, "id") or "default",
        active=_flag(element, "active", default=True),
        protocol=(_text(element, "protocol") or "http").lower(),
        host=_text(element, "host") or "",
        port=int(port),
        username=_text(element, "username"),
        password=_text(element, "password"),
        bypass=_hosts(_text(element, "nonProxyHosts")),
    )


def _hosts(text: str | None) -> tuple[str, ...]:
    """Return patterns of hosts, not trimmed: so Maven divides them, and by nothing else."""
    return tuple(filter(None, (text or "").split("|")))
