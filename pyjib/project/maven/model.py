"""Maven's words as frozen values: what a POM says, and what it means.

Two families. What is **raw** (``RawPom``, ``Profile``, ``Body``) is as one file has it: nothing
inherited, every ``${…}`` still there, missing text ``None``. What is **effective**
(``EffectiveModel``, ``Descriptor``) is after inheritance, profiles, interpolation, BOM imports
and dependency management; ``maven-and-gradle-projects`` §1 has the rules. ``PomDependency``,
``Repository``, ``Plugin`` and ``Node`` serve both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pyjib.frozen import frozen
from pyjib.project.maven.activation import Activation

NOTHING: Mapping[str, str] = MappingProxyType({})
DEFAULT_EXECUTION = "default"
DEFAULT_PLUGIN_GROUP = "org.apache.maven.plugins"
IMPORT = "import"
BOOLEANS = frozenset(("true", "false"))
_ORIGIN = 9  # its place in a dependency


def nothing() -> Mapping[str, str]:
    """Return ``NOTHING``, which cannot be a field's default itself."""
    return NOTHING


class Coordinates(NamedTuple):
    """Which POM is meant: group, artifact and version (a folder's, so ``1-SNAPSHOT``)."""

    group: str
    artifact: str
    version: str

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


class Origin(NamedTuple):
    """Where something is declared: the ``ordinal``-th element of its name in a file, from 0."""

    pom: Path
    ordinal: int


class Exclusion(NamedTuple):
    """What a dependency shall not bring along; ``*`` alone stands for any group or artifact."""

    group: str
    artifact: str

    def matches(self, group: str, artifact: str) -> bool:
        """Tell whether an artifact is excluded."""
        return self.group in ("*", group) and self.artifact in ("*", artifact)


class PomDependency(NamedTuple):
    """One ``<dependency>``, declared or managed. A tuple, for there are thousands of them.

    ``version`` and ``scope`` are ``None`` where the POM does not tell; in the dependencies of an
    effective model both are set. ``version`` may be a range or ``LATEST``. ``type`` is Maven's
    word (``jar``, ``test-jar``…), not a file's ending. ``optional`` ``None`` is not told.
    ``origin`` is for messages and has no part in equality. ``optional_expression`` is what
    ``<optional>`` says where that is neither true nor false, which no effective project has.
    """

    group: str
    artifact: str
    version: str | None = None
    type: str = "jar"
    classifier: str = ""
    scope: str | None = None
    optional: bool | None = None
    exclusions: tuple[Exclusion, ...] = ()
    system_path: str | None = None
    origin: Origin | None = None
    optional_expression: str | None = None

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, PomDependency)
            and self[:_ORIGIN] == other[:_ORIGIN]
            and self[_ORIGIN + 1 :] == other[_ORIGIN + 1 :]
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:_ORIGIN])

    @property
    def key(self) -> str:
        """The management key: ``group:artifact:type[:classifier]``."""
        key = f"{self.group}:{self.artifact}:{self.type}"
        return f"{key}:{self.classifier}" if self.classifier else key

    @property
    def is_import(self) -> bool:
        """Whether this managed dependency is a BOM to import."""
        return self.scope == IMPORT and self.type == "pom"


make_dependency: Callable[[tuple[Any, ...]], PomDependency] = partial(tuple.__new__, PomDependency)
"""Makes a dependency of all its fields in order, in a third of the time."""
make_origin: Callable[[tuple[Path, int]], Origin] = partial(tuple.__new__, Origin)
"""Makes an origin of both its fields."""


@frozen
class RepositoryPolicy:
    """When a repository is asked; ``update`` and ``checksum`` are Maven's words or ``None``."""

    enabled: bool = True
    update: str | None = None
    checksum: str | None = None


@frozen
class Repository:
    """A remote repository, before mirrors are looked at."""

    id: str
    url: str = field(repr=False)  # may hold a login
    layout: str = "default"
    releases: RepositoryPolicy = field(default_factory=RepositoryPolicy)
    snapshots: RepositoryPolicy = field(default_factory=RepositoryPolicy)


