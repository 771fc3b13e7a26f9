"""How a child takes over what its parent says, and a POM what its profiles say.

Keys are compared before interpolation, as in Maven: ``${project.groupId}:x`` and ``app:x`` are
two entries. Specification: ``maven-and-gradle-projects`` §1.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pyjib.project.maven.model import Body, Build, Coordinates, PomDependency, RawPom, Repository
from pyjib.project.maven.plugins import inherit_plugins, merge_duplicates, profile_plugins

_CHILD_DIRECTORY = "project.directory"
_APPENDED = {
    # A fact that a child inherits with its own folder added, and the attribute that forbids it.
    "url": "@child.project.url.inherit.append.path",
    "scm.url": "@scm.child.scm.url.inherit.append.path",
    "scm.connection": "@scm.child.scm.connection.inherit.append.path",
    "scm.developerConnection": "@scm.child.scm.developerConnection.inherit.append.path",
}
_WHOLE = ("organization.", "issueManagement.", "ciManagement.", "licenses[", "developers[")
_OWN = frozenset(("name", "modelVersion"))


def normal(body: Body) -> Body:
    """Return a POM's content without duplicates.

    The last of two dependencies with one key wins, at the place of the first (§1.1).
    """
    dependencies = unique_dependencies(body.dependencies)
    plugins = merge_duplicates(body.build.plugins)
    if len(plugins) != len(body.build.plugins):
        body = replace(body, build=replace(body.build, plugins=plugins))
    if len(dependencies) == len(body.dependencies):
        return body
    return replace(body, dependencies=dependencies)


def inherit(child: Body, parent: Body) -> Body:
    """Return a child's content with its parent's: the child's lists first, its values winning."""
    return Body(
        properties=_properties(parent.properties, child.properties),
        dependencies=_joined(child.dependencies, parent.dependencies),
        dependency_management=_joined(child.dependency_management, parent.dependency_management),
        repositories=_repositories(child.repositories, parent.repositories),
        modules=child.modules,
        build=Build(
            values={**parent.build.values, **child.build.values},
            resources=child.build.resources or parent.build.resources,
            plugins=inherit_plugins(child.build.plugins, parent.build.plugins),
            plugin_management=inherit_plugins(
                child.build.plugin_management, parent.build.plugin_management
            ),
            extensions=_extensions(child.build.extensions, parent.build.extensions),
        ),
    )


def apply_profile(body: Body, profile: Body) -> Body:
    """Return a POM's content with a profile's: the profile's values win, each in its place."""
    return Body(
        properties=_properties(body.properties, profile.properties),
        dependencies=_replaced(body.dependencies, profile.dependencies),
        dependency_management=_replaced(body.dependency_management, profile.dependency_management),
        repositories=_repositories(profile.repositories, body.repositories),
        modules=tuple(dict.fromkeys((*body.modules, *profile.modules))),
        build=Build(
            values={**body.build.values, **profile.build.values},
            resources=(*body.build.resources, *profile.build.resources),
            plugins=profile_plugins(body.build.plugins, profile.build.plugins),
            plugin_management=profile_plugins(
                body.build.plugin_management, profile.build.plugin_management
            ),
            extensions=_extensions(profile.build.extensions, body.build.extensions),
        ),
    )


def inherit_facts(
    child: RawPom, facts: Mapping[str, str], parent: RawPom, parent_facts: Mapping[str, str]
) -> Mapping[str, str]:
    """Return a child's texts with those that it inherits; addresses get its folder appended."""
    directory = child.body.properties.get(_CHILD_DIRECTORY, child.artifact)
    merged = dict(facts)
    if any(name.startswith("scm.") for name in facts):
        merged.setdefault("scm.tag", "HEAD")  # Maven's default, which hides a parent's tag
    for name, value in parent_facts.items():
        if name in merged or name in _OWN:
            continue
        whole = next((prefix for prefix in _WHOLE if name.startswith(prefix)), None)
        if whole is not None and any(fact.startswith(whole) for fact in facts):
            continue  # such an element is inherited whole or not at all
        attribute = _APPENDED.get(name)
        if attribute is not None and parent_facts.get(attribute, "true").lower() != "false":
            value = _append(value, _adjustment(child, parent, directory), directory)  # noqa: PLW2901
        merged[name] = value
    return merged


def unique_dependencies(found: tuple[PomDependency, ...]) -> tuple[PomDependency, ...]:
    """Return each key once: the last of its values, at the place of the first."""
    if len(found) < 2:
        return found
    merged = {dependency.key: dependency for dependency in found}
    return found if len(merged) == len(found) else tuple(merged.values())


def _joined(
    child: tuple[PomDependency, ...], parent: tuple[PomDependency, ...]
) -> tuple[PomDependency, ...]:
    if not parent:
        return child
    merged = {dependency.key: dependency for dependency in child}
    for dependency in parent:
        merged.setdefault(dependency.key, dependency)
    return tuple(merged.values())


def _replaced(
    base: tuple[PomDependency, ...], profile: tuple[PomDependency, ...]
) -> tuple[PomDependency, ...]:
    if not profile:
        return base
    return tuple({dependency.key: dependency for dependency in (*base, *profile)}.values())


def _properties(base: Mapping[str, str], dominant: Mapping[str, str]) -> Mapping[str, str]:
    if not base:
        return dominant
    merged = {**base, **dominant}
    if _CHILD_DIRECTORY in base and _CHILD_DIRECTORY not in dominant:
        del merged[_CHILD_DIRECTORY]
    return merged


def _repositories(
    first: Iterable[Repository], second: Iterable[Repository]
) -> tuple[Repository, ...]:
    merged: dict[str, Repository] = {}
    for repository in (*first, *second):
        merged.setdefault(repository.id, repository)
    return tuple(merged.values())


def _extensions(
    first: Iterable[Coordinates], second: Iterable[Coordinates]
) -> tuple[Coordinates, ...]:
    merged: dict[tuple[str, str], Coordinates] = {}
    for extension in (*first, *second):
        merged.setdefault(extension[:2], extension)
    return tuple(merged.values())


def _adjustment(child: RawPom, parent: RawPom, directory: str) -> str:
    """Return the folders between parent and child, as the parent's modules name them."""
    names = {directory, child.artifact if child.path is None else child.path.parent.name}
    for module in parent.body.modules:
        path = module.replace("\\", "/")
        if path.lower().endswith(".xml"):
            path = path[: path.rfind("/") + 1]
        above, slash, name = path.rstrip("/").rpartition("/")
        if slash and name in names:
            return above
    return ""


def _append(url: str, *folders: str) -> str:
    closed = url.endswith("/")
    for folder in filter(None, folders):
        url = f"{url.rstrip('/') if url.endswith('/') else url}/{folder.lstrip('/')}"
        url = f"{url}/" if closed and not url.endswith("/") else url
    return url
