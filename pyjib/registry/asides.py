"""What registries say by the way, in ``Warning`` headers: shown, and never acted on."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from pyjib.events import Listener, Warned
from pyjib.patterns import late
from pyjib.registry.refusal import printable

_MOST = 20
_LONGEST = 4096
_WARNING = late(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"')


class Asides:
    """Shows each text once, and no more than twenty in all; safe for threads."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._shown: set[str] = set()

    def show(self, registry: str, lines: Iterable[str]) -> None:
        """Tell what a registry's header lines say that was not told before."""
        for line in lines:
            match = _WARNING.match(line[:_LONGEST])
            if match is None:
                continue
            text = f"{registry} says: {printable(match[1], 1000)}"
            with self._lock:
                is_news = text not in self._shown and len(self._shown) < _MOST
                if is_news:
                    self._shown.add(text)
            if is_news:
                self._listener(Warned(message=text))
