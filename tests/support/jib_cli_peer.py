"""jib-cli's images: made by jib-core in Java, by jib-cli itself, and by pyjib.

``python -m tests.support.jib_cli_peer --record`` records ``GOLDEN`` anew with the Java program
beside this file, which drives jib-core as jib-cli does. ``--jib 0.13.0=PROGRAM`` has an installed
jib-cli make the images of its version instead; ``--check`` compares and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyjib.base.model import BaseImages
from pyjib.build import pull
from pyjib.oci.image import ImageIndex
from pyjib.oci.location import LayoutLocation
from pyjib.oci.platform import LINUX_AMD64, Platform
from pyjib.serve import RegistryServer
from tests.support.bases import docker_save, tar_file
from tests.support.cli import ROOT, Cli
from tests.support.identity import BASE
from tests.support.jib_cli_cases import CASES, VERSIONS, Case, Options
from tests.support.maven import bom as maven_bom
from tests.support.maven import dependencies, managed, pom, write
from tests.support.programs import attempt, run
from tests.support.real_jib import java_home
from tests.support.registry import put_image

GOLDEN = ROOT / "fixtures" / "identity" / "jib-cli.json"
_COMMAND = "python -m tests.support.jib_cli_peer --record"
_SOURCES = Path(__file__).parent / "java"
_PLATFORMS = (LINUX_AMD64, Platform.parse("linux/arm64"))
_BASES = (("base", "1"), ("library/eclipse-temurin", "8-jre"), ("library/jetty", "latest"))
_QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

CORES: Mapping[str, tuple[str, str]] = {
    "0.12.0": ("0.23.0", "2.13.4.20221013"),
    "0.13.0": ("0.27.0", "2.15.2"),
}
"""The jib-core of each jib-cli, and the Jackson that both use."""

Ids = tuple[str, str]
"""An image ID and the digest of its manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """A folder with all projects, and a registry and an archive with the base."""

    root: Path
    address: str

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def config(self) -> Path:
        """What ``XDG_CONFIG_HOME`` is for jib-cli, and for pyjib by its home."""
        return self.root / "home" / ".config"

    def options(self, case: Case) -> Options:
        """Return a case's flags with places put in."""
        return {flag: _filled(value, self) for flag, value in case.options.items()}


def _filled(value: str | tuple[str, ...], place: Workplace) -> str | tuple[str, ...]:
    if isinstance(value, tuple):
        return tuple(str(_filled(one, place)) for one in value)
    return value.replace("REGISTRY", place.address).replace("OUT", str(place.out))


@contextmanager
def workplace(root: Path) -> Iterator[Workplace]:
    """Write all cases below ``root``, and serve the base, while the context lasts."""
    layout = LayoutLocation(path=BASE, tag="17-jre")
    with RegistryServer() as server, pull(layout, platforms=_PLATFORMS) as base:
        assert base.index is not None
        for name, tag in _BASES:
            put_image(server, name, ImageIndex(index=base.index, images=base.images), tag)
        place = Workplace(root=root, address=server.address)
        place.out.mkdir(parents=True)
        _write_mirrors(place)
        _write_archive(base, place.out / "base.tar")
        for case in CASES:
            case.write(root / case.folder)
        yield place


def _write_mirrors(place: Workplace) -> None:
    """Make the registry a mirror of Docker Hub for all who read Jib's global configuration."""
    mirrors = [{"registry": "registry-1.docker.io", "mirrors": [place.address]}]
    document = {"disableUpdateCheck": True, "registryMirrors": mirrors}
    write(place.config / "google-cloud-tools-java/jib/config.json", json.dumps(document))


def _write_archive(base: BaseImages, file: Path) -> None:
    file.write_bytes(tar_file(docker_save(base.images[0])))


def key(case: Case, version: str) -> str:
    """What an image is recorded under."""
    return f"{case.command}: {case.name}, {version}"


def flags(options: Options) -> list[str]:
    """Return options as arguments; those that have no value come without one."""
    arguments = []
    for flag, value in options.items():
        for one in (value,) if isinstance(value, str) else value:
            arguments += [flag, one] if one else [flag]
    return arguments


# pyjib

_BUILD_FLAGS = {"--target": "--to", "--additional-tags": "--tag"}


def our_image(case: Case, version: str, place: Workplace, *more: str) -> Ids:
    """Let pyjib's command line make a case; ``more`` are further arguments."""
    made = place.out / "ours.json"
    options = {**place.options(case), **case.ours}
    arguments = ["--identity", f"jib:{version}"]
    if case.command == "build":
        options.pop("--allow-insecure-registries", None)
        context = options.pop("--context")
        options = {_BUILD_FLAGS.get(flag, flag): value for flag, value in options.items()}
        arguments += [*flags(options), "--metadata-file", str(made), str(context)]
    else:
        file = f"{case.folder}/{case.file}"
        arguments += [*flags(options), "--image-metadata-out", str(made), file]
    cli = Cli(home=place.root / "home")
    before = Path.cwd()
    os.chdir(place.root)
    try:
        done = cli(case.command, *arguments, *more)
    finally:
        os.chdir(before)
    assert done.code == 0, done.stderr
    return _ids(json.loads(made.read_text()))


