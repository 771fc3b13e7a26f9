"""A POM's bytes to a ``RawPom``: nothing inherited, nothing interpolated, nothing judged.

What a POM says that has no bearing on an image (reporting, developers, licenses…) is skipped;
elements that Maven does not know are tolerated here and judged in ``schema``. Specification:
``maven-and-gradle-projects`` §1.1.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pyjib.errors import ProjectError
from pyjib.project.maven import seen
from pyjib.project.maven.activation import (
    Activation,
    ActivationFile,
    ActivationOs,
    ActivationProperty,
)
from pyjib.project.maven.late import LISTED_FACTS, NESTED_FACTS, PLAIN_FACTS, LateMapping
from pyjib.project.maven.model import (
    BOOLEANS,
    DEFAULT_EXECUTION,
    DEFAULT_PLUGIN_GROUP,
    NOTHING,
    Body,
    Build,
    Coordinates,
    Exclusion,
    Execution,
    Node,
    Parent,
    Plugin,
    PomDependency,
    Profile,
    RawPom,
    Relocation,
    Repository,
    RepositoryPolicy,
    make_dependency,
    make_origin,
)
from pyjib.project.maven.xml_tree import (
    TRIMMED,
    Element,
    line_of,
    local_name,
    parse_xml,
    read_bytes,
    trim,
)

_DEEPEST = 100
_PRESERVE = "{http://www.w3.org/XML/1998/namespace}space"


class PomReader:
    """Reads POMs from disk, each once until its size or time of change is another."""

    def __init__(self) -> None:
        self._read: dict[tuple[Path, bool], tuple[int, int, RawPom]] = {}

    def read(self, path: Path, *, plugins: bool = True) -> RawPom:
        """Return a POM; without ``plugins`` those are left out, which dependencies never need.

        Raises ``ProjectError`` if the file cannot be read or is not XML.
        """
        try:
            status = os.stat(path)  # noqa: PTH116 - half the time of pathlib's, for each POM
        except OSError as error:
            seen.look(path)
            raise ProjectError(f"cannot read {path}: {error.strerror or error}") from None
        known = self._read.get((path, plugins))
        if known is not None and known[:2] == (status.st_mtime_ns, status.st_size):
            return known[2]
        pom = parse_pom(read_bytes(path), path, plugins=plugins)
        self._read[path, plugins] = (status.st_mtime_ns, status.st_size, pom)
        return pom


def parse_pom(data: bytes, path: Path, *, plugins: bool = True) -> RawPom:
    """Return what a POM says. Raises ``ProjectError`` with the line for what is not XML."""
    root = parse_xml(data, path, "POM")
    if root.tag != "project":
        raise ProjectError(
            f"{path}, line {line_of(path, root.tag, 0)}: Malformed POM: Expected root element "
            f"'project' but found '{root.tag}'"
        )
    return _PomParser(root, path, plugins=plugins).pom(root)


class _PomParser:
    """Turns one document into values, counting dependencies so that messages find them again."""

    def __init__(self, root: Element, path: Path, *, plugins: bool) -> None:
        self._path, self._plugins = path, plugins
        # An element is alive as long as the tree is, so its id is its own.
        self._ordinals = {id(found): n for n, found in enumerate(root.iter("dependency"))}

    def pom(self, root: Element) -> RawPom:
        """Return the whole; without plugins, what few ask for is made when somebody does."""
        texts = _texts(root)
        return RawPom(
            path=self._path,
            group=texts.get("groupId"),
            artifact=texts.get("artifactId", ""),
            version=texts.get("version"),
            packaging=texts.get("packaging", "jar"),
            parent=_parent(root.find("parent")),
            facts=dict(_facts(root)) if self._plugins else LateMapping(self._facts_again),
            body=self.body(root),
            profiles=tuple(map(self._profile, _items(root, "profiles", "profile"))),
            relocation=_relocation(root),
        )

    def body(self, element: Element) -> Body:
        """Return what a project and a profile have in common."""
        managed = element.find("dependencyManagement")
        return Body(
            properties=properties(element),
            dependencies=self._dependencies(element),
            dependency_management=() if managed is None else self._dependencies(managed),
            repositories=repositories(element),
            modules=tuple(_text(module) or "" for module in _items(element, "modules", "module")),
            build=self._build(element.find("build")),
        )

    def _profile(self, element: Element) -> Profile:
        return Profile(
            id=profile_id(element),
            activation=activation(element),
            body=self.body(element) if self._plugins else lambda: self.body(element),
        )

    def _facts_again(self) -> Mapping[str, str]:
        # To keep all trees in memory costs more than to read a few files again.
        return dict(_facts(parse_xml(read_bytes(self._path), self._path, "POM")))

    def _dependencies(self, element: Element) -> tuple[PomDependency, ...]:
        found = element.find("dependencies")
        return () if found is None else tuple(map(self._dependency, found.findall("dependency")))

    def _dependency(self, element: Element) -> PomDependency:
        # There are thousands of these, so it is all done by hand.
        texts: dict[str, str] = {}
        exclusions: Element | None = None
        for child in element:
            text = child.text
            if text is not None and (text := text.strip(TRIMMED)):
                texts[child.tag] = text
            elif exclusions is None and child.tag == "exclusions":
                exclusions = child
        get = texts.get
        optional = get("optional")
        return make_dependency(
            (
                get("groupId", ""),
                get("artifactId", ""),
                get("version"),
                get("type", "jar"),
                get("classifier", ""),
                get("scope"),
                None if optional is None else optional.lower() == "true",
                () if exclusions is None else _exclusions(exclusions),
                get("systemPath"),
                make_origin((self._path, self._ordinals[id(element)])),
                None if optional is None or optional.lower() in BOOLEANS else optional,
            )
        )

    def _build(self, element: Element | None) -> Build:
        if element is None:
            return Build()
        values = _texts(element)
        if not self._plugins:
            return Build(values=values)
        managed = element.find("pluginManagement")
        return Build(
            values=values,
            resources=tuple(
                _texts(resource).get("directory", "")
                for resource in _items(element, "resources", "resource")
            ),
            plugins=self._plugins_of(element),
            plugin_management=() if managed is None else self._plugins_of(managed),
            extensions=tuple(map(_coordinates, _items(element, "extensions", "extension"))),
        )

    def _plugins_of(self, element: Element) -> tuple[Plugin, ...]:
        return tuple(map(self._plugin, _items(element, "plugins", "plugin")))

    def _plugin(self, element: Element) -> Plugin:
        texts = _texts(element)
        return Plugin(
            group=texts.get("groupId", DEFAULT_PLUGIN_GROUP),
            artifact=texts.get("artifactId", ""),
            version=texts.get("version"),
            configuration=_configuration(element),
            executions=tuple(map(_execution, _items(element, "executions", "execution"))),
            dependencies=self._dependencies(element),
            inherited=_flag(texts.get("inherited")),
            extensions=_flag(texts.get("extensions")),
        )


def profile_id(element: Element) -> str:
    """Return a profile's name."""
    return trim(element.findtext("id") or "default")


