"""Whom registries are talked to as, by Jib's configuration (``jib-plugins-and-cli`` §1.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from pyjib.errors import InvalidReferenceError
from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.jib.configuration import JibAuth, JibConfiguration, JibHelper
from pyjib.oci.location import Location, RegistryLocation
from pyjib.oci.reference import DOCKER_HUB, Reference
from pyjib.options import BuildOptions, CredentialHelper, Login, RegistryOptions

FindServer = Callable[[str], Login | None]

_PORT = re.compile(r":\d+$")


@frozen
class _Side:
    """One of ``from`` and ``to``: its registries, and what is configured for them."""

    name: str
    registries: tuple[str, ...]
    auth: JibAuth | None
    helper: JibHelper | None


def read_registry_options(
    jib: JibConfiguration,
    options: BuildOptions,
    *,
    base_is_configured: bool,
    find_server: FindServer = lambda _: None,
) -> tuple[RegistryOptions, tuple[Warned, ...]]:
    """Return how registries are talked to, and warnings.

    ``options`` are those of the build, targets and base named. A login that the POM has for one
    registry is not given to another that the caller chose. Of a registry the caller's login
    counts first, then a configured one, then a configured helper, then that of settings.xml,
    which ``find_server`` gives by a server's id: the host with its port, or without.
    """
    base = _registries([options.base] if options.base and base_is_configured else [])
    if options.base is None:
        base = (DOCKER_HUB,)
    targets = _registries(options.targets)
    sides = (
        _Side(
            name="to", registries=_own(jib, targets), auth=jib.to_auth, helper=jib.to_cred_helper
        ),
        _Side(name="from", registries=base, auth=jib.from_auth, helper=jib.from_cred_helper),
    )
    known = {login.registry for login in options.registry.logins}
    logins = _first(_configured_logins(sides), known)
    helpers = _helpers(sides, known | {login.registry for login in logins})
    busy = known | {login.registry for login in logins} | {found.registry for found in helpers}
    settings = tuple(_server_logins({*targets, *base} - busy, find_server))
    insecure = frozenset({*targets, *base}) - {DOCKER_HUB}
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
        tuple(_warnings(jib, sides, targets)),
    )


def _own(jib: JibConfiguration, targets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the target registries that the configured login is for."""
    if jib.to_auth is not None and jib.to_auth.by_user:
        return targets
    if jib.to_image is None:
        return targets if len(targets) == 1 else ()
    try:
        own = Reference.parse(jib.to_image).registry
    except InvalidReferenceError:  # an error only for those who need it
        return ()
    return tuple(registry for registry in targets if registry == own)


def _registries(locations: Iterable[Location | None]) -> tuple[str, ...]:
    found = (place.reference.registry for place in locations if isinstance(place, RegistryLocation))
    return tuple(dict.fromkeys(found))


def _configured_logins(sides: Iterable[_Side]) -> Iterator[Login]:
    for side in sides:
        for registry in side.registries if side.auth else ():
            assert side.auth is not None  # noqa: S101  for the type checker
            yield Login(registry=registry, username=side.auth.username, password=side.auth.password)


def _helpers(sides: Iterable[_Side], known: set[str]) -> tuple[CredentialHelper, ...]:
    found: dict[str, CredentialHelper] = {}
    for side in sides:
        for registry in side.registries:
            if side.helper is not None and registry not in known:
                helper = CredentialHelper(
                    registry=registry,
                    program=side.helper.helper,
                    environment=side.helper.environment,
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


def _warnings(
    jib: JibConfiguration, sides: Sequence[_Side], targets: tuple[str, ...]
) -> Iterator[Warned]:
    to, base = sides
    shared = set(to.registries) & set(base.registries)
    if shared and to.auth and base.auth and to.auth != base.auth:
        yield Warned(
            message=f"<from> and <to> have different logins to {', '.join(sorted(shared))}, and "
            "that of <to> is used for both",
            hint="give that user the right to pull the base image",
        )
    others = [registry for registry in targets if registry not in to.registries]
    if others and (to.auth or to.helper):
        yield Warned(
            message=f"the login configured for {jib.origin('to.image')} is not used for "
            f"{', '.join(others)}",
            hint="log in there by `pyjib login`, or pass --username",
        )
