"""How a container starts: by a class path, an archive, a launcher, or the base's own server."""

from __future__ import annotations

from enum import StrEnum

from pyjib.errors import ConfigurationError, MainClassError
from pyjib.options import BuildOptions, Mode
from pyjib.project.java_names import is_class_name
from pyjib.project.model import Project, ProjectKind

INHERIT = ("INHERIT",)
NOT_INFERRED = "could-not-infer-a-main-class"
"""Jib's text in the main class file of an image that has its own entrypoint."""

_JETTY_COMMAND = ("java", "-jar", "/usr/local/jetty/start.jar", "--module=ee10-deploy")


class Start(StrEnum):
    """What starts the application, where the caller gives no entrypoint."""

    CLASS_PATH = "java -cp"
    ARCHIVE = "java -jar"
    LAUNCHER = "the application's launcher"
    SERVER = "the servlet container of the base image"


def start_of(project: Project, options: BuildOptions) -> Start:
    """Decide what starts the application.

    A packaged war that states a main class (Spring Boot's, for one) runs by itself, unless the
    entrypoint is inherited: then the base's server has to find it. A packaged jar runs by
    ``-jar`` only if its manifest alone says how; libraries beside it, another main class or an
    extra class path need ``-cp``. Compiled classes that were packaged start as Jib starts them.
    """
    packaged = options.mode is Mode.PACKAGED
    match project.kind:
        case ProjectKind.QUARKUS:
            return Start.LAUNCHER
        case ProjectKind.WAR:
            runs_alone = packaged and project.main_class and options.entrypoint != INHERIT
            return Start.ARCHIVE if runs_alone else Start.SERVER
        case ProjectKind.SPRING_BOOT if packaged:
            return Start.ARCHIVE
        case ProjectKind.JAR if packaged and not project.dependencies:
            says_how = project.main_class and not (options.main_class or options.extra_classpath)
            return Start.ARCHIVE if says_how or options.entrypoint else Start.CLASS_PATH
    return Start.CLASS_PATH


def choose_entrypoint(
    options: BuildOptions, command: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """Return the caller's entrypoint if there is one, else ``command``; ``None`` inherits."""
    if options.entrypoint == INHERIT:
        return None
    return options.entrypoint or command


def java_command(options: BuildOptions, *arguments: str) -> tuple[str, ...]:
    """Return a call of java with the caller's JVM flags first."""
    return ("java", *options.jvm_flags, *arguments)


def jetty_command(options: BuildOptions) -> tuple[str, ...]:
    """Return what starts Jetty 12 in its own image; Jib before 3.4.2 knew the older ones only."""
    return _JETTY_COMMAND if options.identity.is_since_3_4_2 else _JETTY_COMMAND[:-1]


def find_main_class(project: Project, options: BuildOptions) -> str:
    """Return the main class: the caller's, the project's, or the only one there is.

    With an entrypoint of the caller's, a main class that cannot be found is no error, and
    ``NOT_INFERRED`` stands for it. Raises ``ConfigurationError`` for a name that Java cannot
    have, and ``MainClassError`` for none or several.
    """
    if options.main_class is not None:
        if options.identity.is_jib and options.entrypoint and not is_class_name(options.main_class):
            return NOT_INFERRED  # Jib does not look at what it has no use for
        return _checked(options.main_class)
    if project.main_class is not None:
        return project.main_class
    candidates = project.main_class_candidates
    if len(candidates) == 1:
        return candidates[0]
    if options.entrypoint:
        return NOT_INFERRED
    place = project.root if project.kind is ProjectKind.CLASSES else project.archive or project.root
    if not candidates:
        raise MainClassError(
            f"Main class was not found in {place}",
            hint="name the class whose main method starts the application with --main-class",
        )
    raise MainClassError(
        f"several main classes were found in {place}: {', '.join(candidates)}",
        hint=f"choose one, for example --main-class {candidates[0]}",
    )


def _checked(name: str) -> str:
    if not is_class_name(name):
        raise ConfigurationError(
            f"the main class {name!r} is not the name of a Java class",
            hint="write its full name, for example --main-class com.example.Main",
        )
    return name
