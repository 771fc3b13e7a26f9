"""The layouts of ``jib jar`` and ``jib war`` (``jib-plugins-and-cli`` §4.4, §4.5).

They differ from those of Jib's plugins: no argument files, other directories, and no
directories but those that follow from files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pyjib.errors import ConfigurationError, MainClassError
from pyjib.oci.location import EngineLocation, RegistryLocation
from pyjib.oci.reference import DOCKER_HUB
from pyjib.options import BuildOptions, Mode
from pyjib.plan.base_image import java_base, jetty_base
from pyjib.plan.container_config import make_config
from pyjib.plan.entrypoint import java_command, jetty_command
from pyjib.plan.finish import make_format, make_platforms, make_recipe
from pyjib.plan.layout import APP_ROOT, Layout
from pyjib.plan.model import DIRECTORY_MODE, FILE_MODE, BuildPlan, LayerEntry, LayerPlan
from pyjib.plan.paths import absolute_path, join
from pyjib.plan.war_layout import JETTY_ROOT
from pyjib.project.model import (
    DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    AppArchive,
    DiskFile,
    ProjectFile,
)

_EXPLODED = f"{APP_ROOT}/explodedJar"
_OLDEST_JAVA = 0
_CLASS = ".class"
Files = Iterable[ProjectFile]


def plan_archive(archive: AppArchive, options: BuildOptions) -> BuildPlan:
    """Decide everything about the image that jib-cli makes of a jar or war; pure.

    Raises ``ConfigurationError``, and ``MainClassError`` for a jar that does not say what
    starts it.
    """
    layout = _war(archive, options) if archive.is_war else _jar(archive, options)
    return BuildPlan(
        base=layout.base,
        platforms=make_platforms(options),
        layers=tuple(layer for layer in layout.layers if layer.entries),
        config=make_config(options, options.entrypoint or layout.command),
        created=options.created,
        format=make_format(options),
        identity=options.identity,
        recipe=make_recipe(options),
        java_version=archive.java_version,
    )


def _jar(archive: AppArchive, options: BuildOptions) -> Layout:
    base = options.base or java_base(archive.java_version or _OLDEST_JAVA, options.identity)
    if options.mode is Mode.PACKAGED:
        target = join(APP_ROOT, archive.path.name)
        jar = LayerEntry(target=target, source=DiskFile(archive.path))
        layers = (*_libraries(archive, APP_ROOT, _whole_path), LayerPlan.of("jar", [jar]))
        if not archive.is_boot:
            _check_main_class(archive, options)
        return Layout(base=base, layers=layers, command=java_command(options, "-jar", target))
    if archive.launcher is not None:
        command = java_command(options, "-cp", APP_ROOT, archive.launcher)
        return Layout(base=base, layers=tuple(_boot_layers(archive)), command=command)
    main_class = _check_main_class(archive, options)
    directory = join(APP_ROOT, "dependencies")
    layers = (
        *_libraries(archive, directory, _file_name),
        _layer("resources", _EXPLODED, [file for file in archive.files if not _is_class(file)]),
        _layer("classes", _EXPLODED, filter(_is_class, archive.files)),
    )
    class_path = f"{_EXPLODED}:{directory}/*"
    return Layout(
        base=base, layers=layers, command=java_command(options, "-cp", class_path, main_class)
    )


def _check_main_class(archive: AppArchive, options: BuildOptions) -> str:
    if archive.main_class is None and not options.entrypoint:
        raise MainClassError(
            "`Main-Class:` attribute for an application main class not defined in the input "
            f"JAR's manifest (`META-INF/MANIFEST.MF` in the JAR): {archive.path}",
            hint="add it to the manifest, or say with --entrypoint what is to run",
        )
    return archive.main_class or ""


def _libraries(
    archive: AppArchive, directory: str, place: Callable[[ProjectFile], str]
) -> tuple[LayerPlan, ...]:
    """Lay out what the manifest's ``Class-Path`` names: releases, then snapshots."""
    layers = []
    for name, is_snapshot in ((DEPENDENCIES, False), (SNAPSHOT_DEPENDENCIES, True)):
        files = [file for file in archive.libraries if ("SNAPSHOT" in file.path) is is_snapshot]
        entries = [_entry(join(directory, place(file)), file) for file in files]
        layers.append(LayerPlan.of(name, entries))
    return tuple(layers)


