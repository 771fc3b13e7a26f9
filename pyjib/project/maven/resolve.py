"""A project's dependencies as files, in the order of Maven's ``getArtifacts()``.

What is in that order is what Jib's goals ask for: scopes compile, runtime and system, of every
type. Specification: ``maven-and-gradle-projects`` §3 and §4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pyjib.errors import DependencyError
from pyjib.frozen import frozen
from pyjib.project.maven import seen
from pyjib.project.maven.artifact import Artifact
from pyjib.project.maven.collect import Occurrence, collect
from pyjib.project.maven.effective import Builder
from pyjib.project.maven.local_repository import LocalRepository, RepositoryFile
from pyjib.project.maven.mediate import mediate
from pyjib.project.maven.model import (
    Coordinates,
    Descriptor,
    EffectiveModel,
    PomDependency,
    Repository,
)
from pyjib.project.maven.reactor import (
    Reactor,
    is_project_artifact,
    module_file,
    not_packaged,
)
from pyjib.project.maven.remote import hide_user

_AT_RUN_TIME = frozenset(("compile", "runtime", "system"))
_PASSED_ON = (None, "", "compile", "runtime")
_WATCHED_SCOPES = frozenset(("compile", "runtime"))
_NAMED = 5
_NEXT_LINE = "\n  "


@frozen
class Library:
    """One of the project's artifacts with its file.

    ``name`` is the file's name as Maven knows it; ``is_module`` tells whether it is another
    project of the same build.
    """

    artifact: Artifact
    type: str
    scope: str
    path: Path
    name: str
    is_module: bool = False


@frozen
class Resolution:
    """The project's libraries in the order of its class path; ``warnings`` are for the user."""

    libraries: tuple[Library, ...]
    warnings: tuple[str, ...] = ()


class Resolver:
    """Finds what projects depend on, in a local repository and in the reactor."""

    def __init__(
        self,
        builder: Builder,
        repository: LocalRepository,
        reactor: Reactor,
        mirrors: frozenset[str] = frozenset(),
    ) -> None:
        self.builder, self.repository, self.reactor = builder, repository, reactor
        self.mirrors = mirrors

    def resolve(self, model: EffectiveModel) -> Resolution:
        """Return a project's libraries.

        Raises ``DependencyError`` for what is not there: it has the coordinates, who wants it,
        and the command that fetches it. Raises ``ProjectError`` for what Maven rejects.
        """
        source = _Source(self, model)
        with source.naming_unasked():
            graph = collect(model.dependencies, model.dependency_management, source)
            mediate(graph)
        ordered = tuple(in_order(graph))
        self.repository.fetch(self._of_repositories(ordered), model.repositories)
        finder = _Finder(self, str(model.coordinates), model.repositories)
        found = [finder.find(occurrence, trail) for occurrence, trail in ordered]
        with source.naming_unasked():
            finder.require_all()
        libraries = tuple(library for library in found if library is not None)
        known = source.repository_ids | self.mirrors
        return Resolution(
            libraries=libraries,
            warnings=(*finder.warnings, *_strangers(self.repository, libraries, known)),
        )

    def snapshots(self, model: EffectiveModel) -> tuple[Path, ...]:
        """Return the snapshots among a project's libraries that no module of the reactor makes.

        Nothing is fetched; those that are not there are left out. Raises as ``resolve`` does for
        what is wrong with POMs.
        """
        graph = collect(model.dependencies, model.dependency_management, _Source(self, model))
        mediate(graph)
        wanted = (
            found.artifact
            for found, _ in in_order(graph)
            if found.artifact.is_snapshot and found.scope in _WATCHED_SCOPES
        )
        files = (
            self.repository.find(artifact)
            for artifact in wanted
            if self.reactor.model(_coordinates(artifact)) is None
        )
        return tuple(file.path for file in files if file is not None)

    def _of_repositories(
        self, ordered: Sequence[tuple[Occurrence, tuple[Occurrence, ...]]]
    ) -> tuple[Artifact, ...]:
        return tuple(
            occurrence.artifact
            for occurrence, _ in ordered
            if occurrence.system_path is None
            and self.reactor.model(_coordinates(occurrence.artifact)) is None
        )


