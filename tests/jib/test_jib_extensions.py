"""``<pluginExtensions>``: which transformations they come to, and what Jib refuses."""

from __future__ import annotations

from typing import Any

import pytest

from pyjib.errors import ConfigurationError
from pyjib.jib.to_options import JibBuild
from pyjib.options import (
    DropDevtools,
    FilterLayers,
    SetOwnership,
    UseNativeImage,
    UseQuarkusTree,
)
from pyjib.project.maven.model import Execution, Plugin, PomDependency
from tests.support.poms import BASEDIR, jib_plugin, model, translate, xml

PACKAGE = "com.google.cloud.tools.jib.maven.extension"
FILTER = f"{PACKAGE}.layerfilter"
OWNERSHIP = f"{PACKAGE}.ownership"
DEPENDENCIES = (PomDependency("com.google.cloud.tools", "some-extension", "1"),)
TARGET = BASEDIR / "target"


def extension(name: str, configuration: str = "", properties: str = "", container: str = "") -> str:
    body = f"<implementation>{name}</implementation>"
    body += f"<properties>{properties}</properties>" if properties else ""
    body += configuration
    extensions = f"<pluginExtensions><pluginExtension>{body}</pluginExtension></pluginExtensions>"
    return f"{extensions}<container>{container}</container>"


def done(configuration: str, *plugins: Plugin, **more: Any) -> JibBuild:
    plugin = {"dependencies": more.pop("dependencies", DEPENDENCIES)}
    own = jib_plugin(configuration, **plugin)
    return translate(configuration, plugin=plugin, changes={"plugins": (own, *plugins)}, **more)


def plugin(group: str, artifact: str, configuration: str, **more: Any) -> Plugin:
    return Plugin(group=group, artifact=artifact, configuration=xml(configuration), **more)


def typed(package: str, body: str) -> str:
    return f'<configuration implementation="{package}.Configuration">{body}</configuration>'


def test_the_layer_filter() -> None:
    body = (
        "<filters><filter><glob>/a</glob><toLayer>x</toLayer></filter>"
        "<filter><glob>/b</glob></filter></filters>"
    )
    found = done(extension(f"{FILTER}.JibLayerFilterExtension", typed(FILTER, body)))
    assert found.options.transformations == (FilterLayers(filters=(("/a", "x"), ("/b", ""))),)
    assert found.warnings == ()


def test_layers_of_the_parents_dependencies_are_not_made() -> None:
    body = "<createParentDependencyLayers>true</createParentDependencyLayers>"
    found = done(extension(f"{FILTER}.JibLayerFilterExtension", typed(FILTER, body)))
    assert found.options.transformations == (FilterLayers(),)
    assert ["createParentDependencyLayers" in w.message for w in found.warnings] == [True]


def test_ownership() -> None:
    body = "<rules><rule><glob>/a/**</glob><ownership>1:2</ownership></rule></rules>"
    found = done(extension(f"{OWNERSHIP}.JibOwnershipExtension", typed(OWNERSHIP, body)))
    assert found.options.transformations == (SetOwnership(rules=(("/a/**", "1:2"),)),)


@pytest.mark.parametrize(
    "name", [f"{FILTER}.JibLayerFilterExtension", f"{OWNERSHIP}.JibOwnershipExtension"]
)
def test_extensions_without_a_configuration_do_nothing(name: str) -> None:
    found = done(extension(name))
    assert found.options.transformations == ()
    assert ["Nothing configured for Jib" in w.message for w in found.warnings] == [True]


@pytest.mark.parametrize(
    ("configuration", "drops"),
    [
        ("", True),
        ("<excludeDevtools>true</excludeDevtools>", True),
        ("<excludeDevtools>false</excludeDevtools>", False),
        ("<excludeDevtools/>", False),
    ],
)
def test_spring_boot(configuration: str, drops: bool) -> None:
    boot = plugin("org.springframework.boot", "spring-boot-maven-plugin", configuration)
    found = done(extension(f"{PACKAGE}.springboot.JibSpringBootExtension"), boot)
    assert found.options.transformations == ((DropDevtools(),) if drops else ())


def test_spring_boot_without_its_plugin() -> None:
    found = done(extension(f"{PACKAGE}.springboot.JibSpringBootExtension"))
    assert found.options.transformations == (DropDevtools(),)
    assert ["doesn't have spring-boot-maven-plugin" in w.message for w in found.warnings] == [True]


NATIVE = f"{PACKAGE}.nativeimage.JibNativeImageExtension"


@pytest.mark.parametrize(
    ("plugins", "name"),
    [
        ((plugin("org.graalvm.nativeimage", "native-image-maven-plugin", "<imageName>N</imageName><mainClass>a.B</mainClass>"),), "N"),
        ((plugin("org.graalvm.nativeimage", "native-image-maven-plugin", "<mainClass>a.B</mainClass>"),), "a.b"),
        ((plugin("org.apache.maven.plugins", "maven-jar-plugin", "<archive><manifest><mainClass>c.D</mainClass></manifest></archive>"),), "c.d"),
        (
            (
                Plugin(
                    artifact="maven-shade-plugin",
                    executions=(
                        Execution(id="none"),
                        Execution(id="x", configuration=xml("<transformers><transformer><mainClass>e.F</mainClass></transformer></transformers>")),
                    ),
                ),
                plugin("org.apache.maven.plugins", "maven-jar-plugin", "<archive><manifest><mainClass>c.D</mainClass></manifest></archive>"),
            ),
            "e.f",
        ),
    ],
)  # fmt: skip
def test_the_name_of_a_native_image(plugins: tuple[Plugin, ...], name: str) -> None:
    found = done(extension(NATIVE), *plugins)
    assert found.options.transformations == (
        UseNativeImage(executable=TARGET / name, name=name, app_root="/app"),
    )


