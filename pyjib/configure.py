"""Before the first stage: what a project's own configuration of Jib makes of a caller's options.

The sentence of ``pyjib.build`` begins with options. Where the project at a path configures Jib,
those are the caller's over the configured ones, and the project is what Maven would build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pyjib.cancellation import Cancellation
from pyjib.errors import ConfigurationError, ProjectError
from pyjib.events import Listener, Warned, ignore
from pyjib.frozen import frozen
from pyjib.jib.configuration import BuiltModule, JibConfiguration, JibOutputPaths
from pyjib.jib.global_config import read_global_config
from pyjib.jib.to_options import Given, to_options
from pyjib.maven_choice import Found, MavenChoice, Opener, Servers
from pyjib.maven_kept import KeptProjects
from pyjib.oci.identity import PYJIB
from pyjib.options import BuildOptions, Login
from pyjib.project.maven.worked_out import POM
from pyjib.project.model import AppArchive, Project, unreadable

if TYPE_CHECKING:
    from pyjib.project.gradle import JibMention

__all__ = ["Configured", "MavenChoice", "configure"]


@frozen
class Configured:
    """What is to be built.

    ``path`` is where the project lies, ``None`` for where the caller said. ``read`` reads it,
    ``None`` leaves that to its path. ``source`` says in words what
    configuration was found, ``None`` if there is none; ``outputs`` and ``skipped`` come from it.
    ``configuration`` is that, and ``module`` what it is for. ``cancellation`` ends what ``read``
    does.
    """

    options: BuildOptions
    path: Path | None = None
    read: Callable[[], Project | AppArchive] | None = None
    source: str | None = None
    outputs: JibOutputPaths | None = None
    skipped: str | None = None
    configuration: JibConfiguration | None = None
    module: BuiltModule | None = None
    warnings: tuple[Warned, ...] = ()
    cancellation: Cancellation | None = None


def configure(
    path: Path,
    given: Given,
    maven: MavenChoice | None = None,
    *,
    kept: KeptProjects | None = None,
    listener: Listener = ignore,
    cancellation: Cancellation | None = None,
) -> Configured:
    """Return what the caller's options and the project's configuration of Jib come to.

    Only a directory with a ``pom.xml`` can have one, or one with a Gradle build. Files that the
    local Maven repository lacks are downloaded, here and when the project is read, where
    somebody named a repository that has them; ``listener`` hears of them, and ``cancellation``
    ends it. ``kept`` has what earlier builds worked out of POMs, and is given what this one does
    when the project is read. Raises ``ConfigurationError`` for values that Jib refuses, and for targets without a
    name where nothing names them; ``ProjectError`` if a POM that has to do with Jib cannot be
    worked out.
    """
    opener = Opener(
        options=given.options,
        choice=maven or MavenChoice(),
        now=given.now,
        listener=listener,
        cancellation=cancellation or Cancellation(),
    )
    _refuse_module(path, opener.choice)
    try:
        found = opener.find(path) if kept is None else kept.find(path, opener)
    except OSError as error:  # whether a file is there cannot be told below a closed directory
        raise unreadable(Path(error.filename or path), error) from None
    configured = _configure(found, given, opener.choice)
    read = configured.read
    return replace(
        configured,
        path=found.path,
        read=partial(_read_and_keep, read, found) if read and found.project else read,
        cancellation=opener.cancellation,
    )


def _refuse_module(path: Path, choice: MavenChoice) -> None:
    if choice.module is not None and not (path / POM).is_file():
        raise ConfigurationError(
            f"there is no module {choice.module!r}: {path} has no {POM} that holds some",
            hint="leave --module out, and name the directory to build as PATH",
        )


def _read_and_keep(read: Callable[[], Project | AppArchive], found: Found) -> Project | AppArchive:
    project = read()
    found.keep()
    return project


def _configure(found: Found, given: Given, maven: MavenChoice) -> Configured:
    path, project, configuration = found.path, found.project, found.configuration
    if project is None and (gradle := _configured_by_gradle(path, given, maven)) is not None:
        return gradle
    if project is None or configuration is None:
        return _unconfigured(found, given, maven)
    servers = _Servers(found.servers)
    asked = replace(given, find_server=servers.find, packaged_names=project.packaged_names)
    built = to_options(configuration, project.model, asked)
    jibs_own = read_global_config(given.options.host, configuration.config_directory)
    return Configured(
        options=jibs_own.added_to(built.options),
        read=project.read,
        source=f"jib-maven-plugin {configuration.version or ''}".rstrip() + f" in {path / POM}",
        outputs=built.outputs,
        skipped=built.skipped,
        configuration=configuration,
        module=project.model,
        warnings=(*built.warnings, *servers.warnings),
    )


def _configured_by_gradle(path: Path, given: Given, choice: MavenChoice) -> Configured | None:
    """Return what a Gradle build's Jib is told, ``None`` for a build without it.

    Where the init script has not run, that is no more than properties, with a warning.
    """
    if not path.is_dir() or (path / POM).is_file():
        return None
    # Imported here and below: who builds with Maven pays for none of it.
    from pyjib.jib.gradle import read_gradle  # noqa: PLC0415
    from pyjib.project.gradle import find_jib_mention, open_gradle_project  # noqa: PLC0415
    from pyjib.project.gradle_properties import read_system_properties  # noqa: PLC0415

    module = open_gradle_project(path)
    mention = find_jib_mention(path) if module is None else None
    subject = module or mention
    if subject is None or (module is not None and module.jib is None):
        return None
    _refuse_execution(choice, f"{subject.file} is Gradle's, which has none")
    host = given.options.host
    configuration = read_gradle(
        module.jib if module else None,
        subject,
        user=choice.arguments.properties,
        system=read_system_properties(subject.root_directory, host),
        version=mention.plugin_version if mention else None,
        sync_excludes=module.sync_excludes if module else (),
        cwd=choice.cwd,
    )
    built = to_options(configuration, subject, given)
    jibs_own = read_global_config(host, configuration.config_directory)
    return Configured(
        options=jibs_own.added_to(built.options),
        read=module.read if module else None,
        source=f"jib-gradle-plugin {configuration.version or ''}".rstrip() + f" in {subject.file}",
        outputs=built.outputs,
        configuration=configuration,
        module=subject,
        warnings=(*built.warnings, *([_unread(mention)] if mention else [])),
    )


def _refuse_execution(choice: MavenChoice, reason: str) -> None:
    if choice.execution is not None:
        raise ConfigurationError(
            f"there is no execution {choice.execution!r}: {reason}",
            hint="leave --jib-execution out",
        )


def _unread(mention: JibMention) -> Warned:
    from pyjib.project.gradle import COMMAND  # noqa: PLC0415

    return Warned(
        message=f"what {mention.file} tells Jib is not known: only Gradle can read it",
        hint=f"run `pyjib init gradle`, and then {COMMAND} after each change of the build",
    )


def _unconfigured(found: Found, given: Given, maven: MavenChoice) -> Configured:
    path, project = found.path, found.project
    if given.unnamed:
        raise ConfigurationError(
            f"{given.unnamed[0]} names no target, and {path} has no configuration of Jib that does",
            hint=f"write a name, for example {given.unnamed[0]}NAME",
        )
    _refuse_execution(maven, f"{path} does not configure Jib")
    identity = PYJIB if given.identity is None else given.identity(None)
    options = replace(given.options, identity=identity)
    warnings = (*_unheeded(path, maven), *_beside_pom(path))
    if project is not None and identity.is_jib:
        return Configured(options=options, read=project.read, warnings=warnings)
    from pyjib.project.read import read_project  # noqa: PLC0415

    read = partial(
        read_project,
        path,
        mode=options.mode,
        host=options.host,
        maven=project or found.problem,  # the pom is worked out once
        class_path=maven.class_path,
    )
    return Configured(options=options, read=read, warnings=warnings)


def _unheeded(path: Path, maven: MavenChoice) -> Iterator[Warned]:
    """Yield a warning for properties that are meant for Jib's plugin, where there is none."""
    names = [name for name in maven.arguments.properties if name.startswith("jib.")]
    if not names:
        return
    from pyjib.jib.parameters import PARAMETERS  # noqa: PLC0415  few builds have such properties

    names = [name for name in names if name.removeprefix("jib.") in PARAMETERS]
    if names:
        yield Warned(
            message=f"-D {', '.join(names)} has no effect: {path} does not configure Jib",
            hint="use the options of pyjib, or add jib-maven-plugin to the pom",
        )


