"""Which elements a POM may have. Maven rejects others in the project that it builds.

POMs of a repository are not asked: old ones hold much that no Maven knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.project.maven.lined import Lined

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


_CONTAINERS = frozenset((*_CHILDREN, *_LISTS))


def check_schema(root: Lined, path: Path) -> None:
    """Raise ``ProjectError`` for the first element that Maven does not know or wants once.

    Text between elements is nothing that Maven takes either.
    """
    if root.name != "project":
        raise _malformed(path, root, f"Expected root element 'project' but found '{root.name}'")
    _check(root, path)


def _check(element: Lined, path: Path) -> None:
    if element.name in _FREE:
        return
    wanted = _LISTS.get(element.name)
    known = _CHILDREN.get(element.name)
    # A plugin's flag has the name of a list.
    if element.text_line and element.name in _CONTAINERS - {"extensions"}:
        raise ProjectError(
            f"{path}, line {element.text_line}: Malformed POM: expected START_TAG or END_TAG not "
            "TEXT"
        )
    seen: set[str] = set()
    for child in element.children:
        is_known = child.name == wanted if wanted else known is None or child.name in known
        if not is_known:
            raise _malformed(path, child, f"Unrecognised tag: '{child.name}'")
        if known is not None and child.name in seen:
            raise _malformed(path, child, f"Duplicated tag: '{child.name}'")
        seen.add(child.name)
        _check(child, path)


def _malformed(path: Path, element: Lined, reason: str) -> ProjectError:
    return ProjectError(f"{path}, line {element.line}: Malformed POM: {reason}")
