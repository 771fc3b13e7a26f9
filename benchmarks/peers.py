"""The builders that are measured side by side, each as its users call it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.apps import App

JIB_VERSION = "3.5.2"
JIB_CORE_VERSION = "0.28.1"

TUNED = "tuned "
"""How names of builders begin whose JVM is told to start fast, at the cost of long builds."""
JVM_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One build to be made: from ``base`` to ``target``, a name in a registry or ``tar:FILE``.

    ``plans`` asks for no image, only for all that is to be known of it: its class path at least.
    """

    app: App
    base: str
    target: str
    platforms: tuple[str, ...] = ()
    plans: bool = False


class Peer(Protocol):
    """A builder. ``home`` is its own directory, where its caches lie too."""

    name: str
    home: Path

    def can(self, build: Build) -> bool:
        """Tell whether it makes such images at all."""
        ...

    def command(self, build: Build) -> Sequence[str | Path]:
        """Return the command that makes the image."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """Return variables that are set besides the machine's own."""
        ...

    def version_command(self) -> Sequence[str | Path]:
        """Return the command that prints its version, or its machine's, on the first line."""
        ...

    def forget(self) -> None:
        """Empty all caches, as a fresh machine has them."""
        ...


def _emptied(*directories: Path) -> None:
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


@dataclass(kw_only=True)
class Pyjib:
    """An installed pyjib; ``options`` choose identity and compression."""

    name: str
    home: Path
    program: Path
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def version_command(self) -> Sequence[str | Path]:
        return [self.program, "--version"]

    def can(self, build: Build) -> bool:
        return not (build.target.startswith("tar:") and build.platforms)

    def command(self, build: Build) -> Sequence[str | Path]:
        target = build.target
        if target.startswith("tar:"):
            target = f"tar://{target[4:]}"
        words: list[str | Path] = [self.program, "build", build.app.root, "--quiet"]
        if build.plans:
            words[1:] = ["plan", build.app.root]
        words += ["--from", build.base, "--to", target, "--cache", self.home / "cache"]
        for platform in build.platforms:
            words += ["--platform", platform]
        return [*words, *self.options]

    def forget(self) -> None:
        _emptied(self.home / "cache")


@dataclass(kw_only=True)
class JibMaven:
    """``jib-maven-plugin`` under Maven, on compiled classes; offline it refuses to push."""

    home: Path
    maven: Path
    name: str = f"jib-maven-plugin {JIB_VERSION}"
    jvm: Sequence[str] = ()

    @property
    def environment(self) -> Mapping[str, str]:
        return {"MAVEN_OPTS": " ".join(self.jvm)} if self.jvm else {}

    def version_command(self) -> Sequence[str | Path]:
        return [self.maven, "--version"]

    def can(self, build: Build) -> bool:
        return (
            not build.plans
            and build.app.has_pom
            and not (build.target.startswith("tar:") and build.platforms)
        )

    def command(self, build: Build) -> Sequence[str | Path]:
        is_tar = build.target.startswith("tar:")
        goal = "buildTar" if is_tar else "build"
        words: list[str | Path] = [self.maven, "-q", "-B"]
        words += [f"com.google.cloud.tools:jib-maven-plugin:{JIB_VERSION}:{goal}"]
        words += [f"-Djib.from.image={build.base}", "-Djib.allowInsecureRegistries=true"]
        words += [f"-Djib.to.image={'bench' if is_tar else build.target}"]
        words += [f"-Djib.baseImageCache={self.home / 'base'}", "-Djib.console=plain"]
        words += [f"-Djib.applicationCache={self.home / 'application'}"]
        words += [
            "-DsendCredentialsOverHttp=true",
            f"-Djib.container.mainClass={build.app.main_class}",
        ]
        if is_tar:
            words += [f"-Djib.outputPaths.tar={build.target[4:]}"]
        if build.platforms:
            words += [f"-Djib.from.platforms={','.join(build.platforms)}"]
        return words

    def forget(self) -> None:
        _emptied(self.home / "base", self.home / "application")


@dataclass(kw_only=True)
class JibCore:
    """Jib's core library in a bare JVM: the program in ``benchmarks/java``, compiled."""

    home: Path
    java: Path
    program: Path
    name: str = f"jib-core {JIB_CORE_VERSION}"
    jvm: Sequence[str] = ()

    @property
    def environment(self) -> Mapping[str, str]:
        return {}

    def version_command(self) -> Sequence[str | Path]:
        return [self.java, "--version"]

    def can(self, build: Build) -> bool:
        return not build.plans and not (build.target.startswith("tar:") and build.platforms)

    def command(self, build: Build) -> Sequence[str | Path]:
        target = self.program / "target"
        class_path = f"{target / 'classes'}:{target / 'dependency'}/*"
        words: list[str | Path] = [self.java, *self.jvm, "-cp", class_path]
        words += [
            "bench.JibCore",
            build.base,
            build.target,
            build.app.root,
            self.home / "cache",
            build.app.main_class,
        ]
        return [*words, *build.platforms]

    def forget(self) -> None:
        _emptied(self.home / "cache")


