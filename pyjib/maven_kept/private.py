"""What may not lie in a cache: passwords, and what a forged file there must not bring about.

Where such would get into what is kept, by whichever way, the project is not kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pyjib.jib.configuration import JibConfiguration
from pyjib.patterns import late
from pyjib.project.maven.command_line import Arguments
from pyjib.project.maven.model import BOOLEANS, Repository

_CALLED_SECRET = late(r"pass|pwd|secret|token|credential|auth|key|private|login", re.IGNORECASE)
_NAME = late(r"[\w.-]+")
_SHORT = 4


def called_secret(name: str) -> bool:
    """Tell whether something is called as passwords and the like are."""
    return _CALLED_SECRET.search(name) is not None


def is_private(arguments: Arguments, repositories: Iterable[Repository]) -> bool:
    """Tell whether a command line says what not even a digest is to be kept of."""
    return any(map(called_secret, arguments.properties)) or any(
        "@" in repository.url for repository in repositories
    )


def may_be_kept(configuration: JibConfiguration | None) -> bool:
    """Tell whether a configuration neither names a program nor loosens whom pyjib trusts.

    A file in the cache must not be able to. Helpers are found by their names on the ``PATH``.
    """
    if configuration is None:
        return True
    helpers = (configuration.to_cred_helper, configuration.from_cred_helper)
    return not (
        configuration.docker_executable
        or configuration.docker_environment
        or configuration.config_directory
        or configuration.allow_insecure_registries
        or configuration.send_credentials_over_http
        or configuration.to_auth
        or configuration.from_auth
        or any(found.environment or not _NAME.fullmatch(found.helper) for found in helpers if found)
    )


def secrets_among(*named: Mapping[str, str]) -> frozenset[str]:
    """Return the values that are called secret."""
    return frozenset(
        value
        for values in named
        for name, value in values.items()
        if value and value not in BOOLEANS and called_secret(name)
    )


def tells(document: Any, secrets: frozenset[str]) -> bool:
    """Tell whether a secret is in any text of a JSON document; a short one if it is all of it."""
    long = [secret for secret in secrets if len(secret) >= _SHORT]
    return bool(secrets) and any(
        text in secrets or any(secret in text for secret in long) for text in _texts(document)
    )


def _texts(document: Any) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for name, member in document.items():
            yield name
            yield from _texts(member)
    elif isinstance(document, list):
        for member in document:
            yield from _texts(member)
