"""The projects of ``fixtures/maven-projects``, the images that real Jib made of them, their class
paths by Maven; ``python -m tests.support.maven_projects --record`` records both anew.

Beside the images, ``BUILT`` keeps the small files that Maven compiled and packed, so that pyjib
can be held against the record with no Maven at hand. Libraries are not kept: they are in the
local repository, or the check has to wait until they are.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import secrets
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyjib.build import build
from pyjib.configure import MavenChoice, configure
from pyjib.jib.to_options import Given, Unnamed
from pyjib.maven_kept import KeptProjects
from pyjib.oci.instant import Instant
from pyjib.oci.location import LayoutLocation
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.project.maven.command_line import Arguments, parse_arguments
from pyjib.project.maven.project import open_maven_project
from pyjib.project.maven.resolve import Resolver
from pyjib.serve import RegistryServer
from tests.support.identity import BASE, ROOT
from tests.support.maven import modules, pom
from tests.support.maven_builds import BUILDS, NEWEST, RUNS, MavenBuild, builds_of
from tests.support.programs import attempt, run
from tests.support.real_jib import QUICK, base_in, base_registry, java_home

PROJECTS = ROOT / "fixtures" / "maven-projects"
GOLDEN = ROOT / "fixtures" / "identity" / "maven-projects.json"
BUILT = ROOT / "fixtures" / "identity" / "maven-projects.zip"
_COMMAND = "python -m tests.support.maven_projects --record"
_PLUGIN = "com.google.cloud.tools:jib-maven-plugin"
# Older ones sort scopes through a hash set.
_CLASS_PATH = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath"
CLASS_PATH_FILE = "target/class-path.txt"
_OWN = "fixtures"  # the first part of group IDs that are installed
# Where the image has to do with a jar or war that Maven packs: elsewhere none is kept.
_PACKED = frozenset(("boot4", "executions", "packaged", "reactor", "war"))
_SMALL = 100_000  # bytes: what is compiled here is smaller, what holds libraries is not


@dataclass(frozen=True, kw_only=True)
class Made:
    """An image, told by its ID and its manifest's digest."""

    image_id: str
    digest: str


