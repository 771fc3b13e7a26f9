"""Whole projects of Maven: poms, the files of ``.mvn``, and what Jib's plugin is told in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyjib.jib.pom import read_pom
from pyjib.jib.to_options import Given, to_options
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.project.gradle_properties import parse_properties
from pyjib.project.maven.project import open_maven_project
from pyjib.project.maven.secrets import Secrets
from pyjib.project.maven.version import Version, parse_range
from tests.support.fuzzing import damaged, fuzz, survives
from tests.support.maven import MavenRepository
from tests.support.maven_graph import host_with, write_graph, write_versions
from tests.support.projects import main_class

JIB = """<plugin><groupId>com.google.cloud.tools</groupId><artifactId>jib-maven-plugin</artifactId>
<version>3.5.2</version><configuration><from><image>busybox:1</image><platforms><platform>
<architecture>amd64</architecture><os>linux</os></platform></platforms></from><to><image>r.io/a:${v}
</image><tags><tag>1</tag></tags><auth><username>u</username><password>{p}</password></auth></to>
<container><ports><port>8080-8090/tcp</port></ports><jvmFlags><jvmFlag>-Xmx1g</jvmFlag></jvmFlags>
<environment><A>b</A></environment><creationTime>2020-01-01T00:00:00Z</creationTime></container>
<extraDirectories><paths><path><from>x</from><into>/y</into></path></paths><permissions><permission>
<file>/y</file><mode>755</mode></permission></permissions></extraDirectories>
</configuration></plugin>"""
POM = f"""<project><modelVersion>4.0.0</modelVersion><groupId>g</groupId><artifactId>app</artifactId>
<version>1</version><properties><v>1.0</v><w>${{v}}</w><jib.to.image>r.io/x</jib.to.image>
<maven.compiler.release>17</maven.compiler.release></properties>
<dependencies><dependency><groupId>t</groupId><artifactId>a</artifactId><version>[1,2)</version>
</dependency><dependency><groupId>t</groupId><artifactId>b</artifactId><version>1</version>
<scope>test</scope><exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion>
</exclusions></dependency></dependencies><dependencyManagement><dependencies><dependency>
<groupId>t</groupId><artifactId>b</artifactId><version>1</version><type>pom</type>
<scope>import</scope></dependency></dependencies></dependencyManagement>
<build><plugins>{JIB}</plugins></build><profiles><profile><id>p</id><activation><jdk>[17,)</jdk>
<property><name>!x</name></property><file><exists>${{basedir}}/y</exists></file></activation>
<properties><v>2</v></properties></profile></profiles></project>""".encode()
PIECES = (
    *(b"${v}", b"${w}", b"${a${b}}", b"<v>${w}</v>", b"<version>" + b"9" * 5000 + b"</version>"),
    *(b"<jdk>[" + b"9" * 5000 + b",)</jdk>", b"<jdk>17x</jdk>", b"<jdk>[,</jdk>", b"&#0;", b"&x;"),
    *(b"<modules><module>.</module></modules>", b"<module>..</module>", b"<a>" * 3000, b"\xc2\xb2"),
    *(b"<packaging>war</packaging>", b"<scope>import</scope>", b"<parent/>", b"<relativePath/>"),
    *(b"<systemPath>\\</systemPath>", b"<version>[1,</version>", b"<!--", b"<![CDATA[", b"LATEST"),
    *(
        b"<creationTime>0001-01-01T00:00:00+18:00</creationTime>",
        b"99999999999999999999",
        b"<mode>",
    ),
)
CONFIGS = (
    b"-Dv=3 -Pp,!q -DskipTests\n-s settings.xml -o\n",
    b"distributionUrl=https\\://example.org/apache-maven-3.9.9-bin.zip\n",
    b"<extensions><extension><groupId>g</groupId><artifactId>a</artifactId></extension></extensions>",
)
WORDS = (
    b"'",
    b'"',
    b"\\",
    b"-D",
    b"-P",
    b"=",
    b"9" * 5000,
    b"-s ",
    b"apache-maven-",
    b"\0",
    b"a" * 300,
)
MVN = ("maven.config", "jvm.config", "wrapper/maven-wrapper.properties", "extensions.xml")
SECURITY = (
    b"<a><master>{jSMOWnoPFgsHVpMvz5VrIt5kRbzGpI8u+9EF1iFQyJQ=}</master></a>",
    b"<settingsSecurity><relocation>security.xml</relocation></settingsSecurity>",
)
CLOSED = (b"{COQLCE6DU6GtcS5P=}", b"a {jSMOWnoPFgsHVpMvz5VrIt5kRbzGpI8u+9EF1iFQyJQ=} b", b"{a\\}b}")
PROPERTIES = (b"# c\na = b\\\n  c\nsystemProp.x\\:y=\\u00e9\n!d\n",)
VERSIONS = (b"1.0-alpha-1", b"[1.0,2.0),(3,]", b"2.0.0-SNAPSHOT", b"1-1.foo-bar1baz-.1")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("projects")
    for name in ("app", "app/.mvn/wrapper", "app/target/classes"):
        (path / name).mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="module")
def host(place: Path) -> HostEnvironment:
    repository = MavenRepository(place / "repository")
    write_graph(repository, {"a": "b", "b": ""})
    write_versions(repository, "a", ["1"])
    (place / "app/target/classes/A.class").write_bytes(main_class("A"))
    return host_with(repository, place / "home")


def use_project(root: Path, host: HostEnvironment) -> None:
    project = open_maven_project(root, host=host)
    configuration = read_pom(project.model)
    if configuration is not None:
        to_options(configuration, project.model, Given.of(BuildOptions()))
    project.read()


@given(data=damaged((POM,), PIECES))
@example(data=POM.replace(b"17</maven", b"9" * 5000 + b"</maven"))
@example(data=POM.replace(b"[1,2)", b"9" * 5000))
@example(data=POM.replace(b"[17,)", b"[17x,)"))
@example(data=POM.replace(b"8080-8090", b"9" * 5000))
@fuzz
def test_projects_of_maven(data: bytes, place: Path, host: HostEnvironment) -> None:
    (place / "app" / "pom.xml").write_bytes(data)
    survives(use_project, place / "app", host)


@given(data=damaged(CONFIGS, WORDS), name=st.sampled_from(MVN))
@fuzz
def test_what_projects_tell_maven(
    data: bytes, name: str, place: Path, host: HostEnvironment
) -> None:
    (place / "app" / "pom.xml").write_bytes(POM)
    path = place / "app" / ".mvn" / name
    path.write_bytes(data)
    try:
        survives(use_project, place / "app", host)
    finally:
        path.unlink()


@given(
    data=damaged(SECURITY, (b"{", b"}", b"=", b"<master>")), closed=damaged(CLOSED, (b"{", b"}"))
)
@example(data=b"<a><relocation>" + b"9" * 300 + b"</relocation></a>", closed=CLOSED[1])
@fuzz
def test_encrypted_passwords(data: bytes, closed: bytes, place: Path) -> None:
    path = place / "security.xml"
    path.write_bytes(data)
    survives(lambda: Secrets(path).open(closed.decode("utf-8", "replace"), owner="a test"))


@given(data=damaged(PROPERTIES, (b"\\", b"=", b":", b"\\u", b"\n", b"\\" * 5001, b" " * 3000)))
@example(data=b"A" * 300_000)
@fuzz
def test_properties(data: bytes) -> None:
    found = survives(parse_properties, data.decode("latin-1"))
    assert found is not None
    assert "" not in found


@given(data=damaged(VERSIONS, (b"[", b",", b")", b"-", b"9" * 5000, b"\xd9\xa3", b".0" * 3000)))
@fuzz
def test_versions(data: bytes) -> None:
    text = data.decode("utf-8", "replace")[:20_000]
    version = survives(Version.parse, text)
    assert version is not None
    assert version == Version.parse(text)
    found = survives(parse_range, text)
    if found is not None:
        survives(found.highest, ("1", "2", text))


def test_a_sound_project_is_read(place: Path, host: HostEnvironment) -> None:
    (place / "app" / "pom.xml").write_bytes(POM)
    use_project(place / "app", host)
