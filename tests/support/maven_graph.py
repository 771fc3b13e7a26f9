"""Graphs of made-up libraries in few words, as poms and jars on disk.

A library is written ``x`` (version 1) or ``x:2``. What it asks for is a line of words, each a
library with, in this order and all optional: ``/runtime`` its scope, ``%war`` its type, ``+tests``
its classifier, ``?`` if optional, ``!d`` what it excludes (several, divided by commas). A range
is written as it is: ``x:[1,2)``; ``x:-`` leaves the version to management.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pyjib.options import HostEnvironment
from pyjib.project.maven.command_line import Arguments, MavenScope
from pyjib.project.maven.effective import Builder
from pyjib.project.maven.local_repository import LocalRepository
from pyjib.project.maven.model import EffectiveModel
from pyjib.project.maven.reactor import find_reactor
from pyjib.project.maven.resolve import Library, Resolution, Resolver
from tests.support.maven import (
    MavenRepository,
    bom,
    dependencies,
    dependency,
    managed,
    session,
    write,
)

GROUP = "t"
_WORD = re.compile(
    r"(?P<name>[\w.-]+)(?::(?P<version>\[.*?[\])]|[\w.-]+))?(?:/(?P<scope>\w+))?"
    r"(?:%(?P<type>[\w-]+))?(?:\+(?P<classifier>\w+))?(?P<optional>\?)?(?:!(?P<exclude>\S+))?"
)


def asked(word: str, *, group: str = GROUP, version: str | None = "1") -> str:
    """Return a word as a ``<dependency>``; ``version`` is for words that have none."""
    match = _WORD.fullmatch(word)
    assert match is not None, word
    found = match.groupdict()
    texts = {name: found[name] for name in ("scope", "type", "classifier") if found[name]}
    if found["optional"]:
        texts["optional"] = "true"
    chosen = None if found["version"] == "-" else found["version"] or version
    coordinates = f"{group}:{found['name']}" + (f":{chosen}" if chosen else "")
    excluded = [
        "*:*" if name == "*" else f"{group}:{name}" for name in (found["exclude"] or "").split(",")
    ]
    return dependency(coordinates, exclude=excluded if found["exclude"] else (), **texts)


def all_asked(line: str, *, version: str | None = "1") -> str:
    """Return a line of words as ``<dependencies>``."""
    return dependencies(*(asked(word, version=version) for word in line.split()))


def all_managed(line: str, *, boms: Iterable[str] = ()) -> str:
    """Return a line of words as ``<dependencyManagement>``, BOMs (``name:version``) behind."""
    imported = [bom(f"{GROUP}:{name}:1") for name in boms]
    return managed(*(asked(word, version=None) for word in line.split()), *imported)


def write_graph(repository: MavenRepository, graph: Mapping[str, str]) -> None:
    """Write libraries by name or ``name:version``; what they ask for need not be written."""
    for library, line in graph.items():
        name, _, version = library.partition(":")
        repository.jar(f"{GROUP}:{name}:{version or 1}", all_asked(line))
    asked_for = {
        (match["name"], match["version"] or "1", match["type"], match["classifier"] or "")
        for line in graph.values()
        for word in line.split()
        if (match := _WORD.fullmatch(word))
    }
    for name, version, kind, classifier in asked_for:
        write_file(repository, name, version, kind, classifier)


def write_file(
    repository: MavenRepository, name: str, version: str, kind: str | None, classifier: str
) -> None:
    """Write a library with the file of a type, and no dependencies, unless it is there."""
    if version.startswith(("[", "(")):
        return
    if kind == "test-jar":
        kind, classifier = "jar", "tests"
    repository.jar(f"{GROUP}:{name}:{version}", classifier=classifier, extension=kind or "jar")


def write_versions(
    repository: MavenRepository,
    name: str,
    versions: Sequence[str],
    *,
    origin: str = "local",
    more: str = "",
) -> None:
    """Write the metadata that ranges are looked up in."""
    listed = "".join(f"<version>{version}</version>" for version in versions)
    write(
        repository.root / GROUP / name / f"maven-metadata-{origin}.xml",
        f"<metadata><groupId>{GROUP}</groupId><artifactId>{name}</artifactId><versioning>"
        f"{more}<versions>{listed}</versions></versioning></metadata>",
    )


def resolve(
    project: Path,
    repository: MavenRepository,
    arguments: Arguments | None = None,
    *,
    scope: MavenScope = MavenScope.REACTOR,
) -> Resolution:
    """Resolve the project in a directory."""
    return resolver_of(project, repository, arguments, scope=scope)[1]


def resolver_of(
    project: Path,
    repository: MavenRepository,
    arguments: Arguments | None = None,
    *,
    scope: MavenScope = MavenScope.REACTOR,
) -> tuple[EffectiveModel, Resolution]:
    """Return the model of the project in a directory and what it resolves to."""
    local = LocalRepository(repository.root)
    builder = Builder(session(project, arguments), local)
    reactor = find_reactor(builder, project / "pom.xml", scope)
    model = builder.project(project / "pom.xml")
    return model, Resolver(builder, local, reactor).resolve(model)


def words(libraries: Iterable[Library]) -> str:
    """Return libraries as a line of words: version 1 and scope compile are not told."""
    return " ".join(map(_word, libraries))


def host_with(repository: MavenRepository, home: Path) -> HostEnvironment:
    """Return an environment whose settings name the repository; nothing else is in it."""
    write(
        home / ".m2" / "settings.xml",
        f"<settings><localRepository>{repository.root}</localRepository></settings>",
    )
    return HostEnvironment.of({}, home)


def _word(library: Library) -> str:
    artifact = library.artifact
    version = "" if artifact.version == "1" else f":{artifact.version}"
    scope = "" if library.scope == "compile" else f"/{library.scope}"
    classifier = f"+{artifact.classifier}" if artifact.classifier else ""
    return f"{artifact.artifact}{version}{scope}{classifier}"