_CRANE = """set -eu
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1 \\
  --transform "s,^\\.,app/libs," -C {libraries} -cf {home}/libs.tar .
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1 \\
  --transform "s,^\\.,app/classes," -C {classes} -cf {home}/classes.tar .
{crane} append --insecure -b {base} -f {home}/libs.tar -f {home}/classes.tar -t {target}
{crane} mutate --insecure {target} -t {target} \\
  --entrypoint "java,-cp,/app/classes:/app/libs/*,{main}"
"""


@dataclass(kw_only=True)
class Crane:
    """``crane append`` of two tars that tar makes, then ``crane mutate``."""

    home: Path
    crane: Path
    name: str = "crane"

    @property
    def environment(self) -> Mapping[str, str]:
        return {}

    def version_command(self) -> Sequence[str | Path]:
        return [self.crane, "version"]

    def can(self, build: Build) -> bool:
        return not build.plans and not build.target.startswith("tar:") and not build.platforms

    def command(self, build: Build) -> Sequence[str | Path]:
        script = _CRANE.format(
            libraries=build.app.libraries,
            classes=build.app.classes,
            main=build.app.main_class,
            home=self.home,
            crane=self.crane,
            base=build.base,
            target=build.target,
        )
        return ["sh", "-c", script]

    def forget(self) -> None:
        pass  # it keeps nothing


DOCKERFILE = """FROM {base}
COPY dependency /app/libs
COPY classes /app/classes
ENTRYPOINT ["java", "-cp", "/app/classes:/app/libs/*", "{main}"]
"""


def _write_dockerfile(build: Build, home: Path) -> Path:
    path = home / f"Dockerfile.{build.app.name}"
    path.write_text(DOCKERFILE.format(base=build.base, main=build.app.main_class))
    return path


@dataclass(kw_only=True)
class Buildah:
    """``buildah build`` of a Dockerfile that only copies, and ``buildah push``."""

    home: Path
    buildah: Path
    driver: str
    name: str = "buildah"

    @property
    def environment(self) -> Mapping[str, str]:
        return {"BUILDAH_ISOLATION": "chroot", "TMPDIR": str(self.home)}

    def version_command(self) -> Sequence[str | Path]:
        return [self.buildah, "--version"]

    def can(self, build: Build) -> bool:
        return not build.plans and not build.platforms

    def command(self, build: Build) -> Sequence[str | Path]:
        store = f"--root {self.home}/root --runroot {self.home}/run --storage-driver {self.driver}"
        call = f"{self.buildah} {store}"
        dockerfile = _write_dockerfile(build, self.home)
        is_tar = build.target.startswith("tar:")
        name = "localhost/bench" if is_tar else build.target
        to = f"docker-archive:{build.target[4:]}:bench" if is_tar else f"docker://{name}"
        remove = f"rm -f {build.target[4:]} && " if is_tar else ""
        script = (
            f"{remove}{call} build -q --tls-verify=false --layers --pull -f {dockerfile} "
            f"-t {name} {build.app.root}/target >/dev/null && "
            f"{call} push -q --tls-verify=false {name} {to}"
        )
        return ["sh", "-c", script]

    def forget(self) -> None:
        _emptied(self.home / "root", self.home / "run")


_DOCKER_VERSION = "docker {{.Client.Version}}, its daemon {{.Server.Version}}"


@dataclass(kw_only=True)
class Docker:
    """``docker build`` of the same Dockerfile, and ``docker push``; the daemon runs already."""

    home: Path
    docker: Path
    variables: Mapping[str, str]
    name: str = "docker build"

    @property
    def environment(self) -> Mapping[str, str]:
        return {**self.variables, "DOCKER_BUILDKIT": "0"}

    def version_command(self) -> Sequence[str | Path]:
        return [self.docker, "version", "--format", _DOCKER_VERSION]

    def can(self, build: Build) -> bool:
        return not build.plans and not build.platforms and not build.target.startswith("tar:")

    def command(self, build: Build) -> Sequence[str | Path]:
        dockerfile = _write_dockerfile(build, self.home)
        script = (
            f"{self.docker} build -q --pull -f {dockerfile} -t {build.target} "
            f"{build.app.root}/target >/dev/null && {self.docker} push -q {build.target}"
        )
        return ["sh", "-c", script]

    def forget(self) -> None:
        for words in (("image", "prune", "-af"), ("builder", "prune", "-af")):
            subprocess.run(
                [self.docker, *words],
                env={**os.environ, **self.environment},
                check=False,
                capture_output=True,
            )


@dataclass(kw_only=True)
class MavenClassPath:
    """Maven working out the class path, offline: a part of what ``pyjib plan`` tells."""

    home: Path
    maven: Path
    name: str = "mvn -o dependency:build-classpath"

    @property
    def environment(self) -> Mapping[str, str]:
        return {}

    def version_command(self) -> Sequence[str | Path]:
        return [self.maven, "--version"]

    def can(self, build: Build) -> bool:
        return build.plans and build.app.has_pom

    def command(self, build: Build) -> Sequence[str | Path]:  # noqa: ARG002  one command for all
        to = f"-Dmdep.outputFile={self.home / 'class-path'}"
        return [self.maven, "-o", "-q", "-B", "dependency:build-classpath", to]

    def forget(self) -> None:
        pass  # it keeps nothing
