"""Directories of compiled projects: what is found, in which order, and what is said if not."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyjib.errors import DependencyError, ProjectError
from pyjib.options import HostEnvironment, Mode
from pyjib.project.model import Project, ProjectKind
from pyjib.project.read import read_project
from tests.support.projects import (
    CLASSES,
    MAIN,
    class_file,
    class_path_of,
    main_class,
    manifest,
    pom,
    write_archive,
    write_boot_jar,
    write_gradle_install,
    write_gradle_project,
    write_libraries,
    write_maven_project,
    write_quarkus_app,
    write_thin_jar,
    write_tree,
    write_war,
)

LIBRARY = "org.acme:a:1.0"
NOBODY = 65534


def read(path: Path, mode: Mode = Mode.EXPLODED) -> Project:
    return read_project(path, mode=mode)


def library_names(project: Project) -> list[str]:
    return [library.name for library in project.dependencies]


def refusal(path: Path, kind: type[ProjectError] = ProjectError, mode: Mode = Mode.EXPLODED) -> str:
    with pytest.raises(kind) as caught:
        read(path, mode)
    assert caught.value.hint
    return f"{caught.value.message} | {caught.value.hint}"


def write_classes(root: Path) -> None:
    """Write what a build leaves, without the build's own files."""
    write_tree(root / "target" / "classes", CLASSES)


@pytest.fixture
def common_user(tmp_path: Path) -> Iterator[Path]:
    """A directory to work in as a user who may not read everything, as root may."""
    if os.name == "nt":
        pytest.skip("Windows has no such permissions")
    read(write_maven_project(tmp_path))  # nor may they read all of Python's modules: by now it has
    with tempfile.TemporaryDirectory() as name:
        user = os.geteuid()
        if user == 0:
            os.chown(name, NOBODY, -1)
            os.seteuid(NOBODY)
        try:
            if not os.access(name, os.R_OK, effective_ids=True):
                pytest.skip(f"no other user can read {name}")
            yield Path(name)
        finally:
            os.seteuid(user)  # first: all tests to come depend on it
            for directory, _, _ in os.walk(name, onerror=lambda error: open_up(error.filename)):
                open_up(directory)


def open_up(directory: str) -> None:
    Path(directory).chmod(0o755)


class TestMavenClasses:
    def test_classes_and_resources_both_list_every_directory(self, tmp_path: Path) -> None:
        project = read(write_maven_project(tmp_path))
        assert project.kind is ProjectKind.CLASSES
        assert (project.name, project.root) == ("app", tmp_path)
        assert [file.path for file in project.classes] == [
            "com",
            "com/example",
            "com/example/Helper.class",
            "com/example/Main.class",
            "static",
        ]
        assert [file.path for file in project.resources] == [
            "application.properties",
            "com",
            "com/example",
            "static",
            "static/index.html",
        ]
        assert project.main_class is None
        assert project.main_class_candidates == (MAIN,)
        assert project.java_version == 17
        assert project.dependencies == ()
        assert project.archive is None

    @pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
    def test_links(self, tmp_path: Path) -> None:
        """One to a directory becomes an empty directory, one to a file is the file."""
        write_maven_project(tmp_path)
        write_tree(tmp_path / "elsewhere", {"secret": b"", "word": b"hello"})
        classes = tmp_path / "target" / "classes"
        (classes / "linked").symlink_to(tmp_path / "elsewhere")
        (classes / "loop").symlink_to(classes)
        (classes / "word").symlink_to(tmp_path / "elsewhere" / "word")
        project = read(tmp_path)
        found = {file.path: file.source for file in project.resources}
        assert found["linked"] is None
        assert found["loop"] is None
        assert not [path for path in found if path.startswith(("linked/", "loop/"))]
        word = found["word"]
        assert word is not None
        with word.open() as file:
            assert file.read() == b"hello"

    def test_several_main_classes_are_listed(self, tmp_path: Path) -> None:
        files = {**CLASSES, "a/Tool.class": main_class("a.Tool")}
        project = read(write_maven_project(tmp_path, classes=files))
        assert project.main_class_candidates == ("a.Tool", MAIN)

    def test_the_jar_s_manifest_states_the_main_class(self, tmp_path: Path) -> None:
        write_classes(tmp_path)
        write_thin_jar(tmp_path / "target" / "app-1.0.jar", main="a.Tool")
        project = read(tmp_path)
        assert project.main_class == "a.Tool"
        assert project.main_class_candidates == ()
        assert project.archive == tmp_path / "target" / "app-1.0.jar"

    def test_packaged_takes_the_jar_that_bears_the_build_s_name(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path)
        for name in ("app-1.0", "app-0.9", "app-1.0-sources", "app-1.0-tests"):
            write_thin_jar(tmp_path / "target" / f"{name}.jar", main=None)
        assert read(tmp_path, Mode.PACKAGED).archive == tmp_path / "target" / "app-1.0.jar"

    def test_packaged_takes_the_only_jar_where_nothing_tells_its_name(self, tmp_path: Path) -> None:
        write_classes(tmp_path)
        for name in ("app-1.0", "app-1.0-sources", "app-1.0-tests"):
            write_thin_jar(tmp_path / "target" / f"{name}.jar", main=None)
        assert read(tmp_path).archive is None
        assert read(tmp_path, Mode.PACKAGED).archive == tmp_path / "target" / "app-1.0.jar"

    def test_several_runnable_jars_are_listed(self, tmp_path: Path) -> None:
        write_classes(tmp_path)
        for name in ("one.jar", "two.jar"):
            write_thin_jar(tmp_path / "target" / name)
        message = refusal(tmp_path)
        assert "several runnable jars" in message
        assert "one.jar, two.jar" in message

    def test_the_fixture(self, request: pytest.FixtureRequest) -> None:
        project = read(request.config.rootpath / "fixtures" / "docker-hello")
        assert project.name == "docker-hello"
        assert project.main_class_candidates == ("org.objectworld.hello.HelloServer",)
        assert project.dependencies == ()
        assert not project.warnings

    def test_a_relative_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_tree(tmp_path / "shop" / "target" / "classes", CLASSES)
        monkeypatch.chdir(tmp_path / "shop")
        assert read(Path()).name == "shop"