@dataclass(frozen=True, slots=True)
class Node:
    """An element of a plugin's configuration, immutable; ``text`` is trimmed, ``None`` if none."""

    name: str
    text: str | None = None
    attributes: Mapping[str, str] = field(default_factory=nothing)
    children: tuple[Node, ...] = ()

    def child(self, name: str) -> Node | None:
        """Return the last child of that name, which is the one that Maven's plugins see."""
        return next((child for child in reversed(self.children) if child.name == name), None)

    def find(self, path: str) -> Node | None:
        """Follow names divided by ``/``, for example ``archive/manifest/mainClass``."""
        node: Node | None = self
        for name in path.split("/"):
            node = node.child(name) if node is not None else None
        return node

    def value(self, path: str) -> str | None:
        """Return the text at a path; ``None`` where there is no element or no text."""
        found = self.find(path)
        return found.text if found is not None else None


@frozen
class Execution:
    """One ``<execution>`` of a plugin."""

    id: str = DEFAULT_EXECUTION
    phase: str | None = None
    goals: tuple[str, ...] = ()
    configuration: Node | None = None
    inherited: bool | None = None


@frozen
class Plugin:
    """One ``<plugin>``; in an effective model, its executions carry its own configuration too."""

    group: str = DEFAULT_PLUGIN_GROUP
    artifact: str
    version: str | None = None
    configuration: Node | None = None
    executions: tuple[Execution, ...] = ()
    dependencies: tuple[PomDependency, ...] = ()
    inherited: bool | None = None
    extensions: bool | None = None

    @property
    def key(self) -> str:
        """What plugins are matched by: ``group:artifact``."""
        return f"{self.group}:{self.artifact}"

    def execution(self, name: str) -> Execution | None:
        """Return the execution with that id."""
        return next((execution for execution in self.executions if execution.id == name), None)


@frozen
class Build:
    """The ``<build>`` of a POM or profile; ``values`` are its texts by name (``finalName``…).

    ``resources`` are the directories of its ``<resources>``.
    """

    values: Mapping[str, str] = field(default_factory=nothing)
    resources: tuple[str, ...] = ()
    plugins: tuple[Plugin, ...] = ()
    plugin_management: tuple[Plugin, ...] = ()
    extensions: tuple[Coordinates, ...] = ()


@frozen
class Body:
    """What a POM and a profile can both say. ``modules`` are never inherited."""

    properties: Mapping[str, str] = field(default_factory=nothing)
    dependencies: tuple[PomDependency, ...] = ()
    dependency_management: tuple[PomDependency, ...] = ()
    repositories: tuple[Repository, ...] = ()
    modules: tuple[str, ...] = ()
    build: Build = field(default_factory=Build)


class Profile:
    """A profile of a POM or of settings.xml.

    What it changes may be given as a function, which is called when somebody asks: of the
    profiles in the POMs of dependencies few are active.
    """

    __slots__ = ("_body", "activation", "id")

    def __init__(
        self,
        *,
        id: str = "default",  # noqa: A002  as Maven calls it
        activation: Activation | None = None,
        body: Body | Callable[[], Body] | None = None,
    ) -> None:
        self.id = id
        self.activation = activation or Activation()
        self._body = body or Body()

    @property
    def body(self) -> Body:
        """What it adds to a POM, or says otherwise."""
        if not isinstance(self._body, Body):
            self._body = self._body()
        return self._body


@frozen
class Parent:
    """The ``<parent>`` of a POM. ``relative_path`` is empty for "in a repository only"."""

    group: str
    artifact: str
    version: str
    relative_path: str = "../pom.xml"


@frozen
class Relocation:
    """Where an artifact moved; what is ``None`` stays as it was."""

    group: str | None = None
    artifact: str | None = None
    version: str | None = None
    message: str | None = None


