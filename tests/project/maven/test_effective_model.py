from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.errors import DependencyError, ProjectError
from pyjib.project.maven.command_line import Arguments
from pyjib.project.maven.effective import Builder
from pyjib.project.maven.model import Coordinates, EffectiveModel
from tests.support.maven import (
    MavenRepository,
    bom,
    build,
    dependencies,
    dependency,
    effective,
    managed,
    modules,
    parent,
    plugin,
    pom,
    profile,
    profiles,
    properties,
    session,
    short,
    tags,
    write,
)


@pytest.fixture
def repository(tmp_path: Path) -> MavenRepository:
    return MavenRepository(tmp_path / "repository")


def model(
    repository: MavenRepository, *sections: str, arguments: Arguments | None = None
) -> EffectiveModel:
    path = repository.root.parent / "pom.xml"
    return effective(write(path, pom("g:app:1", *sections)), repository, arguments)


def rejected(repository: MavenRepository, *sections: str, name: str = "g:app:1") -> str:
    """Return the message without the folder, and the hint."""
    path = write(repository.root.parent / "pom.xml", pom(name, *sections))
    with pytest.raises(ProjectError) as caught:
        effective(path, repository)
    hint = f" ({caught.value.hint})" if caught.value.hint else ""
    return caught.value.message.replace(f"{path}", "pom.xml") + hint


# Dependency management


def test_management_fills_what_is_left_out(repository: MavenRepository) -> None:
    found = model(
        repository,
        managed(dependency("g:x:9", scope="test", optional="true", exclude=["g:y"])),
        dependencies("g:x", dependency("g:x:1", classifier="other"), "g:z:1"),
    )
    x = found.dependencies[0]
    assert short(found.dependencies) == ["x:9(test)", "x:1", "z:1"]
    assert (x.optional, len(x.exclusions)) == (None, 1)


def test_a_dependencys_own_words_win(repository: MavenRepository) -> None:
    found = model(
        repository,
        managed(dependency("g:x:9", scope="test", exclude=["g:y"])),
        dependencies(dependency("g:x:1", scope="runtime", exclude=["g:z"])),
    )
    (x,) = found.dependencies
    assert short([x]) == ["x:1(runtime)"]
    assert [exclusion.artifact for exclusion in x.exclusions] == ["z"]


@pytest.mark.parametrize(
    ("entries", "version"),
    [
        ((bom("g:bom1:1"), bom("g:bom2:1")), "2"),
        ((bom("g:bom2:1"), bom("g:bom1:1")), "3"),
        ((bom("g:bom1:1"), bom("g:bom2:1"), "g:x:9"), "9"),  # vector 18
    ],
)
def test_the_first_bom_wins_and_explicit_entries_beat_all(
    repository: MavenRepository, entries: tuple[str, ...], version: str
) -> None:
    repository.pom("g:bom1:1", managed("g:x:2"), packaging="pom")
    repository.pom("g:bom2:1", managed("g:x:3", "g:y:3"), packaging="pom")
    found = model(repository, managed(*entries), dependencies("g:x", "g:y"))
    assert short(found.dependencies) == [f"x:{version}", "y:3"]
    assert sorted(short(found.dependency_management)) == [f"x:{version}", "y:3"]
    assert {path.name for path in found.lineage} == {"pom.xml", "bom1-1.pom", "bom2-1.pom"}


@pytest.mark.parametrize(
    ("parents", "own", "version"),
    [
        ("g:x:9", bom("g:bom1:1"), "9"),  # vector 19: inherited explicit entries beat a BOM
        (bom("g:bom2:1"), bom("g:bom1:1"), "2"),  # the child's BOM is asked first
        (bom("g:bom1:0"), bom("g:bom1:1"), "2"),  # the same BOM: the child's version replaces it
        (bom("g:bom2:1"), "g:x:9", "9"),
    ],
)
def test_boms_and_parents(
    repository: MavenRepository, parents: str, own: str, version: str
) -> None:
    repository.pom("g:bom1:1", managed("g:x:2"), packaging="pom")
    repository.pom("g:bom2:1", managed("g:x:3"), packaging="pom")
    repository.pom("g:parent:1", managed(parents), packaging="pom")
    found = model(repository, parent("g:parent:1", ""), managed(own), dependencies("g:x"))
    assert short(found.dependencies) == [f"x:{version}"]


RAW = "${project.groupId}:x:2"
"""The same key as ``g:x``, but not before expressions are replaced."""


