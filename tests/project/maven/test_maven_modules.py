"""One module of a build of several: chosen as ``mvn -pl`` does, or the only one for Jib."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.configure import Configured, MavenChoice, configure
from pyjib.errors import ConfigurationError, ProjectError
from pyjib.jib.to_options import Given
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.project.maven.command_line import Arguments
from pyjib.project.model import PROJECT_DEPENDENCIES, Project
from tests.support.maven import (
    build,
    configuration,
    dependencies,
    modules,
    parent,
    plugin,
    pom,
    write,
)
from tests.support.projects import class_path_of, library_bytes, main_class

JIB = "com.google.cloud.tools:jib-maven-plugin:3.5.2"
TO = "<to><image>localhost/${project.artifactId}</image></to>"


def jib(more: str = "") -> str:
    return build(plugin(JIB, configuration(TO + more)))


def compiled(directory: Path, *sections: str, packaging: str | None = None) -> None:
    name = directory.name
    write(
        directory / "pom.xml", pom(f":{name}", parent("t:root:1"), *sections, packaging=packaging)
    )
    path = directory / "target" / "classes" / class_path_of()
    path.parent.mkdir(parents=True)
    path.write_bytes(main_class())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Modules ``lib`` and ``app``, which needs it; Jib nowhere yet."""
    directory = tmp_path / "build"
    write(directory / "pom.xml", pom("t:root:1", modules("lib", "app"), packaging="pom"))
    compiled(directory / "lib")
    (directory / "lib" / "target" / "lib-1.jar").write_bytes(library_bytes("lib"))
    compiled(directory / "app", dependencies("t:lib:1"))
    return directory


def choose(root: Path, module: str | None = None, **properties: str) -> Configured:
    host = HostEnvironment.of({}, root.parent / "home")
    choice = MavenChoice(arguments=Arguments(properties=properties), module=module)
    return configure(root, Given(options=BuildOptions(host=host)), choice)


class TestChosen:
    @pytest.mark.parametrize("name", ["app", "./app", "app/pom.xml", ":app", "t:app"])
    def test_by(self, root: Path, name: str) -> None:
        configured = choose(root, name)
        assert configured.path == root / "app"
        assert configured.read is not None
        project = configured.read()
        assert isinstance(project, Project)
        assert project.name == "app"
        (library,) = project.dependencies
        assert (library.name, library.group) == ("lib-1.jar", PROJECT_DEPENDENCIES)

    def test_with_its_configuration_of_jib(self, root: Path) -> None:
        write(root / "app" / "pom.xml", pom(":app", parent("t:root:1"), jib()))
        (target,) = choose(root, ":app").options.targets
        assert "localhost/app" in str(target)

    def test_a_module_of_a_module(self, root: Path) -> None:
        write(
            root / "more" / "pom.xml",
            pom(":more", parent("t:root:1"), modules("x"), packaging="pom"),
        )
        write(root / "pom.xml", pom("t:root:1", modules("lib", "more"), packaging="pom"))
        write(root / "more" / "x" / "pom.xml", pom("t:deep:1"))
        for name in ("more/x", ":deep", "deep"):
            assert choose(root, name).path == root / "more" / "x"

    @pytest.mark.parametrize("name", ["nowhere", ":x", "u:app", "../build/nowhere"])
    def test_one_that_is_not_there(self, root: Path, name: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            choose(root, name)
        assert caught.value.message == f"{root} has no module {name}"
        assert caught.value.hint == "the modules are lib, app"

    def test_several_of_that_name(self, root: Path) -> None:
        write(root / "pom.xml", pom("t:root:1", modules("lib", "app", "two"), packaging="pom"))
        write(root / "two" / "pom.xml", pom("u:app:1"))
        with pytest.raises(ConfigurationError, match="could be any of t:app:1, u:app:1"):
            choose(root, ":app")
        assert choose(root, "u:app").path == root / "two"


class TestNotChosen:
    """``mvn jib:build`` at the root builds every module that Jib is not told to skip."""

    def test_the_only_one_for_jib(self, root: Path) -> None:
        write(root / "app" / "pom.xml", pom(":app", parent("t:root:1"), jib()))
        configured = choose(root)
        assert configured.path == root / "app"
        assert configured.source is not None
        assert str(root / "app" / "pom.xml") in configured.source

    def test_the_only_one_that_is_not_skipped(self, root: Path) -> None:
        write(root / "pom.xml", pom("t:root:1", modules("lib", "app"), jib(), packaging="pom"))
        skipping = build(plugin(JIB, configuration("<skip>true</skip>")))
        write(root / "lib" / "pom.xml", pom(":lib", parent("t:root:1"), skipping))
        assert choose(root).path == root / "app"

    def test_several(self, root: Path) -> None:
        write(root / "pom.xml", pom("t:root:1", modules("lib", "app"), jib(), packaging="pom"))
        with pytest.raises(ProjectError) as caught:
            choose(root)
        assert caught.value.message == (
            f"{root} holds 2 modules for which Jib is configured, and one image is made of one: "
            "lib, app"
        )
        assert caught.value.hint == "choose one, for example --module lib"

    def test_none(self, root: Path) -> None:
        with pytest.raises(ProjectError) as caught:
            choose(root)
        assert "holds others (packaging pom)" in caught.value.message
        assert caught.value.hint == "choose the module to build by --module: lib, app"

    def test_only_managed_is_not_configured(self, root: Path) -> None:
        managed = build(managed=[plugin(JIB, configuration(TO))])
        write(root / "pom.xml", pom("t:root:1", modules("lib", "app"), managed, packaging="pom"))
        with pytest.raises(ProjectError, match="holds others"):
            choose(root)
