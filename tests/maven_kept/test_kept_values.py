"""Kept values as JSON and back, and which code wrote them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.events import Warned
from pyjib.jib.configuration import JibAuth, JibConfiguration, JibDirectory, JibHelper
from pyjib.maven_kept import code
from pyjib.maven_kept.private import tells
from pyjib.maven_kept.values import NotKeepableError, decode, encode
from pyjib.project.maven.model import Node
from pyjib.project.maven.worked_out import ClassPath
from pyjib.project.model import Dependency, DiskFile

TEXTS = st.text(max_size=8) | st.sampled_from(["/", "=", "Node", "\ud800"])
PATHS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8).map(
    Path
)
NODES = st.recursive(
    st.builds(Node, TEXTS, st.none() | TEXTS),
    lambda nodes: st.builds(
        Node,
        TEXTS,
        st.none() | TEXTS,
        st.dictionaries(TEXTS, TEXTS, max_size=2).map(MappingProxyType),
        st.lists(nodes, max_size=3).map(tuple),
    ),
    max_leaves=6,
)
DEPENDENCIES = st.builds(
    Dependency, name=TEXTS, source=st.builds(DiskFile, PATHS), group=st.just("snapshots")
)
VALUES = st.one_of(
    NODES,
    st.builds(
        JibConfiguration,
        to_image=st.none() | TEXTS,
        to_tags=st.none() | st.lists(TEXTS, max_size=2).map(tuple),
        to_cred_helper=st.none() | st.builds(JibHelper, helper=TEXTS),
        environment=st.none() | st.lists(st.tuples(TEXTS, TEXTS), max_size=2).map(tuple),
        skip=st.none() | st.booleans(),
        extra_directories=st.none()
        | st.lists(st.builds(JibDirectory, source=st.none() | PATHS), max_size=2).map(tuple),
        warnings=st.lists(st.builds(Warned, message=TEXTS), max_size=2).map(tuple),
    ),
    st.builds(ClassPath, dependencies=st.lists(DEPENDENCIES, max_size=3).map(tuple), detail=TEXTS),
    st.dictionaries(TEXTS, PATHS, max_size=3),
)


@given(VALUES)
def test_what_was_written_is_read(value: Any) -> None:
    assert decode(json.loads(json.dumps(encode(value)))) == value


@pytest.mark.parametrize(
    "value", [JibAuth(username="u", password="p"), 1.5, b"x", object(), [1], {1: {2: {3}}}]
)
def test_other_values_are_not_written(value: object) -> None:
    with pytest.raises(NotKeepableError):
        encode(value)


@pytest.mark.parametrize(
    ("document", "secrets", "expected"),
    [
        ({"a": ["xhushx"]}, {"hush"}, True),
        ({"ahush": 1}, {"hush"}, True),
        ({"a": ["xabcx"]}, {"abc"}, False),
        ({"a": ["abc"]}, {"abc"}, True),
        ({"a": ["xhushx"]}, set(), False),
        ({"a": [1, None, True]}, {"1"}, False),
    ],
)
def test_secrets_are_found_in_texts(document: Any, secrets: set[str], expected: bool) -> None:
    assert tells(document, frozenset(secrets)) == expected


@pytest.mark.parametrize(
    "document",
    [
        {"Node": {"name": 1}},
        {"Node": {"name": "a", "children": ["b"]}},
        {"Node": {"name": "a", "children": {"/": "b"}}},
        {"Node": {"name": "a", "attributes": {"=": {"b": None}}}},
        {"Node": {"name": "a", "attributes": []}},
        {"Node": {"name": "a", "nobody": "b"}},
        {"DiskFile": {"path": "b"}},
        {"Dependency": {"name": "a", "source": {"Node": {"name": "b"}}}},
        {"JibHelper": {"helper": "a", "environment": [["b"]]}},
        {"JibHelper": {"helper": "a", "environment": [["b", 1]]}},
        {"JibConfiguration": {"to_tags": "latest"}},
        {"JibConfiguration": {"skip": "yes"}},
        {"JibConfiguration": {"to_auth": {"Node": {"name": "b"}}}},
        {"EffectiveModel": {"dependencies": [{"Node": {"name": "b"}}]}},
        {"/": "a\0b"},
        {"/": 1},
        {"Path": {}},
        {},
    ],
)
def test_what_is_of_other_types_is_not_read(document: object) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        decode(document)


class TestTheCode:
    @pytest.fixture
    def package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        package = tmp_path / "pyjib"
        for room in ("jib", "maven_kept", "oci", "project/maven"):
            (package / room).mkdir(parents=True)
            (package / room / "a.py").write_text("1")
        monkeypatch.setattr(code, "_PACKAGE", package)
        return package

    def version(self) -> str:
        return code.code_version.__wrapped__()

    @pytest.mark.parametrize("room", ["", "jib", "maven_kept", "oci", "project", "project/maven"])
    def test_a_change_is_another_version(self, package: Path, room: str) -> None:
        first = self.version()
        assert self.version() == first
        module = package / room / "a.py"
        module.write_text("1")
        os.utime(module, ns=(1, 1))
        second = self.version()
        module.write_text("22")
        os.utime(module, ns=(1, 1))
        assert len({first, second, self.version()}) == 3

    @pytest.mark.parametrize("room", ["jib", "project/maven"])
    def test_all_that_a_working_out_imports_is_looked_at(self, room: str) -> None:
        package = code._PACKAGE
        told = "".join(path.read_text() for path in (package / room).glob("*.py"))
        names = {
            name.replace(".", "/") for name in re.findall(r"from pyjib\.([\w.]+) import", told)
        }
        found = {name if (package / name).is_dir() else str(Path(name).parent) for name in names}
        assert {name.removeprefix(".") for name in found} <= set(code._ROOMS)

    def test_modules_without_sources(self, package: Path) -> None:
        (package / "jib" / "a.py").rename(package / "jib" / "a.pyc")
        first = self.version()
        (package / "jib" / "a.pyc").write_text("22")
        assert self.version() != first

    def test_a_release_that_cannot_be_told_by_its_files(
        self, package: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = self.version()
        monkeypatch.setattr("pyjib.__version__", "999")
        assert self.version() != first

    def test_in_an_archive_it_is_the_archives(
        self, package: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive = package.parent / "pyjib.pyz"
        archive.write_text("1")
        monkeypatch.setattr(code, "_PACKAGE", archive / "pyjib")
        first = self.version()
        archive.write_text("22")
        assert self.version() != first
