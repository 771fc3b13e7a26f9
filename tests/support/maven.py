"""Maven projects and local repositories, written by hand in few words.

A dependency is ``dependency("g:a:1", scope="test")``; a POM is ``pom("g:app:1", section…)``, each
section made by a function here or given as XML. ``MavenRepository`` writes POMs and files where
Maven would, and is a ``PomSource``.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pyjib.options import HostEnvironment
from pyjib.project.maven.command_line import Arguments
from pyjib.project.maven.effective import Builder
from pyjib.project.maven.java_home import Jdk
from pyjib.project.maven.model import (
    Coordinates,
    EffectiveModel,
    PomDependency,
    Repository,
)
from pyjib.project.maven.pom_source import Missing
from pyjib.project.maven.session import MavenSession, start_session

JDK_17 = Jdk(version="17.0.15", home=Path("/jdk"))


def tags(**texts: str | None) -> str:
    """Return elements by name; ``None`` leaves one out, ``_`` stands for a dot in a name."""
    return "".join(f"<{name}>{text}</{name}>" for name, text in texts.items() if text is not None)


def gav(coordinates: str) -> str:
    """Return ``groupId``, ``artifactId`` and, if there, ``version`` of ``g:a:v``."""
    group, artifact, version, *_ = (*coordinates.split(":"), None, None)
    return tags(groupId=group or None, artifactId=artifact, version=version or None)


def dependency(coordinates: str, *, exclude: Sequence[str] = (), **texts: str) -> str:
    """Return a ``<dependency>``: ``g:a`` or ``g:a:v``, with ``scope="test"`` and the like."""
    excluded = "".join(f"<exclusion>{gav(name)}</exclusion>" for name in exclude)
    exclusions = f"<exclusions>{excluded}</exclusions>" if exclude else ""
    return f"<dependency>{gav(coordinates)}{tags(**texts)}{exclusions}</dependency>"


def dependencies(*found: str) -> str:
    """Return ``<dependencies>``; plain ``g:a:v`` will do for an element."""
    return f"<dependencies>{''.join(map(_as_dependency, found))}</dependencies>"


def managed(*found: str) -> str:
    """Return ``<dependencyManagement>``."""
    return f"<dependencyManagement>{dependencies(*found)}</dependencyManagement>"


def bom(coordinates: str) -> str:
    """Return the managed dependency that imports a BOM."""
    return dependency(coordinates, type="pom", scope="import")


def properties(values: Mapping[str, str] | None = None, **more: str) -> str:
    """Return ``<properties>``."""
    return f"<properties>{tags(**{**(values or {}), **more})}</properties>"


def modules(*names: str) -> str:
    """Return ``<modules>``."""
    return f"<modules>{''.join(f'<module>{name}</module>' for name in names)}</modules>"


def profiles(*found: str) -> str:
    """Return ``<profiles>``."""
    return f"<profiles>{''.join(found)}</profiles>"


def profile(name: str, activation: str = "", *sections: str) -> str:
    """Return a ``<profile>``; ``activation`` is what stands in the element of that name."""
    condition = f"<activation>{activation}</activation>" if activation else ""
    return f"<profile><id>{name}</id>{condition}{''.join(sections)}</profile>"


def plugin(coordinates: str, *sections: str) -> str:
    """Return a ``<plugin>``; an artifact alone is one of Maven's own."""
    name = gav(coordinates) if ":" in coordinates else tags(artifactId=coordinates)
    return f"<plugin>{name}{''.join(sections)}</plugin>"


def build(*plugins: str, managed: Sequence[str] = (), **values: str) -> str:
    """Return ``<build>`` with plugins, pluginManagement and texts such as ``finalName``."""
    management = f"<plugins>{''.join(managed)}</plugins>"
    management = f"<pluginManagement>{management}</pluginManagement>" if managed else ""
    own = f"<plugins>{''.join(plugins)}</plugins>" if plugins else ""
    return f"<build>{tags(**values)}{management}{own}</build>"


def configuration(xml: str) -> str:
    """Return ``<configuration>``."""
    return f"<configuration>{xml}</configuration>"


