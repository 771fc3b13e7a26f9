"""POMs to what they mean. ``Builder`` is the way in; ``maven-and-gradle-projects`` §1.

There are three kinds of build, and they differ in what counts from outside (§1.2): the project
and the modules of its reactor, the BOMs that they import, and the POMs of dependencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pyjib.errors import DependencyError, ProjectError
from pyjib.frozen import frozen
from pyjib.project.maven.boms import Boms, lineage_coordinates
from pyjib.project.maven.interpolate_model import (
    interpolate_dependencies,
    interpolate_plugin,
    interpolate_relocation,
    interpolate_repositories,
    interpolate_texts,
    model_facts,
)
from pyjib.project.maven.interpolation import Interpolator, Values, align, overridden
from pyjib.project.maven.lineage import Ask, Lineage, Lineages
from pyjib.project.maven.management import manage
from pyjib.project.maven.model import (
    Build,
    Coordinates,
    Descriptor,
    EffectiveModel,
    Plugin,
    PomDependency,
    Profile,
    Repository,
)
from pyjib.project.maven.plugins import (
    bind_plugins,
    expand_executions,
    manage_plugins,
    with_default_scopes,
)
from pyjib.project.maven.pom import PomReader
from pyjib.project.maven.pom_source import PomSource
from pyjib.project.maven.profiles import ProfileContext, active_settings_profiles
from pyjib.project.maven.remarks import model_remarks
from pyjib.project.maven.session import MavenSession
from pyjib.project.maven.super_pom import bound_plugins
from pyjib.project.maven.validation import (
    dependency_violations,
    managed_violations,
    packaging_violations,
    plugin_violations,
    reject,
)


@frozen
class Outline:
    """What is known of a project before its BOMs are: enough to find its reactor."""

    pom: Path
    coordinates: Coordinates
    packaging: str
    modules: tuple[str, ...]


class Builder:
    """Works out effective models for one session; not to be shared between threads.

    Every file is read once, every BOM and every dependency's POM worked out once.
    """

    def __init__(self, session: MavenSession, source: PomSource) -> None:
        self._session = session
        self._lineages = Lineages(PomReader(), source)
        self._source = source
        self._settings_profiles: dict[Path, tuple[Profile, ...]] = {}
        user, system = session.user_properties, session.system_properties
        self._boms = Boms(self._lineages, source, user=user, system=system)
        self._distant = self._boms
        if user:  # to POMs of dependencies, it means no more than what the machine says (§1.2)
            self._distant = Boms(self._lineages, source, user={}, system=system)
        self._descriptors: dict[Coordinates, Descriptor] = {}
        self._projects: dict[Path, Lineage] = {}

    def know_modules(self, outlines: Iterable[Outline]) -> None:
        """Let BOMs that are modules of the same reactor be found where they lie."""
        self._boms.know({outline.coordinates: outline.pom for outline in outlines})

    def profile_ids(self) -> tuple[str, ...]:
        """Return the ids of all profiles that settings.xml and the projects read so far have."""
        paths = (path for lineage in self._projects.values() for path in lineage.paths)
        ids = [profile.id for profile in self._session.settings.profiles]
        for path in dict.fromkeys(paths):
            ids += (profile.id for profile in self._lineages.profiles_of(path))
        return tuple(dict.fromkeys(ids))

    def outline(self, pom: Path) -> Outline:
        """Return a project's name and modules, BOMs not yet asked for.

        Raises ``ProjectError`` for what Maven rejects, ``DependencyError`` for a missing parent.
        """
        lineage = self._project_lineage(pom)
        text = self._project_values(lineage).interpolator()
        return Outline(
            pom=lineage.paths[0],
            coordinates=lineage_coordinates(lineage, text),
            packaging=text(lineage.pom.packaging),
            modules=tuple(map(text, lineage.body.modules)),
        )

    def project(self, pom: Path) -> EffectiveModel:
        """Return the effective model of a project or of a module of its reactor.

        Raises ``ProjectError`` for all that Maven rejects, with its reason, file and line, and
        ``DependencyError`` where a parent or a BOM is not to be had.
        """
        lineage = self._project_lineage(pom)
        values = self._project_values(lineage)
        text = values.interpolator()
        body, path = lineage.body, lineage.paths[0]
        coordinates = lineage_coordinates(lineage, text)
        repositories = interpolate_repositories(body.repositories, text)
        dependencies, managed, boms = self._project_dependencies(lineage, text, repositories)
        packaging = text(lineage.pom.packaging)
        reject(path, packaging_violations(path, body.modules, packaging))
        plugins, plugin_management = _project_plugins(body.build, packaging, text)
        reject(path, plugin_violations(plugins, lineage.paths))
        build = interpolate_texts(body.build.values, text)
        settings_profiles = (found.id for found in self._active_in_settings(path.parent))
        return EffectiveModel(
            group=coordinates.group,
            artifact=coordinates.artifact,
            version=coordinates.version,
            packaging=packaging,
            pom=path,
            basedir=path.parent,
            properties=interpolate_texts(values.properties, text),
            dependencies=dependencies,
            dependency_management=managed,
            repositories=repositories,
            plugins=plugins,
            plugin_management=plugin_management,
            modules=tuple(map(text, body.modules)),
            build_directory=align(build["directory"], path.parent),
            output_directory=align(build["outputDirectory"], path.parent),
            source_directory=align(build["sourceDirectory"], path.parent),
            resource_directories=tuple(
                align(text(directory), path.parent) for directory in body.build.resources
            ),
            final_name=build["finalName"],
            lineage=(*lineage.paths, *boms),
            active_profiles=(*settings_profiles, *lineage.active),
            facts=interpolate_texts(values.facts, text),
            warnings=(*lineage.warnings, *model_remarks(lineage, packaging)),
        )

    def parent(self, model: EffectiveModel) -> EffectiveModel | None:
        """Return the model of a project's parent; ``None`` for one that is not beside it.

        So it is for one that Maven would reject, or that needs what is not there.
        """
        beside = self._project_lineage(model.pom).beside
        try:
            return None if beside is None else self.project(beside)
        except ProjectError:
            return None

    def descriptor(
        self, coordinates: Coordinates, repositories: Sequence[Repository] = ()
    ) -> Descriptor:
        """Return what a dependency's POM says, as leniently as Maven reads it.

        A POM that is missing or invalid has no dependencies, and ``problem`` tells why. Raises
        ``DependencyError`` where one of its parents or BOMs is missing: Maven fails then too.
        """
        found = self._descriptors.get(coordinates)
        if found is None:
            try:
                found = self._descriptor(coordinates, repositories)
            except DependencyError:
                raise
            except ProjectError as error:
                problem = f"the POM of {coordinates} is invalid, its dependencies are left out"
                found = Descriptor(coordinates=coordinates, problem=f"{problem}: {error.in_a_line}")
            self._descriptors[coordinates] = found
        return found

    def _descriptor(
        self, coordinates: Coordinates, repositories: Sequence[Repository]
    ) -> Descriptor:
        path = self._source.find_pom(coordinates, repositories)
        if path is None:
            problem = f"the POM of {coordinates} is missing, no dependency information available"
            return Descriptor(coordinates=coordinates, problem=problem)
        lineage = self._distant.lineage(path, repositories, local=False)
        text = self._distant.values(lineage).interpolator()
        interpolate_texts(lineage.body.properties, text)  # a cycle makes the POM invalid
        own = interpolate_repositories(lineage.body.repositories, text)
        dependencies = interpolate_dependencies(lineage.body.dependencies, text)
        if dependencies:
            managed = interpolate_dependencies(lineage.body.dependency_management, text)
            imported = self._distant.management(coordinates, managed, path, (*own, *repositories))
            dependencies = manage(dependencies, imported.management)
            reject(path, dependency_violations(dependencies))
        relocation = lineage.pom.relocation
        return Descriptor(
            coordinates=coordinates,
            packaging=lineage.pom.packaging,
            dependencies=dependencies,
            repositories=own,
            relocation=relocation and interpolate_relocation(relocation, text),
        )

    def _project_dependencies(
        self, lineage: Lineage, text: Interpolator, repositories: Sequence[Repository]
    ) -> tuple[tuple[PomDependency, ...], tuple[PomDependency, ...], tuple[Path, ...]]:
        """Return a project's dependencies, all that it manages, and the files of its BOMs."""
        path = lineage.paths[0]
        coordinates = lineage_coordinates(lineage, text)
        managed = interpolate_dependencies(lineage.body.dependency_management, text)
        management, boms = self._boms.management(coordinates, managed, path, repositories)
        dependencies = manage(interpolate_dependencies(lineage.body.dependencies, text), management)
        flat = management.flat()
        reject(path, dependency_violations(dependencies, project=coordinates))
        reject(path, managed_violations(flat))
        return dependencies, flat, boms

    def _project_lineage(self, pom: Path) -> Lineage:
        path = pom.absolute()
        found = self._projects.get(path)
        if found is None:
            found = self._projects[path] = self._lineages.of_project(path, self._ask(path))
        return found

    def _active_in_settings(self, basedir: Path) -> tuple[Profile, ...]:
        """Return the profiles of settings.xml that are active in a project's directory."""
        found = self._settings_profiles.get(basedir)
        if found is None:
            found = _settings_profiles(self._session, basedir)
            self._settings_profiles[basedir] = found
        return found

    def _ask(self, path: Path) -> Ask:
        session = self._session
        active = self._active_in_settings(path.parent)
        settings = {
            name: value for profile in active for name, value in profile.body.properties.items()
        }
        context = ProfileContext(
            user={**settings, **session.user_properties},
            system=session.system_properties,
            active=frozenset(session.active_profiles),
            inactive=frozenset(session.inactive_profiles),
            basedir=path.parent,
            java_is_known=session.jdk is not None and not session.jdk.guessed,
        )
        return Ask(context=context, local=True, plugins=True, settings_profiles=active)

    def _project_values(self, lineage: Lineage) -> Values:
        session = self._session
        return Values(
            facts=model_facts(lineage.pom, lineage.facts, lineage.body.build.values),
            where=str(lineage.paths[0]),
            properties=overridden(lineage.body.properties, session.user_properties),
            user=session.user_properties,
            system=session.system_properties,
            basedir=lineage.paths[0].parent,
            started=session.started,
        )


def _settings_profiles(session: MavenSession, basedir: Path) -> tuple[Profile, ...]:
    context = ProfileContext(
        user=session.user_properties,
        system=session.system_properties,
        active=frozenset(session.active_profiles),
        inactive=frozenset(session.inactive_profiles),
        basedir=basedir,
    )
    return active_settings_profiles(session.settings.profiles, context)


def _project_plugins(
    build: Build, packaging: str, text: Interpolator
) -> tuple[tuple[Plugin, ...], tuple[Plugin, ...]]:
    """Return a project's plugins as they run, and those that are only managed."""
    managed = tuple(interpolate_plugin(plugin, text) for plugin in build.plugin_management)
    declared = tuple(interpolate_plugin(plugin, text) for plugin in build.plugins)
    plugins = bind_plugins(manage_plugins(declared, managed), bound_plugins(packaging), managed)
    plugins = tuple(map(with_default_scopes, plugins))
    return tuple(map(expand_executions, plugins)), tuple(map(expand_executions, managed))
