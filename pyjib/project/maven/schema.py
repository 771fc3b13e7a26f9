"""Which elements a POM may have. Maven rejects others in the project that it builds.

POMs of a repository are not asked: old ones hold much that no Maven knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.project.maven.xml_tree import walk_tags

_DEPENDENCIES = "dependencies dependencyManagement repositories pluginRepositories"
_SHARED = f"modules distributionManagement properties {_DEPENDENCIES} build reports reporting"
_ARTIFACT = "groupId artifactId version"
_REPOSITORY = "uniqueVersion releases snapshots id name url layout"
_BUILD = "defaultGoal resources testResources directory finalName filters pluginManagement plugins"

_CHILDREN: Mapping[str, frozenset[str]] = {
    name: frozenset(children.split())
    for name, children in {
        "project": f"modelVersion parent {_ARTIFACT} packaging name description url inceptionYear "
        "organization licenses developers contributors mailingLists prerequisites scm "
        f"issueManagement ciManagement profiles {_SHARED}",
        "profile": f"id activation {_SHARED}",
        "parent": f"{_ARTIFACT} relativePath",
        "dependencyManagement": "dependencies",
        "dependency": f"{_ARTIFACT} type classifier scope systemPath exclusions optional",
        "exclusion": "groupId artifactId",
        "build": "sourceDirectory scriptSourceDirectory testSourceDirectory outputDirectory "
        f"testOutputDirectory extensions {_BUILD}",
        "pluginManagement": "plugins",
        "plugin": f"{_ARTIFACT} extensions executions dependencies goals inherited configuration "
        "reportSets",
        "execution": "id phase goals inherited configuration",
        "extension": f"{_ARTIFACT} configuration",
        "resource": "targetPath filtering directory includes excludes mergeId",
        "testResource": "targetPath filtering directory includes excludes mergeId",
        "repository": _REPOSITORY,
        "snapshotRepository": _REPOSITORY,
        "pluginRepository": _REPOSITORY,
        "releases": "enabled updatePolicy checksumPolicy",
        "snapshots": "enabled updatePolicy checksumPolicy",
        "activation": "activeByDefault jdk os property file",
        "os": "name family arch version",
        "property": "name value",
        "file": "missing exists",
        "distributionManagement": "repository snapshotRepository site downloadUrl relocation status",
        "relocation": f"{_ARTIFACT} message",
        "scm": "connection developerConnection tag url",
    }.items()
}
_LISTS: Mapping[str, str] = {
    "dependencies": "dependency",
    "exclusions": "exclusion",
    "plugins": "plugin",
    "executions": "execution",
    "extensions": "extension",
    "profiles": "profile",
    "modules": "module",
    "repositories": "repository",
    "pluginRepositories": "pluginRepository",
    "resources": "resource",
    "testResources": "testResource",
}
_FREE = frozenset(("properties", "configuration", "reports", "reporting", "goals"))


def check_schema(data: bytes, path: Path) -> None:
    """Raise ``ProjectError`` for the first element that Maven does not know or wants once."""
    seen: list[set[str]] = []  # the children so far, of each element that is open

    def started(names: tuple[str, ...], line: int) -> None:
        del seen[len(names) - 1 :]
        seen.append(set())
        if len(names) < 2 or not _FREE.isdisjoint(names[:-1]):
            return
        parent, name = names[-2:]
        wanted = _LISTS.get(parent)
        # A plugin's flag has the name of a list.
        if wanted is not None:
            allowed = name == wanted
        else:
            allowed = parent not in _CHILDREN or name in _CHILDREN[parent]
        if not allowed:
            raise ProjectError(f"{path}, line {line}: Unrecognised tag: '{name}'")
        if wanted is None and parent in _CHILDREN:
            if name in seen[-2]:
                raise ProjectError(f"{path}, line {line}: Duplicated tag: '{name}'")
            seen[-2].add(name)

    walk_tags(data, started)
