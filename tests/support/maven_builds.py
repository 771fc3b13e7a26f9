"""The ways in which the projects of ``fixtures/maven-projects`` are built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyjib.project.maven.command_line import MavenScope

NEWEST = "3.5.2"
_TWO = ("3.3.2", NEWEST)


@dataclass(frozen=True, kw_only=True)
class MavenBuild:
    """One way of building an image of a project.

    ``arguments`` are Maven's and pyjib's alike. ``module`` is the folder whose image it is;
    ``selected`` are the ``-pl`` of Maven, which is started above. ``execution`` is the one of
    Jib's that makes the image. ``before`` is what is done with all other modules first, so that
    they are taken from a repository. ``together`` builds share one run of Maven.
    """

    project: str
    name: str = ""
    module: str = ""
    arguments: tuple[str, ...] = ()
    selected: tuple[str, ...] = ()
    before: str | None = None
    execution: str | None = None
    is_war: bool = False
    together: bool = False
    versions: tuple[str, ...] = _TWO

    @property
    def key(self) -> str:
        """What it is recorded under, the plugin's version left out."""
        return f"{self.project}, {self.name}" if self.name else self.project

    @property
    def run(self) -> str:
        """What builds have in common that one run of Maven does."""
        if self.together:
            return "together"
        return " ".join((self.project, *self.arguments, *self.selected, self.before or ""))

    @property
    def scope(self) -> MavenScope:
        """Where Maven is started, in pyjib's words."""
        return MavenScope.MODULE if self.before else MavenScope.REACTOR


def _together(*projects: str, versions: tuple[str, ...] = _TWO) -> Iterator[MavenBuild]:
    for project in projects:
        yield MavenBuild(project=project, together=True, is_war=project == "war", versions=versions)


_SERVICE: dict[str, Any] = {
    "project": "executions",
    "arguments": ("-Drevision=7",),
    "module": "name-service",
    "selected": ("-pl", "name-service", "-am"),
}
_APP: dict[str, Any] = {"project": "reactor", "module": "app"}
_WEB: dict[str, Any] = {"project": "reactor", "name": "web", "module": "web", "is_war": True}
BUILDS = (
    *_together("agent", "boot4", "collisions", "extras", "java8", "kotlin"),
    *_together("names", "packaged", "ranges", "war"),
    *_together("managed", "parameters", versions=("3.3.2", "3.4.1", "3.4.2", NEWEST)),
    MavenBuild(project="boot4", name="packaged", arguments=("-Djib.containerizingMode=packaged",)),
    MavenBuild(**_SERVICE, name="by its execution", execution="image"),
    MavenBuild(**_SERVICE, name="from the command line"),
    MavenBuild(project="profiles"),
    MavenBuild(
        project="profiles",
        name="with options",
        arguments=(
            *("-Pby-name,!by-file", "-Dtier=back"),
            *("-s", "{directory}/projects/profiles/settings.xml"),
        ),
    ),
    MavenBuild(**_APP, selected=("-pl", "app,web", "-am")),
    MavenBuild(**_WEB, selected=("-pl", "app,web", "-am")),
    MavenBuild(**_APP, name="libraries installed", selected=("-pl", "app"), before="install"),
    MavenBuild(
        **_APP,
        name="libraries deployed",
        selected=("-pl", "app"),
        before="deploy",
        arguments=("-Dremote=file://{directory}/remote",),
    ),
)
RUNS = tuple(dict.fromkeys(build_.run for build_ in BUILDS))


def builds_of(run_: str, version: str) -> list[MavenBuild]:
    """Return what a run of Maven builds with a version of the plugin."""
    return [found for found in BUILDS if found.run == run_ and version in found.versions]
