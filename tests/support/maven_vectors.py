"""The vectors of ``maven-and-gradle-projects`` §6, which Maven 3.8.7 and 3.9.9 were seen to obey."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyjib.project.maven.command_line import Arguments
from tests.support.maven import (
    MavenRepository,
    dependencies,
    managed,
    parent,
    pom,
    profile,
    profiles,
    write,
)
from tests.support.maven_graph import (
    GROUP,
    all_asked,
    all_managed,
    asked,
    write_graph,
    write_versions,
)

LIBRARIES = {
    "a": "c d",
    "b": "e",
    "a3": "x:1",
    "b3": "x:2",
    "a2": "cx",
    "cx": "x:1",
    "b2": "x:2",
    "bx": "b3",
    "ccc": "x:1 d",
    "r8": "x:1",
    "a9": "k? c",
    "o": "q",
    "a12": "ccc",
    "b12": "dd",
    "dd": "ccc",
    "b16": "x:1",
    "s2": "rg:2.0",
    "hr": "rg:[1.0,1.5]",
    "rg:1.0": "",
    "rg:1.5": "",
    "uo": "old:1",
    "new:2": "e",
    "un": "new:3",
    "l1": "m:2",
    "m:2": "e",
    "u1": "u2",
    "u2": "m:1",
    "m:1": "x:1",
    "l2": "l3",
    "l3": "x:2",
    "x:3": "",
    "x:9": "",
    "test-kit": "core mock",
    "mock": "json",
    "core": "log:1.0",
    "web": "core json",
    "json": "log:1.1 ann",
    "db": "pool",
    "pool": "log:1.2 core",
    "drv": "",
    "p": "y/provided z/test w",
    "loop": "pool2",
    "pool2": "loop:2 x:1",
    "loop:2": "never",
    "ring1": "ring2",
    "ring2": "ring1:2 ring3",
    "ring3": "ring4",
    "ring4": "ring3:2 x:1",
    "pre:1.0": "",
    "pre:2.1-beta": "",
}
"""What made-up libraries ask for, by name and version (1 where none is told)."""


RELOCATION = (
    "<distributionManagement><relocation><artifactId>new</artifactId><version>2</version>"
    "</relocation></distributionManagement>"
)


def write_libraries(repository: MavenRepository) -> None:
    """Write all libraries that vectors are made of."""
    write_graph(repository, {"c": "", "f": "", **LIBRARIES})
    repository.jar(f"{GROUP}:w:1", all_asked("c"), extension="war")
    repository.jar(f"{GROUP}:tj:1", all_asked("f"), classifier="tests")
    repository.pom(f"{GROUP}:pm:1", all_asked("c d"), packaging="pom")
    repository.pom(f"{GROUP}:bom1:1", all_managed("x:2"), packaging="pom")
    repository.pom(f"{GROUP}:bom2:1", all_managed("x:3"), packaging="pom")
    repository.jar(f"{GROUP}:a16:1", all_managed("x:9"), all_asked("b16"))
    repository.pom(f"{GROUP}:old:1", RELOCATION)
    write_versions(repository, "rg", ["1.0", "1.5", "2.0"])
    write_versions(repository, "pre", ["1.0", "2.1-beta"])


@dataclass(frozen=True, kw_only=True)
class Vector:
    """A project and what it gets, both as lines of words.

    ``above`` and ``managed_above`` are what a parent in the folder above says. ``sections`` are
    more of the project's pom. ``number`` is the line of the specification's table, if in it.
    """

    name: str
    depends: str = ""
    manages: str = ""
    boms: tuple[str, ...] = ()
    above: str | None = None
    managed_above: str = ""
    sections: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    expected: str

    def __str__(self) -> str:
        return self.name

    @property
    def arguments(self) -> Arguments:
        """What Maven is given on its command line."""
        return Arguments(properties=dict(self.properties))

    def write(self, directory: Path) -> Path:
        """Write the project as ``directory/app``; return where it is."""
        sections = list(self.sections)
        if not any("<dependencies>" in section[:20] for section in sections):
            sections.append(all_asked(self.depends))
        if self.manages or self.boms:
            sections.append(all_managed(self.manages, boms=self.boms))
        if self.above is not None:
            name = f"{GROUP}:above-{self.name}:1"
            inherited = (all_asked(self.above), all_managed(self.managed_above))
            write(directory / "pom.xml", pom(name, *inherited, packaging="pom"))
            sections.insert(0, parent(name))
        text = pom(f"{GROUP}:vector-{self.name}:1", *sections)
        write(directory / "app" / "pom.xml", text)
        return directory / "app"


DEFAULT = profile("p1", "<activeByDefault>true</activeByDefault>", all_asked("d"))
BY_PROPERTY = profile("p2", "<property><name>pp</name></property>", all_asked("e"))
RAW_KEY = asked("x:3", group="${project.groupId}")

VECTORS = (
    Vector(name="01-pre-order", depends="a b", expected="a c d b e"),
    Vector(name="02-nearest", depends="a2 b2", expected="a2 cx b2 x:2"),
    Vector(name="03-first-of-a-tie", depends="a3 b3", expected="a3 x b3"),
    Vector(name="04-direct-at-its-place", depends="a3 x:2", expected="a3 x:2"),
    Vector(name="05-direct-test-hides", depends="a3 x:1/test", expected="a3"),
    Vector(name="05-direct-provided-hides", depends="a3 x:1/provided", expected="a3"),
    Vector(name="06-test-owns-the-place", depends="a3/test bx", expected="x bx b3"),
    Vector(name="06-provided-owns-the-place", depends="a3/provided bx", expected="x bx b3"),
    Vector(name="07-widened", depends="r8/runtime b2", expected="r8/runtime x b2"),
    Vector(name="08-direct-scope-kept", depends="x/runtime a3", expected="x/runtime a3"),
    Vector(name="09-optional", depends="a9 o?", expected="a9 c o q"),
    Vector(name="10-exclusion-of-the-winner", depends="a12!x b12", expected="a12 ccc d b12 dd"),
    Vector(name="11-exclusion-of-a-loser", depends="a12 b12!x", expected="a12 ccc x d b12 dd"),
    Vector(name="12-other-path", depends="a3!x b3", expected="a3 b3 x:2"),
    Vector(name="13-management", depends="a3", manages="x:9", expected="a3 x:9"),
    Vector(name="14-direct-version-kept", depends="x:2 a3", manages="x:9", expected="x:2 a3"),
    Vector(name="15-managed-scope", depends="a3", manages="x:1/test", expected="a3"),
    Vector(name="16-exclusions-united", depends="ccc!d", manages="ccc:1!x", expected="ccc"),
    Vector(name="17-not-transitive", depends="a16", expected="a16 b16 x"),
    Vector(name="18-first-bom", depends="x:-", boms=("bom1", "bom2"), expected="x:2"),
    Vector(name="18-explicit", depends="x:-", boms=("bom1", "bom2"), manages="x:9", expected="x:9"),
    Vector(
        name="19-parent-before-bom",
        depends="x:-",
        boms=("bom1",),
        above="",
        managed_above="x:9",
        expected="x:9",
    ),
    Vector(name="20-inheritance", depends="c x:3", above="d x:1/runtime", expected="c x:3 d"),
    Vector(name="21-range-beats-nearer", depends="s2 hr", expected="s2 hr rg:1.5"),
    Vector(name="22-relocation", depends="uo un", expected="uo new:2 e un"),
    Vector(name="23-types", depends="w%war pm%pom e", expected="w pm c d e"),
    Vector(name="24-duplicate", depends="x:1 c x:3/runtime", expected="x:3/runtime c"),
    Vector(name="25-one-conflict", depends="tj%test-jar tj+tests", expected="tj+tests f"),
    Vector(name="26-loser-silent", depends="l1 u1 l2", expected="l1 m:2 e u1 u2 l2 l3 x:2"),
    Vector(
        name="27-raw-keys",
        sections=(dependencies(RAW_KEY, asked("x:1"), asked("c")),),
        expected="x:3 c",
    ),
    Vector(
        name="27-raw-keys-managed",
        sections=(managed(asked("x:9"), RAW_KEY), all_asked("a3")),
        expected="a3 x:9",
    ),
    Vector(name="28-default", sections=(profiles(DEFAULT, BY_PROPERTY),), expected="d"),
    Vector(
        name="28-by-property",
        sections=(profiles(DEFAULT, BY_PROPERTY),),
        properties=(("pp", "true"),),
        expected="e",
    ),
    Vector(
        name="scopes-shift-the-order",  # §3
        depends="test-kit/test web db drv/runtime",
        expected="core log:1.0 web json ann db pool drv/runtime",
    ),
    Vector(
        name="without-the-test-scope",
        depends="web db drv/runtime",
        expected="web core log:1.0 json ann db pool drv/runtime",
    ),
    Vector(name="below-provided", depends="p", expected="p w"),
    Vector(name="a-cycle", depends="loop", expected="loop pool2 x"),
    Vector(
        name="a-cycle-below-a-cycle",
        depends="ring1 b2",
        expected="ring1 ring2 ring3 ring4 b2 x:2",
    ),
    Vector(name="a-pre-release-in-a-range", depends="pre:[1.0,)", expected="pre:2.1-beta"),
    Vector(name="a-range-managed", depends="hr", manages="rg:2.0", expected="hr rg:2.0"),
    Vector(name="no-star", depends="a12!*", expected="a12"),
)
