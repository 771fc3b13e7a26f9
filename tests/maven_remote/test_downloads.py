"""What the local repository lacks comes from remote ones: over real sockets, checked, whole."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from pyjib.cancellation import Cancellation
from pyjib.configure import Configured, MavenChoice, configure
from pyjib.errors import CancelledError, ConfigurationError, DependencyError, PyjibError
from pyjib.events import Event, LibraryFetched, RetryScheduled, Warned
from pyjib.files import is_partial
from pyjib.jib.to_options import Given
from pyjib.maven_remote import open_downloads
from pyjib.oci.instant import Instant
from pyjib.options import BuildOptions, HostEnvironment, RegistryOptions
from pyjib.project.maven.artifact import Artifact
from pyjib.project.maven.command_line import Arguments
from pyjib.project.maven.model import Repository
from pyjib.project.maven.remote import parse_repository
from pyjib.project.maven.session import start_session
from pyjib.project.model import Project
from tests.support.maven import (
    bom,
    dependencies,
    dependency,
    managed,
    modules,
    parent,
    pom,
    properties,
    write,
)
from tests.support.maven_graph import all_asked
from tests.support.maven_server import MavenServer, cut, path_of, redirect
from tests.support.projects import main_class
from tests.support.silence import silent_server

NOON = Instant.of_seconds(1_700_000_000)
DAY = 86_400


@pytest.fixture
def server() -> Iterator[MavenServer]:
    with MavenServer() as running:
        yield running


@pytest.fixture
def other() -> Iterator[MavenServer]:
    with MavenServer() as running:
        yield running


class App:
    """A compiled project with a home of its own; ``read`` does what ``pyjib plan`` does."""

    def __init__(self, root: Path) -> None:
        self.root, self.home = root / "app", root / "home"
        self.repository = self.home / ".m2" / "repository"
        self.events: list[Event] = []
        self.variables: dict[str, str] = {}
        classes = self.root / "target" / "classes" / "com" / "example"
        classes.mkdir(parents=True)
        (classes / "Main.class").write_bytes(main_class())

    def pom(self, *sections: str) -> None:
        write(self.root / "pom.xml", pom("t:app:1", *sections))

    def settings(self, text: str) -> None:
        write(self.home / ".m2" / "settings.xml", f"<settings>{text}</settings>")

    def configure(
        self,
        *urls: str,
        offline: bool = False,
        now: Instant | None = NOON,
        attempts: int = 1,
        cancellation: Cancellation | None = None,
    ) -> Configured:
        host = HostEnvironment.of(self.variables, self.home)
        options = BuildOptions(host=host, registry=RegistryOptions(attempts=attempts))
        choice = MavenChoice(
            arguments=Arguments(offline=offline),
            repositories=tuple(map(parse_repository, urls)),
        )
        given = Given(options=options, now=now)
        return configure(
            self.root, given, choice, listener=self.events.append, cancellation=cancellation
        )

    def read(self, *urls: str, **more: object) -> Project:
        configured = self.configure(*urls, **more)  # type: ignore[arg-type]
        assert configured.read is not None
        project = configured.read()
        assert isinstance(project, Project)
        return project

    def names(self, *urls: str, **more: object) -> list[str]:
        return [library.name for library in self.read(*urls, **more).dependencies]

    def refusal(self, *urls: str, **more: object) -> PyjibError:
        with pytest.raises(PyjibError) as caught:
            self.read(*urls, **more)
        return caught.value

    def file(self, coordinates: str, extension: str = "jar") -> Path:
        return self.repository / path_of(coordinates, extension)

    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]

    def leftovers(self) -> list[Path]:
        return [path for path in self.repository.rglob("*") if path.is_file()]


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


def repositories(*found: tuple[str, str], policy: str = "") -> str:
    listed = "".join(
        f"<repository><id>{name}</id><url>{url}</url>{policy}</repository>" for name, url in found
    )
    return f"<repositories>{listed}</repositories>"


class TestFiles:
    def test_everything_that_is_missing(self, app: App, server: MavenServer) -> None:
        """Parents, BOMs, jars and POMs; relocations are followed."""
        server.publish("t:up:1", properties(x="2"), jar=None, packaging="pom")
        server.publish("t:bom:1", managed("t:x:${v}"), properties(v="2"), jar=None, packaging="pom")
        server.publish("t:x:2", all_asked("y old"))
        server.publish("t:y:1")
        moved = (
            "<distributionManagement><relocation><artifactId>new</artifactId></relocation>"
            "</distributionManagement>"
        )
        server.publish("t:old:1", moved, jar=None)
        server.publish("t:new:1")
        app.pom(parent("t:up:1", ""), managed(bom("t:bom:1")), dependencies("t:x"))
        assert app.names(server.url) == ["x-2.jar", "y-1.jar", "new-1.jar"]
        assert app.file("t:x:2").read_bytes() == b"jar"
        fetched = [event.name for event in app.events if isinstance(event, LibraryFetched)]
        assert sorted(fetched) == sorted(Path(path).name for path in set(server.journal))

    def test_as_maven_would_put_it(self, app: App, server: MavenServer) -> None:
        server.publish("t:x:1")
        app.pom(dependencies("t:x:1"))
        app.read(f"mine={server.url}")
        folder = app.file("t:x:1").parent
        noted = (folder / "_remote.repositories").read_text().splitlines()
        assert sorted(noted[1:]) == ["x-1.jar>mine=", "x-1.pom>mine="]
        assert noted[0].startswith("#")
        assert (folder / "x-1.jar.sha1").read_text() == hashlib.sha1(b"jar").hexdigest()
        assert sorted(path.name for path in folder.iterdir()) == [
            *("_remote.repositories", "x-1.jar", "x-1.jar.sha1", "x-1.pom", "x-1.pom.sha1"),
        ]

    def test_nothing_is_asked_for_what_is_there(self, app: App, server: MavenServer) -> None:
        server.publish("t:x:1")
        app.pom(dependencies("t:x:1"))
        app.read(server.url)
        asked = len(server.asked)
        app.read(server.url)
        assert len(server.asked) == asked

    def test_a_url_alone_is_mavens_own_repository(self, app: App, server: MavenServer) -> None:
        server.publish("t:x:1")
        app.pom(dependencies("t:x:1"))
        assert not app.read(server.url).warnings
        assert "x-1.jar>central=" in (app.file("t:x:1").parent / "_remote.repositories").read_text()

    def test_repositories_of_poms_and_their_parents(
        self, app: App, server: MavenServer, other: MavenServer
    ) -> None:
        server.publish("t:up:1", repositories(("second", other.url)), jar=None, packaging="pom")
        other.publish("t:x:1")
        app.pom(parent("t:up:1", ""), repositories(("first", server.url)), dependencies("t:x:1"))
        assert app.names() == ["x-1.jar"]
        assert path_of("t:x:1") in server.journal

    def test_repositories_of_dependencies_are_not_asked(
        self, app: App, server: MavenServer, other: MavenServer
    ) -> None:
        server.publish("t:x:1", repositories(("far", other.url)), all_asked("y"))
        other.publish("t:y:1")
        app.pom(dependencies("t:x:1"))
        error = app.refusal(server.url)
        assert "t:y" in error.message
        assert f"are not asked: far={other.url}" in (error.hint or "")
        assert not other.asked

    @pytest.mark.parametrize(
        ("missing", "hint"),
        [
            ("t:lib:1", "package it first: mvn package -pl :lib -am"),
            (
                dependency("t:own:1", scope="system", systemPath="${basedir}/own.jar"),
                "put the file where systemPath in the pom says",
            ),
        ],
        ids=["module", "scope system"],
    )
    def test_what_no_repository_has_is_missed_in_none(
        self, app: App, server: MavenServer, other: MavenServer, missing: str, hint: str
    ) -> None:
        server.publish("t:x:1", repositories(("far", other.url)))
        app.pom(dependencies("t:x:1", missing))
        above = app.root.parent
        write(above / "lib" / "pom.xml", pom("t:lib:1"))
        write(above / "pom.xml", pom("t:top:1", modules("app", "lib"), packaging="pom"))
        told = app.refusal(server.url).hint
        assert told is not None
        assert told.startswith(hint)
        assert "are not asked" not in told

    def test_a_profile_of_settings(self, app: App, server: MavenServer) -> None:
        server.publish("t:x:1")
        app.settings(
            f"<profiles><profile><id>p</id>{repositories(('s', server.url))}</profile></profiles>"
            "<activeProfiles><activeProfile>p</activeProfile></activeProfiles>"
        )
        app.pom(dependencies("t:x:1"))
        assert app.names() == ["x-1.jar"]

    def test_a_directory(self, app: App, tmp_path: Path, server: MavenServer) -> None:
        server.publish("t:x:1")
        for name, data in server.files.items():
            write(tmp_path / "files" / name, data.decode())
        app.pom(dependencies("t:x:1"))
        assert app.names((tmp_path / "files").as_uri()) == ["x-1.jar"]

    def test_the_next_repository_is_asked(
        self, app: App, server: MavenServer, other: MavenServer
    ) -> None:
        other.publish("t:x:1")
        app.pom(dependencies("t:x:1"))
        assert app.names(f"a={server.url}", f"b={other.url}") == ["x-1.jar"]

    def test_releases_and_snapshots_by_policy(self, app: App, server: MavenServer) -> None:
        server.publish("t:x:1")
        policy = "<releases><enabled>false</enabled></releases>"
        app.pom(repositories(("a", server.url), policy=policy), dependencies("t:x:1"))
        app.refusal()
        assert not server.asked


class TestWhatIsMissing:
    def test_everywhere(self, app: App, server: MavenServer, other: MavenServer) -> None:
        server.publish("t:x:1", jar=None)
        app.pom(dependencies("t:x:1"))
        error = app.refusal(f"central={server.url}", f"b={other.url}")
        assert isinstance(error, DependencyError)
        assert (
            f"Could not find artifact t:x:jar:1 in central ({server.url}), b ({other.url})"
            in error.message
        )

    def test_a_pom_that_nobody_has_is_no_error(self, app: App, server: MavenServer) -> None:
        """As in Maven: the jar is used, with a warning."""
        server.put(path_of("t:x:1"), b"jar")
        app.pom(dependencies("t:x:1"))
        (warning,) = app.read(server.url).warnings
        assert "the POM of t:x:1 is missing" in warning.message

    def test_maven_itself_names_no_address(self, app: App) -> None:
        app.pom(dependencies("t:x:1"))
        error = app.refusal()
        assert "t:x" in error.message
        assert "--maven-repository URL" in (error.hint or "")

    def test_central_is_told_to_have_none(self, app: App, server: MavenServer) -> None:
        app.pom(repositories(("a", server.url)), dependencies("t:x:1"))
        error = app.refusal()
        assert "Maven's own repository was not asked, for it has no address here" in error.message
        assert error.hint is not None
        assert "--maven-repository URL" in error.hint

    def test_a_parent(self, app: App, server: MavenServer) -> None:
        write(app.root / "pom.xml", pom("t:app:1", "<!--jib-maven-plugin-->", parent("t:up:1", "")))
        error = app.refusal(server.url)
        assert (
            f"Non-resolvable parent POM for t:app:1: Could not find artifact t:up:pom:1 in central "
            f"({server.url}) and 'parent.relativePath' points at no local POM" in error.message
        )

    def test_offline(self, app: App, server: MavenServer) -> None:
        server.publish("t:x:1")
        app.pom(repositories(("a", server.url)), dependencies("t:x:1"))
        error = app.refusal(server.url, offline=True)
        assert "--offline" in (error.hint or "")
        app.settings("<offline>true</offline>")
        app.refusal(server.url)
        app.settings("")
        write(app.root / ".mvn" / "maven.config", "-o\n")
        app.refusal(server.url)
        assert not server.asked


class TestChecksums:
    @pytest.mark.parametrize("name", ["sha1", "md5", "sha256", "sha512"])
    def test_a_wrong_one(self, app: App, server: MavenServer, name: str) -> None:
        server.checksums = (name,)
        server.publish("t:x:1")
        server.files[path_of("t:x:1")] = b"other"
        app.pom(dependencies("t:x:1"))
        error = app.refusal(server.url)
        stated, actual = (hashlib.new(name, data).hexdigest() for data in (b"jar", b"other"))
        assert f"t:x:jar:1 from/to central ({server.url})" in error.message
        assert f"expected {stated} ({name}) but is {actual}" in error.message
        assert not app.file("t:x:1").exists()
        assert not [path for path in app.leftovers() if is_partial(path)]

    def test_in_headers(self, app: App, server: MavenServer) -> None:
        server.checksums = ()
        server.publish("t:x:1")
        server.headers["X-Checksum-SHA1"] = "0" * 40
        app.pom(dependencies("t:x:1"))
        assert "Checksum validation failed" in app.refusal(server.url).message

    @pytest.mark.parametrize("text", ["{} *x-1.jar", "SHA1(x-1.jar)= {}", "\n{}\n", "{}  x-1.jar"])
    def test_the_forms_of_files(self, app: App, server: MavenServer, text: str) -> None:
        server.publish("t:x:1")
        path = f"{path_of('t:x:1')}.sha1"
        server.files[path] = text.format(server.files[path].decode().upper()).encode()
        app.pom(dependencies("t:x:1"))
        assert app.names(server.url) == ["x-1.jar"]
        assert not app.warnings()

    def test_none(self, app: App, server: MavenServer) -> None:
        server.checksums = ()
        server.publish("t:x:1")
        app.pom(dependencies("t:x:1"))
        assert app.names(server.url) == ["x-1.jar"]
        assert len([text for text in app.warnings() if "no checksums available" in text]) == 2

    @pytest.mark.parametrize(
        ("policy", "accepted"), [("ignore", True), ("warn", True), ("fail", False)]
    )
    def test_policies(self, app: App, server: MavenServer, policy: str, accepted: bool) -> None:
        server.publish("t:x:1")
        server.files[path_of("t:x:1")] = b"other"
        told = f"<releases><checksumPolicy>{policy}</checksumPolicy></releases>"
        app.pom(repositories(("a", server.url), policy=told), dependencies("t:x:1"))
        if accepted:
            assert app.names() == ["x-1.jar"]
            assert bool(app.warnings()) == (policy == "warn")
        else:
            assert "Checksum validation failed" in app.refusal().message


class TestVersions:
    def test_a_range(self, app: App, server: MavenServer) -> None:
        server.publish_versions("t:x", "1", "1.5", "2")
        server.publish("t:x:1.5")
        server.publish("t:x:1")
        app.pom(dependencies("t:x:[1,2)"))
        assert app.names(f"a={server.url}") == ["x-1.5.jar"]
        assert (app.repository / "t" / "x" / "maven-metadata-a.xml").is_file()

    def test_metadata_are_asked_for_daily(self, app: App, server: MavenServer) -> None:
        server.publish_versions("t:x", "1")
        server.publish("t:x:1")
        server.publish("t:x:2")
        app.pom(dependencies("t:x:[1,)"))
        assert app.names(server.url) == ["x-1.jar"]
        server.publish_versions("t:x", "1", "2")
        assert app.names(server.url) == ["x-1.jar"]
        later = Instant.of_seconds(NOON.seconds + DAY)
        assert app.names(server.url, now=later) == ["x-2.jar"]

    def test_update_policies(self, app: App, server: MavenServer) -> None:
        server.publish("t:x:1")
        server.publish("t:x:2")
        for policy, after, expected in (
            ("never", DAY * 9, "1"),
            ("interval:60", 3599, "1"),
            ("interval:60", 3600, "2"),
            ("always", 0, "2"),
        ):
            app.repository = app.home / ".m2" / "repository"
            told = f"<releases><updatePolicy>{policy}</updatePolicy></releases>"
            app.pom(
                repositories((f"{expected}{policy[:3]}", server.url), policy=told),
                dependencies("t:x:[1,)"),
            )
            server.publish_versions("t:x", "1")
            for path in (app.repository / "t" / "x").glob("*.*"):
                path.unlink()
            assert app.names() == ["x-1.jar"]
            server.publish_versions("t:x", "1", "2")
            later = Instant.of_seconds(NOON.seconds + after)
            assert app.names(now=later) == [f"x-{expected}.jar"]

    def test_a_snapshot(self, app: App, server: MavenServer) -> None:
        server.publish_snapshot("t:x:1-SNAPSHOT", "20240102.030405-7", jar=b"old")
        app.pom(dependencies("t:x:1-SNAPSHOT"))
        (library,) = app.read(f"a={server.url}").dependencies
        assert library.name == "x-1-SNAPSHOT.jar"
        assert library.group == "snapshot dependencies"
        folder = app.repository / "t" / "x" / "1-SNAPSHOT"
        stamped, plain = folder / "x-1-20240102.030405-7.jar", folder / "x-1-SNAPSHOT.jar"
        assert stamped.read_bytes() == plain.read_bytes() == b"old"
        assert stamped.stat().st_mtime_ns == plain.stat().st_mtime_ns
        noted = (folder / "_remote.repositories").read_text()
        assert "x-1-20240102.030405-7.jar>a=" in noted
        server.publish_snapshot("t:x:1-SNAPSHOT", "20240103.000000-8", jar=b"new")
        later = Instant.of_seconds(NOON.seconds + DAY)
        app.read(f"a={server.url}", now=later)
        assert plain.read_bytes() == b"new"

    @pytest.mark.parametrize("offline", [False, True])
    def test_a_snapshot_that_leads_out_of_the_repository(
        self, app: App, server: MavenServer, *, offline: bool
    ) -> None:
        """A repository says which version the newest is; it must not say where that is put."""
        server.publish("t:x:1-SNAPSHOT")
        evil = "1/../../../../../../../out-20240101.000000-1"
        entry = f"<extension>jar</extension><value>{evil}</value><updated>20240101000000</updated>"
        metadata = (
            "<metadata><versioning><snapshotVersions><snapshotVersion>"
            f"{entry}</snapshotVersion></snapshotVersions></versioning></metadata>"
        ).encode()
        app.pom(dependencies("t:x:1-SNAPSHOT"))
        app.names(f"a={server.url}")
        server.put("t/x/1-SNAPSHOT/maven-metadata.xml", metadata)
        folder = evil.replace("20240101.000000-1", "SNAPSHOT")
        server.put(f"t/x/{folder}/x-{evil}.jar", b"evil")
        later = Instant.of_seconds(NOON.seconds + DAY)
        assert app.names(f"a={server.url}", now=later, offline=offline) == ["x-1-SNAPSHOT.jar"]
        assert not [asked.path for asked in server.asked if ".." in asked.path]
        assert not list(app.home.parent.rglob("*out-2024*"))

    def test_a_repository_whose_name_is_a_path(self, app: App, server: MavenServer) -> None:
        server.publish_versions("t:x", "1")
        server.publish("t:x:1")
        app.pom(repositories(("b/../../../../a", server.url)), dependencies("t:x:[1,2)"))
        assert app.names() == ["x-1.jar"]
        (found,) = app.home.parent.rglob("*.xml.sha1")
        assert found.parent == app.repository / "t" / "x"

    def test_a_snapshot_without_metadata(self, app: App, server: MavenServer) -> None:
        server.publish("t:x:1-SNAPSHOT")
        app.pom(dependencies("t:x:1-SNAPSHOT"))
        assert app.names(server.url) == ["x-1-SNAPSHOT.jar"]


class TestSettings:
    def test_a_mirror(self, app: App, server: MavenServer) -> None:
        server.publish("t:x:1")
        app.settings(
            f"<mirrors><mirror><id>m</id><mirrorOf>*,!here</mirrorOf><url>{server.url}</url>"
            "</mirror></mirrors>"
        )
        app.pom(repositories(("far", "https://repository.invalid/")), dependencies("t:x:1"))
        assert app.names() == ["x-1.jar"]
        assert "x-1.jar>m=" in (app.file("t:x:1").parent / "_remote.repositories").read_text()

    def test_a_mirror_of_central_alone(self, app: App, server: MavenServer) -> None:
        server.publish("t:x:1")
        app.settings(
            f"<mirrors><mirror><id>m</id><mirrorOf>central</mirrorOf><url>{server.url}</url>"
            "</mirror></mirrors>"
        )
        app.pom(dependencies("t:x:1"))
        assert app.names() == ["x-1.jar"]

    def test_a_server_with_a_password_and_headers(self, app: App, server: MavenServer) -> None:
        server.login = ("me", "secret")
        server.publish("t:x:1")
        app.settings(
            "<servers><server><id>a</id><username>me</username><password>secret</password>"
            "<configuration><httpHeaders><property><name>X-Team</name><value>blue</value>"
            "</property></httpHeaders></configuration></server></servers>"
        )
        app.pom(dependencies("t:x:1"))
        assert app.names(f"a={server.url}") == ["x-1.jar"]
        assert {asked.headers.get("x-team") for asked in server.asked} == {"blue"}

    def test_no_password(self, app: App, server: MavenServer) -> None:
        server.login = ("me", "secret")
        app.pom(dependencies("t:x:1"))
        error = app.refusal(f"a={server.url}")
        assert "status 401" in error.message
        assert error.hint is not None
        assert "add <server><id>a</id> with username and password to settings.xml" in error.hint
        assert "registry" not in f"{error.message} {error.hint}"

    def test_a_login_that_is_not_taken(self, app: App, server: MavenServer) -> None:
        server.login = ("me", "secret")
        app.pom(dependencies("t:x:1"))
        address = server.url.replace("http://", "http://me:wrong@")
        hint = app.refusal(f"a={address}").hint
        assert hint == "the repository does not take the login in the address of a: correct it"
        app.settings(
            "<servers><server><id>a</id><username>me</username><password>wrong</password>"
            "</server></servers>"
        )
        hint = app.refusal(f"a={server.url}").hint
        assert hint == (
            "the repository does not take the login of <server><id>a</id> in settings.xml: "
            "correct it"
        )

    def test_a_login_that_may_not_read(self, app: App, server: MavenServer) -> None:
        server.replies[path_of("t:x:1", "pom")] = 403
        app.pom(dependencies("t:x:1"))
        hint = str(app.refusal(f"a={server.url}").hint)
        assert hint.startswith("if the repository wants a login, add <server><id>a</id>")
        app.settings(
            "<servers><server><id>a</id><username>me</username><password>secret</password>"
            "</server></servers>"
        )
        hint = str(app.refusal(f"a={server.url}").hint)
        assert "the login of <server><id>a</id> in settings.xml may read" in hint

    def test_a_proxy_that_wants_a_login(self, app: App, server: MavenServer) -> None:
        server.replies[path_of("t:x:1", "pom")] = 407
        app.pom(dependencies("t:x:1"))
        error = app.refusal(f"a={server.url}")
        assert "the proxy wants a login" in error.message
        assert "<proxy> in settings.xml" in str(error.hint)

    def test_logins_stay_at_home(self, app: App, server: MavenServer, other: MavenServer) -> None:
        server.publish("t:x:1")
        for path in (path_of("t:x:1"), path_of("t:x:1", "pom")):
            other.files[path] = server.files[path]
            server.replies[path] = redirect(f"{other.url}/{path}")
        app.settings(
            "<servers><server><id>a</id><username>me</username><password>secret</password>"
            "<configuration><httpHeaders><property><name>X-Team</name><value>blue</value>"
            "</property></httpHeaders></configuration></server></servers>"
        )
        app.pom(dependencies("t:x:1"))
        assert app.names(f"a={server.url}") == ["x-1.jar"]
        assert all("authorization" in asked.headers for asked in server.asked)
        for asked in other.asked:
            assert not {"authorization", "x-team"} & set(asked.headers)

    def test_a_proxy(self, app: App, server: MavenServer) -> None:
        """The server answers what it is asked as a proxy; nothing leaves this machine."""
        server.publish("t:x:1")
        host, port = server.address.split(":")
        app.settings(
            f"<proxies><proxy><id>p</id><host>{host}</host><port>{port}</port>"
            "<username>u</username><password>w</password>"
            "<nonProxyHosts>*.direct.invalid</nonProxyHosts></proxy></proxies>"
            "<mirrors><mirror><id>m</id><mirrorOf>*</mirrorOf>"
            "<url>http://repository.invalid/maven</url></mirror></mirrors>"
        )
        app.pom(dependencies("t:x:1"))
        assert app.names() == ["x-1.jar"]
        assert server.asked[0].headers["host"] == "repository.invalid"

    def test_plain_http_from_elsewhere_is_blocked(self, app: App) -> None:
        url = "http://repository.invalid/maven"
        app.pom(repositories(("plain", url)), dependencies("t:x:1"))
        error = app.refusal()
        assert (
            "Could not transfer artifact t:x:pom:1 from/to maven-default-http-blocker "
            f"(http://0.0.0.0/): Blocked mirror for repositories: [plain ({url})]" in error.message
        )
        assert "https" in (error.hint or "")

    def test_so_it_is_on_the_command_line(self, app: App) -> None:
        app.pom(dependencies("t:x:1"))
        assert "Blocked mirror" in app.refusal("a=http://repository.invalid/maven").message

    def test_a_password_that_cannot_be_opened(self, app: App, server: MavenServer) -> None:
        app.settings(
            "<servers><server><id>a</id><username>me</username><password>{abcd}</password>"
            "</server></servers>"
        )
        app.pom(dependencies("t:x:1"))
        assert isinstance(app.refusal(f"a={server.url}"), ConfigurationError)
        assert not server.asked


class TestTrouble:
    def test_a_download_that_breaks_off(self, app: App, server: MavenServer) -> None:
        server.publish("t:x:1")
        server.replies[path_of("t:x:1")] = cut(b"x" * 100_000, 50_000)
        app.pom(dependencies("t:x:1"))
        assert "t:x:jar:1" in app.refusal(server.url).message
        assert {path.name for path in app.leftovers()} == {
            *("x-1.pom", "x-1.pom.sha1", "_remote.repositories"),
        }

    def test_what_passes_is_tried_again(self, app: App, server: MavenServer) -> None:
        server.publish("t:x:1")
        path = path_of("t:x:1")
        calls: list[int] = []

        def busy(handler: BaseHTTPRequestHandler) -> None:
            calls.append(1)
            status = 503 if len(calls) == 1 else 200
            handler.reply(status, b"jar" if status == 200 else b"")  # type: ignore[attr-defined]

        server.replies[path] = busy
        app.pom(dependencies("t:x:1"))
        assert app.names(server.url, attempts=2) == ["x-1.jar"]
        assert [event.attempt for event in app.events if isinstance(event, RetryScheduled)] == [2]

    @pytest.mark.parametrize("status", [403, 500])
    def test_a_refusal_is_no_absence(self, app: App, server: MavenServer, status: int) -> None:
        """Maven stops there too: whether the POM is there is not known."""
        server.publish("t:x:1")
        server.replies[path_of("t:x:1", "pom")] = status
        server.replies[path_of("t:x:1")] = status
        app.pom(dependencies("t:x:1"))
        error = app.refusal(server.url)
        assert f"status {status}" in error.message

    def test_nobody_listens(self, app: App, server: MavenServer) -> None:
        with MavenServer() as gone:
            url = gone.url
        server.publish("t:x:1")
        app.pom(dependencies("t:x:1"))
        assert app.names(f"a={url}", f"b={server.url}") == ["x-1.jar"]

    def test_a_cancelled_build(self, app: App, server: MavenServer) -> None:
        server.publish("t:x:1")
        cancellation = Cancellation()

        def cancel(handler: BaseHTTPRequestHandler) -> None:
            cancellation.cancel()
            handler.reply(200, b"x" * 1000)  # type: ignore[attr-defined]

        server.replies[path_of("t:x:1")] = cancel
        app.pom(dependencies("t:x:1"))
        with pytest.raises(CancelledError):
            app.read(server.url, cancellation=cancellation)
        assert not app.file("t:x:1").exists()
        assert not [path for path in app.leftovers() if is_partial(path)]

    def test_what_a_killed_build_left_goes(self, app: App, server: MavenServer) -> None:
        """Only what is ours: Maven and others write into the same directories."""
        server.publish("t:x:1")
        asked = threading.Event()

        def stall(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", "1000000")
            handler.end_headers()
            handler.wfile.write(b"x" * 400_000)
            asked.set()
            with contextlib.suppress(OSError):
                handler.connection.recv(1)

        server.replies[path_of("t:x:1")] = stall
        app.pom(dependencies("t:x:1"))
        command = [sys.executable, "-m", "tests.support.maven_worker", str(app.root), str(app.home)]
        with subprocess.Popen([*command, server.url], stderr=subprocess.PIPE) as process:
            assert asked.wait(120)
            folder = app.file("t:x:1").parent
            while not any(map(is_partial, folder.iterdir())):
                process.poll()
            process.kill()
        del server.replies[path_of("t:x:1")]
        theirs = folder / "x-1.jar.5151515151.tmp"
        theirs.touch()
        (left,) = filter(is_partial, folder.iterdir())
        assert app.names(server.url) == ["x-1.jar"]
        assert not left.exists()
        assert theirs.exists()

    def test_what_was_begun_ahead_holds_nobody(self, app: App) -> None:
        """A repository that keeps silent about what a failed build needs no more."""
        with silent_server() as silent:
            host = HostEnvironment.of({}, app.home)
            downloads = open_downloads(
                start_session(app.root, host),
                (parse_repository(f"http://{silent.address}/maven"),),
                options=RegistryOptions(),
                host=host,
                now=None,
                cancellation=Cancellation(),
            )
            wanted = Artifact(group="t", artifact="x", version="1")
            downloads.fetch_ahead([wanted], ())
            assert silent.heard.wait(120)
            closing = threading.Thread(target=downloads.close, daemon=True)
            closing.start()
            closing.join(30)
            assert not closing.is_alive()

    def test_two_processes_at_once(self, app: App, server: MavenServer) -> None:
        names = [f"lib{number}" for number in range(12)]
        for name in names:
            server.publish(f"t:{name}:1", jar=name.encode() * 50_000)
        app.pom(all_asked(" ".join(names)))
        command = [sys.executable, "-m", "tests.support.maven_worker", str(app.root), str(app.home)]
        running = [
            subprocess.Popen([*command, server.url], stderr=subprocess.PIPE) for _ in range(2)
        ]
        for process in running:
            _, errors = process.communicate(timeout=240)
            assert process.returncode == 0, errors.decode()
        for name in names:
            path = app.file(f"t:{name}:1")
            assert path.read_bytes() == name.encode() * 50_000
            noted = (path.parent / "_remote.repositories").read_text()
            assert f"{name}-1.jar>central=" in noted
            assert f"{name}-1.pom>central=" in noted
        assert not [path for path in app.leftovers() if is_partial(path)]

    def test_several_at_once(self, app: App, server: MavenServer) -> None:
        """Jars do not wait for each other: here each waits for all."""
        names = ["a", "b", "c"]
        together = threading.Barrier(len(names), timeout=60)
        for name in names:
            server.publish(f"t:{name}:1")

            def wait(handler: BaseHTTPRequestHandler) -> None:
                together.wait()
                handler.reply(200, b"jar")  # type: ignore[attr-defined]

            server.replies[path_of(f"t:{name}:1")] = wait
        app.pom(all_asked(" ".join(names)))
        assert app.names(server.url) == ["a-1.jar", "b-1.jar", "c-1.jar"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://r.example/m", ("central", "https://r.example/m")),
        ("a.b=https://r.example/m?x=1", ("a.b", "https://r.example/m?x=1")),
        ("https://r.example/m?x=1", ("central", "https://r.example/m?x=1")),
    ],
)
def test_repositories_of_the_command_line(text: str, expected: Sequence[str]) -> None:
    found = parse_repository(text)
    assert (found.id, found.url) == tuple(expected)
    assert isinstance(found, Repository)


@pytest.mark.parametrize("text", ["", "r.example", "a=", "ftp://r.example", "a=b=c"])
def test_what_is_no_repository(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no URL of a Maven repository"):
        parse_repository(text)
