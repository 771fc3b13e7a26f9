"""What all layouts share: files and libraries of a project as layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pyjib.errors import ProjectError
from pyjib.frozen import frozen
from pyjib.oci.instant import Instant
from pyjib.oci.location import Location
from pyjib.options import BuildOptions
from pyjib.plan.model import DIRECTORY_MODE, FILE_MODE, LayerEntry, LayerPlan
from pyjib.plan.paths import absolute_path, join
from pyjib.project.model import Dependency, DiskFile, Project, ProjectFile

APP_ROOT = "/app"


@frozen
class Layout:
    """Where a project lies in the image, and the command that then starts it.

    ``command`` ``None`` leaves that to the base. ``layers`` may be empty ones.
    """

    base: Location
    layers: tuple[LayerPlan, ...]
    command: tuple[str, ...] | None


@frozen
class Library:
    """A dependency under the file name that it has in the image."""

    name: str
    dependency: Dependency


def app_root(options: BuildOptions, default: str = APP_ROOT) -> str:
    """Return the directory of the application; raises ``ConfigurationError``."""
    if options.app_root is None:
        return default
    return absolute_path(options.app_root, "app root", "--app-root")


def files_layer(
    name: str, directory: str, files: Iterable[ProjectFile], file_time: Instant
) -> LayerPlan:
    """Lay files out below ``directory``."""
    return LayerPlan.of(
        name,
        [
            LayerEntry(
                target=join(directory, file.path),
                source=file.source,
                mode=DIRECTORY_MODE if file.source is None else FILE_MODE,
                mtime=file_time,
            )
            for file in files
        ],
    )


def archive_layer(name: str, target: str, project: Project, file_time: Instant) -> LayerPlan:
    """Lay out the project's own jar or war; raises ``ProjectError`` if none was built."""
    if project.archive is None:
        raise ProjectError(
            f"packaged mode needs the jar or war of {project.root}, and there is none",
            hint="package the project first (mvn package, gradle jar), or use --mode exploded",
        )
    entry = LayerEntry(target=target, source=DiskFile(project.archive), mtime=file_time)
    return LayerPlan.of(name, [entry])


def archive_name(project: Project, suffix: str) -> str:
    """Return the file name that the project's own archive has in the image."""
    own_name = project.archive.name if project.archive else f"{project.name}{suffix}"
    return project.archive_name or own_name


def name_libraries(dependencies: Sequence[Dependency]) -> tuple[Library, ...]:
    """Give each library a file name that tells it from the others.

    Where two have one name, each gets its size in bytes (Jib's rule): ``a.jar`` becomes
    ``a-1234.jar``, and what is no jar just gets ``.jar``. Only then are sizes looked at.
    """
    uses = Counter(dependency.name for dependency in dependencies)
    return tuple(
        Library(
            name=dependency.name if uses[dependency.name] == 1 else _sized_name(dependency),
            dependency=dependency,
        )
        for dependency in dependencies
    )


def library_layers(
    project: Project, libraries: Sequence[Library], directory: str, file_time: Instant
) -> tuple[LayerPlan, ...]:
    """Lay libraries out in ``directory``, one layer for each group, in the project's order."""
    groups: dict[str, list[ProjectFile]] = {name: [] for name in project.dependency_groups}
    for library in libraries:
        file = ProjectFile(path=library.name, source=library.dependency.source)
        groups.setdefault(library.dependency.group, []).append(file)
    return tuple(files_layer(name, directory, files, file_time) for name, files in groups.items())


def _sized_name(dependency: Dependency) -> str:
    stem = dependency.name.removesuffix(".jar")
    if stem == dependency.name:
        return f"{stem}.jar"
    return f"{stem}-{dependency.source.size}.jar"
