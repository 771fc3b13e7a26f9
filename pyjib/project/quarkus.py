"""Quarkus applications: they bring their own launcher, which finds all else beside itself.

Much of the work is done when Quarkus builds the application, so its own tree is taken as it
is, whatever the mode: ``quarkus-app`` (the fast-jar, its default), or the legacy runner jar
with ``lib`` beside it, or a runner jar that holds all.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.project.libraries import ClassPath, group_of, resolve_class_path
from pyjib.project.manifest import Manifest, read_manifest
from pyjib.project.model import (
    DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    DiskFile,
    FileGroup,
    Project,
    ProjectFile,
    ProjectKind,
)
from pyjib.project.own_code import Findings, examine_classes
from pyjib.project.walk import walk_files
from pyjib.project.zip_reader import Archive, read_archive

LAUNCHER = "quarkus-run.jar"
DIRECTORY = "quarkus-app"
_FAST_JAR = "io.quarkus.bootstrap.runner."
_MAIN_PACKAGE = "io.quarkus."
# From what changes least to what changes most: each group becomes a layer.
_LAUNCHER_GROUP, _GENERATED_GROUP, _APPLICATION_GROUP = "launcher", "quarkus", "application"
_GROUPS = (
    DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    _LAUNCHER_GROUP,
    _GENERATED_GROUP,
    _APPLICATION_GROUP,
)


def is_quarkus_jar(manifest: Manifest) -> bool:
    """Tell whether a jar is started by Quarkus."""
    return (manifest.main_class or "").startswith(_MAIN_PACKAGE)


def read_quarkus_jar(archive: Archive, manifest: Manifest) -> Project:
    """Read ``quarkus-run.jar`` with all that is beside it, or a runner jar.

    Raises ``ProjectError``, and ``DependencyError`` if a library is missing.
    """
    path = archive.path
    if (manifest.main_class or "").startswith(_FAST_JAR):
        return read_quarkus_directory(path.parent)
    class_path = resolve_class_path(path, manifest.class_path)
    libraries = [
        (group_of(jar.name), ProjectFile(path=_relative(jar, path), source=DiskFile(jar)))
        for jar in class_path.jars
    ]
    runner = (_APPLICATION_GROUP, ProjectFile(path=path.name, source=DiskFile(path)))
    return _project(
        path,
        [*libraries, runner],
        examine_classes(archive.files_below(), find_mains=False),
        class_path,
    )


def read_quarkus_directory(directory: Path) -> Project:
    """Read ``quarkus-app``; raises ``ProjectError``, and ``DependencyError`` as above."""
    launcher = directory / LAUNCHER
    manifest = read_manifest(read_archive(launcher))
    class_path = resolve_class_path(launcher, manifest.class_path)
    files = walk_files(directory)
    applications = [
        read_archive(directory / file.path).files_below()
        for file in files
        if file.path.startswith("app/") and file.path.endswith(".jar")
    ]
    findings = examine_classes(chain.from_iterable(applications), find_mains=False)
    grouped = [(_group(file.path), file) for file in files if file.source]
    return _project(launcher, grouped, findings, class_path)


def _group(path: str) -> str:
    top, _, rest = path.partition("/")
    if top == "lib" and rest:
        return group_of(path)
    if top == "app" and rest:
        return _APPLICATION_GROUP
    return _GENERATED_GROUP if top == "quarkus" and rest else _LAUNCHER_GROUP


def _project(
    launcher: Path,
    grouped: Iterable[tuple[str, ProjectFile]],
    findings: Findings,
    class_path: ClassPath,
) -> Project:
    groups: dict[str, list[ProjectFile]] = {name: [] for name in _GROUPS}
    for group, file in grouped:
        groups[group].append(file)
    if not groups[_APPLICATION_GROUP]:
        raise ProjectError(
            f"{launcher.parent} has no application jar in app/",
            hint="build it again: mvn package or gradle quarkusBuild",
        )
    application = Path(groups[_APPLICATION_GROUP][0].path)
    return Project(
        kind=ProjectKind.QUARKUS,
        root=launcher.parent,
        name=application.stem.removesuffix("-runner"),
        groups=tuple(
            FileGroup(name=name, files=tuple(files)) for name, files in groups.items() if files
        ),
        launcher=launcher.name,
        java_version=findings.java_version,
        detail=f"started by {launcher.name}",
        warnings=(*findings.warnings, *class_path.warnings),
    )


def _relative(jar: Path, runner: Path) -> str:
    try:
        path = jar.relative_to(runner.parent)
    except ValueError:
        path = Path("..")
    if ".." in path.parts:
        raise ProjectError(
            f"{runner} needs {jar}, which is not below its directory",
            hint="build it again: mvn package or gradle quarkusBuild",
        )
    return path.as_posix()