@pytest.mark.parametrize(
    ("parents", "own", "version"),
    [
        ((RAW,), ("g:x:9",), "9"),
        (("g:x:9",), (RAW,), "2"),
        (("g:x:9",), (RAW, bom("g:other:1")), "9"),  # whoever imports BOMs keeps the last
    ],
)
def test_one_key_managed_twice(
    repository: MavenRepository, parents: tuple[str, ...], own: tuple[str, ...], version: str
) -> None:
    repository.pom("g:other:1", managed("g:y:1"), packaging="pom")
    repository.pom("g:parent:1", managed(*parents), packaging="pom")
    found = model(repository, parent("g:parent:1", ""), managed(*own), dependencies("g:x"))
    assert short(found.dependencies) == [f"x:{version}"]
    assert short(found.dependency_management)[0] == f"x:{version}"


def test_one_key_managed_twice_fills_what_is_open(repository: MavenRepository) -> None:
    first = dependency("${project.groupId}:x", exclude=["g:e"])
    then = dependency("g:x:9", scope="test", exclude=["g:f"])
    found = model(repository, managed(first, then), dependencies("g:x"))
    assert short(found.dependencies) == ["x:9(test)"]
    assert [each.artifact for each in found.dependencies[0].exclusions] == ["e"]
    repository.pom("g:bom:1", managed(dependency(RAW), then), packaging="pom")
    found = model(repository, managed(bom("g:bom:1")), dependencies("g:x"))
    assert short(found.dependencies) == ["x:2"]  # an importer sees the first alone


def test_of_two_dependencies_with_one_key_the_last_is_managed(repository: MavenRepository) -> None:
    section = managed(dependency("g:x:1", scope="test"))
    found = model(repository, section, dependencies(RAW, "g:x:4"))
    assert short(found.dependencies) == ["x:2", "x:4(test)"]


def test_a_bom_is_a_whole_model(repository: MavenRepository) -> None:
    repository.pom("g:up:1", properties(v="1", w="1"), managed("g:up:${v}"), packaging="pom")
    repository.pom("g:nested:1", managed("g:n:1", "g:x:0"), packaging="pom")
    repository.pom(
        "g:bom:1",
        parent("g:up:1"),
        properties(v="2"),
        managed("g:x:${v}", bom("g:nested:1")),
        profiles(profile("p", "<jdk>17</jdk>", managed("g:p:${w}"))),
        packaging="pom",
    )
    found = model(repository, properties(v="7", w="7"), managed(bom("g:bom:1")))
    assert short(found.dependency_management) == ["x:2", "p:1", "up:2", "n:1"]


def test_what_the_user_gives_reaches_a_bom(repository: MavenRepository) -> None:
    repository.pom("g:bom:1", properties(v="1"), managed("g:x:${v}"), packaging="pom")
    section = managed(bom("g:bom:1"))
    found = model(repository, section, arguments=Arguments(properties={"v": "5"}))
    assert short(found.dependency_management) == ["x:5"]
    with_profile = Arguments(active_profiles=("p",))
    repository.pom(
        "g:bom:1",
        managed("g:x:1"),
        profiles(profile("p", "", managed("g:p:1"))),
        packaging="pom",
    )
    assert short(model(repository, section, arguments=with_profile).dependency_management) == [
        "x:1"
    ]


def test_boms_in_a_circle(repository: MavenRepository) -> None:
    repository.pom("g:one:1", managed(bom("g:two:1")), packaging="pom")
    repository.pom("g:two:1", managed(bom("g:one:1")), packaging="pom")
    assert rejected(repository, managed(bom("g:one:1"))).endswith(
        "line 5: The dependencies of type=pom and with scope=import form a cycle: "
        "g:app:1 -> g:one:1 -> g:two:1 -> g:one:1"
    )


# Profiles and the command line


def test_profiles_by_default_and_by_property(repository: MavenRepository) -> None:
    # Vector 28.
    section = profiles(
        profile("p1", "<activeByDefault>true</activeByDefault>", dependencies("g:d:1")),
        profile("p2", "<property><name>pp</name></property>", dependencies("g:e:1")),
    )
    assert short(model(repository, section).dependencies) == ["d:1"]
    given = Arguments(properties={"pp": "1"})
    assert short(model(repository, section, arguments=given).dependencies) == ["e:1"]
    named = Arguments(active_profiles=("p1", "p2"))
    assert short(model(repository, section, arguments=named).dependencies) == ["d:1", "e:1"]
    off = Arguments(inactive_profiles=("p1",))
    assert short(model(repository, section, arguments=off).dependencies) == []