class Workplace:
    """Copies of the projects in a directory, and a local repository with room for their own.

    What is not theirs is in the user's local repository, to which links lead.
    """

    def __init__(self, directory: Path) -> None:
        self.projects = directory / "projects"
        self.repository = directory / "repository"
        self._scratch = directory
        self._jdk = directory / "jdk"
        self._jdk.mkdir()
        (self._jdk / "release").write_text('JAVA_VERSION="17.0.9"\n')
        shutil.copytree(PROJECTS, self.projects)
        self._shared = HostEnvironment.of(os.environ).user_home / ".m2" / "repository"
        self._shared.mkdir(parents=True, exist_ok=True)
        self.repository.mkdir()
        for found in self._shared.iterdir():
            (self.repository / found.name).symlink_to(found, target_is_directory=True)

    def take_built(self, build_: MavenBuild) -> None:
        """Put what Maven was recorded to compile, pack and install where it would be.

        Raises ``DependencyError`` if the local repository lacks a library of a war.
        """
        installed = f"{build_.before}/"
        with zipfile.ZipFile(BUILT) as archive:
            for name in archive.namelist():
                if name.startswith(f"projects/{build_.project}/"):
                    archive.extract(name, self._scratch)
                elif name.startswith(installed):
                    self._take(self.repository / name.removeprefix(installed), archive.read(name))
        if build_.is_war:
            self._put_libraries_back(build_)

    def class_path(self, build_: MavenBuild) -> list[str]:
        """Return the files of the class path, by pyjib."""
        project = open_maven_project(
            self.projects / build_.project / build_.module,
            host=self._host(),
            arguments=self._arguments(build_, NEWEST),
            scope=build_.scope,
        )
        resolver = Resolver(project.builder, project.repository, project.reactor)
        libraries = resolver.resolve(project.model).libraries
        return [str(found.path.with_name(found.name)) for found in libraries]

    def our_image(
        self, build_: MavenBuild, version: str, *, kept: KeptProjects | None = None
    ) -> Made:
        """Build by pyjib, as a version of the plugin would."""
        options = BuildOptions(
            base=LayoutLocation(path=BASE, tag="17-jre"),
            host=self._host(),
            cache=self._scratch / "cache",
        )
        maven = MavenChoice(
            arguments=self._arguments(build_, version),
            scope=build_.scope,
            execution=build_.execution,
        )
        path = self.projects / build_.project / build_.module
        given = Given.of(options, unnamed=(Unnamed.TAR,), now=Instant(0))
        configured = configure(path, given, maven, kept=kept)
        result = build(configured.options, path=configured.path or path, read=configured.read)
        return Made(image_id=str(result.image_id), digest=str(result.digest))

    def run_maven(self, builds: Sequence[MavenBuild], version: str, base: RegistryServer) -> None:
        """Compile and pack projects, and let Jib build their images: one run of Maven."""
        first = builds[0]
        root = self.projects if first.together else self.projects / first.project
        if first.together:
            text = pom("t:all:1", modules(*(found.project for found in builds)), packaging="pom")
            (root / "pom.xml").write_text(text)
        if first.before:
            self._put_into_repository(root, first.before)
        self._mvn(
            root,
            *first.selected,
            *self._told(first, version),
            *("package", f"{_PLUGIN}:{version}:build", _CLASS_PATH),
            *("-DincludeScope=runtime", f"-Dmdep.outputFile={CLASS_PATH_FILE}"),
            f"-Dregistry={base.address}",
            f"-Djib.from.image={base_in(base)}",
            "-Djib.allowInsecureRegistries=true",
            f"-Djib.baseImageCache={self._scratch / 'base-cache'}",
            "-Djib.console=plain",
        )
        if first.together:
            (root / "pom.xml").unlink()  # each project stands alone

    def _put_into_repository(self, root: Path, phase: str) -> None:
        remote = f"{_OWN}::default::file://{self._scratch / 'remote'}"
        libraries = ("-pl", ".,shared-library,greetings")
        self._mvn(root, *libraries, phase, f"-DaltDeploymentRepository={remote}")
        if phase == "deploy":
            shutil.rmtree(self.repository / _OWN)  # they are to come from there

    def jibs_image(self, build_: MavenBuild) -> Made:
        """Return what Jib wrote of the image that it made."""
        name = "by-execution.json" if build_.execution else "jib-image.json"
        folder = self.projects / build_.project / build_.module
        made = json.loads((folder / "target" / name).read_text())
        return Made(image_id=made["imageId"], digest=made["imageDigest"])

    def mavens_class_path(self, build_: MavenBuild) -> list[str]:
        """Return the files of the class path, by Maven."""
        file = self.projects / build_.project / build_.module / CLASS_PATH_FILE
        return [path for path in file.read_text().strip().split(os.pathsep) if path]

    def built(self, build_: MavenBuild) -> Iterator[tuple[str, bytes]]:
        """Yield what is to be recorded: names, with a ``/`` behind those of folders."""
        for target in sorted(self.projects.rglob("target")):
            for folder in ("classes", "jib-agents"):
                for path in sorted((target / folder).rglob("*"), key=str):
                    yield self._entry(path)
            if target.relative_to(self.projects).parts[0] in _PACKED:
                yield from self._packed(target)
        for path in sorted((self.repository / _OWN).rglob("*"), key=str):
            if build_.before and path.is_file():
                name = path.relative_to(self.repository).as_posix()
                yield f"{build_.before}/{name}", path.read_bytes()

    def _packed(self, target: Path) -> Iterator[tuple[str, bytes]]:
        """Yield jars and wars but for what Spring Boot put together; no library is in them."""
        for path in sorted(target.glob("*.jar*")):
            if path.stat().st_size < _SMALL:
                yield self._entry(path)
        own = {path.read_bytes() for path in self.projects.rglob("target/*.jar")}
        for path in sorted(target.glob("*.war")):
            yield self._entry(path)[0], _without_libraries(path, own)

    def _put_libraries_back(self, build_: MavenBuild) -> None:
        """Complete a recorded war from the local repository."""
        folder = self.projects / build_.project / build_.module / "target"
        libraries = [Path(path) for path in self.class_path(build_)]
        with zipfile.ZipFile(next(folder.glob("*.war")), "a") as war:
            for path in libraries:
                if path.is_relative_to(self.repository):
                    war.writestr(f"WEB-INF/lib/{path.name}", path.read_bytes())

    @staticmethod
    def _take(path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def _entry(self, path: Path) -> tuple[str, bytes]:
        name = path.relative_to(self._scratch).as_posix()
        return (f"{name}/", b"") if path.is_dir() else (name, path.read_bytes())

    def _mvn(self, root: Path, *arguments: str) -> None:
        whole = (
            *(
                "--batch-mode",
                "--quiet",
                "--fail-at-end",
                "-Dmaven.test.skip=true",
                "-Dkotlin.compiler.daemon=false",
            ),
            *("-f", str(root), f"-Dmaven.repo.local={self.repository}", *arguments),
        )
        environment = {
            "JAVA_HOME": str(java_home(17)),
            "MAVEN_OPTS": QUICK,
            "LC_ALL": "C.UTF-8",
        }
        if attempt("mvn", *whole, environment=environment, timeout=900).returncode != 0:
            run("mvn", *whole, environment=environment, timeout=900)  # downloads have bad minutes
        for found in self.repository.iterdir():
            if not found.is_symlink() and found.name != _OWN and found.is_dir():
                # Downloaded: kept for the next run, and for all others.
                place = self._shared / found.name
                shutil.copytree(found, place, copy_function=_copy_whole, dirs_exist_ok=True)

    def _arguments(self, build_: MavenBuild, version: str) -> Arguments:
        told = (*self._told(build_, version), f"-Dmaven.repo.local={self.repository}")
        return parse_arguments(told, self.projects)

    def _told(self, build_: MavenBuild, version: str) -> tuple[str, ...]:
        own = (text.replace("{directory}", str(self._scratch)) for text in build_.arguments)
        return (f"-Djib-maven-plugin.version={version}", *own)

    def _host(self) -> HostEnvironment:
        """Return this machine's environment, but for the JDK that the projects are made for."""
        return HostEnvironment.of({**os.environ, "JAVA_HOME": str(self._jdk)})


def _copy_whole(source: str, target: str) -> None:
    """Copy a file so that a run that is killed leaves no half of it: Maven would never notice."""
    partial = f"{target}.{secrets.token_hex(4)}.part"
    shutil.copy2(source, partial)
    Path(partial).replace(target)


def _without_libraries(war: Path, own: Container[bytes]) -> bytes:
    """Return a war with those alone of its libraries that are ``own``, always the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(war) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as kept:
        for name in sorted(given.namelist()):
            data = given.read(name)
            if not name.endswith(".jar") or data in own:
                kept.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def recorded() -> dict[str, dict[str, Any]]:
    """Return what was recorded, by the keys of builds."""
    document: dict[str, dict[str, Any]] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return document["builds"]


def is_recorded(files: Iterable[tuple[str, bytes]]) -> bool:
    """Tell whether files are those that were recorded: another compiler makes others."""
    with zipfile.ZipFile(BUILT) as archive:
        known = {name: archive.read(name) for name in archive.namelist()}
    own = ((name, data) for name, data in files if name.startswith("projects/"))
    return all(known.get(name) == data for name, data in own)


def record() -> None:
    """Write ``GOLDEN`` and ``BUILT`` anew."""
    golden: dict[str, dict[str, Any]] = {
        found.key: {"classPath": [], "images": {}} for found in BUILDS
    }
    files: dict[str, bytes] = {}
    for version in ("3.3.2", "3.4.1", "3.4.2", NEWEST):
        for run_ in RUNS:
            builds = builds_of(run_, version)
            if not builds:
                continue
            with tempfile.TemporaryDirectory() as directory, base_registry() as base:
                workplace = Workplace(Path(directory))
                workplace.run_maven(builds, version, base)
                _keep(files, workplace.built(builds[0]), version)
                for found in builds:
                    _record_one(golden[found.key], workplace, found, version)
    text = json.dumps({"recordedBy": _COMMAND, "builds": golden}, indent=2) + "\n"
    GOLDEN.write_text(text, encoding="utf-8")
    with zipfile.ZipFile(BUILT, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def _keep(files: dict[str, bytes], built: Iterable[tuple[str, bytes]], version: str) -> None:
    """Add what one run built; what is installed tells the time, and is kept of one run alone."""
    for name, data in built:
        is_compiled = name.startswith("projects/")
        if (is_compiled or version == NEWEST) and files.setdefault(name, data) != data:
            sys.stderr.write(f"{name} is not the same each time\n")


def _record_one(
    entry: dict[str, Any], workplace: Workplace, build_: MavenBuild, version: str
) -> None:
    made = workplace.jibs_image(build_)
    entry["images"][version] = {"imageId": made.image_id, "manifestDigest": made.digest}
    entry["classPath"] = [Path(path).name for path in workplace.mavens_class_path(build_)]
    ours = workplace.our_image(build_, version)
    sys.stderr.write(f"{build_.key}, {version}: {'equal' if ours == made else 'DIFFERS'}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", required=True)
    parser.parse_args()
    record()
