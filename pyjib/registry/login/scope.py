"""Scopes: what a token is asked to allow (Distribution token authentication, "Scope")."""

from __future__ import annotations

from collections.abc import Iterable

from pyjib.frozen import frozen

_ORDER = {"pull": 0, "push": 1, "delete": 2}


@frozen
class Scope:
    """Actions on a resource, for example ``pull`` and ``push`` on ``repository:team/app``."""

    resource: str
    actions: frozenset[str]

    @classmethod
    def of_repository(cls, repository: str, *actions: str) -> Scope:
        """Return a scope on a repository."""
        return cls(resource=f"repository:{repository}", actions=frozenset(actions))

    def __str__(self) -> str:
        actions = sorted(self.actions, key=lambda action: (_ORDER.get(action, 9), action))
        return f"{self.resource}:{','.join(actions)}"


Scopes = tuple[Scope, ...]
"""Each resource once; what matters most comes first, as some servers read the first only."""


def parse_scopes(text: str) -> Scopes:
    """Parse a challenge's ``scope``: several are divided by spaces; odd ones are left out."""
    scopes = []
    for part in text.split():
        resource, colon, actions = part.rpartition(":")
        if colon and resource:
            scopes.append(Scope(resource=resource, actions=frozenset(actions.split(","))))
    return union(scopes)


def union(scopes: Iterable[Scope]) -> Scopes:
    """Merge scopes of one resource; the order of first mention is kept."""
    merged: dict[str, frozenset[str]] = {}
    for scope in scopes:
        merged[scope.resource] = merged.get(scope.resource, frozenset()) | scope.actions
    return tuple(Scope(resource=name, actions=actions) for name, actions in merged.items())


def covers(granted: Scopes, wanted: Scopes) -> bool:
    """Tell whether a token for ``granted`` serves a call that needs ``wanted``."""
    held = {scope.resource: scope.actions for scope in granted}
    return all(scope.actions <= held.get(scope.resource, frozenset()) for scope in wanted)


def is_reading(scopes: Scopes) -> bool:
    """Tell whether nothing but pulling is asked for."""
    return all(scope.actions <= {"pull"} for scope in scopes)


def repository_of(scopes: Scopes) -> str:
    """Return the repository that a call is about, the first scope's; empty if it is about none."""
    if scopes and scopes[0].resource.startswith("repository:"):
        return scopes[0].resource.removeprefix("repository:")
    return ""
