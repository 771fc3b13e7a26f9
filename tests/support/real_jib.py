"""Real Jib, run by Maven; ``python -m tests.support.real_jib --record`` records what it makes.

Maven resolves the plugin as it always does, from the local repository or the network.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyjib.build import pull
from pyjib.oci.image import ImageIndex
from pyjib.oci.location import LayoutLocation, Location, RegistryLocation
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference
from pyjib.serve import RegistryServer
from tests.support.identity import BASE, CASES, GOLDEN, PROJECT, Case
from tests.support.programs import attempt, missing, run
from tests.support.registry import put_image

_PLUGIN = "com.google.cloud.tools:jib-maven-plugin"
_PLATFORMS = tuple(map(Platform.parse, ("linux/amd64", "linux/arm64")))
_COMMAND = "python -m tests.support.real_jib --record"
# Maven lives for seconds: a compiler that thinks less is done sooner.
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@dataclass(frozen=True, kw_only=True)
class JibImage:
    """What Jib says it made: ``archive`` is the file that ``buildTar`` wrote."""

    image_id: str
    digest: str
    name: str
    archive: Path


@contextmanager
def base_registry() -> Iterator[RegistryServer]:
    """Serve ``fixtures/base-image`` as ``library/eclipse-temurin:17-jre``."""
    layout = LayoutLocation(path=BASE, tag="17-jre")
    with RegistryServer() as server, pull(layout, platforms=_PLATFORMS) as base:
        assert base.index is not None
        image = ImageIndex(index=base.index, images=base.images)
        put_image(server, "library/eclipse-temurin", image, "17-jre")
        yield server


def base_in(server: RegistryServer) -> Location:
    """Return where the base is in a registry of ``base_registry``."""
    return RegistryLocation(
        reference=Reference.parse(f"{server.address}/library/eclipse-temurin:17-jre")
    )


def jib_build(
    project: Path,
    plugin_version: str,
    *,
    base: str,
    target: str,
    goal: str = "build",
    jdk: int = 17,
    properties: Mapping[str, str] | None = None,
) -> JibImage:
    """Run a goal of ``jib-maven-plugin`` in a project, of which only ``target`` changes.

    ``properties`` are passed on with ``-D``, a ``jib.`` before each. Nothing that another run
    has cached is used: Jib takes a layer from there by its files' times, whatever its version.
    """
    caches = project / "target" / "caches"
    given = {
        "jib.from.image": base,
        "jib.to.image": target,
        "jib.allowInsecureRegistries": "true",
        "jib.baseImageCache": str(caches / "base"),
        "jib.applicationCache": str(caches / "application"),
        "jib.console": "plain",
        **{f"jib.{name}": value for name, value in (properties or {}).items()},
    }
    arguments = [
        *("--batch-mode", "--quiet", "-f", str(project), f"{_PLUGIN}:{plugin_version}:{goal}"),
        *(f"-D{name}={value}" for name, value in given.items()),
    ]
    environment = {
        "JAVA_HOME": str(java_home(jdk)),
        "MAVEN_OPTS": QUICK,
        "LC_ALL": "C.UTF-8",
    }
    if attempt("mvn", *arguments, environment=environment).returncode != 0:
        run("mvn", *arguments, environment=environment)  # downloads have bad minutes
    made = json.loads((project / "target" / "jib-image.json").read_text())
    return JibImage(
        image_id=made["imageId"],
        digest=made["imageDigest"],
        name=target,
        archive=project / "target" / "jib-image.tar",
    )


def java_home(major: int) -> Path:
    """Return a JDK of a major version; skip the test, or fail it, if there is none."""
    found = next((home for home in _java_homes(major) if _is_jdk(home, major)), None)
    if found is None:
        missing(f"java-{major}", f"there is no JDK {major}: set JAVA_HOME_{major} to one")
    return found


def _is_jdk(home: Path, major: int) -> bool:
    release = home / "release"
    if not release.is_file() or not (home / "bin" / "javac").is_file():
        return False
    version = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.MULTILINE)
    return version is not None and int(version[1]) == major


def _java_homes(major: int) -> Iterator[Path]:
    for name in (f"JAVA_HOME_{major}", f"JAVA_HOME_{major}_X64", "JAVA_HOME"):
        if value := os.environ.get(name):
            yield Path(value)
    yield from sorted(Path("/usr/lib/jvm").glob("*"))
    if javac := shutil.which("javac"):
        yield Path(javac).resolve().parents[1]


def copy_project(case: Case, directory: Path) -> Path:
    """Copy the case's project, with its files added, for Jib to work in."""
    project = directory / "project"
    shutil.copytree(PROJECT, project)
    for name, content in case.files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(content)
    return project


def run_case(case: Case, project: Path, server: RegistryServer) -> JibImage:
    """Let Jib build a case's image in a copy of the project."""
    return jib_build(
        project,
        case.plugin,
        base="scratch" if case.on_scratch else str(base_in(server)),
        target=f"{server.address}/{re.sub(r'[^a-z0-9]+', '-', case.name.lower())}:1",
        goal=case.goal,
        jdk=case.jdk,
        properties=case.properties,
    )


def record() -> None:
    """Write ``fixtures/identity/docker-hello.json`` anew."""
    images = []
    with base_registry() as server:
        for case in CASES:
            with tempfile.TemporaryDirectory() as directory:
                made = run_case(case, copy_project(case, Path(directory)), server)
            images.append(
                {
                    "name": case.name,
                    "plugin": f"jib-maven-plugin:{case.plugin}",
                    "goal": case.goal,
                    "jdk": case.jdk,
                    "imageId": made.image_id,
                    "manifestDigest": made.digest,
                }
            )
            sys.stderr.write(f"{case.name}: {made.image_id}\n")
    text = json.dumps({"recordedBy": _COMMAND, "images": images}, indent=2) + "\n"
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", required=True)
    parser.parse_args()
    record()
