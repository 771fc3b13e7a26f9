from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.project.maven.configuration import merge_nodes
from pyjib.project.maven.model import EffectiveModel, Node
from pyjib.project.maven.pom import node
from pyjib.project.maven.xml_tree import parse_xml
from tests.support.maven import (
    MavenRepository,
    build,
    configuration,
    effective,
    execution,
    executions,
    parent,
    plugin,
    pom,
    profile,
    profiles,
    properties,
    tags,
    write,
)


def tree(xml: str) -> Node:
    return node(parse_xml(f"<c>{xml}</c>".encode(), Path("x.xml")))


def text(found: Node | None) -> str:
    """Return a tree as XML without the attributes that steer merging."""
    if found is None:
        return "-"
    inner = (found.text or "") + "".join(map(text, found.children))
    return f"<{found.name}>{inner}</{found.name}>"


@pytest.mark.parametrize(
    ("dominant", "recessive", "merged"),
    [
        ("<a>1</a>", "<b>2</b>", "<a>1</a><b>2</b>"),
        ("<l><i>a</i></l>", "<l><i>b</i><i>c</i></l>", "<l><i>a</i></l>"),
        ("<l><i>a</i><i>b</i></l>", "<l><i>c</i></l>", "<l><i>a</i><i>b</i></l>"),
        ("<l/>", "<l><i>b</i></l>", "<l><i>b</i></l>"),
        ("<a/>", "<a>text</a>", "<a>text</a>"),
        ("<a>own</a>", "<a>text</a>", "<a>own</a>"),
        (
            '<l combine.children="append"><i>a</i></l>',
            "<l><i>b</i><i>c</i></l>",
            "<l><i>b</i><i>c</i><i>a</i></l>",
        ),
        ('<l combine.self="override"/>', "<l><i>b</i></l>", "<l></l>"),
        ('<l combine.self="remove"/><m/>', "<l><i>b</i></l>", "<m></m>"),
        ('<l combine.self="remove"/>', "<m/>", "<l></l><m></m>"),  # nothing to vanish with
        ("<l><i>a</i></l>", '<l combine.children="append"><i>b</i></l>', "<l><i>b</i><i>a</i></l>"),
        ("<l><i>a</i></l>", '<l combine.self="override"><j>b</j></l>', "<l><i>a</i><j>b</j></l>"),
        ("<a><x>1</x></a>", "<a><y>2</y></a><a><z/></a>", "<a><x>1</x><y>2</y></a>"),
        ("<i>1</i><k/><i>2</i>", "<i/><i><j/></i>", "<i>1</i><k></k><i>2<j></j></i>"),
    ],
)
def test_merging_configurations(dominant: str, recessive: str, merged: str) -> None:
    assert text(merge_nodes(tree(dominant), tree(recessive))) == f"<c>{merged}</c>"


def test_a_missing_tree_gives_the_other_one() -> None:
    found = tree("<a/>")
    assert (merge_nodes(None, found), merge_nodes(found, None)) == (found, found)
    assert merge_nodes(None, None) is None


def test_attributes_are_merged_but_not_how_a_tree_met_its_own() -> None:
    merged = merge_nodes(tree('<a x="1" y=""/>'), tree('<a x="2" y="3" combine.self="override"/>'))
    assert merged is not None
    assert merged.children[0].attributes == {"x": "1", "y": "3"}


def project(tmp_path: Path, *sections: str, packaging: str | None = None) -> EffectiveModel:
    return effective(write(tmp_path / "pom.xml", pom("g:app:1", *sections, packaging=packaging)))


JIB = "com.google.cloud.tools:jib-maven-plugin"


def jib(model: EffectiveModel) -> str:
    found = model.plugin("jib-maven-plugin", "com.google.cloud.tools")
    return text(found.configuration) if found is not None else "none"


def test_expressions_in_configuration(tmp_path: Path) -> None:
    to = configuration("<to><image>r/${project.artifactId}:${tag}</image><x>${what}</x></to>")
    model = project(tmp_path, properties(tag="${project.version}"), build(plugin(JIB, to)))
    assert jib(model) == (
        "<configuration><to><image>r/app:1</image><x>${what}</x></to></configuration>"
    )


