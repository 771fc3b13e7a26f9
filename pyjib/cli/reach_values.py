"""From the texts of options on registries to values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyjib.cli import values as parse
from pyjib.errors import ConfigurationError
from pyjib.events import Warned
from pyjib.oci.reference import DOCKER_HUB
from pyjib.options import ClientCertificate, Mirror

_HUBS_SITE = "hub.docker.com"


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


def mirror_warnings(given: Mapping[str, Any]) -> Iterator[Warned]:
    """Yield a warning for a ``--mirror`` of Docker Hub's site, which no image is named after."""
    for mirror in given["mirror"]:
        if mirror.registry == _HUBS_SITE:
            yield Warned(
                message=f"--mirror {_HUBS_SITE}={mirror.location} has no effect: images of "
                f"Docker Hub are those of {DOCKER_HUB}",
                hint=f"write --mirror {DOCKER_HUB}={mirror.location}",
            )


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
            raise ConfigurationError(
                f"there is no file {file}", hint="name files that are there: HOST=CERTIFICATE[,KEY]"
            )
    return ClientCertificate(
        registry=parse.parse_registry(registry),
        certificate=Path(certificate),
        key=Path(key) if key else None,
    )
