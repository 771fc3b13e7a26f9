"""A Gradle project, by what Gradle itself wrote of it: the init script's ``classpath.json``.

Specification: ``maven-and-gradle-projects`` §8, ``jib-plugins-and-cli`` §2. The format is that of
``class_path_file``, with more members: ``rootDir``, ``group``, ``version``, ``jar``, ``jib``
(what the plugin of that name is told) and ``skaffold``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from pyjib.errors import ProjectError
from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.presence import is_file, is_folder
from pyjib.project.build_files import BuildFacts, BuildTool, read_gradle_facts
from pyjib.project.build_output import first_newer, not_compiled, stale
from pyjib.project.class_path_file import ClassPathFile, read_class_path_file
from pyjib.project.java_names import is_class_name
from pyjib.project.model import (
    DEPENDENCIES,
    PROJECT_DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    Dependency,
    Project,
    ProjectFile,
    ProjectKind,
)
from pyjib.project.own_code import examine_classes, is_class
from pyjib.project.walk import walk_files
from pyjib.project.war import read_war

T = TypeVar("T")

SCRIPT_NAME = "pyjib.init.gradle"
TASK = "pyjibClasspath"
COMMAND = f"gradle -I {SCRIPT_NAME} {TASK}"
_JIB = re.compile(
    r"com\.google\.cloud\.tools\.jib[\"'`]\s*\)?(?:\s*(?:version\s*\(?)\s*[\"']([0-9.]+)[\"'])?"
)
_LISTED = Path("build", "pyjib", "classpath.json")
_SNAPSHOT = "SNAPSHOT"


def init_script() -> str:
    """Return the text of the init script that writes ``classpath.json``."""
    return files("pyjib.project").joinpath(SCRIPT_NAME).read_text(encoding="utf-8")


@frozen
class GradleProject:
    """A project of a Gradle build, for which the init script has run.

    ``file`` is its build script, ``root_directory`` that of the whole build. ``jib`` is what the
    Jib plugin is told, by the names of its parameters, ``None`` where it is not applied; it has
    no password. ``skaffold`` is what Jib would tell Skaffold.
    """

    basedir: Path
    file: Path
    root_directory: Path
    group: str
    artifact: str
    version: str
    packaging: str
    jar: Path | None
    listed: ClassPathFile
    facts: BuildFacts
    jib: Mapping[str, Any] | None = field(default=None, repr=False)
    skaffold: Mapping[str, Any] = field(default_factory=dict)

    @property
    def build_directory(self) -> Path:
        """Where Gradle writes to by default."""
        return self.basedir / "build"

    @property
    def sync_excludes(self) -> tuple[Path, ...]:
        """The files and directories that Skaffold is not to sync."""
        return tuple(map(Path, self.told_skaffold("syncExcludes")))

    def told_skaffold(self, name: str) -> tuple[str, ...]:
        """Return a list that Jib would tell Skaffold; raises ``ProjectError`` for what is none."""
        stated = self.skaffold.get(name) or []
        if not isinstance(stated, list):
            raise _malformed(self.listed.path, f"skaffold.{name}", list)
        return tuple(map(str, stated))

    def read(self) -> Project:
        """Read classes, resources and libraries by Jib's rules for Gradle.

        Class directories are taken whole, and so is the one of resources. Raises ``ProjectError``
        if nothing is compiled or the war is not there.
        """
        project = self._war() if self.listed.war else self._compiled()
        newer = first_newer(self._build_files(), self.listed.path)
        return replace(
            project,
            root=self.basedir,
            name=self.artifact,
            declared_java=self.listed.java_version,
            java_version=self.listed.java_version or project.java_version,
            detail=f"class path from {self.listed.path}",
            warnings=(*project.warnings, *stale(newer, self.listed.path, COMMAND)),
        )

    def _build_files(self) -> Iterator[Path]:
        """Yield the files on which the class path depends, the whole build's among them."""
        yield from self.facts.files
        yield from filter(is_file, map(Path, self.told_skaffold("build")))
        catalog = self.root_directory / "gradle" / "libs.versions.toml"
        if is_file(catalog):
            yield catalog

    def _compiled(self) -> Project:
        classes: dict[str, ProjectFile] = {}
        directories = self.listed.classes
        if directories is None:
            directories = tuple(sorted(self.build_directory.glob("classes/*/main")))
        for directory in directories:
            for file in walk_files(directory):
                classes.setdefault(file.path, file)
        found = tuple(classes.values())
        if not any(map(is_class, found)):
            raise not_compiled(self.basedir, BuildTool.GRADLE)
        stated = self.listed.main_class
        main_class = stated if stated and is_class_name(stated) else None
        findings = examine_classes(found, find_mains=main_class is None)
        resources = self.listed.resources or self.build_directory / "resources" / "main"
        return Project(
            kind=ProjectKind.CLASSES,
            root=self.basedir,
            name=self.artifact,
            classes=found,
            resources=walk_files(resources) if is_folder(resources) else (),
            dependencies=tuple(map(self._grouped, self.listed.dependencies)),
            archive=self.jar if self.jar and is_file(self.jar) else None,
            main_class=main_class,
            main_class_candidates=findings.main_classes,
            java_version=findings.java_version,
            warnings=(*findings.warnings, *_odd_main(stated, main_class)),
        )

    def _grouped(self, dependency: Dependency) -> Dependency:
        """Put a library on the class path only if it is a jar; group it as Jib does, if it is here.

        Jib goes by the file's name alone.
        """
        is_jar = dependency.name.lower().endswith(".jar")
        group = dependency.group
        if self.jib is not None and group != PROJECT_DEPENDENCIES:
            group = SNAPSHOT_DEPENDENCIES if _SNAPSHOT in dependency.name else DEPENDENCIES
        return replace(dependency, group=group, on_class_path=is_jar)

    def _war(self) -> Project:
        war = self.listed.war
        assert war is not None  # noqa: S101  for the type checker: who calls has looked
        if not is_file(war):
            raise ProjectError(
                f"{self.basedir} is a war project, and there is no {war}",
                hint="build it first: gradle war",
            )
        modules = {
            found.name for found in self.listed.dependencies if found.group == PROJECT_DEPENDENCIES
        }
        project = read_war(war)
        return replace(
            project,
            dependencies=tuple(
                replace(found, group=PROJECT_DEPENDENCIES) if found.name in modules else found
                for found in project.dependencies
            ),
        )


