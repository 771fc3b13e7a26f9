from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyjib.errors import ProjectError
from pyjib.project.maven.interpolation import Interpolator, Values, align, overridden
from pyjib.project.maven.java_time import java_time

BASE = Path("/srv/app").absolute()


def text(given: str, **values: object) -> str:
    defaults: dict[str, object] = {"facts": {}, "properties": {}}
    return Values(**{**defaults, **values}).interpolator()(given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("${basedir}|${project.basedir}|${pom.basedir}", "|".join([str(BASE)] * 3)),
        ("${project.baseUri}", f"{BASE.as_uri()}/"),
        ("${project.version} ${pom.version} ${version}", "1 1 1"),
        ("${project.user} ${user}", "fact given"),
        ("${own} ${both}", "property given"),
        ("${machine} ${env.HOME} ${HOME}", "system /home /home"),
        ("${unknown} ${project.unknown}", "${unknown} ${project.unknown}"),
        ("${deep}", "a given ${unknown} z"),
        ("${open ${own}", "${open ${own}"),
        ("$own {own} $${own}", "$own {own} $property"),
        ("${}", "${}"),
        ("${project.build.directory}", str(BASE / "out")),
        ("${build.outputDirectory}", str(BASE / "out" / "classes")),
        ("${java.home}", "/jdk"),
    ],
)
def test_where_values_come_from(expression: str, value: str) -> None:
    values = Values(
        facts={
            "version": "1",
            "user": "fact",
            "build.directory": "out",
            "build.outputDirectory": "${project.build.directory}/classes",
        },
        user={"user": "given", "both": "given"},
        properties={
            "own": "property",
            "both": "property",
            "deep": "a ${both} ${unknown} z",
            "machine2": "",
            "java.home": "${java.home}",
        },
        system={"machine": "system", "env.HOME": "/home", "own": "no", "java.home": "/jdk"},
        basedir=BASE,
    )
    assert values.interpolator()(expression) == value


def test_a_repository_pom_has_no_folder() -> None:
    assert text("${basedir}/x ${project.baseUri}") == "${basedir}/x ${project.baseUri}"


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"a": "${a}"}, "cycle in 'a': [a]"),
        ({"a": "${b}", "b": "x ${a}"}, "cycle in 'a': [a, b]"),
        ({"a": "${project.a}"}, "cycle in 'a': [a]"),
    ],
)
def test_an_expression_that_needs_itself(properties: dict[str, str], message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        text("${a}", properties=properties, facts={"a": "${a}"}, where="pom.xml")
    assert caught.value.message.startswith("pom.xml: Resolving expression: '${")
    assert caught.value.message.endswith(message)


def test_ci_friendly_versions_replace_the_poms_own() -> None:
    own, user = {"revision": "1", "other": "1"}, {"revision": "2", "other": "2", "sha1": "x"}
    assert overridden(own, user) == {"revision": "2", "other": "1", "sha1": "x"}
    assert overridden(own, {}) == own


@pytest.mark.parametrize(
    ("path", "result"),
    [("a/../b", "b"), ("./a\\b", "a/b"), ("../../../../x", "/x"), ("/abs/./x", "/abs/x")],
)
def test_paths_are_made_absolute(path: str, result: str) -> None:
    assert align(path, BASE) == BASE / result


@pytest.mark.parametrize(
    ("pattern", "result"),
    [
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", "2024-02-03T04:05:06Z"),
        ("yyyyMMddHHmmssSSS", "20240203040506007"),
        ("yy.M.d", "24.2.3"),
        ("EEE, d MMM yyyy h:mm a", "Sat, 3 Feb 2024 4:05 AM"),
        ("EEEE MMMM DDD", "Saturday February 034"),
        ("'it''s' '' Z X z Q", "it's ' +0000 Z UTC Q"),
    ],
)
def test_java_time(pattern: str, result: str) -> None:
    moment = datetime(2024, 2, 3, 5, 5, 6, 7000, tzinfo=timezone(timedelta(hours=1)))
    assert java_time(moment, pattern) == result


def test_the_build_has_a_time() -> None:
    moment = datetime(2024, 2, 3, tzinfo=UTC)
    stamp = "${maven.build.timestamp}"
    assert text(stamp, basedir=BASE, started=moment) == "2024-02-03T00:00:00Z"
    own = {"maven.build.timestamp.format": "yyyy"}
    assert text(stamp, basedir=BASE, started=moment, properties=own) == "2024"
    assert text(stamp, basedir=BASE) == stamp


@given(st.text(alphabet="ab${}.", max_size=30))
def test_text_without_known_names_stays(given: str) -> None:
    assert Interpolator(lambda _: None)(given) == given


@given(st.lists(st.sampled_from(["x", "${k}", "${u}", "}", "$"]), max_size=8))
def test_known_names_are_replaced_wherever_they_stand(parts: list[str]) -> None:
    text = "".join(parts)
    assert Interpolator({"k": "v"}.get)(text) == text.replace("${k}", "v")
