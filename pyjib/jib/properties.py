"""Which property counts: Jib's look-up of ``jib.*`` (``jib-plugins-and-cli`` §1.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import NamedTuple

from pyjib.events import Warned
from pyjib.frozen import frozen
from pyjib.project.maven.model import nothing

_POM_BEFORE_SYSTEM_SINCE = (3, 4, 6)

OF_THE_JVM = frozenset(
    {
        "jib.console",
        "jib.useOnlyProjectCache",
        "jib.baseImageCache",
        "jib.applicationCache",
        "jib.httpTimeout",
        "jib.serialize",
        "jib.blobMounts",
        "jib.skipExistingImages",
        "jib.disableUpdateChecks",
        "jib.configDirectory",
        "jib.requiredVersion",
        "sendCredentialsOverHttp",
    }
)
"""Properties that Jib asks the JVM for, so that ``<properties>`` of a POM have no say."""


_HONOURED_IN_JVM = frozenset(
    {
        "jib.requiredVersion",
        "jib.configDirectory",
        "jib.disableUpdateChecks",
        "jib.console",
        "sendCredentialsOverHttp",
    }
)
"""Of these, those that are honoured, or ask for what is so anyway."""


class Found(NamedTuple):
    """A value, and where it is from, in words."""

    value: str
    origin: str


@frozen
class Properties:
    """The three places for properties; the first that has one counts, even if it is empty.

    ``user`` are those of ``-D``, ``model`` the POM's, ``system`` those of the JVM and its
    environment. ``release`` is that of Jib: until 3.4.5 ``system`` came before ``model``.
    """

    user: Mapping[str, str] = field(default_factory=nothing)
    model: Mapping[str, str] = field(default_factory=nothing)
    system: Mapping[str, str] = field(default_factory=nothing, repr=False)
    release: tuple[int, ...] = _POM_BEFORE_SYSTEM_SINCE

    def find(self, name: str) -> Found | None:
        """Look a ``jib.*`` property up as Jib does."""
        if self.release < _POM_BEFORE_SYSTEM_SINCE:
            return self.find_as_maven(name)
        return self._first(name, "user", "model", "system")

    def find_as_maven(self, name: str) -> Found | None:
        """Look a property up as Maven does for parameters of plugins."""
        return self._first(name, "user", "system", "model")

    def find_in_jvm(self, name: str) -> Found | None:
        """Look a property up that is the JVM's own."""
        return self._first(name, "user", "system")

    def misspelt(self, known: Iterable[str]) -> tuple[str, ...]:
        """Return the user's ``jib.*`` properties that mean nothing to Jib.

        Those of a POM are let be: ``jib.version`` and the like serve the POM itself.
        """
        meaningful = {*known, *OF_THE_JVM}
        return tuple(
            name for name in self.user if name.startswith("jib.") and name not in meaningful
        )

    def _first(self, name: str, *places: str) -> Found | None:
        for place in places:
            if name in getattr(self, place):
                return Found(getattr(self, place)[name], _ORIGINS[place].format(name))
        return None


def ineffective_properties(properties: Properties, known: Iterable[str]) -> Iterator[Warned]:
    """Tell of the user's properties that mean nothing to Jib, and of those that do here only."""
    for name in properties.misspelt(known):
        yield Warned(message=f"-D {name} has no meaning to Jib", hint="see pyjib build --help")
    for name in sorted(OF_THE_JVM - _HONOURED_IN_JVM):
        if name in properties.user:
            yield Warned(message=f"-D {name} is a setting of Jib's that pyjib does not have")


_ORIGINS = {
    "user": "-D {}",
    "model": "the property {} of the POM",
    "system": "the system property {}",
}
