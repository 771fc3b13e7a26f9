"""Jib's configuration in a Gradle build: what it comes to, and what goes before it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pyjib.configure import Configured, MavenChoice, configure
from pyjib.errors import ConfigurationError, ProjectError
from pyjib.jib.to_options import Given
from pyjib.oci.identity import Identity
from pyjib.oci.media_type import ImageFormat
from pyjib.oci.platform import Platform
from pyjib.options import (
    BuildOptions,
    CredentialHelper,
    DropDevtools,
    ExtraDirectory,
    HostEnvironment,
    Permission,
    UseNativeImage,
    UseQuarkusTree,
)
from pyjib.project.maven.command_line import Arguments
from tests.support.gradle import golden, make_build
from tests.support.projects import main_class, write_tree

_PACKAGE = "com.google.cloud.tools.jib.gradle.extension"
EMPTY_JAR = b"PK\x05\x06" + bytes(18)


def written(root: Path, **jib: Any) -> Path:
    """Have Gradle's file lie there, with some of what Jib is told replaced."""
    document = golden("app", root)
    document["jib"] = {**document["jib"], "version": "3.4.1", "pluginExtensions": [], **jib}
    text = json.dumps(document)
    write_tree(root, {"app/build/pyjib/classpath.json": text})
    return write_tree(root, {"lib/build/libs/lib.jar": EMPTY_JAR}) / "app"


def configured(path: Path, **properties: str) -> Configured:
    host = HostEnvironment(home=path.parent / "no home")
    choice = MavenChoice(arguments=Arguments(properties=properties), cwd=Path("/cwd"))
    return configure(path, Given(options=BuildOptions(host=host)), choice)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_build(tmp_path)


def test_what_the_plugin_is_told(root: Path) -> None:
    found = configured(written(root))
    options = found.options
    assert found.source == f"jib-gradle-plugin 3.4.1 in {root / 'app' / 'build.gradle'}"
    assert options.identity == Identity.of_jib("3.4.1", tool="jib-gradle-plugin")
    assert [str(target) for target in options.targets] == ["r.example.com/app:latest"]
    assert str(options.base) == "docker.io/library/base:1"
    assert options.tags == ("1", "latest")
    assert options.platforms == (Platform(os="linux", architecture="arm64"),)
    assert options.environment == (("Z", "last"), ("A", "first"))
    assert options.jvm_flags == ("-Da=2",)
    assert options.extra_classpath == ("/more",)
    assert (options.entrypoint, options.arguments, options.app_root) == (None, None, None)
    assert options.ports == ("80",)
    assert options.format is ImageFormat.OCI
    assert options.permissions == (Permission(pattern="/run.sh", mode=0o755),)
    assert options.extra_directories == (
        ExtraDirectory(source=root / "app" / "extra", into="/opt", excludes=("*.bak",)),
    )
    assert options.registry.helpers == (
        CredentialHelper(
            registry="r.example.com", program="ecr-login", environment=(("AWS_PROFILE", "team"),)
        ),
    )
    assert "r.example.com" in options.registry.insecure
    assert found.outputs is not None
    assert found.outputs.image_id == root / "app" / "build" / "jib.imageId"
    assert found.read is not None


def test_a_login_is_never_written_down_and_told_of(root: Path) -> None:
    path = written(root)
    (warning,) = configured(path).warnings
    assert "jib.to.auth" in warning.message
    found = configured(path, **{"jib.to.auth.username": "u", "jib.to.auth.password": "p"})
    assert found.warnings == ()
    assert [login.username for login in found.options.registry.logins] == ["u"]
    found = configured(path, **{"jib.to.auth.username": "u"})
    assert "jib.to.auth.password is not" in found.warnings[0].message


def test_properties_go_before_the_script_and_users_before_the_builds(root: Path) -> None:
    path = written(root)
    assert configured(path).options.user == "2000"  # of gradle.properties
    found = configured(
        path,
        **{
            "jib.container.user": "3000",
            "jib.allowInsecureRegistries": "false",
            "jib.from.platforms": "linux/s390x",
            "jib.container.environment": "B=c",
            "jib.extraDirectories.paths": "x",
            "jib.outputPaths.tar": "a.tar",
            "jib.dockerClient.executable": "docker",
        },
    )
    assert found.options.user == "3000"
    assert not found.options.registry.insecure
    assert found.options.platforms == (Platform(os="linux", architecture="s390x"),)
    assert found.options.environment == (("B", "c"),)
    assert found.options.extra_directories == (ExtraDirectory(source=Path("/cwd/x")),)
    assert found.outputs is not None
    assert found.outputs.tar == path / "a.tar"
    assert found.options.engine_program is not None
    assert found.options.engine_program.executable == Path("/cwd/docker")


@pytest.mark.parametrize("name", ["image", "jib.skip", "jib.to.imaeg"])
def test_properties_that_only_maven_has(root: Path, name: str) -> None:
    found = configured(written(root), **{name: "x"})
    assert [str(target) for target in found.options.targets] == ["r.example.com/app:latest"]
    told = [warning.message for warning in found.warnings]
    assert (f"-D {name} has no meaning to Jib" in told) is name.startswith("jib.")


