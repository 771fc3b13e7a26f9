"""``<pluginExtensions>``: those that come with Jib become transformations of the plan.

They are its layer filter, ownership, Spring Boot, native image and Quarkus extensions
(``jib-plugins-and-cli`` §7). Any other is code in Java, which is not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pyjib.errors import ConfigurationError
from pyjib.events import Warned
from pyjib.jib.configuration import JibConfiguration, JibExtension
from pyjib.jib.parameters import items
from pyjib.jib.quarkus import quarkus_tree
from pyjib.jib.values import parse_flag
from pyjib.options import (
    DropDevtools,
    FilterLayers,
    SetOwnership,
    Transformation,
    UseNativeImage,
)
from pyjib.project.maven.model import EffectiveModel, Node, Plugin

_PACKAGE = "com.google.cloud.tools.jib.maven.extension"
_JIB = ("jib-maven-plugin", "com.google.cloud.tools")
_TYPED = {
    f"{_PACKAGE}.layerfilter.JibLayerFilterExtension": f"{_PACKAGE}.layerfilter.Configuration",
    f"{_PACKAGE}.ownership.JibOwnershipExtension": f"{_PACKAGE}.ownership.Configuration",
}
"""The extensions that have a ``<configuration>``, and its class."""


def read_extensions(
    jib: JibConfiguration,
    model: EffectiveModel,
    packaged_names: Callable[[], frozenset[str]] = frozenset,
) -> tuple[tuple[Transformation, ...], tuple[Warned, ...]]:
    """Return the transformations that the extensions come to, in their order, and warnings.

    ``packaged_names`` tells the names of the files that projects of the build were made into.
    Raises ``ConfigurationError`` where Jib does: no plugin dependency to find an extension in,
    a ``<configuration>`` of another class, a filter without a glob…
    """
    reader = _Extensions(jib, model, packaged_names)
    found = [reader.read(extension) for extension in jib.plugin_extensions]
    return tuple(step for step in found if step is not None), tuple(reader.warnings)


class _Extensions:
    def __init__(
        self,
        jib: JibConfiguration,
        model: EffectiveModel,
        packaged_names: Callable[[], frozenset[str]],
    ) -> None:
        self._jib = jib
        self._model = model
        self._packaged_names = packaged_names
        self.warnings: list[Warned] = []
        self._known: dict[str, Callable[[JibExtension], Transformation | None]] = {
            f"{_PACKAGE}.layerfilter.JibLayerFilterExtension": self._layer_filter,
            f"{_PACKAGE}.ownership.JibOwnershipExtension": self._ownership,
            f"{_PACKAGE}.springboot.JibSpringBootExtension": self._spring_boot,
            f"{_PACKAGE}.nativeimage.JibNativeImageExtension": self._native_image,
            f"{_PACKAGE}.quarkus.JibQuarkusExtension": self._quarkus,
        }

    def read(self, extension: JibExtension) -> Transformation | None:
        """Return what an extension does, ``None`` for nothing."""
        name = extension.implementation
        if not self._jib.has_plugin_dependencies:
            raise ConfigurationError(
                "error running extension: extension configured but not discovered on Jib "
                f"runtime classpath: {name}",
                hint="add its artifact to the dependencies of jib-maven-plugin in "
                f"{self._model.pom}",
            )
        if name not in self._known:
            self.warnings.append(
                Warned(
                    message=f"the extension {name} is a program in Java and is not run: what it "
                    "would change in the image is not changed",
                    hint="build with Maven if the image depends on it",
                )
            )
            return None
        _check_configuration(extension)
        return self._known[name](extension)

    def _layer_filter(self, extension: JibExtension) -> Transformation | None:
        node = extension.configuration
        if node is None:
            return self._warn_of_nothing("Layer Filter")
        if parse_flag(node.value("createParentDependencyLayers") or ""):
            self.warnings.append(
                Warned(
                    message="createParentDependencyLayers of the layer filter extension has no "
                    "effect: dependencies of the parent POM stay in their layers",
                    hint="build with Maven if the image depends on it",
                )
            )
        return FilterLayers(filters=_globs(node, "filters", "toLayer", "filter"))

    def _ownership(self, extension: JibExtension) -> Transformation | None:
        node = extension.configuration
        if node is None:
            return self._warn_of_nothing("Ownership")
        return SetOwnership(rules=_globs(node, "rules", "ownership", "ownership"))

    def _spring_boot(self, _: JibExtension) -> Transformation | None:
        plugin = self._model.plugin("spring-boot-maven-plugin", "org.springframework.boot")
        if plugin is None:
            self.warnings.append(
                Warned(
                    message="Jib Spring Boot extension: project doesn't have "
                    "spring-boot-maven-plugin?"
                )
            )
            return DropDevtools()
        node = plugin.configuration and plugin.configuration.child("excludeDevtools")
        drops = node is None or parse_flag(node.text or "")
        return DropDevtools() if drops else None

    def _native_image(self, extension: JibExtension) -> Transformation:
        name = dict(extension.properties).get("imageName") or self._native_name()
        if name is None:
            raise ConfigurationError(
                "cannot auto-detect native-image executable name; consider setting 'imageName' "
                "property",
                hint=f"add <imageName> to the <properties> of the extension in {self._model.pom}",
            )
        # As the extension does, which looks at the POM's elements alone. It finds an entrypoint
        # only if that is a text, and overrides one that is a list.
        entrypoint = self._of_plugin(_JIB, "container/entrypoint")
        return UseNativeImage(
            executable=self._model.build_directory / name,
            name=name,
            app_root=self._of_plugin(_JIB, "container/appRoot") or "/app",
            sets_entrypoint=entrypoint is None,
        )

    def _native_name(self) -> str | None:
        native = ("native-image-maven-plugin", "org.graalvm.nativeimage")
        name = self._of_plugin(native, "imageName")
        if name is not None:
            return name
        shade = self._model.plugin("maven-shade-plugin")
        places = [
            self._of_plugin(native, "mainClass"),
            next(filter(None, map(_shaded_main, _configurations(shade))), None),
            self._of_plugin(("maven-assembly-plugin",), "archive/manifest/mainClass"),
            self._of_plugin(("maven-jar-plugin",), "archive/manifest/mainClass"),
        ]
        found = next(filter(None, places), None)
        return found.lower() if found else None

    def _quarkus(self, extension: JibExtension) -> Transformation:
        flags = self._element(_JIB, "container/jvmFlags")
        tree = quarkus_tree(
            extension,
            build_directory=self._model.build_directory,
            name=self._model.final_name,
            app_root=self._of_plugin(_JIB, "container/appRoot") or "/app",
            jvm_flags=tuple(child.text or "" for child in flags.children) if flags else (),
            file=self._model.pom,
        )
        return replace(tree, module_files=self._packaged_names())

    def _warn_of_nothing(self, name: str) -> Transformation | None:
        self.warnings.append(Warned(message=f"Nothing configured for Jib {name} Extension"))
        return None

    def _of_plugin(self, plugin: tuple[str, ...], path: str) -> str | None:
        node = self._element(plugin, path)
        return node.text if node is not None else None

    def _element(self, plugin: tuple[str, ...], path: str) -> Node | None:
        found = self._model.plugin(*plugin)
        if found is None or found.configuration is None:
            return None
        return found.configuration.find(path)


def _check_configuration(extension: JibExtension) -> None:
    name = extension.implementation
    simple = name.rpartition(".")[2]
    if extension.configuration is None:
        return
    wanted = _TYPED.get(name)
    if wanted is None:
        raise ConfigurationError(
            f"extension {simple} does not expect extension-specific configuration",
            hint="remove the inapplicable <pluginExtension><configuration> from pom.xml",
        )
    actual = extension.configuration.attributes.get("implementation")
    if actual != wanted:
        raise ConfigurationError(
            f"extension-specific <configuration> for {simple} is not of type {wanted} but "
            f"{actual or 'java.lang.Object'}",
            hint="specify the correct type with <pluginExtension><configuration "
            f'implementation="{wanted}">',
        )


def _globs(node: Node, name: str, member: str, what: str) -> tuple[tuple[str, str], ...]:
    listed = node.child(name)
    children: Sequence[Node] = items(listed) if listed is not None else ()
    pairs = [(child.value("glob") or "", child.value(member) or "") for child in children]
    if not all(glob for glob, _ in pairs):
        raise ConfigurationError(
            f"glob pattern not given in {what} configuration",
            hint=f"add <glob> to each of <{name}>",
        )
    return tuple(pairs)


def _configurations(plugin: Plugin | None) -> Iterator[Node]:
    for execution in plugin.executions if plugin is not None else ():
        if execution.configuration is not None:
            yield execution.configuration


def _shaded_main(configuration: Node) -> str | None:
    return configuration.value("transformers/transformer/mainClass")
