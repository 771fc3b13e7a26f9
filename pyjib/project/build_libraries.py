"""The libraries of a compiled project, where the build left them on disk."""

from __future__ import annotations

import re
from pathlib import Path

from pyjib.errors import DependencyError, ProjectError
from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.project.build_files import BuildTool
from pyjib.project.build_output import BuildOutput, OwnJar, first_newer, stale
from pyjib.project.libraries import library, resolve_class_path
from pyjib.project.model import Dependency

_SCRIPT_CLASS_PATH = re.compile(r"^CLASSPATH=(.+)$", re.MULTILINE)
_SCRIPT_LIBRARY = re.compile(r"\$APP_HOME/lib/([^:\"']+)")
_SCRIPT_MAIN = re.compile(r"-classpath\s+\S+\s+(?:\\\s*)?([\w.$]+)\s")
_LARGEST_SCRIPT = 1 << 20


@frozen
class Libraries:
    """The class path behind the project's own classes.

    ``detail`` tells where it was found; ``main_class`` is what that place says of it.
    """

    dependencies: tuple[Dependency, ...] = ()
    ordered: bool = True
    main_class: str | None = None
    detail: str = ""
    warnings: tuple[Warned, ...] = ()


def find_libraries(output: BuildOutput, thin_jar: OwnJar | None) -> Libraries | None:
    """Find the libraries; ``None`` if the build files declare some and none are on disk.

    In this order: ``target/dependency`` (Maven's copy-dependencies), ``build/install``
    (Gradle's installDist), the ``Class-Path`` in the manifest of ``thin_jar``. Raises
    ``DependencyError`` if a library that such a place names is missing.
    """
    found = _copied(output) or _installed(output) or _beside(thin_jar)
    if found is None and not output.facts.needs_libraries:
        return Libraries(detail="no libraries")
    return found


def has_start_script(output: BuildOutput) -> bool:
    """Tell whether Gradle's installDist put a start script with a class path on disk."""
    if output.facts.tool is not BuildTool.GRADLE:
        return False
    scripts = (_read_script(path) for path in output.directory.glob("install/*") if path.is_dir())
    class_paths = (_SCRIPT_CLASS_PATH.search(script) for script in scripts)
    return any(found and _SCRIPT_LIBRARY.search(found[1]) for found in class_paths)


class NotOnDiskError(DependencyError):
    """What the build leaves beside the classes has no libraries; ``places`` tells where to look."""

    def __init__(self, output: BuildOutput, places: str, hint: str) -> None:
        self.places = f"{output.directory} has no {places}, nor a Class-Path in the jar's manifest"
        message = f"{output.root} declares dependencies, and they are not on disk: {self.places}"
        super().__init__(message, hint=hint)


def missing_libraries(output: BuildOutput) -> NotOnDiskError:
    """Return what to raise when declared libraries are nowhere on disk, with the ways out."""
    if output.facts.tool is BuildTool.GRADLE:
        return NotOnDiskError(
            output,
            "pyjib/classpath.json, Spring Boot jar, install/*/lib",
            hint="run `pyjib init gradle` and then gradle -I pyjib.init.gradle pyjibClasspath; or "
            "gradle installDist (application plugin), or gradle bootJar, or name the jar that "
            "holds them as PATH",
        )
    return NotOnDiskError(
        output,
        "pyjib/classpath.json, quarkus-app, Spring Boot jar, dependency/*.jar",
        hint="run mvn dependency:copy-dependencies -DincludeScope=runtime, or mvn package with "
        "the plugin of Spring Boot or Quarkus, or name the jar that holds them as PATH",
    )


def _copied(output: BuildOutput) -> Libraries | None:
    directory = output.directory / "dependency"
    jars = sorted(path for path in directory.glob("*.jar") if path.is_file())
    if not jars:
        return None
    newer = first_newer(output.facts.files, directory)
    return Libraries(
        dependencies=tuple(map(library, jars)),
        ordered=False,
        detail=f"libraries from {directory}, in no known order",
        warnings=stale(newer, directory, "mvn dependency:copy-dependencies"),
    )


def _installed(output: BuildOutput) -> Libraries | None:
    """Read Gradle's start script: its class path is the project's jar, then the libraries."""
    installs = sorted(path for path in output.directory.glob("install/*") if _is_install(path))
    if not installs:
        return None
    if len(installs) > 1:
        raise ProjectError(
            f"several distributions in {installs[0].parent}: "
            f"{', '.join(path.name for path in installs)}",
            hint="delete those that do not belong to the application: gradle clean installDist",
        )
    install = installs[0]
    script = _read_script(install)
    class_path = _SCRIPT_CLASS_PATH.search(script)
    names = _SCRIPT_LIBRARY.findall(class_path[1]) if class_path else []
    if not names:
        return _unordered(output, install)
    for name in names:
        if not (install / "lib" / name).is_file():
            raise DependencyError(
                f"{install}/bin needs lib/{name}, and there is no such file",
                hint="run gradle installDist again",
            )
    main = _SCRIPT_MAIN.search(script)
    return Libraries(
        dependencies=tuple(library(install / "lib" / name) for name in names[1:]),
        main_class=main[1] if main else None,
        detail=f"class path from {install}/bin",
    )


def _unordered(output: BuildOutput, install: Path) -> Libraries:
    own = {jar.path.name for jar in output.jars}
    jars = sorted(path for path in (install / "lib").glob("*.jar") if path.name not in own)
    return Libraries(
        dependencies=tuple(map(library, jars)),
        ordered=False,
        detail=f"libraries from {install}/lib, in no known order",
    )


def _is_install(path: Path) -> bool:
    return any((path / "lib").glob("*.jar"))


def _read_script(install: Path) -> str:
    scripts = [path for path in sorted((install / "bin").glob("*")) if path.suffix != ".bat"]
    if len(scripts) != 1 or not scripts[0].is_file():
        return ""
    try:
        with scripts[0].open(encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST_SCRIPT)
    except OSError as error:
        raise ProjectError(f"cannot read {scripts[0]}: {error.strerror or error}") from None


def _beside(thin_jar: OwnJar | None) -> Libraries | None:
    if thin_jar is None or not thin_jar.manifest.class_path:
        return None
    class_path = resolve_class_path(thin_jar.path, thin_jar.manifest.class_path)
    return Libraries(
        dependencies=tuple(map(library, class_path.jars)),
        detail=f"libraries from the Class-Path of {thin_jar.path}",
        warnings=class_path.warnings,
    )
