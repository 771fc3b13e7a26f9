from __future__ import annotations

import re
from pathlib import Path

import pytest

from pyjib.errors import ConfigurationError
from pyjib.options import HostEnvironment
from pyjib.project.maven.command_line import Arguments
from pyjib.project.maven.effective import Builder
from pyjib.project.maven.java_home import Jdk, find_jdk, read_jdk
from pyjib.project.maven.session import find_root, start_session
from tests.support.maven import (
    JDK_17,
    MavenRepository,
    pom,
    profile,
    profiles,
    properties,
    session,
    write,
)


def test_what_a_bare_project_has(tmp_path: Path) -> None:
    found = session(tmp_path, variables={"HOME": "/h", "TOKEN": "hidden"})
    assert found.root == tmp_path
    assert found.local_repository == tmp_path / "home" / ".m2" / "repository"
    assert found.security_file == tmp_path / "home" / ".m2" / "settings-security.xml"
    expected = {
        "java.version": "17.0.15",
        "java.specification.version": "17",
        "java.class.version": "61.0",
        "java.home": str(Path("/jdk")),
        "user.home": str(tmp_path / "home"),
        "user.dir": str(tmp_path),
        "env.HOME": "/h",
    }
    assert expected.items() <= found.system_properties.items()
    assert {"os.name", "os.arch", "os.version", "file.separator"} <= set(found.system_properties)
    assert "hidden" not in repr(found)


def test_the_nearest_dot_mvn_is_the_root(tmp_path: Path) -> None:
    (tmp_path / ".mvn").mkdir()
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert find_root(tmp_path / "a" / "b") == tmp_path
    (tmp_path / "a" / ".mvn").mkdir()
    assert find_root(tmp_path / "a" / "b") == tmp_path / "a"


def test_who_says_what(tmp_path: Path) -> None:
    write(tmp_path / ".mvn" / "maven.config", "-Dx=file\n-Df=file\n-Pfile\n-Dwith=a b\n")
    write(tmp_path / ".mvn" / "jvm.config", "-Dj=jvm -Dx=jvm\n")
    variables = {"MAVEN_ARGS": "-Dx=args -Da=args -o", "MAVEN_OPTS": "-Do=opts -Dj=opts"}
    given = Arguments(properties={"x": "given"}, active_profiles=("given",))
    found = session(tmp_path, given, variables=variables)
    assert found.user_properties == {"x": "given", "a": "args", "f": "file", "with": "a b"}
    assert found.active_profiles == ("given", "file")
    assert found.offline
    assert {"j": "opts", "o": "opts", "x": "given"}.items() <= found.system_properties.items()


def test_the_wrapper_tells_which_maven_is_meant(tmp_path: Path) -> None:
    write(tmp_path / ".mvn" / "maven.config", "-Da=1 -Db=2")
    write(
        tmp_path / ".mvn" / "wrapper" / "maven-wrapper.properties",
        "distributionUrl=https://x/apache-maven/3.8.7/apache-maven-3.8.7-bin.zip\n",
    )
    found = session(tmp_path, variables={"MAVEN_ARGS": "-Dc=3"})
    assert found.user_properties == {"a": "1", "b": "2"}  # 3.8 knows no MAVEN_ARGS
    assert found.system_properties["maven.version"] == "3.8.7"


def test_the_installed_maven(tmp_path: Path) -> None:
    home = tmp_path / "maven"
    write(home / "lib" / "maven-core-3.9.6.jar", "")
    write(
        home / "conf" / "settings.xml", "<settings><localRepository>/r</localRepository></settings>"
    )
    found = session(tmp_path, variables={"MAVEN_HOME": str(home)})
    assert found.system_properties["maven.version"] == "3.9.6"
    assert found.local_repository == Path("/r")


@pytest.mark.parametrize("name", ["maven.repo.local", "settings.security"])
def test_places_can_be_given(tmp_path: Path, name: str) -> None:
    place = tmp_path / "place"
    found = session(tmp_path, Arguments(properties={name: str(place)}))
    assert place in (found.local_repository, found.security_file)


