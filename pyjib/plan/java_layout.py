"""Layouts of what starts by ``java -cp`` or ``java -jar`` (jib-core's JavaContainerBuilder)."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from pyjib.options import BuildOptions, Mode
from pyjib.plan.base_image import UNKNOWN_JAVA, default_base, java_release
from pyjib.plan.entrypoint import find_main_class, java_command
from pyjib.plan.layout import (
    Layout,
    Library,
    app_root,
    archive_layer,
    archive_name,
    files_layer,
    library_layers,
    name_libraries,
)
from pyjib.plan.model import LayerEntry, LayerPlan
from pyjib.plan.paths import join
from pyjib.project.model import Dependency, InlineFile, Project, ProjectKind

CLASS_PATH_FILE = "jib-classpath-file"
MAIN_CLASS_FILE = "jib-main-class-file"
_DEVTOOLS = "spring-boot-devtools-*.jar"
_ARGUMENT_FILES_SINCE = 9


def class_path_layout(project: Project, options: BuildOptions) -> Layout:
    """Lay out a project that starts by its main class and a class path, exploded or packaged.

    Jib's layers in Jib's order: libraries by group, resources and classes or the jar, the
    argument files. Raises ``MainClassError``, ``ProjectError``, ``ConfigurationError``.
    """
    root = app_root(options)
    libraries = name_libraries(_dependencies(project, options))
    own_layers, own_class_path = _own_code(project, options, root)
    class_path = ":".join(
        [
            *options.extra_classpath,
            *(join(root, path) for path in own_class_path),
            *_library_class_path(project, options, root, libraries),
        ]
    )
    main_class = find_main_class(project, options)
    reference = f"@{join(root, CLASS_PATH_FILE)}" if _is_modern(project, options) else class_path
    return Layout(
        base=default_base(project, options),
        layers=(
            *library_layers(project, libraries, join(root, "libs"), options.file_time),
            *own_layers,
            _argument_files(root, _argument(class_path, options), main_class),
        ),
        command=java_command(options, "-cp", reference, main_class),
    )


def archive_layout(project: Project, options: BuildOptions) -> Layout:
    """Lay out a jar or war that runs by ``java -jar``; raises ``ProjectError``."""
    kind = "war" if project.kind is ProjectKind.WAR else "jar"
    target = join(app_root(options), archive_name(project, f".{kind}"))
    return Layout(
        base=default_base(project, options),
        layers=(archive_layer(kind, target, project, options.file_time),),
        command=java_command(options, "-jar", target),
    )


def _dependencies(project: Project, options: BuildOptions) -> Sequence[Dependency]:
    """Leave Spring Boot's developer tools out: they are no part of a production image.

    For Jib they are, unless its own extension drops them.
    """
    if project.kind is not ProjectKind.SPRING_BOOT or options.identity.is_jib:
        return project.dependencies
    return [library for library in project.dependencies if not fnmatchcase(library.name, _DEVTOOLS)]


def _own_code(
    project: Project, options: BuildOptions, root: str
) -> tuple[tuple[LayerPlan, ...], tuple[str, ...]]:
    """Return the layers of the project's own code, and its class path relative to ``root``."""
    time = options.file_time
    if options.mode is Mode.EXPLODED:
        resources = files_layer("resources", join(root, "resources"), project.resources, time)
        classes = files_layer("classes", join(root, "classes"), project.classes, time)
        return (resources, classes), ("resources", "classes")
    name = archive_name(project, ".jar")
    if project.kind is ProjectKind.JAR:
        return (archive_layer("jar", join(root, name), project, time),), (name,)
    # The layer's name, the directory and the wildcard are those of Jib's packaged mode.
    jar = archive_layer("extra files", join(root, f"classpath/{name}"), project, time)
    return (jar,), ("classpath/*",)


def _library_class_path(
    project: Project, options: BuildOptions, root: str, libraries: Sequence[Library]
) -> list[str]:
    """Return the libraries' part of the class path.

    Jib writes a wildcard for old Java, whose order is up to the file system. We do so for
    what Jib builds; a jar that states an order keeps it.
    """
    listed = (
        _is_modern(project, options)
        or options.expand_classpath
        or project.kind is not ProjectKind.CLASSES
    )
    if not (project.ordered and listed):
        return [join(root, "libs/*")]
    return [
        join(root, f"libs/{library.name}")
        for library in libraries
        if library.dependency.on_class_path
    ]


def _is_modern(project: Project, options: BuildOptions) -> bool:
    """Tell whether the java command reads argument files."""
    version = java_release(project, options)
    return (UNKNOWN_JAVA if version is None else version) >= _ARGUMENT_FILES_SINCE


def _argument(class_path: str, options: BuildOptions) -> str:
    """Return the class path as one argument of an argument file.

    Java splits such a file at white space and takes quotes away. Jib quotes nothing, so its
    images do not start where a path has either; with another tool's bytes to match, nor do ours.
    """
    if options.identity.is_jib or not set(class_path) & set(" \t\n\r\f\"'"):
        return class_path
    escaped = class_path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _argument_files(root: str, class_path: str, main_class: str) -> LayerPlan:
    """Jib's file time does not apply to them: they are always at one second."""
    texts = {CLASS_PATH_FILE: class_path, MAIN_CLASS_FILE: main_class}
    return LayerPlan.of(
        "jvm arg files",
        [
            LayerEntry(target=join(root, name), source=InlineFile(text.encode()))
            for name, text in texts.items()
        ],
    )