class TestMavenLibraries:
    def test_missing_ones_name_the_ways_out(self, tmp_path: Path) -> None:
        message = refusal(write_maven_project(tmp_path, dependencies=[LIBRARY]), DependencyError)
        assert "mvn dependency:copy-dependencies -DincludeScope=runtime" in message
        assert "mvn dependency:go-offline" in message
        assert "\n  nor are libraries beside the classes: " in message

    @pytest.mark.parametrize("scope", ["test", "provided"])
    def test_none_are_needed_for_other_scopes(self, tmp_path: Path, scope: str) -> None:
        project = read(write_maven_project(tmp_path, dependencies=[f"{LIBRARY}:{scope}"]))
        assert project.dependencies == ()

    def test_a_managed_scope_counts(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path)
        managed = (
            "<dependencyManagement><dependencies><dependency><groupId>org.acme</groupId>"
            "<artifactId>a</artifactId><scope>test</scope></dependency></dependencies>"
            "</dependencyManagement>"
        )
        write_tree(tmp_path, {"pom.xml": pom(dependencies=[LIBRARY], more=managed)})
        assert read(tmp_path).dependencies == ()

    def test_a_parent_on_disk_declares_them(self, tmp_path: Path) -> None:
        write_tree(tmp_path, {"pom.xml": pom("parent", packaging="pom", dependencies=[LIBRARY])})
        module = write_maven_project(tmp_path / "module")
        parent = (
            "<parent><groupId>com.example</groupId><artifactId>parent</artifactId>"
            "<version>1.0</version></parent>"
        )
        write_tree(module, {"pom.xml": pom(more=parent)})
        refusal(module, DependencyError)
        write_tree(module, {"pom.xml": pom(more=parent.replace("parent</a", "other</a"))})
        assert read(module).dependencies == ()

    def test_copied_dependencies_have_no_order(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path, dependencies=[LIBRARY])
        stamped = "s-1.0-20240102.030405-7.jar"
        write_libraries(tmp_path / "target" / "dependency", ["z-1.jar", "a-1.jar", stamped])
        project = read(tmp_path)
        assert library_names(project) == ["a-1.jar", stamped, "z-1.jar"]
        assert project.dependencies[1].group == "snapshot dependencies"
        assert not project.ordered
        assert "dependency" in project.detail

    def test_a_pom_that_is_newer_than_the_copies_is_told(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path, dependencies=[LIBRARY])
        write_libraries(tmp_path / "target" / "dependency", ["a-1.0.jar"])
        assert not read(tmp_path).warnings
        os.utime(tmp_path / "target" / "dependency", (1e9, 1e9))
        (warning,) = read(tmp_path).warnings
        assert "pom.xml is newer" in warning.message

    def test_the_class_path_of_the_thin_jar(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path, dependencies=[LIBRARY])
        write_libraries(tmp_path / "target" / "lib", ["z-1.jar", "a-1.jar"])
        write_thin_jar(tmp_path / "target" / "app-1.0.jar", ["lib/z-1.jar", "lib/a-1.jar"])
        project = read(tmp_path)
        assert project.kind is ProjectKind.CLASSES
        assert library_names(project) == ["z-1.jar", "a-1.jar"]
        assert project.ordered

    def test_a_library_of_that_class_path_is_missing(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path, dependencies=[LIBRARY])
        write_thin_jar(tmp_path / "target" / "app-1.0.jar", ["lib/z-1.jar"])
        assert "needs lib/z-1.jar" in refusal(tmp_path, DependencyError)

    def test_a_shaded_jar_where_nothing_else_has_them(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path, dependencies=[LIBRARY])
        write_thin_jar(tmp_path / "target" / "original-app-1.0.jar")
        files = {
            "META-INF/MANIFEST.MF": manifest(Main_Class=MAIN),
            class_path_of(): main_class(),
            "org/acme/A.class": class_file("org.acme.A"),
        }
        write_archive(tmp_path / "target" / "app-1.0.jar", files)
        project = read(tmp_path)
        assert project.kind is ProjectKind.JAR
        assert (project.name, project.main_class) == ("app", MAIN)
        assert "org/acme/A.class" in [file.path for file in project.classes]

    def test_an_assembly_does_not_compete_with_the_thin_jar(self, tmp_path: Path) -> None:
        write_classes(tmp_path)
        thin = write_thin_jar(tmp_path / "target" / "app-2.jar")
        write_thin_jar(tmp_path / "target" / "app-2-jar-with-dependencies.jar", main="a.Other")
        assert (read(tmp_path).main_class, read(tmp_path).archive) == (MAIN, thin)

    def test_an_artifact_may_be_named_like_an_assembly(self, tmp_path: Path) -> None:
        write_classes(tmp_path)
        jar = write_thin_jar(tmp_path / "target" / "netty-all.jar")
        assert read(tmp_path).archive == jar