def test_a_settings_file_that_is_given_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the settings file given is not there"):
        session(tmp_path, Arguments(settings=tmp_path / "none.xml"))


@pytest.mark.parametrize("place", ["MAVEN_OPTS", "jvm.config", "maven.config", "-D"])
def test_another_home(tmp_path: Path, place: str) -> None:
    """Java is told by any of them where the user's home is, and Maven asks Java."""
    home = tmp_path / "another"
    said = f"-Duser.home={home}"
    write(home / ".m2" / "settings.xml", "<settings><offline>true</offline></settings>")
    if place.endswith(".config"):
        write(tmp_path / ".mvn" / place, said)
    given = Arguments(properties={"user.home": str(home)}) if place == "-D" else None
    variables = {"MAVEN_OPTS": said} if place == "MAVEN_OPTS" else {}
    found = session(tmp_path, given, variables=variables)
    assert found.offline
    assert found.local_repository == home / ".m2" / "repository"
    assert found.security_file == home / ".m2" / "settings-security.xml"


def test_options_of_the_jvm_wherever_they_stand(tmp_path: Path) -> None:
    """Java reads variables of its own; of two that set one property the last counts."""
    write(tmp_path / ".mvn" / "jvm.config", "-Dc=config -Dd=config\n")
    variables = {
        "JAVA_TOOL_OPTIONS": "-Da=tool -Db=tool",
        "JDK_JAVA_OPTIONS": '-Db=jdk -Dc="jdk x"',
        "MAVEN_OPTS": "-Dd=opts -De=opts",
        "_JAVA_OPTIONS": "-De=last",
    }
    found = session(tmp_path, variables=variables).system_properties
    assert [found[name] for name in "abcde"] == ["tool", "jdk", "config", "opts", "last"]


def test_settings_that_maven_config_names(tmp_path: Path) -> None:
    write(tmp_path / ".mvn" / "maven.config", "-s\nown.xml\n")
    write(tmp_path / "own.xml", "<settings><offline>true</offline></settings>")
    assert session(tmp_path).offline
    other = write(tmp_path / "other.xml", "<settings/>")
    assert not session(tmp_path, Arguments(settings=other)).offline


@pytest.mark.parametrize("place", ["MAVEN_ARGS", "maven.config"])
def test_settings_are_looked_for_where_maven_is_started(tmp_path: Path, place: str) -> None:
    """Maven looks nowhere else, and fails where they lie beside ``.mvn`` alone."""
    project, here = tmp_path / "project", tmp_path / "here"
    write(project / ".mvn" / "maven.config", "-s\nown.xml\n" if place == "maven.config" else "")
    variables = {"MAVEN_ARGS": "-s own.xml"} if place == "MAVEN_ARGS" else {}
    host = HostEnvironment.of(variables, tmp_path / "home")
    with pytest.raises(ConfigurationError, match=re.escape(f"cannot read {here / 'own.xml'}")):
        start_session(project, host, cwd=here)
    write(project / "own.xml", "<settings><offline>true</offline></settings>")
    assert start_session(project, host, cwd=here).offline
    write(here / "own.xml", "<settings/>")
    assert not start_session(project, host, cwd=here).offline


def test_places_are_below_the_directory_that_maven_is_started_in(tmp_path: Path) -> None:
    """As a cache of a CI job is, which all modules of a build share."""
    module, root = tmp_path / "module", tmp_path
    opts = "-Dmaven.repo.local=.m2/repository -Dsettings.security=security.xml"
    host = HostEnvironment.of({"MAVEN_OPTS": opts}, tmp_path / "home")
    found = start_session(module, host, cwd=root)
    assert found.local_repository == root / ".m2" / "repository"
    assert found.security_file == root / "security.xml"
    assert found.system_properties["user.dir"] == str(root)
    settings = write(root / "s.xml", "<settings><localRepository>r</localRepository></settings>")
    host = HostEnvironment.of({}, tmp_path / "home")
    found = start_session(module, host, Arguments(settings=settings), cwd=root)
    assert found.local_repository == root / "r"


