"""Finding logins: the first source that has one counts; ``sources`` has their order.

Nothing is looked up before a registry asks for a login.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable

from pyjib.cancellation import Cancellation
from pyjib.events import Listener, Warned, ignore
from pyjib.options import HostEnvironment, RegistryOptions
from pyjib.registry.login.cloud.model import CloudTools
from pyjib.registry.login.credential import Credential, Search
from pyjib.registry.login.sources import Memory, Places, look_through

_EARLY = 60.0
_PAUSE = 10.0
"""A login that ends within ``_EARLY`` seconds is looked for anew, every ``_PAUSE`` at most."""
_PATIENCE = 60.0
"""A source that stays with a login that was refused is asked for another so often at most."""


def search_for(
    registry: str,
    options: RegistryOptions,
    host: HostEnvironment,
    *,
    repository: str = "",
    memory: Memory | None = None,
    cloud: CloudTools | None = None,
    cancellation: Cancellation | None = None,
) -> Search:
    """Look for a login to ``registry``, or to a part of it that ``repository`` lies in.

    ``memory`` is of former searches. Raises ``CancelledError`` only: other failures are told.
    """
    from pyjib.registry.login.cloud.providers import provider_of  # noqa: PLC0415  only who is asked pays

    places = Places(
        registry=registry,
        repository=repository,
        options=options,
        host=host,
        memory=memory or Memory(),
        provider=provider_of(registry, host),
        cloud=cloud,
        cancellation=cancellation,
    )
    found, steps, failure = look_through(places.sources())
    return Search(credential=found, steps=tuple(steps), failure=failure)


class Finder:
    """Remembers what was found, so that each helper and file is asked once; safe for threads.

    ``cloud`` makes the tools for clouds' own logins when they are needed. ``listener`` is told,
    once for each, of files that may not be read, and of those named that are not there.
    """

    def __init__(
        self,
        options: RegistryOptions,
        host: HostEnvironment,
        cloud: Callable[[], CloudTools] | None = None,
        cancellation: Cancellation | None = None,
        listener: Listener = ignore,
    ) -> None:
        self._listener = listener
        self._warned: set[str] = set()
        self._options = options
        self._host = host
        self._cloud = cloud
        self._cancellation = cancellation
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], Search] = {}
        self._memory = Memory()
        self._due: dict[Hashable, float] = {}

    def find(self, registry: str, repository: str = "") -> Search:
        """Return what ``search_for`` does, looked up once, and again before it ends.

        Raises ``ConfigurationError`` for a file or a helper that cannot be used: going on would
        mean asking with another login than the one that was set up.
        """
        search = self.search(registry, repository)
        if search.failure is not None:
            raise search.failure
        return search

    def search(self, registry: str, repository: str = "") -> Search:
        """Do the same, and tell a failure instead of raising it."""
        with self._lock:  # a helper may ask the user: one question at a time
            search = self._found.get((registry, repository))
            if search is None:
                search = self._found[registry, repository] = self._search(registry, repository)
            elif self._is_due(registry, repository, search.credential):
                if search.credential is not None:
                    self._memory.forget(search.credential)
                fresh = self._search(registry, repository)
                # What is about to end is better than nothing for as long as it lasts.
                if fresh.credential is not None or not _lasts(search.credential):
                    search = self._found[registry, repository] = fresh
            return search

    def again(self, registry: str, repository: str, refused: Credential) -> Credential | None:
        """Return another login than the one that was refused, if its source has one by now.

        A source that stays with its login is asked once a minute, whatever the number of calls:
        it may ask the user, and what one repository refuses may end before the next one does.
        """
        with self._lock:
            if not refused.renewable:
                return None
            search = self._found.get((registry, repository))
            if search is None or search.credential == refused:
                if self._is_turn((registry, refused), _PATIENCE):
                    self._memory.forget(refused)
                search = self._search(registry, repository)
                self._found[registry, repository] = search
            fresh = search.credential
            return fresh if fresh != refused else None

    def known(self, registry: str, repository: str = "") -> Search | None:
        """Return what was found before, without looking."""
        return self._found.get((registry, repository))

    def _search(self, registry: str, repository: str) -> Search:
        search = search_for(
            registry,
            self._options,
            self._host,
            repository=repository,
            memory=self._memory,
            cloud=self._cloud() if self._cloud is not None else None,
            cancellation=self._cancellation,
        )
        self._warn(search)
        return search

    def _warn(self, search: Search) -> None:
        told: dict[str, list[str]] = {}
        for step in search.steps:
            if step.hint and step.source not in self._warned:
                self._warned.add(step.source)
                told.setdefault(step.hint, []).append(step.sentence)
        for hint, sentences in told.items():
            self._listener(Warned(message="; ".join(sentences), hint=f"going on without; {hint}"))

    def _is_due(self, registry: str, repository: str, held: Credential | None) -> bool:
        """Tell whether a login is about to end and was not looked for a moment ago."""
        if held is None or held.ends is None or time.monotonic() < held.ends - _EARLY:
            return False
        return self._is_turn((registry, repository), _PAUSE)

    def _is_turn(self, key: Hashable, pause: float) -> bool:
        """Tell whether ``pause`` seconds have passed since this was last true of ``key``."""
        now = time.monotonic()
        is_turn = now >= self._due.get(key, 0.0)
        if is_turn:
            self._due[key] = now + pause
        return is_turn


def _lasts(held: Credential | None) -> bool:
    return held is not None and held.ends is not None and time.monotonic() < held.ends