class TestPreparedApplications:
    def test_quarkus_comes_first(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path, dependencies=[LIBRARY])
        write_quarkus_app(tmp_path / "target" / "quarkus-app")
        write_libraries(tmp_path / "target" / "dependency", ["a-1.0.jar"])
        project = read(tmp_path)
        assert project.kind is ProjectKind.QUARKUS
        assert (project.name, project.root) == ("app", tmp_path)

    def test_a_boot_jar_is_taken_whole(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path, dependencies=[LIBRARY])
        jar = write_boot_jar(tmp_path / "target" / "app-1.0.jar")
        write_libraries(tmp_path / "target" / "dependency", ["a-1.0.jar"])
        project = read(tmp_path)
        assert project.kind is ProjectKind.SPRING_BOOT
        assert (project.name, project.root, project.archive) == ("app", tmp_path, jar)
        assert library_names(project)[0] == "zeta-1.0.jar"
        assert "com/example/Helper.class" not in [file.path for file in project.classes]
        assert str(jar) in project.detail
        assert not project.warnings

    def test_classes_newer_than_the_boot_jar_are_told(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path, dependencies=[LIBRARY])
        jar = write_boot_jar(tmp_path / "target" / "app-1.0.jar")
        os.utime(jar, (1e9, 1e9))
        (warning,) = read(tmp_path).warnings
        assert "is newer than" in warning.message
        assert "mvn package" in (warning.hint or "")

    def test_several_boot_jars(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path, dependencies=[LIBRARY])
        write_boot_jar(tmp_path / "target" / "app-0.8.jar")
        write_boot_jar(tmp_path / "target" / "app-0.9.jar")
        assert "app-0.8.jar, app-0.9.jar" in refusal(tmp_path)
        named = write_boot_jar(tmp_path / "target" / "app-1.0.jar")
        assert read(tmp_path).archive == named

    def test_a_boot_jar_of_gradle_beside_the_plain_one(self, tmp_path: Path) -> None:
        write_gradle_project(tmp_path)
        jar = write_boot_jar(tmp_path / "build" / "libs" / "shop-1.0.jar")
        write_thin_jar(tmp_path / "build" / "libs" / "shop-1.0-plain.jar")
        project = read(tmp_path)
        assert (project.kind, project.archive) == (ProjectKind.SPRING_BOOT, jar)

    def test_a_war_project(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path)
        write_tree(tmp_path, {"pom.xml": pom(packaging="war", dependencies=[LIBRARY])})
        assert "mvn package" in refusal(tmp_path)
        write_war(tmp_path / "target" / "app-1.0.war")
        project = read(tmp_path)
        assert (project.kind, project.name) == (ProjectKind.WAR, "app")

    def test_a_war_of_gradle(self, tmp_path: Path) -> None:
        write_gradle_project(tmp_path, script="dependencies { implementation 'a:b:1' }")
        write_war(tmp_path / "build" / "libs" / "shop-1.0.war")
        assert read(tmp_path).kind is ProjectKind.WAR

    def test_a_corrupt_jar(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path, dependencies=[LIBRARY])
        write_tree(tmp_path / "target", {"app-1.0.jar": b"PK\x03\x04"})
        assert "app-1.0.jar: it is not a jar" in refusal(tmp_path)


