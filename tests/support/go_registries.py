"""Real registries that the client suite runs against, started by the run and gone at its end.

A ``Kind`` is a registry program with what it is known to do; ``Registries`` starts one in a
``Mode`` (open, with TLS, with htpasswd, with tokens) when it is first asked for. Nothing listens
anywhere but on loopback. The embedded registry is one of the kinds.
"""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

import pytest

from pyjib.serve import RegistryServer
from tests.support.daemons import free_port, running
from tests.support.go_modules import CRANE, DISTRIBUTION, OCIREGISTRY, OLAREG, GoProgram
from tests.support.go_programs import GoPrograms
from tests.support.programs import require
from tests.support.tls import Authority, Pair
from tests.support.token_server import TokenServer

USERS = {"anna": "secret", "ben": "secret"}
# The bcrypt hash of "secret".
_HASH = "$2a$04$iNb3vHP1e0jXQcXlWOakdeOz4JerScamZ5fe2Q9JScULJhjf9hqK."


def allowed(user: str | None, repository: str, action: str) -> bool:
    """Tell what tokens allow: Anna everything but what is closed, Ben to pull that too.

    Who has not logged in may pull what is public.
    """
    if user == "anna":
        return not repository.startswith("closed/")
    if user == "ben":
        return action == "pull"
    return action == "pull" and repository.startswith("public/")


