"""The base image of those who name none, by the project's Java."""

from __future__ import annotations

from pyjib.errors import ConfigurationError
from pyjib.oci.location import RegistryLocation
from pyjib.oci.reference import Reference

LONG_TERM_RELEASES = (8, 11, 17, 21, 25)
"""The Java releases with a JRE image that Jib chooses among."""

UNKNOWN_JAVA = 21
"""Taken where no class tells a release, as in a project of nothing but libraries.

A base that is newer than need be runs old classes too; the newest of all is left to those whose
classes ask for it, for libraries take time to follow.
"""


def java_base(java_version: int | None) -> RegistryLocation:
    """Return Eclipse Temurin's JRE of the first long-term release that runs ``java_version``.

    Raises ``ConfigurationError`` if there is none yet.
    """
    wanted = UNKNOWN_JAVA if java_version is None else java_version
    for release in LONG_TERM_RELEASES:
        if wanted <= release:
            return _registry(f"eclipse-temurin:{release}-jre")
    raise ConfigurationError(
        f"no default base image runs Java {wanted}, which the classes need",
        hint=f"name one with --from, for example --from eclipse-temurin:{wanted}-jre",
    )


def jetty_base() -> RegistryLocation:
    """Return the servlet container that wars run in: Docker's official Jetty image."""
    return _registry("jetty")


def _registry(name: str) -> RegistryLocation:
    return RegistryLocation(reference=Reference.parse(name))
