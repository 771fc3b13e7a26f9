"""``pyjib registry serve``."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from pathlib import Path

import click

from pyjib.cancellation import Cancellation
from pyjib.cli import options as shared
from pyjib.cli import output as outputs
from pyjib.cli.command import Command, Group, Option
from pyjib.cli.interrupts import run_cancellable
from pyjib.cli.messages import say, tell, tell_of, visible
from pyjib.errors import CancelledError
from pyjib.serve import Exchange, RegistryServer, Rules

_HOUR = 3600.0


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
""",
    params=[
        Option(
            "--root",
            metavar="DIR",
            type=click.Path(path_type=Path),
            help="Where images are kept, in an OCI layout for each repository. Default: in "
            "memory, gone at the end.",
        ),
        Option(
            "--port",
            metavar="N",
            type=click.IntRange(0, 65535),
            default=5000,
            help="The port to listen on, 0 for any free one. Default: 5000.",
        ),
        Option(
            "--host",
            metavar="ADDRESS",
            default="127.0.0.1",
            help="The address to listen on. Default: 127.0.0.1, which only this machine reaches.",
        ),
        Option("--read-only", is_flag=True, help="Refuse pushes and deletes."),
        outputs.QUIET,
        shared.DEBUG,
    ],
)
def serve_command(root: Path | None, port: int, host: str, *, read_only: bool, quiet: bool) -> None:
    """Serve a registry (OCI Distribution 1.1) until Ctrl-C.

    Its HOST:PORT is written to stdout when it is ready, and each request to stderr. Nobody has
    to log in, and there is no TLS.
    """
    if not _is_loopback(host):
        tell_of(
            "warning",
            f"whoever reaches {host} can pull from this registry"
            + ("" if read_only else ", push to it and delete"),
            "leave out --host to serve this machine alone",
        )

    def watch(exchange: Exchange) -> None:
        tell(visible(str(exchange)))

    def serve(cancellation: Cancellation) -> None:
        server = RegistryServer(
            root,
            host,
            port,
            rules=Rules(read_only=read_only),
            watcher=None if quiet else watch,
        )
        with server, suppress(CancelledError):  # being stopped is how this ends
            say(server.address)
            while True:
                cancellation.wait(_HOUR)

    run_cancellable(serve)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
