"""dependencyManagement: what it adds to dependencies. Specification §1.7.

Explicit entries beat imported ones; between BOMs the first wins. A managed value fills what a
dependency leaves out, and never makes it optional.

One key may come twice where expressions stood in it, ``${project.groupId}:x`` beside ``app:x``:
a POM that imports BOMs then keeps the last, at the place of the first, and any other keeps both.
There the first counts, for those who import it alone; for the POM's own dependencies, the others
fill what it leaves open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pyjib.project.maven.model import PomDependency, make_dependency

DEFAULT_SCOPE = "compile"


class Management(NamedTuple):
    """Managed dependencies by key: those of a POM itself, then those of the BOMs it imports.

    Kept apart so that the same BOM is held once, however many POMs import it. ``listed`` are all
    of the POM's own as they stand where some have the same key, else none.
    """

    own: Mapping[str, PomDependency]
    imported: Sequence[Management] = ()
    listed: tuple[PomDependency, ...] = ()

    def get(self, key: str) -> PomDependency | None:
        """Return what is managed for a key."""
        found = self.own.get(key)
        if found is None:
            for bom in self.imported:
                found = bom.get(key)
                if found is not None:
                    break
        return found

    def flat(self) -> tuple[PomDependency, ...]:
        """Return all in Maven's order."""
        return self.listed or tuple(self._by_key().values())

    def filled(self) -> Management:
        """Return the same, the first of each key filled by those that follow it."""
        own = dict(self.own)
        for dependency in self.listed:
            first = own[dependency.key]
            own[dependency.key] = first._replace(
                version=dependency.version if first.version is None else first.version,
                scope=first.scope or dependency.scope,
                exclusions=first.exclusions or dependency.exclusions,
                system_path=first.system_path or dependency.system_path,
            )
        return Management(own, self.imported)

    def _by_key(self) -> dict[str, PomDependency]:
        merged = dict(self.own)
        for bom in self.imported:
            for key, dependency in bom._by_key().items():
                merged.setdefault(key, dependency)
        return merged


NO_MANAGEMENT = Management({})


def manage(
    dependencies: Iterable[PomDependency], management: Management
) -> tuple[PomDependency, ...]:
    """Return a POM's own dependencies with management applied and no scope left empty.

    Of two with one key Maven manages the last alone.
    """
    if management.listed:
        management = management.filled()
    found = [(dependency.key, dependency) for dependency in dependencies]
    last = {key: id(dependency) for key, dependency in found}
    return tuple(
        _managed(dependency, management.get(key) if last[key] == id(dependency) else None)
        for key, dependency in found
    )


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
