"""``--classpath-file``: a class path that the build tool worked out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pyjib.configure import MavenChoice, configure
from pyjib.errors import ConfigurationError, DependencyError, ProjectError, PyjibError
from pyjib.jib.to_options import Given
from pyjib.options import BuildOptions, HostEnvironment, Mode
from pyjib.project.class_path_list import split_class_path
from pyjib.project.model import (
    DEPENDENCIES,
    PROJECT_DEPENDENCIES,
    SNAPSHOT_DEPENDENCIES,
    Project,
)
from pyjib.project.read import read_project
from tests.support.maven import build, configuration, dependencies, parent, plugin, pom, write
from tests.support.projects import class_path_of, library_bytes, main_class

JIB = plugin(
    "com.google.cloud.tools:jib-maven-plugin:3.5.2",
    configuration("<to><image>localhost/app</image></to>"),
)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Compiled classes, and no pom."""
    root = tmp_path / "app"
    path = root / "target" / "classes" / class_path_of()
    path.parent.mkdir(parents=True)
    path.write_bytes(main_class())
    return root


def jar(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(library_bytes(path.name))
    return path


def read(root: Path, listed: Path, home: Path | None = None) -> Project:
    """Read as the command line does."""
    host = HostEnvironment.of({}, home or root.parent / "home")
    given = Given(options=BuildOptions(host=host))
    configured = configure(root, given, MavenChoice(class_path=listed))
    assert configured.read is not None
    project = configured.read()
    assert isinstance(project, Project)
    return project


def groups(project: Project) -> list[tuple[str, str]]:
    return [(library.name, library.group) for library in project.dependencies]


class TestWithoutAPom:
    def test_order_and_groups(self, app: Path, tmp_path: Path) -> None:
        repository = tmp_path / "repository"
        module = tmp_path / "lib"
        write(module / "pom.xml", pom("t:lib:1"))
        files = [
            jar(repository / "t" / "z" / "1" / "z-1.jar"),
            jar(module / "target" / "lib.jar"),
            jar(repository / "t" / "s" / "1-SNAPSHOT" / "s-1-SNAPSHOT.jar"),
            jar(repository / "t" / "s" / "2-SNAPSHOT" / "s-2-20240102.030405-6.jar"),
            jar(repository / "t" / "odd" / "3-SNAPSHOT" / "odd.jar"),
            jar(repository / "t" / "a" / "1" / "a-1.jar"),
        ]
        listed = write(tmp_path / "classpath.txt", os.pathsep.join(map(str, files)) + "\n")
        project = read(app, listed)
        assert groups(project) == [
            ("z-1.jar", DEPENDENCIES),
            ("lib.jar", PROJECT_DEPENDENCIES),
            ("s-1-SNAPSHOT.jar", SNAPSHOT_DEPENDENCIES),
            ("s-2-20240102.030405-6.jar", SNAPSHOT_DEPENDENCIES),
            ("odd.jar", SNAPSHOT_DEPENDENCIES),
            ("a-1.jar", DEPENDENCIES),
        ]
        assert project.ordered
        assert project.detail == f"class path from {listed}"

    def test_its_own_classes_are_passed_over(self, app: Path, tmp_path: Path) -> None:
        found = jar(tmp_path / "a-1.jar")
        own = app / "target" / "classes"
        listed = write(tmp_path / "classpath.txt", f"{own}\n{found}\n{found}\n")
        assert [library.name for library in read(app, listed).dependencies] == ["a-1.jar"]

    def test_relative_to_the_project(self, app: Path) -> None:
        jar(app / "lib" / "a-1.jar")
        listed = write(app / "classpath.txt", "lib/a-1.jar\n")
        assert [library.name for library in read(app, listed).dependencies] == ["a-1.jar"]

    def test_nothing_listed(self, app: Path, tmp_path: Path) -> None:
        assert not read(app, write(tmp_path / "classpath.txt", "\n")).dependencies

    def test_classpath_json(self, app: Path, tmp_path: Path) -> None:
        found = jar(tmp_path / "a-1.jar")
        entries = [{"file": str(found), "kind": "project"}]
        listed = write(tmp_path / "cp.json", json.dumps({"format": 1, "entries": entries}))
        assert groups(read(app, listed)) == [("a-1.jar", PROJECT_DEPENDENCIES)]

    def test_the_directory_alone(self, app: Path, tmp_path: Path) -> None:
        """The library's door, which knows nothing of Jib."""
        found = jar(tmp_path / "a-1.jar")
        listed = write(tmp_path / "classpath.txt", str(found))
        project = read_project(app, mode=Mode.EXPLODED, class_path=listed)
        assert [library.name for library in project.dependencies] == ["a-1.jar"]


class TestWithAPom:
    def test_the_pom_tells_the_rest(self, app: Path, tmp_path: Path) -> None:
        """Its dependencies need not be in the local repository."""
        write(app / "pom.xml", pom("t:app:1", build(JIB), dependencies("t:nowhere:1")))
        listed = write(tmp_path / "classpath.txt", str(jar(tmp_path / "a-1.jar")))
        host = HostEnvironment.of({}, tmp_path / "home")
        given = Given(options=BuildOptions(host=host))
        configured = configure(app, given, MavenChoice(class_path=listed))
        assert configured.source is not None
        assert "jib-maven-plugin 3.5.2" in configured.source
        assert configured.read is not None
        project = configured.read()
        assert isinstance(project, Project)
        assert project.name == "app"
        assert groups(project) == [("a-1.jar", DEPENDENCIES)]

    def test_modules_by_what_they_make(self, app: Path, tmp_path: Path) -> None:
        """Wherever the pom says that is."""
        listing = "<modules><module>app</module><module>lib</module></modules>"
        write(tmp_path / "pom.xml", pom("t:root:1", listing, packaging="pom"))
        above = parent("t:root:1")
        write(app / "pom.xml", pom(":app", above))
        made = build(directory="out", finalName="made")
        write(tmp_path / "lib" / "pom.xml", pom(":lib", above, made))
        listed = write(tmp_path / "cp", str(jar(tmp_path / "lib" / "out" / "made.jar")))
        assert groups(read(app, listed)) == [("made.jar", PROJECT_DEPENDENCIES)]

    def test_a_pom_that_only_maven_understands(self, app: Path, tmp_path: Path) -> None:
        write(app / "pom.xml", pom("t:app:1", parent("t:nowhere:1", "")))
        listed = write(tmp_path / "cp", str(jar(tmp_path / "a-1.jar")))
        assert groups(read(app, listed)) == [("a-1.jar", DEPENDENCIES)]

    def test_a_stale_list_is_warned_of(self, app: Path, tmp_path: Path) -> None:
        listed = write(tmp_path / "cp", str(jar(tmp_path / "a-1.jar")))
        os.utime(listed, (1, 1))
        path = write(app / "pom.xml", pom("t:app:1"))
        (warning,) = read(app, listed).warnings
        assert warning.message.startswith(f"{path} is newer than {listed}")
        assert "dependency:build-classpath" in (warning.hint or "")

    def test_a_war_has_its_own(self, app: Path, tmp_path: Path) -> None:
        write(app / "pom.xml", pom("t:app:1", packaging="war"))
        listed = write(tmp_path / "cp", str(jar(tmp_path / "a-1.jar")))
        with pytest.raises(ProjectError, match="is a war project"):
            read(app, listed)


class TestErrors:
    def refusal(self, app: Path, listed: Path) -> PyjibError:
        with pytest.raises(PyjibError) as caught:
            read(app, listed)
        return caught.value

    def test_no_such_list(self, app: Path, tmp_path: Path) -> None:
        error = self.refusal(app, tmp_path / "cp")
        assert error.message == (
            f"cannot read the class path from {tmp_path / 'cp'}: No such file or directory"
        )
        assert "mvn package dependency:build-classpath" in (error.hint or "")

    def test_a_missing_jar(self, app: Path, tmp_path: Path) -> None:
        error = self.refusal(app, write(tmp_path / "cp", str(tmp_path / "x.jar")))
        assert isinstance(error, DependencyError)
        assert (
            error.message
            == f"{tmp_path / 'cp'} has {tmp_path / 'x.jar'}, and there is no such file"
        )

    def test_a_module_that_is_only_compiled(self, app: Path, tmp_path: Path) -> None:
        classes = tmp_path / "lib" / "target" / "classes"
        classes.mkdir(parents=True)
        error = self.refusal(app, write(tmp_path / "cp", str(classes)))
        assert f"has the directory {classes}" in error.message
        assert "mvn package" in (error.hint or "")

    def test_something_else(self, app: Path, tmp_path: Path) -> None:
        (tmp_path / "cp").write_bytes(b"PK\0\0")
        assert "it is no list of files" in self.refusal(app, tmp_path / "cp").message

    def test_an_archive_to_build(self, tmp_path: Path) -> None:
        path = jar(tmp_path / "a-1.jar")
        with pytest.raises(ConfigurationError, match="--classpath-file is for directories"):
            read_project(path, mode=Mode.EXPLODED, class_path=tmp_path / "cp")


@pytest.mark.parametrize(
    ("text", "windows", "expected"),
    [
        ("/a/x.jar:/b/y.jar", False, ["/a/x.jar", "/b/y.jar"]),
        ("/a/x.jar:/b/y.jar\n", True, ["/a/x.jar", "/b/y.jar"]),
        ("/a/x.jar\n/b/y.jar\r\n\n", False, ["/a/x.jar", "/b/y.jar"]),
        ("C:\\a\\x.jar;D:\\y.jar", True, ["C:\\a\\x.jar", "D:\\y.jar"]),
        ("C:\\a\\x.jar;D:\\y.jar", False, ["C:\\a\\x.jar", "D:\\y.jar"]),
        ("C:/a/x.jar\nD:/y.jar", True, ["C:/a/x.jar", "D:/y.jar"]),
        ("C:/a/x.jar:D:/y.jar", True, ["C:/a/x.jar", "D:/y.jar"]),
        ("\ufeff/a/x.jar", False, ["/a/x.jar"]),
        ("", False, []),
    ],
)
def test_what_divides_entries(text: str, windows: bool, expected: list[str]) -> None:
    assert list(split_class_path(text, windows=windows)) == expected
