"""What a plan leaves unused of the options, told to those who wonder why it had no effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyjib.events import Warned
from pyjib.oci.location import EngineLocation, Location, RegistryLocation
from pyjib.options import BuildOptions, ExtraDirectory
from pyjib.plan.base_image import java_release
from pyjib.plan.entrypoint import Start, start_of
from pyjib.plan.extra_directories import unused_permissions
from pyjib.plan.war_layout import JETTY_ROOT
from pyjib.project.model import Project, ProjectFile


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