class TestGradle:
    def test_classes_of_all_languages_unfiltered(self, tmp_path: Path) -> None:
        project = read(write_gradle_project(tmp_path))
        assert project.name == "shop"
        assert [file.path for file in project.classes if file.source] == [
            "com/example/Main.class",
            "META-INF/shop.kotlin_module",
            "com/example/MoreKt.class",
        ]
        assert [file.path for file in project.resources] == ["application.properties"]

    @pytest.mark.parametrize(
        ("script", "needs"),
        [
            ("dependencies {\n  implementation 'a:b:1'\n}", True),
            ('dependencies {\n  runtimeOnly("a:b:1")\n}', True),
            ("dependencies {\n  api project(':lib')\n}", True),
            ("dependencies {\n  testImplementation 'a:b:1'\n  compileOnly 'a:c:1'\n}", False),
            ("dependencies {\n  // implementation 'a:b:1'\n /* api 'a:b:1' */\n}", False),
        ],
    )
    def test_declared_dependencies(self, tmp_path: Path, script: str, needs: bool) -> None:
        write_gradle_project(tmp_path, script=script)
        if needs:
            assert "gradle installDist" in refusal(tmp_path, DependencyError)
        else:
            assert read(tmp_path).dependencies == ()

    def test_the_order_of_an_installed_distribution(self, tmp_path: Path) -> None:
        write_gradle_project(tmp_path, script="dependencies { implementation 'a:b:1' }")
        write_gradle_install(tmp_path, ["z-1.jar", "a-1-SNAPSHOT.jar"])
        project = read(tmp_path)
        assert project.kind is ProjectKind.CLASSES
        assert library_names(project) == ["z-1.jar", "a-1-SNAPSHOT.jar"]
        assert project.main_class == MAIN
        assert project.ordered

    def test_the_start_script_of_older_gradle(self, tmp_path: Path) -> None:
        write_gradle_project(tmp_path)
        write_gradle_install(tmp_path, ["z-1.jar"])
        script = (
            "CLASSPATH=$APP_HOME/lib/shop-1.0.jar:$APP_HOME/lib/z-1.jar\n"
            "eval set -- $DEFAULT_JVM_OPTS $JAVA_OPTS $SHOP_OPTS -classpath "
            '"\\"$CLASSPATH\\"" org.acme.Start "$APP_ARGS"\n'
        )
        write_tree(tmp_path / "build" / "install" / "shop", {"bin/shop": script})
        project = read(tmp_path)
        assert (project.main_class, library_names(project)) == ("org.acme.Start", ["z-1.jar"])

    def test_a_distribution_without_a_start_script(self, tmp_path: Path) -> None:
        write_gradle_project(tmp_path)
        write_thin_jar(tmp_path / "build" / "libs" / "shop-1.0.jar")
        write_libraries(tmp_path / "build" / "install" / "shop" / "lib", ["z.jar", "a.jar"])
        write_libraries(tmp_path / "build" / "install" / "shop" / "lib", ["shop-1.0.jar"])
        project = read(tmp_path)
        assert library_names(project) == ["a.jar", "z.jar"]
        assert not project.ordered

    def test_an_installed_library_is_missing(self, tmp_path: Path) -> None:
        write_gradle_project(tmp_path)
        write_gradle_install(tmp_path, ["z-1.jar"])
        (tmp_path / "build/install/shop/lib/z-1.jar").unlink()
        assert "lib/z-1.jar" in refusal(tmp_path, DependencyError)

    def test_several_distributions(self, tmp_path: Path) -> None:
        write_gradle_project(tmp_path)
        write_gradle_install(tmp_path, [], name="one")
        write_gradle_install(tmp_path, [], name="two")
        assert "one, two" in refusal(tmp_path)


