"""Which occurrences in a graph are in conflict, and in what order conflicts are settled.

Occurrences of one artifact (version apart) conflict, and so do those that relocations join.
Conflicts are settled from the project downwards, so that whatever lies below a loser has no
vote. Specification: ``maven-and-gradle-projects`` §2.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pyjib.project.maven.artifact import Key
from pyjib.project.maven.collect import Occurrence


class Conflicts(NamedTuple):
    """The conflicts of a graph, as numbers.

    ``ids`` tells by ``id()`` of an occurrence to which one it belongs, ``order`` in what order
    they are settled, ``companions`` with which others one shares a cycle, if with any. ``below``
    has for each the others that a way leads to, as bits; it is empty where there are cycles.
    """

    ids: Mapping[int, int]
    order: tuple[int, ...]
    companions: Mapping[int, frozenset[int]]
    below: Mapping[int, int]


def find_conflicts(roots: list[Occurrence]) -> Conflicts:
    """Return the conflicts in a graph, which must stay as it is while this works."""
    occurrences = _all(roots)
    ids = _ids(occurrences.values())
    graph = _Graph(ids)
    graph.add(roots)
    order, companions = graph.sorted(), graph.cycles()
    return Conflicts(ids, order, companions, {} if companions else graph.below(order))


def _all(roots: list[Occurrence]) -> dict[int, Occurrence]:
    """Return every occurrence once, in the order of a walk."""
    found: dict[int, Occurrence] = {}
    lists = [iter(roots)]
    seen = {id(roots)}
    while lists:
        occurrence = next(lists[-1], None)
        if occurrence is None:
            lists.pop()
            continue
        found[id(occurrence)] = occurrence
        if id(occurrence.children) not in seen:
            seen.add(id(occurrence.children))
            lists.append(iter(occurrence.children))
    return found


def _ids(occurrences: Iterable[Occurrence]) -> dict[int, int]:
    """Return the number of each occurrence's conflict; relocated artifacts share one."""
    representative: dict[Key, Key] = {}

    def find(key: Key) -> Key:
        while (above := representative.setdefault(key, key)) != key:
            key = above
        return key

    found = list(occurrences)
    for occurrence in found:
        key = occurrence.artifact.key
        for before in occurrence.moved_from:
            representative[find(before.key)] = find(key)
    numbers: dict[Key, int] = {}
    return {
        id(occurrence): numbers.setdefault(find(occurrence.artifact.key), len(numbers))
        for occurrence in found
    }


class _Conflict:
    __slots__ = ("children", "depth", "number", "parents")

    def __init__(self, number: int, depth: int) -> None:
        self.number, self.depth = number, depth
        self.children: dict[int, _Conflict] = {}
        self.parents = 0

    def raise_to(self, depth: int) -> None:
        """Note a shorter way from the project to here."""
        if depth < self.depth:
            self.depth = depth
            for child in self.children.values():
                child.raise_to(depth + 1)


class _Graph:
    """Conflicts, each leading to those of what its occurrences bring along."""

    def __init__(self, ids: Mapping[int, int]) -> None:
        self._ids = ids
        self._conflicts: dict[int, _Conflict] = {}
        self._seen: set[int] = set()

    def add(
        self, occurrences: list[Occurrence], parent: _Conflict | None = None, depth: int = 1
    ) -> None:
        for occurrence in occurrences:
            number = self._ids[id(occurrence)]
            conflict = self._conflicts.get(number)
            if conflict is None:
                conflict = self._conflicts[number] = _Conflict(number, depth)
            else:
                conflict.raise_to(depth)
            if parent is not None and number not in parent.children:
                parent.children[number] = conflict
                conflict.parents += 1
            if id(occurrence) not in self._seen:
                self._seen.add(id(occurrence))
                self.add(occurrence.children, conflict, depth + 1)

    def sorted(self) -> tuple[int, ...]:
        """Order from parents to children; a cycle is entered where it is nearest."""
        waiting = {number: conflict.parents for number, conflict in self._conflicts.items()}
        order: list[int] = []
        ready = [conflict for conflict in self._conflicts.values() if not conflict.parents]
        while len(order) < len(self._conflicts):
            if not ready:
                # Below nothing is what was entered before and has been reached from within since.
                entered = min(
                    (found for found in self._conflicts.values() if waiting[found.number] > 0),
                    key=lambda conflict: (conflict.depth, waiting[conflict.number]),
                )
                waiting[entered.number] = 0
                ready.append(entered)
            ready.sort(key=lambda conflict: conflict.depth)  # stable: first come, first served
            conflict = ready.pop(0)
            order.append(conflict.number)
            for child in conflict.children.values():
                waiting[child.number] -= 1
                if waiting[child.number] == 0:
                    ready.append(child)
        return tuple(order)

    def below(self, order: Iterable[int]) -> Mapping[int, int]:
        """Return for each conflict those that ways from it lead to, if none of them is a cycle."""
        found: dict[int, int] = {}
        for number in reversed(tuple(order)):
            bits = 0
            for child in self._conflicts[number].children:
                bits |= 1 << child | found[child]
            found[number] = bits
        return found

    def cycles(self) -> Mapping[int, frozenset[int]]:
        """Return for each conflict in a cycle all those that its cycles lead through."""
        companions: dict[int, set[int]] = {}
        path: dict[int, int] = {}
        done: set[int] = set()

        def visit(conflict: _Conflict) -> None:
            start = path.get(conflict.number)
            if start is not None:
                cycle = [number for number, place in path.items() if place >= start]
                for number in cycle:
                    companions.setdefault(number, set()).update(cycle)
                return
            if conflict.number in done:
                return
            done.add(conflict.number)
            path[conflict.number] = len(path)
            for child in conflict.children.values():
                visit(child)
            del path[conflict.number]

        for conflict in self._conflicts.values():
            visit(conflict)
        return {number: frozenset(found) for number, found in companions.items()}
