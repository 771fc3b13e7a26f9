"""How Maven would be called, and the project that it would find at a path.

The way from a caller's words to ``project.maven``: here what downloads is put into its hands, and
the module to build is chosen in a build of several.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pyjib.cancellation import Cancellation
from pyjib.errors import ProjectError
from pyjib.events import Listener, ignore
from pyjib.frozen import frozen
from pyjib.jib.configuration import JibConfiguration
from pyjib.oci.instant import Instant
from pyjib.options import BuildOptions
from pyjib.project.maven.command_line import Arguments, MavenScope
from pyjib.project.maven.model import EffectiveModel, Repository
from pyjib.project.maven.seen import Trace
from pyjib.project.maven.worked_out import POM, WorkedOut

if TYPE_CHECKING:  # all this is for projects that are worked out, and most have been
    from pyjib.project.maven.artifact import Artifact
    from pyjib.project.maven.project import MavenProject
    from pyjib.project.maven.remote import Account, Downloads, Remotes
    from pyjib.project.maven.secrets import Secrets
    from pyjib.project.maven.session import MavenSession
    from pyjib.project.maven.settings import Settings

_MENTION = b"jib-maven-plugin"


@frozen
class MavenChoice:
    """How Maven would be called: its arguments, where, and for which execution of Jib's plugin.

    ``execution`` ``None`` is what ``mvn jib:build`` takes. ``cwd`` is where relative paths in
    properties start. ``module`` is the one to build of those that the path holds, by path,
    ``group:artifact`` or ``:artifact``. ``class_path`` is a file with the class path that Maven
    itself worked out. ``repositories`` are asked for what the local repository lacks, before
    those of POMs and settings.
    """

    arguments: Arguments = field(default_factory=Arguments)
    scope: MavenScope = MavenScope.REACTOR
    execution: str | None = None
    cwd: Path = Path()
    module: str | None = None
    class_path: Path | None = None
    repositories: tuple[Repository, ...] = ()


@frozen
class Servers:
    """The ids of the servers in settings.xml, and what has their logins, opened when asked for."""

    ids: frozenset[str] = frozenset()
    open: Callable[[], tuple[Settings, Secrets]]


@frozen
class Found:
    """What is at a path: the directory of the project, and what its POM comes to if there is one.

    ``configuration`` is that of Jib's plugin, ``None`` where the POM has none. ``given`` are the
    properties that Maven was given, not those of POMs: by ``-D``, wherever that stands, and by the
    JVM's options. ``problem`` tells why a POM that has nothing to do with Jib could not be worked
    out. ``keep`` is to be called when the project was read, and may keep what is known of it for
    another build.
    """

    path: Path
    project: WorkedOut | None = None
    configuration: JibConfiguration | None = None
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    servers: Servers | None = None
    problem: ProjectError | None = None
    keep: Callable[[], None] = lambda: None


class _Late:
    """Downloads that are made when there is somebody to ask for the first that is wanted."""

    def __init__(self, make: Callable[[], Downloads], remotes: Remotes) -> None:
        self._make = make
        self._remotes = remotes
        self._made: Downloads | None = None

    def _now(self) -> Downloads:
        if self._made is None:
            self._made = self._make()
        return self._made

    def fetch(self, artifacts: Sequence[Artifact], repositories: Sequence[Repository]) -> None:
        if artifacts and self._remotes.of(repositories):
            self._now().fetch(artifacts, repositories)

    def fetch_ahead(
        self, artifacts: Sequence[Artifact], repositories: Sequence[Repository]
    ) -> None:
        if artifacts and self._remotes.of(repositories):
            self._now().fetch_ahead(artifacts, repositories)

    def update(
        self, group: str, artifact: str, version: str | None, repositories: Sequence[Repository]
    ) -> bool:
        if not self._remotes.of(repositories):
            return False
        return self._now().update(group, artifact, version, repositories)

    def account(self, artifact: Artifact) -> Account:
        from pyjib.project.maven.remote import Account  # noqa: PLC0415 - as above

        return Account() if self._made is None else self._made.account(artifact)

    def close(self) -> None:
        if self._made is not None:
            self._made.close()


@frozen
class Opener:
    """Opens the projects of one build. ``trace``, if there is one, is told what they depend on."""

    options: BuildOptions
    choice: MavenChoice
    now: Instant | None = None
    listener: Listener = ignore
    cancellation: Cancellation = field(default_factory=Cancellation)
    trace: Trace | None = None

    def find(self, path: Path) -> Found:
        """Return the project that is to be built at a path.

        Raises ``ProjectError`` for a POM that has to do with Jib and cannot be worked out, and
        where a POM holds several modules of which none is chosen; ``ConfigurationError`` for
        the choice of a module that is not there, and for what Jib refuses.
        """
        if not path.is_dir() or not (path / POM).is_file():
            return Found(path=path)
        if self.choice.module is not None:
            from pyjib.project.maven.selection import Modules, select_module  # noqa: PLC0415

            modules = Modules.of(path, self._open(path).reactor)
            path = select_module(modules, self.choice.module)
        try:
            project = self._open(path)
        except ProjectError as error:
            if _MENTION in (path / POM).read_bytes() or self.choice.module is not None:
                raise
            return Found(path=path, problem=error)
        if project.model.packaging == "pom" and project.model.modules:
            path = self._only_module(path, project)
            project = self._open(path)
        return self._found(path, project)

    def open_servers(self, path: Path) -> tuple[Settings, Secrets]:
        """Return the settings of the project at a path, and what opens their passwords."""
        from pyjib.project.maven.session import start_session  # noqa: PLC0415

        return _secrets(
            start_session(path, self.options.host, self.choice.arguments, cwd=self._cwd())
        )

    def _found(self, path: Path, project: MavenProject) -> Found:
        from pyjib.project.maven.session import given_properties  # noqa: PLC0415

        session = project.session
        return Found(
            path=path,
            project=replace(project.worked_out(), class_path=self.choice.class_path),
            configuration=self._configuration(project.model, project, self.choice.execution),
            given=given_properties(session),
            servers=Servers(
                ids=frozenset(server.id for server in session.settings.servers),
                open=lambda: _secrets(session),
            ),
        )

    def _configuration(
        self, model: EffectiveModel, project: MavenProject, execution: str | None
    ) -> JibConfiguration | None:
        from pyjib.jib.pom import find_plugin, read_pom  # noqa: PLC0415

        plugin = find_plugin(model)
        if plugin is None:
            return None
        return read_pom(
            model,
            user=project.session.user_properties,
            system=project.session.system_properties,
            execution=execution,
            cwd=self.choice.cwd,
            evaluate=project.plugin_expressions(model, plugin),
        )

    def _open(self, path: Path) -> MavenProject:
        from pyjib.project.maven.project import open_maven_project  # noqa: PLC0415

        host = self.options.host
        if self.trace is not None:
            host = replace(host, variables=self.trace.watch(host.variables))
        return open_maven_project(
            path,
            host=host,
            arguments=self.choice.arguments,
            scope=self.choice.scope,
            open_downloads=self._open_downloads,
            started=self._started(),
            cwd=self._cwd(),
        )

    def _cwd(self) -> Path | None:
        """Return where Maven would be started, if the caller tells."""
        return None if self.choice.cwd == Path() else self.choice.cwd

    def _open_downloads(self, session: MavenSession) -> Downloads:
        from pyjib.project.maven.remote import Remotes  # noqa: PLC0415

        remotes = Remotes(session.settings.mirrors, self.choice.repositories)
        return _Late(lambda: self._make_downloads(session), remotes)

    def _make_downloads(self, session: MavenSession) -> Downloads:
        # Imported when somebody is to be asked: who has all files pays for no network.
        from pyjib.maven_remote import open_downloads  # noqa: PLC0415

        if self.trace is not None:
            self.trace.spoil("repositories are asked")
        return open_downloads(
            session,
            self.choice.repositories,
            options=self.options.registry,
            host=self.options.host,
            now=self._started(),
            listener=self.listener,
            cancellation=self.cancellation,
        )

    def _started(self) -> datetime | None:
        if self.now is None:
            return None
        moment = datetime.fromtimestamp(self.now.seconds, UTC)
        return moment.replace(microsecond=self.now.fraction // 1000)

    def _only_module(self, path: Path, project: MavenProject) -> Path:
        """Return the directory of the one module that Jib is told to build.

        ``mvn jib:build`` would build all of them, one after the other.
        """
        from pyjib.project.maven.selection import Modules  # noqa: PLC0415

        modules = Modules.of(path, project.reactor)
        modules.check()
        building = [model for model in modules.models() if self._is_built(model, project)]
        if len(building) == 1:
            return building[0].basedir
        if building:
            names = modules.names(building)
            raise ProjectError(
                f"{path} holds {len(names)} modules for which Jib is configured, and one image is "
                f"made of one: {', '.join(names)}",
                hint=f"choose one, for example --module {names[0]}",
            )
        names = modules.names(model for model in modules.models() if model.packaging != "pom")
        raise ProjectError(
            f"{path} is a Maven project that holds others (packaging pom), not an application",
            hint=f"choose the module to build by --module: {', '.join(names) or 'it has none'}",
        )

    def _is_built(self, model: EffectiveModel, project: MavenProject) -> bool:
        from pyjib.jib.pom import find_plugin  # noqa: PLC0415

        plugin = find_plugin(model)
        if plugin is None or plugin not in model.plugins or model.packaging == "pom":
            return False
        configuration = self._configuration(model, project, None)
        return configuration is not None and not configuration.skip


def _secrets(session: MavenSession) -> tuple[Settings, Secrets]:
    from pyjib.project.maven.secrets import Secrets  # noqa: PLC0415

    return session.settings, Secrets(session.security_file)