# jib-cli itself


def their_image(case: Case, program: str, place: Workplace) -> Ids:
    """Let an installed jib-cli make a case.

    It takes layers from its caches by their files' times, whatever its version: none is shared.
    """
    made = place.out / "theirs.json"
    caches = place.out / "caches" / program.replace(os.sep, "-")
    arguments = [
        *(case.command, *flags(place.options(case)), "--image-metadata-out", str(made)),
        *("--base-image-cache", str(caches / "base"), "--console", "plain"),
        *("--project-cache", str(caches / case.folder)),
        *([] if case.command == "build" else [f"{case.folder}/{case.file}"]),
    ]
    _run_in(place, program, *arguments)
    return _ids(json.loads(made.read_text()))


def _run_in(place: Workplace, program: str, *arguments: str) -> None:
    # Java takes names of files to be in the encoding that the locale says.
    settings = ("LC_ALL=C.UTF-8", f"XDG_CONFIG_HOME={place.config}")
    run("env", "-C", str(place.root), *settings, program, *arguments)


def _ids(document: Mapping[str, str]) -> Ids:
    return document["imageId"], document["imageDigest"]


# jib-core, driven by our program


def core_images(version: str, place: Workplace) -> dict[str, Ids]:
    """Let our Java program make all cases, in one JVM; return them by ``key``."""
    work = place.out / f"core-{version}"
    class_path = _compiled(version, work)
    document = [
        {
            "name": case.name,
            "command": case.command,
            "folder": case.folder,
            "file": case.file,
            "options": {
                flag: [value] if isinstance(value, str) else list(value)
                for flag, value in place.options(case).items()
            },
        }
        for case in CASES
    ]
    (work / "cases.json").write_text(json.dumps(document))
    arguments = ("-cp", class_path, "JibCliPeer", version, str(work), place.address)
    _run_in(place, _java_program("java"), *_QUICK, *arguments)
    made = json.loads((work / "images.json").read_text())
    return {key(case, version): _ids(made[case.folder]) for case in CASES}


def _java_program(name: str) -> str:
    return str(java_home(17) / "bin" / name)


def _compiled(version: str, work: Path) -> str:
    """Compile our program against the jib-core of a jib-cli; return the class path to run it."""
    core, jackson = CORES[version]
    project = write(
        work / "pom.xml",
        pom(
            "test:peer:1",
            managed(maven_bom(f"com.fasterxml.jackson:jackson-bom:{jackson}")),
            dependencies(
                f"com.google.cloud.tools:jib-core:{core}",
                "com.fasterxml.jackson.dataformat:jackson-dataformat-yaml:",
                "com.fasterxml.jackson.core:jackson-databind:",
                "org.apache.commons:commons-text:1.10.0",
            ),
        ),
    )
    listing = work / "classpath.txt"
    maven = ("--batch-mode", "--quiet", "-f", str(project), "dependency:build-classpath")
    maven = (*maven, f"-Dmdep.outputFile={listing}")
    if attempt("mvn", *maven).returncode != 0:
        run("mvn", *maven)  # downloads have bad minutes
    libraries = listing.read_text().strip()
    sources = sorted(map(str, _SOURCES.glob("*.java")))
    classes = str(work / "classes")
    run(_java_program("javac"), "-nowarn", "-d", classes, "-cp", libraries, *sources)
    return f"{classes}{os.pathsep}{libraries}"


# What is recorded


def recorded() -> dict[str, Ids]:
    """Return image ID and manifest digest by key."""
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return {
        name: (ids["imageId"], ids["manifestDigest"]) for name, ids in document["images"].items()
    }


def make_all(programs: Mapping[str, str]) -> dict[str, Ids]:
    """Make all cases of all versions, by ``programs`` where they have a version."""
    images: dict[str, Ids] = {}
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place = stack.enter_context(workplace(root / "work"))
        for version in VERSIONS:
            if version not in programs:
                images |= core_images(version, place)
                continue
            for case in CASES:
                images[key(case, version)] = their_image(case, programs[version], place)
    return images


def record(images: Mapping[str, Ids]) -> None:
    """Write ``GOLDEN`` anew."""
    entries = {
        name: {"imageId": image_id, "manifestDigest": digest}
        for name, (image_id, digest) in images.items()
    }
    text = json.dumps({"recordedBy": _COMMAND, "images": entries}, indent=2) + "\n"
    GOLDEN.write_text(text, encoding="utf-8")


def check(images: Mapping[str, Ids]) -> None:
    """Tell on stderr what differs from ``GOLDEN``, and end with 1 if anything does."""
    known = recorded()
    wrong = [name for name in {**known, **images} if known.get(name) != images.get(name)]
    sys.stderr.write("".join(f"differs: {name}\n" for name in wrong) or "all are as recorded\n")
    raise SystemExit(bool(wrong))


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--record", action="store_true")
    action.add_argument("--check", action="store_true")
    parser.add_argument("--jib", metavar="VERSION=PROGRAM", action="append", default=[])
    given = parser.parse_args()
    images = make_all(dict(text.split("=", 1) for text in given.jib))
    (record if given.record else check)(images)


if __name__ == "__main__":
    _main()
