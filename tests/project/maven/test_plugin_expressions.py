"""Expressions that are left to plugins: what Jib gets is what it would get from Maven."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from pyjib.configure import Configured, MavenChoice, configure
from pyjib.errors import ConfigurationError, InvalidReferenceError
from pyjib.jib.to_options import Given, Unnamed
from pyjib.maven_kept import KeptProjects
from pyjib.oci.instant import Instant
from pyjib.options import BuildOptions, HostEnvironment
from pyjib.project.maven.command_line import Arguments, MavenScope
from pyjib.project.maven.plugin_expressions import PluginExpressions
from pyjib.project.maven.plugin_texts import Evaluated
from pyjib.project.maven.project import open_maven_project
from tests.support import peers
from tests.support.kept_projects import LaterStore
from tests.support.maven import (
    build,
    configuration,
    modules,
    parent,
    plugin,
    pom,
    properties,
    write,
)
from tests.support.plugin_texts import JIB, expected, named_texts, write_project
from tests.support.projects import main_class
from tests.support.real_jib import QUICK

STARTED = Instant.parse("2026-03-04T05:06:07.89Z")


def evaluator(module: Path, *, scope: MavenScope = MavenScope.REACTOR) -> PluginExpressions:
    """What completes the texts of Jib's plugin in a module."""
    host = HostEnvironment.of({}, module.parent / "home")
    project = open_maven_project(module, host=host, scope=scope)
    found = project.model.plugin("jib-maven-plugin", "com.google.cloud.tools")
    assert found is not None
    return project.plugin_expressions(project.model, found)


def configured(
    path: Path,
    choice: MavenChoice | None = None,
    kept: KeptProjects | None = None,
    now: Instant = STARTED,
) -> Configured:
    """What a project comes to, its home beside it."""
    options = BuildOptions(host=HostEnvironment.of({}, path.parent / "home"))
    given = Given.of(options, unnamed=(Unnamed.TAR,), now=now)
    found = configure(path, given, choice, kept=kept)
    assert found.read is not None
    found.read()
    return found


def image_of(path: Path, choice: MavenChoice | None = None, **more: Any) -> str | None:
    """What Jib is told to call a project's image."""
    found = configured(path, choice, **more).configuration
    return found and found.to_image


def project(directory: Path, jib: str, *sections: str) -> Path:
    """A compiled project with this configuration of Jib."""
    text = pom("g:app:1", *sections, build(plugin(JIB, configuration(jib))))
    write(directory / "pom.xml", text)
    return compiled(directory)


def compiled(directory: Path) -> Path:
    """Put a class there."""
    path = directory / "target" / "classes" / "Main.class"
    path.parent.mkdir(parents=True)
    path.write_bytes(main_class("Main"))
    return directory


def repository_of(module: Path) -> Path:
    """The local repository that is meant there."""
    return module.parent / "home" / ".m2" / "repository"


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("texts")).parent


def test_jib_is_given_what_they_come_to(texts: Path) -> None:
    compiled(texts)
    found = dict(configured(texts).options.environment)
    values = expected(texts.parent, repository_of(texts))
    assert found == {name: values[text] for name, text in named_texts().items()}


@pytest.mark.peers
def test_real_jib_is_given_the_same(tmp_path: Path) -> None:
    module = write_project(tmp_path).parent
    compiled(module)
    repository = Path(os.environ.get("PYJIB_MAVEN_REPOSITORY", Path.home() / ".m2" / "repository"))
    peers.run(
        "mvn",
        *("-B", "-q", "-f", tmp_path, "-pl", "app", f"{JIB}:buildTar"),
        *(f"-Dmaven.repo.local={repository}", f"-Djib.baseImageCache={tmp_path / 'base'}"),
        f"-Djib.applicationCache={tmp_path / 'application'}",
        environment={"MAVEN_OPTS": QUICK, "LC_ALL": "C.UTF-8"},
    )
    with tarfile.open(module / "target" / "jib-image.tar") as tar:
        config = next(tar.extractfile(found) for found in tar if found.name == "config.json")
        assert config is not None
        variables = json.load(config)["config"]["Env"]
    values = expected(tmp_path, repository)
    assert dict(each.split("=", 1) for each in variables) == {
        name: values[text] for name, text in named_texts().items()
    }


def test_a_text_without_a_value_counts_as_nothing(texts: Path) -> None:
    evaluate = evaluator(texts)
    assert evaluate("${undef}") == Evaluated(None, ("${undef}",))
    assert evaluate("a${undef}b${undef}${other}c").unknown == ("${undef}", "${other}")
    assert evaluate("$${undef}") == Evaluated("${undef}")


