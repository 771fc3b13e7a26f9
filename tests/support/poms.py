"""Effective models with a Jib plugin, from the XML of its ``<configuration>``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from pyjib.jib.configuration import JibConfiguration
from pyjib.jib.pom import read_pom
from pyjib.jib.to_options import Given, JibBuild, to_options
from pyjib.options import BuildOptions
from pyjib.project.maven.model import EffectiveModel, Execution, Node, Plugin
from pyjib.project.maven.pom import node

BASEDIR = Path("/srv/app")


def xml(text: str) -> Node:
    """The ``<configuration>`` with these elements in it."""
    return node(ET.fromstring(f"<configuration>{text}</configuration>"))


def jib_plugin(
    configuration: str | None = "",
    *,
    version: str | None = "3.5.2",
    executions: dict[str, str] | None = None,
    **more: Any,
) -> Plugin:
    """Jib's plugin, and its executions by id, as an effective model has them."""
    return Plugin(
        group="com.google.cloud.tools",
        artifact="jib-maven-plugin",
        version=version,
        configuration=None if configuration is None else xml(configuration),
        executions=tuple(
            Execution(id=name, goals=("build",), configuration=xml(text))
            for name, text in (executions or {}).items()
        ),
        **more,
    )


def model(*plugins: Plugin, **changes: Any) -> EffectiveModel:
    """The model of ``com.example:app:1.0`` in ``BASEDIR``."""
    values: dict[str, Any] = {
        "group": "com.example",
        "artifact": "app",
        "version": "1.0",
        "packaging": "jar",
        "pom": BASEDIR / "pom.xml",
        "basedir": BASEDIR,
        "build_directory": BASEDIR / "target",
        "output_directory": BASEDIR / "target" / "classes",
        "final_name": "app-1.0",
        "plugins": plugins,
    }
    return EffectiveModel(**(values | changes))


def read(configuration: str | None = "", **more: Any) -> JibConfiguration:
    """What is configured by these elements, user and POM properties and so on."""
    plugin = {name: more.pop(name) for name in ("version", "executions") if name in more}
    properties = more.pop("pom", {})
    found = read_pom(model(jib_plugin(configuration, **plugin), properties=properties), **more)
    assert found is not None
    return found


def translate(
    configuration: str = "",
    given: BuildOptions | None = None,
    *,
    user: dict[str, str] | None = None,
    plugin: dict[str, Any] | None = None,
    changes: dict[str, Any] | None = None,
    explicit: set[str] | None = None,
    **more: Any,
) -> JibBuild:
    """What these elements come to for a caller who says ``given``, ``explicit`` if he does."""
    of = model(jib_plugin(configuration, **(plugin or {})), **(changes or {}))
    read_ = read_pom(of, user=user)
    assert read_ is not None
    said = Given.of(given or BuildOptions(), **more)
    if explicit is not None:
        said = replace(said, explicit=frozenset(explicit))
    return to_options(read_, of, said)


def options(
    configuration: str = "", given: BuildOptions | None = None, **more: Any
) -> BuildOptions:
    return translate(configuration, given, **more).options
