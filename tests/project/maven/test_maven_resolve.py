"""Libraries as files: what is missing and who wants it, system scope, names, warnings."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pyjib.errors import DependencyError
from tests.support.maven import MavenRepository, dependency, pom, tags, write
from tests.support.maven_graph import (
    GROUP,
    all_asked,
    all_managed,
    resolve,
    words,
    write_graph,
    write_versions,
)


@pytest.fixture
def repository(tmp_path: Path) -> MavenRepository:
    return MavenRepository(tmp_path / "repository")


def project(tmp_path: Path, *sections: str) -> Path:
    write(tmp_path / "app" / "pom.xml", pom("com.acme:app:1.0", *sections))
    return tmp_path / "app"


def refusal(directory: Path, repository: MavenRepository) -> DependencyError:
    with pytest.raises(DependencyError) as caught:
        resolve(directory, repository)
    return caught.value


def leave_trace(repository: MavenRepository, coordinates: str, extension: str) -> None:
    path = repository.path(coordinates, extension)
    write(path.with_name(f"{path.name}.lastUpdated"), "#")


class TestMissing:
    def test_a_jar(self, repository: MavenRepository, tmp_path: Path) -> None:
        write_graph(repository, {"a": "b", "b": "c"})
        repository.path(f"{GROUP}:c:1", "jar").unlink()
        error = refusal(project(tmp_path, all_asked("a")), repository)
        assert f"not in the local repository {repository.root}" in error.message
        assert "t:c:jar:1 (wanted by com.acme:app:1.0 → t:a:jar:1 → t:b:jar:1)" in error.message
        assert error.hint is not None
        assert "mvn dependency:go-offline" in error.hint
        assert "mvn dependency:get -Dartifact=t:c:1" in error.hint

    def test_several_are_told_at_once(self, repository: MavenRepository, tmp_path: Path) -> None:
        names = [f"a{number}" for number in range(8)]
        for name in names:
            repository.pom(f"{GROUP}:{name}:1")
        error = refusal(project(tmp_path, all_asked(" ".join(names))), repository)
        first, *lines = error.message.splitlines()
        assert first == f"8 libraries are not in the local repository {repository.root}:"
        assert lines[4] == "  t:a4:jar:1 (wanted by com.acme:app:1.0)"
        assert lines[5:] == ["  and 3 more"]
        assert error.hint == "let Maven fetch them: mvn dependency:go-offline"

    @pytest.mark.parametrize(
        ("word", "artifact"),
        [
            ("a%zip", "t:a:1:zip"),
            ("a+linux", "t:a:1:jar:linux"),
            ("a%test-jar", "t:a:1:jar:tests"),
        ],
    )
    def test_the_command_names_the_file(
        self, repository: MavenRepository, tmp_path: Path, word: str, artifact: str
    ) -> None:
        repository.pom(f"{GROUP}:a:1")
        error = refusal(project(tmp_path, all_asked(word)), repository)
        assert error.hint is not None
        assert error.hint.endswith(f"mvn dependency:get -Dartifact={artifact}")

    def test_one_that_maven_did_not_find_either(
        self, repository: MavenRepository, tmp_path: Path
    ) -> None:
        repository.pom(f"{GROUP}:a:1")
        leave_trace(repository, f"{GROUP}:a:1", "jar")
        error = refusal(project(tmp_path, all_asked("a")), repository)
        assert "Maven did not find it either" in error.message

    def test_one_of_another_scope_is_not_needed(
        self, repository: MavenRepository, tmp_path: Path
    ) -> None:
        repository.pom(f"{GROUP}:a:1")
        directory = project(tmp_path, all_asked("a/test a2/provided"))
        repository.pom(f"{GROUP}:a2:1")
        assert resolve(directory, repository).libraries == ()

    def test_a_pom_that_nobody_fetched(self, repository: MavenRepository, tmp_path: Path) -> None:
        """A loser's too: what it asks for could change the others."""
        write_graph(repository, {"a": "b:2"})
        repository.path(f"{GROUP}:b:2", "jar").unlink()
        repository.path(f"{GROUP}:b:2", "pom").unlink()
        repository.jar(f"{GROUP}:b:1")
        error = refusal(project(tmp_path, all_asked("a b")), repository)
        assert "the POM of t:b:2 is not in the local repository" in error.message
        assert error.message.endswith(" (wanted by t:a:jar:1)")
        assert error.hint is not None
        assert "mvn dependency:get -Dartifact=t:b:2:pom" in error.hint

    def test_a_pom_that_is_nowhere(self, repository: MavenRepository, tmp_path: Path) -> None:
        """Maven goes on with the jar alone, and so does pyjib."""
        repository.jar(f"{GROUP}:a:1")
        repository.path(f"{GROUP}:a:1", "pom").unlink()
        leave_trace(repository, f"{GROUP}:a:1", "pom")
        resolution = resolve(project(tmp_path, all_asked("a")), repository)
        assert words(resolution.libraries) == "a"
        (warning,) = resolution.warnings
        assert "the POM of t:a:1 is missing" in warning

    def test_an_invalid_pom_has_no_dependencies(
        self, repository: MavenRepository, tmp_path: Path
    ) -> None:
        write_graph(repository, {"b": ""})
        repository.jar(f"{GROUP}:a:1", all_asked("b c:-"))
        resolution = resolve(project(tmp_path, all_asked("a")), repository)
        assert words(resolution.libraries) == "a"
        (warning,) = resolution.warnings
        assert "the POM of t:a:1 is invalid" in warning

    def test_a_parent_of_a_library(self, repository: MavenRepository, tmp_path: Path) -> None:
        above = f"<parent>{tags(groupId='t', artifactId='above', version='1')}</parent>"
        repository.jar(f"{GROUP}:a:1", above)
        error = refusal(project(tmp_path, all_asked("a")), repository)
        assert (
            "Non-resolvable parent POM for t:a:1: Could not find artifact t:above:pom:1"
            in error.message
        )
        assert "t:a:1, wanted by the project" in error.message


