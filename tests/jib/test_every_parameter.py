"""No parameter of Jib's is passed over in silence: each changes the build, or is told by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyjib.configure import Configured, MavenChoice, configure
from pyjib.errors import ConfigurationError
from pyjib.jib.parameters import PARAMETERS
from pyjib.jib.properties import OF_THE_JVM
from pyjib.jib.to_options import Given
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.project.maven.command_line import Arguments
from tests.support.every_parameter import EVERY, Parameter
from tests.support.every_parameter import OF_THE_JVM as JVM
from tests.support.projects import main_class, write_tree

POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>com.example</groupId><artifactId>app</artifactId><version>1.0</version>
<build><plugins><plugin><groupId>com.google.cloud.tools</groupId>
<artifactId>jib-maven-plugin</artifactId><version>3.5.2</version>
<configuration>{}</configuration><dependencies><dependency><groupId>a</groupId>
<artifactId>b</artifactId><version>1</version></dependency></dependencies>
</plugin></plugins></build></project>"""
LOGIN = {"username": "u", "password": "p"}


def configured(directory: Path, elements: str = "", **properties: str) -> Configured:
    root = directory / "app"
    classes = {"target/classes/Main.class": main_class("Main")}
    write_tree(root, {"pom.xml": POM.format(elements), **classes})
    given = Given(options=BuildOptions(host=HostEnvironment.of({}, directory / "home")))
    choice = MavenChoice(arguments=Arguments(properties=properties), cwd=directory)
    return configure(root, given, choice)


def within(parameter: Parameter) -> str:
    """Write an element with all those around it, in a project whose image has a name."""
    assert parameter.element is not None
    text = parameter.element
    for name in reversed(parameter.name.split(".")):
        text = f"<{name}>{text}</{name}>"
    named = "<to><image>r.example.com/app</image></to>"
    if not parameter.name.startswith("to."):
        return text + named
    return text if parameter.name == "to.image" else text.replace("<to>", named[: -len("</to>")])


def shown(found: Configured, where: str) -> Any:
    if where in ("outputs", "skipped", "warnings"):
        return getattr(found, where)
    if where in ("sync_excludes", "config_directory"):
        return getattr(found.configuration, where)
    return getattr(found.options, where)


def check(before: Configured, after: Configured, parameter: Parameter) -> None:
    assert shown(after, parameter.shows) != shown(before, parameter.shows)
    if parameter.shows != "warnings":
        assert after.warnings == before.warnings


@pytest.mark.parametrize(
    "parameter", [one for one in EVERY if one.element is not None], ids=lambda one: one.name
)
def test_elements(tmp_path: Path, parameter: Parameter) -> None:
    before = configured(tmp_path / "a", "<to><image>r.example.com/app</image></to>")
    check(before, configured(tmp_path / "a", within(parameter)), parameter)


@pytest.mark.parametrize(
    "parameter", [one for one in EVERY if one.property is not None], ids=lambda one: one.name
)
def test_properties(tmp_path: Path, parameter: Parameter) -> None:
    assert parameter.property is not None
    base = {"jib.to.image": "r.example.com/app"}
    properties = {**base, f"jib.{parameter.name}": parameter.property}
    if ".auth." in parameter.name:  # a half of one is none
        side = parameter.name.partition(".")[0]
        properties |= {f"jib.{side}.auth.{word}": value for word, value in LOGIN.items()}
    before = configured(tmp_path / "a", **base)
    check(before, configured(tmp_path / "a", **properties), parameter)


@pytest.mark.parametrize(("name", "value", "where"), [(n, *rest) for n, rest in JVM.items()])
def test_properties_of_the_jvm(tmp_path: Path, name: str, value: str, where: str) -> None:
    if where == "error":
        with pytest.raises(ConfigurationError, match="is required to be"):
            configured(tmp_path, **{name: value})
        return
    before, after = configured(tmp_path), configured(tmp_path, **{name: value})
    if where == "nothing":
        assert (after.options, after.warnings) == (before.options, before.warnings)
    elif where == "warnings":
        assert name in after.warnings[0].message
    else:
        assert shown(after, where) != shown(before, where)


def test_the_tables_are_complete() -> None:
    assert {one.name for one in EVERY if one.property is not None} == set(PARAMETERS)
    assert set(JVM) == OF_THE_JVM | {"jib.alwaysCacheBaseImage"}
