"""How Maven would be called, and the project that it would find at a path.

The way from a caller's words to ``project.maven``: here what downloads is put into its hands, and
the module to build is chosen in a build of several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path

from pyjib.cancellation import Cancellation
from pyjib.errors import ProjectError
from pyjib.events import Listener, ignore
from pyjib.frozen import frozen
from pyjib.jib.pom import find_plugin, read_pom
from pyjib.oci.instant import Instant
from pyjib.options import BuildOptions
from pyjib.project.maven.artifact import Artifact
from pyjib.project.maven.command_line import Arguments
from pyjib.project.maven.model import EffectiveModel, Repository
from pyjib.project.maven.project import POM, MavenProject, open_maven_project
from pyjib.project.maven.reactor import MavenScope
from pyjib.project.maven.remote import Account, Downloads
from pyjib.project.maven.selection import Modules, select_module
from pyjib.project.maven.session import MavenSession

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
class Found:
    """What is at a path: the directory of the project, and its model if a POM there has one.

    ``problem`` tells why a POM that has nothing to do with Jib could not be worked out.
    """

    path: Path
    project: MavenProject | None = None
    problem: ProjectError | None = None


class _Late:
    """Downloads that are made when the first is wanted."""

    def __init__(self, make: Callable[[], Downloads]) -> None:
        self._make = make
        self._made: Downloads | None = None

    def _now(self) -> Downloads:
        if self._made is None:
            self._made = self._make()
        return self._made

    def fetch(self, artifacts: Sequence[Artifact], repositories: Sequence[Repository]) -> None:
        if artifacts:
            self._now().fetch(artifacts, repositories)

    def fetch_ahead(
        self, artifacts: Sequence[Artifact], repositories: Sequence[Repository]
    ) -> None:
        if artifacts:
            self._now().fetch_ahead(artifacts, repositories)

    def update(
        self, group: str, artifact: str, version: str | None, repositories: Sequence[Repository]
    ) -> bool:
        return self._now().update(group, artifact, version, repositories)

    def account(self, artifact: Artifact) -> Account:
        return Account() if self._made is None else self._made.account(artifact)

    def close(self) -> None:
        if self._made is not None:
            self._made.close()


@frozen
class Opener:
    """Opens the projects of one build."""

    options: BuildOptions
    choice: MavenChoice
    now: Instant | None = None
    listener: Listener = ignore
    cancellation: Cancellation = field(default_factory=Cancellation)

    def find(self, path: Path) -> Found:
        """Return the project that is to be built at a path.

        Raises ``ProjectError`` for a POM that has to do with Jib and cannot be worked out, and
        where a POM holds several modules of which none is chosen; ``ConfigurationError`` for
        the choice of a module that is not there.
        """
        if not path.is_dir() or not (path / POM).is_file():
            return Found(path=path)
        if self.choice.module is not None:
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
        return Found(path=path, project=replace(project, class_path=self.choice.class_path))

    def _open(self, path: Path) -> MavenProject:
        return open_maven_project(
            path,
            host=self.options.host,
            arguments=self.choice.arguments,
            scope=self.choice.scope,
            open_downloads=self._open_downloads,
        )

    def _open_downloads(self, session: MavenSession) -> Downloads:
        return _Late(lambda: self._make_downloads(session))

    def _make_downloads(self, session: MavenSession) -> Downloads:
        # Imported when the first file is missing: who has all of them pays for no network.
        from pyjib.maven_remote import open_downloads  # noqa: PLC0415

        now = self.now
        return open_downloads(
            session,
            self.choice.repositories,
            options=self.options.registry,
            host=self.options.host,
            now=None if now is None else datetime.fromtimestamp(now.seconds, UTC),
            listener=self.listener,
            cancellation=self.cancellation,
        )

    def _only_module(self, path: Path, project: MavenProject) -> Path:
        """Return the directory of the one module that Jib is told to build.

        ``mvn jib:build`` would build all of them, one after the other.
        """
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
        plugin = find_plugin(model)
        if plugin is None or plugin not in model.plugins or model.packaging == "pom":
            return False
        configuration = read_pom(
            model,
            user=project.session.user_properties,
            system=project.session.system_properties,
            cwd=self.choice.cwd,
        )
        return configuration is not None and not configuration.skip