class TestClassPathFile:
    def write(self, root: Path, directory: str = "build", **content: object) -> Path:
        path = root / directory / "pyjib" / "classpath.json"
        write_tree(path.parent, {path.name: json.dumps({"format": 1, "entries": [], **content})})
        return path

    def test_it_comes_before_all_else(self, tmp_path: Path) -> None:
        write_gradle_project(tmp_path, script="dependencies { implementation 'a:b:1' }")
        write_boot_jar(tmp_path / "build" / "libs" / "shop.jar")
        paths = write_libraries(tmp_path / "cache", ["z.jar", "a.jar", "m.jar"])
        write_libraries(tmp_path, ["s.jar"])
        entries: list[dict[str, object]] = [
            {"file": str(paths[0]), "kind": "module", "size": paths[0].stat().st_size},
            {"file": str(paths[1]), "kind": "file"},
            {"file": str(paths[2]), "kind": "project"},
            {"file": "s.jar", "kind": "module", "id": "g:s:1-SNAPSHOT"},
        ]
        self.write(tmp_path, name="store", javaMajor=21, mainClass="x.Y", entries=entries)
        project = read(tmp_path)
        assert project.kind is ProjectKind.CLASSES
        assert (project.name, project.java_version, project.main_class) == ("store", 21, "x.Y")
        assert [(library.name, library.group) for library in project.dependencies] == [
            ("z.jar", "dependencies"),
            ("a.jar", "dependencies"),
            ("m.jar", "project dependencies"),
            ("s.jar", "snapshot dependencies"),
        ]
        assert project.ordered
        assert "classpath.json" in project.detail

    def test_its_directories(self, tmp_path: Path) -> None:
        write_gradle_project(tmp_path)
        write_tree(tmp_path / "out", {"c/A.class": main_class("A"), "r/x.txt": b""})
        self.write(tmp_path, classesDirs=["out/none", "out/c"], resourcesDir="out/r")
        project = read(tmp_path)
        assert [file.path for file in project.classes] == ["A.class"]
        assert [file.path for file in project.resources] == ["x.txt"]
        assert project.main_class_candidates == ("A",)

    def test_of_maven(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path, dependencies=[LIBRARY])
        write_libraries(tmp_path, ["a.jar"])
        self.write(tmp_path, "target", entries=[{"file": "a.jar"}])
        project = read(tmp_path)
        assert library_names(project) == ["a.jar"]
        assert "application.properties" in [file.path for file in project.resources]

    def test_a_war(self, tmp_path: Path) -> None:
        write_gradle_project(tmp_path)
        write_war(tmp_path / "elsewhere.war")
        self.write(tmp_path, war="elsewhere.war")
        assert read(tmp_path).kind is ProjectKind.WAR

    def test_a_newer_build_script_is_told(self, tmp_path: Path) -> None:
        write_gradle_project(tmp_path)
        path = self.write(tmp_path)
        assert not read(tmp_path).warnings
        os.utime(path, (1e9, 1e9))
        assert "is newer than" in read(tmp_path).warnings[0].message

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ({"entries": [{"file": "gone.jar"}]}, "no such file"),
            ({"entries": [{"file": "a.jar", "size": 1}]}, "expects 1"),
        ],
    )
    def test_libraries_that_are_not_what_it_says(
        self, tmp_path: Path, content: dict[str, object], reason: str
    ) -> None:
        write_gradle_project(tmp_path)
        write_libraries(tmp_path, ["a.jar"])
        self.write(tmp_path, **content)
        assert reason in refusal(tmp_path, DependencyError)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{}",
            '{"format": 2}',
            '{"format": true}',
            '{"format": 1, "entries": {}}',
            '{"format": 1, "entries": [1]}',
            '{"format": 1, "entries": [{"kind": "file"}]}',
            '{"format": 1, "mainClass": 3}',
            "[" * 100_000,
        ],
    )
    def test_malformed(self, tmp_path: Path, text: str) -> None:
        write_gradle_project(tmp_path)
        write_tree(self.write(tmp_path).parent, {"classpath.json": text})
        assert "classpath.json" in refusal(tmp_path)


