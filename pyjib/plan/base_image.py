"""The base image of those who name none, by the project's Java."""

from __future__ import annotations

from pyjib.errors import ConfigurationError
from pyjib.oci.identity import PYJIB, Identity
from pyjib.oci.location import Location, RegistryLocation
from pyjib.oci.reference import Reference
from pyjib.options import BuildOptions
from pyjib.plan.model import LONG_TERM_RELEASES
from pyjib.project.model import Project

_PLUGINS = frozenset({"jib-maven-plugin", "jib-gradle-plugin"})

UNKNOWN_JAVA = 21
"""Taken where no class tells a release, as in a project of nothing but libraries.

A base that is newer than need be runs old classes too; the newest of all is left to those whose
classes ask for it, for libraries take time to follow.
"""


# The newest release of Java that each Jib plugin had a default base for, and since when.
_NEWEST_JAVA = (((3, 5, 0), 25), ((3, 4, 2), 21), ((3, 2, 0), 17), ((0, 0, 0), 11))
_TEMURIN_SINCE = (3, 2, 0)


def java_release(project: Project, options: BuildOptions) -> int | None:
    """Return the Java release that decides on base and start, ``None`` if none is known.

    That is what the classes need; for Jib's identity, what the build files declare.
    """
    if options.identity.is_jib and project.declared_java is not None:
        return project.declared_java
    return project.java_version


def default_base(project: Project, options: BuildOptions) -> Location:
    """Return the caller's base, else a JRE for the project; raises ``ConfigurationError``."""
    return options.base or java_base(java_release(project, options), options.identity)


def java_base(java_version: int | None, identity: Identity = PYJIB) -> RegistryLocation:
    """Return Eclipse Temurin's JRE of the first long-term release that runs ``java_version``.

    Jib's plugins know no more releases than there were at their time, and before 3.2.0 took
    AdoptOpenJDK's; jib-cli, which refuses Java after 17 without need, is not followed in that.
    Raises ``ConfigurationError`` if there is none yet.
    """
    wanted = UNKNOWN_JAVA if java_version is None else java_version
    newest, name = LONG_TERM_RELEASES[-1], "eclipse-temurin"
    if identity.tool in _PLUGINS:
        newest = next(java for since, java in _NEWEST_JAVA if identity.release >= since)
        name = name if identity.release >= _TEMURIN_SINCE else "adoptopenjdk"
    for release in LONG_TERM_RELEASES:
        if wanted <= release <= newest:
            return _registry(f"{name}:{release}-jre")
    by_whom = f" of {identity.created_by}" if identity.is_jib else ""
    raise ConfigurationError(
        f"no default base image{by_whom} runs Java {wanted}, which the classes need",
        hint=f"name one with --from, for example --from eclipse-temurin:{wanted}-jre",
    )


def jetty_base() -> RegistryLocation:
    """Return the servlet container that wars run in: Docker's official Jetty image."""
    return _registry("jetty")


def _registry(name: str) -> RegistryLocation:
    return RegistryLocation(reference=Reference.parse(name))
