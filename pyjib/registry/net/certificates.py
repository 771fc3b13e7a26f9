"""Where certificates for one registry are found: by option, and in Docker's and Podman's folders.

A folder ``certs.d/HOST[:PORT]`` holds authorities to trust for that host (``*.crt``), and
certificates to show it (``NAME.cert`` with ``NAME.key``). All folders that are there count for
authorities; of certificates to show the first does. Of containerd's folders those count that
have no ``hosts.toml``, which says itself what is for whom.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pyjib.errors import ConfigurationError
from pyjib.frozen import frozen
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.presence import is_file, is_folder
from pyjib.registry.login.credential import names_of
from pyjib.registry.net.urls import Url

_MARK = b"-----BEGIN"
_LONGEST = 16 * 1024 * 1024


@frozen
class HostCertificates:
    """Authorities that are trusted besides the usual ones, and what is shown to the host.

    A ``key`` of ``None`` is in the certificate's own file.
    """

    authorities: tuple[Path, ...] = ()
    certificate: Path | None = None
    key: Path | None = None


def find_certificates(
    url: Url,
    options: RegistryOptions,
    host: HostEnvironment,
    further: HostCertificates | None = None,
) -> HostCertificates:
    """Return what is set up for a URL's host; raises ``ConfigurationError``.

    ``further`` is what another set-up has for it: its authorities count too, and what it shows
    if there is nothing else.
    """
    names = _names(url)
    certificate: Path | None = None
    key: Path | None = None
    for given in options.client_certificates:
        if given.registry.lower() in names:
            certificate, key = given.certificate, given.key
            break
    authorities: list[Path] = []
    for folder in _folders(names, host):
        files = _files(folder)
        authorities += [file for file in files if file.suffix == ".crt"]
        for file in files:
            if file.suffix == ".cert" and certificate is None:
                certificate, key = file, _key_of(file)
    if further is not None:
        authorities += further.authorities
        if certificate is None:
            certificate, key = further.certificate, further.key
    return HostCertificates(authorities=tuple(authorities), certificate=certificate, key=key)


def check_pem(path: Path, setting: str) -> None:
    """Raise ``ConfigurationError``, which names ``setting``, unless a file is text in PEM form."""
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST)
    except OSError as error:
        raise unusable(path, setting, error.strerror or str(error)) from None
    if _MARK not in data:
        raise unusable(path, setting, "no certificates in PEM form")


def unusable(path: Path | str, setting: str, reason: str) -> ConfigurationError:
    """Return the error for a file that ``setting`` names and that holds no certificates."""
    return ConfigurationError(
        f"cannot read certificates from {path}: {reason}",
        hint=f"{setting} takes a file of certificates that start with -----BEGIN CERTIFICATE-----",
    )


def _names(url: Url) -> tuple[str, ...]:
    """Return what folders and options may call a host: as in references, the port too."""
    plain = url.host.strip("[]")
    found = {url.authority, f"{url.host}:{url.port}", f"{plain}:{url.port}"}
    if url.authority == url.host:
        found |= {plain, *(name for name in names_of(url.host) if "/" not in name)}
    return tuple(sorted(found))


def _folders(names: tuple[str, ...], host: HostEnvironment) -> Iterator[Path]:
    config = host.get("XDG_CONFIG_HOME")
    own = Path(config) if config else host.home / ".config"
    parents = [own / "containers", own / "docker", host.home / ".docker"]
    if host.system is not None:
        parents += [host.system / "containers", host.system / "docker"]
    # A file's name on Windows has no colon: Docker leaves it out.
    plain = [name.replace(":", "") if os.name == "nt" else name for name in names]
    for parent in parents:
        for name in plain:
            yield parent / "certs.d" / name
    for parent in [own, host.system] if host.system is not None else [own]:
        for name in (*map(_in_containerds_words, names), *plain):
            folder = parent / "containerd" / "certs.d" / name
            if not is_file(folder / "hosts.toml"):
                yield folder


def _in_containerds_words(name: str) -> str:
    host, colon, port = name.rpartition(":")
    return f"{host}_{port}_" if colon and port.isdecimal() else name


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        if not is_folder(folder):  # a home that is another user's may be closed to us
            return []
        raise ConfigurationError(
            f"cannot read certificates from {folder}: {error.strerror}",
            hint="give its user the right to read the folder, or remove it",
        ) from None


def _key_of(certificate: Path) -> Path:
    key = certificate.with_suffix(".key")
    if not is_file(key):
        raise ConfigurationError(
            f"{certificate} has no key beside it: there is no file {key}",
            hint="a certificate to show a registry is NAME.cert and NAME.key; an authority to "
            "trust ends in .crt",
        )
    return key
