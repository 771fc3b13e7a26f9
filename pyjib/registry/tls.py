"""Which certificates are trusted. Making a context costs 45 ms: only who needs one makes it."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx

from pyjib.errors import ConfigurationError
from pyjib.options import HostEnvironment


def verified(host: HostEnvironment, ca_file: Path | None) -> ssl.SSLContext:
    """Return a context that verifies servers.

    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` replace the bundled and the system's authorities;
    ``ca_file`` adds to whichever there are. Raises ``ConfigurationError`` naming a bad file.
    """
    bundle, folder = host.get("SSL_CERT_FILE"), host.get("SSL_CERT_DIR")
    if bundle or folder:
        try:
            context = ssl.create_default_context(cafile=bundle, capath=folder)
        except OSError as error:
            raise _unreadable(bundle or folder or "", "SSL_CERT_FILE or _DIR", error) from None
    else:
        context = httpx.create_ssl_context(trust_env=False)
        context.load_default_certs()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            raise _unreadable(str(ca_file), "--ca-file", error) from None
    return context


def unverified() -> ssl.SSLContext:
    """Return a context that takes any certificate, for hosts listed as insecure."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def untrusting() -> ssl.SSLContext:
    """Return a context that trusts nobody, for transports that only speak plain HTTP."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _unreadable(path: str, setting: str, error: OSError) -> ConfigurationError:
    reason = error.strerror or "no certificates in PEM form"
    return ConfigurationError(
        f"cannot read certificates from {path}: {reason}",
        hint=f"{setting} takes a file of certificates that start with -----BEGIN CERTIFICATE-----",
    )