class Mode(StrEnum):
    """How a registry is set up."""

    OPEN = "open"
    TLS = "TLS"
    BASIC = "htpasswd"
    TOKEN = "tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A registry program and what it does; what is not told here, all of them do.

    ``tokens`` is how its tokens name their key. ``pages``: it gives no more tags than are asked for.
    ``open_ranges``: it can begin a blob anywhere; ``knows_repositories``: it tells one without
    anything from one that is not there; ``knows_blobs``: to delete one that is not there is 404.
    """

    name: str
    program: GoProgram | str | None
    family: Literal["embedded", "distribution", "olareg", "crane", "ociregistry"]
    modes: frozenset[Mode]
    tokens: Literal["x5c", "kid"] = "x5c"
    referrers: bool = True
    mounts: bool = True
    pages: bool = True
    deletes_tags: bool = True
    open_ranges: bool = True
    knows_repositories: bool = True
    knows_blobs: bool = True

    def __str__(self) -> str:
        return self.name


KINDS = (
    Kind(name="embedded", program=None, family="embedded", modes=frozenset(Mode)),
    Kind(
        name="distribution-2.8",
        program="docker-registry",
        family="distribution",
        modes=frozenset(Mode),
        tokens="kid",
        referrers=False,
        pages=False,
        deletes_tags=False,
    ),
    Kind(
        name="distribution-3",
        program=DISTRIBUTION,
        family="distribution",
        modes=frozenset(Mode),
        referrers=False,
    ),
    Kind(
        name="olareg",
        program=OLAREG,
        family="olareg",
        modes=frozenset({Mode.OPEN, Mode.TLS}),
        knows_repositories=False,
    ),
    Kind(
        name="crane",
        program=CRANE,
        family="crane",
        modes=frozenset({Mode.OPEN}),
        referrers=False,
        mounts=False,
        open_ranges=False,
        knows_blobs=False,
    ),
    Kind(
        name="ociregistry",
        program=OCIREGISTRY,
        family="ociregistry",
        modes=frozenset({Mode.OPEN, Mode.TLS}),
    ),
)


def kinds(mode: Mode, *, tokens_apart: bool = False) -> list[Any]:
    """Return the kinds that have a mode, as parameters of a test.

    With ``tokens_apart`` only those whose tokens come from a ``TokenServer``.
    """
    return [
        pytest.param(kind, id=kind.name, marks=[pytest.mark.peers] if kind.program else [])
        for kind in KINDS
        if mode in kind.modes and not (tokens_apart and kind.program is None)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """A running registry at ``address``; ``ca_file`` vouches for it if it speaks TLS.

    ``tokens`` is its token server if that is one of ours.
    """

    kind: Kind
    address: str
    ca_file: Path | None = None
    tokens: TokenServer | None = None


@dataclass(slots=True)
class Registries:
    """Starts registries below a directory, each kind once in each mode; to be closed."""

    programs: GoPrograms
    directory: Path
    _stack: ExitStack = field(default_factory=ExitStack)
    _started: dict[tuple[str, Mode], Real] = field(default_factory=dict)

    def get(self, kind: Kind, mode: Mode) -> Real:
        """Return a registry; skip the test, or fail it, where its program is missing."""
        key = kind.name, mode
        if key not in self._started:
            self._started[key] = self._start(kind, mode)
        return self._started[key]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self, kind: Kind, mode: Mode) -> Real:
        program = self._program(kind)
        directory = self.directory / f"{kind.name}-{mode.name.lower()}"
        directory.mkdir()
        authority = Authority(directory) if mode is Mode.TLS else None
        pair = authority.sign() if authority else None
        ca_file = authority.certificate if authority else None
        if program is None:
            address = self._embedded(directory, mode, authority, pair)
            return Real(kind=kind, address=address, ca_file=ca_file)
        tokens = None
        if mode is Mode.TOKEN:
            tokens = TokenServer(directory, USERS, allowed, kind.tokens)
            self._stack.enter_context(tokens)
        address = f"127.0.0.1:{free_port()}"
        if kind.family == "distribution":
            command = _distribution(address, directory, mode, pair, tokens)
        elif kind.family == "olareg":
            command = _olareg(address, directory, pair)
        elif kind.family == "ociregistry":
            command = [address, *((pair.certificate, pair.key) if pair else ())]
        else:
            command = ["registry", "serve", "--address", address]
        daemon = running(
            kind.name,
            [program, *command],
            log=directory / "log",
            ready=lambda: _listens(address),
            environment={"OTEL_TRACES_EXPORTER": "none", "HOME": str(directory)},
        )
        self._stack.enter_context(daemon)
        return Real(kind=kind, address=address, ca_file=ca_file, tokens=tokens)

    def _program(self, kind: Kind) -> Path | None:
        if isinstance(kind.program, GoProgram):
            return self.programs.find(kind.program)
        return require(kind.program) if kind.program else None

    def _embedded(
        self, directory: Path, mode: Mode, authority: Authority | None, pair: Pair | None
    ) -> str:
        options: dict[str, Any] = {}
        if authority is not None and pair is not None:
            options = {"tls": authority.serve(pair)}
        elif mode is Mode.BASIC:
            options = {"users": USERS}
        elif mode is Mode.TOKEN:
            options = {"users": USERS, "auth": "token", "policy": allowed}
        server = RegistryServer(directory / "registry", **options)
        return self._stack.enter_context(server).address


def _distribution(
    address: str, directory: Path, mode: Mode, pair: Pair | None, tokens: TokenServer | None
) -> list[str | Path]:
    http: dict[str, Any] = {"addr": address}
    if pair is not None:
        http["tls"] = {"certificate": str(pair.certificate), "key": str(pair.key)}
    storage = {
        "filesystem": {"rootdirectory": str(directory / "registry")},
        "delete": {"enabled": True},
    }
    configuration: dict[str, Any] = {"version": 0.1, "storage": storage, "http": http}
    if mode is Mode.BASIC:
        users = directory / "htpasswd"
        users.write_text("".join(f"{user}:{_HASH}\n" for user in USERS))
        configuration["auth"] = {"htpasswd": {"realm": "registry", "path": str(users)}}
    if tokens is not None:
        configuration["auth"] = tokens.settings
    config = directory / "registry.yml"
    config.write_text(json.dumps(configuration))  # JSON is YAML too
    return ["serve", config]


def _olareg(address: str, directory: Path, pair: Pair | None) -> list[str | Path]:
    host, _, port = address.partition(":")
    tls: list[str | Path] = []
    if pair is not None:
        tls = ["--tls-cert", pair.certificate, "--tls-key", pair.key]
    where: list[str | Path] = ["--addr", host, "--port", port, "--dir", directory / "registry"]
    return ["serve", *where, "--api-delete", "--api-blob-delete", *tls]


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            return True
    except OSError:
        return False
