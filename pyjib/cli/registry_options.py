"""The options of ``pyjib registry serve``, and the registry that they ask for."""

from __future__ import annotations

import ipaddress
import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any, Self

import click

from pyjib.cancellation import Cancellation
from pyjib.cli.command import Option
from pyjib.cli.environment import now, read_host
from pyjib.cli.messages import tell_of
from pyjib.cli.options import NamedPath, Text
from pyjib.cli.values import parse_amount, parse_count, parse_registry
from pyjib.errors import ConfigurationError, DestinationError, InvalidReferenceError
from pyjib.oci.reference import Reference
from pyjib.options import RegistryOptions
from pyjib.serve import PRESETS, Exchange, Limits, RegistryServer, Rules, read_faults
from pyjib.serve.documents import MAX_MANIFEST
from pyjib.serve.journal import Watcher
from pyjib.serve.names import is_name

PATH = NamedPath()
_HASHES = ("$2a$", "$2b$", "$2y$", "$apr1$", "$1$", "$5$", "$6$", "{SHA}")
"""What the hashes of passwords begin with that htpasswd and others write."""
_NEEDED = frozenset({"connections", "head", "body", "page"})
_SECONDS = frozenset({"session-idle", "head", "body", "garbage-every", "garbage-grace"})
_LONGEST = 1_000_000
_MOST = 1 << 60


def parse_address(text: str) -> str:
    """Parse an address to listen on, IPv6 with brackets or without."""
    address = text.removeprefix("[").removesuffix("]")
    if not address:
        raise ConfigurationError(
            "the address is empty", hint="write 0.0.0.0 for all that this machine has"
        )
    return address


def parse_origin(text: str) -> str:
    """Parse the registry that a cache is in front of."""
    host = parse_registry(text)
    try:
        understood = Reference.parse(f"{host}/any/thing:1").registry
    except InvalidReferenceError:
        understood = ""
    if understood != host:  # Docker Hub, for a word that could be one of its users
        raise ConfigurationError(
            f"{text!r} is not a registry's host", hint="write HOST:PORT, or a name with a dot in it"
        )
    return host


PATH = NamedPath()
_PLACE, _ACCESS, _TROUBLE = "Where and what", "Who may do what", "Trouble on purpose"
_LIMITS = {field.name.replace("_", "-"): field.name for field in fields(Limits)}

SERVE = [
    Option(
        "--root",
        section=_PLACE,
        metavar="DIR",
        type=PATH,
        help="Where images are kept, in an OCI layout for each repository; made if need be. "
        "Default: in memory, gone at the end.",
    ),
    Option(
        "--port",
        section=_PLACE,
        metavar="N",
        type=Text("number", partial(parse_count, least=0, most=65535)),
        default=5000,
        help="The port to listen on, 0 for any free one. Default: 5000.",
    ),
    Option(
        "--host",
        section=_PLACE,
        metavar="ADDRESS",
        type=Text("address", parse_address),
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
        type=Text("host", parse_origin),
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
        type=PATH,
        help="Who may log in: lines of NAME:PASSWORD, no hashes. Everybody else may do nothing.",
    ),
    Option(
        "--auth",
        section=_ACCESS,
        type=click.Choice(["basic", "token"]),
        help="How those of --users log in: with each request, or for a token. Default: basic, or "
        "as the quirks have it.",
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
        type=PATH,
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
        type=PATH,
        help="Append a line of JSON for each request to a file; no login is in it.",
    ),
]


