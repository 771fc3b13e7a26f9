"""Jib's configuration in a POM: where a value may stand, in what form, and which one counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyjib.errors import ConfigurationError
from pyjib.jib.configuration import (
    JibAuth,
    JibDirectory,
    JibExtension,
    JibHelper,
    JibOutputPaths,
    JibPermission,
    JibPlatform,
)
from pyjib.jib.pom import read_pom
from tests.support.poms import BASEDIR, jib_plugin, model, read, xml

CWD = Path("/elsewhere")


def test_a_pom_without_the_plugin_configures_nothing() -> None:
    assert read_pom(model()) is None


def test_the_plugin_may_be_managed_only() -> None:
    of = model(plugin_management=(jib_plugin("<to>app:2</to>", version="3.4.1"),))
    found = read_pom(of)
    assert found is not None
    assert (found.version, found.to_image) == ("3.4.1", "app:2")


def test_nothing_is_configured_by_an_empty_configuration() -> None:
    for configuration in ("", None):
        found = read(configuration)
        assert found.to_image is found.to_tags is found.args is found.skip is None
        assert found.warnings == ()


SIMPLE_TEXTS = {
    "from.image": "from_image",
    "to.image": "to_image",
    "container.appRoot": "app_root",
    "container.mainClass": "main_class",
    "container.user": "user",
    "container.workingDirectory": "working_directory",
    "container.format": "format",
    "container.creationTime": "creation_time",
    "container.filesModificationTime": "files_modification_time",
    "containerizingMode": "containerizing_mode",
}
LISTS = {
    "to.tags": "to_tags",
    "container.args": "args",
    "container.entrypoint": "entrypoint",
    "container.jvmFlags": "jvm_flags",
    "container.extraClasspath": "extra_classpath",
    "container.ports": "ports",
    "container.volumes": "volumes",
}
MAPS = {
    "container.environment": "environment",
    "container.labels": "labels",
    "dockerClient.environment": "docker_environment",
}


def element(name: str, content: str) -> str:
    for part in reversed(name.split(".")):
        content = f"<{part}>{content}</{part}>"
    return content


@pytest.mark.parametrize(("name", "field"), SIMPLE_TEXTS.items())
def test_texts(name: str, field: str) -> None:
    configured = element(name, "configured")
    assert getattr(read(configured), field) == "configured"
    assert getattr(read(configured, pom={f"jib.{name}": "pom"}), field) == "pom"
    assert getattr(read("", user={f"jib.{name}": ""}), field) == ""


@pytest.mark.parametrize(("name", "field"), LISTS.items())
def test_lists(name: str, field: str) -> None:
    assert getattr(read(element(name, "<a>1,2</a><b> 3 </b>")), field) == ("1,2", "3")
    assert getattr(read(element(name, "1,2")), field) == ("1", "2")
    assert getattr(read(element(name, "")), field) == ()
    assert getattr(read(element(name, "<a>1</a>"), user={f"jib.{name}": "2,3"}), field) == (
        "2",
        "3",
    )


@pytest.mark.parametrize(("name", "field"), MAPS.items())
def test_maps(name: str, field: str) -> None:
    configured = element(name, "<b>2</b><a>1</a><Z>=</Z><a>3</a>")
    assert getattr(read(configured), field) == (("Z", "="), ("a", "3"), ("b", "2"))
    properties = {f"jib.{name}": "b=2,a=1"}
    assert getattr(read(configured, user=properties), field) == (("b", "2"), ("a", "1"))
    with pytest.raises(ConfigurationError, match=r"null values for key\(s\): K"):
        read(element(name, "<K/>"))


def test_an_empty_element_of_a_list_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"<container><jvmFlags> .* empty element"):
        read("<container><jvmFlags><f>-Xmx1g</f><f/></jvmFlags></container>")


def test_a_text_with_elements_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="should be a text"):
        read("<container><user><name>me</name></user></container>")


@pytest.mark.parametrize("name", ["from", "container", "extraDirectories", "dockerClient"])
def test_a_group_that_is_a_text_is_an_error(name: str) -> None:
    assert read(f"<{name}/>").warnings == ()
    with pytest.raises(ConfigurationError, match=rf"<{name}> in .* is the text 'there'"):
        read(f"<{name}>there</{name}>")


@pytest.mark.parametrize(("text", "flag"), [("true", True), ("True", True), ("yes", False)])
def test_flags(text: str, flag: bool) -> None:
    name = "container.expandClasspathDependencies"
    assert read(element(name, text)).expand_classpath_dependencies is flag
    assert read("", user={f"jib.{name}": text}).expand_classpath_dependencies is flag


TO = "<to><image>configured</image></to>"


@pytest.mark.parametrize(
    ("version", "places", "image"),
    [
        ("3.5.2", {}, "configured"),
        ("3.5.2", {"pom": {"jib.to.image": "pom"}}, "pom"),
        ("3.5.2", {"system": {"jib.to.image": "system"}}, "system"),
        ("3.5.2", {"pom": {"jib.to.image": "pom"}, "system": {"jib.to.image": "system"}}, "pom"),
        ("3.4.6", {"pom": {"jib.to.image": "pom"}, "system": {"jib.to.image": "system"}}, "pom"),
        ("3.4.5", {"pom": {"jib.to.image": "pom"}, "system": {"jib.to.image": "system"}}, "system"),
        ("3.4.5", {"pom": {"jib.to.image": "pom"}, "user": {"jib.to.image": "user"}}, "user"),
        ("3.5.2", {"pom": {"jib.to.image": "pom"}, "user": {"jib.to.image": "user"}}, "user"),
        ("3.5.2", {"user": {"jib.to.image": "user", "image": "short"}}, "short"),
        ("3.5.2", {"pom": {"image": "short"}, "user": {"jib.to.image": "user"}}, "short"),
        ("3.5.2", {"pom": {"jib.to.image": ""}}, ""),
        (None, {"pom": {"jib.to.image": "pom"}, "system": {"jib.to.image": "system"}}, "pom"),
        ("3.4.0-SNAPSHOT", {"system": {"image": "s"}, "pom": {"image": "p"}}, "s"),
    ],
)
def test_which_property_counts(
    version: str | None, places: dict[str, dict[str, str]], image: str
) -> None:
    arguments: dict[str, Any] = places
    assert read(TO, version=version, **arguments).to_image == image


@pytest.mark.parametrize("name", ["skip", "allowInsecureRegistries"])
def test_flags_that_maven_looks_up_are_configured_first(name: str) -> None:
    field = {"skip": "skip", "allowInsecureRegistries": "allow_insecure_registries"}[name]
    configured = f"<{name}>false</{name}>"
    assert getattr(read(configured, user={f"jib.{name}": "true"}), field) is False
    assert getattr(read("", user={f"jib.{name}": "true"}), field) is True
    assert getattr(read("", pom={f"jib.{name}": "true"}), field) is True


def test_the_jvms_own_properties_are_not_read_from_the_pom() -> None:
    assert read("", pom={"jib.requiredVersion": "9"}).required_version is None
    assert read("", user={"jib.requiredVersion": "9"}).required_version == "9"
    assert read("", system={"jib.configDirectory": "/c"}).config_directory == "/c"


def test_containerize_is_a_property_only() -> None:
    assert read("<containerize>x</containerize>").containerize is None
    assert read("", pom={"jib.containerize": ":app"}).containerize == ":app"


def test_shorthands() -> None:
    assert read("<to>app:1</to>").to_image == "app:1"
    assert read("<to><credHelper>gcr</credHelper></to>").to_cred_helper == JibHelper(helper="gcr")
    paths = read("<extraDirectories><paths>a,b</paths></extraDirectories>").extra_directories
    assert paths == (JibDirectory(source=BASEDIR / "a"), JibDirectory(source=BASEDIR / "b"))


def test_an_object_that_is_a_text_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"<platform> is the text 'linux/amd64'"):
        read("<from><platforms><platform>linux/amd64</platform></platforms></from>")


def test_platforms() -> None:
    platform = "<platform><architecture>arm64</architecture><os>linux</os></platform><p/>"
    assert read(f"<from><platforms>{platform}</platforms></from>").from_platforms == (
        JibPlatform(os="linux", architecture="arm64"),
        JibPlatform(os=None, architecture=None),
    )
    properties = {"jib.from.platforms": "linux/amd64,linux/arm64"}
    assert read("", user=properties).from_platforms == (
        JibPlatform(os="linux", architecture="amd64"),
        JibPlatform(os="linux", architecture="arm64"),
    )
    with pytest.raises(ConfigurationError, match="of the form os/architecture"):
        read("", user={"jib.from.platforms": "linux/arm/v7"})


def test_credential_helpers() -> None:
    helper = "<helper>ecr-login</helper><environment><AWS_PROFILE>p</AWS_PROFILE></environment>"
    configured = f"<from><credHelper>{helper}</credHelper></from>"
    environment = (("AWS_PROFILE", "p"),)
    assert read(configured).from_cred_helper == JibHelper(
        helper="ecr-login", environment=environment
    )
    assert read(configured, user={"jib.from.credHelper": "gcr"}).from_cred_helper == JibHelper(
        helper="gcr", environment=environment
    )
    assert read("<to><credHelper/></to>").to_cred_helper is None


AUTH = "<to><auth><username>{}</username><password>{}</password></auth></to>"


def test_logins() -> None:
    assert read(AUTH.format("me", "secret")).to_auth == JibAuth(username="me", password="secret")
    properties = {"jib.to.auth.username": "you", "jib.to.auth.password": "other"}
    found = read(AUTH.format("me", "secret"), user=properties).to_auth
    assert found == JibAuth(username="you", password="other", by_user=True)
    assert "other" not in repr(found)
    found = read("", pom=properties).to_auth
    assert found == JibAuth(username="you", password="other")


@pytest.mark.parametrize(
    ("configuration", "user", "warning"),
    [
        (AUTH.format("me", ""), {}, "<to><auth><password> is missing from build configuration"),
        (AUTH.format("", "x"), {}, "<to><auth><username> is missing from build configuration"),
        ("", {"jib.to.auth.username": "me"}, "jib.to.auth.username system property is set, but"),
        ("", {"jib.to.auth.password": "x"}, "jib.to.auth.password system property is set, but"),
    ],
)
def test_half_a_login_is_warned_of(configuration: str, user: dict[str, str], warning: str) -> None:
    found = read(configuration, user=user)
    assert found.to_auth is None
    assert [warned.message.startswith(warning) for warned in found.warnings] == [True]


def test_half_a_login_by_property_leaves_the_configured_one() -> None:
    found = read(AUTH.format("me", "secret"), user={"jib.to.auth.username": "you"})
    assert found.to_auth == JibAuth(username="me", password="secret")


def test_extra_directories() -> None:
    path = (
        "<path><from>src/a</from><into>/opt</into><includes>*.txt,**/*.txt</includes>"
        "<excludes><exclude>b</exclude></excludes></path><path>/abs</path><path/>"
    )
    configured = f"<extraDirectories><paths>{path}</paths></extraDirectories>"
    assert read(configured).extra_directories == (
        JibDirectory(
            source=BASEDIR / "src/a",
            into="/opt",
            includes=("*.txt", "**/*.txt"),
            excludes=("b",),
        ),
        JibDirectory(source=Path("/abs")),
        JibDirectory(source=None),
    )
    properties = {"jib.extraDirectories.paths": "x,/y"}
    assert read(configured, user=properties, cwd=CWD).extra_directories == (
        JibDirectory(source=CWD / "x"),
        JibDirectory(source=Path("/y")),
    )


def test_permissions() -> None:
    permission = "<permission><file>/a</file><mode>755</mode></permission><p><file>/b</file></p>"
    configured = f"<extraDirectories><permissions>{permission}</permissions></extraDirectories>"
    assert read(configured).permissions == (
        JibPermission(file="/a", mode="755"),
        JibPermission(file="/b", mode=None),
    )
    properties = {"jib.extraDirectories.permissions": "/foo=755,/b/**=644"}
    assert read(configured, user=properties).permissions == (
        JibPermission(file="/foo", mode="755"),
        JibPermission(file="/b/**", mode="644"),
    )


def test_output_paths() -> None:
    target = BASEDIR / "target"
    assert read("").output_paths == JibOutputPaths(
        tar=target / "jib-image.tar",
        digest=target / "jib-image.digest",
        image_id=target / "jib-image.id",
        image_json=target / "jib-image.json",
    )
    configured = "<outputPaths><digest>d</digest><imageId>/i</imageId></outputPaths>"
    found = read(configured, user={"jib.outputPaths.tar": "t.tar"}).output_paths
    assert found == JibOutputPaths(
        tar=BASEDIR / "t.tar",
        digest=BASEDIR / "d",
        image_id=Path("/i"),
        image_json=target / "jib-image.json",
    )


def test_the_docker_client() -> None:
    configured = "<dockerClient><executable>bin/docker</executable></dockerClient>"
    assert read(configured).docker_executable == str(BASEDIR / "bin/docker")
    properties = {"jib.dockerClient.executable": "bin/podman"}
    found = read(configured, user=properties, cwd=CWD)
    assert found.docker_executable == str(CWD / "bin/podman")


def test_extensions() -> None:
    extension = (
        "<pluginExtension><implementation>a.B</implementation>"
        "<properties><k>v</k></properties><configuration><x>1</x></configuration>"
        "</pluginExtension><pluginExtension/>"
    )
    found = read(f"<pluginExtensions>{extension}</pluginExtensions>").plugin_extensions
    assert found == (
        JibExtension(implementation="a.B", properties=(("k", "v"),), configuration=xml("<x>1</x>")),
        JibExtension(implementation="<extension implementation not configured>"),
    )


def test_executions() -> None:
    executions = {"default-cli": "<to>cli</to>", "other": "<to>other</to>"}
    assert read("<to>plugin</to>", executions=executions).to_image == "cli"
    assert read("<to>plugin</to>", executions=executions, execution="other").to_image == "other"
    assert read("<to>plugin</to>", executions={"other": "<to>o</to>"}).to_image == "plugin"
    with pytest.raises(ConfigurationError, match="no execution 'x'; it has default-cli, other"):
        read("", executions=executions, execution="x")


def test_configured_executions_that_are_not_looked_at_are_warned_of() -> None:
    (warned,) = read(None, executions={"build-image": "<to>o</to>"}).warnings
    assert "in its executions alone" in warned.message
    assert warned.hint is not None
    assert "--jib-execution build-image" in warned.hint
    assert read(None, executions={"default-cli": "<to>o</to>"}).warnings == ()


@pytest.mark.parametrize(
    ("configuration", "name"),
    [
        ("<jvmFlags>-X</jvmFlags>", "<jvmFlags>"),
        ("<to><name>x</name></to>", "<to><name>"),
        ("<container><mainclass>x</mainclass></container>", "<container><mainclass>"),
        (
            (
                "<extraDirectories><paths><path><from>a</from><to>b</to></path></paths>"
                "</extraDirectories>"
            ),
            "<path><to>",
        ),
    ],
)
def test_unknown_elements_are_named(configuration: str, name: str) -> None:
    (warned,) = read(configuration).warnings
    assert warned.message.startswith(f"{name} of jib-maven-plugin in {BASEDIR / 'pom.xml'}")


def test_expressions_without_a_value_are_named() -> None:
    (warned,) = read("<to><image>${registry}/app</image></to>").warnings
    assert warned.message.startswith("${registry} in <to><image>")
    assert warned.hint == "give it one, for example -D registry=VALUE"


def test_properties_of_the_user_that_do_nothing_are_named() -> None:
    user = {
        "jib.to.iamge": "x",
        "jib.httpTimeout": "0",
        "other": "y",
        "jib.disableUpdateChecks": "",
    }
    messages = [warned.message for warned in read("", user=user).warnings]
    assert messages == [
        "-D jib.to.iamge has no meaning to Jib",
        "-D jib.httpTimeout is a setting of Jib's that pyjib does not have",
    ]
    assert read("", pom={"jib.version": "3.4.1"}).warnings == ()


def test_origins_tell_where_values_come_from() -> None:
    found = read(
        "<to><image>a</image><tags>t</tags></to>",
        user={"jib.to.image": "b"},
        pom={"jib.container.user": "me"},
        system={"jib.container.format": "OCI"},
    )
    assert found.origin("to.image") == "-D jib.to.image"
    assert found.origin("to.tags") == f"<to><tags> in {BASEDIR / 'pom.xml'}"
    assert found.origin("container.user") == "the property jib.container.user of the POM"
    assert found.origin("container.format") == "the system property jib.container.format"
