from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.maven import (
    MavenRepository,
    build,
    dependencies,
    dependency,
    effective,
    managed,
    modules,
    parent,
    pom,
    profile,
    profiles,
    properties,
    short,
    tags,
    write,
)

PARENT = "g:parent:1"


@pytest.fixture
def repository(tmp_path: Path) -> MavenRepository:
    return MavenRepository(tmp_path / "repository")


def child(repository: MavenRepository, parents: str, own: str, *, name: str = ":app"):
    """Return the effective model of a child whose parent says ``parents``."""
    repository.pom(PARENT, parents, packaging="pom")
    path = repository.root.parent / "app" / "pom.xml"
    return effective(write(path, pom(name, parent(PARENT, ""), own)), repository)


def test_the_childs_list_comes_first_and_its_element_is_whole(repository: MavenRepository) -> None:
    # Vector 20.
    model = child(
        repository,
        dependencies("g:d:1", dependency("g:x:1", scope="runtime", exclude=["g:y"])),
        dependencies("g:c:1", "g:x:3"),
    )
    assert short(model.dependencies) == ["c:1", "x:3", "d:1"]
    assert not model.dependencies[1].exclusions


def test_keys_are_compared_before_interpolation(repository: MavenRepository) -> None:
    # Vector 27: two entries, for collection to meet as siblings.
    model = child(
        repository,
        dependencies("${project.groupId}:x:3"),
        dependencies("g:x:1", "g:c:1"),
    )
    assert short(model.dependencies) == ["x:1", "c:1", "x:3"]


def test_the_last_of_two_duplicates_wins_at_the_place_of_the_first(tmp_path: Path) -> None:
    # Vector 24.
    found = dependencies("g:x:1", "g:c:1", dependency("g:x:3", scope="runtime"))
    model = effective(write(tmp_path / "pom.xml", pom("g:app:1", found)))
    assert short(model.dependencies) == ["x:3(runtime)", "c:1"]


def test_types_and_classifiers_are_keys_of_their_own(tmp_path: Path) -> None:
    found = dependencies(
        dependency("g:x:1"),
        dependency("g:x:2", type="test-jar"),
        dependency("g:x:3", classifier="c"),
    )
    model = effective(write(tmp_path / "pom.xml", pom("g:app:1", found)))
    assert short(model.dependencies) == ["x:1", "x:2", "x:3"]


@pytest.mark.parametrize(
    ("parents", "own", "expected"),
    [
        (properties(a="1", b="1"), properties(b="2"), {"a": "1", "b": "2"}),
        (properties({"project.directory": "x", "a": "1"}), "", {"a": "1"}),
    ],
)
def test_properties(
    repository: MavenRepository, parents: str, own: str, expected: dict[str, str]
) -> None:
    assert child(repository, parents, own).properties == expected


def test_what_is_never_inherited(repository: MavenRepository) -> None:
    model = child(
        repository,
        modules("m")
        + tags(name="parent")
        + profiles(profile("p", "<activeByDefault>true</activeByDefault>", properties(p="1"))),
        "",
    )
    assert (model.modules, model.packaging, model.artifact) == ((), "jar", "app")
    assert "name" not in model.facts
    assert model.properties == {"p": "1"}  # the profile itself acted on the parent


def test_build_values(repository: MavenRepository) -> None:
    model = child(
        repository,
        build(finalName="${project.artifactId}-x", directory="out", outputDirectory="o"),
        build(outputDirectory="${project.build.directory}/c"),
    )
    assert model.final_name == "app-x"
    assert model.build_directory == model.basedir / "out"
    assert model.output_directory == model.basedir / "out" / "c"


def test_the_super_pom(repository: MavenRepository) -> None:
    model = child(repository, "", "")
    assert model.final_name == "app-1"
    assert model.build_directory == model.basedir / "target"
    assert model.output_directory == model.basedir / "target" / "classes"
    (central,) = model.repositories
    assert (central.id, central.url, central.snapshots.enabled) == ("central", "", False)


def repositories(*names: str) -> str:
    found = "".join(
        f"<repository>{tags(id=name, url='${project.artifactId}')}</repository>" for name in names
    )
    return f"<repositories>{found}</repositories>"


def test_repositories_are_asked_childs_first(repository: MavenRepository) -> None:
    model = child(
        repository,
        repositories("a", "b"),
        repositories("c", "a")
        + profiles(profile("p", "<activeByDefault>true</activeByDefault>", repositories("d"))),
    )
    assert [found.id for found in model.repositories] == ["d", "c", "a", "b", "central"]
    assert model.repositories[0].url == "app"


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("", {"url": "http://x/app", "scm.tag": "v1", "scm.url": "http://s/app/"}),
        ("<scm><connection>c</connection></scm>", {"scm.tag": "HEAD", "scm.connection": "c"}),
        ("<url>own</url><organization/>", {"url": "own", "organization.name": None}),
    ],
)
def test_texts(repository: MavenRepository, own: str, expected: dict[str, str | None]) -> None:
    model = child(
        repository,
        "<url>http://x</url><scm><url>http://s/</url><tag>v1</tag></scm>"
        "<organization><name>o</name></organization>",
        own,
    )
    assert {name: model.facts.get(name) for name in expected} == expected


def test_the_folders_of_modules_are_part_of_addresses(repository: MavenRepository) -> None:
    model = child(repository, "<url>http://x</url>" + modules("all/app"), "")
    assert model.facts["url"] == "http://x/all/app"


def test_a_profile_replaces_in_place_and_appends(tmp_path: Path) -> None:
    section = profiles(
        profile(
            "p",
            "<activeByDefault>true</activeByDefault>",
            dependencies("g:b:2", "g:d:2"),
            managed("g:m:2"),
            modules("two"),
            build(finalName="f"),
            properties(a="2"),
        )
    )
    text = pom(
        "g:app:1",
        dependencies("g:a:1", "g:b:1", "g:c:1"),
        managed("g:m:1", "g:n:1"),
        modules("one"),
        properties(a="1", b="1"),
        section,
        packaging="pom",
    )
    model = effective(write(tmp_path / "pom.xml", text))
    assert short(model.dependencies) == ["a:1", "b:2", "c:1", "d:2"]
    assert short(model.dependency_management) == ["m:2", "n:1"]
    assert model.modules == ("one", "two")
    assert (model.final_name, model.properties) == ("f", {"a": "2", "b": "1"})
    assert model.active_profiles == ("p",)


def test_each_pom_of_the_lineage_decides_alone_on_defaults(repository: MavenRepository) -> None:
    model = child(
        repository,
        profiles(profile("p", "<activeByDefault>true</activeByDefault>", properties(p="1"))),
        profiles(
            profile("c", "<activeByDefault>true</activeByDefault>", properties(c="1")),
            profile("on", "<jdk>17</jdk>", properties(on="1")),
        ),
    )
    assert model.properties == {"p": "1", "on": "1"}