def make_server(
    given: Mapping[str, Any], stack: ExitStack, watcher: Watcher, cancellation: Cancellation
) -> RegistryServer:
    """Return the registry, not started; what it needs is closed with ``stack``."""
    _check(given)
    return RegistryServer(
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


def create_repositories(server: RegistryServer, names: Sequence[str]) -> None:
    """Create empty repositories in a registry that is there."""
    for name in names:
        try:
            server.repositories.storage.create(name)
        except OSError as error:
            raise DestinationError(
                f"cannot create the repository {name} in {server.root}: {error.strerror or error}",
                hint="name another directory with --root",
            ) from None


def _check(given: Mapping[str, Any]) -> None:
    """Refuse what would be passed over in silence otherwise."""
    for name in given["repositories"]:
        if not is_name(name):
            raise ConfigurationError(
                f"--repository {name}: not a repository's name",
                hint="write words of a-z and 0-9, divided by slashes: --repository team/app",
            )
    root = given["root"]
    if given["read_only"] and root is not None and not root.is_dir():
        raise ConfigurationError(
            f"--root {root}: there is no such directory, and --read-only would make none",
            hint="name a directory that is there, or leave --read-only out",
        )
    if given["auth"] and given["users"] is None:
        raise ConfigurationError(
            f"--auth {given['auth']}: there is nobody to log in",
            hint="name a file of NAME:PASSWORD with --users",
        )
    auth = given["auth"] or (PRESETS[given["quirks"]].auth if given["quirks"] else None)
    if given["token_lifetime"] is not None and auth != "token":
        raise ConfigurationError(
            "--token-lifetime: there are no tokens", hint="ask for them with --auth token"
        )


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on is reached by this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class JournalFile:
    """Lines of JSON about exchanges, appended to a file; to nothing without a path."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file: FileIO | None = None
        self._complained = False

    def write(self, exchange: Exchange) -> None:
        """Write a line, at once: whoever watches the file sees what was.

        A line that cannot be written is missing; the first one is told of on stderr.
        """
        line = json.dumps({"time": str(now()), **exchange.to_json()}) + "\n"
        try:
            with self._lock:
                rest = memoryview(line.encode())
                while rest and self._file is not None:
                    rest = rest[self._file.write(rest) or 0 :]
        except OSError as error:
            if not self._complained:
                self._complained = True
                reason = f"cannot write the journal {self._path}: {error.strerror}"
                tell_of("warning", reason, "what is asked for meanwhile is not in it")

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._file = self._path.open("ab", buffering=0)
            except OSError as error:
                raise DestinationError(
                    f"cannot write the journal {self._path}: {error.strerror}",
                    hint="choose another file with --journal",
                ) from None
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            file, self._file = self._file, None
        if file is not None:
            file.close()


def _read_users(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(
            f"cannot read the users in {path}: {reason}",
            hint="name a file of NAME:PASSWORD with --users",
        ) from None
    users: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, password = line.partition(":")
        if not colon or not name or password.startswith(_HASHES):
            what = "a hash of a password" if colon and name else "not NAME:PASSWORD"
            raise ConfigurationError(
                f"{path}, line {number}: {what}",
                hint="write passwords as they are: hashes of htpasswd are not understood",
            )
        users[name] = password
    return users


def _read_limits(texts: Sequence[str]) -> Limits:
    values: dict[str, Any] = {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in _LIMITS:
            raise ConfigurationError(
                f"--limit {text}: no limit is called {name!r}",
                hint=f"there are {', '.join(_LIMITS)}",
            )
        if not (number.isascii() and number.isdecimal()):
            raise ConfigurationError(
                f"--limit {text}: {number!r} is no number", hint=f"write --limit {name}=N"
            )
        least = 1 if name in _NEEDED else 0
        most = _LONGEST if name in _SECONDS else MAX_MANIFEST if name == "manifest" else _MOST
        if not least <= int(number[:30]) <= most:
            raise ConfigurationError(
                f"--limit {text}: out of range", hint=f"{name} can be {least} to {most}"
            )
        values[_LIMITS[name]] = int(number)
    return Limits(**values)


def _upstream(registry: str, stack: ExitStack, cancellation: Cancellation) -> Any:
    # Only a cache needs a client, whose import takes longer than all of the registry.
    from pyjib.registry.client import RegistryClient  # noqa: PLC0415
    from pyjib.serve.upstream import RegistryUpstream  # noqa: PLC0415

    client = RegistryClient(RegistryOptions(), read_host(), cancellation=cancellation)
    return RegistryUpstream(stack.enter_context(client), registry)
