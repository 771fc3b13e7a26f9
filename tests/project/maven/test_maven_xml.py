from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.errors import ProjectError
from pyjib.project.maven.lined import Lined, read_lined
from pyjib.project.maven.pom import parse_pom
from pyjib.project.maven.schema import check_schema
from pyjib.project.maven.xml_tree import line_of, parse_xml

PATH = Path("pom.xml")


def lined(text: str) -> Lined:
    root = read_lined(text.encode())
    assert root is not None
    return root


def test_the_namespace_is_optional() -> None:
    plain = b"<project><artifactId>a</artifactId></project>"
    usual = plain.replace(b">", b' xmlns="http://maven.apache.org/POM/4.0.0">', 1)
    other = plain.replace(b">", b" xmlns='urn:another'>", 1)
    assert [parse_pom(data, PATH).artifact for data in (plain, usual, other)] == ["a"] * 3


def test_html_entities_need_no_declaration() -> None:
    data = b"<project><name>Tr&oslash;nd &amp; S&eacute;n &lt;</name></project>"
    assert parse_pom(data, PATH).facts["name"] == "Trønd & Sén <"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_the_declared_encoding_is_honoured(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><project><name>Sén</name></project>'
    assert parse_pom(text.encode(encoding), PATH).facts["name"] == "Sén"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_of_its_own_are_refused(encoding: str) -> None:
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n'
        '<!DOCTYPE project [\n<!ENTITY a "aaaaaaaaaa">\n<!ENTITY b "&a;&a;&a;&a;">\n]>\n'
        "<project><name>&b;</name></project>"
    )
    with pytest.raises(ProjectError, match=r"pom\.xml, line 3: it declares the entity 'a'"):
        parse_xml(text.encode(encoding), PATH)


def test_a_comment_about_entities_declares_none() -> None:
    assert parse_xml(b"<project><!-- <!ENTITY a 'b'> --></project>", PATH).tag == "project"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "pom.xml: Non-readable POM: input contained no data"),
        (
            b"<project>\n<a>1</b>\n</project>",
            (
                "pom.xml, line 2: Non-parseable POM: end tag name </b> must match start tag name <a> "
                "from line 2"
            ),
        ),
        (
            b"<project>\n<a>\n",
            (
                "pom.xml, line 3: Non-parseable POM: no more data available - expected end tag </a> to "
                "close start tag <a> from line 2"
            ),
        ),
        (
            b"<project>&nosuch;</project>",
            "pom.xml, line 1: Non-parseable POM: undefined entity (column 10)",
        ),
        (
            b"<project>\n\x00</project>",
            "pom.xml, line 2: Non-parseable POM: not well-formed (invalid token) (column 1)",
        ),
    ],
)
def test_what_is_no_xml_is_refused_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        parse_pom(data, PATH)
    assert caught.value.message == message


def test_another_root_is_refused() -> None:
    with pytest.raises(ProjectError, match="Expected root element 'project' but found 'settings'"):
        parse_pom(b"<settings/>", PATH)


def test_lines_are_found_again(tmp_path: Path) -> None:
    path = tmp_path / "pom.xml"
    path.write_bytes(b"<project>\n<a/>\n\n<b>&eacute;<a>\n</a></b><a/></project>")
    assert [line_of(path, "a", ordinal) for ordinal in range(4)] == [2, 4, 5, None]
    assert line_of(tmp_path / "missing.xml", "a", 0) is None


def test_the_line_of_a_child(tmp_path: Path) -> None:
    path = tmp_path / "pom.xml"
    path.write_bytes(b"<p>\n<a>\n<x>\n<c/></x>\n<c/>\n</a><a/>\n<c/></p>")
    assert [line_of(path, "a", ordinal, "c") for ordinal in range(2)] == [5, 6]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("<dependancies/>", "line 2: Unrecognised tag: 'dependancies'"),
        ("<name>a</name>\n<name>b</name>", "line 3: Duplicated tag: 'name'"),
        ("<dependencies><dependencie/></dependencies>", "line 2: Unrecognised tag: 'dependencie'"),
        (
            "<dependencies><dependency><exclusion/></dependency></dependencies>",
            "line 2: Unrecognised tag: 'exclusion'",
        ),
        ("<build><plugins>\n<plugins/></plugins></build>", "line 3: Unrecognised tag: 'plugins'"),
        (
            "<dependencies>\nx\n<dependency/></dependencies>",
            "line 4: expected START_TAG or END_TAG not TEXT",
        ),
        ("<profiles><profile><parent/></profile></profiles>", "line 2: Unrecognised tag: 'parent'"),
    ],
)
def test_elements_that_maven_does_not_know(body: str, problem: str) -> None:
    with pytest.raises(ProjectError) as caught:
        check_schema(lined(f"<project>\n{body}\n</project>"), PATH)
    line, _, reason = problem.partition(": ")
    assert caught.value.message == f"pom.xml, {line}: Malformed POM: {reason}"


@pytest.mark.parametrize(
    "body",
    [
        "<properties><a/><b/><anything><x/></anything></properties>",
        "<dependencies><dependency/><dependency/></dependencies>",
        "<build><plugins><plugin><extensions>true</extensions></plugin></plugins></build>",
        "<build><plugins><plugin><configuration><x/><x/></configuration></plugin></plugins></build>",
        "<build><extensions><extension/><extension/></extensions></build>",
        "<developers><developer><properties><a/></properties></developer></developers>",
        "<reporting><plugins><plugin><reportSets/></plugin></plugins></reporting>",
        "<distributionManagement><repository><uniqueVersion/></repository></distributionManagement>",
    ],
)
def test_elements_that_maven_knows(body: str) -> None:
    check_schema(lined(f"<project>{body}</project>"), PATH)