class TestVersions:
    def test_no_version_in_a_range(self, repository: MavenRepository, tmp_path: Path) -> None:
        write_versions(repository, "a", ["1", "2"])
        error = refusal(project(tmp_path, all_asked("a:[3,)")), repository)
        assert "no version of t:a is known that is in [3,)" in error.message

    def test_ranges_that_contradict(self, repository: MavenRepository, tmp_path: Path) -> None:
        write_graph(repository, {"a": "x:[1]", "b": "x:[2]", "x:1": "", "x:2": ""})
        error = refusal(project(tmp_path, all_asked("a b")), repository)
        assert "no version of t:x satisfies all that ask for it: [1], [2]" in error.message
        assert error.hint is not None
        assert "dependencyManagement" in error.hint

    def test_latest_and_release(self, repository: MavenRepository, tmp_path: Path) -> None:
        more = tags(lastUpdated="1", latest="3", release="2")
        write_graph(repository, {"x:2": "", "x:3": "", "y:2": "", "y:3": ""})
        write_versions(repository, "x", ["2", "3"], more=more)
        write_versions(repository, "y", ["2", "3"], more=more)
        directory = project(tmp_path, all_asked("x:LATEST y:RELEASE"))
        assert words(resolve(directory, repository).libraries) == "x:3 y:2"


