"""Projects at random with a parent and a grandparent, to compare effective models by.

All that one level can say and the next can say otherwise: properties, dependencies, management,
BOMs, plugins with trees of configuration, profiles; with few names, so that they meet. The same
seed gives the same project.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from tests.support.maven import (
    bom,
    build,
    configuration,
    dependencies,
    dependency,
    execution,
    executions,
    managed,
    parent,
    plugin,
    pom,
    profile,
    profiles,
    properties,
    tags,
    write,
)

_NAMES = ("p1", "p2", "p3", "p4")
_ARTIFACTS = ("a", "b", "c", "d", "e")
_EXPRESSIONS = (
    *("${p1}", "${p2}", "${p3}", "${p4}-x", "${nowhere}", "${env.HOME}", "${basedir}"),
    *("${project.version}", "${project.artifactId}", "${project.parent.version}"),
    *("${project.build.directory}/y", "${project.groupId}"),
)
_PLUGINS = ("org.x:one", "org.x:two", "maven-jar-plugin", "maven-compiler-plugin")
_EXECUTIONS = ("default", "i1", "i2", "default-jar", "default-compile", "default-cli")
_COMBINED = ("append", "merge")
_SELVES = ("override", "merge", "remove")
_CONDITIONS = (
    "<activeByDefault>true</activeByDefault>",
    "<property><name>on</name></property>",
    "<property><name>!on</name></property>",
    "<property><name>p1</name></property>",
    "<jdk>[11,)</jdk>",
    "<jdk>[1.8]</jdk>",
    "<jdk>!17</jdk>",
    "<os><family>unix</family></os>",
    "<file><exists>pom.xml</exists></file>",
    "",
)


class Lineages:
    """Writes projects, and the BOMs that they import."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def write_boms(self, repository: Path) -> None:
        """Write ``g:bom1`` to ``g:bom4`` in two versions."""
        for number in range(1, 5):
            for version in "12":
                name = f"bom{number}"
                found = [self._dependency() for _ in range(self._random.randint(1, 4))]
                if number < 4 and self._is(0.4):
                    found.append(bom(f"g:bom{number + 1}:{self._random.choice('12')}"))
                text = pom(
                    f"g:{name}:{version}", properties(rev="7"), managed(*found), packaging="pom"
                )
                write(repository / "g" / name / version / f"{name}-{version}.pom", text)

    def write_project(self, directory: Path) -> Path:
        """Write ``directory/pom.xml`` and two below it, one in the other; return the last."""
        name, below = directory.name, directory / "m" / "app"
        first = pom(f"g:{name}:5", *self._sections(rev="8"), packaging="pom")
        write(directory / "pom.xml", first)
        second = pom(f":{name}-m", parent(f"g:{name}:5"), *self._sections(), packaging="pom")
        write(directory / "m" / "pom.xml", second)
        packaging = self._random.choice((None, "jar", "war", "pom"))
        last = pom(f":{name}-app", parent(f"g:{name}-m:5"), *self._sections(), packaging=packaging)
        return write(below / "pom.xml", last)

    def _is(self, chance: float) -> bool:
        return self._random.random() < chance

    def _some(self, most: int) -> range:
        return range(self._random.randint(0, most))

    def _sections(self, **stated: str) -> Iterator[str]:
        yield self._properties(**stated)
        yield self._managed()
        yield dependencies(*(self._dependency() for _ in self._some(3)))
        yield self._build()
        names = self._random.sample(("q1", "q2", "q3"), self._random.randint(0, 3))
        yield profiles(*(self._profile(name) for name in names))

    def _profile(self, name: str) -> str:
        condition = self._random.choice(_CONDITIONS)
        found = dependencies(*(self._dependency() for _ in self._some(2)))
        return profile(
            name, condition, self._properties(), self._managed(), found, self._build(own=False)
        )

    def _properties(self, **stated: str) -> str:
        for place, name in enumerate(_NAMES):  # none asks for one before it: no circles
            if self._is(0.5):
                later = [f"${{{other}}}" for other in _NAMES[place + 1 :]]
                stated[name] = self._random.choice(("1", "2", "x", *later))
        return properties(stated) if stated else ""

    def _managed(self) -> str:
        found = [self._dependency() for _ in self._some(3)]
        for _ in range(self._random.choice((0, 0, 1, 2))):
            imported = bom(f"g:bom{self._random.randint(1, 4)}:{self._random.choice('12')}")
            found.insert(self._random.randint(0, len(found)), imported)
        return managed(*found)

    def _dependency(self) -> str:
        group = self._random.choice(("g", "g", "h", "${project.groupId}"))
        version = self._random.choice(("1", "2", "3", "${rev}", "${project.version}"))
        texts = {
            "scope": self._random.choice(("test", "runtime", "provided", "compile")),
            "type": self._random.choice(("war", "test-jar", "zip")),
            "classifier": "cl",
            "optional": self._random.choice(("true", "false")),
        }
        kept = {name: text for name, text in texts.items() if self._is(0.2)}
        exclude = [self._random.choice(("x:y", "*:*", "g:*"))] if self._is(0.2) else []
        name = f"{group}:{self._random.choice(_ARTIFACTS)}:{version}"
        return dependency(name, exclude=exclude, **kept)

    def _build(self, *, own: bool = True) -> str:
        stated = {"finalName": self._text()} if own and self._is(0.2) else {}
        if own and self._is(0.15):
            stated["directory"] = self._random.choice(("out", "${basedir}/out", "${p1}"))
        managed_ones = list(self._plugins()) if self._is(0.5) else []
        return build(*self._plugins(), managed=managed_ones, **stated)

    def _plugins(self) -> Iterator[str]:
        """Yield plugins; one may be declared twice, of which Maven only warns."""
        names = self._random.sample(_PLUGINS, self._random.randint(0, 3))
        if names and self._is(0.3):
            names.insert(self._random.randint(0, len(names)), names[0])
        for name in names:
            sections = [
                tags(version=self._random.choice(("1", "2", "${rev}"))),
                self._configuration(),
                self._executions(),
            ]
            if self._is(0.2):
                sections.append(tags(inherited=self._random.choice(("true", "false"))))
            if self._is(0.2):
                sections.append(dependencies(f"g:a:{self._random.choice('12')}"))
            yield plugin(name, *sections)

    def _executions(self) -> str:
        found = []
        for name in self._random.sample(_EXECUTIONS, self._random.randint(0, 2)):
            sections = [self._configuration()]
            if self._is(0.3):
                sections.append(tags(phase=self._random.choice(("compile", "package", "none"))))
            if self._is(0.25):
                sections.append(tags(inherited=self._random.choice(("true", "false"))))
            goals = self._random.sample(("x", "y", "z"), self._random.randint(0, 2))
            found.append(execution(name, *sections, goals=goals))
        return executions(*found) if found else ""

    def _configuration(self) -> str:
        return configuration(self._tree()) if self._is(0.7) else ""

    def _tree(self, depth: int = 0) -> str:
        tree = ""
        for _ in self._some(3):
            name = self._random.choice("kklm")
            inner = self._tree(depth + 1) if depth < 2 and self._is(0.5) else self._text()
            tree += f"<{name}{self._attribute()}>{inner}</{name}>"
        return tree

    def _attribute(self) -> str:
        if self._is(0.2):
            return f' combine.children="{self._random.choice(_COMBINED)}"'
        if self._is(0.15):
            return f' combine.self="{self._random.choice(_SELVES)}"'
        return f' q="{self._random.randint(1, 2)}"' if self._is(0.1) else ""

    def _text(self) -> str:
        expression = self._random.choice(_EXPRESSIONS)
        return self._random.choice(("1", "2", " s ", "v", expression, f"a{expression}"))
