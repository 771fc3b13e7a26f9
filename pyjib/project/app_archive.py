"""A jar or war as jib-cli sees it: its members, its manifest, Spring Boot's layers.

Other than ``read_jar`` and ``read_war`` it takes nothing apart: what goes where in the image is
for ``pyjib.plan.jib_cli_layout``. Specification: ``jib-plugins-and-cli`` §4.4, §4.5.
"""

from __future__ import annotations

import re
from pathlib import Path

from pyjib.errors import DependencyError, ProjectError
from pyjib.presence import is_file, is_folder
from pyjib.project.archive_member import ArchiveMember
from pyjib.project.classfile import HEAD_SIZE, MalformedClassError, read_version
from pyjib.project.manifest import Manifest, read_manifest
from pyjib.project.model import AppArchive, BootLayer, DiskFile, ProjectFile
from pyjib.project.own_code import CLASS_SUFFIX
from pyjib.project.zip_reader import Archive, read_archive

_BOOT = "BOOT-INF"
_BOOT_CLASSES = f"{_BOOT}/classes/"
_LAYERS_INDEX = f"{_BOOT}/layers.idx"
_LAYER = re.compile(r'- "(.*)":')
_CONTENT = re.compile(r'  - "(.*)"')
_LAUNCHERS = (
    "org.springframework.boot.loader.JarLauncher",
    "org.springframework.boot.loader.launch.JarLauncher",
)


def read_app_archive(path: Path, *, is_war: bool) -> AppArchive:
    """Read a jar, or a war whatever its name; raises ``ProjectError`` and ``DependencyError``."""
    if is_folder(path):
        raise ProjectError(
            f"The file path provided is for a directory: {path}", hint="name a .jar or .war file"
        )
    if not is_file(path):
        raise ProjectError(
            f"The file path provided does not exist: {path}", hint="name a .jar or .war file"
        )
    archive = read_archive(path)
    # Jib-cli takes a directory that is called like a class for one.
    files = tuple(
        file
        for file in archive.files_below()
        if file.source is not None or file.path.endswith(CLASS_SUFFIX)
    )
    if is_war:
        return AppArchive(path=path, is_war=True, files=files)
    manifest = read_manifest(archive)
    launcher = _launcher(archive, manifest)
    return AppArchive(
        path=path,
        is_war=False,
        files=files,
        main_class=manifest.main_class,
        launcher=launcher,
        # Jib follows a Class-Path only where the jar does not bring its libraries itself.
        libraries=() if launcher else _libraries(path, manifest),
        layers=_layers(archive) if launcher else None,
        java_version=_java_version(archive, manifest),
    )


def _launcher(archive: Archive, manifest: Manifest) -> str | None:
    """Return the class that starts a Spring Boot jar from its unpacked files.

    Jib always takes the first of ``_LAUNCHERS``, which Boot 3.2 moved (Jib's issue 4175).
    """
    if _BOOT not in archive.directories:
        return None
    for name in _LAUNCHERS:
        if f"{name.replace('.', '/')}{CLASS_SUFFIX}" in archive.members:
            return name
    return manifest.main_class or _LAUNCHERS[0]


def _libraries(path: Path, manifest: Manifest) -> tuple[ProjectFile, ...]:
    found = []
    for entry in manifest.class_path:
        library = path.parent / entry
        is_directory = is_folder(library)
        if not is_directory and not is_file(library):
            raise DependencyError(
                "Dependency required by the JAR (as specified in `Class-Path` in the JAR "
                f"manifest) doesn't exist: {str(library)[:500]}",
                hint="put the libraries where the manifest says, or build a jar that holds them",
            )
        source = None if is_directory else DiskFile(library)
        found.append(ProjectFile(path=Path(entry).as_posix(), source=source))
    return tuple(found)


def _layers(archive: Archive) -> tuple[BootLayer, ...] | None:
    content = archive.read(_LAYERS_INDEX)
    if content is None:
        return None
    layers: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in content.decode("utf-8", "replace").splitlines():
        if found := _LAYER.fullmatch(line):
            current = layers[found[1]] = []
        elif current is not None and (found := _CONTENT.fullmatch(line)):
            current.append(found[1])
        else:
            raise ProjectError(
                f"Unable to parse {_LAYERS_INDEX} file in the JAR. Please check the format of "
                f"layers.idx: {line[:80]!r} in {archive.path}",
                hint="build the jar again with Spring Boot's plugin for Maven or Gradle",
            )
    return tuple(BootLayer.of(name, paths) for name, paths in layers.items())


def _java_version(archive: Archive, manifest: Manifest) -> int | None:
    names = (
        name
        for name in archive.members
        if name.endswith(CLASS_SUFFIX) and not name.endswith("module-info.class")
    )
    started = manifest.get("Start-Class") or manifest.main_class or ""
    path = f"{started.replace('.', '/')}{CLASS_SUFFIX}"
    members = [
        archive.members[name]
        for name in (next(names, ""), path, f"{_BOOT_CLASSES}{path}")
        if name in archive.members
    ]
    return max(map(_release, members), default=None)


def _release(member: ArchiveMember) -> int:
    try:
        with member.open() as file:
            return read_version(file.read(HEAD_SIZE)).release
    except MalformedClassError as error:
        raise ProjectError(
            f"the class file {member.describe()} is of an invalid format: {error}",
            hint="build the archive again",
        ) from None
