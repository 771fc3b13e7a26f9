"""What Maven or Gradle left on disk: the directory of their work, and the jars in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.project.build_files import (
    BuildFacts,
    BuildTool,
    read_gradle_facts,
    read_maven_facts,
)
from pyjib.project.manifest import Manifest, read_manifest
from pyjib.project.model import ProjectFile
from pyjib.project.walk import walk_files
from pyjib.project.zip_reader import Archive, read_archive

# Jars that are no application, whatever is built; Boot's plugin for Gradle calls its thin jar so.
_SIDE_JARS = ("-sources", "-javadoc", "-tests", "-test-sources", "-plain", "-test-fixtures")
_FAT_JARS = ("-jar-with-dependencies", "-shaded", "-all", "-fat", "-uber")
_BUILD_FILE = "jib.yaml"
_LISTED = "build/pyjib/classpath.json"
_SLACK = 2.0  # seconds: copying a tree shuffles times within moments


@frozen
class OwnJar:
    """A jar that the build made."""

    archive: Archive
    manifest: Manifest

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.archive.path

    @property
    def holds_libraries(self) -> bool:
        """Whether a plugin put the libraries' classes into it (shade, assembly, shadow).

        Told by its name and the thin jar beside it, for an artifact may be named so too.
        """
        stem = self.path.stem
        thin_names = [f"original-{stem}.jar"]
        thin_names += [f"{stem.removesuffix(end)}.jar" for end in _FAT_JARS if stem.endswith(end)]
        return any(self.path.with_name(name).is_file() for name in thin_names)


@frozen
class BuildOutput:
    """The directory that a build tool writes to.

    ``directory`` is ``target`` or ``build``; ``archives`` is where jars and wars are. Of
    ``class_roots`` and ``resources`` only those that exist are there; ``resources`` ``None``
    says that classes and resources lie together.
    """

    root: Path
    facts: BuildFacts
    directory: Path
    archives: Path
    class_roots: tuple[Path, ...]
    resources: Path | None
    jars: tuple[OwnJar, ...] = field(default=(), repr=False)

    def wars(self) -> list[Path]:
        """Return the wars that the build made."""
        return _archives(self.archives, ".war")

    def newer_than(self, path: Path) -> Path | None:
        """Return a class or resource that changed after ``path`` was written, if there is one."""
        roots = (*self.class_roots, *([self.resources] if self.resources else []))
        files = (root / file.path for root in roots for file in walk_files(root) if file.source)
        return first_newer(files, path)


def find_build_output(root: Path) -> BuildOutput:
    """Find what was built in the project at ``root``.

    Raises ``ProjectError`` if it is no project, has several modules, or is not compiled.
    """
    maven, gradle = read_maven_facts(root), read_gradle_facts(root)
    if maven and maven.packaging == "pom":
        example = root / (maven.modules[0] if maven.modules else "MODULE")
        raise ProjectError(
            f"{root} is a Maven project that holds others (packaging pom), not an application",
            hint=f"name the directory of the module to build, for example: pyjib build {example}",
        )
    target, build = root / "target", root / "build"
    if target.is_dir() and (maven or not (gradle and build.is_dir())):
        return _maven_output(root, maven or _unknown(root))
    if build.is_dir():
        return _gradle_output(root, gradle or _unknown(root))
    facts = maven or gradle
    if facts is None:
        raise ProjectError(
            f"{root} is not a compiled Java project: it has neither target/ nor build/",
            hint=_instead(root),
        )
    raise not_compiled(root, facts.tool)


def _instead(root: Path) -> str:
    """Return what to do where no project is: Jib's build file needs none."""
    file = root / _BUILD_FILE
    if file.is_file():
        return f"to build by {file} and without a project, name it: pyjib build -b {file}"
    return "name the directory of a Maven or Gradle project, or a .jar or .war file"


