"""dependencyManagement: what it adds to dependencies. Specification §1.7.

Explicit entries beat imported ones; between BOMs the first wins. A managed value fills what a
dependency leaves out, and never makes it optional.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pyjib.project.maven.model import PomDependency, make_dependency

DEFAULT_SCOPE = "compile"


class Management(NamedTuple):
    """Managed dependencies by key: those of a POM itself, then those of the BOMs it imports.

    Kept apart so that the same BOM is held once, however many POMs import it.
    """

    own: Mapping[str, PomDependency]
    imported: Sequence[Management] = ()

    def get(self, key: str) -> PomDependency | None:
        """Return what is managed for a key."""
        found = self.own.get(key)
        if found is None:
            for bom in self.imported:
                found = bom.get(key)
                if found is not None:
                    break
        return found

    def flat(self) -> dict[str, PomDependency]:
        """Return all by key, in Maven's order."""
        merged = dict(self.own)
        for bom in self.imported:
            for key, dependency in bom.flat().items():
                merged.setdefault(key, dependency)
        return merged


NO_MANAGEMENT = Management({})


def manage(
    dependencies: Iterable[PomDependency], management: Management
) -> tuple[PomDependency, ...]:
    """Return a POM's own dependencies with management applied and no scope left empty."""
    return tuple(_managed(found, management.get(found.key)) for found in dependencies)


def _managed(dependency: PomDependency, managed: PomDependency | None) -> PomDependency:
    if managed is None:
        if dependency.scope:
            return dependency
        managed = dependency
    return make_dependency(
        (
            dependency.group,
            dependency.artifact,
            managed.version if dependency.version is None else dependency.version,
            dependency.type,
            dependency.classifier,
            dependency.scope or managed.scope or DEFAULT_SCOPE,
            dependency.optional,
            dependency.exclusions or managed.exclusions,
            managed.system_path if dependency.system_path is None else dependency.system_path,
            dependency.origin,
            dependency.optional_expression,
        )
    )
