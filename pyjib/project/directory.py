"""Reading a project's directory after Maven or Gradle compiled it.

Sources are asked in the order of how much they know: what the build itself wrote for pyjib,
then Quarkus's tree, then compiled classes with what the pom says of libraries, then what another
packaging plugin prepared (Spring Boot, a war), then classes with the libraries that lie about.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pyjib.errors import DependencyError, ProjectError
from pyjib.events import Warned
from pyjib.options import HostEnvironment, Mode
from pyjib.project.build_files import BuildTool
from pyjib.project.build_libraries import (
    Libraries,
    NotOnDiskError,
    find_libraries,
    has_start_script,
    missing_libraries,
)
from pyjib.project.build_output import (
    BuildOutput,
    OwnJar,
    choose,
    find_build_output,
    first_newer,
    not_compiled,
    read_class_roots,
    stale,
)
from pyjib.project.class_path_file import ClassPathFile, read_class_path_file
from pyjib.project.class_path_list import read_class_path_list
from pyjib.project.gradle import open_gradle_project
from pyjib.project.jar import read_plain_jar
from pyjib.project.maven.worked_out import AS_MAVEN, POM, NotPackagedError, WorkedOut
from pyjib.project.model import Project, ProjectFile, ProjectKind
from pyjib.project.own_code import examine_classes, is_class, split_classes
from pyjib.project.quarkus import (
    DIRECTORY,
    LAUNCHER,
    is_quarkus_jar,
    read_quarkus_directory,
    read_quarkus_jar,
)
from pyjib.project.spring_boot import is_boot_jar, read_boot_jar
from pyjib.project.walk import walk_files
from pyjib.project.war import read_war

_COPY = "mvn dependency:copy-dependencies -DincludeScope=runtime"
_NO_POM_NEEDED = (f"target/{DIRECTORY}/{LAUNCHER}", "target/pyjib/classpath.json")


def read_directory(
    root: Path,
    *,
    mode: Mode,
    host: HostEnvironment,
    maven: WorkedOut | ProjectError | None = None,
    class_path: Path | None = None,
) -> Project:
    """Read the compiled project at ``root``, or a ``quarkus-app`` directory itself.

    ``host`` tells where Maven's local repository and settings are; ``maven`` is what was worked
    out of the pom already, or why that cannot be. ``class_path`` is a file with the class path,
    which takes the place of all other sources of libraries. Raises ``ProjectError`` if it is no
    project, is not compiled, or has several jars that could be meant; ``DependencyError`` if
    libraries are missing.
    """
    if class_path is not None:
        return replace(_read_with(class_path, root, mode, host, maven), root=root)
    if (root / LAUNCHER).is_file():
        return read_quarkus_directory(root)
    gradle = None if (root / POM).is_file() else open_gradle_project(root)
    if gradle is not None:
        return replace(gradle.read(), root=root)
    try:
        project = _read_by_pom(root, host, maven)
    except DependencyError as error:
        project = _read_instead(root, mode, error)
    project = project or _read_by_output(root, mode)
    return replace(project, root=root)


def _read_with(
    class_path: Path,
    root: Path,
    mode: Mode,
    host: HostEnvironment,
    maven: WorkedOut | ProjectError | None,
) -> Project:
    """Read compiled classes, with the libraries that a file lists; the pom tells the rest.

    A pom that cannot be worked out does not matter then: it may be why the file is given.
    """
    if maven is None and (root / POM).is_file():
        try:
            maven = _worked_out(root, host)
        except ProjectError as error:
            maven = error
    if isinstance(maven, WorkedOut):
        return replace(maven, class_path=class_path).read()
    output = find_build_output(root)
    own = (*output.class_roots, *([output.resources] if output.resources else []))
    libraries = read_class_path_list(class_path, root, own=own, build_files=output.facts.files)
    return _compiled(output, libraries, _thin_jar(output, mode))


def _read_by_pom(
    root: Path, host: HostEnvironment, maven: WorkedOut | ProjectError | None
) -> Project | None:
    """Read what Maven compiled, with libraries from the local repository."""
    if not (root / POM).is_file() or any((root / path).is_file() for path in _NO_POM_NEEDED):
        return None
    try:
        if isinstance(maven, ProjectError):
            raise maven
        maven = maven or _worked_out(root, host)
        return maven.read() if maven.is_built else None
    except DependencyError:
        raise
    except ProjectError as error:
        raise ProjectError(error.message, hint=error.hint or AS_MAVEN) from None


def _worked_out(root: Path, host: HostEnvironment) -> WorkedOut:
    from pyjib.project.maven.project import open_maven_project  # noqa: PLC0415 - mostly done

    return open_maven_project(root, host=host).worked_out()


def _read_by_output(root: Path, mode: Mode) -> Project:
    output = find_build_output(root)
    return _read_listed(output, mode) or _read_packaged(output) or _read_classes(output, mode)


def _read_instead(root: Path, mode: Mode, missing: DependencyError) -> Project:
    """Read what else is on disk, where the local repository lacks something."""
    try:
        project = _read_by_output(root, mode)
    except DependencyError as error:
        if isinstance(missing, NotPackagedError):
            raise missing from None  # a module of this build wants building, and no other way
        hint, places = missing.hint, error.message
        if isinstance(error, NotOnDiskError):
            places = f"nor are libraries beside the classes: {error.places}"
        if hint and "mvn " in hint:
            hint += f"; or copy all into target: {_COPY}"
        raise DependencyError(f"{missing.message}\n  {places}", hint=hint) from None
    warnings = project.warnings
    if not project.dependencies:  # as if the pom asked for none, and its parent may
        told = "no library is in the image, and the pom could not be worked out: "
        told += missing.in_a_line
        warnings = (*warnings, Warned(message=told, hint=missing.hint))
    detail = f"{project.detail} (the pom alone did not do: {missing.in_a_line})"
    return replace(project, detail=detail, warnings=warnings)


def _read_listed(output: BuildOutput, mode: Mode) -> Project | None:
    """Read by ``classpath.json``, if the build wrote one."""
    path = output.directory / "pyjib" / "classpath.json"
    if not path.is_file():
        return None
    listed = read_class_path_file(path, output.root)
    newer = first_newer(output.facts.files, path)
    if listed.war:
        project = read_war(listed.war)
    else:
        output = replace(
            output,
            class_roots=output.class_roots if listed.classes is None else listed.classes,
            resources=listed.resources or output.resources,
        )
        project = _compiled(output, _libraries_of(listed), _thin_jar(output, mode))
    return replace(
        project,
        name=listed.name or output.facts.name,
        java_version=listed.java_version or project.java_version,
        warnings=(*project.warnings, *stale(newer, path, "run the task that writes it")),
    )


def _libraries_of(listed: ClassPathFile) -> Libraries:
    return Libraries(
        dependencies=listed.dependencies,
        main_class=listed.main_class,
        detail=f"class path from {listed.path}",
    )


def _read_packaged(output: BuildOutput) -> Project | None:
    """Read what a plugin prepared to run: Quarkus's tree, a Spring Boot jar, a war.

    A start script of Gradle's knows more of the class path than the jar does.
    """
    boot = None if has_start_script(output) else _read_boot(output)
    project = _read_quarkus(output) or boot or _read_war(output)
    return replace(project, name=output.facts.name) if project else None


def _read_quarkus(output: BuildOutput) -> Project | None:
    directory = output.directory / DIRECTORY
    if (directory / LAUNCHER).is_file():
        return read_quarkus_directory(directory)
    runners = [jar for jar in output.jars if is_quarkus_jar(jar.manifest)]
    runner = _choose_jar(output, runners, "Quarkus runner jars")
    return read_quarkus_jar(runner.archive, runner.manifest) if runner else None


def _read_boot(output: BuildOutput) -> Project | None:
    jars = [jar for jar in output.jars if is_boot_jar(jar.archive, jar.manifest)]
    jar = _choose_jar(output, jars, "runnable jars")
    if jar is None:
        return None
    project = read_boot_jar(jar.archive, jar.manifest)
    outdated = stale(output.newer_than(jar.path), jar.path, "mvn package, or gradle bootJar")
    return replace(
        project,
        detail=f"{project.detail} jar {jar.path}",
        warnings=(*project.warnings, *outdated),
    )


def _read_war(output: BuildOutput) -> Project | None:
    wars = output.wars()
    is_war = output.facts.packaging == "war"
    if not is_war and (output.facts.tool is BuildTool.MAVEN or output.jars):
        return None  # a war of former days, or one of several things that the build makes
    war = choose(wars, output.facts, "wars")
    if war is None:
        if not is_war:
            return None
        raise ProjectError(
            f"{output.root} is a war project, and there is no war in {output.archives}",
            hint="package it first: mvn package",
        )
    return replace(read_war(war), detail=f"war {war}")


def _read_classes(output: BuildOutput, mode: Mode) -> Project:
    thin = _thin_jar(output, mode)
    libraries = find_libraries(output, thin)
    if libraries is not None:
        return _compiled(output, libraries, thin)
    fat = _choose_jar(output, [jar for jar in output.jars if jar.holds_libraries], "fat jars")
    if fat is None:
        if not any(map(is_class, read_class_roots(output))):
            raise not_compiled(output.root, output.facts.tool)
        raise missing_libraries(output)
    project = read_plain_jar(fat.archive, fat.manifest, mode=mode)
    return replace(project, name=output.facts.name, detail=f"jar with its libraries {fat.path}")


def _thin_jar(output: BuildOutput, mode: Mode) -> OwnJar | None:
    """Return the project's own jar; exploded, only one that says how to run it matters."""
    jars = [
        jar
        for jar in output.jars
        if not jar.holds_libraries
        and (mode is Mode.PACKAGED or jar.manifest.main_class or jar.manifest.class_path)
    ]
    return _choose_jar(output, jars, "runnable jars" if mode is Mode.EXPLODED else "jars")


