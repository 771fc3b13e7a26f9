"""Jib's configuration in a POM: plugin, execution and properties become ``JibConfiguration``.

Each value is looked for in the properties first and then in ``<configuration>``
(``jib-plugins-and-cli`` §1.2), which is read by the rules of Maven's component configurator:
lists are children of any name, or one text with commas; maps are children by name, sorted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pyjib.errors import ConfigurationError
from pyjib.events import Warned
from pyjib.jib.configuration import (
    JibAuth,
    JibConfiguration,
    JibDirectory,
    JibExtension,
    JibHelper,
    JibPermission,
    JibPlatform,
    Pairs,
)
from pyjib.jib.parameters import PARAMETERS, Evaluate, Reader, items, pairs_of
from pyjib.jib.properties import Properties, ineffective_properties
from pyjib.jib.reader import (
    property_auth,
    property_directories,
    property_permissions,
    property_platforms,
    read_shared,
)
from pyjib.jib.values import parse_list
from pyjib.project.maven.model import EffectiveModel, Node, Plugin, nothing
from pyjib.project.maven.plugin_texts import as_written

GROUP, ARTIFACT = "com.google.cloud.tools", "jib-maven-plugin"
DEFAULT_CLI = "default-cli"
_GOALS = frozenset({"build", "dockerBuild", "buildTar"})


def find_plugin(model: EffectiveModel) -> Plugin | None:
    """Return the plugin as ``mvn jib:build`` finds it; ``None`` if the POM has none."""
    return model.plugin(ARTIFACT, GROUP)


def read_pom(
    model: EffectiveModel,
    *,
    user: Mapping[str, str] | None = None,
    system: Mapping[str, str] | None = None,
    execution: str | None = None,
    cwd: Path = Path(),
    evaluate: Evaluate = as_written,
) -> JibConfiguration | None:
    """Return what the POM and the properties configure; ``None`` if the POM has no Jib plugin.

    ``execution`` names one of the plugin's executions; without it the plugin's own
    configuration counts, and that of ``default-cli``. ``cwd`` is what relative paths in some
    properties start from. ``evaluate`` makes of a text in ``<configuration>`` what the plugin gets.
    Raises ``ConfigurationError`` for an execution that is not there and for values without the
    form that Jib wants.
    """
    plugin = find_plugin(model)
    if plugin is None:
        return None
    properties = Properties(
        user=nothing() if user is None else user,
        model=model.properties,
        system=nothing() if system is None else system,
        release=release_of(plugin.version),
    )
    node = _configuration(plugin, execution, model)
    reader = Reader(properties=properties, node=node, pom=model.pom, evaluate=evaluate)
    configuration = _read(reader, model, plugin, cwd)
    reader.warn_of_unknown()
    warnings = (*reader.warnings, *_warnings(plugin, execution, properties))
    return replace(configuration, origins=dict(reader.origins), warnings=warnings)


def release_of(version: str | None) -> tuple[int, ...]:
    """Return a version as numbers; what is no version counts as the newest."""
    numbers = [part for part in (version or "").split("-")[0].split(".") if part.isdecimal()]
    return tuple(map(int, numbers)) or (9999,)


def _configuration(plugin: Plugin, name: str | None, model: EffectiveModel) -> Node | None:
    execution = plugin.execution(name or DEFAULT_CLI)
    if execution is not None:
        return execution.configuration or plugin.configuration
    if name is None:
        return plugin.configuration
    known = ", ".join(found.id for found in plugin.executions) or "none"
    raise ConfigurationError(
        f"{model.pom}: jib-maven-plugin has no execution {name!r}; it has {known}",
        hint="name one of them, or leave the execution out for what mvn jib:build does",
    )


def _read(reader: Reader, model: EffectiveModel, plugin: Plugin, cwd: Path) -> JibConfiguration:
    return replace(
        read_shared(reader, model),
        version=plugin.version,
        from_platforms=_platforms(reader),
        from_auth=_auth(reader, "from"),
        from_cred_helper=_helper(reader, "from"),
        to_image=reader.text_or_alternative("to.image", "image"),
        to_tags=_tags(reader),
        to_auth=_auth(reader, "to"),
        to_cred_helper=_helper(reader, "to"),
        extra_directories=_directories(reader, model.basedir, cwd),
        permissions=_permissions(reader),
        docker_executable=_executable(reader, model.basedir, cwd),
        allow_insecure_registries=reader.maven_flag("allowInsecureRegistries"),
        skip=reader.maven_flag("skip"),
        containerize=reader.property_only("containerize"),
        plugin_extensions=tuple(_extensions(reader)),
        has_plugin_dependencies=bool(plugin.dependencies),
        sync_excludes=_sync_excludes(reader, cwd),
    )


def _platforms(reader: Reader) -> tuple[JibPlatform, ...] | None:
    found = reader.find_property("from.platforms")
    if found is not None:
        return property_platforms(found)
    node = reader.element("from.platforms")
    if node is None:
        return None
    children = [reader.object(child, "os", "architecture") for child in items(node)]
    return tuple(
        JibPlatform(os=child.value("os"), architecture=child.value("architecture"))
        for child in children
    )


def _auth(reader: Reader, side: str) -> JibAuth | None:
    """Return a login that is complete; of half a one a warning is all that is left."""
    words = ("username", "password")
    given = {word: reader.plain_property(f"jib.{side}.auth.{word}") for word in words}
    by_user = f"jib.{side}.auth.password" in reader.properties.user
    auth = property_auth(reader, side, given, by_user=by_user)
    node = reader.element(f"{side}.auth") if auth is None else None
    if node is None:
        return auth
    configured = {word: node.value(word) for word in words}
    if configured["username"] and configured["password"]:
        return JibAuth(username=configured["username"], password=configured["password"])
    for word, other in (words, reversed(words)):
        if configured[word]:
            reader.warn(
                f"<{side}><auth><{other}> is missing from build configuration; "
                "ignoring auth section.",
                f"add <{other}> in {reader.pom}",
            )
    return None


def _helper(reader: Reader, side: str) -> JibHelper | None:
    name = f"{side}.credHelper"
    node = reader.element(name)
    environment: Pairs = ()
    helper = None
    if node is not None:
        helper = node.value("helper") if node.children else node.text
        environment = pairs_of(node.child("environment"), reader.place(f"{name}.environment"))
    found = reader.find_property(name)
    if found is not None:
        helper = found.value
    return JibHelper(helper=helper, environment=environment) if helper else None


def _tags(reader: Reader) -> tuple[str, ...] | None:
    found = reader.find_property("to.tags")
    if found is not None:
        return parse_list(found.value)
    node = reader.element("to.tags")
    if node is None:
        return None
    return tuple(child.text or "" for child in items(node))  # an empty one has its own message


def _directories(reader: Reader, basedir: Path, cwd: Path) -> tuple[JibDirectory, ...] | None:
    name = "extraDirectories.paths"
    found = reader.find_property(name)
    if found is not None:
        return property_directories(found, cwd)
    node = reader.element(name)
    if node is None:
        return None
    return tuple(_directory(reader, child, basedir) for child in items(node))


def _directory(reader: Reader, node: Node, basedir: Path) -> JibDirectory:
    place = reader.place("extraDirectories.paths")
    if node.text and not node.children:
        return JibDirectory(source=basedir / node.text)
    reader.object(node, "from", "into", "includes", "excludes")
    source = node.value("from")
    return JibDirectory(
        source=basedir / source if source else None,
        into=node.value("into") or "/",
        includes=_globs(node.child("includes"), place),
        excludes=_globs(node.child("excludes"), place),
    )


def _globs(node: Node | None, place: str) -> tuple[str, ...]:
    if node is None:
        return ()
    globs = [child.text for child in items(node)]
    if not all(globs):
        raise ConfigurationError(f"{place}: <{node.name}> has an empty element")
    return tuple(glob for glob in globs if glob)


def _permissions(reader: Reader) -> tuple[JibPermission, ...] | None:
    name = "extraDirectories.permissions"
    found = reader.find_property(name)
    if found is not None:
        return property_permissions(found)
    node = reader.element(name)
    if node is None:
        return None
    children = [reader.object(child, "file", "mode") for child in items(node)]
    return tuple(
        JibPermission(file=child.value("file"), mode=child.value("mode")) for child in children
    )


def _executable(reader: Reader, basedir: Path, cwd: Path) -> str | None:
    found = reader.find_property("dockerClient.executable")
    if found is not None:
        return str(cwd / found.value)
    text = reader.text("dockerClient.executable")
    return str(basedir / text) if text else None


def _sync_excludes(reader: Reader, cwd: Path) -> tuple[Path, ...]:
    """Return what Skaffold is not to sync; as in Jib, from the working directory."""
    node = reader.element("skaffold.sync.excludes")
    texts = (child.text for child in items(node)) if node is not None else ()
    return tuple(cwd / text for text in texts if text)


def _extensions(reader: Reader) -> Iterator[JibExtension]:
    node = reader.element("pluginExtensions")
    for child in items(node) if node is not None else ():
        reader.object(child, "implementation", "properties", "configuration")
        implementation = child.value("implementation")
        yield JibExtension(
            implementation=implementation or "<extension implementation not configured>",
            properties=pairs_of(child.child("properties"), reader.place("pluginExtensions")),
            configuration=child.child("configuration"),
        )


def _warnings(plugin: Plugin, execution: str | None, properties: Properties) -> Iterator[Warned]:
    known = (*(f"jib.{name}" for name in PARAMETERS), "jib.alwaysCacheBaseImage")
    yield from ineffective_properties(properties, known)
    if execution is not None or plugin.configuration is not None:
        return
    others = [
        found.id
        for found in plugin.executions
        if found.id != DEFAULT_CLI and found.configuration and _GOALS & set(found.goals)
    ]
    if others and plugin.execution(DEFAULT_CLI) is None:
        yield Warned(
            message="jib-maven-plugin is configured in its executions alone, which mvn jib:build "
            f"does not look at: {', '.join(others)}",
            hint=f"pass --jib-execution {others[0]} to have its configuration",
        )