def open_gradle_project(root: Path) -> GradleProject | None:
    """Return the project at ``root`` if Gradle wrote of it, ``None`` if it did not.

    Raises ``ProjectError`` for a malformed file, ``DependencyError`` if a library that it names
    is gone or has another size.
    """
    path = root.absolute() / _LISTED
    if not path.is_file():
        return None
    basedir = root.absolute()
    listed = read_class_path_file(path, basedir)
    members = _members(path)
    facts = read_gradle_facts(basedir)
    if facts is None:
        facts = BuildFacts(tool=BuildTool.GRADLE, name=basedir.name)
    jar = members.text("jar")
    return GradleProject(
        basedir=basedir,
        file=facts.files[0] if facts.files else basedir / "build.gradle",
        root_directory=basedir / (members.text("rootDir") or ""),
        group=members.text("group") or "",
        artifact=listed.name or facts.name,
        version=members.text("version") or "unspecified",
        packaging="war" if listed.war else "jar",
        jar=basedir / jar if jar else None,
        listed=listed,
        facts=facts,
        jib=members.object("jib"),
        skaffold=members.object("skaffold") or {},
    )


@frozen
class JibMention:
    """A Gradle build that applies Jib's plugin, of which Gradle has not written anything yet.

    ``plugin_version`` is ``None`` where the build script leaves it to others.
    """

    basedir: Path
    file: Path
    root_directory: Path
    group: str = ""
    artifact: str
    version: str = "unspecified"
    packaging: str = "jar"
    plugin_version: str | None = None

    @property
    def build_directory(self) -> Path:
        """Where Gradle writes to by default."""
        return self.basedir / "build"


def find_jib_mention(root: Path) -> JibMention | None:
    """Return the build at ``root`` if its script names Jib's plugin, ``None`` if it does not."""
    facts = read_gradle_facts(root)
    scripts = (
        [path for path in facts.files if path.name.startswith("build.gradle")] if facts else []
    )
    for script in scripts:
        match = _JIB.search(script.read_text(encoding="utf-8", errors="replace"))
        if match is not None and facts is not None:
            return JibMention(
                basedir=root.absolute(),
                file=script,
                root_directory=_root_directory(root.absolute()),
                artifact=facts.name,
                plugin_version=match[1],
            )
    return None


def _root_directory(root: Path) -> Path:
    """Return the directory of the nearest settings script, the project's own at last."""
    names = ("settings.gradle", "settings.gradle.kts")
    candidates = (directory for directory in (root, *root.parents))
    return next((one for one in candidates if any((one / name).is_file() for name in names)), root)


class _Members:
    """Members of the document beside those that every ``classpath.json`` has."""

    def __init__(self, path: Path, content: Mapping[str, Any]) -> None:
        self._path, self._content = path, content

    def text(self, name: str) -> str | None:
        return self._of(name, str)

    def object(self, name: str) -> Mapping[str, Any] | None:
        return self._of(name, dict)

    def _of(self, name: str, kind: type[T]) -> T | None:
        value = self._content.get(name)
        if value is None or isinstance(value, kind):
            return value
        raise _malformed(self._path, name, kind)


def _malformed(path: Path, name: str, kind: type[Any]) -> ProjectError:
    return ProjectError(
        f"cannot read {path}: {name} is not of type {kind.__name__}",
        hint=f"let Gradle write it again: {COMMAND}",
    )


def _members(path: Path) -> _Members:
    content: Mapping[str, Any] = json.loads(path.read_bytes())  # read_class_path_file has checked
    return _Members(path, content)


def _odd_main(stated: str | None, taken: str | None) -> Iterator[Warned]:
    if stated and not taken:
        yield Warned(
            message=f"the jar task's Main-Class {stated!r} is not the name of a class, and the "
            "classes are searched for one",
            hint="correct the manifest in the build script",
        )
