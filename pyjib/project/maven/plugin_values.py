"""What Jib reads from other plugins: the Java release, the main class, the jar, the war.

Specification: ``maven-and-gradle-projects`` §5, ``jib-plugins-and-cli`` §3.3 to §3.5 and §3.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pyjib.project.java_names import is_class_name
from pyjib.project.maven.interpolation import align
from pyjib.project.maven.model import DEFAULT_PLUGIN_GROUP, EffectiveModel, Node, Plugin

_BOOT_GROUP = "org.springframework.boot"
_BOOT_PLUGIN = "spring-boot-maven-plugin"
_WARS = ("war", "gwt-app")
_UNSAID = 6


class PackagedJar(NamedTuple):
    """The jar of the project's own classes; ``name`` is what Jib calls it in the image."""

    path: Path
    name: str


def is_war(model: EffectiveModel) -> bool:
    """Tell whether the project makes a war."""
    return model.packaging in _WARS


def declared_java(model: EffectiveModel) -> int:
    """Return the Java release by Jib's rule; 6 where the compiler is told nothing."""
    text = next(filter(None, _java_texts(model)), None)
    return _UNSAID if text is None else _release(text)


def manifest_main_class(model: EffectiveModel) -> str | None:
    """Return the main class that the jar plugin is told, if it is the name of a class."""
    found = _configured(model, "maven-jar-plugin", "archive/manifest/mainClass")
    return found if found and is_class_name(found) else None


def preferred_main_classes(model: EffectiveModel) -> Iterator[str]:
    """Yield main classes that other plugins are told, which Jib does not ask."""
    boot = _plugin(model, _BOOT_PLUGIN, _BOOT_GROUP)
    configured = boot.configuration.value("mainClass") if boot and boot.configuration else None
    yield from filter(None, (configured, model.properties.get("start-class")))


def war_file(model: EffectiveModel) -> Path:
    """Return where ``mvn package`` puts the war."""
    war = _execution(model, "maven-war-plugin", "default-war")
    name = (war.value("warName") if war else None) or model.final_name
    return model.build_directory / f"{name}.war"


def packaged_jar(model: EffectiveModel) -> PackagedJar:
    """Return the jar that ``mvn package`` makes of the classes, libraries left out.

    Where Spring Boot's plugin puts its own jar in that place, the original beside it is meant.
    """
    jar = _execution(model, "maven-jar-plugin", "default-jar")
    classifier = jar.value("classifier") if jar else None
    directory = model.build_directory
    if jar and (text := jar.value("outputDirectory")):
        directory = align(text, model.basedir)
    stem = f"{model.final_name}-{classifier}" if classifier else model.final_name
    path = directory / f"{stem}.jar"
    boot = _repackaging(model)
    if boot is None:
        return PackagedJar(path, path.name)
    is_replaced = (
        directory == model.build_directory
        and boot.value("finalName") in (None, model.final_name)
        and boot.value("classifier") == classifier
    )
    if not is_replaced:
        return PackagedJar(path, path.name)
    return PackagedJar(path.with_name(f"{path.name}.original"), f"{stem}.original.jar")


def _java_texts(model: EffectiveModel) -> Iterator[str | None]:
    yield model.properties.get("maven.compiler.target")
    yield model.properties.get("maven.compiler.release")
    yield _configured(model, "maven-compiler-plugin", "target")
    yield _configured(model, "maven-compiler-plugin", "release")


def _release(text: str) -> int:
    """Return 8 for ``1.8``, 17 for ``17``, and 0 for what is no number."""
    first = text[2:3] if text.startswith("1.") else text.partition(".")[0]
    return int(first[:9]) if first.isdecimal() else 0


def _plugin(
    model: EffectiveModel, artifact: str, group: str = DEFAULT_PLUGIN_GROUP
) -> Plugin | None:
    """Return a plugin that takes part in the build; management alone does not make one."""
    key = f"{group}:{artifact}"
    return next((plugin for plugin in model.plugins if plugin.key == key), None)


def _configured(model: EffectiveModel, artifact: str, path: str) -> str | None:
    plugin = _plugin(model, artifact)
    return plugin.configuration.value(path) if plugin and plugin.configuration else None


def _execution(model: EffectiveModel, artifact: str, name: str) -> Node | None:
    plugin = _plugin(model, artifact)
    execution = plugin.execution(name) if plugin else None
    return execution.configuration if execution else None


def _repackaging(model: EffectiveModel) -> Node | None:
    """Return the configuration by which Spring Boot's plugin makes its jar, if it does."""
    plugin = _plugin(model, _BOOT_PLUGIN, _BOOT_GROUP)
    for execution in plugin.executions if plugin else ():
        if "repackage" in execution.goals:
            found = execution.configuration or Node("configuration")
            return None if found.value("skip") == "true" else found
    return None