class TestFiles:
    def test_system_scope(self, repository: MavenRepository, tmp_path: Path) -> None:
        own = write(tmp_path / "lib" / "own.jar", "jar")
        system = dependency(
            "t:own:1", scope="system", systemPath="${project.basedir}/../lib/own.jar"
        )
        directory = project(tmp_path, f"<dependencies>{system}</dependencies>")
        (library,) = resolve(directory, repository).libraries
        assert (library.path.resolve(), library.name) == (own, "own.jar")
        assert library.scope == "system"
        own.unlink()
        error = refusal(directory, repository)
        assert "t:own:jar:1 is in scope system" in error.message

    def test_snapshots_have_their_maven_name(
        self, repository: MavenRepository, tmp_path: Path
    ) -> None:
        folder = repository.root / "t" / "s" / "1-SNAPSHOT"
        stamp = "1-20240102.030405-1"
        jar = write(folder / f"s-{stamp}.jar", "jar")
        write(folder / f"s-{stamp}.pom", pom("t:s:1-SNAPSHOT"))
        directory = project(tmp_path, all_asked(f"s:{stamp}"))
        (library,) = resolve(directory, repository).libraries
        assert (library.path, library.name) == (jar, "s-1-SNAPSHOT.jar")
        assert library.artifact.is_snapshot

    def test_managed_system_scope(self, repository: MavenRepository, tmp_path: Path) -> None:
        own = write(tmp_path / "own.jar", "jar")
        write_graph(repository, {"a": "x"})
        system = dependency("t:x:1", scope="system", systemPath=str(own))
        managed = (
            f"<dependencyManagement><dependencies>{system}</dependencies></dependencyManagement>"
        )
        resolution = resolve(project(tmp_path, all_asked("a"), managed), repository)
        assert words(resolution.libraries) == "a x/system"
        assert resolution.libraries[1].path == own

    def test_files_of_other_repositories_are_used_and_told(
        self, repository: MavenRepository, tmp_path: Path
    ) -> None:
        write_graph(repository, {"a": "", "b": ""})
        for name, origin in (("a", "elsewhere"), ("b", "central")):
            tracking = repository.path(f"{GROUP}:{name}:1", "jar").with_name("_remote.repositories")
            write(tracking, f"{name}-1.jar>{origin}=\n")
        resolution = resolve(project(tmp_path, all_asked("a b")), repository)
        assert words(resolution.libraries) == "a b"
        (warning,) = resolution.warnings
        assert "1 files of the local repository" in warning
        assert "from elsewhere" in warning


class TestGraphs:
    def test_a_cycle_of_relocations(self, repository: MavenRepository, tmp_path: Path) -> None:
        for name, other in (("a", "b"), ("b", "a")):
            moved = f"<relocation>{tags(artifactId=other)}</relocation>"
            repository.jar(
                f"{GROUP}:{name}:1", f"<distributionManagement>{moved}</distributionManagement>"
            )
        resolution = resolve(project(tmp_path, all_asked("a")), repository)
        assert words(resolution.libraries) == "a"
        (warning,) = resolution.warnings
        assert "form a cycle" in warning

    def test_management_of_two_types_of_one_file(
        self, repository: MavenRepository, tmp_path: Path
    ) -> None:
        write_graph(repository, {"a": "x y", "x:2": "y", "x:3": ""})
        managed = all_managed("x:2 x:3%ejb!y")
        resolution = resolve(project(tmp_path, all_asked("a!y"), managed), repository)
        assert words(resolution.libraries) == "a x:2"

    def test_a_deep_chain(self, repository: MavenRepository, tmp_path: Path) -> None:
        graph = {f"a{depth}": f"a{depth + 1}" for depth in range(100)}
        write_graph(repository, graph)
        resolution = resolve(project(tmp_path, all_asked("a0")), repository)
        assert len(resolution.libraries) == 101

    def test_a_chain_that_is_too_deep(self, repository: MavenRepository, tmp_path: Path) -> None:
        graph = {f"a{depth}": f"a{depth + 1}" for depth in range(sys.getrecursionlimit())}
        write_graph(repository, graph)
        with pytest.raises(DependencyError, match=r"more than \d+ artifacts: t:a0:jar:1 → "):
            resolve(project(tmp_path, all_asked("a0")), repository)

    def test_a_graph_with_many_paths(self, repository: MavenRepository, tmp_path: Path) -> None:
        """2^30 paths lead to the end: without sharing nobody would ever get there."""
        graph = {
            f"{side}{depth}": f"a{depth + 1} b{depth + 1}" for depth in range(30) for side in "ab"
        }
        write_graph(repository, graph)
        resolution = resolve(project(tmp_path, all_asked("a0 b0")), repository)
        assert len(resolution.libraries) == 62
