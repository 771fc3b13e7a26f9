"""What a pom or a Gradle build configures for Jib, in Jib's own words.

Specification: ``jib-plugins-and-cli`` §1.4.

Values are as they were written, for nothing is judged here but what has no form at all.
``None`` is not configured. That an empty list can be configured matters to ``args``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.oci.identity import JIB_MAVEN_PLUGIN
from pyjib.project.maven.model import Node

Pairs = tuple[tuple[str, str], ...]


class BuiltModule(Protocol):
    """What Jib's configuration needs to know of the project that it is for.

    ``file`` is what configures it: a POM, a build script. ``packaging`` is in Maven's words.
    """

    @property
    def group(self) -> str: ...  # noqa: D102
    @property
    def artifact(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def packaging(self) -> str: ...  # noqa: D102
    @property
    def file(self) -> Path: ...  # noqa: D102
    @property
    def basedir(self) -> Path: ...  # noqa: D102
    @property
    def build_directory(self) -> Path: ...  # noqa: D102


@frozen
class JibAuth:
    """A user name and a password, both given; neither is shown in ``repr``.

    ``by_user`` tells that the user gave them for this very build, not the POM for every one.
    """

    username: str = field(repr=False)
    password: str = field(repr=False)
    by_user: bool = False


@frozen
class JibHelper:
    """A credential helper: its path, or what follows ``docker-credential-`` in its name."""

    helper: str
    environment: Pairs = field(default=(), repr=False)


@frozen
class JibPlatform:
    """A platform; Jib wants both words."""

    os: str | None
    architecture: str | None


@frozen
class JibDirectory:
    """One of ``extraDirectories.paths``; ``source`` is ``None`` where it was left out."""

    source: Path | None
    into: str = "/"
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@frozen
class JibPermission:
    """One of ``extraDirectories.permissions``; Jib wants both words."""

    file: str | None
    mode: str | None


@frozen
class JibExtension:
    """One of ``pluginExtensions``: a class of Java, and what is said to it.

    ``is_configured`` tells that it has a configuration of which nothing else is known.
    """

    implementation: str
    properties: Pairs = ()
    configuration: Node | None = None
    is_configured: bool = False


@frozen
class JibOutputPaths:
    """Where Jib writes what it made, absolute (``outputPaths``)."""

    tar: Path
    digest: Path
    image_id: Path
    image_json: Path


@frozen
class JibConfiguration:
    """All that is configured for one of Jib's plugins.

    ``plugin`` is its name and ``version`` its version; ``has_plugin_dependencies`` tells whether
    it was given libraries, without which it finds no extensions. ``origins`` tells by dotted name of a
    parameter where its value comes from, for messages; ``warnings`` are for the user.
    """

    plugin: str = JIB_MAVEN_PLUGIN
    version: str | None = None
    from_image: str | None = None
    from_platforms: tuple[JibPlatform, ...] | None = None
    from_auth: JibAuth | None = None
    from_cred_helper: JibHelper | None = None
    to_image: str | None = None
    to_tags: tuple[str, ...] | None = None
    to_auth: JibAuth | None = None
    to_cred_helper: JibHelper | None = None
    app_root: str | None = None
    args: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    jvm_flags: tuple[str, ...] | None = None
    extra_classpath: tuple[str, ...] | None = None
    main_class: str | None = None
    expand_classpath_dependencies: bool | None = None
    environment: Pairs | None = None
    labels: Pairs | None = None
    ports: tuple[str, ...] | None = None
    volumes: tuple[str, ...] | None = None
    user: str | None = None
    working_directory: str | None = None
    format: str | None = None
    creation_time: str | None = None
    files_modification_time: str | None = None
    containerizing_mode: str | None = None
    extra_directories: tuple[JibDirectory, ...] | None = None
    permissions: tuple[JibPermission, ...] | None = None
    output_paths: JibOutputPaths | None = None
    docker_executable: str | None = None
    docker_environment: Pairs | None = None
    allow_insecure_registries: bool | None = None
    skip: bool | None = None
    containerize: str | None = None
    plugin_extensions: tuple[JibExtension, ...] = ()
    has_plugin_dependencies: bool = False
    sync_excludes: tuple[Path, ...] = ()
    required_version: str | None = None
    config_directory: str | None = None
    send_credentials_over_http: bool = False
    origins: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}), compare=False, repr=False
    )
    warnings: tuple[Warned, ...] = field(default=(), compare=False)

    def origin(self, name: str) -> str:
        """Return where a parameter's value comes from, in words for a message."""
        return self.origins.get(name, f"jib's {name}")
