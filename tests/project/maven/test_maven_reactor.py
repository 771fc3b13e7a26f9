"""Modules of one build: which file of theirs is meant, and where that depends on."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.errors import DependencyError
from pyjib.project.maven.command_line import MavenScope
from pyjib.project.maven.resolve import Library, Resolution
from tests.support.maven import MavenRepository, bom, build, managed, modules, parent, pom, write
from tests.support.maven_graph import all_asked, resolve, words, write_graph

VERSION = "1-SNAPSHOT"


@pytest.fixture
def repository(tmp_path: Path) -> MavenRepository:
    return MavenRepository(tmp_path / "repository")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A build of ``lib`` and, which depends on it, ``apps/app``."""
    directory = tmp_path / "build"
    write(directory / "pom.xml", pom(f"t:root:{VERSION}", modules("lib", "apps"), packaging="pom"))
    above = parent(f"t:root:{VERSION}")
    write(
        directory / "lib" / "pom.xml",
        pom(":lib", above, build(finalName="my-${project.artifactId}"), all_asked("x")),
    )
    write(
        directory / "apps" / "pom.xml",
        pom(":apps", above, modules("app"), packaging="pom"),
    )
    write(
        directory / "apps" / "app" / "pom.xml",
        pom(":app", parent(f"t:apps:{VERSION}"), all_asked(f"lib:{VERSION} y")),
    )
    return directory


@pytest.fixture
def app(root: Path, repository: MavenRepository) -> Path:
    write_graph(repository, {"x": "", "y": ""})
    return root / "apps" / "app"


def package(root: Path, name: str = "my-lib.jar") -> Path:
    return write(root / "lib" / "target" / name, "jar")


def library(resolution: Resolution, name: str = "lib") -> Library:
    return next(found for found in resolution.libraries if found.artifact.artifact == name)


class TestInTheReactor:
    def test_a_packaged_module(self, app: Path, root: Path, repository: MavenRepository) -> None:
        jar = package(root)
        resolution = resolve(app, repository)
        assert words(resolution.libraries) == f"lib:{VERSION} x y"
        found = library(resolution)
        assert (found.path, found.name, found.is_module) == (jar, "my-lib.jar", True)
        assert not resolution.warnings

    def test_one_that_is_installed_only(
        self, app: Path, root: Path, repository: MavenRepository
    ) -> None:
        """As bare ``mvn jib:build`` has it: a file of the repository, not of the build."""
        jar = repository.jar(f"t:lib:{VERSION}", all_asked("never"))
        resolution = resolve(app, repository)
        assert words(resolution.libraries) == f"lib:{VERSION} x y"
        found = library(resolution)
        assert (found.path, found.name, found.is_module) == (jar, jar.name, False)
        (warning,) = resolution.warnings
        assert "my-lib.jar is not there" in warning

    def test_one_that_is_nowhere(self, app: Path, repository: MavenRepository) -> None:
        with pytest.raises(DependencyError) as caught:
            resolve(app, repository)
        assert f"t:lib:{VERSION} is a module of the same build" in caught.value.message
        assert caught.value.hint == "package it first: mvn package -pl :lib -am"

    def test_one_that_a_range_means(
        self, app: Path, root: Path, repository: MavenRepository
    ) -> None:
        """The repository need not know any version of it, as in Maven."""
        above = parent(f"t:apps:{VERSION}")
        write(app / "pom.xml", pom(":app", above, all_asked("lib:[1-SNAPSHOT,2)")))
        package(root)
        assert words(resolve(app, repository).libraries) == f"lib:{VERSION} x"

    def test_another_version_is_no_module(
        self, app: Path, root: Path, repository: MavenRepository
    ) -> None:
        package(root)
        write_graph(repository, {"lib:3": ""})
        text = pom(":app", parent(f"t:apps:{VERSION}"), all_asked("lib:3"))
        write(app / "pom.xml", text)
        assert not library(resolve(app, repository)).is_module

    def test_classifiers_are_files_of_the_build_and_no_project_artifacts(
        self, app: Path, root: Path, repository: MavenRepository
    ) -> None:
        """Jib compares them with the module's own artifact, and they differ."""
        package(root)
        tests = package(root, "my-lib-tests.jar")
        text = pom(":app", parent(f"t:apps:{VERSION}"), all_asked(f"lib:{VERSION}%test-jar"))
        write(app / "pom.xml", text)
        found = library(resolve(app, repository))
        assert (found.path, found.name, found.is_module) == (tests, "my-lib-tests.jar", False)

    def test_a_pom_module(self, app: Path, root: Path, repository: MavenRepository) -> None:
        text = pom(":app", parent(f"t:apps:{VERSION}"), all_asked(f"apps:{VERSION}%pom"))
        write(app / "pom.xml", text)
        found = library(resolve(app, repository), "apps")
        assert (found.path, found.name) == (root / "apps" / "pom.xml", "pom.xml")
        assert not found.is_module

    def test_another_packaging_is_no_project_artifact(
        self, app: Path, root: Path, repository: MavenRepository
    ) -> None:
        package(root)
        text = pom(":lib", parent(f"t:root:{VERSION}"), build(finalName="my-lib"), packaging="ejb")
        write(root / "lib" / "pom.xml", text)
        assert not library(resolve(app, repository)).is_module

    def test_a_bom_module(self, app: Path, root: Path, repository: MavenRepository) -> None:
        listed = modules("lib", "apps", "bom")
        write(root / "pom.xml", pom(f"t:root:{VERSION}", listed, packaging="pom"))
        above = parent(f"t:root:{VERSION}")
        write(root / "bom" / "pom.xml", pom(":bom", above, managed("t:x:7"), packaging="pom"))
        imported = managed(bom(f"t:bom:{VERSION}"))
        text = pom(":app", parent(f"t:apps:{VERSION}"), imported, all_asked("x:-"))
        write(app / "pom.xml", text)
        write_graph(repository, {"x:7": ""})
        assert words(resolve(app, repository).libraries) == "x:7"