def test_user_properties_beat_the_poms_but_do_not_change_them(repository: MavenRepository) -> None:
    given = Arguments(properties={"v": "2", "revision": "5", "new": "x"})
    found = model(
        repository,
        properties(v="1", revision="4", w="${v}-${revision}-${new}"),
        dependencies("g:x:${v}"),
        arguments=given,
    )
    assert short(found.dependencies) == ["x:2"]
    assert found.properties == {"v": "1", "revision": "5", "w": "2-5-x"}


def test_the_packaging_is_a_property_for_profiles(repository: MavenRepository) -> None:
    condition = "<property><name>packaging</name><value>jar</value></property>"
    found = model(repository, profiles(profile("p", condition, properties(p="1"))))
    assert found.properties == {"p": "1"}


def test_profiles_of_settings(tmp_path: Path, repository: MavenRepository) -> None:
    write(
        tmp_path / "home" / ".m2" / "settings.xml",
        "<settings><profiles><profile><id>s</id><properties><v>s</v><on>1</on></properties>"
        "<repositories><repository><id>sr</id><url>u</url></repository></repositories></profile>"
        "</profiles><activeProfiles><activeProfile>s</activeProfile>"
        "<activeProfile>pom</activeProfile></activeProfiles></settings>",
    )
    found = model(
        repository,
        properties(v="pom", w="${v}"),
        profiles(
            profile("pom", "", properties(p="1", v="profile")),
            profile("on", "<property><name>on</name></property>", properties(q="1")),
        ),
    )
    assert found.properties == {"v": "s", "w": "s", "on": "1", "p": "1", "q": "1"}
    assert [each.id for each in found.repositories] == ["sr", "central"]
    assert found.active_profiles == ("s", "pom", "on")


# Parents


@pytest.mark.parametrize("where", [None, "../pom.xml", "..", "../other/../pom.xml"])
def test_a_parent_beside(tmp_path: Path, where: str | None) -> None:
    write(tmp_path / "pom.xml", pom("g:root:1", properties(a="1"), packaging="pom"))
    path = write(tmp_path / "app" / "pom.xml", pom(":app", parent("g:root:1", where)))
    found = effective(path)
    assert found.properties == {"a": "1"}
    assert found.lineage == (path, tmp_path / "pom.xml")


@pytest.mark.parametrize("beside", ["g:root:2", "g:other:1"])
def test_another_parent_beside_leaves_it_to_the_repository(
    tmp_path: Path, repository: MavenRepository, beside: str
) -> None:
    write(tmp_path / "pom.xml", pom(beside, properties(a="beside"), packaging="pom"))
    repository.pom("g:root:1", properties(a="stored"), packaging="pom")
    path = write(tmp_path / "app" / "pom.xml", pom(":app", parent("g:root:1")))
    found = effective(path, repository)
    assert found.properties == {"a": "stored"}
    assert any("'parent.relativePath' points at" in text for text in found.warnings) == (
        beside == "g:other:1"
    )


def test_ci_friendly_versions(tmp_path: Path) -> None:
    root = pom("g:root:${revision}", properties(revision="1-SNAPSHOT"), packaging="pom")
    write(tmp_path / "pom.xml", root)
    path = write(tmp_path / "app" / "pom.xml", pom(":app", parent("g:root:${revision}")))
    assert effective(path).version == "1-SNAPSHOT"
    given = Arguments(properties={"revision": "7"})
    found = effective(path, arguments=given)
    assert (found.version, found.final_name) == ("7", "app-7")


def test_a_parent_in_a_range(tmp_path: Path, repository: MavenRepository) -> None:
    for version in ("1.0", "1.5", "2.0"):
        repository.pom(f"g:root:{version}", properties(a=version), packaging="pom")
    path = write(tmp_path / "a" / "pom.xml", pom("g:app:3", parent("g:root:[1,2)", "")))
    assert effective(path, repository).properties == {"a": "1.5"}
    write(path, pom(":app", parent("g:root:[1,2)", "")))
    with pytest.raises(ProjectError, match="Version must be a constant"):
        effective(path, repository)
    write(tmp_path / "pom.xml", pom("g:root:1.2", properties(a="beside"), packaging="pom"))
    write(path, pom("g:app:3", parent("g:root:[1,2)")))
    assert effective(path, repository).properties == {"a": "beside"}