def test_plugin_management_is_merged_under_and_serves_calls_by_name(tmp_path: Path) -> None:
    shared = plugin(f"{JIB}:3.3.2", configuration("<a>m</a><b>m</b>"))
    model = project(tmp_path, build(plugin(JIB, configuration("<a>p</a>")), managed=[shared]))
    assert jib(model) == "<configuration><a>p</a><b>m</b></configuration>"
    model = project(tmp_path, build(managed=[shared]))
    assert JIB not in [found.key for found in model.plugins]
    assert jib(model) == "<configuration><a>m</a><b>m</b></configuration>"


def test_inheritance_and_profiles(tmp_path: Path) -> None:
    repository = MavenRepository(tmp_path / "repository")
    inherited = plugin(f"{JIB}:1", configuration("<a>p</a><b>p</b><c>p</c>"))
    repository.pom("g:parent:1", build(inherited), packaging="pom")
    own = build(plugin(JIB, configuration("<b>c</b><c>c</c>")))
    section = profile(
        "p", "<jdk>17</jdk>", build(plugin(f"{JIB}:2", configuration("<c>profile</c>")))
    )
    text_ = pom(":app", parent("g:parent:1", ""), own, profiles(section))
    model = effective(write(tmp_path / "pom.xml", text_), repository)
    found = model.plugin("jib-maven-plugin", "com.google.cloud.tools")
    assert found is not None
    assert found.version == "2"
    assert {child.name: child.text for child in found.configuration.children} == {
        "a": "p",
        "b": "c",
        "c": "profile",
    }


@pytest.mark.parametrize(
    ("plugin_flag", "execution_flag", "expected"),
    [
        (None, None, ("<configuration><a>p</a></configuration>", ["x"])),
        ("false", None, ("-", [])),
        ("false", "true", ("-", ["x"])),
        (None, "false", ("<configuration><a>p</a></configuration>", [])),
    ],
)
def test_what_is_not_inherited(
    tmp_path: Path,
    plugin_flag: str | None,
    execution_flag: str | None,
    expected: tuple[str, list[str]],
) -> None:
    repository = MavenRepository(tmp_path / "repository")
    run = execution("x", tags(inherited=execution_flag))
    inherited = plugin(
        f"{JIB}:1", configuration("<a>p</a>"), tags(inherited=plugin_flag), executions(run)
    )
    repository.pom("g:parent:1", build(inherited), packaging="pom")
    text_ = pom(":app", parent("g:parent:1", ""), build(plugin(JIB)))
    model = effective(write(tmp_path / "pom.xml", text_), repository)
    found = model.plugin("jib-maven-plugin", "com.google.cloud.tools")
    assert found is not None
    assert (text(found.configuration), [each.id for each in found.executions]) == expected


def test_executions_match_by_id_and_carry_the_plugins_configuration(tmp_path: Path) -> None:
    shared = plugin(
        f"{JIB}:1",
        configuration("<a>plugin</a><b>plugin</b>"),
        executions(
            execution("one", configuration("<b>managed</b><c>managed</c>"), goals=["build"]),
            execution("two", goals=["dockerBuild"]),
        ),
    )
    own = plugin(
        JIB,
        executions(execution("one", configuration("<c>own</c>"), goals=["buildTar", "build"])),
    )
    model = project(tmp_path, build(own, managed=[shared]))
    found = model.plugin("jib-maven-plugin", "com.google.cloud.tools")
    assert found is not None
    one, two = found.executions
    assert (one.id, one.goals) == ("one", ("buildTar", "build"))
    assert text(one.configuration) == (
        "<configuration><c>own</c><b>managed</b><a>plugin</a></configuration>"
    )
    assert text(two.configuration) == "<configuration><a>plugin</a><b>plugin</b></configuration>"


@pytest.mark.parametrize(
    ("packaging", "has", "has_not"),
    [
        ("jar", "maven-jar-plugin:default-jar", "maven-war-plugin"),
        ("war", "maven-war-plugin:default-war", "maven-jar-plugin"),
        ("pom", "maven-install-plugin:default-install", "maven-jar-plugin"),
        ("ejb", "maven-ejb-plugin:default-ejb", "maven-jar-plugin"),
    ],
)
def test_packagings_bind_plugins(tmp_path: Path, packaging: str, has: str, has_not: str) -> None:
    model = project(tmp_path, packaging=packaging)
    found = [f"{each.artifact}:{run.id}" for each in model.plugins for run in each.executions]
    assert has in found
    assert has_not not in [each.artifact for each in model.plugins]


