"""Before the first stage: what a project's own configuration of Jib makes of a caller's options.

The sentence of ``pyjib.build`` begins with options. Where the project at a path configures Jib,
those are the caller's over the configured ones, and the project is what Maven would build.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from pyjib.errors import ConfigurationError, ProjectError
from pyjib.events import Warned
from pyjib.jib.configuration import JibOutputPaths
from pyjib.jib.global_config import read_global_config
from pyjib.jib.pom import find_plugin, read_pom
from pyjib.jib.to_options import Given, to_options
from pyjib.oci.identity import PYJIB
from pyjib.options import BuildOptions, Login
from pyjib.project.maven.command_line import Arguments
from pyjib.project.maven.project import POM, MavenProject, open_maven_project
from pyjib.project.maven.reactor import MavenScope
from pyjib.project.maven.secrets import Secrets
from pyjib.project.model import AppArchive, Project
from pyjib.project.read import read_project

_MENTION = b"jib-maven-plugin"


@dataclass(frozen=True, slots=True, kw_only=True)
class MavenChoice:
    """How Maven would be called: its arguments, where, and for which execution of Jib's plugin.

    ``execution`` ``None`` is what ``mvn jib:build`` takes. ``cwd`` is where relative paths in
    properties start.
    """

    arguments: Arguments = field(default_factory=Arguments)
    scope: MavenScope = MavenScope.REACTOR
    execution: str | None = None
    cwd: Path = Path()


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What is to be built.

    ``read`` reads the project, ``None`` leaves that to its path. ``source`` says in words what
    configuration was found, ``None`` if there is none; ``outputs`` and ``skipped`` come from it.
    """

    options: BuildOptions
    read: Callable[[], Project | AppArchive] | None = None
    source: str | None = None
    outputs: JibOutputPaths | None = None
    skipped: str | None = None
    warnings: tuple[Warned, ...] = ()


def configure(path: Path, given: Given, maven: MavenChoice | None = None) -> Configured:
    """Return what the caller's options and the project's configuration of Jib come to.

    Only a directory with a ``pom.xml`` can have one. Raises ``ConfigurationError`` for values
    that Jib refuses, and for targets without a name where nothing names them; ``ProjectError``
    if a POM that has to do with Jib cannot be worked out.
    """
    maven = maven or MavenChoice()
    project = _open(path, given, maven)
    if project is None or find_plugin(project.model) is None:
        return _unconfigured(path, given, maven, project)
    configuration = read_pom(
        project.model,
        user=project.session.user_properties,
        system=project.session.system_properties,
        execution=maven.execution,
        cwd=maven.cwd,
    )
    assert configuration is not None  # noqa: S101  the plugin is there
    servers = _Servers(project)
    built = to_options(configuration, project.model, replace(given, find_server=servers.find))
    mirrors = read_global_config(given.options.host, configuration.config_directory).warnings
    return Configured(
        options=built.options,
        read=project.read,
        source=f"jib-maven-plugin {configuration.version or ''}".rstrip() + f" in {path / POM}",
        outputs=built.outputs,
        skipped=built.skipped,
        warnings=(*built.warnings, *servers.warnings, *mirrors),
    )


def _open(path: Path, given: Given, maven: MavenChoice) -> MavenProject | None:
    """Work out the POM's model; where nothing in it speaks of Jib, failing is not our business."""
    pom = path / POM
    if not path.is_dir() or not pom.is_file():
        return None
    try:
        return open_maven_project(
            path, host=given.options.host, arguments=maven.arguments, scope=maven.scope
        )
    except ProjectError:
        if _MENTION in pom.read_bytes():
            raise
        return None


def _unconfigured(
    path: Path, given: Given, maven: MavenChoice, project: MavenProject | None
) -> Configured:
    if given.unnamed:
        raise ConfigurationError(
            f"{given.unnamed[0]} names no target, and {path} has no configuration of Jib that does",
            hint=f"write a name, for example {given.unnamed[0]}NAME",
        )
    if maven.execution is not None:
        raise ConfigurationError(
            f"there is no execution {maven.execution!r}: {path} does not configure Jib",
            hint="leave --jib-execution out",
        )
    identity = PYJIB if given.identity is None else given.identity(None)
    options = replace(given.options, identity=identity)
    if project is None:
        return Configured(options=options)
    if identity.is_jib:
        return Configured(options=options, read=project.read)
    read = partial(
        read_project, path, mode=options.mode, host=options.host, maven=project
    )  # the pom is worked out once
    return Configured(options=options, read=read)


class _Servers:
    """The logins of settings.xml, opened when they are asked for."""

    def __init__(self, project: MavenProject) -> None:
        self._settings = project.session.settings
        self._secrets = Secrets(project.session.security_file)
        self.warnings: list[Warned] = []

    def find(self, name: str) -> Login | None:
        """Return the login of a ``<server>``; one that cannot be opened is passed over."""
        server = self._settings.server(name)
        if server is None or not server.username or not server.password:
            return None
        try:
            password = self._secrets.open(server.password, owner=f"server {name}")
        except ConfigurationError as error:
            self.warnings.append(
                Warned(
                    message=f"the login of server {name} in settings.xml is not used: "
                    f"{error.message}",
                    hint=error.hint,
                )
            )
            return None
        return Login(registry=name, username=server.username, password=password)