def _whole_path(file: ProjectFile) -> str:
    if ".." in file.path.split("/"):
        raise ConfigurationError(
            f"the jar's Class-Path names {file.path}, which would lie outside of {APP_ROOT} in the "
            "image",
            hint="use --mode exploded, which puts all libraries into one directory",
        )
    return file.path


def _file_name(file: ProjectFile) -> str:
    return file.path.rstrip("/").rpartition("/")[2]


def _boot_layers(archive: AppArchive) -> Iterable[LayerPlan]:
    """Yield Spring Boot's own layers, or those that jib-cli divides a jar without an index in."""
    files = [file for file in archive.files if file.source is not None]
    if archive.layers is not None:
        for layer in archive.layers:
            yield _layer(layer.name, APP_ROOT, [file for file in files if layer.holds(file.path)])
        return
    in_lib = [file for file in files if file.path.startswith("BOOT-INF/lib/")]
    own = [file for file in archive.files if file.path.startswith("BOOT-INF/classes/")]
    meta = [file for file in files if file.path.startswith("META-INF/")]
    loader = [file for file in files if file.path.startswith("org/")]
    yield _layer(DEPENDENCIES, APP_ROOT, [file for file in in_lib if not _is_snapshot(file)])
    yield _layer("spring-boot-loader", APP_ROOT, loader)
    yield _layer(SNAPSHOT_DEPENDENCIES, APP_ROOT, [file for file in in_lib if _is_snapshot(file)])
    resources = [file for file in own if not _is_class(file)]
    yield _layer("resources", APP_ROOT, [*meta, *resources])
    yield _layer("classes", APP_ROOT, [file for file in own if _is_class(file)])


def _war(archive: AppArchive, options: BuildOptions) -> Layout:
    is_jetty = options.base is None or _is_jetty(options)
    if options.app_root is None and not is_jetty:
        raise ConfigurationError(
            "Please set the app root of the container with `--app-root` when specifying a base "
            "image that is not jetty.",
            hint="for example --app-root /usr/local/tomcat/webapps/ROOT",
        )
    root = absolute_path(options.app_root or JETTY_ROOT, "app root", "--app-root")
    files = [file for file in archive.files if file.source is not None]
    in_lib = [file for file in files if file.path.startswith("WEB-INF/lib/")]
    others = [file for file in files if not file.path.startswith("WEB-INF/lib/")]
    own = [file for file in archive.files if file.path.startswith("WEB-INF/classes/")]
    return Layout(
        base=options.base or jetty_base(),
        layers=(
            _layer(DEPENDENCIES, root, [file for file in in_lib if not _is_snapshot(file)]),
            _layer(SNAPSHOT_DEPENDENCIES, root, [file for file in in_lib if _is_snapshot(file)]),
            _layer("resources", root, [file for file in others if not _is_class(file)]),
            # Classes elsewhere are in no layer of jib-cli's.
            _layer("classes", root, filter(_is_class, own)),
        ),
        command=jetty_command(options) if is_jetty else None,
    )


def _is_jetty(options: BuildOptions) -> bool:
    """Tell whether the base is Docker's official Jetty, in whatever way it is named."""
    base = options.base
    if not isinstance(base, RegistryLocation | EngineLocation):
        return False
    reference = base.reference
    return reference.registry == DOCKER_HUB and reference.repository == "library/jetty"


def _layer(name: str, directory: str, files: Files) -> LayerPlan:
    return LayerPlan.of(name, [_entry(join(directory, file.path), file) for file in files])


def _entry(target: str, file: ProjectFile) -> LayerEntry:
    mode = DIRECTORY_MODE if file.source is None else FILE_MODE
    return LayerEntry(target=target, source=file.source, mode=mode)


def _is_class(file: ProjectFile) -> bool:
    return file.path.endswith(_CLASS)


def _is_snapshot(file: ProjectFile) -> bool:
    return "SNAPSHOT" in _file_name(file)
