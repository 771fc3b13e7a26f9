"""Logging in and out: a login that was tried is kept where Docker keeps its own."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from pyjib.cancellation import Cancellation
from pyjib.errors import UnauthorizedError
from pyjib.events import Listener, Warned, ignore
from pyjib.frozen import frozen
from pyjib.options import HostEnvironment, Login, RegistryOptions
from pyjib.registry.login import docker_config, helpers
from pyjib.registry.login.credential import Credential, server_of
from pyjib.registry.login.docker_config import DockerConfig
from pyjib.registry.login.origins import AUTH_FILE, Origin
from pyjib.registry.login.sources import Memory, Places, look_through
from pyjib.registry.net.message import Call
from pyjib.registry.session import Session


@frozen
class Kept:
    """Where a login is: ``helper`` names the credential helper, ``file`` Docker's config."""

    registry: str
    file: str
    helper: str | None = None

    def __str__(self) -> str:
        return f"docker-credential-{self.helper}" if self.helper else self.file


def login(
    registry: str,
    username: str,
    password: str,
    *,
    options: RegistryOptions,
    host: HostEnvironment,
    listener: Listener = ignore,
    cancellation: Cancellation | None = None,
) -> Kept:
    """Try a login on the registry (a host, ``docker.io`` for Docker Hub), then keep it.

    Nothing is kept of one that is refused, or that would not be sent: raises
    ``UnauthorizedError``. ``listener`` is told if another login will be used all the same.
    """
    tried = replace(
        options, logins=(Login(registry=registry, username=username, password=password),)
    )
    session = Session(
        tried, host, listener=listener, cancellation=cancellation or Cancellation(), wait=None
    )
    try:
        _try(session, registry)
    finally:
        session.close()
    kept = store(
        registry, username, password, host=host, file=options.auth_file, cancellation=cancellation
    )
    other = _before(kept, options, host, cancellation)
    if other is not None and (other.username, other.password) != (username, password):
        listener(
            Warned(
                message=f"builds will use another login to {registry}, that of {other.words}",
                hint=f"it goes before {kept}: {other.renewal}, or take it out",
            )
        )
    return kept


def _before(
    kept: Kept, options: RegistryOptions, host: HostEnvironment, cancellation: Cancellation | None
) -> Credential | None:
    """Return the login to the same registry in a source that is asked before, if there is one."""
    places = Places(
        registry=kept.registry,
        repository="",
        options=options,
        host=host,
        memory=Memory(),
        cancellation=cancellation,
    )
    earlier = takewhile(lambda source: source.name != kept.file, places.sources())
    return look_through(earlier)[0]


def _try(session: Session, registry: str) -> None:
    action = f"log in to {registry}"
    try:
        session.ask(Call(action=action, registry=registry))
    except UnauthorizedError as error:
        withheld = session.authenticator(registry).words(()).withheld
        raise UnauthorizedError(
            error.message,
            action=error.action,
            status=error.status,
            diagnostics=error.diagnostics,
            hint=withheld
            or "check user name and password; with a second factor, registries want an "
            "access token made in their settings instead of the password",
        ) from None
    withheld = session.authenticator(registry).words(()).withheld
    if withheld is not None:  # it answered to nobody in particular
        raise UnauthorizedError(
            f"cannot {action}: the login would not be sent", action=action, hint=withheld
        )
    if session.finder.known(registry) is None:
        session.listener(Warned(message=f"{registry} did not ask for the login: it was not tried"))


def store(
    registry: str,
    username: str,
    password: str,
    *,
    host: HostEnvironment,
    file: Path | None = None,
    cancellation: Cancellation | None = None,
) -> Kept:
    """Keep a login in the helper that Docker's config names, else in the config itself.

    ``file`` stands for Docker's. Raises ``ConfigurationError``.
    """
    path = docker_config.path_of(host) if file is None else file
    origin = Origin.of_file(path) if file is None else Origin.of_named(path, AUTH_FILE)
    config = docker_config.read(path, origin) or DockerConfig(origin=origin, document={})
    helper = config.helper_for(registry)
    if helper is None:
        docker_config.write(config.with_login(registry, username, password), path)
    else:
        server = server_of(registry)
        helpers.store(helper.name, server, username, password, host, helper.by, cancellation)
        # The empty entry tells Docker that the helper holds one.
        docker_config.write(config.with_login(registry, "", ""), path)
    return Kept(registry=registry, file=str(path), helper=helper.name if helper else None)


def logout(
    registry: str,
    *,
    host: HostEnvironment,
    file: Path | None = None,
    cancellation: Cancellation | None = None,
) -> Kept | None:
    """Forget the login to a registry; ``None`` if there was none. Raises ``ConfigurationError``.

    ``file`` stands for Docker's config.
    """
    path = docker_config.path_of(host) if file is None else file
    origin = Origin.of_file(path) if file is None else Origin.of_named(path, AUTH_FILE)
    config = docker_config.read(path, origin)
    if config is None:
        return None
    helper = config.helper_for(registry)
    server = server_of(registry)
    erased = helper is not None and helpers.erase(
        helper.name, server, host, helper.by, cancellation
    )
    without = config.without_login(registry)
    if without is not config:
        docker_config.write(without, path)
    if erased or without is not config:
        return Kept(
            registry=registry, file=str(path), helper=helper.name if helper and erased else None
        )
    return None