def test_parents_in_a_circle(repository: MavenRepository) -> None:
    repository.pom("g:one:1", parent("g:two:1", ""), packaging="pom")
    repository.pom("g:two:1", parent("g:one:1", ""), packaging="pom")
    assert ": The parents form a cycle: " in rejected(repository, parent("g:one:1", ""))


# What Maven rejects


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            "\n" + dependencies("g:a"),
            "pom.xml, line 6: 'dependencies.dependency.version' for g:a:jar is missing",
        ),
        (
            dependencies("g:a:${no}"),
            (
                "pom.xml, line 5: 'dependencies.dependency.version' for g:a:jar must be a valid "
                "version but is '${no}'"
            ),
        ),
        (
            dependencies("g:a:1/2"),
            (
                "pom.xml, line 5: 'dependencies.dependency.version' for g:a:jar must not contain any "
                'of these characters \\/:"<>|?* but found /'
            ),
        ),
        (
            dependencies("${g}:a:1"),
            (
                "pom.xml, line 5: 'dependencies.dependency.groupId' for ${g}:a:jar with value '${g}' "
                "does not match a valid id pattern"
            ),
        ),
        (
            managed(dependency(":a:1")),
            (
                "pom.xml, line 5: 'dependencyManagement.dependencies.dependency.groupId' for null:a:jar "
                "is missing"
            ),
        ),
        (
            dependencies(dependency("g:a:1", scope="system")),
            "pom.xml, line 5: 'dependencies.dependency.systemPath' for g:a:jar is missing",
        ),
        (
            dependencies(dependency("g:a:1", scope="system", systemPath="lib/a.jar")),
            (
                "pom.xml, line 5: 'dependencies.dependency.systemPath' for g:a:jar must specify an "
                "absolute path but is lib/a.jar"
            ),
        ),
        (
            dependencies(dependency("g:a:1", optional="${maybe}")),
            (
                "pom.xml, line 5: 'dependencies.dependency.optional' for g:a:jar must be 'true' or "
                "'false' but is '${maybe}'"
            ),
        ),
        (
            managed(dependency("g:a", type="pom", scope="import")),
            (
                "pom.xml, line 5: 'dependencyManagement.dependencies.dependency.version' for "
                "g:a:pom is missing"
            ),
        ),
        (
            modules("m"),
            (
                "pom.xml: 'packaging' with value 'jar' is invalid. Aggregator projects require "
                "'pom' as packaging"
            ),
        ),
        (
            "<packaging>odd</packaging>",
            (
                "pom.xml, line 5: Unknown packaging: odd (add the plugin that provides it, with "
                "<extensions>true</extensions>)"
            ),
        ),
        ("<dependancies/>", "pom.xml, line 5: Malformed POM: Unrecognised tag: 'dependancies'"),
        (
            "<name>a</name>\n<name>b</name>",
            "pom.xml, line 6: Malformed POM: Duplicated tag: 'name'",
        ),
        (
            properties(a="${b}", b="${a}"),
            (
                "pom.xml: Resolving expression: '${b}': Detected the following recursive expression "
                "cycle in 'b': [b, a]"
            ),
        ),
        (
            parent("g:app:2"),
            (
                "pom.xml, line 5: 'parent.artifactId' must be changed, the parent element cannot have the "
                "same groupId:artifactId as the project"
            ),
        ),
        (
            parent("g:p:1"),
            (
                "pom.xml, line 5: Non-resolvable parent POM for g:app:1: Could not find artifact "
                "g:p:1 and 'parent.relativePath' points at wrong local POM (write it)"
            ),
        ),
        (
            managed(bom("g:b:1")),
            (
                "pom.xml, line 5: Non-resolvable import POM: Could not find artifact g:b:1 (write it)"
            ),
        ),
    ],
)
def test_what_maven_rejects(repository: MavenRepository, section: str, message: str) -> None:
    assert rejected(repository, section) == message


@pytest.mark.parametrize(
    ("name", "message"),
    [("g::1", "line 4: 'artifactId' is missing"), ("g:a", "line 2: 'version' is missing")],
)
def test_a_project_needs_a_name(repository: MavenRepository, name: str, message: str) -> None:
    assert rejected(repository, name=name) == f"pom.xml, {message}"


