"""What a container runs with, checked: ports, volumes, user, variables and labels."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pyjib.errors import ConfigurationError
from pyjib.options import BuildOptions
from pyjib.patterns import late
from pyjib.plan.model import ContainerConfig
from pyjib.plan.paths import absolute_path

_PORTS = late(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp))?", re.ASCII)
_USER = late(r"[^\s:\0]+(?::[^\s:\0]+)?")


def make_config(options: BuildOptions, entrypoint: tuple[str, ...] | None) -> ContainerConfig:
    """Return the checked configuration; raises ``ConfigurationError`` for the first bad value.

    Of two variables or labels with one name the later value counts, at the earlier's place.
    """
    return ContainerConfig(
        environment=_named(options.environment, "environment variable", "--env"),
        labels=_named(options.labels, "label", "--label"),
        ports=_unique(port for text in options.ports for port in parse_ports(text)),
        volumes=_unique(absolute_path(text, "volume", "--volume") for text in options.volumes),
        user=options.user
        if options.user is None or options.identity.is_jib
        else _user(options.user),
        working_directory=(
            None
            if options.working_directory is None
            else absolute_path(options.working_directory, "working directory", "--workdir")
        ),
        entrypoint=entrypoint,
        arguments=options.arguments,
    )


def parse_ports(text: str) -> tuple[str, ...]:
    """Turn ``N`` or ``A-B``, with ``/tcp`` (the default) or ``/udp``, into ``N/protocol``.

    Ports are 1 to 65535; raises ``ConfigurationError``.
    """
    match = _PORTS.fullmatch(text)
    if match is None:
        raise _bad_port(text, "is not a port")
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= 65535 or not 1 <= last <= 65535:
        raise _bad_port(text, "is outside 1 to 65535")
    if last < first:
        raise _bad_port(text, "ends before it begins")
    return tuple(f"{port}/{match[3] or 'tcp'}" for port in range(first, last + 1))


def _bad_port(text: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"the port {text!r} {reason}",
        hint="write a port or a range, for example --port 8080, --port 9000-9010/udp",
    )


def _user(text: str) -> str:
    if not _USER.fullmatch(text):
        raise ConfigurationError(
            f"the user {text!r} is not a user or user:group",
            hint="write names or numbers of the image, for example --user 1000:1000",
        )
    return text


def _named(pairs: tuple[tuple[str, str], ...], what: str, flag: str) -> tuple[tuple[str, str], ...]:
    for name, value in pairs:
        # A label may have an equals sign in its name, but no tool can then ask for it.
        if not name or "=" in name or "\0" in name + value:
            raise ConfigurationError(
                f"the {what} {name!r} has no usable name",
                hint=f"write {flag} NAME=VALUE, with a name that is not empty",
            )
    return tuple(dict(pairs).items())


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
