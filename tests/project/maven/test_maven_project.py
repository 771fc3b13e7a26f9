"""Compiled Maven projects read by their pom, and what else is read where that does not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.errors import DependencyError, ProjectError
from pyjib.options import HostEnvironment, Mode
from pyjib.project.maven.command_line import Arguments, MavenScope
from pyjib.project.maven.project import read_maven_project
from pyjib.project.model import (
    DEPENDENCIES,
    PROJECT_DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    Project,
    ProjectKind,
)
from pyjib.project.read import read_project
from tests.support.maven import (
    MavenRepository,
    build,
    configuration,
    execution,
    executions,
    modules,
    parent,
    plugin,
    pom,
    profile,
    profiles,
    properties,
    write,
)
from tests.support.maven_graph import all_asked, host_with, write_graph
from tests.support.projects import (
    CLASSES,
    MAIN,
    class_path_of,
    main_class,
    write_boot_jar,
    write_libraries,
    write_thin_jar,
    write_tree,
    write_war,
)

BOOT = "org.springframework.boot:spring-boot-maven-plugin:3.1.2"


@pytest.fixture
def repository(tmp_path: Path) -> MavenRepository:
    found = MavenRepository(tmp_path / "repository")
    write_graph(found, {"a": "b", "s:2-SNAPSHOT": ""})
    return found


@pytest.fixture
def host(repository: MavenRepository, tmp_path: Path) -> HostEnvironment:
    return host_with(repository, tmp_path / "home")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "app"


def write_project(root: Path, *sections: str, packaging: str = "jar") -> Path:
    write(root / "pom.xml", pom("t:app:1.0", *sections, packaging=packaging))
    write_tree(root / "target" / "classes", CLASSES)
    return root


def libraries(project: Project) -> list[tuple[str, str]]:
    return [(library.name, library.group) for library in project.dependencies]


class TestByThePom:
    def test_the_whole(
        self, root: Path, host: HostEnvironment, repository: MavenRepository
    ) -> None:
        release = properties({"maven.compiler.release": "11"})
        write_project(root, release, all_asked("a s:2-SNAPSHOT"))
        project = read_project(root, mode=Mode.EXPLODED, host=host)
        assert project.kind is ProjectKind.CLASSES
        assert (project.root, project.name) == (root, "app")
        assert libraries(project) == [
            ("a-1.jar", DEPENDENCIES),
            ("b-1.jar", DEPENDENCIES),
            ("s-2-SNAPSHOT.jar", SNAPSHOT_DEPENDENCIES),
        ]
        assert project.ordered
        assert [file.path for file in project.classes if file.source] == [
            "com/example/Helper.class",
            "com/example/Main.class",
        ]
        assert "static" in [file.path for file in project.classes]
        assert project.main_class_candidates == (MAIN,)
        assert (project.java_version, project.declared_java) == (17, 11)
        assert project.archive is None
        assert project.detail == f"class path from {root}/pom.xml, libraries from {repository.root}"
        assert not project.warnings

    def test_modules_of_the_same_build(self, tmp_path: Path, host: HostEnvironment) -> None:
        write(tmp_path / "pom.xml", pom("t:all:1.0", modules("app", "lib"), packaging="pom"))
        write(tmp_path / "lib" / "pom.xml", pom("t:lib:1.0"))
        write(tmp_path / "lib" / "target" / "lib-1.0.jar", "jar")
        write_project(tmp_path / "app", all_asked("lib:1.0 a"))
        project = read_project(tmp_path / "app", mode=Mode.EXPLODED, host=host)
        assert libraries(project)[0] == ("lib-1.0.jar", PROJECT_DEPENDENCIES)
        with pytest.raises(DependencyError):
            read_maven_project(tmp_path / "app", host=host, scope=MavenScope.MODULE)

    def test_where_the_build_puts_its_output(self, root: Path, host: HostEnvironment) -> None:
        write_project(root, build(directory="out", outputDirectory="out/java"), all_asked("a"))
        (root / "target").rename(root / "other")
        write_tree(root / "out" / "java", CLASSES)
        project = read_project(root, mode=Mode.EXPLODED, host=host)
        assert len(project.dependencies) == 2

    def test_what_maven_is_given(self, root: Path, host: HostEnvironment) -> None:
        more = profile("more", "", all_asked("s:2-SNAPSHOT"))
        write_project(root, profiles(more), all_asked("a"))
        arguments = Arguments(active_profiles=("more",))
        project = read_maven_project(root, host=host, arguments=arguments)
        assert [name for name, _ in libraries(project)] == [
            "a-1.jar",
            "b-1.jar",
            "s-2-SNAPSHOT.jar",
        ]

    def test_a_tail_of_the_local_repository(
        self, root: Path, host: HostEnvironment, tmp_path: Path
    ) -> None:
        tail = MavenRepository(tmp_path / "tail")
        write_graph(tail, {"t": ""})
        write_project(root, all_asked("a t"))
        arguments = Arguments(properties={"maven.repo.local.tail": str(tail.root)})
        assert len(read_maven_project(root, host=host, arguments=arguments).dependencies) == 3

    def test_a_war(self, root: Path, host: HostEnvironment) -> None:
        write_project(root, build(finalName="shop"), packaging="war")
        write_war(root / "target" / "shop.war")
        write_war(root / "target" / "old.war")
        project = read_project(root, mode=Mode.EXPLODED, host=host)
        assert project.kind is ProjectKind.WAR
        assert project.archive == root / "target" / "shop.war"
        assert (project.name, project.declared_java) == ("app", 6)

    def test_modules_inside_a_war(self, tmp_path: Path, host: HostEnvironment) -> None:
        write(tmp_path / "pom.xml", pom("t:all:1.0", modules("app", "lib"), packaging="pom"))
        write_project(tmp_path / "app", packaging="war")
        war = write_war(tmp_path / "app" / "target" / "app-1.0.war")
        names = [library.name for library in read_project(war, mode=Mode.EXPLODED).dependencies]
        final_name = names[0].removesuffix(".jar")
        write(tmp_path / "lib" / "pom.xml", pom("t:lib:1.0", build(finalName=final_name)))
        project = read_project(tmp_path / "app", mode=Mode.EXPLODED, host=host)
        assert libraries(project)[0] == (names[0], PROJECT_DEPENDENCIES)

    def test_a_pom_that_maven_rejects(self, root: Path, host: HostEnvironment) -> None:
        write_project(root, all_asked("a:-"))
        with pytest.raises(ProjectError, match=r"pom.xml, line \d+: 'dependencies") as caught:
            read_project(root, mode=Mode.EXPLODED, host=host)
        assert not isinstance(caught.value, DependencyError)
        assert caught.value.hint is not None
        assert "mvn validate" in caught.value.hint

    def test_one_that_is_not_compiled(self, root: Path, host: HostEnvironment) -> None:
        write(root / "pom.xml", pom("t:app:1.0"))
        for call in (
            lambda: read_maven_project(root, host=host),
            lambda: read_project(root, mode=Mode.EXPLODED, host=host),
        ):
            with pytest.raises(ProjectError, match="no compiled classes") as caught:
                call()
            assert caught.value.hint is not None

    @pytest.mark.parametrize("packaging", ["pom", "war"])
    def test_others_without_classes(
        self, root: Path, host: HostEnvironment, packaging: str
    ) -> None:
        write(root / "pom.xml", pom("t:app:1.0", packaging=packaging))
        with pytest.raises(ProjectError, match=packaging) as caught:
            read_maven_project(root, host=host)
        assert caught.value.hint is not None

    def test_extensions_are_told(self, root: Path, host: HostEnvironment) -> None:
        write_project(root)
        extension = "<groupId>g</groupId><artifactId>clever</artifactId><version>1</version>"
        write(
            root / ".mvn" / "extensions.xml",
            f"<extensions><extension>{extension}</extension></extensions>",
        )
        (warning,) = read_project(root, mode=Mode.EXPLODED, host=host).warnings
        assert "g:clever" in warning.message


class TestMainClass:
    def test_of_the_jar_plugin(self, root: Path, host: HostEnvironment) -> None:
        archive = f"<archive><manifest><mainClass>{MAIN}</mainClass></manifest></archive>"
        write_project(root, build(plugin("maven-jar-plugin", configuration(archive))))
        project = read_project(root, mode=Mode.EXPLODED, host=host)
        assert (project.main_class, project.main_class_candidates) == (MAIN, ())

    def test_several_and_spring_boot_s_plugin_tells(
        self, root: Path, host: HostEnvironment
    ) -> None:
        boot = plugin(BOOT, configuration("<mainClass>a.Tool</mainClass>"))
        write_project(root, build(boot))
        write_tree(root / "target" / "classes", {class_path_of("a.Tool"): main_class("a.Tool")})
        project = read_project(root, mode=Mode.EXPLODED, host=host)
        assert (project.main_class, project.main_class_candidates) == (None, ("a.Tool",))

    def test_several_and_the_manifest_tells(self, root: Path, host: HostEnvironment) -> None:
        write_project(root)
        write_tree(root / "target" / "classes", {class_path_of("a.Tool"): main_class("a.Tool")})
        project = read_project(root, mode=Mode.EXPLODED, host=host)
        assert project.main_class_candidates == ("a.Tool", MAIN)
        write_thin_jar(root / "target" / "app-1.0.jar", main="a.Tool")
        project = read_project(root, mode=Mode.EXPLODED, host=host)
        assert project.main_class_candidates == ("a.Tool",)


class TestPackaged:
    def test_the_jar(self, root: Path, host: HostEnvironment) -> None:
        write_project(root)
        jar = write_thin_jar(root / "target" / "app-1.0.jar")
        project = read_project(root, mode=Mode.PACKAGED, host=host)
        assert (project.archive, project.archive_name) == (jar, "app-1.0.jar")

    def test_the_one_that_spring_boot_replaced(self, root: Path, host: HostEnvironment) -> None:
        goal = execution("repackage", goals=["repackage"])
        write_project(root, build(plugin(BOOT, executions(goal))))
        write_boot_jar(root / "target" / "app-1.0.jar")
        thin = write_thin_jar(root / "target" / "thin.jar").replace(
            root / "target" / "app-1.0.jar.original"
        )
        project = read_project(root, mode=Mode.PACKAGED, host=host)
        assert project.kind is ProjectKind.CLASSES
        assert (project.archive, project.archive_name) == (thin, "app-1.0.original.jar")


class TestOtherSources:
    def test_a_boot_jar_where_a_library_is_missing(self, root: Path, host: HostEnvironment) -> None:
        write_project(root, all_asked("a missing"))
        write_boot_jar(root / "target" / "app-1.0.jar")
        project = read_project(root, mode=Mode.EXPLODED, host=host)
        assert project.kind is ProjectKind.SPRING_BOOT
        assert "the POM of t:missing:1 is not in the local repository" in project.detail

    def test_copied_libraries(self, root: Path, host: HostEnvironment) -> None:
        write_project(root, parent("t:nowhere:1", ""), all_asked("a"))
        write_libraries(root / "target" / "dependency", ["z-1.jar"])
        project = read_project(root, mode=Mode.EXPLODED, host=host)
        assert not project.ordered
        assert "Could not find artifact t:nowhere:pom:1" in project.detail

    def test_a_boot_jar_without_classes(self, root: Path, host: HostEnvironment) -> None:
        write(root / "pom.xml", pom("t:app:1.0", all_asked("a")))
        write_boot_jar(root / "target" / "app-1.0.jar")
        project = read_project(root, mode=Mode.EXPLODED, host=host)
        assert project.kind is ProjectKind.SPRING_BOOT
        assert "local repository" not in project.detail

    def test_nothing_else(self, root: Path, host: HostEnvironment) -> None:
        write_project(root, all_asked("a missing"))
        with pytest.raises(DependencyError) as caught:
            read_project(root, mode=Mode.EXPLODED, host=host)
        assert "t:missing:1" in caught.value.message
        assert f"{root / 'target'} has no " in caught.value.message
        assert caught.value.hint is not None
        assert "mvn dependency:go-offline" in caught.value.hint
        assert "mvn dependency:copy-dependencies" in caught.value.hint

    def test_the_build_s_own_list_comes_first(self, root: Path, host: HostEnvironment) -> None:
        write_project(root, all_asked("a"))
        write(root / "target" / "pyjib" / "classpath.json", '{"format": 1, "entries": []}')
        project = read_project(root, mode=Mode.EXPLODED, host=host)
        assert project.dependencies == ()
        assert "classpath.json" in project.detail


class TestProfilesByName:
    """As Maven, once; ``?`` before a name is Maven 4's."""

    def warnings(self, root: Path, host: HostEnvironment, *names: str) -> list[tuple[str, str]]:
        arguments = Arguments(active_profiles=names)
        project = read_maven_project(root, host=host, arguments=arguments)
        return [(found.message, found.hint or "") for found in project.warnings]

    def test_one_that_nobody_has(self, root: Path, host: HostEnvironment, tmp_path: Path) -> None:
        above = profiles(profile("above"))
        write(tmp_path / "pom.xml", pom("t:all:1.0", modules("app", "lib"), above, packaging="pom"))
        write(tmp_path / "lib" / "pom.xml", pom("t:lib:1.0", profiles(profile("a-sibling"))))
        settings = host.home / ".m2" / "settings.xml"
        users = profiles(profile("users"))
        write(settings, settings.read_text().replace("</settings>", f"{users}</settings>"))
        write_project(root, parent("t:all:1.0"), profiles(profile("own")), all_asked("a"))
        known = ("own", "above", "a-sibling", "users")
        assert not self.warnings(root, host, *known, "?prod")
        ((message, hint),) = self.warnings(root, host, "prod", "own", "?x", "prod")
        assert message == (
            'The requested profile "prod" could not be activated because it does not exist'
        )
        assert all(name in hint for name in known)
        ((message, _),) = self.warnings(root, host, "a", "b")
        assert message == (
            'The requested profiles "a", "b" could not be activated because they do not exist'
        )

    def test_settings_xml_may_ask_for_it(
        self, root: Path, repository: MavenRepository, tmp_path: Path
    ) -> None:
        asked = "<activeProfiles><activeProfile>ghost</activeProfile></activeProfiles>"
        home = tmp_path / "home"
        write(home / ".m2" / "settings.xml", f"<settings>{asked}</settings>")
        write_project(root)
        ((message, hint),) = self.warnings(root, HostEnvironment.of({}, home))
        assert '"ghost"' in message
        assert hint == "no POM of this build has profiles, nor has settings.xml"

    def test_a_hint_of_bounded_length(self, root: Path, host: HostEnvironment) -> None:
        write_project(root, profiles(*(profile(f"p{number}") for number in range(40))))
        ((_, hint),) = self.warnings(root, host, "x")
        assert "p11 and 28 more" in hint