class TestScope:
    def test_a_module_alone_sees_the_repository(
        self, app: Path, root: Path, repository: MavenRepository
    ) -> None:
        package(root)
        repository.pom(f"t:root:{VERSION}", packaging="pom")
        jar = repository.jar(f"t:lib:{VERSION}", all_asked("y"))
        resolution = resolve(app, repository, scope=MavenScope.MODULE)
        assert words(resolution.libraries) == f"lib:{VERSION} y"
        assert library(resolution).path == jar

    def test_folders_without_a_pom_lie_between(
        self, tmp_path: Path, repository: MavenRepository
    ) -> None:
        listed = modules("libs/lib", "./apps/web/pom.xml")
        write(tmp_path / "b" / "pom.xml", pom("t:root:1", listed, packaging="pom"))
        write(tmp_path / "b" / "libs" / "lib" / "pom.xml", pom("t:lib:1"))
        jar = write(tmp_path / "b" / "libs" / "lib" / "target" / "lib-1.jar", "jar")
        app = tmp_path / "b" / "apps" / "web"
        write(app / "pom.xml", pom("t:web:1", all_asked("lib")))
        assert library(resolve(app, repository)).path == jar

    def test_a_pom_above_that_lists_others(
        self, tmp_path: Path, repository: MavenRepository
    ) -> None:
        write(tmp_path / "b" / "pom.xml", pom("t:root:1", modules("lib"), packaging="pom"))
        write(tmp_path / "b" / "lib" / "pom.xml", pom("t:lib:1"))
        write(tmp_path / "b" / "app" / "pom.xml", pom("t:app:1", all_asked("lib")))
        jar = repository.jar("t:lib:1")
        assert library(resolve(tmp_path / "b" / "app", repository)).path == jar

    def test_modules_that_lie_beside(self, tmp_path: Path, repository: MavenRepository) -> None:
        above = tmp_path / "b" / "pom.xml"
        write(above, pom("t:root:1", modules("app", "app/../lib"), packaging="pom"))
        write(tmp_path / "b" / "lib" / "pom.xml", pom("t:lib:1"))
        jar = write(tmp_path / "b" / "lib" / "target" / "lib-1.jar", "jar")
        write(tmp_path / "b" / "app" / "pom.xml", pom("t:app:1", all_asked("lib")))
        assert library(resolve(tmp_path / "b" / "app", repository)).path == jar