def test_bound_plugins_are_managed_too(tmp_path: Path) -> None:
    main = "<archive><manifest><mainClass>${start-class}</mainClass></manifest></archive>"
    shared = plugin("maven-jar-plugin", tags(version="3"), configuration(main))
    found = project(tmp_path, build(managed=[shared])).plugin("maven-jar-plugin")
    assert found is not None
    assert found.version == "3"
    assert found.configuration is not None
    assert found.configuration.value("archive/manifest/mainClass") == "${start-class}"
    (default,) = found.executions
    assert (default.id, default.phase, default.goals) == ("default-jar", "package", ("jar",))
    assert default.configuration == found.configuration


def test_a_profiles_new_plugins_stay_before_the_known_ones_that_follow(tmp_path: Path) -> None:
    section = profile("p", "<jdk>17</jdk>", build(plugin("new"), plugin("b"), plugin("last")))
    model = project(tmp_path, build(plugin("a"), plugin("b")), profiles(section), packaging="pom")
    assert [found.artifact for found in model.plugins][:4] == ["a", "new", "b", "last"]


def test_a_plugin_declared_twice_is_one(tmp_path: Path) -> None:
    first = plugin(JIB, configuration("<a>1</a><b>1</b>"))
    model = project(tmp_path, build(first, plugin(JIB, configuration("<b>2</b>"))))
    assert jib(model) == "<configuration><b>2</b><a>1</a></configuration>"


def test_a_plugin_declared_twice_and_kept_from_children_the_first_time(tmp_path: Path) -> None:
    """It is merged whole but for its executions, and stays out of children."""
    first = plugin(
        f"{JIB}:1",
        configuration("<a>1</a>"),
        tags(inherited="false"),
        executions(execution("x"), execution("y", tags(inherited="true"))),
    )
    section = build(first, plugin(f"{JIB}:1", configuration("<b>2</b>")))
    above = project(tmp_path, section, packaging="pom")
    assert jib(above) == "<configuration><b>2</b><a>1</a></configuration>"
    found = above.plugin("jib-maven-plugin", JIB.partition(":")[0])
    assert found is not None
    assert [run.id for run in found.executions] == ["y"]
    repository = MavenRepository(tmp_path / "repository")
    repository.pom("g:parent:1", section, packaging="pom")
    below = effective(
        write(tmp_path / "pom.xml", pom("g:app:1", parent("g:parent:1", ""))), repository
    )
    assert jib(below) == "-"


def test_of_two_that_are_managed_the_last_one_counts(tmp_path: Path) -> None:
    """They are not merged."""
    two = [plugin(JIB, configuration("<a>1</a>")), plugin(JIB, configuration("<b>2</b>"))]
    assert jib(project(tmp_path, build(managed=two))) == "<configuration><b>2</b></configuration>"
    model = project(tmp_path, build(plugin(JIB, configuration("<c>3</c>")), managed=two))
    assert jib(model) == "<configuration><c>3</c><b>2</b></configuration>"


def test_of_two_in_a_profile_the_first_is_a_parents_to_the_second(tmp_path: Path) -> None:
    """So it is where the POM has no such plugin and its parent has."""
    repository = MavenRepository(tmp_path / "repository")
    above = build(plugin(JIB, configuration("<a>1</a>")))
    repository.pom("g:parent:1", above, packaging="pom")
    first = plugin(
        JIB,
        configuration("<b>2</b>"),
        tags(inherited="false"),
        executions(execution("x"), execution("y", tags(inherited="true"))),
    )
    section = profile("p", "<jdk>17</jdk>", build(first, plugin(JIB, configuration("<c>3</c>"))))
    text = pom("g:app:1", parent("g:parent:1", ""), profiles(section))
    model = effective(write(tmp_path / "pom.xml", text), repository)
    found = model.plugin("jib-maven-plugin", JIB.partition(":")[0])
    assert found is not None
    assert jib(model) == "<configuration><c>3</c></configuration>"
    assert [run.id for run in found.executions] == ["y"]
