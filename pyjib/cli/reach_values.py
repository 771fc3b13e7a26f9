"""From the texts of options on registries to values."""

from __future__ import annotations

from pathlib import Path

from pyjib.cli import values as parse
from pyjib.errors import ConfigurationError
from pyjib.options import ClientCertificate, Mirror


def parse_mirror(text: str) -> Mirror:
    """Parse ``HOST=MIRROR``; the mirror may have a path. Raises ``ConfigurationError``."""
    registry, equals, location = text.partition("=")
    place, _, path = location.partition("/")
    if not equals or not place or "//" in location:
        raise ConfigurationError(
            f"{text!r} is not HOST=MIRROR",
            hint="write for example docker.io=mirror.example.com or "
            "docker.io=registry.example.com/hub, without http://",
        )
    path = path.strip("/")
    mirror = f"{parse.parse_host(place)}/{path}" if path else parse.parse_host(place)
    return Mirror(registry=parse.parse_registry(registry), location=mirror)


def parse_client_certificate(text: str) -> ClientCertificate:
    """Parse ``HOST=CERTIFICATE[,KEY]``. Raises ``ConfigurationError``, also for a missing file."""
    registry, equals, files = text.partition("=")
    certificate, comma, key = files.partition(",")
    if not equals or not certificate or (comma and not key):
        raise ConfigurationError(
            f"{text!r} is not HOST=CERTIFICATE[,KEY]",
            hint="write for example registry.example.com=client.pem,client-key.pem",
        )
    for file in filter(None, (certificate, key)):
        if not Path(file).is_file():
            raise ConfigurationError(f"there is no file {file}")
    return ClientCertificate(
        registry=parse.parse_registry(registry),
        certificate=Path(certificate),
        key=Path(key) if key else None,
    )
