"""A directory with a ``pom.xml``, worked out as Maven would; ``worked_out`` reads what it comes to.

Specification: ``maven-and-gradle-projects`` §3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pyjib.errors import DependencyError, ProjectError
from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.options import HostEnvironment
from pyjib.project.maven.command_line import Arguments, MavenScope
from pyjib.project.maven.effective import Builder
from pyjib.project.maven.local_repository import LocalRepository
from pyjib.project.maven.model import EffectiveModel, Plugin
from pyjib.project.maven.reactor import Reactor, find_reactor, own_file
from pyjib.project.maven.remote import Downloads
from pyjib.project.maven.resolve import Library, Resolver
from pyjib.project.maven.seen import absolute
from pyjib.project.maven.session import MavenSession, start_session
from pyjib.project.maven.worked_out import AS_MAVEN, POM, ClassPath, WorkedOut
from pyjib.project.model import (
    DEPENDENCIES,
    PROJECT_DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    Dependency,
    DiskFile,
    Project,
)

if TYPE_CHECKING:
    from pyjib.project.maven.plugin_expressions import PluginExpressions

_TAIL = "maven.repo.local.tail"
_NAMED = 12
_NAME_ONE = "or let pyjib: --maven-repository URL"
_GO_ONLINE = "or let pyjib: leave out --offline, and <offline> in settings.xml"

OpenDownloads: TypeAlias = Callable[[MavenSession], Downloads]
"""Makes what downloads from remote repositories, for a session that is not offline."""


def read_maven_project(
    root: Path,
    *,
    host: HostEnvironment,
    arguments: Arguments | None = None,
    scope: MavenScope = MavenScope.REACTOR,
) -> Project:
    """Read the Maven project at ``root``, libraries from the local repository.

    ``arguments`` are what ``mvn`` would be given; ``scope`` tells whether modules of the same
    build are taken from where they were built. Nothing is written or downloaded.

    Raises ``DependencyError`` if a library, or a POM on the way to one, is not there; and
    ``ProjectError`` if Maven would reject the project, if it is not compiled, or if it only
    holds other projects.
    """
    return open_maven_project(root, host=host, arguments=arguments, scope=scope).read()


@frozen
class MavenProject:
    """A Maven project whose model is known, and nothing else yet."""

    model: EffectiveModel
    session: MavenSession
    builder: Builder
    repository: LocalRepository
    reactor: Reactor

    def worked_out(self) -> WorkedOut:
        """Return what is needed to read the project; the rest is worked out when it is asked for."""
        own = own_file(self.model)
        texts = (*self.session.warnings, *self.reactor.warnings, *self.model.warnings)
        return WorkedOut(
            model=self.model,
            resolve=self._resolve,
            module_files=self._module_files,
            own_file=None if own is None else own.path,
            warnings=(*map(_warned, texts), *_unknown_profiles(self.session, self.builder)),
        )

    def resolver(self) -> Resolver:
        """Return what finds the libraries of the project, and of modules of its reactor."""
        mirrors = frozenset(mirror.id for mirror in self.session.settings.mirrors)
        return Resolver(self.builder, self.repository, self.reactor, mirrors)

    def plugin_expressions(self, model: EffectiveModel, plugin: Plugin) -> PluginExpressions:
        """Return what completes the texts of a plugin of one of the reactor's projects."""
        from pyjib.project.maven.plugin_expressions import (  # noqa: PLC0415  not if all is kept
            PluginExpressions,
        )

        outlines = self.reactor.outlines
        return PluginExpressions(
            model,
            self.session,
            plugin,
            root=outlines[0].pom.parent if outlines else model.basedir,
            parent=self.builder.parent,
        )

    def read(self) -> Project:
        """Read classes, resources and libraries; raises as ``read_maven_project`` does."""
        return self.worked_out().read()

    def _resolve(self) -> ClassPath:
        try:
            resolution = self.resolver().resolve(self.model)
        finally:
            self.repository.close()
        return ClassPath(
            dependencies=tuple(map(_dependency, resolution.libraries)),
            detail=f"class path from {self.model.pom}, libraries from {self.repository.root}",
            warnings=tuple(map(_warned, resolution.warnings)),
        )

    def _module_files(self) -> tuple[Path, ...]:
        files = map(own_file, self.reactor.models())
        return tuple(file.path for file in files if file is not None)


def open_maven_project(
    root: Path,
    *,
    host: HostEnvironment,
    arguments: Arguments | None = None,
    scope: MavenScope = MavenScope.REACTOR,
    open_downloads: OpenDownloads | None = None,
    started: datetime | None = None,
    cwd: Path | None = None,
) -> MavenProject:
    """Work out a project's model and find its reactor; raises as ``read_maven_project`` does.

    With ``open_downloads`` what the local repository lacks is downloaded, unless the session
    says offline; without, nothing ever is. ``started`` is the present to POMs that ask for it, ``cwd`` where Maven is started.
    """
    session = start_session(root, host, arguments, started=started, cwd=cwd)
    repository = _local_repository(session, open_downloads)
    try:
        builder = Builder(session, repository)
        pom = absolute(root) / POM
        return MavenProject(
            reactor=find_reactor(builder, pom, scope),
            model=builder.project(pom),
            session=session,
            builder=builder,
            repository=repository,
        )
    except ProjectError as error:
        if error.hint is None and session.warnings:  # what an extension of Maven may change
            error.advise(session.warnings[0])
        elif error.hint is None and not isinstance(error, DependencyError):
            error.advise(AS_MAVEN)
        raise
    finally:
        repository.close()


def _local_repository(
    session: MavenSession, open_downloads: OpenDownloads | None
) -> LocalRepository:
    downloads = None
    if open_downloads is not None and not session.offline:
        downloads = open_downloads(session)
    remedy = "" if open_downloads is None else _GO_ONLINE if session.offline else _NAME_ONE
    return LocalRepository(
        session.local_repository, *_tail(session), downloads=downloads, remedy=remedy
    )


def _tail(session: MavenSession) -> Iterator[Path]:
    """Yield the folders that are read after the local repository (Maven 3.9)."""
    text = session.user_properties.get(_TAIL) or session.system_properties.get(_TAIL) or ""
    for entry in filter(None, (part.strip() for part in text.split(","))):
        yield Path(entry).absolute()


def _unknown_profiles(session: MavenSession, builder: Builder) -> Iterator[Warned]:
    """Yield what to tell of profiles that were asked for by names that nobody bears."""
    wanted = [name for name in session.active_profiles if name not in session.optional_profiles]
    known = builder.profile_ids() if wanted else ()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        what = "profile" if len(unknown) == 1 else "profiles"
        names = ", ".join(f'"{name}"' for name in unknown)
        because = "it does not exist" if len(unknown) == 1 else "they do not exist"
        yield Warned(
            message=f"The requested {what} {names} could not be activated because {because}",
            hint=_known_profiles(known),
        )


def _known_profiles(known: Sequence[str]) -> str:
    if not known:
        return "no POM of this build has profiles, nor has settings.xml"
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return f"the profiles of this build and of settings.xml are {', '.join(known[:_NAMED])}{more}"


def _warned(text: str) -> Warned:
    return Warned(message=text)


def _dependency(library: Library) -> Dependency:
    if library.is_module:
        group = PROJECT_DEPENDENCIES
    else:
        group = SNAPSHOT_DEPENDENCIES if library.artifact.is_snapshot else DEPENDENCIES
    return Dependency(name=library.name, source=DiskFile(library.path), group=group)
