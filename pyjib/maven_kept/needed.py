"""Of a model what is asked for once it is worked out: a few plugins, and fewer properties.

All else that a POM says, thousands of managed dependencies among it, has done its work by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pyjib.project.maven.model import DEFAULT_PLUGIN_GROUP, EffectiveModel, Execution, Plugin

_JIB = "com.google.cloud.tools:jib-maven-plugin"
READ_PLUGINS = frozenset(
    (
        *(f"{DEFAULT_PLUGIN_GROUP}:maven-{name}-plugin" for name in ("compiler", "jar", "war")),
        "org.springframework.boot:spring-boot-maven-plugin",
    )
)
"""Those that ``project.maven.plugin_values`` asks for."""
EXTENSIONS_PLUGINS = frozenset(
    (
        *(f"{DEFAULT_PLUGIN_GROUP}:maven-{name}-plugin" for name in ("assembly", "shade")),
        "org.graalvm.nativeimage:native-image-maven-plugin",
        _JIB,
    )
)
"""Those that ``jib.extensions`` asks for besides, where a POM has extensions of Jib's."""
READ_PROPERTIES = ("maven.compiler.release", "maven.compiler.target", "start-class")


def needed(model: EffectiveModel, *, has_extensions: bool) -> EffectiveModel:
    """Return the model as those need it who read the project and configure its image."""
    wanted = READ_PLUGINS | EXTENSIONS_PLUGINS if has_extensions else READ_PLUGINS
    properties = model.properties
    return EffectiveModel(
        group=model.group,
        artifact=model.artifact,
        version=model.version,
        packaging=model.packaging,
        pom=model.pom,
        basedir=model.basedir,
        properties={name: properties[name] for name in READ_PROPERTIES if name in properties},
        plugins=tuple(_plugins(model.plugins, wanted)),
        plugin_management=tuple(_plugins(model.plugin_management, wanted)),
        build_directory=model.build_directory,
        output_directory=model.output_directory,
        final_name=model.final_name,
        lineage=model.lineage,
    )


def _plugins(plugins: Iterable[Plugin], wanted: frozenset[str]) -> Iterator[Plugin]:
    for plugin in plugins:
        if plugin.key not in wanted:
            continue
        found = Plugin(
            group=plugin.group,
            artifact=plugin.artifact,
            configuration=plugin.configuration,
            executions=tuple(
                Execution(id=each.id, goals=each.goals, configuration=each.configuration)
                for each in plugin.executions
            ),
        )
        yield _container_alone(found) if plugin.key == _JIB else found


def _container_alone(plugin: Plugin) -> Plugin:
    """Return Jib's plugin without its logins, which extensions do not ask for."""
    node = plugin.configuration
    if node is not None:
        children = tuple(child for child in node.children if child.name == "container")
        node = replace(node, children=children)
    return replace(plugin, configuration=node, executions=())