def test_every_problem_is_told(repository: MavenRepository) -> None:
    message = rejected(repository, dependencies("g:a", "g:b"))
    assert [line.split(":")[0] for line in message.splitlines()] == ["pom.xml, line 5"] * 2


def test_a_problem_is_told_where_it_was_declared(
    tmp_path: Path, repository: MavenRepository
) -> None:
    stored = repository.pom("g:p:1", dependencies("g:a"), packaging="pom")
    path = write(tmp_path / "pom.xml", pom(":app", parent("g:p:1", "")))
    with pytest.raises(ProjectError) as caught:
        effective(path, repository)
    assert caught.value.message.startswith(f"{stored}, line 5: ")


def test_a_parent_must_be_a_pom(repository: MavenRepository) -> None:
    repository.pom("g:p:1")
    assert rejected(repository, parent("g:p:1", "")).endswith(
        'Invalid packaging for parent POM g:p:1, must be "pom" but is "jar"'
    )


def test_no_project_at_all(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"cannot read .*pom\.xml: No such file"):
        effective(tmp_path / "pom.xml")


def test_a_profile_of_settings_by_a_file_of_the_project(
    tmp_path: Path, repository: MavenRepository
) -> None:
    """It is asked in each project's own directory."""
    write(
        tmp_path / "home" / ".m2" / "settings.xml",
        "<settings><profiles><profile><id>s</id><activation><file><exists>marker</exists></file>"
        "</activation><properties><v>s</v></properties></profile></profiles></settings>",
    )
    builder = Builder(session(tmp_path), repository)
    write(tmp_path / "a" / "marker", "")
    paths = [write(tmp_path / name / "pom.xml", pom(f"g:{name}:1")) for name in "ab"]
    assert [dict(builder.project(path).properties) for path in paths] == [{"v": "s"}, {}]


def test_a_range_of_jdks_that_is_none_is_warned_about(repository: MavenRepository) -> None:
    found = model(repository, profiles(profile("odd", "<jdk>[17x,)</jdk>", properties(p="1"))))
    assert not found.properties
    (warning,) = found.warnings
    assert "<jdk>[17x,)</jdk> of the profile odd is no range of Java versions" in warning


def test_extensions_are_warned_about(repository: MavenRepository) -> None:
    section = "".join(
        f"<extension>{tags(groupId=group, artifactId=artifact)}</extension>"
        for group, artifact in (("kr.motd.maven", "os-maven-plugin"), ("org.x", "odd"))
    )
    found = model(repository, f"<build><extensions>{section}</extensions></build>")
    (warning,) = found.warnings
    assert "uses the Maven extension org.x:odd, which pyjib cannot run" in warning


def test_a_packaging_from_an_extension(repository: MavenRepository) -> None:
    section = "<packaging>odd</packaging>" + build(plugin("p", tags(extensions="true")))
    assert model(repository, section).packaging == "odd"


# POMs of dependencies


@pytest.fixture
def builder(tmp_path: Path, repository: MavenRepository) -> Builder:
    given = Arguments(properties={"v": "user", "on": "1"}, active_profiles=("p",))
    return Builder(session(tmp_path, given), repository)


X = Coordinates("g", "x", "1")


def test_a_descriptor_has_management_applied(repository: MavenRepository, builder: Builder) -> None:
    repository.pom("g:bom:1", managed("g:b:2"), packaging="pom")
    repository.pom("g:up:1", managed(bom("g:bom:1")), dependencies("g:d:1"), packaging="pom")
    repository.pom(
        "g:x:1", parent("g:up:1"), dependencies("g:b", dependency("g:c:1", scope="test"))
    )
    found = builder.descriptor(X)
    assert short(found.dependencies) == ["b:2", "c:1(test)", "d:1"]
    assert [each.id for each in found.repositories] == ["central"]
    assert builder.descriptor(X) is found


def test_what_counts_for_a_descriptor(repository: MavenRepository, builder: Builder) -> None:
    # The user's properties lose to the POM's, and profiles cannot be named.
    repository.pom(
        "g:x:1",
        properties(v="pom"),
        dependencies("g:a:${v}", "g:b:${on}", "g:c:${basedir}"),
        profiles(
            profile("p", "", dependencies("g:p:1")),
            profile("q", "<property><name>on</name></property>", dependencies("g:q:1")),
            profile("j", "<jdk>17</jdk>", dependencies("g:j:1")),
            profile("k", "<jdk>11</jdk>", dependencies("g:k:1")),
        ),
    )
    assert short(builder.descriptor(X).dependencies) == [
        *("a:pom", "b:1", "c:${basedir}", "q:1", "j:1")
    ]


