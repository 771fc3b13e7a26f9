"""Which certificates are trusted. Making a context costs 45 ms: only who needs one makes it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import httpcore

from pyjib.errors import ConfigurationError
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.net.certificates import HostCertificates, find_certificates, unusable
from pyjib.registry.net.urls import Url


class Contexts:
    """Makes contexts when they are first needed, one for all hosts that nothing is set up for.

    ``further`` tells what this machine is set up with besides folders of certificates.
    """

    def __init__(
        self,
        options: RegistryOptions,
        host: HostEnvironment,
        further: Callable[[Url], HostCertificates | None],
    ) -> None:
        self._further = further
        self._options = options
        self._host = host
        self._lock = Lock()
        self._found: dict[tuple[str, int], HostCertificates] = {}
        self._made: dict[tuple[HostCertificates, bool], ssl.SSLContext] = {}

    def of(self, url: Url, *, verify: bool) -> ssl.SSLContext:
        """Return the context for a URL's host; without ``verify`` any certificate will do.

        Raises ``ConfigurationError`` naming a file that cannot be used.
        """
        with self._lock:
            place = url.host, url.port
            certificates = self._found.get(place)
            if certificates is None:
                certificates = find_certificates(url, self._options, self._host, self._further(url))
                self._found[place] = certificates
            if not verify:
                certificates = HostCertificates(
                    certificate=certificates.certificate, key=certificates.key
                )
            context = self._made.get((certificates, verify))
            if context is None:
                context = self._make(certificates) if verify else _unverified()
                _load_own(context, certificates)
                self._made[certificates, verify] = context
            return context

    def _make(self, certificates: HostCertificates) -> ssl.SSLContext:
        context = verified(self._host, self._options.ca_file)
        for path in certificates.authorities:
            _trust(context, path, f"the folder {path.parent}")
        return context


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
        context = httpcore.default_ssl_context()
    if ca_file is not None:
        _trust(context, ca_file, "--ca-file")
    return context


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _trust(context: ssl.SSLContext, path: Path, setting: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except OSError as error:
        raise _unreadable(str(path), setting, error) from None


def _load_own(context: ssl.SSLContext, certificates: HostCertificates) -> None:
    """Load what is shown to the host. A key behind a password cannot be used: nobody is asked."""
    if certificates.certificate is None:
        return
    certificate, key = certificates.certificate, certificates.key
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        reason = (error.reason or "no certificate and key in PEM form").replace("_", " ").lower()
    except ValueError:
        reason = "the key is behind a password"
    except OSError as error:
        reason = error.strerror or str(error)
    else:
        return
    files = str(certificate) if key is None else f"{certificate} with the key {key}"
    raise ConfigurationError(
        f"cannot show the certificate {files}: {reason}",
        hint="write --client-cert HOST=CERTIFICATE,KEY, both files in PEM form and without a "
        "password, or the same as NAME.cert and NAME.key in certs.d/HOST",
    )


def _no_password() -> str:
    raise ValueError


def _unreadable(path: str, setting: str, error: OSError) -> ConfigurationError:
    own = None if isinstance(error, ssl.SSLError) else error.strerror
    return unusable(path, setting, own or "no certificates in PEM form")
