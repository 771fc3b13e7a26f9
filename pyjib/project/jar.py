"""Reading a jar: Spring Boot's, Quarkus's, one with its libraries beside it, or a plain one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.options import Mode
from pyjib.project.libraries import library, resolve_class_path
from pyjib.project.manifest import Manifest, read_manifest
from pyjib.project.model import (
    PROJECT_DEPENDENCIES,
    Dependency,
    DiskFile,
    Project,
    ProjectKind,
)
from pyjib.project.own_code import examine_classes, is_class, split_classes
from pyjib.project.quarkus import is_quarkus_jar, read_quarkus_jar
from pyjib.project.spring_boot import is_boot_jar, read_boot_jar
from pyjib.project.zip_reader import Archive, read_archive


def read_jar(path: Path, *, mode: Mode) -> Project:
    """Read the jar at ``path``; raises ``ProjectError`` and ``DependencyError``."""
    archive = read_archive(path)
    manifest = read_manifest(archive)
    if is_boot_jar(archive, manifest):
        return read_boot_jar(archive, manifest)
    if is_quarkus_jar(manifest):
        return read_quarkus_jar(archive, manifest)
    return read_plain_jar(archive, manifest, mode=mode)


def read_plain_jar(archive: Archive, manifest: Manifest, *, mode: Mode) -> Project:
    """Read a jar that Java starts without a launcher; its ``Class-Path`` has the libraries.

    Raises ``DependencyError`` if one of them is missing, ``ProjectError`` if no class is in it.
    """
    files = archive.files_below()
    if not any(map(is_class, files)):
        raise ProjectError(
            f"{archive.path} has no classes",
            hint="name the jar of the application, not that of its sources or documentation",
        )
    class_path = resolve_class_path(archive.path, manifest.class_path)
    findings = examine_classes(files, find_mains=manifest.main_class is None)
    classes, resources = split_classes(files)
    project = Project(
        kind=ProjectKind.JAR,
        root=archive.path.parent,
        name=archive.path.stem,
        classes=classes,
        resources=resources,
        dependencies=tuple(map(library, class_path.jars)),
        archive=archive.path,
        main_class=manifest.main_class,
        main_class_candidates=findings.main_classes,
        java_version=findings.java_version,
        detail="libraries from the manifest's Class-Path" if class_path.jars else "",
        warnings=(*findings.warnings, *class_path.warnings),
    )
    if manifest.is_multi_release and mode is Mode.EXPLODED:
        return _kept_whole(project, archive.path)
    return project


def _kept_whole(project: Project, jar: Path) -> Project:
    """Leave a multi-release jar a jar: of directories, Java ignores ``META-INF/versions``."""
    own = Dependency(name=jar.name, source=DiskFile(jar), group=PROJECT_DEPENDENCIES)
    return replace(project, classes=(), resources=(), dependencies=(own, *project.dependencies))
