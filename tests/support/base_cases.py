"""Bases with all that a base may have, and the images that real Jib makes on them.

``python -m tests.support.base_cases --record`` runs Jib and records ``GOLDEN`` anew. Bases and
projects are made of bytes alone, without a compiler and without libraries of a repository.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyjib.build import build
from pyjib.configure import configure
from pyjib.jib.to_options import Given, Unnamed
from pyjib.oci.blob import Blob
from pyjib.oci.image import AnyImage, Image, ImageIndex
from pyjib.oci.instant import Instant
from pyjib.oci.location import ArchiveLocation, EngineLocation, Location, RegistryLocation
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import LINUX_AMD64
from pyjib.oci.reference import Reference
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.serve import RegistryServer
from tests.support.bases import docker_save, plain_tars, tar_file
from tests.support.identity import NEWEST, ROOT
from tests.support.images import (
    LINUX_ARM64,
    TEMURIN_RUN,
    image_of,
    index_of,
    random_tar,
    tar_of,
    temurin_image,
)
from tests.support.jib_poms import PomCase, Run, jibs_image, write_project
from tests.support.peers import Engine, start_docker
from tests.support.real_jib import java_home
from tests.support.registry import put_image

GOLDEN = ROOT / "fixtures" / "identity" / "bases.json"
_COMMAND = "python -m tests.support.base_cases --record"
NAME = "bases/rich:1"

_RUN: Mapping[str, Any] = {
    **TEMURIN_RUN,
    # Jib reads no base whose healthcheck has a StartInterval.
    "Healthcheck": {
        "Test": ["CMD-SHELL", "curl -f http://localhost/ || exit 1"],
        "Interval": 30000000000,
        "Timeout": 3000000000,
        "StartPeriod": 0,
        "Retries": 3,
    },
    "Env": [*TEMURIN_RUN["Env"], "EMPTY=", "A=b=c", "GREETING=Grüße 世界 𝄞"],
    "Labels": {**TEMURIN_RUN["Labels"], "überschrift": "ñandú", "quoted": '"<&>\\\t'},
    "ExposedPorts": {"9000": {}, "8778/tcp": {}, "53/udp": {}},
    "Volumes": {"/var/log": {}, "/data//more/": {}},
    "User": "app:1001",
    "WorkingDir": "/srv/work",
    "Shell": ["/bin/bash", "-c"],
    "Hostname": "builder",
    "com.example.unknown": {"deep": [1, None, {"x": 1.5}]},
}


def rich(image_format: ImageFormat = ImageFormat.DOCKER) -> Image:
    """Return a base with history, empty layers, a healthcheck and what else a config may have."""
    return temurin_image(image_format=image_format, run=_RUN)


def bare() -> Image:
    """Return a base whose config says as little as it can, some of it by null."""
    nothing = dict.fromkeys(("Env", "Entrypoint", "Cmd", "Healthcheck", "ExposedPorts", "Labels"))
    tars = [tar_of({"etc/": b"", "etc/os-release": b"ID=bare\n"})]
    return image_of(tars, run={**nothing, "Volumes": None, "WorkingDir": "", "User": ""})


def half_told() -> Image:
    """Return a base of three layers, of which its history tells one; no healthcheck."""
    history = [
        {"created_by": "ENV A=b", "empty_layer": True},
        {"created": "2024-05-01T12:00:00.5Z", "created_by": "ADD / /", "author": "someone"},
        {"comment": "nothing"} | {"empty_layer": True},
    ]
    return image_of(
        [random_tar(seed) for seed in range(3)],
        run={"Healthcheck": {"Test": ["NONE"]}, "Env": ["A=b"], "Cmd": ["sh", "-c", "true"]},
        history=history,
    )


def odd() -> Image:
    """Return a base that says things twice, in uncommon ways, or so many that maps grow."""
    return temurin_image(
        run={
            **_RUN,
            "Env": [*(f"V{number}={number}" for number in range(25)), "V3=again", "B=b="],
            "Labels": {f"label-{number}": str(number) for number in range(13)},
            "ExposedPorts": {"080/tcp": {}, "80": {}},
            "Volumes": {"/a/../b": {}, "/": {}},
            "Healthcheck": {"Interval": 5},
            "Entrypoint": [],
            "Cmd": [],
        }
    )


def listed() -> ImageIndex:
    """Return an OCI index of two platforms, with variant and version of the system."""
    images = [
        temurin_image(platform=platform, image_format=ImageFormat.OCI, run=_RUN)
        for platform in (LINUX_ARM64, LINUX_AMD64)
    ]
    return index_of(images, ImageFormat.OCI)


_PLAIN = "<container>{format}</container>"
_OURS = """<container>{format}<environment><JAVA_HOME>/other</JAVA_HOME><ZED>z</ZED><A>a</A>
<B>ö 𝄞</B></environment><labels><maintainer>us</maintainer><more>1</more></labels>
<ports><port>80</port><port>9000/udp</port></ports><volumes><volume>/data/more</volume>
<volume>/v</volume></volumes></container>"""
_USER = """<container>{format}<user></user><workingDirectory>/</workingDirectory>
<args><arg>x</arg></args></container>"""
_INHERITED = "<container>{format}<entrypoint>INHERIT</entrypoint></container>"
_INHERITED_WITH_ARGUMENTS = """<container>{format}<entrypoint>INHERIT</entrypoint>
<args><arg>x</arg></args></container>"""
_ARM = """<platforms><platform><architecture>arm64</architecture><os>linux</os></platform>
</platforms>"""


@dataclass(frozen=True, kw_only=True)
class BaseCase:
    """A base, where it comes from, and what is configured on top of it."""

    base: Callable[[], AnyImage] = rich
    place: str = "registry"
    container: str = _OURS
    format: str = "Docker"
    platforms: str = ""
    versions: tuple[str, ...] = ("3.3.2", NEWEST)

    @property
    def needs_engine(self) -> bool:
        """Whether it takes a Docker Engine."""
        return self.place in ("daemon", "saved")

    def configuration(self, location: Location) -> str:
        """Return the configuration of Jib in the POM."""
        container = self.container.format(format=f"<format>{self.format}</format>")
        return (
            f"<from><image>{location}</image>{self.platforms}</from>"
            "<to><image>example.com/a/b:3</image></to>"
            f"<allowInsecureRegistries>true</allowInsecureRegistries>{container}"
        )


CASES: Mapping[str, BaseCase] = {
    "registry": BaseCase(),
    "registry, nothing of ours": BaseCase(container=_PLAIN),
    "registry, user and working directory": BaseCase(container=_USER),
    "registry, inherited": BaseCase(container=_INHERITED),
    "registry, inherited with arguments": BaseCase(container=_INHERITED_WITH_ARGUMENTS),
    "registry, OCI": BaseCase(base=lambda: rich(ImageFormat.OCI), format="OCI"),
    "registry, OCI to Docker": BaseCase(base=lambda: rich(ImageFormat.OCI)),
    "registry, Docker to OCI": BaseCase(format="OCI"),
    "registry, OCI index": BaseCase(base=listed),
    "registry, arm64 of an OCI index": BaseCase(base=listed, platforms=_ARM),
    "registry, bare": BaseCase(base=bare),
    "registry, half told": BaseCase(base=half_told, container=_INHERITED),
    "registry, odd": BaseCase(base=odd),
    "registry, odd and inherited": BaseCase(base=odd, container=_INHERITED),
    "tar": BaseCase(place="tar"),
    "tar, OCI": BaseCase(place="tar", format="OCI", container=_INHERITED),
    "tar, layers compressed": BaseCase(place="compressed tar"),
    "tar, bare": BaseCase(place="tar", base=bare, container=_PLAIN),
    "tar, half told": BaseCase(place="tar", base=half_told),
    "tar, saved by Docker": BaseCase(place="saved"),
    "daemon": BaseCase(place="daemon"),
    "daemon, inherited": BaseCase(place="daemon", container=_INHERITED),
    "daemon, half told": BaseCase(place="daemon", base=half_told, container=_PLAIN),
}


@dataclass(frozen=True, kw_only=True)
class BaseRun:
    """A case by one version of the plugin."""

    name: str
    version: str
    case: BaseCase = field(repr=False)

    @property
    def key(self) -> str:
        """What it is recorded under."""
        return f"{self.name}, {self.version}"


def runs() -> Iterator[BaseRun]:
    """Yield every case by every version that it is for."""
    for name, case in CASES.items():
        for version in case.versions:
            yield BaseRun(name=name, version=version, case=case)


@contextmanager
def base_of(case: BaseCase, scratch: Path, engine: Engine | None = None) -> Iterator[Location]:
    """Put a case's base where it comes from; ``engine`` is for those that need one."""
    image = case.base()
    if case.place == "registry":
        with RegistryServer() as server:
            put_image(server, "bases/rich", image, "1")
            yield RegistryLocation(reference=Reference.parse(f"{server.address}/{NAME}"))
        return
    assert isinstance(image, Image)
    path = scratch / "base.tar"
    saved = docker_save(image, [NAME])
    if case.place == "compressed tar":
        saved = _with_compressed_layers(image, saved)
    path.write_bytes(tar_file(saved))
    if engine is not None:
        engine.run("load", stdin=path.read_bytes())
        if case.place == "daemon":
            yield EngineLocation(reference=Reference.parse(NAME))
            return
        engine.run("save", "--output", path, NAME)
    yield ArchiveLocation(path=path)


