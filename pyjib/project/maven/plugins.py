"""How plugins come together: inheritance, profiles, pluginManagement, the packaging's own.

Each function takes lists of plugins and returns one, plugins matched by ``group:artifact`` and
executions by id. Specification: ``maven-and-gradle-projects`` §1.8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pyjib.project.maven.configuration import merge_nodes
from pyjib.project.maven.management import NO_MANAGEMENT, manage
from pyjib.project.maven.model import Execution, Plugin, PomDependency

Plugins = tuple[Plugin, ...]


def inherit_plugins(child: Plugins, parent: Plugins) -> Plugins:
    """Return a child's plugins with its parent's: parent order, the child's own in between."""
    if not parent:
        return child
    inherited = {plugin.key: _heritage(plugin) for plugin in parent if _leaves_something(plugin)}
    return _woven(inherited, child, _under_inherited)


def profile_plugins(base: Plugins, profile: Plugins) -> Plugins:
    """Return a POM's plugins with a profile's over them, in the POM's order."""
    if not profile:
        return base
    return _woven({plugin.key: plugin for plugin in base}, profile, _over)


def merge_duplicates(plugins: Plugins) -> Plugins:
    """Return each plugin once: what the last says wins, at the place of the first.

    As in Maven, ``inherited`` of the first decides which of its executions stay.
    """
    merged: dict[str, Plugin] = {}
    for plugin in plugins:
        first = merged.get(plugin.key)
        if first is not None:
            first = replace(first, executions=_inherited_executions(first))
        merged[plugin.key] = plugin if first is None else _under(plugin, first)
    return plugins if len(merged) == len(plugins) else tuple(merged.values())


def manage_plugins(plugins: Plugins, managed: Plugins) -> Plugins:
    """Return plugins with what pluginManagement says put under each."""
    found = {plugin.key: plugin for plugin in managed}
    return tuple(
        _under(plugin, found[plugin.key]) if plugin.key in found else plugin for plugin in plugins
    )


def bind_plugins(plugins: Plugins, bound: Plugins, managed: Plugins) -> Plugins:
    """Return plugins with those that the packaging binds, which are managed too."""
    merged = {plugin.key: plugin for plugin in plugins}
    management = {plugin.key: plugin for plugin in managed}
    for plugin in bound:
        existing = merged.get(plugin.key, management.get(plugin.key))
        merged[plugin.key] = plugin if existing is None else _under(existing, plugin)
    return tuple(merged.values())


def expand_executions(plugin: Plugin) -> Plugin:
    """Return a plugin whose executions carry its own configuration under theirs."""
    if plugin.configuration is None or not plugin.executions:
        return plugin
    executions = (
        replace(execution, configuration=merge_nodes(execution.configuration, plugin.configuration))
        for execution in plugin.executions
    )
    return replace(plugin, executions=tuple(executions))


def with_default_scopes(plugin: Plugin) -> Plugin:
    """Return a plugin whose dependencies all have a scope."""
    return replace(plugin, dependencies=manage(plugin.dependencies, NO_MANAGEMENT))


def _leaves_something(plugin: Plugin) -> bool:
    return plugin.inherited is not False or bool(plugin.executions)


def _heritage(plugin: Plugin) -> Plugin:
    """Return what a child sees of its parent's plugin."""
    executions = _inherited_executions(plugin)
    if plugin.inherited is not False:
        return replace(plugin, executions=executions)
    return replace(plugin, executions=executions, configuration=None, inherited=None)


def _inherited_executions(plugin: Plugin) -> tuple[Execution, ...]:
    return tuple(
        execution
        for execution in plugin.executions
        if (plugin if execution.inherited is None else execution).inherited is not False
    )


def _woven(
    master: dict[str, Plugin], others: Plugins, merge: Callable[[Plugin, Plugin], Plugin]
) -> Plugins:
    """Merge ``others`` into ``master``; new ones stay before the known one that follows them."""
    before: dict[str, list[Plugin]] = {}
    pending: list[Plugin] = []
    for plugin in others:
        if plugin.key not in master:
            pending.append(plugin)
            continue
        master[plugin.key] = merge(plugin, master[plugin.key])
        if pending:
            before[plugin.key] = pending
            pending = []
    woven: list[Plugin] = []
    for key, plugin in master.items():
        woven += before.get(key, [])
        woven.append(plugin)
    return (*woven, *pending)


def _under_inherited(child: Plugin, inherited: Plugin) -> Plugin:
    """Merge a child's plugin with its parent's, or with the one of the same name before it.

    To Maven that one is a parent's then: what is not inherited gets lost.
    """
    return _under(child, _heritage(inherited))


def _under(dominant: Plugin, recessive: Plugin, *, own_goals_first: bool = True) -> Plugin:
    return replace(
        dominant,
        version=dominant.version or recessive.version,
        configuration=merge_nodes(dominant.configuration, recessive.configuration),
        executions=_executions(dominant, recessive, own_goals_first=own_goals_first),
        dependencies=_dependencies(dominant.dependencies, recessive.dependencies),
        inherited=recessive.inherited if dominant.inherited is None else dominant.inherited,
        extensions=recessive.extensions if dominant.extensions is None else dominant.extensions,
    )


def _over(profile: Plugin, base: Plugin) -> Plugin:
    merged = _under(profile, base, own_goals_first=False)
    dependencies = {found.key: found for found in (*base.dependencies, *profile.dependencies)}
    return replace(merged, dependencies=tuple(dependencies.values()))


def _executions(
    dominant: Plugin, recessive: Plugin, *, own_goals_first: bool
) -> tuple[Execution, ...]:
    """Merge executions by id; the goals of each begin with those of the dominant, or do not."""
    merged = {execution.id: execution for execution in recessive.executions}
    for execution in dominant.executions:
        other = merged.get(execution.id)
        if other is not None:
            first = execution if own_goals_first else other
            execution = _merge_execution(execution, other, first=first)  # noqa: PLW2901
        merged[execution.id] = execution
    return tuple(merged.values())


def _merge_execution(dominant: Execution, recessive: Execution, *, first: Execution) -> Execution:
    """Merge two executions; the goals of ``first``, which is one of them, come first."""
    goals = dict.fromkeys((*first.goals, *dominant.goals, *recessive.goals))
    return replace(
        dominant,
        phase=dominant.phase or recessive.phase,
        goals=tuple(goals),
        configuration=merge_nodes(dominant.configuration, recessive.configuration),
        inherited=recessive.inherited if dominant.inherited is None else dominant.inherited,
    )


def _dependencies(
    dominant: tuple[PomDependency, ...], recessive: tuple[PomDependency, ...]
) -> tuple[PomDependency, ...]:
    merged = {dependency.key: dependency for dependency in dominant}
    for dependency in recessive:
        merged.setdefault(dependency.key, dependency)
    return tuple(merged.values())
