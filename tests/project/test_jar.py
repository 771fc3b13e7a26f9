"""Jars: Spring Boot's of all generations, thin, plain and multi-release ones."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from pyjib.errors import DependencyError, ProjectError
from pyjib.options import Mode
from pyjib.project.libraries import path_of_file_url
from pyjib.project.manifest import parse_manifest
from pyjib.project.model import DEPENDENCY_GROUPS, Project, ProjectFile, ProjectKind
from pyjib.project.read import read_project
from tests.support.projects import (
    BOOT_LAYERS,
    JAVA_8,
    JAVA_21,
    LIBRARIES,
    MAIN,
    boot_files,
    class_file,
    class_path_of,
    layers_index,
    library_bytes,
    main_class,
    manifest,
    write_archive,
    write_boot_jar,
    write_libraries,
    write_thin_jar,
    write_tree,
)


def read(path: Path, mode: Mode = Mode.EXPLODED) -> Project:
    return read_project(path, mode=mode)


def names(files: tuple[ProjectFile, ...]) -> list[str]:
    return [file.path for file in files if file.source]


def content(files: tuple[ProjectFile, ...], path: str) -> bytes:
    source = next(file.source for file in files if file.path == path)
    assert source is not None
    with source.open() as file:
        return file.read()


def groups(project: Project) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in project.dependency_groups}
    for dependency in project.dependencies:
        found[dependency.group].append(dependency.name)
    return found


class TestSpringBoot:
    @pytest.mark.parametrize("version", ["2.3.0.RELEASE", "2.7.18", "3.1.2", "3.2.0", "4.0.0"])
    def test_every_generation(self, tmp_path: Path, version: str) -> None:
        jar = write_boot_jar(tmp_path / "shop-1.0.jar", version)
        project = read(jar)
        assert project.kind is ProjectKind.SPRING_BOOT
        assert (project.name, project.archive) == ("shop-1.0", jar)
        assert project.main_class == MAIN
        assert project.java_version == 17
        assert version in project.detail
        assert not project.warnings
        assert names(project.classes) == [class_path_of()]
        assert names(project.resources) == [
            "META-INF/MANIFEST.MF",
            "META-INF/build-info.properties",
            "application.properties",
        ]
        assert [library.name for library in project.dependencies] == list(LIBRARIES)
        for library in project.dependencies:
            with library.source.open() as file:
                assert file.read() == library_bytes(library.name)

    def test_nothing_of_the_launcher_comes_along(self, tmp_path: Path) -> None:
        project = read(write_boot_jar(tmp_path / "a.jar", "3.5.0"))
        paths = [file.path for file in (*project.classes, *project.resources)]
        assert not [path for path in paths if path.startswith(("org", "META-INF/services"))]

    def test_layers_become_jib_s_groups(self, tmp_path: Path) -> None:
        project = read(write_boot_jar(tmp_path / "a.jar"))
        assert project.dependency_groups == DEPENDENCY_GROUPS
        assert groups(project) == {
            "dependencies": ["zeta-1.0.jar", "alpha-2.0.jar"],
            "snapshot dependencies": ["beta-1.1-SNAPSHOT.jar"],
            "project dependencies": ["module-1.0.jar"],
        }

    def test_own_layers_stay_in_the_order_of_the_index(self, tmp_path: Path) -> None:
        layers = {
            "company": ["BOOT-INF/lib/alpha-2.0.jar"],
            "dependencies": ["BOOT-INF/lib/"],
            "spring-boot-loader": ["org/"],
            "snapshot-dependencies": [],
            "late": ["BOOT-INF/lib/zeta-1.0.jar"],  # in vain: the first that holds it counts
            "application": ["BOOT-INF/classes/"],
        }
        project = read(write_boot_jar(tmp_path / "a.jar", layers=layers))
        assert project.dependency_groups == (
            "company",
            "dependencies",
            "snapshot dependencies",
            "late",
            "project dependencies",
        )
        assert groups(project)["company"] == ["alpha-2.0.jar"]
        assert groups(project)["dependencies"] == [
            "zeta-1.0.jar",
            "beta-1.1-SNAPSHOT.jar",
            "module-1.0.jar",
        ]

    def test_old_jars_without_indexes(self, tmp_path: Path) -> None:
        project = read(write_boot_jar(tmp_path / "a.jar", "2.1.0.RELEASE", indexes=False))
        assert [library.name for library in project.dependencies] == list(LIBRARIES)
        assert groups(project)["snapshot dependencies"] == ["beta-1.1-SNAPSHOT.jar"]
        assert groups(project)["project dependencies"] == []

    def test_bare_names_in_the_index_and_libraries_that_it_lacks(self, tmp_path: Path) -> None:
        files = boot_files("2.3.0.RELEASE")
        files["BOOT-INF/classpath.idx"] = b'- "zeta-1.0.jar"\n- "gone.jar"\n- "module-1.0.jar"\n'
        project = read(write_archive(tmp_path / "a.jar", files))
        found = [library.name for library in project.dependencies]
        assert found == ["zeta-1.0.jar", "module-1.0.jar", "alpha-2.0.jar", "beta-1.1-SNAPSHOT.jar"]

    def test_what_lies_outside_wins_as_with_java_jar(self, tmp_path: Path) -> None:
        files = boot_files()
        files["BOOT-INF/classes/META-INF/build-info.properties"] = b"inner"
        files["BOOT-INF/classes/META-INF/services/x.Y"] = b"z"
        project = read(write_archive(tmp_path / "a.jar", files))
        outer = content(project.resources, "META-INF/build-info.properties")
        assert outer == b"build.version=1.0\n"
        assert content(project.resources, "META-INF/services/x.Y") == b"z"

    def test_no_start_class(self, tmp_path: Path) -> None:
        """The launcher may get it elsewhere; then the classes are searched, not the launcher."""
        files = boot_files()
        head = manifest(Spring_Boot_Version="3.1.2", Main_Class="x.PropertiesLauncher")
        files["META-INF/MANIFEST.MF"] = head
        project = read(write_archive(tmp_path / "a.jar", files))
        assert project.main_class is None
        assert project.main_class_candidates == (MAIN,)

    @pytest.mark.parametrize(
        ("name", "line"),
        [
            ("layers.idx", '"dependencies":'),
            ("layers.idx", '  - "BOOT-INF/lib/"'),
            ("layers.idx", "- dependencies:"),
            ("classpath.idx", "BOOT-INF/lib/a.jar"),
        ],
    )
    def test_malformed_indexes(self, tmp_path: Path, name: str, line: str) -> None:
        files = boot_files() | {f"BOOT-INF/{name}": f"{line}\n".encode()}
        with pytest.raises(ProjectError, match=f"BOOT-INF/{name}: unexpected line"):
            read(write_archive(tmp_path / "a.jar", files))

    def test_indexes_with_windows_line_ends(self, tmp_path: Path) -> None:
        files = boot_files()
        files["BOOT-INF/layers.idx"] = layers_index(BOOT_LAYERS).replace(b"\n", b"\r\n")
        project = read(write_archive(tmp_path / "a.jar", files))
        assert groups(project)["project dependencies"] == ["module-1.0.jar"]

    def test_without_classes(self, tmp_path: Path) -> None:
        files = {
            name: data for name, data in boot_files().items() if not name.endswith("Main.class")
        }
        with pytest.raises(ProjectError, match="no classes in BOOT-INF/classes/"):
            read(write_archive(tmp_path / "a.jar", files))


class TestThinJar:
    def test_class_path_in_its_order(self, tmp_path: Path) -> None:
        write_libraries(tmp_path / "lib", ["z.jar", "a b.jar", "s-SNAPSHOT.jar"])
        write_libraries(tmp_path.parent / f"{tmp_path.name}-beside", ["up.jar"])
        beside = f"../{tmp_path.name}-beside/up.jar"
        paths = ["lib/z.jar", "lib/a%20b.jar", "lib/s-SNAPSHOT.jar", "lib/z.jar", beside]
        project = read(write_thin_jar(tmp_path / "app.jar", paths))
        assert project.kind is ProjectKind.JAR
        assert project.main_class == MAIN
        assert [library.name for library in project.dependencies] == [
            "z.jar",
            "a b.jar",
            "s-SNAPSHOT.jar",
            "up.jar",
        ]
        assert groups(project)["snapshot dependencies"] == ["s-SNAPSHOT.jar"]
        assert project.ordered
        assert "Class-Path" in project.detail

    def test_absolute_urls(self, tmp_path: Path) -> None:
        (library,) = write_libraries(tmp_path / "else where", ["x.jar"])
        project = read(write_thin_jar(tmp_path / "app.jar", [library.as_uri()]))
        assert project.dependencies[0].source.describe() == str(library)

    @pytest.mark.parametrize(
        ("rest", "posix", "windows"),
        [
            ("/libs/a%20b.jar", "/libs/a b.jar", "/libs/a b.jar"),
            ("///libs/%C3%A4.jar", "/libs/ä.jar", "/libs/ä.jar"),
            ("//localhost/libs/a.jar", "/libs/a.jar", "/libs/a.jar"),
            ("///C:/libs/a.jar", "/C:/libs/a.jar", "C:/libs/a.jar"),
            ("/c|/libs/a.jar", "/c|/libs/a.jar", "c:/libs/a.jar"),
            ("//nas/libs/a.jar", None, None),
        ],
    )
    def test_paths_of_file_urls(self, rest: str, posix: str | None, windows: str | None) -> None:
        assert path_of_file_url(rest, windows=False) == posix
        assert path_of_file_url(rest, windows=True) == windows

    def test_a_missing_library(self, tmp_path: Path) -> None:
        jar = write_thin_jar(tmp_path / "app.jar", ["lib/gone.jar"])
        with pytest.raises(DependencyError, match=r"needs lib/gone\.jar") as caught:
            read(jar)
        assert str(tmp_path / "lib" / "gone.jar") in caught.value.message
        assert caught.value.hint

    @pytest.mark.parametrize(
        "url",
        ["http://example.com/x.jar", "http://[x/y.jar", "jar:file:/x.jar", "file://nas/x.jar"],
    )
    def test_a_library_elsewhere(self, tmp_path: Path, url: str) -> None:
        jar = write_thin_jar(tmp_path / "app.jar", [url])
        with pytest.raises(DependencyError, match="not a file on this disk"):
            read(jar)

    def test_directories_are_left_out_and_told(self, tmp_path: Path) -> None:
        (tmp_path / "conf").mkdir()
        project = read(write_thin_jar(tmp_path / "app.jar", ["config/", "conf", "."]))
        assert project.dependencies == ()
        (warning,) = project.warnings
        assert warning.message.endswith("directories, which are left out: config/ conf .")
        assert warning.hint

    def test_long_manifest_lines(self, tmp_path: Path) -> None:
        paths = [f"lib/a-rather-long-name-{number}-é.jar" for number in range(20)]
        (tmp_path / "lib").mkdir()
        write_libraries(tmp_path, paths)
        project = read(write_thin_jar(tmp_path / "app.jar", paths))
        assert [f"lib/{library.name}" for library in project.dependencies] == paths


class TestPlainJar:
    def test_exploded(self, tmp_path: Path) -> None:
        project = read(write_thin_jar(tmp_path / "app.jar", main=None))
        assert project.kind is ProjectKind.JAR
        assert names(project.classes) == [class_path_of()]
        assert names(project.resources) == ["META-INF/MANIFEST.MF", "application.properties"]
        directories = ["META-INF", "com", "com/example"]
        for files in (project.classes, project.resources):
            assert [file.path for file in files if not file.source] == directories
        assert project.main_class is None
        assert project.main_class_candidates == (MAIN,)
        assert project.archive == tmp_path / "app.jar"

    def test_candidates_are_all_and_sorted(self, tmp_path: Path) -> None:
        files = {class_path_of(name): main_class(name) for name in ("b.B", "a.A")}
        files["c/C.class"] = class_file("c.C")
        project = read(write_archive(tmp_path / "app.jar", files))
        assert project.main_class_candidates == ("a.A", "b.B")

    def test_java_version(self, tmp_path: Path) -> None:
        files = {
            "A.class": class_file("A", major=JAVA_8),
            "module-info.class": class_file("module-info", major=JAVA_21),
            "META-INF/versions/21/A.class": class_file("A", major=JAVA_21),
        }
        assert read(write_archive(tmp_path / "app.jar", files)).java_version == 8

    def test_a_broken_class_is_a_warning(self, tmp_path: Path) -> None:
        files = {"A.class": class_file("A")} | {f"b{number}.class": b"no" for number in range(5)}
        project = read(write_archive(tmp_path / "app.jar", files))
        assert project.java_version == 17
        (warning,) = project.warnings
        assert "b0.class" in warning.message
        assert warning.message.endswith("and 2 more")

    def test_a_multi_release_jar_stays_a_jar(self, tmp_path: Path) -> None:
        write_libraries(tmp_path, ["x.jar"])
        jar = write_thin_jar(tmp_path / "app.jar", ["x.jar"], Multi_Release="true")
        exploded = read(jar)
        assert exploded.classes == exploded.resources == ()
        assert [library.name for library in exploded.dependencies] == ["app.jar", "x.jar"]
        assert exploded.dependencies[0].group == "project dependencies"
        packaged = read(jar, Mode.PACKAGED)
        assert [library.name for library in packaged.dependencies] == ["x.jar"]

    def test_no_classes(self, tmp_path: Path) -> None:
        jar = write_archive(tmp_path / "app-sources.jar", {"A.java": b"class A {}"})
        with pytest.raises(ProjectError, match="has no classes"):
            read(jar)

    def test_the_fixture(self, request: pytest.FixtureRequest) -> None:
        jar = request.config.rootpath / "fixtures/docker-hello/target/docker-hello-1.0.jar"
        project = read(jar)
        assert project.main_class == "org.objectworld.hello.HelloServer"
        assert project.java_version == 17


class TestBadInput:
    @pytest.mark.parametrize("name", ["nothing", "nothing.jar", "a/b/c.war"])
    def test_nothing_there(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ProjectError, match="does not exist"):
            read(tmp_path / name)

    def test_another_kind_of_file(self, tmp_path: Path) -> None:
        write_tree(tmp_path, {"app.zip": b"PK"})
        with pytest.raises(ProjectError, match="neither a directory nor a jar or war"):
            read(tmp_path / "app.zip")

    @pytest.mark.parametrize("name", ["app.jar", "app.war"])
    def test_not_an_archive(self, tmp_path: Path, name: str) -> None:
        write_tree(tmp_path, {name: b"<html>404</html>"})
        with pytest.raises(ProjectError, match="is not a jar or war") as caught:
            read(tmp_path / name)
        assert caught.value.hint

    def test_a_damaged_class_in_the_jar(self, tmp_path: Path) -> None:
        jar = write_archive(
            tmp_path / "app.jar", {"A.class": class_file("A")}, method=zipfile.ZIP_STORED
        )
        jar.write_bytes(jar.read_bytes().replace(b"java/lang/Object", b"java/lang/object"))
        with pytest.raises(ProjectError, match="CRC-32"):
            read(jar)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        (b"Main-Class: a.B\n", "Main-Class", "a.B"),
        (b"main-CLASS:a.B  \r\n\r\n", "Main-Class", "a.B"),
        (b"Main-Class: a.\r\n B\r\n C\r\n", "Main-Class", "a.BC"),
        (b"X: 1\rMain-Class: a.B\r", "Main-Class", "a.B"),
        (b"X: 1\n\nName: n\nMain-Class: a.B\n", "Main-Class", None),
        (b"Main-Class:\n", "Main-Class", None),
        ("X: \u00e9".encode()[:4] + b"\n " + "\u00e9".encode()[1:], "X", "\u00e9"),
        (b"", "X", None),
    ],
)
def test_manifests(text: bytes, name: str, value: str | None) -> None:
    assert parse_manifest(text).get(name) == value