def _beside_pom(path: Path) -> Iterator[Warned]:
    """Yield a warning if Gradle's build script, which is passed over for the POM, names Jib."""
    scripts = (path / name for name in ("build.gradle.kts", "build.gradle"))
    if not (path / POM).is_file() or not any(script.is_file() for script in scripts):
        return
    from pyjib.project.gradle import find_jib_mention  # noqa: PLC0415  as above

    mention = None
    with suppress(ProjectError):  # it cannot be read, and need not
        mention = find_jib_mention(path)
    if mention is not None:
        yield Warned(
            message=f"what {mention.file} tells Jib has no effect: beside it is a {POM}, which "
            "counts instead",
            hint="build from a directory without the one that is not meant",
        )


class _Servers:
    """The logins of settings.xml, opened when they are asked for."""

    def __init__(self, servers: Servers | None) -> None:
        self._servers = servers
        self.warnings: list[Warned] = []

    def find(self, name: str) -> Login | None:
        """Return the login of a ``<server>``; one that cannot be opened is passed over."""
        if self._servers is None or name not in self._servers.ids:
            return None
        settings, secrets = self._servers.open()
        server = settings.server(name)
        if server is None or not server.username or not server.password:
            return None
        try:
            password = secrets.open(server.password, owner=f"server {name}")
        except ConfigurationError as error:
            self.warnings.append(
                Warned(
                    message=f"the login of server {name} in settings.xml is not used: "
                    f"{error.message}",
                    hint=error.hint,
                )
            )
            return None
        return Login(
            registry=name,
            username=server.username,
            password=password,
            source=f"<server> {name} in settings.xml",
        )
