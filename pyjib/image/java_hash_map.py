"""The order in which ``java.util.HashMap`` iterates over texts.

Jib keeps ``Env`` and ``Labels`` in such maps, so the order is part of the image ID. What the
order depends on (hash, capacity, the way entries came in) is documented by the class and stable
but for one change in JDK 19: how large a map becomes that is filled from another one.

Bins that Java turns into trees (more than eight names in one bucket) are not modelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_INITIAL_CAPACITY = 16
_CEILING_SINCE = 19


class JavaHashMap:
    """A map of texts to texts that iterates as Java's does on a JDK of that major version."""

    def __init__(self, jdk: int) -> None:
        self._jdk = jdk
        self._capacity = 0  # no table yet
        self._entries: dict[str, str] = {}

    def put(self, key: str, value: str) -> None:
        """Add an entry, or overwrite the value of a key, which then keeps its place."""
        if not self._capacity:
            self._capacity = _INITIAL_CAPACITY
        self._entries[key] = value
        if len(self._entries) > _threshold(self._capacity):
            self._capacity *= 2

    def put_all(self, entries: Mapping[str, str]) -> None:
        """Add the entries of another map in its order, making room for all of them first."""
        if not entries:
            return
        if not self._capacity:
            self._capacity = _capacity_for(len(entries), self._jdk)
        while len(entries) > _threshold(self._capacity):
            self._capacity *= 2
        for key, value in entries.items():
            self.put(key, value)

    def entries(self) -> dict[str, str]:
        """Return the entries in the order of iteration.

        Splitting a bucket keeps the order within, so only the last capacity counts: buckets
        ascending, and in each the order in which its keys first came.
        """
        mask = self._capacity - 1
        return dict(sorted(self._entries.items(), key=lambda entry: _spread(entry[0]) & mask))


def set_order(texts: Iterable[str], *, jdk: int) -> tuple[str, ...]:
    """Return texts as a ``java.util.HashSet`` iterates that they were added to one by one."""
    elements = JavaHashMap(jdk)
    for text in texts:
        elements.put(text, "")
    return tuple(elements.entries())


def _spread(text: str) -> int:
    data = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for place in range(0, len(data), 2):
        value = (value * 31 + (data[place] << 8 | data[place + 1])) & 0xFFFFFFFF
    return value ^ (value >> 16)


def _threshold(capacity: int) -> int:
    return capacity * 3 // 4


def _capacity_for(size: int, jdk: int) -> int:
    """Return the capacity of a new map that is filled from one of ``size`` entries."""
    wanted = -(-4 * size // 3) if jdk >= _CEILING_SINCE else 4 * size // 3 + 1
    return 1 << (wanted - 1).bit_length()
