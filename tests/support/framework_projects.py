"""Applications of frameworks and examples of Jib's kinds, built by Maven, imaged by both.

``python -m tests.support.framework_projects --record`` records the images that real Jib makes
of ``fixtures/frameworks`` and ``fixtures/examples`` and Maven's class paths (``GOLDEN``). What
Maven compiles is kept beside them (``BUILT``), so that pyjib can be held against the record
without Maven wherever the local repository has the libraries.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pyjib.oci.location import LayoutLocation, Location
from pyjib.options import HostEnvironment
from pyjib.project.maven.command_line import parse_arguments
from pyjib.project.maven.project import open_maven_project
from pyjib.project.maven.resolve import Resolver
from pyjib.serve import RegistryServer
from tests.support.cli import Cli
from tests.support.identity import BASE, NEWEST, ROOT
from tests.support.peers import Engine, start_docker
from tests.support.programs import attempt, missing, run
from tests.support.real_jib import QUICK, base_in, base_registry, java_home

FIXTURES = ROOT / "fixtures"
GOLDEN = FIXTURES / "identity" / "frameworks.json"
BUILT = FIXTURES / "identity" / "frameworks.zip"
_COMMAND = "python -m tests.support.framework_projects --record"
# Older ones sort scopes through a hash set.
_DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
_CLASS_PATH_FILE = Path("target/class-path.txt")
_NOWHERE = "registry.example.com"


@dataclass(frozen=True, kw_only=True)
class FrameworkCase:
    """A project below ``fixtures``, and the goals by which Maven makes an image of it.

    ``arguments`` are Maven's and pyjib's alike. ``in_daemon`` is where the image goes: to Docker,
    by a goal that the POM binds. ``label`` tells one case of a project from another.
    """

    directory: str
    goals: tuple[str, ...]
    label: str = ""
    arguments: tuple[str, ...] = ()
    in_daemon: bool = False
    versions: tuple[str, ...] = ("3.3.2", NEWEST)

    @property
    def name(self) -> str:
        """What its images are recorded under, the plugin's version left out."""
        return f"{self.project}, {self.label}" if self.label else self.project

    @property
    def project(self) -> str:
        """What the files that Maven made are recorded under."""
        return self.directory.partition("/")[2]


@dataclass(frozen=True, kw_only=True)
class Made:
    """An image by ID and manifest digest, with the names that it was given."""

    image_id: str
    digest: str
    image: str
    tags: tuple[str, ...]


FRAMEWORKS = (
    FrameworkCase(directory="frameworks/quarkus", goals=("compile", "jib:buildTar")),
    FrameworkCase(
        directory="frameworks/quarkus",
        label="arranged",
        goals=("compile", "jib:buildTar"),
        arguments=("-Parranged",),
    ),
    FrameworkCase(directory="frameworks/micronaut", goals=("compile", "jib:buildTar")),
)
EXAMPLES = (
    FrameworkCase(directory="examples/helloworld", goals=("package",)),
    FrameworkCase(directory="examples/java-agent", goals=("prepare-package", "jib:buildTar")),
    FrameworkCase(directory="examples/dropwizard", goals=("package",), in_daemon=True),
)
CASES = (*FRAMEWORKS, *EXAMPLES)
QUARKUS_TREES = tuple(
    FrameworkCase(
        directory="frameworks/quarkus",
        label=kind,
        goals=("package", "jib:buildTar"),
        arguments=(f"-Pextension,{kind}",),
    )
    for kind in ("fast-jar", "legacy-jar")
)
"""What Quarkus builds, laid out by Jib's extension: not recorded, for no two builds are equal."""
QUARKUS_EXTENSION = "com.google.cloud.tools:jib-quarkus-extension-maven:0.1.1"


def copy_project(case: FrameworkCase, directory: Path) -> Path:
    """Copy a case's sources to ``directory/project``."""
    ignored = shutil.ignore_patterns("target")
    return Path(shutil.copytree(FIXTURES / case.directory, directory / "project", ignore=ignored))


def take_built(case: FrameworkCase, project: Path) -> None:
    """Put what Maven was recorded to compile and copy where it would be."""
    prefix = f"{case.project}/"
    with zipfile.ZipFile(BUILT) as archive:
        for name in archive.namelist():
            if not name.startswith(prefix):
                continue
            path = project / name.removeprefix(prefix)
            if name.endswith("/"):
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(name))


