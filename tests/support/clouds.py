"""Clouds' logins for tests: a machine of one's own, and the services of AWS by a scripted server."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

from pyjib.cancellation import Cancellation
from pyjib.events import Event
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.login.cloud.model import CloudTools
from pyjib.registry.login.credential import Credential, Search
from pyjib.registry.login.credentials import search_for
from pyjib.registry.net.urls import Url
from pyjib.registry.session import Session
from tests.support.scripted import Reply, Seen

NOON = 1_700_000_000
"""The time by the clocks of imitated services, which is long past for this machine."""


class Machine:
    """A machine with variables and a home; ``firmware`` is who made it."""

    def __init__(self, home: Path, root: str = "http://127.0.0.1:9") -> None:
        self.home = home
        self.root = root
        self.variables: dict[str, str] = {"PATH": str(home / "bin")}
        self.waits: list[float] = []
        self.cancellation = Cancellation()
        self.dmi = home / "dmi"
        self.dmi.mkdir()

    def made_by(self, file: str, maker: str) -> None:
        (self.dmi / file).write_text(f"{maker}\n")

    def search(self, registry: str, options: RegistryOptions | None = None) -> Search:
        """Look for a login, the clouds' own included."""
        host = HostEnvironment(variables=self.variables, home=self.home)
        events: list[Event] = []
        session = Session(
            options or RegistryOptions(),
            host,
            listener=events.append,
            cancellation=self.cancellation,
            wait=self.waits.append,
        )
        try:
            tools = CloudTools(
                host=host,
                ask=session.ask,
                once=session.once,
                root=lambda _: Url.parse(self.root),
                dmi=self.dmi,
                cancellation=self.cancellation,
            )
            return search_for(registry, options or RegistryOptions(), host, cloud=tools)
        finally:
            session.close()

    def login(self, registry: str) -> Credential:
        """Return the login that must be there."""
        search = self.search(registry)
        assert search.credential is not None, search.steps
        return search.credential

    def said(self, registry: str) -> str:
        """Return what the last source said of having no login."""
        search = self.search(registry)
        assert search.credential is None
        return search.steps[-1].said


def dated(reply: Reply, at: float = NOON) -> Reply:
    """Return the reply with a ``Date``."""
    headers = {**reply.headers, "Date": formatdate(at, usegmt=True)}
    return Reply(reply.status, headers, reply.body)


def is_signed(seen: Seen, secret: str, *, region: str, service: str) -> bool:
    """Tell whether a request has the signature that AWS would compute of it."""
    scheme, _, rest = (seen.authorization or "").partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    names = parts["SignedHeaders"].split(";")
    stamp = seen.headers["x-amz-date"]
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    lines = [f"{name}:{seen.headers[name]}\n" for name in names]
    body = hashlib.sha256(seen.body).hexdigest()
    request = f"{seen.method}\n{seen.target}\n\n{''.join(lines)}\n{';'.join(names)}\n{body}"
    digest = hashlib.sha256(request.encode()).hexdigest()
    key = ("AWS4" + secret).encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, f"{scheme}\n{stamp}\n{scope}\n{digest}".encode(), "sha256").hex()
    fresh = formatdate(NOON, usegmt=True) == seen_date(stamp)
    return fresh and parts["Credential"].endswith(f"/{scope}") and parts["Signature"] == signature


def seen_date(stamp: str) -> str:
    """Return a signature's time in the words of HTTP."""
    import datetime as dt  # noqa: PLC0415  here alone

    when = dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    return formatdate(when.timestamp(), usegmt=True)


@contextmanager
def helper_on_path(home: Path, name: str, script: str) -> Iterator[Path]:
    """Put a ``docker-credential-NAME`` on the machine's PATH; yield the file it may log to."""
    folder = home / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / f"docker-credential-{name}"
    program.write_text(script)
    program.chmod(0o755)
    try:
        yield home / f"{name}.log"
    finally:
        program.unlink()
