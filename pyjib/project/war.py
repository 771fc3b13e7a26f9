"""Reading a war, for the servlet container of the base image; Spring Boot's also run alone."""

from __future__ import annotations

from pathlib import Path

from pyjib.project.libraries import group_of
from pyjib.project.manifest import read_manifest
from pyjib.project.model import Dependency, Project, ProjectKind
from pyjib.project.own_code import CLASS_SUFFIX, examine_classes
from pyjib.project.zip_reader import read_archive

_CLASSES = "WEB-INF/classes/"
_LIB = "WEB-INF/lib/"


def read_war(path: Path) -> Project:
    """Read the war at ``path``; paths of its files are those within it.

    As in Jib, ``.class`` files below ``WEB-INF/classes`` are classes, jars in ``WEB-INF/lib``
    are libraries, and all else, all directories included, are resources; so are the libraries
    of ``WEB-INF/lib-provided``, which a servlet container must not load. ``main_class`` is
    stated by wars that ``java -jar`` starts (Spring Boot's ``Start-Class``).

    Raises ``ProjectError`` if it cannot be read.
    """
    archive = read_archive(path)
    manifest = read_manifest(archive)
    files = archive.files_below()
    below_classes = [file for file in files if file.path.startswith(_CLASSES)]
    classes = tuple(
        file for file in below_classes if file.source is None or file.path.endswith(CLASS_SUFFIX)
    )
    own_classes = {file.path for file in classes if file.source}
    findings = examine_classes(classes, find_mains=False)
    return Project(
        kind=ProjectKind.WAR,
        root=path.parent,
        name=path.stem,
        classes=classes,
        resources=tuple(
            file
            for file in files
            if file.source is None or not (file.path in own_classes or file.path.startswith(_LIB))
        ),
        dependencies=tuple(
            Dependency(name=name, source=file.source, group=group_of(name))
            for file in files
            if file.source and (name := _library_name(file.path))
        ),
        archive=path,
        main_class=manifest.get("Start-Class"),
        java_version=findings.java_version,
        warnings=findings.warnings,
    )


def _library_name(path: str) -> str | None:
    """Return the file name of what lies directly in ``WEB-INF/lib``: the container sees no more."""
    name = path.removeprefix(_LIB)
    return name if name != path and "/" not in name else None
