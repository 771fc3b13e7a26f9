"""An authority, a daemon's certificate for 127.0.0.1 and a client's, by Docker's file names."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_START = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_END = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def write_certificates(directory: Path) -> None:
    """Write ``ca.pem``, ``cert.pem`` and ``key.pem``, and ``server-cert.pem`` with its key."""
    directory.mkdir(parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _signed("authority", authority_key, None, authority_key)
    _write(directory / "ca.pem", authority, None)
    for prefix, name in (("", "client"), ("server-", "127.0.0.1")):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(name, key, authority, authority_key)
        _write(directory / f"{prefix}cert.pem", certificate, None)
        _write(directory / f"{prefix}key.pem", None, key)


def server_context(directory: Path) -> ssl.SSLContext:
    """Return what a daemon uses that takes nobody without a certificate of its authority's."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=directory / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(directory / "server-cert.pem", directory / "server-key.pem")
    return context


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_START)
        .not_valid_after(_END)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _write(
    path: Path, certificate: x509.Certificate | None, key: ec.EllipticCurvePrivateKey | None
) -> None:
    if certificate is not None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    if key is not None:
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
