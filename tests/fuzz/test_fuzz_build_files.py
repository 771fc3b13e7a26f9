from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given

from pyjib.jib.yaml_file import parse_build_file
from pyjib.project.maven.interpolation import Interpolator
from pyjib.project.maven.model import RawPom
from pyjib.project.maven.pom import PomReader
from pyjib.project.maven.settings import parse_settings
from tests.support.fuzzing import damaged, fuzz, survives
from tests.support.projects import pom

JIB_YAML = (
    b"""apiVersion: jib/v1alpha1
kind: BuildFile
from:
  image: "ubuntu:${tag:-22.04}"
  platforms:
    - architecture: amd64
      os: linux
creationTime: 2000
format: OCI
environment: {A: b, "C": 'd'}
labels:
  l: |
    text
volumes: [/v]
exposedPorts: ["80/tcp", 8000-8010]
user: root
workingDirectory: /w
entrypoint: [sh, -c]
cmd: ["echo ${name}"]
layers:
  properties:
    filePermissions: 644
  entries:
    - name: one
      files:
        - src: a
          dest: /b
          excludes: ["**/*.class"]
          properties: {timestamp: "2020-01-01T00:00:00Z", user: "1"}
""",
)
YAML_TOKENS = (
    *(
        b"&a ",
        b"*a",
        b"!<%FF> ",
        b"!!python/object:a ",
        b"? ",
        b"- ",
        b": ",
        b"[[" * 2000,
        b"- " * 2000,
    ),
    *(b'"\\UFFFFFFFF"', b'"\\x"', b"%YAML " + b"9" * 5000 + b".1\n---\n", b"%TAG ! !\n", b"---\n"),
    *(
        b"...\n",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"<<: ",
        b"${",
        b"${a:-",
        b"$${",
        b"}",
        b"{a: " * 2000,
    ),
)
SETTINGS = (
    b"""<?xml version="1.0" encoding="UTF-8"?>
<settings xmlns="http://maven.apache.org/SETTINGS/1.0.0">
  <localRepository>${user.home}/r</localRepository><offline>true</offline>
  <mirrors><mirror><id>m</id><url>https://m.example.org</url><mirrorOf>*,!x</mirrorOf></mirror></mirrors>
  <servers><server><id>m</id><username>u</username><password>p</password></server></servers>
  <proxies><proxy><id>p</id><active>true</active><protocol>http</protocol><host>h</host>
    <port>80</port><nonProxyHosts>a|b*</nonProxyHosts></proxy></proxies>
  <profiles><profile><id>a</id><activation><jdk>[17,)</jdk></activation>
    <properties><a>b</a></properties></profile></profiles>
  <activeProfiles><activeProfile>a</activeProfile></activeProfiles>
</settings>""",
)
PLUGIN = (
    "<build><plugins><plugin><artifactId>p</artifactId><configuration><a b='c'><d>e</d></a>"
    "</configuration><executions><execution><id>x</id><goals><goal>g</goal></goals></execution>"
    "</executions></plugin></plugins></build><properties><a>${b}</a></properties>"
    "<profiles><profile><id>q</id><activation><os><family>unix</family></os></activation>"
    "<modules><module>m</module></modules></profile></profiles>"
    "<parent><groupId>g</groupId><artifactId>a</artifactId><version>1</version></parent>"
)
POMS = (
    pom(dependencies=["a:b:1:test", "c:d:2"]).encode(),
    pom(more=PLUGIN).encode(),
    pom().encode("utf-16"),
)
TEXT = Interpolator({"user.home": "/home/me"}.get)
XML_TOKENS = (
    *(b"<a>" * 3000, b"<configuration>" + b"<a>" * 3000, b"&lt;", b"&oslash;", b"&x;", b"&#0;"),
    *(
        b"&#xD800;",
        b"<!DOCTYPE a [<!ENTITY x 'y'>]>",
        b"<!DOCTYPE a SYSTEM 'file:///x'>",
        b"<![CDATA[",
    ),
    *(b"]]>", b"<!--", b"-->", b"<?a b?>", b"xmlns:a='b' ", b"<a:b>", b"</project>", b"<project>"),
    *(b"encoding='utf-7'", b"encoding='nothing'", b"encoding='gbk'", b"encoding='utf-16'", b"${a}"),
)


def nested(tag: str, depth: int) -> bytes:
    inner = f"<{tag}>" * depth + f"</{tag}>" * depth
    plugin = f"<plugin><artifactId>p</artifactId><configuration>{inner}</configuration></plugin>"
    return pom(more=f"<build><plugins>{plugin}</plugins></build>").encode()


def encoded(name: str) -> bytes:
    return f'<?xml version="1.0" encoding="{name}"?><project></project>'.encode()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("poms")


@given(data=damaged(JIB_YAML, YAML_TOKENS))
@example(data=b'"\\UFFFFFFFF"')
@example(data=b"%YAML " + b"9" * 5000 + b".1\n--- a\n")
@example(data=b"[" * 3000)
@fuzz
def test_jib_yaml(data: bytes) -> None:
    text = data[:8000].decode("utf-8", "replace")  # PyYAML takes its time
    survives(
        lambda: parse_build_file(text, {"name": "world", "tag": "${name}"}, context="."),
        mebibytes=48,  # PyYAML's nodes and marks
    )


@given(data=damaged(POMS, XML_TOKENS))
@example(data=nested("a", 3000))
@example(data=encoded("gbk"))
@example(data=encoded("nothing"))
@fuzz
def test_poms(data: bytes, place: Path) -> None:
    path = place / "pom.xml"
    path.write_bytes(data)
    survives(read_pom, path)


def read_pom(path: Path) -> RawPom:
    return PomReader().read(path)


@given(data=damaged(SETTINGS, XML_TOKENS))
@example(data=encoded("gbk"))
@fuzz
def test_settings_xml(data: bytes) -> None:
    survives(lambda: parse_settings(data, Path("settings.xml"), TEXT))