def built_files(case: FrameworkCase, project: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what is recorded of a project after Maven; names of directories end in ``/``."""
    for folder in ("classes", "jib-agents"):
        for path in sorted((project / "target" / folder).rglob("*"), key=str):
            name = f"{case.project}/{path.relative_to(project).as_posix()}"
            yield (f"{name}/", b"") if path.is_dir() else (name, path.read_bytes())


def is_as_recorded(case: FrameworkCase, project: Path) -> bool:
    """Tell whether Maven made the recorded files: another compiler makes others."""
    with zipfile.ZipFile(BUILT) as archive:
        known = {name: archive.read(name) for name in archive.namelist()}
    made = dict(built_files(case, project))
    return made == {
        name: data for name, data in known.items() if name.startswith(f"{case.project}/")
    }


def jibs_image(
    case: FrameworkCase,
    project: Path,
    bases: RegistryServer,
    version: str = NEWEST,
    environment: Mapping[str, str] | None = None,
) -> Made:
    """Run Maven in a copy of the project; also writes the class path as Maven has it."""
    caches = project / "target" / "caches"
    arguments = (
        *("--batch-mode", "--quiet", "-Dmaven.test.skip=true", "-f", str(project)),
        *(*case.goals, f"{_DEPENDENCY_PLUGIN}:build-classpath", "-DincludeScope=runtime"),
        f"-Dmdep.outputFile={project / _CLASS_PATH_FILE}",
        *told(case, version, bases.address),
        f"-Djib.from.image={base_in(bases)}",
        "-Djib.allowInsecureRegistries=true",
        f"-Djib.baseImageCache={caches / 'base'}",
        f"-Djib.applicationCache={caches / 'application'}",
        "-Djib.console=plain",
    )
    whole = {
        "JAVA_HOME": str(java_home(17)),
        "MAVEN_OPTS": QUICK,
        "LC_ALL": "C.UTF-8",
        **(environment or {}),
    }
    if attempt("mvn", *arguments, environment=whole, timeout=600).returncode != 0:
        run("mvn", *arguments, environment=whole, timeout=600)  # downloads have bad minutes
    shutil.rmtree(caches)
    return _written_image(project)


def our_image(
    case: FrameworkCase,
    project: Path,
    scratch: Path,
    *,
    version: str = NEWEST,
    base: Location | None = None,
    registry: str = _NOWHERE,
    environment: Mapping[str, str] | None = None,
) -> Made:
    """Build by ``pyjib build``: into a tar, or into the daemon that ``environment`` leads to.

    ``registry`` is a part of names, and nothing is sent there. Skips the test if the local
    repository lacks a library.
    """
    jdk = scratch / "jdk"  # what the projects are made for, whatever this machine has
    jdk.mkdir(exist_ok=True)
    (jdk / "release").write_text('JAVA_VERSION="17.0.9"\n')
    cli = Cli(home=scratch / "home", variables={"JAVA_HOME": str(jdk), **(environment or {})})
    done = cli(
        *("build", project, "--progress", "none"),
        *("--from", str(base or LayoutLocation(path=BASE, tag="17-jre"))),
        *("--to", "docker://" if environment else "tar://"),
        *told(case, version, registry),
    )
    if done.code != 0 and "local repository" in done.stderr:
        missing("mvn", f"Maven has not been here yet: {done.stderr}")
    assert done.code == 0, done.stderr
    return _written_image(project)


@cache
def is_served(artifact: str) -> bool:
    """Tell whether the repositories that Maven knows have an artifact."""
    arguments = ("--batch-mode", f"{_DEPENDENCY_PLUGIN}:get", f"-Dartifact={artifact}")
    done = attempt("mvn", *arguments, environment={"MAVEN_OPTS": QUICK})
    absent = ("Could not find artifact", "was not found")  # asked now, or remembered
    return done.returncode == 0 or not any(text in done.stdout for text in absent)


def told(case: FrameworkCase, version: str, registry: str) -> tuple[str, ...]:
    """Return the arguments that Maven and pyjib are given alike."""
    return (f"-Djib-maven-plugin.version={version}", f"-Dregistry={registry}", *case.arguments)


def _written_image(project: Path) -> Made:
    """Return what Jib, or pyjib in its place, wrote of the image that it made."""
    file = project / "target" / "jib-image.json"
    made = json.loads(file.read_text())
    file.unlink()
    return Made(
        image_id=made["imageId"],
        digest=made["imageDigest"],
        image=made["image"],
        tags=tuple(made["tags"]),
    )


def our_class_path(project: Path, case: FrameworkCase) -> list[str]:
    """Return the files of the class path, by pyjib."""
    found = open_maven_project(
        project,
        host=HostEnvironment.of({**os.environ, "JAVA_HOME": str(java_home(17))}),
        arguments=parse_arguments(told(case, NEWEST, _NOWHERE), project),
    )
    resolver = Resolver(found.builder, found.repository, found.reactor)
    return [str(library.path) for library in resolver.resolve(found.model).libraries]


def mavens_class_path(project: Path) -> list[str]:
    """Return the files of the class path that Maven wrote."""
    return [path for path in (project / _CLASS_PATH_FILE).read_text().strip().split(":") if path]


def recorded() -> dict[str, dict[str, Any]]:
    """Return what was recorded, by the names of cases."""
    document: dict[str, dict[str, Any]] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return document["projects"]


def record(engine: Engine) -> None:
    """Write ``GOLDEN`` and ``BUILT`` anew."""
    golden: dict[str, dict[str, Any]] = {}
    files: dict[str, bytes] = {}
    for case in CASES:
        entry = golden[case.name] = {"classPath": [], "images": {}}
        for version in case.versions:
            with tempfile.TemporaryDirectory() as directory, base_registry() as bases:
                project = copy_project(case, Path(directory))
                variables = engine.variables if case.in_daemon else None
                made = jibs_image(case, project, bases, version, variables)
                files |= dict(built_files(case, project))
                entry["classPath"] = [Path(path).name for path in mavens_class_path(project)]
            entry["images"][version] = {"imageId": made.image_id, "manifestDigest": made.digest}
            sys.stderr.write(f"{case.name}, {version}: {made.image_id}\n")
    text = json.dumps({"recordedBy": _COMMAND, "projects": golden}, indent=2) + "\n"
    GOLDEN.write_text(text, encoding="utf-8")
    with zipfile.ZipFile(BUILT, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", required=True)
    parser.parse_args()
    with start_docker() as started:
        record(started)
