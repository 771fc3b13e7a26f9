"""Asking a base's mirrors in order, and at last its registry."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from pyjib.errors import (
    ContentError,
    NotFoundError,
    OfflineError,
    RegistryError,
    TransportError,
)
from pyjib.events import Listener, Warned
from pyjib.oci.digest import Digest
from pyjib.oci.reference import Reference
from pyjib.registry.client import RegistryClient
from pyjib.registry.mirrors import Place

_PATIENCE = 3
"""Attempts at a layer from a mirror: what breaks goes on, and what is down has a registry behind it."""

T = TypeVar("T")


class Places:
    """The places that hold one repository; safe for threads.

    The mirror that gave something is asked first from then on, and one that is out of order no
    more. ``mirror`` is the host of the last mirror that gave anything, ``None`` if none did.
    """

    def __init__(self, client: RegistryClient, reference: Reference, listener: Listener) -> None:
        self.mirror: str | None = None
        self._client = client
        self._reference = reference
        self._listener = listener
        *mirrors, self._last = client.places(reference)
        self._mirrors: list[Place] = mirrors
        self._passed_over: dict[str, str] = {}
        self._lock = threading.Lock()

    def by_tag(self, ask: Callable[[RegistryClient, Reference], T]) -> T:
        """Return what the first place gives for the tag; raises what the last one says no by."""
        return self._first([place for place in self._in_order() if place.tags], ask, None)

    def by_digest(
        self,
        digest: Digest,
        ask: Callable[[RegistryClient, Reference], T],
        *,
        patient: bool = False,
    ) -> T:
        """Return what the first place gives for a digest; raises what the last one says no by.

        ``patient`` asks mirrors a few times, for what is long under way.
        """
        places = [place for place in self._in_order() if place.digests]
        return self._first(places, ask, digest, patient=patient)

    def _in_order(self) -> list[Place]:
        with self._lock:
            return list(self._mirrors)

    def _first(
        self,
        places: list[Place],
        ask: Callable[[RegistryClient, Reference], T],
        digest: Digest | None,
        *,
        patient: bool = False,
    ) -> T:
        client = self._client.hasty(_PATIENCE if patient else 1)
        lacking: list[str] = []
        for place, reference in _references(places, digest):
            try:
                found = ask(client.at(place), reference)
            except NotFoundError:
                lacking.append(place.reference.registry)  # which is no news
            except OfflineError:
                continue  # nor is that
            except (RegistryError, TransportError, ContentError) as error:
                self._pass_over(place, error)
            else:
                self._prefer(place)
                return found
        _, reference = next(_references([self._last], digest))
        try:
            return ask(self._client.at(self._last), reference)
        except (RegistryError, TransportError, ContentError) as error:
            words = self._words(lacking)
            if not error.message.endswith(words):  # threads may share what is wrong with a token
                error.add(words)
            raise

    def _pass_over(
        self, place: Place, error: RegistryError | TransportError | ContentError
    ) -> None:
        """Tell why a mirror is of no use."""
        mirror = place.reference.registry
        with self._lock:
            known = place not in self._mirrors
            self._mirrors = [other for other in self._mirrors if other != place]
            self._passed_over.setdefault(mirror, _reason(error))
        if not known:
            self._listener(
                Warned(
                    message=f"the mirror {mirror} of {self._reference.registry} is passed over: "
                    f"{error.message}",
                    hint=error.hint,
                )
            )

    def _words(self, lacking: list[str]) -> str:
        """Return what an error of the last place may say of those that were asked before it."""
        with self._lock:
            failed = [f"the mirror {host} failed: {why}" for host, why in self._passed_over.items()]
        lacked = [f"the mirror {host} does not have it" for host in lacking]
        place = self._last.reference.registry
        origin = self._reference.registry
        asked = [f"{place} was asked in place of {origin}"] if place != origin else []
        return "".join(f"; {words}" for words in (*asked, *failed, *lacked))

    def _prefer(self, place: Place) -> None:
        with self._lock:
            self.mirror = place.reference.registry
            self._mirrors.sort(key=lambda other: other != place)


def _reason(error: RegistryError | TransportError | ContentError) -> str:
    action = "" if isinstance(error, ContentError) else error.action
    return error.message.removeprefix(f"cannot {action}: ")


def _references(places: list[Place], digest: Digest | None) -> Iterator[tuple[Place, Reference]]:
    for place in places:
        reference = place.reference
        yield place, reference if digest is None else replace(reference, digest=digest)
