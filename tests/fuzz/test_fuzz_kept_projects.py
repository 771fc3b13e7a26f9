"""Kept Maven projects that somebody damaged or forged, and texts of POMs that are made late."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import ProjectError
from pyjib.maven_choice import Found, Opener
from pyjib.maven_kept import KeptProjects
from pyjib.project.maven.inheritance import inherit_facts
from pyjib.project.maven.interpolate_model import LateFacts, model_facts
from pyjib.project.maven.late import FACTS
from pyjib.project.maven.model import RawPom
from pyjib.project.maven.pom import parse_pom
from tests.support.fuzzing import damaged, fuzz, odd_json, survives
from tests.support.kept_projects import LaterStore, World
from tests.support.maven import write

POMS = (
    b"""<project child.project.url.inherit.append.path="false"><modelVersion>4.0.0</modelVersion>
<parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent>
<artifactId>a</artifactId><name>n</name><description> d </description><url>http://x/</url>
<inceptionYear>2001</inceptionYear><organization><name>o</name><url>u</url></organization>
<scm child.scm.url.inherit.append.path="true"><url>s</url><connection>c</connection></scm>
<issueManagement><url>i</url></issueManagement><ciManagement/><distributionManagement><site>
<url>d</url></site><relocation><artifactId>b</artifactId></relocation></distributionManagement>
<build><finalName>f</finalName></build><reporting><outputDirectory>r</outputDirectory></reporting>
</project>""",
    b"""<project><groupId>g</groupId><artifactId>p</artifactId><version>1</version>
<packaging>pom</packaging><url>http://p</url><scm><tag>t</tag></scm></project>""",
)
PIECES = (
    *(b"<scm/>", b"<url>x</url>", b"<name>", b"</name>", b"<ciManagement>", b'a="b"', b"&lt;"),
    *(b"<build/>", b"<version>2</version>", b"<parent/>", b"<organization>x</organization>"),
)


class NotBelievedError(Exception):
    """What lies in the cache was not taken for a kept project."""


class Believing(KeptProjects):
    """Kept projects of which nothing is worked out."""

    def find_afresh(self, question: str, path: Path, opener: Opener) -> Found:
        """Tell that it would have to be."""
        raise NotBelievedError(path)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("kept-projects"))
    world.ask(world.kept())
    return world


@pytest.fixture(scope="module")
def entry(world: World) -> bytes:
    return world.entries()[0].read_bytes()


def seal(document: object) -> bytes:
    body = json.dumps(document).encode()
    return struct.pack(">8sI", b"pyjibmk1", zlib.crc32(body)) + body


def use(world: World, data: bytes) -> None:
    """Do what a build does with an entry."""
    world.entries()[0].write_bytes(data)
    found = world.configure(Believing(LaterStore(world.store.root)))
    assert found.read is not None
    assert isinstance(found.path, Path)
    found.read()


@given(data=st.data())
@fuzz
def test_bytes_of_an_entry(data: st.DataObject, world: World, entry: bytes) -> None:
    found = data.draw(damaged([entry[:12] + entry[-2000:], entry]))
    whole = found[:8] + struct.pack(">I", zlib.crc32(found[12:])) + found[12:]
    for damage in (found, whole):
        survives(use, world, damage, signals=(NotBelievedError,))


@given(data=st.data(), name=st.sampled_from(["kept", "kept", "looks", "all"]))
@fuzz
def test_documents_of_an_entry(data: st.DataObject, name: str, world: World, entry: bytes) -> None:
    document = json.loads(entry[12:])
    if name == "all":
        document = data.draw(odd_json([document]))
    else:
        document[name] = data.draw(odd_json([document[name]]))
    survives(use, world, seal(document), signals=(NotBelievedError,))


def test_a_sound_entry_is_believed(world: World, entry: bytes) -> None:
    use(world, entry)
    use(world, seal(json.loads(entry[12:])))


@given(child=damaged(POMS, PIECES), parent=damaged(POMS, PIECES))
@fuzz
def test_late_texts_are_those_made_at_once(
    child: bytes, parent: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    at_once, late = (
        survives(facts_of, tmp_path_factory, child, parent, plugins) for plugins in (True, False)
    )
    assert at_once == late


def facts_of(
    place: pytest.TempPathFactory,
    child: bytes,
    parent: bytes,
    plugins: bool,
) -> Mapping[str, Any]:
    """Return all facts of a POM and of its parent, and each as it is asked for."""
    folder = place.getbasetemp()
    poms: list[RawPom] = []
    for name, data in (("child.xml", child), ("parent.xml", parent)):
        path = folder / name
        path.write_bytes(data)
        poms.append(parse_pom(data, path, plugins=plugins))
    first, second = poms
    inherited = inherit_facts(first, first.facts, second, second.facts)
    build = {**second.body.build.values, **first.body.build.values}
    found: Mapping[str, str] = (model_facts if plugins else LateFacts)(first, inherited, build)
    names = [*FACTS, *inherited, *(f"build.{name}" for name in build), "groupId", "parent.version"]
    names += ["", ".", "build", "build.", "packaging", "parent", "scm", "scm.", "artifact"]
    return {name: found.get(name) for name in names} | dict(found)


@given(now=damaged(POMS, PIECES) | st.none())
@fuzz
def test_a_pom_that_changed_before_its_texts_were_asked_for(
    now: bytes | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "late.xml", POMS[0].decode())
    facts = parse_pom(POMS[0], path, plugins=False).facts
    if now is None:
        path.unlink()
        with pytest.raises(ProjectError):
            len(facts)
    else:
        path.write_bytes(now)
        survives(lambda: dict(facts))
