"""Where logins are found. The first hit counts, in this order.

1. the caller's own (``RegistryOptions.logins``), then his own helper for the registry,
2. ``DOCKER_AUTH_CONFIG``: the text of a Docker config (GitLab CI sets it),
3. ``REGISTRY_AUTH_FILE``, Podman's variable for a file,
4. Docker's ``config.json`` in ``DOCKER_CONFIG`` or ``~/.docker``, then the old ``~/.dockercfg``,
5. Podman's ``containers/auth.json`` in ``XDG_RUNTIME_DIR``, then ``XDG_CONFIG_HOME``.

Within a file ``credHelpers`` goes before ``credsStore``, and either masks ``auths``. Nothing is
looked up before a registry asks for a login.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry import docker_config, helpers
from pyjib.registry.credential import GIVEN, Credential, Search, names_of, server_of
from pyjib.registry.docker_config import AskHelper


def find(
    registry: str,
    options: RegistryOptions,
    host: HostEnvironment,
    *,
    repository: str = "",
    ask: AskHelper | None = None,
) -> Search:
    """Look for a login to ``registry``, or to a part of it that ``repository`` lies in.

    Raises ``ConfigurationError`` for a file or a helper that cannot be used: going on would
    mean asking with another login than the one that was set up.
    """
    given = _from_options(registry, options)
    if given is not None:
        return Search(credential=given)
    tried = [GIVEN] if options.logins else []
    for helper in options.helpers:
        if helper.registry.lower() in names_of(registry):
            told = helpers.ask(helper, server_of(registry), host)
            if told is not None:
                return Search(credential=told, tried=tuple(tried))
            tried.append(f"the credential helper {helper.program}")
    for config in _configs(host, tried):
        found = config.find(registry, repository, ask or _ask_of(host))
        if found is not None:
            return Search(credential=found, tried=tuple(tried))
        tried.append(config.source)
    return Search(credential=None, tried=tuple(tried))


def _ask_of(host: HostEnvironment) -> AskHelper:
    return lambda helper, server: helpers.get(helper, server, host)


def _configs(host: HostEnvironment, tried: list[str]) -> Iterator[docker_config.DockerConfig]:
    """Yield what can be read, in order; add to ``tried`` the files that do not exist."""
    text = host.get("DOCKER_AUTH_CONFIG")
    if text is not None:
        yield docker_config.parse(text, "DOCKER_AUTH_CONFIG")
    for path in _files(host):
        config = docker_config.read(path)
        if config is None:
            tried.append(f"{path} (does not exist)")
        else:
            yield config


def _files(host: HostEnvironment) -> Iterator[Path]:
    named = host.get("REGISTRY_AUTH_FILE")
    if named:
        yield Path(named)
    yield docker_config.path_of(host)
    old = host.home / ".dockercfg"
    if old.is_file():
        yield old
    runtime = host.get("XDG_RUNTIME_DIR")
    if runtime:
        yield Path(runtime) / "containers" / "auth.json"
    config = host.get("XDG_CONFIG_HOME")
    yield (Path(config) if config else host.home / ".config") / "containers" / "auth.json"


def _from_options(registry: str, options: RegistryOptions) -> Credential | None:
    names = names_of(registry)
    for login in options.logins:
        if login.registry.lower() in names:
            return Credential(source=GIVEN, username=login.username, password=login.password)
    return None


class Finder:
    """Remembers what was found, so that each helper and file is asked once; safe for threads."""

    def __init__(self, options: RegistryOptions, host: HostEnvironment) -> None:
        self._options = options
        self._host = host
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], Search] = {}
        self._told: dict[tuple[str, str], Credential | None] = {}

    def find(self, registry: str, repository: str = "") -> Search:
        """Return what ``find`` of this module does, looked up once."""
        with self._lock:  # a helper may ask the user: one question at a time
            search = self._found.get((registry, repository))
            if search is None:
                search = find(
                    registry, self._options, self._host, repository=repository, ask=self._ask
                )
                self._found[registry, repository] = search
            return search

    def known(self, registry: str, repository: str = "") -> Search | None:
        """Return what was found before, without looking."""
        return self._found.get((registry, repository))

    def _ask(self, helper: str, server: str) -> Credential | None:
        if (helper, server) not in self._told:
            self._told[helper, server] = helpers.get(helper, server, self._host)
        return self._told[helper, server]
