"""From Jib's configuration to options: each parameter, targets and names, who wins, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyjib.errors import ConfigurationError, InvalidReferenceError
from pyjib.jib.to_options import Unnamed
from pyjib.oci.identity import PYJIB, Identity
from pyjib.oci.instant import EPOCH, Instant
from pyjib.oci.location import (
    ArchiveLocation,
    EngineLocation,
    LayoutLocation,
    RegistryLocation,
    Scratch,
    parse_location,
)
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import Platform
from pyjib.oci.reference import Reference
from pyjib.options import (
    BuildOptions,
    CredentialHelper,
    EngineProgram,
    ExtraDirectory,
    HostEnvironment,
    Login,
    Mode,
    Permission,
    RegistryOptions,
)
from tests.support.poms import BASEDIR, options, translate

NAMED = "<to><image>registry.example.com/team/app:2</image></to>"
NAME = Reference.parse("registry.example.com/team/app:2")


def container(text: str) -> str:
    return f"<container>{text}</container>"


@pytest.mark.parametrize(
    ("configuration", "field", "value"),
    [
        ("<to><tags>1,latest</tags></to>", "tags", ("1", "latest")),
        ("<from><image>scratch</image></from>", "base", Scratch()),
        ("<from><image>tar://b.tar</image></from>", "base", ArchiveLocation(path=Path("b.tar"))),
        (
            "<from><image>docker://b:1</image></from>",
            "base",
            EngineLocation(reference=Reference.parse("b:1")),
        ),
        (
            "<from><image>registry://b:1</image></from>",
            "base",
            RegistryLocation(reference=Reference.parse("b:1")),
        ),
        (
            ("<from><platforms><p><os>linux</os><architecture>arm64</architecture></p>"
            "</platforms></from>"),
            "platforms",
            (Platform(os="linux", architecture="arm64"),),
        ),
        (
            ("<from><platforms><p><os>linux</os><architecture>amd64</architecture></p>"
            "</platforms></from>"),
            "platforms",
            (),
        ),
        ("<containerizingMode>packaged</containerizingMode>", "mode", Mode.PACKAGED),
        (container("<mainClass>a.B</mainClass>"), "main_class", "a.B"),
        (container("<jvmFlags>-Xmx1g</jvmFlags>"), "jvm_flags", ("-Xmx1g",)),
        (container("<extraClasspath>/a,/b</extraClasspath>"), "extra_classpath", ("/a", "/b")),
        (
            container("<expandClasspathDependencies>true</expandClasspathDependencies>"),
            "expand_classpath",
            True,
        ),
        (container("<entrypoint>INHERIT</entrypoint>"), "entrypoint", ("INHERIT",)),
        (container("<entrypoint/>"), "entrypoint", None),
        (container("<args/>"), "arguments", ()),
        (container("<args>a</args>"), "arguments", ("a",)),
        (container(""), "arguments", None),
        (container("<appRoot>/srv</appRoot>"), "app_root", "/srv"),
        (container("<appRoot/>"), "app_root", None),
        (container("<environment><B>2</B><A>1</A></environment>"), "environment", (("A", "1"), ("B", "2"))),
        (container("<labels><B>2</B><A>1</A></labels>"), "labels", (("A", "1"), ("B", "2"))),
        (container("<ports>80,90-91/udp</ports>"), "ports", ("80", "90-91/udp")),
        (container("<volumes>/v</volumes>"), "volumes", ("/v",)),
        (container("<user>1000:1000</user>"), "user", "1000:1000"),
        (container("<workingDirectory>/w</workingDirectory>"), "working_directory", "/w"),
        (container("<format>OCI</format>"), "format", ImageFormat.OCI),
        (container("<format>Docker</format>"), "format", ImageFormat.DOCKER),
        (container("<creationTime>2024-05-01T12:00:00Z</creationTime>"), "created", Instant.parse("2024-05-01T12:00:00Z")),
        (container("<creationTime>USE_CURRENT_TIMESTAMP</creationTime>"), "created", Instant(7)),
        (
            container("<filesModificationTime>2024-05-01T12:00:00Z</filesModificationTime>"),
            "file_time",
            Instant.parse("2024-05-01T12:00:00Z"),
        ),
        (
            ("<extraDirectories><paths><p><from>x</from><into>/i</into><includes>*</includes></p>"
            "</paths></extraDirectories>"),
            "extra_directories",
            (ExtraDirectory(source=BASEDIR / "x", into="/i", includes=("*",)),),
        ),
        (
            ("<extraDirectories><permissions><p><file>/a</file><mode>755</mode></p>"
            "<p><file>/b</file><mode>600</mode></p><p><file>/a</file><mode>700</mode></p>"
            "</permissions></extraDirectories>"),
            "permissions",
            (Permission(pattern="/a", mode=0o700), Permission(pattern="/b", mode=0o600)),
        ),
    ],
)  # fmt: skip
def test_parameters(configuration: str, field: str, value: object) -> None:
    assert getattr(options(configuration, now=Instant(7)), field) == value


def test_nothing_configured_leaves_our_defaults_and_jibs_identity() -> None:
    expected = BuildOptions(identity=Identity.of_jib("3.5.2"), name=Reference.parse("app:1.0"))
    assert options() == expected


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ("<to>UPPER</to>", r"<to><image> in .*pom.xml: invalid image reference"),
        ("<to><tags><t/></tags></to>", "has empty tag"),
        ("<to><tags>a b</tags></to>", "'a b' is not a tag"),
        ("<from><image>ftp://x</image></from>", r"<from><image> .*unknown kind"),
        ("<from><platforms/></from>", "the list of platforms is empty"),
        (
            "<from><platforms><p><os>linux</os></p></platforms></from>",
            "missing an architecture value: architecture=<missing>, os=linux",
        ),
        (
            "<from><platforms><p><architecture>amd64</architecture></p></platforms></from>",
            "missing an OS value: architecture=amd64, os=<missing>",
        ),
        ("<containerizingMode>Packaged</containerizingMode>", "invalid value for <containeri"),
        (container("<appRoot>app</appRoot>"), "<appRoot> .* not an absolute Unix-style path: app"),
        (container("<workingDirectory>w</workingDirectory>"), "not an absolute Unix-style path: w"),
        (container("<volumes>v</volumes>"), "<volumes> .* not an absolute Unix-style path: v"),
        (container("<ports>8o</ports>"), "<ports> .*'8o' is not a port"),
        (container("<format>docker</format>"), "'docker' is not an image format"),
        (container("<creationTime>now</creationTime>"), "<creationTime> .* ISO 8601"),
        (
            container("<filesModificationTime>2024-05-01T12:00:00+0200</filesModificationTime>"),
            "<filesModificationTime> .* ISO 8601",
        ),
        (
            "<extraDirectories><paths><p><into>/i</into></p></paths></extraDirectories>",
            "source directory must be set",
        ),
        (
            (
                "<extraDirectories><paths><p><from>x</from><into>i</into></p></paths>"
                "</extraDirectories>"
            ),
            "<into> is not an absolute Unix-style path: i",
        ),
        (
            (
                "<extraDirectories><permissions><p><file>/a</file></p></permissions>"
                "</extraDirectories>"
            ),
            "Incomplete <permission> configuration",
        ),
        (
            (
                "<extraDirectories><permissions><p><file>/a</file><mode>7</mode></p></permissions>"
                "</extraDirectories>"
            ),
            "'7' is not a mode",
        ),
    ],
)
def test_values_that_jib_refuses(configuration: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        translate(configuration)


def test_what_the_caller_overrides_is_not_looked_at() -> None:
    configuration = "<to>UPPER</to>" + container("<format>?</format><appRoot>x</appRoot>")
    given = BuildOptions(targets=(parse_location("app"),), format=ImageFormat.OCI, app_root="/app")
    found = options(configuration, given)
    assert (found.targets, found.format, found.app_root) == (given.targets, ImageFormat.OCI, "/app")


def test_the_caller_wins() -> None:
    configuration = NAMED + container(
        "<jvmFlags>-Xmx1g</jvmFlags><environment><A>1</A><B>2</B></environment>"
        "<ports>80</ports><user>jib</user>"
    )
    given = BuildOptions(jvm_flags=("-Xmx2g",), environment=(("B", "3"), ("C", "4")), user="me")
    found = options(configuration, given)
    assert found.jvm_flags == ("-Xmx2g",)
    assert found.environment == (("A", "1"), ("B", "3"), ("C", "4"))
    assert found.user == "me"
    assert found.ports == ("80",)


def test_the_caller_may_insist_on_what_is_the_default() -> None:
    configuration = "<containerizingMode>packaged</containerizingMode>"
    assert options(configuration).mode is Mode.PACKAGED
    assert options(configuration, explicit={"mode"}).mode is Mode.EXPLODED


def test_source_date_epoch_means_nothing_to_jib() -> None:
    given = BuildOptions(created=Instant(99))
    assert options(NAMED, given, explicit=set()).created == EPOCH
    assert options(NAMED, given).created == Instant(99)


# Targets and names


@pytest.mark.parametrize(
    ("configuration", "to", "unnamed", "targets", "name"),
    [
        (NAMED, (), (), ("registry.example.com/team/app:2",), None),
        ("", (), (), (), "app:1.0"),
        (NAMED, (), (Unnamed.DOCKER,), ("docker://registry.example.com/team/app:2",), NAME),
        ("", (), (Unnamed.DOCKER,), ("docker://app:1.0",), "app:1.0"),
        (NAMED, (), (Unnamed.TAR,), (f"tar://{BASEDIR}/target/jib-image.tar",), NAME),
        ("", (), (Unnamed.TAR,), (f"tar://{BASEDIR}/target/jib-image.tar",), "app:1.0"),
        (
            "<outputPaths><tar>i.tar</tar></outputPaths>",
            (),
            (Unnamed.TAR,),
            (f"tar://{BASEDIR}/i.tar",),
            "app:1.0",
        ),
        (NAMED, ("tar://x.tar",), (), ("tar://x.tar",), NAME),
        (NAMED, ("other:3",), (), ("other:3",), None),
        (NAMED, ("other:3", "tar://x.tar"), (), ("other:3", "tar://x.tar"), None),
        (NAMED, ("docker://other",), (), ("docker://other",), None),
    ],
)
def test_targets_and_names(
    configuration: str,
    to: tuple[str, ...],
    unnamed: tuple[Unnamed, ...],
    targets: tuple[str, ...],
    name: Reference | str | None,
) -> None:
    given = BuildOptions(targets=tuple(map(parse_location, to)))
    found = options(configuration, given, unnamed=unnamed)
    assert found.targets == tuple(map(parse_location, targets))
    assert found.name == (Reference.parse(name) if isinstance(name, str) else name)


def test_a_version_that_is_none_is_latest() -> None:
    found = options("", unnamed=(Unnamed.DOCKER,), changes={"version": "unspecified"})
    assert found.targets == (parse_location("docker://app:latest"),)


def test_a_project_whose_name_cannot_be_an_images() -> None:
    with pytest.raises(InvalidReferenceError, match="the image has no name") as caught:
        options("", unnamed=(Unnamed.DOCKER,), changes={"artifact": "My App"})
    assert caught.value.hint is not None
    assert "<to><image>" in caught.value.hint


@pytest.mark.parametrize(
    ("targets", "image_format"),
    [
        (("docker://a",), ImageFormat.DOCKER),
        (("docker://a", "docker://b"), ImageFormat.DOCKER),
        (("docker://a", "b"), ImageFormat.OCI),
        (("tar://a.tar",), ImageFormat.OCI),
    ],
)
def test_daemons_alone_get_dockers_format(
    targets: tuple[str, ...], image_format: ImageFormat
) -> None:
    given = BuildOptions(targets=tuple(map(parse_location, targets)))
    assert options(container("<format>OCI</format>"), given).format is image_format


# Identity


@pytest.mark.parametrize(
    ("plugin", "identity", "expected"),
    [
        ({}, None, "jib-maven-plugin:3.5.2"),
        ({"version": "3.3.2"}, None, "jib-maven-plugin:3.3.2"),
        ({"version": "3.3.2"}, Identity.of_jib("3.4.1"), "jib-maven-plugin:3.4.1"),
        ({"version": "3.3.2"}, PYJIB, "pyjib"),
    ],
)
def test_identity(plugin: dict[str, Any], identity: Identity | None, expected: str) -> None:
    found = options(NAMED, plugin=plugin, identity=identity and (lambda _: identity)).identity
    assert found.created_by == expected
    assert found.jdk == 17


def test_a_plugin_without_a_version_is_warned_of() -> None:
    found = translate(NAMED, plugin={"version": None})
    assert found.options.identity.created_by == "jib-maven-plugin:3.5.2"
    assert ["has no version" in warned.message for warned in found.warnings] == [True]


def test_a_version_that_is_none_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"not a version of Jib: '3\.6-SNAPSHOT'"
    ) as caught:
        translate(NAMED, plugin={"version": "3.6-SNAPSHOT"})
    assert caught.value.hint is not None
    assert "--identity" in caught.value.hint


@pytest.mark.parametrize(
    ("required", "admitted"),
    [
        ("3.5.2", True),
        ("3.5", True),
        ("1.4", True),
        ("3.6", False),
        ("[3.5.2,4)", True),
        ("(3.5.2,4)", False),
        ("(,3.5.2]", True),
        ("(,3.5.2)", False),
        ("[1.4, 2)", False),
        ("[3.4,)", True),
    ],
)
def test_the_required_version(required: str, admitted: bool) -> None:
    user = {"jib.requiredVersion": required}
    if admitted:
        translate(NAMED, user=user)
    else:
        with pytest.raises(ConfigurationError, match=r"Jib plugin version is 3\.5\.2 but"):
            translate(NAMED, user=user)


def test_a_required_version_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="neither a version nor a range"):
        translate(NAMED, user={"jib.requiredVersion": "latest"})


# Skipping


@pytest.mark.parametrize(
    ("configuration", "user", "changes", "reason"),
    [
        ("<skip>true</skip>", {}, {}, "skip = true"),
        ("", {"jib.skip": "true"}, {}, "skip = true"),
        ("<skip>false</skip>", {"jib.skip": "true"}, {}, None),
        ("", {"jib.containerize": "com.example:app"}, {}, None),
        ("", {"jib.containerize": ":app"}, {}, None),
        ("", {"jib.containerize": ""}, {}, None),
        ("", {"jib.containerize": BASEDIR.name}, {}, None),
        ("", {"jib.containerize": "/".join(BASEDIR.parts[-2:])}, {}, None),
        ("", {"jib.containerize": BASEDIR.name[1:]}, {}, "not specified in jib.containerize"),
        ("", {"jib.containerize": ":other"}, {}, "not specified in jib.containerize"),
        ("", {}, {"packaging": "pom"}, "packaging is 'pom'"),
    ],
)
def test_skips(
    configuration: str, user: dict[str, str], changes: dict[str, Any], reason: str | None
) -> None:
    skipped = translate(configuration, user=user, changes=changes).skipped
    assert skipped is None if reason is None else reason in (skipped or "")


def test_a_packaged_war_is_not_jibs() -> None:
    configuration = "<containerizingMode>packaged</containerizingMode>"
    with pytest.raises(ConfigurationError, match="WAR is not yet supported"):
        translate(configuration, changes={"packaging": "war"})
    given = BuildOptions(mode=Mode.PACKAGED)
    assert options(configuration, given, changes={"packaging": "war"}).mode is Mode.PACKAGED


# Registries

AUTH = "<auth><username>{}</username><password>{}</password></auth>"


def both(
    to: str = "", base: str = "", image: str = "r.example.com/app", of: str = "b.example.com/x"
) -> str:
    return f"<to><image>{image}</image>{to}</to><from><image>{of}</image>{base}</from>"


def test_logins_go_to_their_own_registry() -> None:
    found = options(both(AUTH.format("me", "1"), AUTH.format("you", "2"))).registry
    assert set(found.logins) == {
        Login(registry="r.example.com", username="me", password="1"),
        Login(registry="b.example.com", username="you", password="2"),
    }


def test_the_default_base_is_docker_hubs() -> None:
    configuration = NAMED + f"<from>{AUTH.format('you', '2')}</from>"
    (login,) = options(configuration).registry.logins
    assert login.registry == "docker.io"


def test_a_configured_login_is_not_given_to_a_registry_of_the_callers() -> None:
    given = BuildOptions(targets=(parse_location("evil.example.com/app"),))
    found = translate(both(AUTH.format("me", "1"), AUTH.format("you", "2")), given)
    assert [login.registry for login in found.options.registry.logins] == ["b.example.com"]
    assert ["is not used for evil.example.com" in w.message for w in found.warnings] == [True]
    given = BuildOptions(base=parse_location("evil.example.com/base"))
    found = translate(both(AUTH.format("me", "1"), AUTH.format("you", "2")), given)
    assert [login.registry for login in found.options.registry.logins] == ["r.example.com"]
    assert ["is not used for evil.example.com" in w.message for w in found.warnings] == [True]
    hub = translate(NAMED + f"<from>{AUTH.format('you', '2')}</from>", given).options.registry
    assert hub.logins == ()


def test_a_configured_login_is_for_all_images_of_its_registry() -> None:
    given = BuildOptions(
        targets=(parse_location("r.example.com/other"),),
        base=parse_location("b.example.com/other"),
    )
    found = translate(both(AUTH.format("me", "1"), AUTH.format("you", "2")), given)
    assert {login.registry for login in found.options.registry.logins} == {
        "r.example.com",
        "b.example.com",
    }
    assert found.warnings == ()
    as_address = both(base=AUTH.format("you", "2"), of="registry://b.example.com/x")
    assert len(options(as_address, given).registry.logins) == 1


def test_a_base_of_the_callers_is_reached_as_a_target_is() -> None:
    servers = {"b.example.com": Login(registry="x", username="base", password="3")}
    configuration = NAMED + "<allowInsecureRegistries>true</allowInsecureRegistries>"
    given = BuildOptions(base=parse_location("b.example.com/base"))
    found = options(configuration, given, find_server=servers.get).registry
    assert found.logins == (Login(registry="b.example.com", username="base", password="3"),)
    assert found.insecure == {"registry.example.com", "b.example.com"}


def test_a_login_of_the_users_goes_wherever_he_says() -> None:
    given = BuildOptions(targets=(parse_location("other.example.com/app"),))
    user = {"jib.to.auth.username": "me", "jib.to.auth.password": "1"}
    (login,) = options(both(), given, user=user).registry.logins
    assert login == Login(registry="other.example.com", username="me", password="1")
    given = BuildOptions(base=parse_location("other.example.com/base"))
    user = {"jib.from.auth.username": "you", "jib.from.auth.password": "2"}
    (login,) = options(both(), given, user=user).registry.logins
    assert login == Login(registry="other.example.com", username="you", password="2")


def test_the_callers_login_comes_first() -> None:
    own = Login(registry="r.example.com", username="caller", password="0")
    given = BuildOptions(registry=RegistryOptions(logins=(own,)))
    assert options(both(AUTH.format("me", "1")), given).registry.logins == (own,)


def test_two_logins_to_one_registry() -> None:
    found = translate(both(AUTH.format("me", "1"), AUTH.format("you", "2"), of="r.example.com/b"))
    (login,) = found.options.registry.logins
    assert login.username == "me"
    assert ["different logins to r.example.com" in w.message for w in found.warnings] == [True]


def test_helpers_stand_behind_logins() -> None:
    helper = "<credHelper>ecr-login</credHelper>"
    found = options(both(helper, AUTH.format("you", "2") + helper)).registry
    assert found.helpers == (CredentialHelper(registry="r.example.com", program="ecr-login"),)


def test_servers_of_settings_xml() -> None:
    servers = {
        "r.example.com:5000": Login(registry="x", username="port", password="1"),
        "r.example.com": Login(registry="x", username="host", password="2"),
        "b.example.com": Login(registry="x", username="base", password="3"),
    }
    found = options(both(image="r.example.com:5000/app"), find_server=servers.get).registry
    assert set(found.logins) == {
        Login(registry="r.example.com:5000", username="port", password="1"),
        Login(registry="b.example.com", username="base", password="3"),
    }
    found = options(both(image="r.example.com:99/app"), find_server=servers.get).registry
    assert Login(registry="r.example.com:99", username="host", password="2") in found.logins
    configured = both(AUTH.format("me", "1"), "<credHelper>gcr</credHelper>")
    found = options(configured, find_server=servers.get).registry
    assert [login.username for login in found.logins] == ["me"]


def test_insecure_registries_are_those_in_use() -> None:
    configuration = both() + "<allowInsecureRegistries>true</allowInsecureRegistries>"
    given = BuildOptions(registry=RegistryOptions(insecure=frozenset({"x:1"})))
    assert options(configuration, given).registry.insecure == {
        "x:1",
        "r.example.com",
        "b.example.com",
    }
    assert options(both(), given).registry.insecure == {"x:1"}
    hub = "<to>team/app</to><allowInsecureRegistries>true</allowInsecureRegistries>"
    assert options(hub).registry.insecure == frozenset()


# The rest


def test_the_docker_clients_environment_chooses_the_daemon() -> None:
    environment = "<DOCKER_HOST>tcp://d:1</DOCKER_HOST><PATH>/x</PATH>"
    configuration = f"<dockerClient><environment>{environment}</environment></dockerClient>"
    host = HostEnvironment.of({"PATH": "/bin", "DOCKER_HOST": "unix:///y"}, Path("/home"))
    found = translate(configuration, BuildOptions(host=host))
    assert dict(found.options.host.variables) == {"PATH": "/bin", "DOCKER_HOST": "tcp://d:1"}
    (warned,) = found.warnings
    assert warned.message.endswith("no effect on how a daemon is talked to: PATH")


def test_the_docker_clients_program_is_run_with_its_environment() -> None:
    configuration = (
        "<dockerClient><executable>bin/docker</executable>"
        "<environment><A>b</A></environment></dockerClient>"
    )
    found = translate(configuration)
    assert found.warnings == ()
    assert found.options.engine_program == EngineProgram(
        executable=BASEDIR / "bin" / "docker", environment=(("A", "b"),)
    )


def test_outputs_are_handed_on() -> None:
    outputs = translate("<outputPaths><digest>d</digest></outputPaths>").outputs
    assert outputs is not None
    assert outputs.digest == BASEDIR / "d"


def test_a_layout_keeps_the_configured_format_open() -> None:
    given = BuildOptions(targets=(LayoutLocation(path=Path("out")),))
    assert options(NAMED, given).format is None


def test_pyjibs_identity_with_jibs_configuration() -> None:
    found = options(NAMED + container("<user>me</user>"), identity=lambda _: PYJIB)
    assert found.user == "me"
    assert found.targets == (RegistryLocation(reference=NAME),)
