"""Credential helpers: programs that keep logins for Docker, ``docker-credential-NAME`` mostly.

A name with a slash in it is the path of a program; only a caller may give one.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from pyjib.cancellation import Cancellation
from pyjib.errors import ConfigurationError
from pyjib.options import CredentialHelper, HostEnvironment
from pyjib.patterns import late
from pyjib.presence import find_program
from pyjib.programs import AsksError, Program, TooLongError
from pyjib.registry.login.credential import Credential
from pyjib.registry.refusal import printable

TIMEOUT = 30.0
_MAX_OUTPUT = 1024 * 1024
_NAME = late(r"[A-Za-z0-9._-]+", re.ASCII)
_TOKEN_USER = "<token>"  # noqa: S105  (a user's name that marks identity tokens)
_ABSENT = ("credentials not found", "no credentials server url", "no credentials username")


def get(
    name: str,
    server: str,
    host: HostEnvironment,
    *,
    program: str | None = None,
    by: str = "",
    cancellation: Cancellation | None = None,
) -> Credential | None:
    """Ask a helper for the login to ``server``; ``None`` if it has none.

    ``program`` is its path, which is looked for on the ``PATH`` otherwise; ``by`` says what names
    the helper, for hints, here and in all functions. Raises ``ConfigurationError`` if the helper is
    missing, fails or takes too long: another source might hold another person's login. Raises
    ``CancelledError``, as all functions here.
    """
    label = name if program else f"docker-credential-{name}"
    status, output = _run(name, "get", server.encode(), host, cancellation, program=program, by=by)
    if status != 0:
        if _says_absent(output):
            return None
        raise _failed(label, "get", output, by)
    try:
        document: Any = json.loads(output)
        username, secret = document["Username"], document["Secret"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ConfigurationError(
            f"{label} did not answer with a login for {server}", hint=_look_hint(label, by)
        ) from None
    if not isinstance(username, str) or not isinstance(secret, str):
        return None
    if not username or not secret:
        return None
    if username == _TOKEN_USER:
        return Credential(source=label, identity_token=secret, renewable=True)
    return Credential(source=label, username=username, password=secret, renewable=True)


def ask(
    helper: CredentialHelper,
    server: str,
    host: HostEnvironment,
    cancellation: Cancellation | None = None,
) -> Credential | None:
    """Ask the helper that the caller chose; as ``get``, and its program may be a path."""
    variables = {**host.variables, **dict(helper.environment)}
    own_host = HostEnvironment.of(variables, host.home)
    if not set("/\\") & set(helper.program):
        return get(helper.program, server, own_host, by=helper.source, cancellation=cancellation)
    path = Path(helper.program)
    if not path.is_file():
        where = f" in {helper.source}" if helper.source else ""
        raise ConfigurationError(
            f"Specified credential helper was not found: {path}",
            hint=f"correct its path{where}, or give what follows docker-credential- in its name",
        )
    return get(
        path.name, server, own_host, program=str(path), by=helper.source, cancellation=cancellation
    )


def is_installed(name: str, host: HostEnvironment) -> bool:
    """Tell whether ``docker-credential-NAME`` is on the ``PATH``, without starting it."""
    return find_program(f"docker-credential-{name}", host.variables) is not None


def store(
    name: str,
    server: str,
    username: str,
    password: str,
    host: HostEnvironment,
    by: str = "",
    cancellation: Cancellation | None = None,
) -> None:
    """Give a helper a login to keep; raises ``ConfigurationError``."""
    login = {"ServerURL": server, "Username": username, "Secret": password}
    status, output = _run(name, "store", json.dumps(login).encode(), host, cancellation, by=by)
    if status != 0:
        raise _failed(f"docker-credential-{name}", "store", output, by)


def erase(
    name: str,
    server: str,
    host: HostEnvironment,
    by: str = "",
    cancellation: Cancellation | None = None,
) -> bool:
    """Have a helper forget a login; false if it had none. Raises ``ConfigurationError``."""
    status, output = _run(name, "erase", server.encode(), host, cancellation, by=by)
    if status != 0 and not _says_absent(output):
        raise _failed(f"docker-credential-{name}", "erase", output, by)
    return status == 0


def _run(
    name: str,
    verb: str,
    stdin: bytes,
    host: HostEnvironment,
    cancellation: Cancellation | None,
    *,
    program: str | None = None,
    by: str = "",
) -> tuple[int, bytes]:
    """Return exit code and output; its stderr is never read, for it may hold secrets."""
    label = name if program else f"docker-credential-{name}"
    program = program or _program(name, host, by)
    running = Program(
        [program, verb],
        environment=host.variables,
        cancellation=cancellation or Cancellation(),
        patience=TIMEOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        with running:
            return _talk(running, stdin)
    except AsksError:
        raise ConfigurationError(
            f"{label} {verb} wants to ask something at the terminal",
            hint="unlock its keychain first: run it once by hand",
        ) from None
    except TooLongError:
        raise ConfigurationError(
            f"{label} {verb} did not end within {TIMEOUT:.0f} seconds",
            hint="it may be waiting for a keychain to be unlocked: run it once by hand",
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"cannot start {program}: {error.strerror}", hint=_look_hint(label, by)
        ) from None


def _talk(running: Program, stdin: bytes) -> tuple[int, bytes]:
    running.send(stdin)  # whether it cares to listen or not: its exit code tells
    running.finish_sending()
    output = running.receive(_MAX_OUTPUT)
    if len(output) == _MAX_OUTPUT:
        running.stop()
    return running.wait(), output


def _program(name: str, host: HostEnvironment, by: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"not the name of a credential helper: {name[:100]!r}",
            hint=f"{by or 'it'} takes what follows docker-credential-",
        )
    program = find_program(f"docker-credential-{name}", host.variables)
    if program is None:
        named = f", which {by} names," if by else ""
        raise ConfigurationError(
            f"docker-credential-{name}{named} is not on the PATH",
            hint=f"install it, or {_without(by)}" if by else "install it",
        )
    return program


def _without(by: str) -> str:
    """Say how to do without a helper: options are left out, what is in files is removed."""
    return f"leave {by} out" if by.startswith("-") else f"remove {by}"


def _look_hint(label: str, by: str) -> str:
    return f"run {label} get by hand to see what it lacks" + (f", or {_without(by)}" if by else "")


def _says_absent(output: bytes) -> bool:
    # Helpers speak of errors on stdout.
    text = output.decode("utf-8", "replace").lower()
    return any(words in text for words in _ABSENT)


def _failed(label: str, verb: str, output: bytes, by: str) -> ConfigurationError:
    said = "" if b"{" in output else printable(output.decode("utf-8", "replace"))
    return ConfigurationError(
        f"{label} {verb} failed" + (f": {said}" if said else ""),
        hint=_look_hint(label, by),
    )
