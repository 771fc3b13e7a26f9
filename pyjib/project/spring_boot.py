"""Spring Boot's executable jars, of Boot 1.4 to 4.x ("The Executable Jar Format").

The application starts by its own main class: its classes, then its libraries in the order of
``BOOT-INF/classpath.idx``, as Boot's launcher would have it from an unpacked jar. The launcher
puts more than that in reach: ``java -jar`` has the jar itself on the class path, so whatever
lies outside ``BOOT-INF`` can be found, and before what is within; build information and
bills of materials in ``META-INF`` are. All of it comes along but for the launcher.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pyjib.errors import ProjectError
from pyjib.project.libraries import group_of
from pyjib.project.manifest import Manifest
from pyjib.project.model import (
    DEPENDENCIES,
    DEPENDENCY_GROUPS,
    PROJECT_DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    BootLayer,
    Dependency,
    FileSource,
    Project,
    ProjectFile,
    ProjectKind,
    by_path,
)
from pyjib.project.own_code import examine_classes, is_class, split_classes
from pyjib.project.zip_reader import Archive

_ROOT = "BOOT-INF"
_LOADER = "org/springframework/boot/loader"
# Only the launcher has services here: Boot moves the application's into BOOT-INF/classes.
_LOADER_SERVICES = "META-INF/services"
_LOADER_LAYER = "spring-boot-loader"
_GROUP_OF_LAYER = {
    "dependencies": DEPENDENCIES,
    "snapshot-dependencies": SNAPSHOT_DEPENDENCIES,
    "application": PROJECT_DEPENDENCIES,  # its libraries are modules of the same build
}
_LAYER_LINE = re.compile(r'- "([^"]+)":')
_CONTENT_LINE = re.compile(r'  - "([^"]+)"')
_CLASS_PATH_LINE = re.compile(r'- "([^"]+)"')


def is_boot_jar(archive: Archive, manifest: Manifest) -> bool:
    """Tell whether Spring Boot packed the jar, whatever launcher it has."""
    known = manifest.get("Start-Class") or manifest.get("Spring-Boot-Version")
    return bool(known) and _ROOT in archive.directories


def read_boot_jar(archive: Archive, manifest: Manifest) -> Project:
    """Read an executable jar; raises ``ProjectError`` if an index in it is malformed.

    Libraries are grouped by ``BOOT-INF/layers.idx``; its layer names other than Boot's own
    four become groups of their own, in the order of the index.
    """
    prefix = manifest.get("Spring-Boot-Classes") or f"{_ROOT}/classes/"
    own_files = archive.files_below(prefix)
    files = _merged(_files_beside(archive), own_files)
    if not any(map(is_class, files)):
        raise ProjectError(
            f"{archive.path} has no classes in {prefix}",
            hint="build the jar again: mvn package or gradle bootJar",
        )
    layers = _read_layers(archive, manifest)
    main_class = manifest.get("Start-Class")
    findings = examine_classes(own_files, find_mains=main_class is None)
    classes, resources = split_classes(files)
    return Project(
        kind=ProjectKind.SPRING_BOOT,
        root=archive.path.parent,
        name=archive.path.stem,
        classes=classes,
        resources=resources,
        dependencies=tuple(_read_libraries(archive, manifest, layers)),
        dependency_groups=_groups(layers),
        archive=archive.path,
        main_class=main_class,
        main_class_candidates=findings.main_classes,
        java_version=findings.java_version,
        detail=f"Spring Boot {manifest.get('Spring-Boot-Version') or ''}".rstrip(),
        warnings=findings.warnings,
    )


def _files_beside(archive: Archive) -> Iterable[ProjectFile]:
    """Return what lies outside ``BOOT-INF`` and is not the launcher's."""
    launchers = (_ROOT, _LOADER, _LOADER_SERVICES)
    files = [
        file
        for file in archive.files_below()
        if not any(file.path == path or file.path.startswith(f"{path}/") for path in launchers)
    ]
    # Directories that held nothing but the launcher go with it.
    needed = {
        "/".join(parts[:depth])
        for parts in (file.path.split("/") for file in files if file.source)
        for depth in range(1, len(parts))
    }
    return [file for file in files if file.source or file.path in needed]


def _merged(first: Iterable[ProjectFile], then: Iterable[ProjectFile]) -> Sequence[ProjectFile]:
    return by_path({file.path: file for file in (*then, *first)}.values())


def _read_libraries(
    archive: Archive, manifest: Manifest, layers: Sequence[BootLayer]
) -> Iterable[Dependency]:
    """Yield the libraries in the order of the class path.

    Any that the index lacks (a tool added them later) follow in the order of the jar's own
    directory, which is what ``java -jar`` goes by, and what stands for a missing index.
    """
    prefix = manifest.get("Spring-Boot-Lib") or f"{_ROOT}/lib/"
    members = {name: member for name, member in archive.members.items() if name.startswith(prefix)}
    for name in _read_order(archive, manifest, prefix):
        if name in members:
            yield _library(name, members.pop(name), layers)
    for name, member in members.items():
        yield _library(name, member, layers)


def _library(name: str, source: FileSource, layers: Sequence[BootLayer]) -> Dependency:
    file_name = name.rpartition("/")[2]
    holder = next((layer for layer in layers if layer.holds(name)), None)
    group = group_of(file_name) if holder is None else _group(holder)
    return Dependency(name=file_name, source=source, group=group)


def _read_order(archive: Archive, manifest: Manifest, prefix: str) -> Iterable[str]:
    """Yield the paths of ``classpath.idx``; Boot 2.3's first ones were mere file names."""
    name = manifest.get("Spring-Boot-Classpath-Index") or f"{_ROOT}/classpath.idx"
    for line in _index_lines(archive, name):
        found = _CLASS_PATH_LINE.fullmatch(line)
        if not found:
            raise _malformed(archive, name, line)
        yield found[1] if "/" in found[1] else f"{prefix}{found[1]}"


def _read_layers(archive: Archive, manifest: Manifest) -> Sequence[BootLayer]:
    """Return the layers of ``layers.idx``, none if the jar has no such index."""
    index = manifest.get("Spring-Boot-Layers-Index") or f"{_ROOT}/layers.idx"
    content: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in _index_lines(archive, index):
        if found := _LAYER_LINE.fullmatch(line):
            current = content.setdefault(found[1], [])
        elif current is not None and (found := _CONTENT_LINE.fullmatch(line)):
            current.append(found[1])
        else:
            raise _malformed(archive, index, line)
    return [BootLayer.of(name, paths) for name, paths in content.items()]


def _groups(layers: Sequence[BootLayer]) -> tuple[str, ...]:
    """Return all groups in the order of layers; what no layer holds goes with Jib's three."""
    named = [_group(layer) for layer in layers if layer.name != _LOADER_LAYER]
    return tuple(dict.fromkeys((*named, *DEPENDENCY_GROUPS)))


def _group(layer: BootLayer) -> str:
    return _GROUP_OF_LAYER.get(layer.name, layer.name)


def _index_lines(archive: Archive, name: str) -> Sequence[str]:
    content = archive.read(name) or b""
    lines = (line.rstrip() for line in content.decode("utf-8", "replace").splitlines())
    return [line for line in lines if line]


def _malformed(archive: Archive, name: str, line: str) -> ProjectError:
    return ProjectError(
        f"cannot read {archive.path}!/{name}: unexpected line {line[:80]!r}",
        hint="build the jar again with Spring Boot's plugin for Maven or Gradle",
    )
