"""Whom registries are talked to as, by Jib's configuration (``jib-plugins-and-cli`` §1.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from pyjib.errors import ConfigurationError
from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.jib.configuration import JibAuth, JibConfiguration, JibHelper
from pyjib.oci.location import Location, RegistryLocation, parse_location
from pyjib.oci.reference import DOCKER_HUB
from pyjib.options import BuildOptions, CredentialHelper, Login, RegistryOptions
from pyjib.patterns import late

FindServer = Callable[[str], Login | None]

_PORT = late(r":\d+$")


@frozen
class _Side:
    """One of ``from`` and ``to``: its registries, and what is configured for them.

    ``own`` are those of ``registries`` that the configured login and helper are for; where those
    two are configured, ``auth_source`` and ``helper_source`` tell.
    """

    name: str
    registries: tuple[str, ...]
    own: tuple[str, ...]
    auth: JibAuth | None
    auth_source: str
    helper: JibHelper | None
    helper_source: str


def read_registry_options(
    jib: JibConfiguration, options: BuildOptions, *, find_server: FindServer = lambda _: None
) -> tuple[RegistryOptions, tuple[Warned, ...]]:
    """Return how registries are talked to, and warnings.

    ``options`` are those of the build, targets and base named. A login that the POM has for one
    registry is not given to another that the caller chose. Of a registry the caller's login
    counts first, then a configured one, then a configured helper, then that of settings.xml,
    which ``find_server`` gives by a server's id: the host with its port, or without.
    """
    sides = _sides(jib, options)
    registries = {registry for side in sides for registry in side.registries}
    known = {login.registry for login in options.registry.logins}
    logins = _first(_configured_logins(sides), known)
    helpers = _helpers(sides, known | {login.registry for login in logins})
    busy = known | {login.registry for login in logins} | {found.registry for found in helpers}
    settings = tuple(_server_logins(registries - busy, find_server))
    insecure = frozenset(registries - {DOCKER_HUB})
    return (
        replace(
            options.registry,
            logins=(*options.registry.logins, *logins, *settings),
            helpers=(*options.registry.helpers, *helpers),
            insecure=options.registry.insecure
            | (insecure if jib.allow_insecure_registries else frozenset()),
            credentials_over_http=options.registry.credentials_over_http
            or jib.send_credentials_over_http,
        ),
        tuple(_warnings(jib, sides)),
    )


def _sides(jib: JibConfiguration, options: BuildOptions) -> tuple[_Side, _Side]:
    targets = _registries(options.targets)
    base = (DOCKER_HUB,) if options.base is None else _registries([options.base])
    if jib.to_image is not None:
        to_image = _registry_of(jib.to_image)
    else:  # the login is for the one name that the caller gives
        to_image = targets[0] if len(targets) == 1 else None
    from_image = DOCKER_HUB if jib.from_image is None else _registry_of(jib.from_image)
    return (
        _Side(
            name="to",
            registries=targets,
            own=_own(targets, to_image, jib.to_auth),
            auth=jib.to_auth,
            auth_source=_auth_source(jib, "to", jib.to_auth),
            helper=jib.to_cred_helper,
            helper_source=jib.origin("to.credHelper"),
        ),
        _Side(
            name="from",
            registries=base,
            own=_own(base, from_image, jib.from_auth),
            auth=jib.from_auth,
            auth_source=_auth_source(jib, "from", jib.from_auth),
            helper=jib.from_cred_helper,
            helper_source=jib.origin("from.credHelper"),
        ),
    )


def _auth_source(jib: JibConfiguration, side: str, auth: JibAuth | None) -> str:
    """Say where a login is configured: an element, or properties, which come in pairs."""
    properties = f"jib.{side}.auth.username and .password"
    if auth is not None and auth.by_user:
        return f"-D {properties}"
    name = f"{side}.auth"
    return jib.origin(name) if name in jib.origins else properties


def _own(
    registries: tuple[str, ...], configured: str | None, auth: JibAuth | None
) -> tuple[str, ...]:
    """Return the registries that the configured login is for: all, if the user gave it."""
    if auth is not None and auth.by_user:
        return registries
    return (configured,) if configured in registries else ()


def _registry_of(image: str) -> str | None:
    """Return the registry that an image is configured to be in, ``None`` if it is in none."""
    try:
        location = parse_location(image)
    except ConfigurationError:  # an error only for those who need it
        return None
    return location.reference.registry if isinstance(location, RegistryLocation) else None


def _registries(locations: Iterable[Location]) -> tuple[str, ...]:
    found = (place.reference.registry for place in locations if isinstance(place, RegistryLocation))
    return tuple(dict.fromkeys(found))


def _configured_logins(sides: Iterable[_Side]) -> Iterator[Login]:
    for side in sides:
        for registry in side.own if side.auth else ():
            assert side.auth is not None  # noqa: S101  for the type checker
            yield Login(
                registry=registry,
                username=side.auth.username,
                password=side.auth.password,
                source=side.auth_source,
            )


def _helpers(sides: Iterable[_Side], known: set[str]) -> tuple[CredentialHelper, ...]:
    found: dict[str, CredentialHelper] = {}
    for side in sides:
        for registry in side.own:
            if side.helper is not None and registry not in known:
                helper = CredentialHelper(
                    registry=registry,
                    program=side.helper.helper,
                    environment=side.helper.environment,
                    source=side.helper_source,
                )
                found.setdefault(registry, helper)
    return tuple(found.values())


def _server_logins(registries: set[str], find_server: FindServer) -> Iterator[Login]:
    for registry in sorted(registries):
        for name in dict.fromkeys((registry, _PORT.sub("", registry))):
            server = find_server(name)
            if server is not None:
                yield replace(server, registry=registry)
                break


def _first(logins: Iterable[Login], known: set[str]) -> tuple[Login, ...]:
    found: dict[str, Login] = {}
    for login in logins:
        if login.registry not in known:
            found.setdefault(login.registry, login)
    return tuple(found.values())


def _warnings(jib: JibConfiguration, sides: tuple[_Side, _Side]) -> Iterator[Warned]:
    to, base = sides
    shared = set(to.own) & set(base.own)
    if shared and to.auth and base.auth and to.auth != base.auth:
        yield Warned(
            message=f"<from> and <to> have different logins to {', '.join(sorted(shared))}, and "
            "that of <to> is used for both",
            hint="give that user the right to pull the base image",
        )
    for side, flag in ((to, "--username"), (base, "-D jib.from.auth.username and .password")):
        others = [registry for registry in side.registries if registry not in side.own]
        if others and (side.auth or side.helper):
            yield Warned(
                message=f"the login configured for {jib.origin(f'{side.name}.image')} is not used "
                f"for {', '.join(others)}",
                hint=f"log in there by `pyjib login`, or pass {flag}",
            )
