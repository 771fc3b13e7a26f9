"""One version and one scope for each artifact: the nearest wins, and others are taken out.

For each conflict the surviving graph is walked for the occurrences of one artifact; one of them
wins, gets the scope that all of them together ask for, and the others leave their lists.
Specification: ``maven-and-gradle-projects`` §2.3 and §2.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pyjib.errors import DependencyError
from pyjib.project.maven.collect import Occurrence
from pyjib.project.maven.conflicts import Conflicts, find_conflicts

if TYPE_CHECKING:
    from pyjib.project.maven.version import VersionRange

_WIDEST_FIRST = ("compile", "runtime", "provided", "test")
_SYSTEM = "system"


def mediate(roots: list[Occurrence]) -> None:
    """Leave one occurrence of each artifact in a graph, where it stood, with its final scope.

    Raises ``DependencyError`` where no version is in all the ranges that are asked for.
    """
    conflicts = find_conflicts(roots)
    _Mediation(roots, conflicts).run()


class _Candidate:
    """An occurrence that may win; ``scopes`` are those that all paths to it lead to."""

    __slots__ = ("depth", "occurrence", "optionals", "scopes", "siblings")

    def __init__(
        self, siblings: list[Occurrence], occurrence: Occurrence, scope: str, *, optional: bool
    ) -> None:
        self.siblings, self.occurrence = siblings, occurrence
        self.scopes = {scope}
        self.optionals = {optional}
        self.depth = 0


class _Visited:
    """What is known of a list of children in the walk for one conflict."""

    __slots__ = ("candidates", "depth", "optionals", "scopes")

    def __init__(self, depth: int, scope: str, *, optional: bool) -> None:
        self.depth = depth
        self.scopes = {scope}
        self.optionals = {optional}
        self.candidates: list[_Candidate] = []


class _Mediation:
    def __init__(self, roots: list[Occurrence], conflicts: Conflicts) -> None:
        self._roots, self._ids, self._conflicts = roots, conflicts.ids, conflicts
        self._winners: dict[int, Occurrence | None] = {}
        self._passable: set[int] = set()
        self._current = -1
        self._bit = 1
        self._candidates: list[_Candidate] = []
        self._visited: dict[int, _Visited] = {}
        self._open: set[int] = set()

    def run(self) -> None:
        """Settle all conflicts, from the project downwards."""
        winner: Occurrence | None = None
        for number in self._conflicts.order:
            self._current, self._bit = number, 1 << number
            self._passable |= self._conflicts.companions.get(number, frozenset())
            self._walk_all()
            self._passable.add(number)
            winner = self._settle() if self._candidates else None
            self._winners[number] = winner
        if winner is not None and self._conflicts.companions:
            self._current = -1
            self._walk_all()  # for losers that cycles hid

    def _walk_all(self) -> None:
        self._candidates, self._visited = [], {}
        self._walk(self._roots, "", optional=False, depth=0)
        for candidate in self._candidates:
            candidate.depth = self._visited[id(candidate.siblings)].depth + 1

    def _walk(self, siblings: list[Occurrence], scope: str, *, optional: bool, depth: int) -> None:
        """Gather candidates below a list whose parent has that scope; drop losers passed by."""
        key = id(siblings)
        if key in self._open:
            return
        visited = self._visited.get(key)
        is_new = visited is None
        if visited is None:
            visited = self._visited[key] = _Visited(depth, scope, optional=optional)
        elif not _update(visited, scope, optional=optional, depth=depth):
            return
        self._open.add(key)
        losers = False
        ids, current, winners, passable = self._ids, self._current, self._winners, self._passable
        below, bit = self._conflicts.below, self._bit
        for child in siblings:
            number = ids[id(child)]
            if number == current:
                if is_new:
                    self._found(child, siblings, visited, scope, optional=optional)
                continue
            winner = winners.get(number)
            if winner is not None and winner is not child:
                losers = True
            elif child.children and number in passable and below.get(number, bit) & bit:
                if number in winners:
                    path_scope, path_optional = child.scope, child.optional
                else:
                    path_scope = _derived(child, scope)
                    path_optional = _is_optional(child, below=optional)
                self._walk(child.children, path_scope, optional=path_optional, depth=depth + 1)
        if losers:
            self._drop_losers(siblings)
        self._open.discard(key)

    def _found(
        self,
        child: Occurrence,
        siblings: list[Occurrence],
        visited: _Visited,
        scope: str,
        *,
        optional: bool,
    ) -> None:
        candidate = _Candidate(
            siblings,
            child,
            _derived(child, scope),
            optional=_is_optional(child, below=optional),
        )
        visited.candidates.append(candidate)
        self._candidates.append(candidate)

    def _drop_losers(self, siblings: list[Occurrence]) -> None:
        siblings[:] = [
            child for child in siblings if self._winners.get(self._ids[id(child)]) in (None, child)
        ]

    def _settle(self) -> Occurrence:
        winner = _nearest(self._candidates).occurrence
        if winner.scope != _SYSTEM:
            winner.scope = _widest(self._candidates)
        winner.optional = _all_optional(self._candidates)
        for candidate in self._candidates:
            if candidate.occurrence is not winner:
                _remove(candidate.siblings, candidate.occurrence)
        return winner


def _update(visited: _Visited, scope: str, *, optional: bool, depth: int) -> bool:
    """Note another way to a list; tell whether it changes what is below."""
    visited.depth = min(visited.depth, depth)
    changed = False
    if scope not in visited.scopes:
        visited.scopes.add(scope)
        for candidate in visited.candidates:
            candidate.scopes.add(_derived(candidate.occurrence, scope))
        changed = True
    if optional not in visited.optionals:
        visited.optionals.add(optional)
        for candidate in visited.candidates:
            candidate.optionals.add(_is_optional(candidate.occurrence, below=optional))
        changed = True
    return changed


def _derived(child: Occurrence, scope: str) -> str:
    """Return the scope that an occurrence has below a parent of some scope."""
    if child.is_scope_managed or child.scope in (_SYSTEM, "test") or scope in ("", "compile"):
        return child.scope
    if scope in ("test", "runtime"):
        return scope
    return "provided" if scope in ("provided", _SYSTEM) else "runtime"


def _is_optional(child: Occurrence, *, below: bool) -> bool:
    return child.optional or (below and not child.is_optional_managed)


def _nearest(candidates: Sequence[_Candidate]) -> _Candidate:
    """Choose the winner: nearest first, of siblings the highest version, ranges respected."""
    ranges: list[VersionRange] = []
    kept: list[_Candidate] = []
    winner: _Candidate | None = None
    for candidate in candidates:
        hard = candidate.occurrence.hard
        again = False
        if hard is not None and hard not in ranges:
            ranges.append(hard)
            again = winner is not None and not hard.contains(winner.occurrence.artifact.version)
        if _is_in(ranges, candidate):
            kept.append(candidate)
            if not again and (winner is None or _is_nearer(candidate, winner)):
                winner = candidate
        if again:
            winner = None
            kept = [found for found in kept if _is_in(ranges, found)]
            for found in kept:
                if winner is None or _is_nearer(found, winner):
                    winner = found
            if winner is None:
                raise _no_common_version(candidates)
    if winner is None:
        raise _no_common_version(candidates)
    return winner


def _is_in(ranges: Iterable[VersionRange], candidate: _Candidate) -> bool:
    version = candidate.occurrence.artifact.version
    return all(found.contains(version) for found in ranges)


def _is_nearer(one: _Candidate, other: _Candidate) -> bool:
    if one.siblings is other.siblings:
        from pyjib.project.maven.version import Version  # noqa: PLC0415 - few are siblings

        return Version.parse(one.occurrence.artifact.version) > Version.parse(
            other.occurrence.artifact.version
        )
    return one.depth < other.depth


def _widest(candidates: Sequence[_Candidate]) -> str:
    """Return the scope of a direct dependency as declared, else the widest of all paths."""
    scopes: set[str] = set()
    for candidate in candidates:
        if candidate.depth <= 1:
            return candidate.occurrence.scope
        scopes |= candidate.scopes
    if len(scopes) > 1:
        scopes.discard(_SYSTEM)
    if len(scopes) == 1:
        return scopes.pop()
    return next((scope for scope in _WIDEST_FIRST if scope in scopes), "")


def _all_optional(candidates: Sequence[_Candidate]) -> bool:
    for candidate in candidates:
        if candidate.depth <= 1:
            return candidate.occurrence.optional
    return all(candidate.optionals == {True} for candidate in candidates)


def _remove(siblings: list[Occurrence], occurrence: Occurrence) -> None:
    for index, sibling in enumerate(siblings):
        if sibling is occurrence:
            del siblings[index]
            return


def _no_common_version(candidates: Sequence[_Candidate]) -> DependencyError:
    group, artifact = candidates[0].occurrence.artifact[:2]
    wanted = dict.fromkeys(
        str(found.occurrence.hard or found.occurrence.artifact.version) for found in candidates
    )
    return DependencyError(
        f"no version of {group}:{artifact} satisfies all that ask for it: {', '.join(wanted)}",
        hint="choose one in the project's dependencyManagement",
    )