def executions(*found: str) -> str:
    """Return ``<executions>``."""
    return f"<executions>{''.join(found)}</executions>"


def execution(name: str, *sections: str, goals: Sequence[str] = ()) -> str:
    """Return an ``<execution>``."""
    called = "".join(f"<goal>{goal}</goal>" for goal in goals)
    listed = f"<goals>{called}</goals>" if goals else ""
    return f"<execution><id>{name}</id>{listed}{''.join(sections)}</execution>"


def parent(coordinates: str, relative_path: str | None = None) -> str:
    """Return ``<parent>``."""
    where = "" if relative_path is None else f"<relativePath>{relative_path}</relativePath>"
    return f"<parent>{gav(coordinates)}{where}</parent>"


def pom(coordinates: str, *sections: str, packaging: str | None = None) -> str:
    """Return a POM; ``:a`` leaves group and version to the parent."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<project xmlns="http://maven.apache.org/POM/4.0.0">\n'
        "<modelVersion>4.0.0</modelVersion>\n"
        f"{gav(coordinates)}{tags(packaging=packaging)}\n" + "\n".join(sections) + "\n</project>\n"
    )


def write(path: Path, text: str) -> Path:
    """Write text to a file, its folders made; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


class MavenRepository:
    """A local repository below ``root``; what is written is there at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def pom(self, coordinates: str, *sections: str, packaging: str | None = None) -> Path:
        """Write the POM of ``g:a:v``."""
        text = pom(coordinates, *sections, packaging=packaging)
        return write(self.path(coordinates, "pom"), text)

    def jar(
        self,
        coordinates: str,
        *sections: str,
        classifier: str = "",
        extension: str = "jar",
        content: bytes | None = None,
    ) -> Path:
        """Write an artifact's file and, where there is none yet, its POM; return the file."""
        if not self.path(coordinates, "pom").exists():
            self.pom(coordinates, *sections)
        path = self.path(coordinates, extension, classifier)
        path.write_bytes(_small_jar(coordinates) if content is None else content)
        return path

    def path(self, coordinates: str, extension: str, classifier: str = "") -> Path:
        """Return where a file of ``g:a:v`` lies."""
        group, artifact, version = coordinates.split(":")
        tail = f"-{classifier}" if classifier else ""
        folder = self.root.joinpath(*group.split("."), artifact, version)
        return folder / f"{artifact}-{version}{tail}.{extension}"

    def find_pom(
        self, coordinates: Coordinates, repositories: Sequence[Repository] = ()
    ) -> Path | None:
        found = self.path(str(coordinates), "pom")
        return found if found.is_file() else None

    def missing_pom(self, coordinates: Coordinates) -> Missing:
        return Missing(f"Could not find artifact {coordinates}", "write it")

    def versions(
        self, group: str, artifact: str, repositories: Sequence[Repository] = ()
    ) -> Sequence[str]:
        folder = self.root.joinpath(*group.split("."), artifact)
        return sorted(found.name for found in folder.iterdir()) if folder.is_dir() else []


def session(
    directory: Path,
    arguments: Arguments | None = None,
    *,
    variables: Mapping[str, str] | None = None,
    jdk: Jdk | None = JDK_17,
) -> MavenSession:
    """Return a session with nothing of this machine in it; home is ``directory/home``."""
    host = HostEnvironment.of(variables or {}, directory / "home")
    return start_session(directory, host, arguments, jdk=jdk)


def effective(
    project: Path,
    repository: MavenRepository | None = None,
    arguments: Arguments | None = None,
) -> EffectiveModel:
    """Return the effective model of a POM file, resolved against a repository."""
    source = repository or MavenRepository(project.parent / "repository")
    return Builder(session(project.parent, arguments), source).project(project)


def short(found: Sequence[PomDependency]) -> list[str]:
    """Return dependencies as ``artifact:version``, with ``(scope)`` unless it is compile."""
    return [
        f"{each.artifact}:{each.version}"
        + (f"({each.scope})" if each.scope not in (None, "compile") else "")
        for each in found
    ]


def _as_dependency(text: str) -> str:
    return text if text.startswith("<") else dependency(text)


def _small_jar(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("name.txt"), name)
    return out.getvalue()
