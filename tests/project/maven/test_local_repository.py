"""The local repository: where files are, which snapshot is meant, which versions are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.project.maven.artifact import Artifact, base_version
from pyjib.project.maven.local_repository import LocalRepository
from pyjib.project.maven.model import Coordinates
from tests.support.maven import MavenRepository, tags, write
from tests.support.maven_graph import write_versions

SNAPSHOT = Artifact("t", "s", "1-SNAPSHOT")
FIRST, SECOND = "1-20240102.030405-1", "1-20240103.030405-2"


@pytest.fixture
def written(tmp_path: Path) -> MavenRepository:
    return MavenRepository(tmp_path / "repository")


@pytest.fixture
def repository(written: MavenRepository) -> LocalRepository:
    return LocalRepository(written.root)


def write_snapshot(written: MavenRepository, version: str) -> Path:
    folder = written.root / "t" / "s" / "1-SNAPSHOT"
    return write(folder / f"s-{version}.jar", version)


def write_snapshot_metadata(
    written: MavenRepository, origin: str, updated: str, value: str, *, kind: str = "jar"
) -> None:
    entry = tags(extension=kind, value=value, updated=updated)
    write(
        written.root / "t" / "s" / "1-SNAPSHOT" / f"maven-metadata-{origin}.xml",
        "<metadata><versioning><snapshotVersions><snapshotVersion>"
        f"{entry}</snapshotVersion></snapshotVersions></versioning></metadata>",
    )


class TestFiles:
    def test_a_jar_and_its_pom(self, written: MavenRepository, repository: LocalRepository) -> None:
        jar = written.jar("org.acme:a:1.0")
        found = repository.find(Artifact("org.acme", "a", "1.0"))
        assert found is not None
        assert (found.path, found.name) == (jar, "a-1.0.jar")
        assert repository.find_pom(Coordinates("org.acme", "a", "1.0")) == jar.with_suffix(".pom")

    def test_classifiers_and_extensions(
        self, written: MavenRepository, repository: LocalRepository
    ) -> None:
        path = written.jar("t:a:1", classifier="linux", extension="zip")
        found = repository.find(Artifact("t", "a", "1", "zip", "linux"))
        assert found is not None
        assert (found.path, found.name) == (path, "a-1-linux.zip")
        assert repository.find(Artifact("t", "a", "1", "zip")) is None

    def test_what_is_not_there(self, repository: LocalRepository) -> None:
        assert repository.find(Artifact("t", "a", "1")) is None
        assert repository.find_pom(Coordinates("t", "a", "1")) is None
        assert repository.versions("t", "a") == ()
        assert repository.named_version("t", "a", "LATEST") is None

    def test_the_tail_is_asked_last(self, written: MavenRepository, tmp_path: Path) -> None:
        tail = MavenRepository(tmp_path / "tail")
        first, second = written.jar("t:a:1"), tail.jar("t:b:1")
        tail.jar("t:a:1")
        repository = LocalRepository(written.root, tail.root)
        found = [repository.find(Artifact("t", name, "1")) for name in "ab"]
        assert [file.path for file in found if file] == [first, second]
        assert repository.root == written.root

    @pytest.mark.parametrize("text", ["..", "../../etc", "a/b", "a\\b", "a\0"])
    def test_coordinates_do_not_lead_outside(self, repository: LocalRepository, text: str) -> None:
        for place in ("group", "artifact", "version", "extension", "classifier"):
            assert repository.find(Artifact("t", "a", "1")._replace(**{place: text})) is None


class TestSnapshots:
    def test_installed(self, written: MavenRepository, repository: LocalRepository) -> None:
        path = write_snapshot(written, "1-SNAPSHOT")
        found = repository.find(SNAPSHOT)
        assert found is not None
        assert (found.path, found.name) == (path, "s-1-SNAPSHOT.jar")

    def test_downloaded(self, written: MavenRepository, repository: LocalRepository) -> None:
        path = write_snapshot(written, FIRST)
        write_snapshot_metadata(written, "central", "20240102030405", FIRST)
        found = repository.find(SNAPSHOT)
        assert found is not None
        assert (found.path, found.name) == (path, "s-1-SNAPSHOT.jar")

    def test_the_newest_of_several(
        self, written: MavenRepository, repository: LocalRepository
    ) -> None:
        write_snapshot(written, FIRST)
        second = write_snapshot(written, SECOND)
        write_snapshot_metadata(written, "one", "20240102030405", FIRST)
        write_snapshot_metadata(written, "two", "20240103030405", SECOND)
        found = repository.find(SNAPSHOT)
        assert found is not None
        assert found.path == second

    def test_a_later_install_wins(
        self, written: MavenRepository, repository: LocalRepository
    ) -> None:
        write_snapshot(written, FIRST)
        own = write_snapshot(written, "1-SNAPSHOT")
        write_snapshot_metadata(written, "central", "20240102030405", FIRST)
        write_snapshot_metadata(written, "local", "20240109000000", "1-SNAPSHOT")
        found = repository.find(SNAPSHOT)
        assert found is not None
        assert found.path == own

    def test_the_newest_is_of_the_same_kind(
        self, written: MavenRepository, repository: LocalRepository
    ) -> None:
        own = write_snapshot(written, "1-SNAPSHOT")
        write_snapshot(written, FIRST)
        write_snapshot_metadata(written, "central", "20240102030405", FIRST, kind="zip")
        found = repository.find(SNAPSHOT)
        assert found is not None
        assert found.path == own

    def test_old_metadata(self, written: MavenRepository, repository: LocalRepository) -> None:
        path = write_snapshot(written, FIRST)
        write(
            path.parent / "maven-metadata-old.xml",
            "<metadata><versioning><snapshot><timestamp>20240102.030405</timestamp>"
            "<buildNumber>1</buildNumber></snapshot><lastUpdated>20240102030405</lastUpdated>"
            "</versioning></metadata>",
        )
        found = repository.find(SNAPSHOT)
        assert found is not None
        assert found.path == path

    def test_the_newest_was_never_fetched(
        self, written: MavenRepository, repository: LocalRepository
    ) -> None:
        write_snapshot_metadata(written, "central", "20240102030405", FIRST)
        assert repository.find(SNAPSHOT) is None
        own = write_snapshot(written, "1-SNAPSHOT")
        found = repository.find(SNAPSHOT)
        assert found is not None
        assert found.path == own

    def test_a_time_stamp_asked_for(
        self, written: MavenRepository, repository: LocalRepository
    ) -> None:
        """Maven calls the file by SNAPSHOT all the same."""
        path = write_snapshot(written, FIRST)
        found = repository.find(SNAPSHOT._replace(version=FIRST))
        assert found is not None
        assert (found.path, found.name) == (path, "s-1-SNAPSHOT.jar")

    @pytest.mark.parametrize(
        ("version", "base"),
        [
            ("1", "1"),
            ("1-SNAPSHOT", "1-SNAPSHOT"),
            (FIRST, "1-SNAPSHOT"),
            ("20240102.030405-1", "SNAPSHOT"),
            ("1-2024.030405-1", "1-2024.030405-1"),
        ],
    )
    def test_base_versions(self, version: str, base: str) -> None:
        assert base_version(version) == base


class TestMetadata:
    def test_versions_of_all_files(
        self, written: MavenRepository, repository: LocalRepository
    ) -> None:
        write_versions(written, "a", ["1", "2"])
        write_versions(written, "a", ["2", "3"], origin="central")
        assert sorted(repository.versions("t", "a")) == ["1", "2", "3"]

    def test_folders_do_not_count(
        self, written: MavenRepository, repository: LocalRepository
    ) -> None:
        written.jar("t:a:9")
        assert repository.versions("t", "a") == ()

    def test_named_versions(self, written: MavenRepository, repository: LocalRepository) -> None:
        old = tags(lastUpdated="2023", latest="1", release="1")
        new = tags(lastUpdated="2024", release="2", latest="3-SNAPSHOT")
        write_versions(written, "a", [], origin="old", more=old)
        write_versions(written, "a", [], origin="new", more=new)
        assert repository.named_version("t", "a", "LATEST") == "3-SNAPSHOT"
        assert repository.named_version("t", "a", "RELEASE") == "2"

    def test_damaged_files_are_passed_over(
        self, written: MavenRepository, repository: LocalRepository
    ) -> None:
        write(written.root / "t" / "a" / "maven-metadata-x.xml", "<metadata>")
        write_versions(written, "a", ["1"])
        assert repository.versions("t", "a") == ("1",)


class TestTraces:
    def test_failed_downloads(self, written: MavenRepository, repository: LocalRepository) -> None:
        write(written.root / "t" / "a" / "1" / "a-1.jar.lastUpdated", "#")
        assert repository.has_failed(Artifact("t", "a", "1"))
        assert not repository.has_failed(Artifact("t", "a", "1", "pom"))

    @pytest.mark.parametrize(
        ("lines", "origins"),
        [
            ("a-1.jar>central=\na-1.pom>other=\n", {"central"}),
            ("a-1.jar>central=\na-1.jar>mirror=\n", {"central", "mirror"}),
            ("a-1.jar>=\na-1.jar>central=\n", set()),
            ("#NOTE: internal\n", set()),
        ],
    )
    def test_origins(
        self,
        written: MavenRepository,
        repository: LocalRepository,
        lines: str,
        origins: set[str],
    ) -> None:
        jar = written.jar("t:a:1")
        assert repository.origins(jar) == frozenset()
        write(jar.with_name("_remote.repositories"), lines)
        assert repository.origins(jar) == origins