@frozen
class RawPom:
    """One POM file as it stands.

    ``facts`` are its other texts by dotted path (``name``, ``url``, ``organization.name``,
    ``scm.connection``…), which expressions such as ``${project.organization.name}`` may ask for.
    ``path`` is ``None`` for the super POM.
    """

    path: Path | None
    group: str | None = None
    artifact: str = ""
    version: str | None = None
    packaging: str = "jar"
    parent: Parent | None = None
    facts: Mapping[str, str] = field(default_factory=nothing)
    body: Body = field(default_factory=Body)
    profiles: tuple[Profile, ...] = ()
    relocation: Relocation | None = None

    @property
    def effective_group(self) -> str | None:
        """The group, its own or the parent's, not interpolated."""
        return self.group or (self.parent.group if self.parent else None)

    @property
    def effective_version(self) -> str | None:
        """The version, its own or the parent's, not interpolated."""
        return self.version or (self.parent.version if self.parent else None)


@frozen
class Descriptor:
    """What dependency collection needs to know of an artifact: Maven's artifact descriptor.

    ``dependencies`` have management applied, version and scope set, in declared order, two of
    the same key possible. ``repositories`` are what its subtree may be looked for in too, the super
    POM's ``central`` among them. ``problem`` tells why the POM was not usable (missing
    or invalid): then there are no dependencies, and the artifact itself is still used.
    """

    coordinates: Coordinates
    packaging: str = "jar"
    dependencies: tuple[PomDependency, ...] = ()
    repositories: tuple[Repository, ...] = ()
    relocation: Relocation | None = None
    problem: str | None = None


@frozen
class EffectiveModel:
    """A project as Maven sees it once everything that bears on its POM was taken in.

    ``properties`` are the POM's with profiles' (user properties do not change them, except
    ``revision``, ``sha1`` and ``changelist``). ``dependencies`` have management applied,
    version and scope set. ``dependency_management`` has BOM imports replaced by what they hold;
    of two with one key the first counts. ``repositories`` are in the order of asking.
    ``plugins`` have pluginManagement merged in and the packaging's lifecycle bindings added;
    ``plugin_management`` is for plugins that are only called by name. Directories are absolute.
    ``lineage`` has the POM, its parent and so on, and the BOMs: files on whose change the model
    is stale. ``facts`` are other texts of the POM by dotted path. ``warnings`` are sentences for
    the user.
    """

    group: str
    artifact: str
    version: str
    packaging: str
    pom: Path
    basedir: Path
    properties: Mapping[str, str] = field(default_factory=nothing)
    dependencies: tuple[PomDependency, ...] = ()
    dependency_management: tuple[PomDependency, ...] = ()
    repositories: tuple[Repository, ...] = ()
    plugins: tuple[Plugin, ...] = ()
    plugin_management: tuple[Plugin, ...] = ()
    modules: tuple[str, ...] = ()
    build_directory: Path
    output_directory: Path
    source_directory: Path = Path("src", "main", "java")
    resource_directories: tuple[Path, ...] = ()
    final_name: str
    lineage: tuple[Path, ...] = ()
    active_profiles: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=nothing, compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @property
    def coordinates(self) -> Coordinates:
        """Group, artifact and version."""
        return Coordinates(self.group, self.artifact, self.version)

    @property
    def file(self) -> Path:
        """The POM: what configures the project."""
        return self.pom

    def plugin(self, artifact: str, group: str = DEFAULT_PLUGIN_GROUP) -> Plugin | None:
        """Return a plugin as ``mvn artifact:goal`` sees it, from pluginManagement at last.

        Of two in pluginManagement the last one counts.
        """
        key = f"{group}:{artifact}"
        known = (*self.plugins, *reversed(self.plugin_management))
        return next((plugin for plugin in known if plugin.key == key), None)

    def descriptor(self) -> Descriptor:
        """Return what another module of the same reactor sees of this one."""
        return Descriptor(
            coordinates=self.coordinates,
            packaging=self.packaging,
            dependencies=self.dependencies,
            repositories=self.repositories,
        )


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, in document order."""
    yield node
    for child in node.children:
        yield from walk(child)
