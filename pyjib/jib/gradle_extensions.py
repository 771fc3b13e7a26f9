"""``pluginExtensions`` of a Gradle build: those of Jib's own that need nothing of Gradle's objects.

A configuration of an extension is a program in the build script; what it says is not known here.
"""

from __future__ import annotations

from pyjib.errors import ConfigurationError
from pyjib.events import Warned
from pyjib.jib.configuration import BuiltModule, JibConfiguration, JibExtension
from pyjib.jib.quarkus import quarkus_tree
from pyjib.options import (
    BuildOptions,
    DropDevtools,
    Transformation,
    UseNativeImage,
)

_PACKAGE = "com.google.cloud.tools.jib.gradle.extension"
_SPRING_BOOT = f"{_PACKAGE}.springboot.JibSpringBootExtension"
_NATIVE_IMAGE = f"{_PACKAGE}.nativeimage.JibNativeImageExtension"
_QUARKUS = f"{_PACKAGE}.quarkus.JibQuarkusExtension"


def read_gradle_extensions(
    jib: JibConfiguration, module: BuiltModule, options: BuildOptions
) -> tuple[tuple[Transformation, ...], tuple[Warned, ...]]:
    """Return the transformations that the extensions come to, in their order, and warnings.

    Raises ``ConfigurationError`` where Jib does.
    """
    steps: list[Transformation] = []
    warnings: list[Warned] = []
    root = options.app_root or "/app"
    for extension in jib.plugin_extensions:
        match extension.implementation:
            case name if name == _SPRING_BOOT:
                steps.append(DropDevtools())
            case name if name == _NATIVE_IMAGE:
                steps.append(_native_image(extension, module, options, root))
            case name if name == _QUARKUS:
                steps.append(
                    quarkus_tree(
                        extension,
                        build_directory=module.build_directory,
                        name=f"{module.artifact}-{module.version}",
                        app_root=root,
                        jvm_flags=options.jvm_flags,
                        file=module.file,
                    )
                )
            case name:
                warnings.append(_not_run(name, module))
    return tuple(steps), tuple(warnings)


def _not_run(name: str, module: BuiltModule) -> Warned:
    return Warned(
        message=f"the extension {name} of {module.file} is not run: what it would change in the "
        "image is not changed",
        hint="build with Gradle if the image depends on it",
    )


def _native_image(
    extension: JibExtension, module: BuiltModule, options: BuildOptions, root: str
) -> Transformation:
    name = dict(extension.properties).get("imageName")
    if not name:
        raise ConfigurationError(
            "cannot auto-detect native-image executable name; consider setting 'imageName' "
            "property",
            hint=f"add it to the properties of the extension in {module.file}",
        )
    return UseNativeImage(
        executable=module.build_directory / "native" / "nativeCompile" / name,
        name=name,
        app_root=root,
        sets_entrypoint=options.entrypoint is None,
    )
