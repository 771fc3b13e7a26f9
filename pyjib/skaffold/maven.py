"""What ``jib:_skaffold-files-v2`` and ``jib:_skaffold-init`` say of a Maven project."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pyjib.image.java_hash_map import set_order
from pyjib.jib.properties import Properties
from pyjib.jib.values import parse_list
from pyjib.oci.json import Json
from pyjib.project.maven.model import EffectiveModel, Node, Plugin
from pyjib.skaffold.documents import files_document, init_document

_JIB = "com.google.cloud.tools:jib-maven-plugin"
_KOTLIN = "org.jetbrains.kotlin:kotlin-maven-plugin"
_EXTRA_PATHS = "jib.extraDirectories.paths"


@dataclass(slots=True)
class _Watched:
    build: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    ignore: list[str] = field(default_factory=list)


def watched_files(
    modules: Iterable[EffectiveModel],
    *,
    properties: Callable[[EffectiveModel], Properties],
    snapshots: Callable[[EffectiveModel], Iterable[Path]],
) -> Json:
    """Return the files whose change asks for another build.

    ``properties`` gives those that count for a module; ``snapshots`` its snapshot libraries that
    are no modules. As in Jib, directories are named whether they are there or not, and extra
    directories only for modules that have the plugin themselves.
    """
    watched = _Watched()
    for model in modules:
        watched.build.append(str(model.pom))
        if model.packaging == "pom":
            continue
        watched.inputs.append(str(model.source_directory))
        watched.inputs += map(str, _kotlin_directories(model))
        watched.inputs += map(str, model.resource_directories)
        plugin = _declared(model, _JIB)
        if plugin is not None:
            extras = _extra_directories(plugin, model, properties(model))
            watched.inputs += (str(model.basedir / path) for path in extras)
        configured = plugin.configuration if plugin is not None else None
        watch = configured.find("skaffold/watch") if configured is not None else None
        watched.build += _listed(watch, "buildIncludes", model)
        watched.inputs += _listed(watch, "includes", model)
        watched.ignore += _listed(watch, "excludes", model)
        watched.inputs += map(str, snapshots(model))
    return files_document(watched.build, watched.inputs, watched.ignore)


def described_module(model: EffectiveModel, image: str | None) -> Json | None:
    """Return what a module is called, ``None`` for one that only holds others."""
    if model.packaging == "pom":
        return None
    return init_document(image, f"{model.group}:{model.artifact}")


def target_image(model: EffectiveModel, properties: Properties) -> str | None:
    """Return the image that a module is to become, as it is written; ``None`` if it is not."""
    for name in ("image", "jib.to.image"):
        found = properties.find(name)
        if found is not None:
            return found.value
    plugin = model.plugin(*reversed(_JIB.split(":")))
    execution = plugin.execution("default-cli") if plugin else None
    node = (execution and execution.configuration) or (plugin and plugin.configuration)
    to = node.child("to") if node else None
    return (to.value("image") or to.text) if to is not None else None


def _declared(model: EffectiveModel, key: str) -> Plugin | None:
    return next((plugin for plugin in model.plugins if plugin.key == key), None)


def _listed(watch: Node | None, name: str, model: EffectiveModel) -> Iterator[str]:
    node = watch.child(name) if watch is not None else None
    for child in node.children if node is not None else ():
        if child.text:
            yield str(model.basedir / child.text)


def _kotlin_directories(model: EffectiveModel) -> Iterator[Path]:
    plugin = _declared(model, _KOTLIN)
    if plugin is None:
        return
    found = [str(model.basedir / "src" / "main" / "kotlin")]
    for execution in plugin.executions:
        if "test-compile" in execution.goals or execution.configuration is None:
            continue
        node = execution.configuration.child("sourceDirs")
        texts = (child.text for child in node.children) if node is not None else ()
        found += (str(model.basedir / text) for text in texts if text)
    yield from map(Path, set_order(dict.fromkeys(found), jdk=17))


def _extra_directories(
    plugin: Plugin, model: EffectiveModel, properties: Properties
) -> Iterator[Path]:
    """Yield the directories by the look that this goal has: a text with commas is overlooked."""
    found = properties.find(_EXTRA_PATHS)
    if found is not None:
        yield from map(Path, parse_list(found.value))
        return
    node = plugin.configuration.find("extraDirectories/paths") if plugin.configuration else None
    if node is None:
        yield model.basedir / "src" / "main" / "jib"
        return
    for child in node.children:
        yield Path(child.value("from") or child.text or "")