def test_where_maven_is_started_in_the_module_that_is_the_root(texts: Path) -> None:
    evaluate = evaluator(texts, scope=MavenScope.MODULE)
    assert evaluate("${session.executionRootDirectory}").text == str(texts)
    assert evaluate("${project.executionRoot}").text == "true"


def test_properties_of_the_user_go_before_those_of_the_machine_and_of_poms(tmp_path: Path) -> None:
    path = project(
        tmp_path / "app",
        "<from><image>scratch</image></from><to><image>${it}/${x}</image></to>",
        # Only now has it a value: a plugin's own expression leads to the property.
        properties(it="${plugin.artifactId}", x="pom"),
    )
    assert image_of(path) == "jib-maven-plugin/pom"
    choice = MavenChoice(arguments=Arguments(properties={"x": "user"}))
    assert image_of(path, choice) == "jib-maven-plugin/user"


def test_expressions_that_need_each_other_have_no_value(texts: Path) -> None:
    evaluate = evaluator(texts)
    assert evaluate("${project.properties(later)}").text == "g:app:jar:1.5"
    assert evaluate("${round}").text is None


@pytest.mark.parametrize(
    ("jib", "refused"),
    [
        ("<to><image>a/${of.a.plugin}</image></to>", "invalid image reference"),
        ("<to><image>a</image><tags><tag>1-${of.a.plugin}</tag></tags></to>", "is not a tag"),
        ("<container><args><a>${of.a.plugin}</a></args></container>", "empty element"),
        ("<container><args>a,${of.a.plugin}</args></container>", "empty element"),
        ("<container><labels><a>${of.a.plugin}</a></labels></container>", "null values"),
        (
            "<extraDirectories><paths><path>${of.a.plugin}</path></paths></extraDirectories>",
            "source directory must be set",
        ),
    ],
)
def test_what_is_refused_for_want_of_a_value_says_so(
    tmp_path: Path, jib: str, refused: str
) -> None:
    path = project(tmp_path / "app", jib)
    with pytest.raises((ConfigurationError, InvalidReferenceError), match=refused) as caught:
        configured(path)
    assert caught.value.hint == (
        "${of.a.plugin} has no value: give it one, for example -D of.a.plugin=VALUE"
    )


def test_a_directory_of_the_parent(tmp_path: Path) -> None:
    extra = "<extraDirectories><paths>${project.parent.basedir}/docker</paths></extraDirectories>"
    jib = plugin(JIB, configuration(f"<from><image>scratch</image></from>{extra}"))
    write(tmp_path / "pom.xml", pom("g:root:1", modules("app"), build(jib), packaging="pom"))
    write(tmp_path / "docker" / "file", "")
    write(tmp_path / "app" / "pom.xml", pom(":app", parent("g:root:1")))
    (found,) = configured(compiled(tmp_path / "app")).options.extra_directories
    assert found.source == tmp_path / "docker"


def test_an_insecure_registry_for_want_of_a_value_is_not_allowed(tmp_path: Path) -> None:
    """The element is there, so that Maven does not ask the property any more."""
    jib = "<allowInsecureRegistries>${undef}</allowInsecureRegistries><to><image>a</image></to>"
    path = project(tmp_path / "app", jib)
    allowed = Arguments(properties={"jib.allowInsecureRegistries": "true"})
    assert not configured(path, MavenChoice(arguments=allowed)).options.registry.insecure


# The present


STAMPED = "<from><image>scratch</image></from><to><image>a:${stamp}</image></to>"
STAMP = {"stamp": "${maven.build.timestamp}"}


def test_the_time_of_the_build(tmp_path: Path) -> None:
    formatted = properties({**STAMP, "maven.build.timestamp.format": "yyyyMMdd.HHmmss"})
    path = project(tmp_path / "app", STAMPED, formatted)
    assert image_of(path) == "a:20260304.050607"


@pytest.mark.parametrize(
    ("form", "is_kept"), [("yyyyMMddHHmmss", False), ("ss", False), (None, True)]
)
def test_what_tells_the_time_is_not_kept(tmp_path: Path, form: str | None, is_kept: bool) -> None:
    """Where the time gets into what is kept, the next build works it out anew."""
    values = {**STAMP, "maven.build.timestamp.format": form or "yyyyMMddHHmmss"}
    image = STAMPED if form else STAMPED.replace("${stamp}", "1")
    path = project(tmp_path / "app", image, properties(values))
    store = LaterStore(tmp_path / "cache")
    first = image_of(path, kept=KeptProjects(store))
    later = Instant.of_seconds(STARTED.seconds + 61)
    second = image_of(path, kept=KeptProjects(store), now=later)
    assert (tmp_path / "cache" / "projects").exists() is is_kept
    assert (first == second) is is_kept