def properties(element: Element) -> Mapping[str, str]:
    """Return the ``<properties>`` of a project, a profile or a settings profile."""
    found = element.find("properties")
    if found is None:
        return NOTHING
    return {item.tag: trim(item.text or "") for item in found}


def repositories(element: Element) -> tuple[Repository, ...]:
    """Return the ``<repositories>`` of a project, a profile or a settings profile."""
    return tuple(map(_repository, _items(element, "repositories", "repository")))


def node(element: Element, depth: int = 0) -> Node:
    """Return an element and all below it as immutable values, text trimmed.

    Raises ``ProjectError`` where elements lie in each other deeper than anybody writes them.
    """
    if depth > _DEEPEST:
        raise ProjectError(
            f"a configuration has more than {_DEEPEST} elements within each other",
            hint="look at the pom: no plugin is configured like this",
        )
    text = element.text
    if text is not None and element.get(_PRESERVE) != "preserve":
        text = trim(text)
    attributes = {local_name(name): value for name, value in element.items()}
    return Node(
        local_name(element.tag),
        text or None,
        attributes or NOTHING,
        tuple(node(child, depth + 1) for child in element),
    )


def _items(element: Element, plural: str, singular: str) -> Iterable[Element]:
    found = element.find(plural)
    return () if found is None else found.findall(singular)


def _texts(element: Element) -> dict[str, str]:
    """Return the texts of children by name, those that are not empty."""
    return {
        child.tag: text
        for child in element
        if child.text is not None and (text := child.text.strip(TRIMMED))
    }


def _text(element: Element | None) -> str | None:
    if element is None or element.text is None:
        return None
    return trim(element.text) or None


