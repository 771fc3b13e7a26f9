"""What a plan leaves unused of the options, and what in them will hardly start anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pyjib.events import Warned
from pyjib.oci.location import EngineLocation, Location, RegistryLocation
from pyjib.options import BuildOptions, ExtraDirectory
from pyjib.patterns import late
from pyjib.plan.base_image import java_release
from pyjib.plan.entrypoint import Start, start_of
from pyjib.plan.extra_directories import mode_of, unused_permissions
from pyjib.plan.war_layout import JETTY_ROOT
from pyjib.project.model import Project, ProjectFile

_VALUED = {"-cp", "-classpath", "-p"}
"""Flags of java whose value is the next argument, beside those that begin with two dashes."""
_FLAGS = late(r"(?!-D|-XX:On)\S.*\s-(?:X|D|-[a-z]|javaagent:|ea\b|da\b|server\b)", re.DOTALL)
_PROPERTIES = late(r"-D.*\s-D[\w.]+=", re.DOTALL)  # the value of one may be flags itself


def plan_warnings(
    project: Project,
    options: BuildOptions,
    extras: Sequence[tuple[ExtraDirectory, tuple[ProjectFile, ...]]] = (),
) -> tuple[Warned, ...]:
    """Return what the user should know of a plan that ``make_plan`` makes of the same arguments.

    Pure, like ``make_plan``.
    """
    return (
        *_ignored_options(project, options),
        *_main_class_warnings(project, options, extras),
        *_flag_warnings(project, options),
        *_entrypoint_warnings(options, extras),
        *_war_warnings(project, options),
        *_java_warnings(project, options),
        *_permission_warnings(options, extras),
    )


def _ignored_options(project: Project, options: BuildOptions) -> Iterator[Warned]:
    start = start_of(project, options)
    given = {
        "--jvm-flag": bool(options.jvm_flags),
        "--main-class": options.main_class is not None,
        "--extra-classpath": bool(options.extra_classpath),
        "--expand-classpath": options.expand_classpath,
    }
    if options.entrypoint:
        ignored, reason = set(given), "an entrypoint is given"
    elif start is Start.SERVER:
        ignored, reason = set(given), "the servlet container starts the war"
    elif start is Start.CLASS_PATH:
        return
    else:
        ignored, reason = set(given) - {"--jvm-flag"}, "the application is started by java -jar"
    flags = [flag for flag, is_given in given.items() if is_given and flag in ignored]
    if flags:
        yield Warned(message=f"{', '.join(flags)}: no effect, for {reason}", hint=None)


def _main_class_warnings(
    project: Project,
    options: BuildOptions,
    extras: Sequence[tuple[ExtraDirectory, tuple[ProjectFile, ...]]],
) -> Iterator[Warned]:
    """Warn of a class that nothing has; libraries are not opened, so they may have any.

    Any but one without a package: there no library has its classes.
    """
    name = options.main_class
    if name is None or options.entrypoint or start_of(project, options) is not Start.CLASS_PATH:
        return
    own = {file.path for file in (*project.classes, *project.resources)}
    path = f"{name.replace('.', '/')}.class"
    if name.endswith(".class"):
        yield Warned(
            message=f"the main class {name} is the name of a file, and java takes that of a class",
            hint=f"write --main-class {name.removesuffix('.class')}",
        )
    elif (
        project.classes
        and path not in own
        and not ("." in name and project.dependencies)
        and not (options.extra_classpath or options.transformations)
        and not any(file.path.endswith((".class", ".jar")) for _, files in extras for file in files)
    ):
        yield Warned(
            message=f"the main class {name} is not among the classes of {project.name}",
            hint="write its full name, for example --main-class com.example.Main",
        )


def _flag_warnings(project: Project, options: BuildOptions) -> Iterator[Warned]:
    if options.entrypoint or start_of(project, options) is Start.SERVER:
        return
    before = ""
    for flag in options.jvm_flags:
        has_value = before in _VALUED or (before.startswith("--") and "=" not in before)
        if not has_value and not flag.startswith(("-", "@")):
            yield Warned(
                message=f"the JVM flag {flag!r} has no dash: java takes it for the class to start",
                hint=f"write --jvm-flag -{flag}" if flag else "leave the empty --jvm-flag out",
            )
        elif _FLAGS.match(flag) or _PROPERTIES.match(flag):
            yield Warned(
                message=f"the JVM flag {flag!r} seems to be several, and java is given it as one",
                hint="write --jvm-flag before each of them",
            )
        before = flag


def _entrypoint_warnings(
    options: BuildOptions,
    extras: Sequence[tuple[ExtraDirectory, tuple[ProjectFile, ...]]],
) -> Iterator[Warned]:
    """Warn of a whole command where one word is due; a path may have spaces in it.

    And of a script that nobody may execute: like Jib, pyjib leaves out what the disk says of that.
    """
    if not options.entrypoint:
        return
    word = options.entrypoint[0]
    parts = word.split()
    if len(parts) > 1 and "/" not in parts[0]:
        yield Warned(
            message=f"the entrypoint starts a program that is called {word!r}, spaces and all",
            hint="write --entrypoint before each word, or once with a JSON array",
        )
    mode = mode_of(word, extras, options.permissions)
    if mode is not None and not mode & 0o111:
        yield Warned(
            message=f"the entrypoint {word} has the permissions {mode:o}: it cannot be executed",
            hint=f"make it executable with --permission {word}=755",
        )


def _war_warnings(project: Project, options: BuildOptions) -> Iterator[Warned]:
    if start_of(project, options) is not Start.SERVER or options.app_root is not None:
        return
    if options.base is not None and not _is_jetty(options.base):
        yield Warned(
            message=f"the war is put where Jetty looks for it, {JETTY_ROOT}, "
            f"and the base image is {options.base}",
            hint="name the directory that its server looks in, for example "
            "--app-root /usr/local/tomcat/webapps/ROOT",
        )


def _java_warnings(project: Project, options: BuildOptions) -> Iterator[Warned]:
    declared, needed = java_release(project, options), project.java_version
    if declared is not None and needed is not None and declared < needed:
        yield Warned(
            message=f"the classes need Java {needed}, and to Jib the build files say {declared}: "
            "that decides on the default base image and on the class path",
            hint="set <maven.compiler.release> in the pom, which Jib reads, or name a base image",
        )


def _is_jetty(base: Location) -> bool:
    if isinstance(base, RegistryLocation | EngineLocation):
        return "jetty" in base.reference.repository
    return False  # an archive or a layout may hold anything


def _permission_warnings(
    options: BuildOptions,
    extras: Sequence[tuple[ExtraDirectory, tuple[ProjectFile, ...]]],
) -> Iterator[Warned]:
    for permission in unused_permissions(extras, options.permissions):
        yield Warned(
            message=f"no file of an extra directory is {permission.pattern}, "
            f"so its permissions {permission.mode:03o} have no effect",
            hint="name absolute paths in the image: a * stops at slashes, ** crosses them",
        )
