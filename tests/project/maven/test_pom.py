from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyjib.errors import ProjectError
from pyjib.project.maven.activation import (
    Activation,
    ActivationFile,
    ActivationOs,
    ActivationProperty,
)
from pyjib.project.maven.model import (
    Exclusion,
    Node,
    Origin,
    Parent,
    PomDependency,
    Relocation,
    Repository,
    RepositoryPolicy,
)
from pyjib.project.maven.pom import PomReader, parse_pom

PATH = Path("pom.xml")


def parse(body: str):
    return parse_pom(f"<project>{body}</project>".encode(), PATH)


def test_texts_are_trimmed_and_empty_ones_are_none() -> None:
    pom = parse("<groupId>\n g </groupId><artifactId> a</artifactId><version> </version>")
    assert (pom.group, pom.artifact, pom.version, pom.packaging) == ("g", "a", None, "jar")


def test_texts_are_trimmed_as_java_does() -> None:
    pom = parse("<properties><a>\u00a0no break\u3000</a><b>\r\n \u2028 \t</b></properties>")
    assert pom.body.properties == {"a": "\u00a0no break\u3000", "b": "\u2028"}


def test_group_and_version_come_from_the_parent() -> None:
    pom = parse(
        "<parent><groupId>g</groupId><artifactId>p</artifactId><version>${revision}</version>"
        "</parent><artifactId>a</artifactId>"
    )
    assert pom.parent == Parent(group="g", artifact="p", version="${revision}")
    assert (pom.effective_group, pom.effective_version) == ("g", "${revision}")


@pytest.mark.parametrize(
    ("element", "path"),
    [("", "../pom.xml"), ("<relativePath/>", ""), ("<relativePath>../p</relativePath>", "../p")],
)
def test_relative_path(element: str, path: str) -> None:
    pom = parse(f"<parent><artifactId>p</artifactId>{element}</parent>")
    assert pom.parent is not None
    assert pom.parent.relative_path == path


def test_a_dependency() -> None:
    pom = parse(
        "<dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId>"
        "<version>1</version><type>test-jar</type><classifier>c</classifier><scope>test</scope>"
        "<optional>TRUE</optional><systemPath>/x</systemPath><exclusions><exclusion>"
        "<groupId>*</groupId><artifactId>b</artifactId></exclusion></exclusions></dependency>"
        "<dependency><artifactId>b</artifactId><optional>${o}</optional></dependency>"
        "</dependencies>"
    )
    first, second = pom.body.dependencies
    assert first == PomDependency(
        "g", "a", "1", "test-jar", "c", "test", True, (Exclusion("*", "b"),), "/x"
    )
    assert first.key == "g:a:test-jar:c"
    assert second == PomDependency("", "b", optional=False, optional_expression="${o}")
    assert (first.origin, second.origin) == (Origin(PATH, 0), Origin(PATH, 1))


def test_profiles_and_what_activates_them() -> None:
    pom = parse(
        "<profiles><profile><id>p</id><activation><activeByDefault>true</activeByDefault>"
        "<jdk>17</jdk><os><name>n</name><family>f</family><arch>x</arch><version>1</version></os>"
        "<property><name>!n</name><value>v</value></property><file><exists>e</exists>"
        "<missing>m</missing></file></activation><properties><a>1</a></properties>"
        "<modules><module>m</module></modules></profile><profile/></profiles>"
    )
    first, second = pom.profiles
    assert first.activation == Activation(
        by_default=True,
        jdk="17",
        os=ActivationOs(name="n", family="f", architecture="x", version="1"),
        on_property=ActivationProperty(name="!n", value="v"),
        file=ActivationFile(exists="e", missing="m"),
    )
    assert (first.body.properties, first.body.modules) == ({"a": "1"}, ("m",))
    assert (second.id, second.activation) == ("default", Activation())


def test_a_plugin() -> None:
    pom = parse(
        "<build><finalName>f</finalName><plugins><plugin><artifactId>maven-jar-plugin</artifactId>"
        "<inherited>false</inherited><configuration><a x='1'> t <!-- c --> </a>"
        "<b xml:space='preserve'> t </b><c><d/></c></configuration><executions><execution>"
        "<goals><goal>jar</goal></goals></execution></executions></plugin></plugins></build>"
    )
    (plugin,) = pom.body.build.plugins
    assert (plugin.key, plugin.inherited) == ("org.apache.maven.plugins:maven-jar-plugin", False)
    assert plugin.configuration == Node(
        "configuration",
        children=(
            Node("a", "t", {"x": "1"}),
            Node("b", " t ", {"space": "preserve"}),
            Node("c", children=(Node("d"),)),
        ),
    )
    assert [(found.id, found.goals) for found in plugin.executions] == [("default", ("jar",))]
    assert pom.body.build.values == {"finalName": "f"}


def test_repositories_and_relocation() -> None:
    pom = parse(
        "<repositories><repository><id>r</id><url>u</url><releases><enabled>false</enabled>"
        "</releases></repository></repositories><distributionManagement><relocation>"
        "<artifactId>b</artifactId></relocation></distributionManagement>"
    )
    disabled = RepositoryPolicy(enabled=False)
    assert pom.body.repositories == (Repository(id="r", url="u", releases=disabled),)
    assert pom.relocation == Relocation(artifact="b")


def test_configuration_is_read_by_path() -> None:
    pom = parse(
        "<build><plugins><plugin><configuration><a><b>1</b><b>2</b></a></configuration></plugin>"
        "</plugins></build>"
    )
    node = pom.body.build.plugins[0].configuration
    assert node is not None
    assert (node.value("a/b"), node.value("a/c"), node.find("x/y")) == ("2", None, None)


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "pom.xml"
    path.write_text("<project><artifactId>a</artifactId></project>")
    reader = PomReader()
    first = reader.read(path)
    assert reader.read(path) is first
    assert reader.read(path, plugins=False) == first
    path.write_text("<project><artifactId>b</artifactId></project>")
    os.utime(path, ns=(1, 1))
    assert reader.read(path).artifact == "b"


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"cannot read .*pom\.xml: No such file"):
        PomReader().read(tmp_path / "pom.xml")
