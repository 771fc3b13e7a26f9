"""From a directory to options: which projects are Jib's, and what lies beside the pom."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyjib.configure import MavenChoice, configure
from pyjib.errors import ConfigurationError, ProjectError
from pyjib.jib.to_options import Given, Unnamed
from pyjib.oci.identity import PYJIB, Identity
from pyjib.options import BuildOptions, HostEnvironment, Login, Mirror
from pyjib.project.maven.command_line import Arguments
from tests.support.projects import main_class, write_tree

PLUGIN = """<build><plugins><plugin><groupId>com.google.cloud.tools</groupId>
<artifactId>jib-maven-plugin</artifactId><version>3.5.2</version>
<configuration>{}</configuration></plugin></plugins></build>"""
POM = """<project><modelVersion>4.0.0</modelVersion>{parent}
<groupId>com.example</groupId><artifactId>app</artifactId><version>1.0</version>{body}</project>"""
MISSING = """<parent><groupId>no.such</groupId><artifactId>parent</artifactId>
<version>1</version><relativePath/></parent>"""


def write(root: Path, body: str = "", parent: str = "") -> Path:
    return write_tree(
        root / "app",
        {
            "pom.xml": POM.format(body=body, parent=parent),
            "target/classes/Main.class": main_class("Main"),
        },
    )


def given(tmp_path: Path, **more: object) -> Given:
    options = BuildOptions(host=HostEnvironment.of({}, tmp_path / "home"))
    return Given(options=options, **more)  # type: ignore[arg-type]


def test_a_configured_project(tmp_path: Path) -> None:
    path = write(tmp_path, PLUGIN.format("<to>r.example.com/app</to>"))
    found = configure(path, given(tmp_path))
    assert found.source == f"jib-maven-plugin 3.5.2 in {path / 'pom.xml'}"
    assert found.options.identity == Identity.of_jib("3.5.2")
    assert [str(target) for target in found.options.targets] == ["r.example.com/app:latest"]
    assert found.read is not None
    assert found.outputs is not None
    assert found.skipped is None


def test_a_project_that_is_not_jibs(tmp_path: Path) -> None:
    path = write(tmp_path)
    found = configure(path, given(tmp_path))
    assert (found.source, found.outputs) == (None, None)
    assert found.options.identity == PYJIB
    assert found.read is not None  # what is known of the pom is used
    by_jib = configure(path, given(tmp_path, identity=lambda _: Identity.of_jib("3.5.2")))
    assert by_jib.options.identity.is_jib
    assert by_jib.read is not None


def test_a_jar_is_nobodys(tmp_path: Path) -> None:
    jar = tmp_path / "app.jar"
    jar.touch()
    assert configure(jar, given(tmp_path)).source is None


def test_a_pom_that_cannot_be_worked_out_matters_if_it_speaks_of_jib(tmp_path: Path) -> None:
    path = write(tmp_path, parent=MISSING)
    assert configure(path, given(tmp_path)).source is None
    path = write(tmp_path / "other", PLUGIN.format(""), parent=MISSING)
    with pytest.raises(ProjectError, match=r"no\.such"):
        configure(path, given(tmp_path))


def test_targets_and_executions_want_a_configuration(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(ConfigurationError, match="names no target"):
        configure(path, given(tmp_path, unnamed=(Unnamed.DOCKER,)))
    with pytest.raises(ConfigurationError, match="does not configure Jib"):
        configure(path, given(tmp_path), MavenChoice(execution="x"))


SETTINGS = """<settings><servers>
<server><id>r.example.com</id><username>me</username><password>{password}</password></server>
<server><id>other</id><username>x</username><password>y</password></server>
</servers></settings>"""


def test_logins_of_settings_xml(tmp_path: Path) -> None:
    write_tree(tmp_path / "home/.m2", {"settings.xml": SETTINGS.format(password="secret")})
    path = write(tmp_path, PLUGIN.format("<to>r.example.com/app</to>"))
    found = configure(path, given(tmp_path))
    assert found.options.registry.logins == (
        Login(registry="r.example.com", username="me", password="secret"),
    )
    assert found.options.registry.logins[0].source == "<server> r.example.com in settings.xml"


AUTH = "<auth><username>me</username><password>secret</password></auth>"


def test_logins_tell_where_they_are_configured(tmp_path: Path) -> None:
    """For who has to correct one: it may be in a pom, or given with -D."""
    path = write(tmp_path, PLUGIN.format(f"<to><image>r.example.com/app</image>{AUTH}</to>"))
    (login,) = configure(path, given(tmp_path)).options.registry.logins
    assert login.source == f"<to><auth> in {path / 'pom.xml'}"
    names = ("jib.to.auth.username", "jib.to.auth.password")
    choice = MavenChoice(arguments=Arguments(properties=dict.fromkeys(names, "x")))
    (login,) = configure(path, given(tmp_path), choice).options.registry.logins
    assert login.source == "-D jib.to.auth.username and .password"
    path = write(
        tmp_path / "helped",
        PLUGIN.format("<to><image>r.example.com/app</image><credHelper>x</credHelper></to>"),
    )
    (helper,) = configure(path, given(tmp_path)).options.registry.helpers
    assert helper.source == f"<to><credHelper> in {path / 'pom.xml'}"


def test_a_password_that_cannot_be_opened_is_warned_of(tmp_path: Path) -> None:
    write_tree(tmp_path / "home/.m2", {"settings.xml": SETTINGS.format(password="{c2VjcmV0}")})
    path = write(tmp_path, PLUGIN.format("<to>r.example.com/app</to>"))
    found = configure(path, given(tmp_path))
    assert found.options.registry.logins == ()
    assert ["server r.example.com" in warned.message for warned in found.warnings] == [True]


def test_mirrors_of_the_global_configuration_are_used(tmp_path: Path) -> None:
    write_tree(
        tmp_path / "home/.config/google-cloud-tools-java/jib",
        {"config.json": '{"registryMirrors":[{"registry":"r","mirrors":["m"]}]}'},
    )
    path = write(tmp_path, PLUGIN.format(""))
    found = configure(path, given(tmp_path))
    assert found.options.registry.mirrors == (Mirror(registry="r", location="m"),)
    assert found.warnings == ()


def test_user_properties_reach_jib(tmp_path: Path) -> None:
    path = write(tmp_path, PLUGIN.format("<to>a</to>"))
    maven = MavenChoice(arguments=Arguments(properties={"image": "b:2"}))
    (target,) = configure(path, given(tmp_path), maven).options.targets
    assert str(target) == "docker.io/library/b:2"


@pytest.mark.parametrize("script", ["build.gradle", "build.gradle.kts"])
def test_gradles_jib_beside_a_pom_is_told_of(tmp_path: Path, script: str) -> None:
    path = write(tmp_path)
    write_tree(path, {script: 'plugins { id("com.google.cloud.tools.jib") version "3.4.2" }'})
    (warning,) = configure(path, given(tmp_path)).warnings
    assert warning.message.startswith(f"what {path / script} tells Jib has no effect")
    write_tree(path, {script: "plugins { java }"})
    assert configure(path, given(tmp_path)).warnings == ()


def test_jibs_properties_want_a_configuration(tmp_path: Path) -> None:
    path = write(tmp_path)
    properties = {"jib.container.user": "1", "jib.version": "2", "other": "3"}
    choice = MavenChoice(arguments=Arguments(properties=properties))
    (warning,) = configure(path, given(tmp_path), choice).warnings
    assert warning.message == f"-D jib.container.user has no effect: {path} does not configure Jib"


def test_modules_want_a_pom(tmp_path: Path) -> None:
    path = write(tmp_path)
    (path / "pom.xml").unlink()
    with pytest.raises(ConfigurationError, match=r"no module 'x': .* has no pom\.xml"):
        configure(path, given(tmp_path), MavenChoice(module="x"))