def _flag(text: str | None) -> bool | None:
    return None if text is None else text.lower() == "true"


def _facts(root: Element) -> Iterator[tuple[str, str]]:
    for child in root:
        tag = child.tag
        if tag in PLAIN_FACTS and (text := _text(child)) is not None:
            yield tag, text
        elif tag in NESTED_FACTS:
            yield f"{tag}.", ""  # there at all: inherited whole or not at all
            for name, text in _texts(child).items():
                yield f"{tag}.{name}", text
        elif tag in LISTED_FACTS:
            for number, member in enumerate(child.findall(LISTED_FACTS[tag])):
                for name, text in _texts(member).items():
                    yield f"{tag}[{number}].{name}", text
    for name, value in root.items():  # child.project.url.inherit.append.path and its kin
        yield f"@{name}", value
    scm = root.find("scm")
    for name, value in () if scm is None else scm.items():
        yield f"@scm.{name}", value


def _parent(element: Element | None) -> Parent | None:
    if element is None:
        return None
    texts = _texts(element)
    relative = element.find("relativePath")
    return Parent(
        group=texts.get("groupId", ""),
        artifact=texts.get("artifactId", ""),
        version=texts.get("version", ""),
        relative_path="../pom.xml" if relative is None else (_text(relative) or ""),
    )


def _relocation(root: Element) -> Relocation | None:
    if root.find("distributionManagement") is None:  # a path takes longer, and few have one
        return None
    element = root.find("distributionManagement/relocation")
    if element is None:
        return None
    texts = _texts(element)
    return Relocation(
        group=texts.get("groupId"),
        artifact=texts.get("artifactId"),
        version=texts.get("version"),
        message=texts.get("message"),
    )


def _coordinates(element: Element) -> Coordinates:
    texts = _texts(element)
    return Coordinates(
        texts.get("groupId", ""), texts.get("artifactId", ""), texts.get("version", "")
    )


def _exclusions(element: Element) -> tuple[Exclusion, ...]:
    texts = map(_texts, element.findall("exclusion"))
    return tuple(Exclusion(text.get("groupId", ""), text.get("artifactId", "")) for text in texts)


def _repository(element: Element) -> Repository:
    texts = _texts(element)
    return Repository(
        id=texts.get("id", ""),
        url=texts.get("url", ""),
        layout=texts.get("layout", "default"),
        releases=_policy(element.find("releases")),
        snapshots=_policy(element.find("snapshots")),
    )


def _policy(element: Element | None) -> RepositoryPolicy:
    if element is None:
        return RepositoryPolicy()
    texts = _texts(element)
    return RepositoryPolicy(
        enabled=texts.get("enabled", "true").lower() == "true",
        update=texts.get("updatePolicy"),
        checksum=texts.get("checksumPolicy"),
    )


def _configuration(element: Element) -> Node | None:
    found = element.find("configuration")
    return None if found is None else node(found)


def _execution(element: Element) -> Execution:
    texts = _texts(element)
    return Execution(
        id=texts.get("id", DEFAULT_EXECUTION),
        phase=texts.get("phase"),
        goals=tuple(goal for item in _items(element, "goals", "goal") if (goal := _text(item))),
        configuration=_configuration(element),
        inherited=_flag(texts.get("inherited")),
    )


def activation(profile: Element) -> Activation:
    """Return a profile's conditions."""
    element = profile.find("activation")
    if element is None:
        return Activation()
    texts = _texts(element)
    os, on_property, file = (element.find(name) for name in ("os", "property", "file"))
    return Activation(
        by_default=texts.get("activeByDefault", "false").lower() == "true",
        jdk=texts.get("jdk"),
        os=None if os is None else _activation_os(_texts(os)),
        on_property=None if on_property is None else _activation_property(_texts(on_property)),
        file=None if file is None else _activation_file(_texts(file)),
    )


def _activation_os(texts: Mapping[str, str]) -> ActivationOs:
    return ActivationOs(
        name=texts.get("name"),
        family=texts.get("family"),
        architecture=texts.get("arch"),
        version=texts.get("version"),
    )


def _activation_property(texts: Mapping[str, str]) -> ActivationProperty:
    return ActivationProperty(name=texts.get("name", ""), value=texts.get("value"))


def _activation_file(texts: Mapping[str, str]) -> ActivationFile:
    return ActivationFile(exists=texts.get("exists"), missing=texts.get("missing"))
