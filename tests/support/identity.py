"""The images that pyjib and Jib must agree on: what is built, said to each in its own words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyjib.build import assemble
from pyjib.oci.identity import Identity
from pyjib.oci.instant import Instant
from pyjib.oci.location import Location, Scratch
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import Platform
from pyjib.options import BuildOptions, ExtraDirectory, Mode, Permission

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "fixtures" / "docker-hello"
BASE = ROOT / "fixtures" / "base-image"
GOLDEN = ROOT / "fixtures" / "identity" / "docker-hello.json"
NEWEST = "3.5.2"


def _nothing(project: Path) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Case:
    """An image of ``fixtures/docker-hello`` on ``fixtures/base-image``.

    ``properties`` are what Jib is told, without the ``jib.`` before each; ``options`` gives the
    same as arguments of ``BuildOptions``, for a project at a path. ``files`` are written into
    the project first. ``jdk`` is what Jib runs on.
    """

    name: str
    plugin: str = NEWEST
    goal: str = "build"
    jdk: int = 17
    on_scratch: bool = False
    properties: Mapping[str, str] = field(default_factory=dict)
    options: Callable[[Path], dict[str, Any]] = _nothing
    files: Mapping[str, bytes] = field(default_factory=dict)

    def build_options(self, project: Path, base: Location, cache: Path) -> BuildOptions:
        """Return what pyjib is told."""
        return BuildOptions(
            base=Scratch() if self.on_scratch else base,
            identity=Identity.of_jib(self.plugin, jdk=self.jdk),
            cache=cache,
            **self.options(project),
        )

    def assemble(self, project: Path, base: Location, cache: Path) -> tuple[str, str]:
        """Build by pyjib; return image ID and manifest digest."""
        options = self.build_options(project, base, cache)
        with assemble(options, path=project) as made:
            return str(made.image.image_id), str(made.image.digest)


def recorded() -> dict[str, dict[str, Any]]:
    """Return what real Jib was recorded to make, by the names of cases."""
    return {
        entry["name"]: entry for entry in json.loads(GOLDEN.read_text(encoding="utf-8"))["images"]
    }


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return ",".join(f"{name}={value}" for name, value in pairs)


# Fourteen and more entries make a hash map grow from 16 buckets to 32, and its order change.
_VARIABLES = (
    *((f"SETTING_{number}", f"value {number}") for number in range(17)),
    ("LANG", "de_DE.UTF-8"),
    ("GREETING", "Grüße 世界 𝄞"),
    ("EMPTY", ""),
)
_LABELS = (
    ("org.opencontainers.image.title", "Hello"),
    ("überschrift", "ñandú"),
    *((f"label.{number}", str(number)) for number in range(13)),
)


def _every_parameter(project: Path) -> dict[str, Any]:
    return {
        "environment": _VARIABLES,
        "labels": _LABELS,
        "ports": ("8080", "1000-1002", "53/udp"),
        "volumes": ("/var/log", "/data"),
        "user": "1000:1000",
        "working_directory": "/work/dir",
        "arguments": ("one", "two words"),
        "jvm_flags": ("-Xmx64m", "-Dgreeting=Grüße"),
        "extra_classpath": ("/opt/more.jar",),
        "app_root": "/srv/app",
        "created": Instant.parse("2024-05-01T12:00:00Z"),
        "file_time": Instant.parse("2023-02-03T04:05:06.789Z"),
    }


_EVERY_PARAMETER = {
    "container.environment": _pairs(_VARIABLES),
    "container.labels": _pairs(_LABELS),
    "container.ports": "8080,1000-1002,53/udp",
    "container.volumes": "/var/log,/data",
    "container.user": "1000:1000",
    "container.workingDirectory": "/work/dir",
    "container.args": "one,two words",
    "container.jvmFlags": "-Xmx64m,-Dgreeting=Grüße",
    "container.extraClasspath": "/opt/more.jar",
    "container.appRoot": "/srv/app",
    "container.creationTime": "2024-05-01T12:00:00Z",
    "container.filesModificationTime": "2023-02-03T04:05:06.789Z",
}

_LONG = "a-directory-with-a-long-name/" * 4
_EXTRA_FILES = {
    "src/main/jib/opt/run.sh": b"#!/bin/sh\nexec true\n",
    "src/main/jib/opt/notes/Grüße.txt": "Grüße\n".encode(),
    f"src/main/jib/opt/{_LONG}file.txt": b"deep\n",
    "src/main/jib/opt/a.b/x": b"",
    "src/main/jib/opt/a-b/x": b"",
    "src/main/jib/opt/a/x": b"",
}


def _extra_directories(project: Path) -> dict[str, Any]:
    return {
        "extra_directories": (ExtraDirectory(source=project / "src" / "main" / "jib"),),
        "permissions": (
            Permission(pattern="/opt/run.sh", mode=0o755),
            Permission(pattern="/opt/notes/**", mode=0o400),
        ),
    }


CASES = (
    Case(name="plugin 3.3.2", plugin="3.3.2"),
    Case(name="plugin 3.4.1", plugin="3.4.1"),
    Case(name="plugin 3.4.2", plugin="3.4.2"),
    Case(name="plugin 3.5.2"),
    Case(name="Java 25", jdk=25),
    Case(name="buildTar", goal="buildTar"),
    Case(
        name="OCI format",
        properties={"container.format": "OCI"},
        options=lambda project: {"format": ImageFormat.OCI},
    ),
    Case(
        name="two platforms",
        properties={"from.platforms": "linux/amd64,linux/arm64"},
        options=lambda project: {
            "platforms": (Platform.parse("linux/amd64"), Platform.parse("linux/arm64"))
        },
    ),
    Case(name="every parameter", properties=_EVERY_PARAMETER, options=_every_parameter),
    Case(
        name="packaged",
        properties={"containerizingMode": "packaged"},
        options=lambda project: {"mode": Mode.PACKAGED},
    ),
    Case(
        name="extra directories",
        files=_EXTRA_FILES,
        properties={"extraDirectories.permissions": "/opt/run.sh=755,/opt/notes/**=400"},
        options=_extra_directories,
    ),
    Case(
        name="custom entrypoint on scratch",
        on_scratch=True,
        properties={"container.entrypoint": "sh,-c,java -version", "container.args": "x"},
        options=lambda project: {"entrypoint": ("sh", "-c", "java -version"), "arguments": ("x",)},
    ),
    Case(
        name="inherited entrypoint",
        plugin="3.3.2",
        properties={"container.entrypoint": "INHERIT"},
        options=lambda project: {"entrypoint": ("INHERIT",)},
    ),
)