def in_order(graph: Sequence[Occurrence]) -> Iterator[tuple[Occurrence, tuple[Occurrence, ...]]]:
    """Yield what a mediated graph has at run time, each with those on the way to it.

    A walk in pre-order, through occurrences of other scopes too.
    """
    seen: set[int] = set()
    stack: list[tuple[Iterator[Occurrence], tuple[Occurrence, ...]]] = [(iter(graph), ())]
    while stack:
        siblings, trail = stack[-1]
        occurrence = next(siblings, None)
        if occurrence is None:
            stack.pop()
            continue
        if occurrence.scope in _AT_RUN_TIME:
            yield occurrence, trail
        if id(occurrence.children) not in seen:
            seen.add(id(occurrence.children))
            stack.append((iter(occurrence.children), (*trail, occurrence)))


class _Source:
    """What artifacts ask for: modules by their models, all else by POMs of the repository."""

    def __init__(self, resolver: Resolver, model: EffectiveModel) -> None:
        self._resolver, self._repositories = resolver, model.repositories
        self._management = model.dependency_management
        self._managed: dict[str, str | None] | None = None
        self.repository_ids = frozenset(repository.id for repository in model.repositories)
        self._unasked: dict[str, Repository] = {}
        self._fetch_ahead(model.dependencies)

    def descriptor(self, coordinates: Coordinates) -> Descriptor:
        resolver = self._resolver
        module = resolver.reactor.model(coordinates)
        if module is not None:
            return module.descriptor()
        found = resolver.builder.descriptor(coordinates, self._repositories)
        if found.problem is not None:
            self._require_looked_for(coordinates)
        strangers = [each for each in found.repositories if each.id not in self.repository_ids]
        if strangers:
            for repository in strangers:
                if repository.url:
                    self._unasked.setdefault(repository.id, repository)
            self.repository_ids |= {repository.id for repository in strangers}
        self._fetch_ahead(found.dependencies)
        return found

    @contextmanager
    def naming_unasked(self) -> Iterator[None]:
        """Tell whoever misses something which repositories POMs of dependencies name, in vain."""
        try:
            yield
        except DependencyError as error:
            unasked = self._unasked.values() if self._resolver.repository.downloads_files else ()
            if unasked and error.hint is not None:
                named = ", ".join(f"{each.id}={hide_user(each.url)}" for each in unasked)
                error.advise(
                    f"{error.hint}; POMs of dependencies name repositories that are not asked: "
                    f"{named}"
                )
            raise

    def _fetch_ahead(self, dependencies: Sequence[PomDependency]) -> None:
        """Begin to fetch the POMs that the walk will most likely ask for next."""
        if not self._resolver.repository.downloads_files:
            return
        if self._managed is None:
            self._managed = {found.key: found.version for found in self._management}
        wanted = []
        for dependency in dependencies:
            version = self._managed.get(dependency.key) or dependency.version or ""
            is_plain = version and not version.startswith(("[", "(")) and "${" not in version
            if is_plain and not dependency.optional and dependency.scope in _PASSED_ON:
                named = dependency.group, dependency.artifact, version
                wanted.append(Artifact(*named, extension="pom"))
        self._resolver.repository.fetch_ahead(wanted, self._repositories)

    def versions(self, group: str, artifact: str) -> Sequence[str]:
        resolver = self._resolver
        known = resolver.repository.versions(group, artifact, self._repositories)
        return tuple(dict.fromkeys((*resolver.reactor.versions(group, artifact), *known)))

    def named_version(self, group: str, artifact: str, name: str) -> str | None:
        return self._resolver.repository.named_version(group, artifact, name, self._repositories)

    def _require_looked_for(self, coordinates: Coordinates) -> None:
        """Raise if a POM is missing because nobody fetched it: its dependencies are unknown then.

        Maven goes on without one that no repository has; what it left behind tells.
        """
        repository = self._resolver.repository
        pom = Artifact(*coordinates, extension="pom")
        if (
            repository.find(pom) is None
            and not repository.has_failed(pom)
            and repository.find(Artifact(*coordinates)) is None
        ):
            told = repository.account(pom).text
            raise DependencyError(
                f"the POM of {coordinates} is not in the local repository {repository.place}"
                f"{told and _NEXT_LINE}{told}",
                hint=repository.remedy(pom),
            )