def not_compiled(root: Path, tool: BuildTool) -> ProjectError:
    """Return what to raise where no class is found."""
    places = {
        BuildTool.MAVEN: "target/classes",
        BuildTool.GRADLE: "build/classes/*/main",
        BuildTool.UNKNOWN: "target/classes and build/classes/*/main",
    }
    commands = {
        BuildTool.MAVEN: "mvn compile (or mvn package)",
        BuildTool.GRADLE: "gradle classes, or all at once by the script of `pyjib init gradle`",
        BuildTool.UNKNOWN: "mvn package or gradle installDist",
    }
    hint = f"compile first: {commands[tool]}"
    modules = sorted(path.parent.parent.parent for path in root.glob(f"*/{_LISTED}"))
    if tool is BuildTool.GRADLE and modules:
        hint = f"name the directory of the module to build: pyjib build {modules[0]}"
    return ProjectError(f"no compiled classes in {root}: looked in {places[tool]}", hint=hint)


def choose(paths: Sequence[Path], facts: BuildFacts, what: str) -> Path | None:
    """Return the only one, or the one that has the name that the build gives to its archive.

    Raises ``ProjectError``, which lists them, where that leaves several.
    """
    named = [path for path in paths if path.stem == facts.archive_name]
    found = named if len(named) == 1 else paths
    if len(found) > 1:
        raise ProjectError(
            f"several {what} in {found[0].parent}: {', '.join(path.name for path in found)}",
            hint=f"delete the stale ones, or name one of them: pyjib build {found[0]}",
        )
    return found[0] if found else None


def first_newer(files: Iterable[Path], path: Path) -> Path | None:
    """Return the first of ``files`` that changed after ``path``; ``None`` if none did."""
    try:
        limit = path.stat().st_mtime + _SLACK
        return next((file for file in files if file.stat().st_mtime > limit), None)
    except OSError:
        return None  # only a warning hangs on it, and who reads the file will say more


def stale(newer: Path | None, path: Path, remedy: str) -> tuple[Warned, ...]:
    """Return the warning that what the image is built from is older than what it comes from."""
    if newer is None:
        return ()
    return (
        Warned(
            message=f"{newer} is newer than {path}, which the image is built from",
            hint=f"bring it up to date: {remedy}",
        ),
    )


def read_class_roots(output: BuildOutput) -> tuple[ProjectFile, ...]:
    """Return all that lies below the class directories; of one path the first counts."""
    files: dict[str, ProjectFile] = {}
    for root in output.class_roots:
        for file in walk_files(root):
            files.setdefault(file.path, file)
    return tuple(files.values())


def _maven_output(root: Path, facts: BuildFacts) -> BuildOutput:
    target = root / "target"
    return BuildOutput(
        root=root,
        facts=facts,
        directory=target,
        archives=target,
        class_roots=_directories(target / "classes"),
        resources=None,
        jars=_jars(target),
    )


def _gradle_output(root: Path, facts: BuildFacts) -> BuildOutput:
    build = root / "build"
    # One directory for each language: java, kotlin, groovy, scala, in an order that never varies.
    roots = _directories(*sorted(build.glob("classes/*/main")))
    resources = build / "resources" / "main"
    return BuildOutput(
        root=root,
        facts=facts,
        directory=build,
        archives=build / "libs",
        class_roots=roots,
        resources=resources if resources.is_dir() else None,
        jars=_jars(build / "libs"),
    )


def _directories(*paths: Path) -> tuple[Path, ...]:
    return tuple(path for path in paths if path.is_dir())


def _jars(directory: Path) -> tuple[OwnJar, ...]:
    archives = (read_archive(path) for path in _archives(directory, ".jar"))
    return tuple(OwnJar(archive=archive, manifest=read_manifest(archive)) for archive in archives)


def _archives(directory: Path, suffix: str) -> list[Path]:
    return sorted(
        path
        for path in directory.glob(f"*{suffix}")
        if path.is_file()
        and not path.stem.endswith(_SIDE_JARS)
        and not path.name.startswith("original-")
    )


def _unknown(root: Path) -> BuildFacts:
    return BuildFacts(tool=BuildTool.UNKNOWN, name=root.resolve().name)