class TestNoProject:
    def test_an_empty_directory(self, tmp_path: Path) -> None:
        assert "neither target/ nor build/" in refusal(tmp_path)

    @pytest.mark.parametrize(
        ("files", "command"),
        [
            ({"pom.xml": pom()}, "mvn compile"),
            ({"pom.xml": pom(), "target/classes/x.txt": ""}, "mvn compile"),
            ({"pom.xml": pom(dependencies=[LIBRARY]), "target/x": ""}, "mvn compile"),
            ({"build.gradle.kts": ""}, "gradle classes"),
            ({"build.gradle": "", "build/x": ""}, "gradle classes"),
            ({"target/debug/rust": ""}, "mvn package or gradle installDist"),
        ],
    )
    def test_not_compiled(self, tmp_path: Path, files: dict[str, str], command: str) -> None:
        message = refusal(write_tree(tmp_path, files))
        assert "no compiled classes" in message
        assert command in message

    def test_the_root_of_a_build_that_gradle_told_of(self, tmp_path: Path) -> None:
        write_tree(tmp_path, {"settings.gradle": "", "app/build/pyjib/classpath.json": "{}"})
        assert (
            f"name the directory of the module to build: pyjib build {tmp_path / 'app'}"
            in refusal(tmp_path)
        )

    def test_a_parent_of_modules(self, tmp_path: Path) -> None:
        modules = "<modules><module>web</module><module>core</module></modules>"
        write_tree(tmp_path, {"pom.xml": pom(packaging="pom", more=modules)})
        assert str(tmp_path / "web") in refusal(tmp_path)

    def test_a_malformed_pom(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path)
        write_tree(tmp_path, {"pom.xml": "<project>"})
        assert "pom.xml" in refusal(tmp_path)

    def test_an_unreadable_class(self, common_user: Path) -> None:
        write_maven_project(common_user)
        (common_user / "target" / "classes" / class_path_of()).chmod(0)
        with pytest.raises(ProjectError, match=r"cannot read .*Main\.class: Permission denied"):
            read(common_user)

    def test_an_unreadable_directory(self, common_user: Path) -> None:
        write_maven_project(common_user)
        (common_user / "target" / "classes" / "com").chmod(0)
        with pytest.raises(ProjectError, match=r"cannot list .*com: Permission denied"):
            read(common_user)

    def test_an_unreadable_project(self, common_user: Path) -> None:
        write_maven_project(common_user / "shop")
        (common_user / "shop").chmod(0)
        with pytest.raises(ProjectError, match="shop"):
            read(common_user / "shop")

    def test_an_unreadable_jar(self, common_user: Path) -> None:
        write_thin_jar(common_user / "app.jar").chmod(0)
        with pytest.raises(ProjectError, match=r"cannot read .*app\.jar: Permission denied"):
            read(common_user / "app.jar")

    @pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
    def test_a_class_that_is_a_dangling_link(self, tmp_path: Path) -> None:
        write_maven_project(tmp_path)
        (tmp_path / "target" / "classes" / "Gone.class").symlink_to("nowhere")
        with pytest.raises(ProjectError, match=r"cannot read .*Gone\.class"):
            read(tmp_path)


def test_two_readings_are_equal(tmp_path: Path) -> None:
    write_maven_project(tmp_path)
    assert read(tmp_path) == read(tmp_path)
    write_boot_jar(tmp_path / "target" / "app-1.0.jar")
    assert read(tmp_path) == read(tmp_path)


def test_a_pom_that_cannot_be_worked_out_is_warned_of_where_no_library_is(tmp_path: Path) -> None:
    parent = "<parent><groupId>com.corp</groupId><artifactId>p</artifactId><version>7</version>"
    pom = f"<project><modelVersion>4.0.0</modelVersion>{parent}</parent><artifactId>x</artifactId>"
    write_tree(tmp_path, {"pom.xml": f"{pom}</project>", "target/classes/A.class": main_class("A")})
    host = HostEnvironment(home=tmp_path / "home")
    (warning,) = read_project(tmp_path, mode=Mode.EXPLODED, host=host).warnings
    assert warning.message.startswith("no library is in the image, and the pom could not be worked")
    assert "corp" in warning.message
    assert "mvn dependency:go-offline" in str(warning.hint)