class _Finder:
    """Finds files, and gathers those that are missing to tell of them all at once."""

    def __init__(
        self, resolver: Resolver, project: str, repositories: Sequence[Repository]
    ) -> None:
        self.resolver, self.project, self.repositories = resolver, project, repositories
        self.warnings: list[str] = []
        self._missing: list[tuple[Artifact, str]] = []

    def find(self, occurrence: Occurrence, trail: Sequence[Occurrence]) -> Library | None:
        """Return an occurrence with its file, ``None`` if that is missing."""
        if occurrence.problem is not None:
            self.warnings.append(occurrence.problem)
        artifact = occurrence.artifact
        wanted_by = " → ".join((self.project, *(str(found.artifact) for found in trail)))
        is_module = False
        if occurrence.system_path is not None:
            file = _system_file(occurrence, occurrence.system_path, wanted_by)
        elif (module := self.resolver.reactor.model(_coordinates(artifact))) is not None:
            file = module_file(module, artifact)
            is_module = is_project_artifact(module, artifact, occurrence.type)
            if not seen.is_file(file.path):
                file, is_module = self._installed(module, artifact, file, wanted_by), False
        else:
            found = self.resolver.repository.find(artifact, self.repositories)
            if found is None:
                self._missing.append((artifact, wanted_by))
                return None
            file = found
        return Library(
            artifact=artifact,
            type=occurrence.type,
            scope=occurrence.scope,
            path=file.path,
            name=file.name,
            is_module=is_module,
        )

    def require_all(self) -> None:
        """Raise ``DependencyError`` if any file was missing."""
        if not self._missing:
            return
        repository = self.resolver.repository
        count = len(self._missing)
        what = "a library is" if count == 1 else f"{count} libraries are"
        lines = [f"{what} not in the local repository {repository.place}:"]
        lines += [
            f"{artifact} (wanted by {wanted_by}){_once_failed(repository, artifact)}"
            for artifact, wanted_by in self._missing[:_NAMED]
        ]
        if count > _NAMED:
            lines.append(f"and {count - _NAMED} more")
        missing = (artifact for artifact, _ in self._missing)
        raise DependencyError(_NEXT_LINE.join(lines), hint=repository.remedy(*missing))

    def _installed(
        self, module: EffectiveModel, artifact: Artifact, file: RepositoryFile, wanted_by: str
    ) -> RepositoryFile:
        installed = self.resolver.repository.find(artifact, self.repositories)
        if installed is None:
            raise not_packaged(module, file, f"wanted by {wanted_by}")
        self.warnings.append(
            f"{file.path} is not there, so {module.coordinates} is taken from the local "
            f"repository as it was last installed: {installed.path}"
        )
        return installed


def _system_file(occurrence: Occurrence, path: str, wanted_by: str) -> RepositoryFile:
    found = Path(path)
    if not seen.is_file(found):
        raise DependencyError(
            f"{occurrence.artifact} is in scope system, and there is no file {path} "
            f"(wanted by {wanted_by})",
            hint="put the file where systemPath in the pom says",
        )
    return RepositoryFile(found, found.name)


def _coordinates(artifact: Artifact) -> Coordinates:
    return Coordinates(artifact.group, artifact.artifact, artifact.base_version)


def _once_failed(repository: LocalRepository, artifact: Artifact) -> str:
    told = repository.account(artifact).text
    if not told and repository.has_failed(artifact):
        told = "Maven did not find it either"
    return f"{_NEXT_LINE}  {told}" if told else ""


def _strangers(
    repository: LocalRepository, libraries: Sequence[Library], known: frozenset[str]
) -> Iterator[str]:
    """Warn of files from repositories that the project does not ask: Maven asks again then."""
    origins = ((library.path, repository.origins(library.path)) for library in libraries)
    foreign = [(path, ids) for path, ids in origins if ids and not ids & known]
    if foreign:
        path, ids = foreign[0]
        yield (
            f"{len(foreign)} files of the local repository come from repositories that the "
            f"project does not name, for example {path} from {', '.join(sorted(ids))}; "
            "they are used as they are"
        )
