from __future__ import annotations

import pytest

from pyjib.errors import ConfigurationError, MainClassError
from tests.support.plans import plan, project, text

MAIN_CLASS = "/app/jib-main-class-file"


def test_the_caller_knows_best() -> None:
    made = plan(project(main_class="a.Stated"), main_class="b.Asked")
    assert text(made, MAIN_CLASS) == "b.Asked"
    assert text(plan(project(main_class="a.Stated")), MAIN_CLASS) == "a.Stated"


@pytest.mark.parametrize("name", ["A", "a.b.C$D", "_x.$y", "größe.Ünïcode", "a.名前", "int.class"])
def test_names_that_java_can_have(name: str) -> None:
    assert text(plan(main_class=name), MAIN_CLASS) == name


@pytest.mark.parametrize(
    "name", ["", "a..B", "a.", ".a", "a-b", "1a", "a/b/C", "a b", "@x", "-jar"]
)
def test_names_that_java_cannot_have(name: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        plan(main_class=name)
    assert "--main-class" in (raised.value.hint or "")


def test_no_main_class() -> None:
    with pytest.raises(MainClassError, match="Main class was not found") as raised:
        plan(project(main_class_candidates=()))
    assert "--main-class" in (raised.value.hint or "")


def test_several_main_classes_are_listed() -> None:
    with pytest.raises(MainClassError, match=r"a\.A, b\.B, c\.C"):
        plan(project(main_class_candidates=("a.A", "b.B", "c.C")))


@pytest.mark.parametrize("entrypoint", [("run", "me"), ("INHERIT",)])
def test_an_entrypoint_needs_no_main_class(entrypoint: tuple[str, ...]) -> None:
    made = plan(
        project(main_class_candidates=("a.A", "b.B")),
        entrypoint=entrypoint,
        jvm_flags=("-ea",),
    )
    assert made.config.entrypoint == (None if entrypoint == ("INHERIT",) else entrypoint)
    assert text(made, MAIN_CLASS) == "could-not-infer-a-main-class"
    assert text(made, "/app/jib-classpath-file").startswith("/app/resources:")


def test_an_empty_entrypoint_is_none() -> None:
    assert plan(entrypoint=()).config.entrypoint == plan().config.entrypoint


def test_inherit_is_a_word_only_when_alone() -> None:
    assert plan(entrypoint=("INHERIT", "x")).config.entrypoint == ("INHERIT", "x")


def test_arguments_are_passed_on() -> None:
    assert plan(arguments=("a", "b")).config.arguments == ("a", "b")
    assert plan().config.arguments is None
