"""What Jib reads from other plugins' configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pyjib.project.java_names import is_class_name
from pyjib.project.maven.model import EffectiveModel
from pyjib.project.maven.plugin_values import (
    declared_java,
    manifest_main_class,
    packaged_jar,
    preferred_main_classes,
    war_file,
)
from tests.support.maven import (
    build,
    configuration,
    effective,
    execution,
    executions,
    plugin,
    pom,
    properties,
    write,
)

Read = Callable[..., EffectiveModel]

COMPILER, JAR, WAR = "maven-compiler-plugin", "maven-jar-plugin", "maven-war-plugin"
BOOT = "org.springframework.boot:spring-boot-maven-plugin:3.1.2"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def model(*sections: str, packaging: str = "jar") -> EffectiveModel:
        path = tmp_path / "app" / "pom.xml"
        return effective(write(path, pom("t:app:1", *sections, packaging=packaging)))

    return model


def compiler(xml: str) -> str:
    return build(plugin(COMPILER, configuration(xml)))


def repackage(xml: str = "") -> str:
    return plugin(BOOT, executions(execution("repackage", configuration(xml), goals=["repackage"])))


def jar_execution(xml: str) -> str:
    return plugin(JAR, executions(execution("default-jar", configuration(xml))))


class TestJava:
    @pytest.mark.parametrize(
        ("sections", "release"),
        [
            ((), 6),
            ((properties({"maven.compiler.release": "17"}),), 17),
            ((properties({"maven.compiler.target": "1.8", "maven.compiler.release": "17"}),), 8),
            ((properties({"maven.compiler.source": "17"}),), 6),
            ((compiler("<release>21</release>"),), 21),
            ((compiler("<target>11</target><release>21</release>"),), 11),
            ((compiler("<source>21</source>"),), 6),
            ((properties({"v": "17"}), compiler("<release>${v}</release>")), 17),
            ((properties({"maven.compiler.release": "9"}), compiler("<release>21</release>")), 9),
            ((properties({"maven.compiler.release": "17.0.1"}),), 17),
            ((properties({"maven.compiler.release": "new"}),), 0),
            ((properties({"maven.compiler.release": "1."}),), 0),
            ((properties({"maven.compiler.release": "${unknown}"}),), 0),
        ],
    )
    def test_the_release(self, read: Read, sections: tuple[str, ...], release: int) -> None:
        assert declared_java(read(*sections)) == release

    def test_management_alone_counts_where_the_lifecycle_has_the_plugin(self, read: Read) -> None:
        managed = build(managed=[plugin(COMPILER, configuration("<release>17</release>"))])
        assert declared_java(read(managed)) == 17


class TestMainClass:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("a.Main", "a.Main"),
            ("${start-class}", None),
            ("a-b.Main", None),
            ("Main$In", "Main$In"),
        ],
    )
    def test_of_the_jar_plugin(self, read: Read, text: str, found: str | None) -> None:
        archive = f"<archive><manifest><mainClass>{text}</mainClass></manifest></archive>"
        assert manifest_main_class(read(build(plugin(JAR, configuration(archive))))) == found

    def test_of_an_execution_does_not_count(self, read: Read) -> None:
        archive = "<archive><manifest><mainClass>a.Main</mainClass></manifest></archive>"
        assert manifest_main_class(read(build(jar_execution(archive)))) is None

    def test_others_that_may_tell(self, read: Read) -> None:
        boot = plugin(BOOT, configuration("<mainClass>a.Boot</mainClass>"))
        model = read(properties({"start-class": "a.Start"}), build(boot))
        assert list(preferred_main_classes(model)) == ["a.Boot", "a.Start"]
        assert list(preferred_main_classes(read())) == []

    @pytest.mark.parametrize(
        "text", ["a", "a.B", "ä.Ö", "_._", "class", "$", "a.€", "‿x", "a\u200bb"]
    )
    def test_class_names(self, text: str) -> None:
        assert is_class_name(text)

    @pytest.mark.parametrize(
        "text", ["", ".", "a.", "1a", "a b", "a-b", "a\u00b7b", "\u212e", "\u200bb"]
    )
    def test_other_names(self, text: str) -> None:
        assert not is_class_name(text)


class TestArchives:
    @pytest.mark.parametrize(
        ("section", "path", "name"),
        [
            ("", "target/app-1.jar", "app-1.jar"),
            (build(finalName="shop"), "target/shop.jar", "shop.jar"),
            (build(directory="out"), "out/app-1.jar", "app-1.jar"),
            (
                build(jar_execution("<classifier>thin</classifier>")),
                "target/app-1-thin.jar",
                "app-1-thin.jar",
            ),
            (
                build(jar_execution("<outputDirectory>jars</outputDirectory>")),
                "jars/app-1.jar",
                "app-1.jar",
            ),
            (build(repackage()), "target/app-1.jar.original", "app-1.original.jar"),
            (build(repackage("<skip>true</skip>")), "target/app-1.jar", "app-1.jar"),
            (build(repackage("<classifier>boot</classifier>")), "target/app-1.jar", "app-1.jar"),
            (build(repackage("<finalName>boot</finalName>")), "target/app-1.jar", "app-1.jar"),
            (
                build(repackage("<finalName>shop</finalName>"), finalName="shop"),
                "target/shop.jar.original",
                "shop.original.jar",
            ),
            (
                build(repackage(), jar_execution("<outputDirectory>jars</outputDirectory>")),
                "jars/app-1.jar",
                "app-1.jar",
            ),
            (
                build(
                    repackage("<classifier>x</classifier>"),
                    jar_execution("<classifier>x</classifier>"),
                ),
                "target/app-1-x.jar.original",
                "app-1-x.original.jar",
            ),
            (build(plugin(BOOT)), "target/app-1.jar", "app-1.jar"),
        ],
    )
    def test_the_jar(self, read: Read, section: str, path: str, name: str) -> None:
        model = read(section)
        found = packaged_jar(model)
        assert (found.path.relative_to(model.basedir).as_posix(), found.name) == (path, name)

    def test_the_war(self, read: Read) -> None:
        model = read(packaging="war")
        assert war_file(model) == model.basedir / "target" / "app-1.war"
        named = plugin(
            WAR, executions(execution("default-war", configuration("<warName>shop</warName>")))
        )
        model = read(build(named), packaging="war")
        assert war_file(model) == model.basedir / "target" / "shop.war"
