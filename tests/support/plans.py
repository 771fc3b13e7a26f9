"""Projects made of nothing but values, for tests of the plan stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from pyjib.options import BuildOptions
from pyjib.plan.make_plan import make_plan
from pyjib.plan.model import BuildPlan, LayerPlan
from pyjib.project.model import Dependency, InlineFile, Project, ProjectFile, ProjectKind


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file that must not be touched: a plan is made without reading."""

    name: str = "sealed"

    @property
    def size(self) -> NoReturn:
        raise AssertionError(f"the size of {self.name} was asked")

    def open(self) -> BinaryIO:
        raise AssertionError(f"{self.name} was opened")

    def fingerprint(self) -> NoReturn:
        raise AssertionError(f"the fingerprint of {self.name} was asked")

    def describe(self) -> str:
        return self.name


def files(*paths: str) -> tuple[ProjectFile, ...]:
    """Files; a path that ends in a slash is a directory."""
    return tuple(
        ProjectFile(path=path[:-1]) if path.endswith("/") else _file(path) for path in paths
    )


def _file(path: str) -> ProjectFile:
    return ProjectFile(path=path, source=SealedFile(path))


def library(name: str, group: str = "dependencies", *, size: int | None = None) -> Dependency:
    source = SealedFile(name) if size is None else InlineFile(bytes(size))
    return Dependency(name=name, source=source, group=group)


def project(kind: ProjectKind = ProjectKind.CLASSES, **changes: Any) -> Project:
    """A small project for Java 17 that lies nowhere."""
    values: dict[str, Any] = {
        "kind": kind,
        "root": Path("nowhere"),
        "name": "hello",
        "classes": files("com/", "com/example/", "com/example/Main.class"),
        "resources": files("com/", "com/example/", "application.properties"),
        "dependencies": (library("b-1.0.jar"), library("a-1.0.jar")),
        "main_class_candidates": ("com.example.Main",),
        "java_version": 17,
    }
    return Project(**(values | changes))


def plan(of: Project | None = None, **options: Any) -> BuildPlan:
    return make_plan(of or project(), BuildOptions(**options), ())


def layer(of: BuildPlan, name: str) -> LayerPlan:
    """The only layer of a name."""
    (found,) = [layer for layer in of.layers if layer.name == name]
    return found


def targets(of: LayerPlan) -> list[str]:
    """What is in a layer, sorted as it is in the tar, directories with a slash at the end."""
    return [f"/{entry.name}" for entry in of.entries]


def names(of: BuildPlan) -> list[str]:
    return [layer.name for layer in of.layers]


def text(of: BuildPlan, target: str) -> str:
    """The content of the only file of the image at ``target``."""
    (entry,) = [entry for layer in of.layers for entry in layer.entries if entry.target == target]
    assert entry.source is not None
    with entry.source.open() as stream:
        return stream.read().decode()
