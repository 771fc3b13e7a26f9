"""The options of ``pyjib registry serve``, and the registry that they ask for."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, Self, TextIO

import click

from pyjib.cancellation import Cancellation
from pyjib.cli.command import Option
from pyjib.cli.environment import now, read_host
from pyjib.cli.options import Text
from pyjib.cli.values import parse_amount
from pyjib.errors import ConfigurationError, DestinationError
from pyjib.options import RegistryOptions
from pyjib.serve import PRESETS, Exchange, Limits, RegistryServer, Rules, read_faults
from pyjib.serve.journal import Watcher
from pyjib.serve.names import is_name

_FILE = click.Path(path_type=Path)
_PLACE, _ACCESS, _TROUBLE = "Where and what", "Who may do what", "Trouble on purpose"
_LIMITS = {field.name.replace("_", "-"): field.name for field in fields(Limits)}

SERVE = [
    Option(
        "--root",
        section=_PLACE,
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Where images are kept, in an OCI layout for each repository. Default: in "
        "memory, gone at the end.",
    ),
    Option(
        "--port",
        section=_PLACE,
        metavar="N",
        type=click.IntRange(0, 65535),
        default=5000,
        help="The port to listen on, 0 for any free one. Default: 5000.",
    ),
    Option(
        "--host",
        section=_PLACE,
        metavar="ADDRESS",
        default="127.0.0.1",
        help="The address to listen on. Default: 127.0.0.1, which only this machine reaches.",
    ),
    Option(
        "--tls",
        section=_PLACE,
        is_flag=True,
        help="Speak HTTPS, with a certificate made for this run. The file of the authority that "
        "vouches for it is written to stderr, for --ca-file and the like.",
    ),
    Option(
        "--proxy",
        section=_PLACE,
        metavar="HOST",
        help="Be a cache in front of another registry: fetch what is missing from it, with this "
        "machine's logins, and take no pushes.",
    ),
    Option(
        "--repository",
        "repositories",
        section=_PLACE,
        metavar="NAME",
        multiple=True,
        help="Create an empty repository. Only quirks ask for that (ecr). May be repeated.",
    ),
    Option("--read-only", section=_ACCESS, is_flag=True, help="Refuse pushes and deletes."),
    Option("--no-delete", section=_ACCESS, is_flag=True, help="Refuse deletes."),
    Option(
        "--users",
        section=_ACCESS,
        metavar="FILE",
        type=_FILE,
        help="Who may log in: lines of NAME:PASSWORD. Everybody else may do nothing.",
    ),
    Option(
        "--auth",
        section=_ACCESS,
        type=click.Choice(["basic", "token"]),
        help="How to log in: with each request, or for a token. Default: basic, or as the "
        "quirks have it.",
    ),
    Option(
        "--token-lifetime",
        section=_ACCESS,
        metavar="SECONDS",
        type=Text("seconds", partial(parse_amount, least=1)),
        help="How long a token is good for. Default: 300.",
    ),
    Option(
        "--limit",
        "limits",
        section=_ACCESS,
        metavar="NAME=N",
        multiple=True,
        help=f"Change a limit, in bytes or seconds: {', '.join(_LIMITS)}. May be repeated.",
    ),
    Option(
        "--faults",
        section=_TROUBLE,
        metavar="FILE",
        type=_FILE,
        help="Misbehave by the rules in a JSON or YAML file; see docs/embedded-registry.md.",
    ),
    Option(
        "--quirks",
        section=_TROUBLE,
        type=click.Choice(sorted(PRESETS)),
        help="Behave like a registry in use, where that is odd.",
    ),
    Option(
        "--journal",
        section=_TROUBLE,
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Append a line of JSON for each request to a file; no login is in it.",
    ),
]


def make_server(
    given: Mapping[str, Any], stack: ExitStack, watcher: Watcher, cancellation: Cancellation
) -> RegistryServer:
    """Return the registry, not started; what it needs is closed with ``stack``."""
    server = RegistryServer(
        given["root"],
        given["host"],
        given["port"],
        users=None if given["users"] is None else _read_users(given["users"]),
        auth=given["auth"],
        token_lifetime=given["token_lifetime"],
        rules=Rules(
            read_only=given["read_only"],
            no_delete=given["no_delete"],
            limits=_read_limits(given["limits"]),
        ),
        watcher=watcher,
        faults=() if given["faults"] is None else read_faults(given["faults"]),
        quirks=given["quirks"],
        upstream=_upstream(given["proxy"], stack, cancellation) if given["proxy"] else None,
        tls=given["tls"],
    )
    for name in given["repositories"]:
        if not is_name(name):
            raise ConfigurationError(f"--repository {name}: not a repository's name")
        server.repositories.storage.create(name)
    return server


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on is reached by this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class JournalFile:
    """Lines of JSON about exchanges, appended to a file; to nothing without a path."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None

    def write(self, exchange: Exchange) -> None:
        """Write a line, at once: whoever watches the file sees what was."""
        if self._file is not None:
            self._file.write(json.dumps({"time": str(now()), **exchange.to_json()}) + "\n")
            self._file.flush()

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._file = self._path.open("a", encoding="utf-8")
            except OSError as error:
                raise DestinationError(
                    f"cannot write the journal {self._path}: {error.strerror}",
                    hint="choose another file with --journal",
                ) from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


def _read_users(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(f"cannot read the users in {path}: {reason}") from None
    users: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, password = line.partition(":")
        if not colon or not name:
            raise ConfigurationError(
                f"{path}, line {number}: not NAME:PASSWORD",
                hint="write passwords as they are: hashes of htpasswd are not understood",
            )
        users[name] = password
    return users


def _read_limits(texts: Sequence[str]) -> Limits:
    values: dict[str, Any] = {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in _LIMITS or not (number.isascii() and number.isdecimal()):
            raise ConfigurationError(
                f"--limit {text}: not NAME=N", hint=f"there are {', '.join(_LIMITS)}"
            )
        values[_LIMITS[name]] = int(number)
    return Limits(**values)


def _upstream(registry: str, stack: ExitStack, cancellation: Cancellation) -> Any:
    # Only a cache needs a client, whose import takes longer than all of the registry.
    from pyjib.oci.reference import Reference  # noqa: PLC0415
    from pyjib.registry.client import RegistryClient  # noqa: PLC0415
    from pyjib.serve.upstream import RegistryUpstream  # noqa: PLC0415

    host = Reference.parse(f"{registry}/any/thing:1").registry
    client = RegistryClient(RegistryOptions(), read_host(), cancellation=cancellation)
    return RegistryUpstream(stack.enter_context(client), host)
