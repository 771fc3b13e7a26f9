"""A certificate for a registry of one's own, and the authority that vouches for it.

Made anew for each start and trusted by nobody who was not given ``ca.pem``. Nothing here needs a
clock: the certificates are good from 2020 to 2099.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )
    from cryptography.x509 import Certificate, GeneralName, KeyUsage

_FROM = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_UNTIL = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)


def make_certificate(directory: Path, *hosts: str) -> tuple[Path, ssl.SSLContext]:
    """Write ``ca.pem``, ``server.pem`` and ``server-key.pem`` into a directory.

    The server's certificate is for ``localhost``, the loopback addresses and ``hosts``. Returns
    the path of ``ca.pem``, and the context of a server that shows the certificate.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  seldom needed
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  and slow to import

    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("pyjib registry's own authority", ca_key.public_key(), ca_key)
    server = _certificate("pyjib registry", key.public_key(), ca_key, authority, hosts)
    pem = serialization.Encoding.PEM
    paths = [directory / name for name in ("ca.pem", "server.pem", "server-key.pem")]
    paths[0].write_bytes(authority.public_bytes(pem))
    paths[1].write_bytes(server.public_bytes(pem))
    paths[2].touch(mode=0o600)
    paths[2].write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paths[1], paths[2])
    return paths[0], context


def _certificate(
    name: str,
    public: EllipticCurvePublicKey,
    signer: EllipticCurvePrivateKey,
    issuer: Certificate | None = None,
    hosts: tuple[str, ...] = (),
) -> Certificate:
    """Return a certificate: an authority's if it has no issuer, else a server's."""
    from cryptography import x509  # noqa: PLC0415  as above
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  as above
    from cryptography.x509.oid import NameOID  # noqa: PLC0415  as above

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by = signer.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(_usage(authority=issuer is None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by), critical=False)
    )
    if issuer is not None:
        names = x509.SubjectAlternativeName(_names(hosts))
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _usage(*, authority: bool) -> KeyUsage:
    from cryptography import x509  # noqa: PLC0415  as above

    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _names(hosts: tuple[str, ...]) -> list[GeneralName]:
    from cryptography import x509  # noqa: PLC0415  as above

    found: list[GeneralName] = []
    for host in dict.fromkeys(("localhost", "127.0.0.1", "::1", *hosts)):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            found.append(x509.DNSName(host))
    return found
