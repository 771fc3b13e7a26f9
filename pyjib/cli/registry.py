"""``pyjib registry``: ``serve`` and ``gc``."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import click

from pyjib.cancellation import Cancellation
from pyjib.cli import options as shared
from pyjib.cli import output as outputs
from pyjib.cli.command import Command, Group, Option
from pyjib.cli.interrupts import run_cancellable
from pyjib.cli.messages import say, tell, tell_of, visible
from pyjib.cli.registry_options import (
    PATH,
    SERVE,
    JournalFile,
    create_repositories,
    is_loopback,
    make_server,
)
from pyjib.cli.values import parse_amount
from pyjib.errors import CancelledError, ConfigurationError, DestinationError
from pyjib.serve import Exchange, Limits, RegistryServer

_HOUR = 3600.0
_SHOWN = 3


@click.group("registry", cls=Group)
def registry_group() -> None:
    """Run a registry of your own, for tests and for machines without a network."""


@registry_group.command(
    "serve",
    cls=Command,
    examples="""
# In memory, on any free port
pyjib registry serve --port 0

# On disk, in OCI layouts, one for each repository
pyjib registry serve --root ./images

# With TLS and logins, like Amazon ECR, and failing as a file says
pyjib registry serve --tls --users users.txt --quirks ecr --faults faults.yaml

# A cache in front of Docker Hub
pyjib registry serve --root ./cache --proxy docker.io
""",
    params=[*SERVE, outputs.QUIET, shared.DEBUG],
)
def serve_command(*, quiet: int, **given: Any) -> None:
    """Serve a registry (OCI Distribution 1.1) until Ctrl-C or SIGTERM.

    Its HOST:PORT is written to stdout when it is ready, and each request to stderr. Unless told
    otherwise nobody has to log in, and there is no TLS.
    """
    if not is_loopback(given["host"]) and given["users"] is None:
        tell_of(
            "warning",
            f"whoever reaches {given['host']} can pull from this registry"
            + ("" if given["read_only"] or given["proxy"] else ", push to it and delete"),
            "leave out --host to serve this machine alone, or let users log in with --users",
        )

    def serve(cancellation: Cancellation) -> None:
        with ExitStack() as stack:
            journal = stack.enter_context(JournalFile(given["journal"]))

            def watch(exchange: Exchange) -> None:
                journal.write(exchange)
                if not quiet:
                    tell(visible(str(exchange)))

            server = make_server(given, stack, watch, cancellation)
            stack.enter_context(server)
            create_repositories(server, given["repositories"])
            stack.enter_context(suppress(CancelledError))  # being stopped is how this ends
            if server.ca_file is not None:
                tell(f"certificate authority: {server.ca_file}")
            say(server.address)
            while True:
                cancellation.wait(_HOUR)

    run_cancellable(serve)


@registry_group.command(
    "gc",
    cls=Command,
    examples="""
# What no manifest names, and is older than an hour
pyjib registry gc --root ./images

# All of it: no push must be under way
pyjib registry gc --root ./images --grace 0
""",
    params=[
        Option(
            "--root",
            metavar="DIR",
            required=True,
            type=PATH,
            help="Where images are kept, as of 'pyjib registry serve --root'.",
        ),
        Option(
            "--grace",
            metavar="SECONDS",
            type=shared.Text("seconds", parse_amount),
            default=Limits().garbage_grace,
            help="How old a blob must be. Default: 3600, so that no push loses what it just "
            "brought.",
        ),
        shared.DEBUG,
    ],
)
def gc_command(root: Path, grace: float) -> None:
    """Delete blobs that no manifest names, and list them as REPOSITORY@DIGEST."""
    if not root.is_dir():
        raise ConfigurationError(
            f"--root {root}: there is no such directory",
            hint="name the one that 'pyjib registry serve --root' was given",
        )
    if not os.access(root, os.R_OK | os.X_OK):
        raise ConfigurationError(
            f"--root {root}: cannot read it: Permission denied",
            hint="run it as the user that the files belong to",
        )
    repositories = RegistryServer(root).repositories
    names = repositories.names()
    if not names:
        tell(f"there are no repositories in {root}")
    failed = []
    for name in names:
        try:
            for digest in repositories.collect_garbage(name, grace):
                say(f"{name}@{digest}")
        except OSError as error:
            failed.append(f"{name}: {error.strerror or error}")
    if failed:
        raise DestinationError(
            f"cannot delete in {root}: {', '.join(failed[:_SHOWN])}",
            hint="run it as the user that the files belong to",
        )