def _choose_jar(output: BuildOutput, jars: list[OwnJar], what: str) -> OwnJar | None:
    path = choose([jar.path for jar in jars], output.facts, what)
    return next((jar for jar in jars if jar.path == path), None)


def _compiled(output: BuildOutput, libraries: Libraries, thin: OwnJar | None) -> Project:
    files = read_class_roots(output)
    if not any(map(is_class, files)):
        raise not_compiled(output.root, output.facts.tool)
    classes, resources = _split(output, files)
    main_class = libraries.main_class or (thin.manifest.main_class if thin else None)
    findings = examine_classes(classes, find_mains=main_class is None)
    return Project(
        kind=ProjectKind.CLASSES,
        root=output.root,
        name=output.facts.name,
        classes=classes,
        resources=resources,
        dependencies=libraries.dependencies,
        archive=thin.path if thin else None,
        ordered=libraries.ordered,
        main_class=main_class,
        main_class_candidates=findings.main_classes,
        java_version=findings.java_version,
        detail=libraries.detail,
        warnings=(*findings.warnings, *libraries.warnings),
    )


def _split(
    output: BuildOutput, files: tuple[ProjectFile, ...]
) -> tuple[tuple[ProjectFile, ...], tuple[ProjectFile, ...]]:
    """Tell classes and resources apart, by suffix for Maven, by directory for Gradle, as Jib."""
    if output.resources is None and output.facts.tool is not BuildTool.GRADLE:
        return split_classes(files)
    return files, walk_files(output.resources) if output.resources else ()
