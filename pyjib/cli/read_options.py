"""From what was given on the command line to ``BuildOptions``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pyjib.cli import values as parse
from pyjib.cli.environment import read_host, read_password
from pyjib.cli.layer_index_keys import read_layer_index
from pyjib.errors import ConfigurationError
from pyjib.jib.to_options import Unnamed
from pyjib.oci.location import Location, RegistryLocation
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.reference import DOCKER_HUB
from pyjib.options import BuildOptions, ExtraDirectory, Login, Mode, RegistryOptions
from pyjib.registry.net.certificates import check_pem

T = TypeVar("T")


def read_options(given: Mapping[str, Any], *, log_in: bool = True) -> BuildOptions:
    """Return what the options of ``OPTIONS`` and ``CACHE`` come to, by parameter names.

    Targets without a name are left out. Asks for a password where ``--username`` is given,
    unless nobody is to ``log_in``. Raises ``ConfigurationError``.
    """
    host = read_host()
    options = BuildOptions(
        targets=tuple(target for target in given["to"] if not isinstance(target, Unnamed)),
        tags=joined(given["tag"]),
        name=given["name"],
        base=given["from"],
        platforms=joined(given["platform"]),
        main_class=given["main_class"],
        jvm_flags=given["jvm_flag"],
        extra_classpath=given["extra_classpath"],
        expand_classpath=given["expand_classpath"],
        entrypoint=parse.parse_words(given["entrypoint"]),
        arguments=given["arg"] or None,
        app_root=given["app_root"],
        environment=given["env"],
        labels=given["label"],
        ports=joined(given["port"]),
        volumes=given["volume"],
        user=given["user"],
        working_directory=given["workdir"],
        extra_directories=_extra_directories(given),
        permissions=given["permission"],
        created=parse.read_created(given["created"], host),
        format=ImageFormat(given["format"]) if given["format"] else None,
        host=host,
        cache=given["cache"],
    )
    optional = {
        "mode": Mode(given["mode"]) if given["mode"] else None,
        "file_time": given["file_time"],
        "compression": given["compression"],
        **read_layer_index(given["layer_index"], given["layer_index_key"], host),
    }
    options = replace(options, **{name: value for name, value in optional.items() if value})
    options = replace(options, registry=read_registry(given))
    return with_login(given, options) if log_in else options


def with_login(given: Mapping[str, Any], options: BuildOptions) -> BuildOptions:
    """Add the login of ``--username``, before all others; asks for a password if there is one."""
    login = _read_login(given, options)
    if login is None:
        return options
    registry = replace(options.registry, logins=(login, *options.registry.logins))
    return replace(options, registry=registry)


def read_reach(given: Mapping[str, Any]) -> BuildOptions:
    """Return options that tell only how to reach registries, daemons and the cache."""
    return BuildOptions(registry=read_registry(given), host=read_host(), cache=given["cache"])


def read_registry(given: Mapping[str, Any]) -> RegistryOptions:
    """Return how registries are talked to."""
    ca_file: Path | None = given["ca_file"]
    if ca_file is not None:
        _check_file(ca_file, "--ca-file")
        check_pem(ca_file, "--ca-file")
    auth_file: Path | None = given["auth_file"]
    if auth_file is not None:
        _check_file(auth_file, "--auth-file")
    options = RegistryOptions(
        auth_file=auth_file,
        trusted_realms=frozenset(given["trust_realm"]),
        insecure=frozenset(given["insecure"]),
        credentials_over_http=given["credentials_over_http"],
        ca_file=ca_file,
        client_certificates=given["client_cert"],
        mirrors=given["mirror"],
        use_mirrors=not given["no_mirrors"],
        offline=bool(given.get("offline")),
    )
    return replace(options, jobs=given["jobs"]) if given.get("jobs") else options


def _check_file(path: Path, flag: str) -> None:
    """Raise ``ConfigurationError`` unless there is a file that can be read more than once."""
    try:
        is_file, is_there = path.is_file(), path.exists()
    except OSError as error:
        raise ConfigurationError(f"{flag}: cannot look at {path}: {error.strerror}") from None
    if is_file:
        if not os.access(path, os.R_OK):
            raise ConfigurationError(
                f"{flag}: cannot read {path}: Permission denied",
                hint=f"make it readable for the user who runs pyjib, or leave {flag} out",
            )
        return
    if path.is_dir():
        raise ConfigurationError(
            f"{flag}: {path} is a directory", hint=f"name a file in it: {flag} {path / 'FILE'}"
        )
    if is_there:
        raise ConfigurationError(
            f"{flag}: {path} is not a regular file",
            hint="write what it holds to a file first: a pipe can be read only once, as <(…) makes",
        )
    raise ConfigurationError(
        f"{flag}: there is no file {path}", hint=f"name a file that is there, or leave {flag} out"
    )


def _read_login(given: Mapping[str, Any], options: BuildOptions) -> Login | None:
    username, from_stdin = given["username"], given["password_stdin"]
    if not username:
        if from_stdin:
            raise ConfigurationError(
                "--password-stdin: whose password is it?", hint="add --username USER"
            )
        return None
    registry = _login_registry(options)
    password = read_password(from_stdin=from_stdin, prompt=f"Password of {username} at {registry}")
    return Login(registry=registry, username=username, password=password, source="--username")


def _login_registry(options: BuildOptions) -> str:
    """Return the one registry that images go to; where none does, the one of the base."""
    there = _registries(options.targets)
    if len(there) > 1:
        raise ConfigurationError(
            f"--username could be meant for any of {', '.join(there)}",
            hint="log in to each by `pyjib login REGISTRY -u USER`, and leave --username out",
        )
    of_base = [DOCKER_HUB] if options.base is None else _registries((options.base,))
    if not there and not of_base:
        raise ConfigurationError(
            "--username, and no registry to log in to", hint="leave --username out"
        )
    return (there or of_base)[0]


def _registries(locations: tuple[Location, ...]) -> list[str]:
    return sorted(
        {place.reference.registry for place in locations if isinstance(place, RegistryLocation)}
    )


def joined(lists: tuple[tuple[T, ...], ...]) -> tuple[T, ...]:
    """Return the values of an option that was given several times, each time a list."""
    return tuple(value for values in lists for value in values)


def _extra_directories(given: Mapping[str, Any]) -> tuple[ExtraDirectory, ...]:
    directories: tuple[ExtraDirectory, ...] = given["extra_dir"]
    includes, excludes = given["extra_include"], given["extra_exclude"]
    if (includes or excludes) and not directories:
        raise ConfigurationError(
            "--extra-include and --extra-exclude choose among the files of --extra-dir",
            hint="add --extra-dir DIR",
        )
    return tuple(
        replace(directory, includes=includes, excludes=excludes) for directory in directories
    )
