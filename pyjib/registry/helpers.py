"""Credential helpers: the programs ``docker-credential-NAME`` that keep logins for Docker."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from typing import Any

from pyjib.errors import ConfigurationError
from pyjib.options import HostEnvironment
from pyjib.registry.credential import Credential
from pyjib.registry.refusal import printable

TIMEOUT = 30.0
_MAX_OUTPUT = 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_TOKEN_USER = "<token>"  # noqa: S105  (a user's name that marks identity tokens)
_ABSENT = ("credentials not found", "no credentials server url", "no credentials username")


def get(name: str, server: str, host: HostEnvironment) -> Credential | None:
    """Ask a helper for the login to ``server``; ``None`` if it has none.

    Raises ``ConfigurationError`` if the helper is missing, fails or takes too long: another
    source might hold another person's login.
    """
    status, output = _run(name, "get", server.encode(), host)
    if status != 0:
        if _says_absent(output):
            return None
        raise _failed(name, "get", output)
    try:
        document: Any = json.loads(output)
        username, secret = document["Username"], document["Secret"]
    except (ValueError, TypeError, KeyError):
        raise ConfigurationError(
            f"docker-credential-{name} did not answer with a login for {server}"
        ) from None
    if not isinstance(username, str) or not isinstance(secret, str) or not secret:
        return None
    source = f"docker-credential-{name}"
    if username == _TOKEN_USER:
        return Credential(source=source, identity_token=secret)
    return Credential(source=source, username=username, password=secret)


def store(name: str, server: str, username: str, password: str, host: HostEnvironment) -> None:
    """Give a helper a login to keep; raises ``ConfigurationError``."""
    login = {"ServerURL": server, "Username": username, "Secret": password}
    status, output = _run(name, "store", json.dumps(login).encode(), host)
    if status != 0:
        raise _failed(name, "store", output)


def erase(name: str, server: str, host: HostEnvironment) -> bool:
    """Have a helper forget a login; false if it had none. Raises ``ConfigurationError``."""
    status, output = _run(name, "erase", server.encode(), host)
    if status != 0 and not _says_absent(output):
        raise _failed(name, "erase", output)
    return status == 0


def _run(name: str, verb: str, stdin: bytes, host: HostEnvironment) -> tuple[int, bytes]:
    """Return exit code and output; its stderr is never read, for it may hold secrets."""
    program = _program(name, host)
    try:
        process = subprocess.Popen(  # noqa: S603  (no shell; the name was checked)
            [program, verb],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(host.variables),
        )
    except OSError as error:
        raise ConfigurationError(f"cannot start {program}: {error.strerror}") from None
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        process.kill()

    timer = threading.Timer(TIMEOUT, expire)
    timer.start()
    try:
        with process:
            output = _talk(process, stdin)
    finally:
        timer.cancel()
    if expired.is_set():
        raise ConfigurationError(
            f"docker-credential-{name} {verb} did not end within {TIMEOUT:.0f} seconds",
            hint="it may be waiting for a keychain to be unlocked: run it once by hand",
        )
    return process.returncode, output


def _talk(process: subprocess.Popen[bytes], stdin: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:  # both were asked to be pipes
        return b""
    try:
        process.stdin.write(stdin)
        process.stdin.close()
    except OSError:
        pass  # it did not care to listen: its exit code tells
    output = process.stdout.read(_MAX_OUTPUT)
    if len(output) == _MAX_OUTPUT:
        process.kill()
    return output


def _program(name: str, host: HostEnvironment) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"not the name of a credential helper: {name[:100]!r}",
            hint="credsStore and credHelpers take what follows docker-credential-",
        )
    program = shutil.which(f"docker-credential-{name}", path=host.get("PATH") or "")
    if program is None:
        raise ConfigurationError(
            f"docker-credential-{name} is not on the PATH",
            hint="install it, or take it out of credsStore and credHelpers in Docker's config.json",
        )
    return program


def _says_absent(output: bytes) -> bool:
    # Helpers speak of errors on stdout.
    text = output.decode("utf-8", "replace").lower()
    return any(words in text for words in _ABSENT)


def _failed(name: str, verb: str, output: bytes) -> ConfigurationError:
    said = "" if b"{" in output else printable(output.decode("utf-8", "replace"))
    return ConfigurationError(
        f"docker-credential-{name} {verb} failed" + (f": {said}" if said else ""),
        hint="run it by hand to see what it lacks, or take it out of Docker's config.json",
    )
