"""Whether a base image's Java is new enough for the classes."""

from __future__ import annotations

from pyjib.errors import PlatformError
from pyjib.oci.image import Image
from pyjib.oci.location import EngineLocation, Location, RegistryLocation
from pyjib.patterns import late
from pyjib.plan.model import LONG_TERM_RELEASES, BuildPlan

# 17.0.9, jdk-17.0.9+9, 8u392, jdk8u392-b08, 1.8.0_392; java-17-openjdk, zulu17; 10.1-jdk17-temurin
_VERSION = late(r"(?:(?:openjdk|jdk|jre|java)-?)?(?:1\.(?=\d))?(\d{1,2})(?!\d)")
_HOME = late(r"(?:java|jdk|jre|openjdk|zulu)-?(?:1\.)?(\d{1,2})(?!\d)")
_MENTIONED = late(r"(?:java|open|openjdk|jdk|jre|temurin|corretto)-?(\d{1,2})(?!\d)")

_TAGGED_BY_JAVA = frozenset(
    {
        "adoptopenjdk",
        "amazoncorretto",
        "eclipse-temurin",
        "liberica-openjdk-alpine",
        "liberica-openjdk-debian",
        "liberica-openjre-alpine",
        "liberica-openjre-debian",
        "openjdk",
        "sapmachine",
        "zulu-openjdk",
        "zulu-openjdk-alpine",
    }
)
"""Repositories, by the last part of their path, whose tags start with the version of Java."""

_NAMED_BY_JAVA = late(r"(?:distroless/java|ubi\d+/openjdk-)(\d{1,2})(?:-|$)")
"""``distroless/java17-debian12``, ``ubi9/openjdk-17-runtime``."""

_TAGS_MENTION_JAVA = frozenset({"jetty", "tomcat", "tomee", "maven", "ibm-semeru-runtimes"})
"""Repositories with tags such as ``10.1-jdk17-temurin`` and ``open-17-jre``."""


def check_java_name(location: Location, java_version: int | None) -> None:
    """Refuse a base whose name already tells that its Java is older than the classes need.

    Nothing is downloaded; a name that says nothing passes. Raises ``PlatformError``.
    """
    found = java_of_name(location)
    if java_version is not None and found is not None and found < java_version:
        raise _too_old(str(location), found, java_version)


def check_java(base: Image, plan: BuildPlan) -> None:
    """Refuse a base whose config tells that its Java is older than the classes need.

    Believed are ``JAVA_VERSION``, a version in ``JAVA_HOME``, and Red Hat's label; a base that
    has none of them passes. Raises ``PlatformError``.
    """
    found = java_of_image(base)
    if plan.java_version is not None and found is not None and found < plan.java_version:
        raise _too_old(f"{plan.base} ({base.platform})", found, plan.java_version)


def java_of_name(location: Location) -> int | None:
    """Return the major version that a well-known base has by its name, ``None`` if not told."""
    if not isinstance(location, RegistryLocation | EngineLocation):
        return None
    reference = location.reference
    if named := _NAMED_BY_JAVA.search(reference.repository):
        return int(named[1])
    if reference.digest is not None or reference.tag is None:
        return None  # where there is a digest, the tag is decoration
    repository = reference.repository.rpartition("/")[2]
    if repository in _TAGGED_BY_JAVA:
        return _major(reference.tag)
    if repository in _TAGS_MENTION_JAVA:
        mentioned = _MENTIONED.search(reference.tag)
        return int(mentioned[1]) if mentioned else None
    return None


def java_of_image(base: Image) -> int | None:
    """Return the major version that an image's config tells of, ``None`` if it does not."""
    variables = base.config.environment
    if version := _major(variables.get("JAVA_VERSION", "")):
        return version
    if home := _HOME.search(variables.get("JAVA_HOME", "")):
        return int(home[1])
    labels = base.config.run.get("Labels")
    label = labels.get("org.jboss.product.openjdk.version") if isinstance(labels, dict) else None
    return _major(label) if isinstance(label, str) else None


def fitting_base(java_version: int) -> str:
    """Return the name of a base with a JRE that runs classes of this release."""
    release = next((known for known in LONG_TERM_RELEASES if known >= java_version), java_version)
    return f"eclipse-temurin:{release}-jre"


def _major(text: str) -> int | None:
    match = _VERSION.match(text.strip().lower())
    return int(match[1]) if match else None


def _too_old(base: str, found: int, needed: int) -> PlatformError:
    return PlatformError(
        f"the classes need Java {needed}, but base image {base} has Java {found}",
        hint=f"pass --from {fitting_base(needed)}, or compile for Java {found}",
    )
