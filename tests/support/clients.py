"""Registry clients for tests: no real waits, every event kept, no login but those given."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pyjib.cancellation import Cancellation
from pyjib.events import Event
from pyjib.options import HostEnvironment, Login, RegistryOptions
from pyjib.registry.client import RegistryClient

E = TypeVar("E", bound=Event)


class Watched:
    """A client with what it did: ``events``, and the ``waits`` in seconds that it skipped."""

    def __init__(
        self,
        *,
        login: tuple[str, str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        home: Path = Path("/nonexistent"),
        insecure: frozenset[str] = frozenset(),
        ca_file: Path | None = None,
        attempts: int = 5,
    ) -> None:
        self.events: list[Event] = []
        self.waits: list[float] = []
        self.cancellation = Cancellation()
        self.options = RegistryOptions(
            logins=(Login(registry=login[0], username=login[1], password=login[2]),)
            if login
            else (),
            insecure=insecure,
            ca_file=ca_file,
            attempts=attempts,
        )
        self.client = RegistryClient(
            self.options,
            HostEnvironment(variables=dict(variables or {}), home=home),
            listener=self.events.append,
            cancellation=self.cancellation,
            wait=self.waits.append,
        )

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


@contextmanager
def watched(
    *,
    login: tuple[str, str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    home: Path = Path("/nonexistent"),
    insecure: frozenset[str] = frozenset(),
    ca_file: Path | None = None,
    attempts: int = 5,
) -> Iterator[Watched]:
    """Yield a client to be closed at the end; ``login`` is registry, user and password."""
    result = Watched(
        login=login,
        variables=variables,
        home=home,
        insecure=insecure,
        ca_file=ca_file,
        attempts=attempts,
    )
    with result.client:
        yield result


def make_certificate(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for 127.0.0.1 and localhost that vouches for itself.

    Returns its file, and the context of a server that shows it.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pyjib test")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = directory / "certificate.pem", directory / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context
