"""The door to stage 1: whatever a path names, read as a project."""

from __future__ import annotations

from pathlib import Path

from pyjib.errors import ConfigurationError, ProjectError
from pyjib.options import HostEnvironment, Mode
from pyjib.project.directory import read_directory
from pyjib.project.jar import read_jar
from pyjib.project.maven.worked_out import WorkedOut
from pyjib.project.model import Project, unreadable
from pyjib.project.war import read_war

_BUILD_FILES = ("pom.xml", "build.gradle", "build.gradle.kts", "settings.gradle")
_ACCEPTED = "name the directory of a compiled Maven or Gradle project, or a .jar or .war file"


_NOWHERE = HostEnvironment()


def read_project(
    path: Path,
    *,
    mode: Mode,
    host: HostEnvironment = _NOWHERE,
    maven: WorkedOut | ProjectError | None = None,
    class_path: Path | None = None,
) -> Project:
    """Read the Java project at ``path``: a directory, a jar or a war.

    Only disk is read, and nothing is written. ``mode`` matters where the two modes need other
    files; ``host`` tells where Maven's local repository and settings are; ``maven`` is what was
    worked out of the pom there already, or why that cannot be; ``class_path`` is a file with
    the class path that the build tool worked out. Raises ``ProjectError`` if there is no such
    project or it cannot be read, and ``DependencyError`` if one of its libraries is missing. A
    main class that is missing or ambiguous is no error here.
    """
    try:
        return _read(path, mode, host, maven, class_path)
    except OSError as error:  # whether a file is there cannot be told below a closed directory
        raise unreadable(Path(error.filename or path), error) from None


def _read(
    path: Path,
    mode: Mode,
    host: HostEnvironment,
    maven: WorkedOut | ProjectError | None,
    class_path: Path | None,
) -> Project:
    if path.is_dir():
        return read_directory(path, mode=mode, host=host, maven=maven, class_path=class_path)
    if not path.exists():
        raise ProjectError(f"{path} does not exist", hint=_ACCEPTED)
    if class_path is not None:
        raise ConfigurationError(
            f"--classpath-file is for directories, and {path} is none",
            hint="name the directory of the compiled project",
        )
    suffix = path.suffix.lower()
    if suffix not in (".jar", ".war") or not path.is_file():
        raise ProjectError(
            f"{path} is neither a directory nor a jar or war", hint=_what_was_meant(path)
        )
    return read_war(path) if suffix == ".war" else read_jar(path, mode=mode)


def _what_was_meant(path: Path) -> str:
    if path.suffix.lower() in (".yaml", ".yml"):
        return f"a build file of Jib's is named by -b: pyjib build -b {path}"
    if path.name in _BUILD_FILES:
        return f"name the directory that it is in: pyjib build {path.parent}"
    return _ACCEPTED