def _with_compressed_layers(
    image: Image, saved: Mapping[str, bytes | str]
) -> dict[str, bytes | str]:
    """Write layers as gzip, as Jib's own archives have them."""
    layers: dict[bytes | str, Blob] = dict(zip(plain_tars(image), image.layers, strict=True))
    return {name: _compressed(layers.get(data), data) for name, data in saved.items()}


def _compressed(layer: Blob | None, data: bytes | str) -> bytes | str:
    if layer is None:
        return data
    with layer.open() as reader:
        return reader.read()


def write_project_on(run: BaseRun, location: Location, directory: Path) -> Path:
    """Write the project of a case, as it is after ``mvn package``."""
    case = PomCase(configuration=run.case.configuration(location))
    return write_project(Run(name=run.name, version=run.version, case=case), directory)


def our_image(project: Path, scratch: Path, engine: Engine | None = None) -> tuple[str, str]:
    """Build by pyjib; return image ID and manifest digest."""
    host = HostEnvironment.of(engine.variables if engine else {}, scratch / "home")
    options = BuildOptions(host=host, cache=scratch / "cache")
    configured = configure(project, Given.of(options, unnamed=(Unnamed.TAR,), now=Instant(0)))
    result = build(configured.options, path=project, read=configured.read)
    return str(result.image_id), str(result.digest)


def recorded() -> dict[str, tuple[str, str]]:
    """Return image ID and manifest digest by key."""
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return {
        name: (ids["imageId"], ids["manifestDigest"]) for name, ids in document["images"].items()
    }


def record(engine: Engine) -> None:
    """Write ``GOLDEN`` anew."""
    images = {}
    for run_ in runs():
        used = engine if run_.case.needs_engine else None
        with (
            tempfile.TemporaryDirectory() as directory,
            base_of(run_.case, Path(directory), used) as location,
        ):
            project = write_project_on(run_, location, Path(directory) / "project")
            variables = engine.variables if used else {}
            image_id, digest = jibs_image(project, str(java_home(17)), variables)
            ours = our_image(project, Path(directory), used)
        images[run_.key] = {"imageId": image_id, "manifestDigest": digest}
        verdict = "equal" if ours == (image_id, digest) else "DIFFERS"
        sys.stderr.write(f"{run_.key}: {image_id} {verdict}\n")
    text = json.dumps({"recordedBy": _COMMAND, "images": images}, indent=2) + "\n"
    GOLDEN.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", required=True)
    parser.parse_args()
    with start_docker() as started:
        record(started)