def test_settings_hear_properties_and_the_environment(tmp_path: Path) -> None:
    settings = write(
        tmp_path / "s.xml",
        "<settings><localRepository>${where}/${env.NAME}/${HOME}</localRepository></settings>",
    )
    given = Arguments(settings=settings, properties={"where": "/w"})
    found = session(tmp_path, given, variables={"NAME": "n", "HOME": "/h"})
    assert found.local_repository == Path("/w/n/${HOME}")


def test_extensions_of_the_project_are_warned_about(tmp_path: Path) -> None:
    write(
        tmp_path / ".mvn" / "extensions.xml",
        '<extensions xmlns="http://maven.apache.org/EXTENSIONS/1.0.0">'
        "<extension><groupId>g</groupId><artifactId>a</artifactId></extension>"
        "<extension><groupId>com.gradle</groupId><artifactId>a</artifactId></extension>"
        "</extensions>",
    )
    (warning,) = session(tmp_path).warnings
    assert "uses the Maven extension g:a" in warning


@pytest.mark.parametrize(
    ("version", "specification", "major"),
    [("17.0.15", "17", 17), ("1.8.0_442", "1.8", 8), ("21", "21", 21), ("25-ea+3", "25", 25)],
)
def test_versions_of_java(version: str, specification: str, major: int) -> None:
    jdk = Jdk(version=version)
    assert (jdk.specification, jdk.major) == (specification, major)


def test_the_jdk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "jdk"
    write(home / "release", 'IMPLEMENTOR="V"\nJAVA_VERSION="21.0.1"\n')
    program = write(home / "bin" / "java", "")
    program.chmod(0o755)
    found = Jdk(version="21.0.1", home=home, vendor="V")
    assert find_jdk(HostEnvironment.of({"JAVA_HOME": str(home)})) == found
    assert find_jdk(HostEnvironment.of({"PATH": str(home / "bin")})) == found
    assert find_jdk(HostEnvironment.of({})) is None
    monkeypatch.chdir(home / "bin")  # a project that was checked out may have a java of its own
    assert find_jdk(HostEnvironment.of({"PATH": "."})) is None
    assert find_jdk(HostEnvironment.of({"JAVA_HOME": str(tmp_path)})) is None
    jre = home / "jre"
    assert read_jdk(jre) == Jdk(version="21.0.1", home=jre, vendor="V")


@pytest.mark.parametrize(
    ("values", "version"),
    [
        ({"maven.compiler.target": "1.8"}, "1.8"),
        ({"java.version": "17", "maven.compiler.release": "21"}, "21"),
        ({"maven.compiler.release": "${java.version}", "java.version": "17"}, "17"),
        ({}, None),
    ],
)
def test_without_a_jdk_the_project_tells(
    tmp_path: Path, values: dict[str, str], version: str | None
) -> None:
    section = profiles(profile("p", "<jdk>17</jdk>", properties(p="1")))
    path = write(tmp_path / "pom.xml", pom("g:a:1", properties(values), section))
    opened = session(tmp_path, jdk=None)
    assert opened.jdk == (version and Jdk(version=version, guessed=True))
    found = Builder(opened, MavenRepository(tmp_path)).project(path)
    assert ("p" in found.properties) == (version == "17")
    (warning,) = found.warnings
    assert warning.endswith(f"the profiles p were asked for Java {version or 'none'}")


def test_a_jdk_that_is_given_is_taken(tmp_path: Path) -> None:
    host = HostEnvironment.of({}, tmp_path)
    assert start_session(tmp_path, host).jdk is None
    assert start_session(tmp_path, host, jdk=JDK_17).jdk is JDK_17
