"""Locations: where an image lies or goes, in the words of the command line.

=====================  =============================================
``NAME`` or
``registry://NAME``    a registry
``docker://NAME``      a Docker or Podman daemon
``tar://FILE``         an archive that ``docker load`` takes
``oci://DIR[:TAG]``    a directory in the OCI image layout
``scratch``            nothing: the empty base
=====================  =============================================
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from pyjib.errors import ConfigurationError, InvalidReferenceError
from pyjib.frozen import frozen
from pyjib.oci.reference import Reference, hide_login


@frozen
class RegistryLocation:
    """An image in a registry."""

    reference: Reference

    def __str__(self) -> str:
        return str(self.reference)


@frozen
class EngineLocation:
    """An image in a daemon's own store."""

    reference: Reference

    def __str__(self) -> str:
        return f"docker://{self.reference.familiar}"


@frozen
class ArchiveLocation:
    """An image in a tar file."""

    path: Path

    def __str__(self) -> str:
        return f"tar://{self.path}"


@frozen
class LayoutLocation:
    """An image in an OCI layout; ``tag`` is its ``org.opencontainers.image.ref.name``."""

    path: Path
    tag: str | None = None

    def __str__(self) -> str:
        return f"oci://{self.path}" + (f":{self.tag}" if self.tag else "")


@frozen
class Scratch:
    """The empty base image."""

    def __str__(self) -> str:
        return "scratch"


Location: TypeAlias = RegistryLocation | EngineLocation | ArchiveLocation | LayoutLocation | Scratch


def parse_location(text: str) -> Location:
    """Parse any of the forms above; raises ``ConfigurationError`` or ``InvalidReferenceError``.

    Relative paths stay relative to the working directory.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        return Scratch() if text == "scratch" else _registry(text)
    if not rest:
        raise ConfigurationError(f"nothing after {scheme[:40]}:// in {text[:300]!r}")
    match scheme:
        case "registry":
            return _registry(rest)
        case "docker":
            return EngineLocation(reference=Reference.parse(rest))
        case "tar":
            return ArchiveLocation(path=Path(rest))
        case "oci":
            return _layout(rest)
    if scheme in ("http", "https"):
        return _registry(text)  # for the error that tells how to write it
    raise ConfigurationError(
        f"unknown kind of image location {scheme[:40]}:// in {hide_login(text)[:300]!r}",
        hint="use NAME, registry://NAME, docker://NAME, tar://FILE or oci://DIR",
    )


def _registry(text: str) -> RegistryLocation:
    try:
        return RegistryLocation(reference=Reference.parse(text))
    except InvalidReferenceError as error:
        if not text.startswith((".", "/", "~", "tar:", "oci:")):
            raise
        hint = "a file is written tar://FILE, and an OCI layout oci://DIR"
        raise InvalidReferenceError(error.message, hint=hint) from None


def _layout(rest: str) -> LayoutLocation:
    # A colon after the last separator starts a tag, but for a drive letter as in C:\images.
    head, colon, tail = rest.rpartition(":")
    if colon and len(head) > 1 and tail and not set(tail) & set("/\\"):
        return LayoutLocation(path=Path(head), tag=tail)
    return LayoutLocation(path=Path(rest))
