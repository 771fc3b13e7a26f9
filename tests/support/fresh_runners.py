"""Builds on machines whose caches are empty, of a project with one large library."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyjib.build import BuildResult, build
from pyjib.events import BlobPresent, Event, LayerPacking, TransferStarted, Warned
from pyjib.oci.identity import PYJIB, Identity
from pyjib.oci.location import parse_location
from pyjib.options import BuildOptions, HostEnvironment, LayerIndexMode
from pyjib.serve import RegistryServer
from pyjib.store.store import Store
from tests.support.images import temurin_image
from tests.support.projects import pom, write_maven_project
from tests.support.registry import put_image

JIB = Identity.of_jib("3.5.2")
LIBRARY = "target/dependency/large-1.0.jar"
LIBRARY_BYTES = 5 << 18


def write_project(root: Path, seed: int = 0) -> Path:
    """Write a compiled project whose one library is more than a MiB, and changes with ``seed``."""
    write_maven_project(root)
    (root / "pom.xml").write_text(pom(dependencies=["com.example:large:1.0"]))
    library = root / LIBRARY
    library.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(library, "w") as archive:
        content = random.Random(seed).randbytes(LIBRARY_BYTES)
        archive.writestr(zipfile.ZipInfo("data.bin", (1980, 1, 1, 0, 0, 0)), content)
    return root


@dataclass
class Runner:
    """Builds to one registry; ``fresh`` has an empty store each time it is called."""

    registry: RegistryServer
    root: Path
    project: Path
    identity: Identity = PYJIB
    events: list[Event] = field(default_factory=list)
    _count: int = 0

    @property
    def target(self) -> str:
        return f"{self.registry.address}/team/app:1"

    def fresh(self, *, to: Sequence[str] = (), **options: Any) -> BuildResult:
        """Build with an empty store; ``to`` are targets instead of the usual one."""
        self._count += 1
        return self.again(to=to, **options)

    def again(self, *, to: Sequence[str] = (), **options: Any) -> BuildResult:
        """Build with the store of the last build."""
        self.events.clear()
        self.registry.clear_journal()
        given = {
            "targets": tuple(map(parse_location, to or [self.target])),
            "base": parse_location(f"{self.registry.address}/library/jre:17"),
            "identity": self.identity,
            "host": HostEnvironment(home=self.root / "home"),
            "cache": self.root / f"cache-{self._count}",
            "layer_index": LayerIndexMode.AUTO,
            **options,
        }
        return build(BuildOptions(**given), path=self.project, listener=self.events.append)

    @property
    def store(self) -> Store:
        """The store of the last build."""
        return Store(self.root / f"cache-{self._count}")

    @property
    def packed(self) -> list[str]:
        """The names of the layers that the last build packed."""
        return [event.name for event in self.events if isinstance(event, LayerPacking)]

    @property
    def large(self) -> bool:
        """Whether the last build packed the large library."""
        return "dependencies" in self.packed

    @property
    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]

    @property
    def sent(self) -> int:
        """How many blobs moved in the last build."""
        return sum(isinstance(event, TransferStarted) for event in self.events)

    @property
    def present(self) -> int:
        return sum(isinstance(event, BlobPresent) for event in self.events)

    @property
    def asked(self) -> list[str]:
        """The last build's requests, the probe of a loopback registry left out."""
        return [
            f"{seen.method} {seen.path.removeprefix('/v2/')}"
            for seen in self.registry.journal
            if seen.path != "/v2/"
        ]


def make_runner(registry: RegistryServer, tmp_path: Path, identity: Identity = PYJIB) -> Runner:
    """Return a runner for a new project, whose base is in the registry."""
    put_image(registry, "library/jre", temurin_image(), "17")
    return Runner(
        registry=registry,
        root=tmp_path,
        project=write_project(tmp_path / "project"),
        identity=identity,
    )