def test_an_image_without_a_name(root: Path) -> None:
    path = written(root, to={})
    assert str(configured(path).options.name) == "docker.io/library/app:1.2"


def test_extensions(root: Path) -> None:
    extensions = [
        {"implementation": f"{_PACKAGE}.springboot.JibSpringBootExtension"},
        {
            "implementation": f"{_PACKAGE}.nativeimage.JibNativeImageExtension",
            "properties": {"imageName": "app"},
        },
        {
            "implementation": f"{_PACKAGE}.quarkus.JibQuarkusExtension",
            "properties": {"packageType": "fast-jar"},
        },
        {"implementation": f"{_PACKAGE}.ownership.JibOwnershipExtension", "configured": True},
        {"implementation": f"{_PACKAGE}.quarkus.JibQuarkusExtension"},
    ]
    found = configured(written(root, to={}, pluginExtensions=extensions))
    devtools, native, fast, legacy = found.options.transformations
    build = root / "app" / "build"
    assert devtools == DropDevtools()
    assert isinstance(native, UseNativeImage)
    assert native.executable == build / "native" / "nativeCompile" / "app"
    assert isinstance(fast, UseQuarkusTree)
    assert fast.runner == build / "quarkus-app" / "quarkus-run.jar"
    assert isinstance(legacy, UseQuarkusTree)
    assert legacy.runner == build / "app-1.2-runner.jar"
    (warning,) = found.warnings
    assert "JibOwnershipExtension" in warning.message


@pytest.mark.parametrize(
    ("extension", "reason"),
    [
        ({"implementation": f"{_PACKAGE}.nativeimage.JibNativeImageExtension"}, "imageName"),
        (
            {
                "implementation": f"{_PACKAGE}.quarkus.JibQuarkusExtension",
                "properties": {"packageType": "x"},
            },
            "Unknown packageType 'x'",
        ),
    ],
)
def test_extensions_that_jib_refuses(root: Path, extension: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        configured(written(root, pluginExtensions=[extension]))


@pytest.mark.parametrize(
    "jib",
    [
        {"to": {"image": 3}},
        {"container": {"args": [1]}},
        {"container": {"environment": {"A": 1}}},
        {"pluginExtensions": [1]},
        {"allowInsecureRegistries": "yes"},
        {"from": {"credHelper": {"helper": "x", "environment": 1}}},
        {"pluginExtensions": [{"implementation": "x", "properties": 1}]},
        {"extraDirectories": {"paths": [{"from": "x", "includes": 1}]}},
        {"extraDirectories": {"paths": [{"from": "x", "excludes": [1]}]}},
    ],
)
def test_malformed(root: Path, jib: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="has another form in"):
        configured(written(root, **jib))


@pytest.mark.parametrize("name", ["build", "syncExcludes"])
def test_malformed_words_for_skaffold(root: Path, name: str) -> None:
    path = written(root)
    write_tree(path, {"build/classes/java/main/Main.class": main_class("Main")})
    listed = path / "build" / "pyjib" / "classpath.json"
    document = json.loads(listed.read_text())
    document["skaffold"] = {name: 1}
    listed.write_text(json.dumps(document))
    with pytest.raises(ProjectError, match=rf"skaffold\.{name} is not of type list"):
        configured(path).read()  # type: ignore[misc]


def test_an_execution_is_mavens(root: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no execution 'x': .* is Gradle's"):
        configure(written(root), Given(options=BuildOptions()), MavenChoice(execution="x"))


def test_null_in_a_list_is_jibs_error(root: Path) -> None:
    with pytest.raises(ConfigurationError, match="contains null values"):
        configured(written(root, container={"args": [None]}))


def test_a_script_that_gradle_has_not_told_of(root: Path) -> None:
    path = root / "app"
    script = "plugins { id 'com.google.cloud.tools.jib' version '3.4.2' }"
    write_tree(path, {"build.gradle": script})
    found = configured(path, **{"jib.to.image": "r.example.com/x"})
    assert found.options.user == "2000"
    assert [str(target) for target in found.options.targets] == ["r.example.com/x:latest"]
    assert found.options.identity == Identity.of_jib("3.4.2", tool="jib-gradle-plugin")
    assert found.read is None
    (warning,) = found.warnings
    assert "only Gradle can read it" in warning.message
    assert "pyjib init gradle" in (warning.hint or "")


def test_a_build_without_jib(root: Path) -> None:
    found = configured(root / "lib")
    assert (found.source, found.warnings) == (None, ())
    write_tree(root, {"lib/build/pyjib/classpath.json": json.dumps(golden("lib", root))})
    assert configured(root / "lib").source is None


def test_another_identity_is_of_the_same_plugin(root: Path) -> None:
    path = written(root)
    options = BuildOptions(host=HostEnvironment(home=path))
    given = Given(options=options, identity=lambda known: Identity.of_jib(known or "", jdk=25))
    identity = configure(path, given).options.identity
    assert (identity.created_by, identity.jdk) == ("jib-gradle-plugin:3.4.1", 25)