def test_a_native_image_by_property() -> None:
    configuration = extension(
        NATIVE, properties="<imageName>hello</imageName>", container="<appRoot>/n</appRoot>"
    )
    assert done(configuration).options.transformations == (
        UseNativeImage(executable=TARGET / "hello", name="hello", app_root="/n"),
    )


@pytest.mark.parametrize(
    ("entrypoint", "overridden"),
    [("<entrypoint>/x</entrypoint>", False), ("<entrypoint><a>/x</a></entrypoint>", True)],
)
def test_a_native_image_overrides_an_entrypoint_that_is_a_list(
    entrypoint: str, overridden: bool
) -> None:
    configuration = extension(
        NATIVE, properties="<imageName>hello</imageName>", container=entrypoint
    )
    (step,) = done(configuration).options.transformations
    assert isinstance(step, UseNativeImage)
    assert step.sets_entrypoint is overridden


def test_a_native_image_without_a_name() -> None:
    with pytest.raises(ConfigurationError, match="cannot auto-detect native-image executable name"):
        done(extension(NATIVE))


QUARKUS = f"{PACKAGE}.quarkus.JibQuarkusExtension"


def test_quarkus() -> None:
    flags = "<appRoot>/q</appRoot><jvmFlags><f>-Xmx1g</f></jvmFlags>"
    (step,) = done(extension(QUARKUS, container=flags)).options.transformations
    assert step == UseQuarkusTree(
        build_directory=TARGET,
        runner=TARGET / "app-1.0-runner.jar",
        runner_target="app.jar",
        directories=(TARGET / "lib",),
        app_root="/q",
        jvm_flags=("-Xmx1g",),
    )
    configuration = extension(QUARKUS, properties="<packageType>fast-jar</packageType>")
    (step,) = done(configuration).options.transformations
    tree = TARGET / "quarkus-app"
    assert step == UseQuarkusTree(
        build_directory=TARGET,
        runner=tree / "quarkus-run.jar",
        runner_target="quarkus-app/quarkus-run.jar",
        directories=(tree / "lib/main", tree / "lib/boot", tree / "app", tree / "quarkus"),
        app_root="/app",
    )


def test_quarkus_knows_the_jars_of_the_build() -> None:
    names = frozenset({"app-1.0.jar", "lib-1.0.jar"})
    (step,) = done(extension(QUARKUS), packaged_names=lambda: names).options.transformations
    assert isinstance(step, UseQuarkusTree)
    assert step.module_files == names


def test_quarkus_of_another_type() -> None:
    with pytest.raises(ConfigurationError, match="Unknown packageType 'uber-jar'"):
        done(extension(QUARKUS, properties="<packageType>uber-jar</packageType>"))


def test_a_program_in_java_is_not_run_and_is_named() -> None:
    found = done(extension("com.example.Mine"))
    assert found.options.transformations == ()
    assert ["com.example.Mine" in warned.message for warned in found.warnings] == [True]


def test_an_extension_that_jib_could_not_find() -> None:
    with pytest.raises(ConfigurationError, match=r"not discovered on Jib runtime classpath: a\.B"):
        done(extension("a.B"), dependencies=())


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        (extension(f"{PACKAGE}.springboot.JibSpringBootExtension", "<configuration/>"), "does not expect extension-specific configuration"),
        (extension(f"{FILTER}.JibLayerFilterExtension", "<configuration/>"), f"is not of type {FILTER}.Configuration but java.lang.Object"),
        (extension(f"{FILTER}.JibLayerFilterExtension", typed(OWNERSHIP, "")), f"but {OWNERSHIP}.Configuration"),
        (extension(f"{FILTER}.JibLayerFilterExtension", typed(FILTER, "<filters><f><toLayer>x</toLayer></f></filters>")), "glob pattern not given in filter configuration"),
        (extension(f"{OWNERSHIP}.JibOwnershipExtension", typed(OWNERSHIP, "<rules><r/></rules>")), "glob pattern not given in ownership configuration"),
    ],
)  # fmt: skip
def test_configurations_that_jib_refuses(configuration: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        done(configuration)


def test_several_extensions_keep_their_order() -> None:
    one = f"<e><implementation>{PACKAGE}.springboot.JibSpringBootExtension</implementation></e>"
    other = f"<e><implementation>{NATIVE}</implementation><properties><imageName>h</imageName></properties></e>"
    found = done(f"<pluginExtensions>{one}{other}</pluginExtensions>")
    assert [type(step) for step in found.options.transformations] == [DropDevtools, UseNativeImage]
    assert model().plugins == ()