def test_boms_of_dependencies_do_not_hear_the_user(
    repository: MavenRepository, builder: Builder, tmp_path: Path
) -> None:
    repository.pom("g:bom:1", properties(v="bom"), managed("g:a:${v}"), packaging="pom")
    repository.pom("g:x:1", managed(bom("g:bom:1")), dependencies("g:a"))
    assert short(builder.descriptor(X).dependencies) == ["a:bom"]
    path = write(tmp_path / "pom.xml", pom("g:app:1", managed(bom("g:bom:1"))))
    assert short(builder.project(path).dependency_management) == ["a:user"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "the POM of g:x:1 is missing, no dependency information available"),
        (pom("g:x:1", dependencies("g:a:1", "g:b")), "for g:b:jar is missing"),
        (pom("g:x:1", properties(a="${a}"), dependencies("g:a:1")), "cycle in 'a': [a]"),
        ("<project>", "no more data available"),
        (pom("g:x:1", dependencies(":a:1")), "'dependencies.dependency.groupId'"),
    ],
)
def test_a_useless_pom_has_no_dependencies(
    repository: MavenRepository, builder: Builder, text: str | None, problem: str
) -> None:
    if text is not None:
        write(repository.path("g:x:1", "pom"), text)
    found = builder.descriptor(X)
    assert (found.coordinates, found.dependencies) == (X, ())
    assert found.problem is not None
    assert problem in found.problem


@pytest.mark.parametrize(
    "section", [parent("g:missing:1"), managed(bom("g:missing:1")) + dependencies("g:a:1")]
)
def test_a_missing_parent_or_bom_of_a_dependency_is_an_error(
    repository: MavenRepository, builder: Builder, section: str
) -> None:
    repository.pom("g:x:1", section)
    with pytest.raises(DependencyError, match="g:missing:1") as caught:
        builder.descriptor(X)
    assert caught.value.hint == "write it"


def test_unknown_elements_and_versions_are_tolerated_in_a_repository(
    repository: MavenRepository, builder: Builder
) -> None:
    repository.pom("g:x:1", "<odd/>", dependencies(dependency("g:a:${no}", optional="maybe")))
    (found,) = builder.descriptor(X).dependencies
    assert (found.version, found.optional) == ("${no}", False)


def test_relocation_is_not_inherited(repository: MavenRepository, builder: Builder) -> None:
    moved = "<distributionManagement><relocation><groupId>${v}</groupId></relocation></distributionManagement>"
    repository.pom("g:up:1", properties(v="new"), moved, packaging="pom")
    repository.pom("g:x:1", parent("g:up:1"))
    assert builder.descriptor(X).relocation is None
    relocation = builder.descriptor(Coordinates("g", "up", "1")).relocation
    assert relocation is not None
    assert relocation.group == "new"


# Reactors


def test_an_outline_tells_name_and_modules(tmp_path: Path, builder: Builder) -> None:
    root = pom(
        "g:root:${revision}",
        properties(revision="3", more="x"),
        modules("a", "${more}"),
        profiles(profile("p", "", modules("b"))),
        managed(bom("g:missing:1")),
        packaging="pom",
    )
    outline = builder.outline(write(tmp_path / "pom.xml", root))
    assert outline.coordinates == Coordinates("g", "root", "3")
    assert (outline.packaging, outline.modules) == ("pom", ("a", "x", "b"))


def test_a_bom_in_the_same_reactor(tmp_path: Path, builder: Builder) -> None:
    root = pom("g:root:${revision}", properties(revision="3"), packaging="pom")
    write(tmp_path / "pom.xml", root)
    module = pom(":bom", parent("g:root:${revision}"), managed("g:x:2"), packaging="pom")
    listed = write(tmp_path / "bom" / "pom.xml", module)
    app = pom(
        ":app",
        parent("g:root:${revision}"),
        managed(bom("${project.groupId}:bom:${project.version}")),
        dependencies("g:x"),
    )
    path = write(tmp_path / "app" / "pom.xml", app)
    with pytest.raises(DependencyError, match="g:bom:3"):
        builder.project(path)
    builder.know_modules([builder.outline(listed)])
    found = builder.project(path)
    assert short(found.dependencies) == ["x:2"]
    assert listed in found.lineage
